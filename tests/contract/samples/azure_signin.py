"""Records of Microsoft Entra, written after Graph's ``signIn``, ``directoryAudit`` and ``riskDetection``."""

from typing import Any

TENANT = "7e0a0000-0000-4000-8000-00000000000b"
ANN = "a0000000-0000-4000-8000-00000000000c"
BOB = "a0000000-0000-4000-8000-00000000001c"
ROBOT = "b0000000-0000-4000-8000-00000000000d"
APP = "c0000000-0000-4000-8000-00000000000e"
ROLE = "d0000000-0000-4000-8000-00000000000f"


def envelope(category: str, operation: str, properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A record as a diagnostic setting sends it."""
    return {
        "time": "2026-03-02T09:13:00.1234567Z",
        "resourceId": f"/tenants/{TENANT}/providers/Microsoft.aadiam",
        "operationName": operation,
        "operationVersion": "1.0",
        "category": category,
        "tenantId": TENANT,
        "resultType": "0",
        "resultSignature": "None",
        "durationMs": 0,
        "callerIpAddress": "203.0.113.7",
        "correlationId": "e0000000-0000-4000-8000-000000000001",
        "Level": 4,
        "properties": properties,
    } | fields


def signed_in(number: int = 1, code: int = 0, **fields: Any) -> dict[str, Any]:
    """A sign-in of Ann's, as Graph has it."""
    return {
        "id": f"66ea54eb-6301-4ee5-be62-{number:012d}",
        "createdDateTime": "2026-03-02T09:13:00Z",
        "userDisplayName": "Ann Lee",
        "userPrincipalName": "Ann@acme.example",
        "userId": ANN,
        "appId": APP,
        "appDisplayName": "Azure Portal",
        "ipAddress": "203.0.113.7",
        "clientAppUsed": "Browser",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
        "isInteractive": True,
        "riskLevelDuringSignIn": "none",
        "uniqueTokenIdentifier": "IdP3SUJGtkGlt7dDQVRPAA",
        "sessionId": "00aa11bb-0000-4000-8000-000000000002",
        "resourceDisplayName": "Azure Resource Manager",
        "status": {"errorCode": code, "failureReason": "Other."},
        "deviceDetail": {"deviceId": "", "displayName": "LAPTOP-7", "operatingSystem": "Linux"},
    } | fields


def audited(name: str, category: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    """What Ann did in the directory, as Graph has it."""
    return {
        "id": f"Directory_{number:06d}",
        "category": category,
        "result": "success",
        "resultReason": "",
        "activityDisplayName": name,
        "activityDateTime": "2026-03-02T09:13:00.1234567+00:00",
        "loggedByService": "Core Directory",
        "operationType": "Assign",
        "initiatedBy": {"user": {"id": ANN, "userPrincipalName": "ann@acme.example", "ipAddress": "203.0.113.7"}},
        "targetResources": [
            {"id": BOB, "displayName": None, "type": "User", "userPrincipalName": "Bob@acme.example"},
            {"id": ROLE, "displayName": "Global Administrator", "type": "Role"},
        ],
        "additionalDetails": [{"key": "User-Agent", "value": "EvoSTS"}],
    } | fields


SIGN_IN = envelope("SignInLogs", "Sign-in activity", signed_in())
WRONG = envelope(
    "SignInLogs", "Sign-in activity", signed_in(2, 50126, riskLevelDuringSignIn="medium"), resultType="50126"
)
ROBOTS = envelope(
    "ServicePrincipalSignInLogs",
    "Sign-in activity",
    {
        "id": "66ea54eb-6301-4ee5-be62-000000000003",
        "createdDateTime": "2026-03-02T09:13:00Z",
        "servicePrincipalId": ROBOT,
        "servicePrincipalName": "deployer",
        "appId": APP,
        "servicePrincipalCredentialKeyId": "f0000000-0000-4000-8000-000000000004",
        "resourceDisplayName": "Azure Key Vault",
        "resourceServicePrincipalId": "f0000000-0000-4000-8000-000000000005",
        "uniqueTokenIdentifier": "k9Zx0000000000000000AA",
        "status": {"errorCode": 0},
    },
)
GRANTED = envelope("AuditLogs", "Add member to role", audited("Add member to role", "RoleManagement"), resultType=None)
SECRET = envelope(
    "AuditLogs",
    "Add service principal credentials",
    audited(
        "Add service principal credentials",
        "ApplicationManagement",
        2,
        operationType="Update",
        initiatedBy={"app": {"appId": APP, "displayName": "Terraform", "servicePrincipalId": ROBOT}},
        targetResources=[{"id": ROBOT, "displayName": "deployer", "type": "ServicePrincipal"}],
    ),
)
RISK = envelope(
    "UserRiskEvents",
    "User Risk Detection",
    {
        "id": "6a5874ca-abcd-9d82-5ad39bd71600",
        "riskEventType": "anonymizedIPAddress",
        "riskLevel": "medium",
        "riskState": "atRisk",
        "detectedDateTime": "2026-03-02T09:15:00Z",
        "userId": ANN,
        "userPrincipalName": "ann@acme.example",
        "ipAddress": "198.51.100.7",
        "additionalInfo": '[{"Key":"userAgent","Value":"x"},{"Key":"mitreTechniques","Value":"T1090.003,T1078"}]',
    },
    callerIpAddress="198.51.100.7",
)
PROVISIONED = envelope("ProvisioningLogs", "Provisioning activity", {"id": "1"})

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "hub": ({"records": [SIGN_IN, WRONG, ROBOTS, GRANTED, SECRET, RISK, PROVISIONED]}, {}),
    "line": (SIGN_IN, {}),
    "Graph sign-ins": ({"value": [signed_in(5), signed_in(6, signInEventTypes=["nonInteractiveUser"])]}, {}),
    "Graph audit": (audited("Update policy", "Policy", 7, operationType="Update"), {}),
}
