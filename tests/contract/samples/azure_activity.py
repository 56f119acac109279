"""Records of the Azure activity log, written after "Azure Activity Log event schema": hub records and REST events."""

from typing import Any

SUBSCRIPTION = "5AF1c0de-0000-4000-8000-00000000000a"
TENANT = "7e0a0000-0000-4000-8000-00000000000b"
ANN = "a0000000-0000-4000-8000-00000000000c"
ROBOT = "b0000000-0000-4000-8000-00000000000d"
APP = "c0000000-0000-4000-8000-00000000000e"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Shop"
SERVER = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/Web-1"
SOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
CLAIMS = {
    f"{SOAP}upn": "Ann@acme.example",
    f"{SOAP}name": "Ann@acme.example",
    "http://schemas.microsoft.com/identity/claims/objectidentifier": ANN.upper(),
    "http://schemas.microsoft.com/identity/claims/tenantid": TENANT,
    "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    "ipaddr": "203.0.113.7",
    "uti": "IdP3SUJGtkGlt7dDQVRPAA",
    "name": "Ann Lee",
}


def record(operation: str, result: str = "Success", number: int = 1, **fields: Any) -> dict[str, Any]:
    """What Ann did to the server; a field that is None is left out."""
    given = {
        "time": "2026-03-02T09:13:00.1234567Z",
        "resourceId": SERVER.upper(),
        "operationName": operation.upper(),
        "category": "Administrative",
        "resultType": result,
        "resultSignature": f"{result}.",
        "durationMs": "0",
        "callerIpAddress": "203.0.113.7",
        "correlationId": f"d0000000-0000-4000-8000-{number:012d}",
        "identity": {"authorization": {"scope": SERVER, "action": operation}, "claims": CLAIMS},
        "level": "Information",
        "properties": {"eventCategory": "Administrative", "entity": SERVER, "message": operation, "hierarchy": TENANT},
        "tenantId": TENANT,
    } | fields
    return {name: value for name, value in given.items() if value is not None}


ASSIGNMENT = record(
    "Microsoft.Authorization/roleAssignments/write",
    number=2,
    resourceId=f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/e0000000-0000-4000-8000-00000000000f",
    properties={"requestbody": f'{{"Id":"x","Properties":{{"PrincipalId":"{ROBOT}","RoleDefinitionId":"/y"}}}}'},
)
ACCEPTED = record("Microsoft.Compute/virtualMachines/write", "Accept", 3, resultSignature="Accepted.Created")
BEGUN = record("Microsoft.Compute/virtualMachines/write", "Start", 3, resultSignature="Started.")
ENDED = record("Microsoft.Compute/virtualMachines/write", number=3, time="2026-03-02T09:15:00Z")
REFUSED = record("Microsoft.Compute/virtualMachines/delete", "Failure", 4, resultSignature="Failed.Forbidden")
BY_APP = record(
    "Microsoft.KeyVault/vaults/secrets/write",
    number=5,
    identity={
        "claims": {
            "appid": APP,
            "http://schemas.microsoft.com/identity/claims/objectidentifier": ROBOT,
            "uti": "k9Zx0000000000000000AA",
        }
    },
)
LISTED = record("Microsoft.Storage/storageAccounts/listKeys/action", number=6)
HEALTH = record("Microsoft.ServiceHealth/incident/action", "Active", 7, category="ServiceHealth", properties=None)
BLOB = record(
    "PutBlob",
    number=8,
    category="StorageWrite",
    resultType=None,
    resultSignature=None,
    statusCode=201,
    callerIpAddress="198.51.100.9:29713",
    identity=None,
    properties={"userAgentHeader": "azsdk-python-storage-blob/12.27.1", "objectKey": "/shop/a.pdf"},
)
REST = {
    "authorization": {"action": "Microsoft.Network/networkSecurityGroups/write", "scope": GROUP},
    "caller": "bob@acme.example",
    "channels": "Operation",
    "claims": {},
    "correlationId": "d0000000-0000-4000-8000-000000000009",
    "eventDataId": "f0000000-0000-4000-8000-000000000001",
    "eventName": {"value": "EndRequest", "localizedValue": "End request"},
    "category": {"value": "Administrative", "localizedValue": "Administrative"},
    "httpRequest": {"clientIpAddress": "203.0.113.8", "method": "PUT"},
    "eventTimestamp": "2026-03-02T09:13:00.1234567Z",
    "level": "Informational",
    "operationName": {"value": "Microsoft.Network/networkSecurityGroups/write", "localizedValue": "x"},
    "resourceId": f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web",
    "status": {"value": "Succeeded", "localizedValue": "Succeeded"},
    "subStatus": {"value": "Created", "localizedValue": "Created"},
    "subscriptionId": SUBSCRIPTION,
    "properties": {"statusCode": "Created"},
}
ALERT = REST | {
    "eventDataId": "f0000000-0000-4000-8000-000000000002",
    "category": {"value": "Security"},
    "eventName": {"value": "Suspicious double extension file executed"},
    "operationName": {"value": "Microsoft.Security/locations/alerts/activate/action"},
    "resourceId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Security/locations/centralus/alerts/2518_a48f",
    "description": "Machine logs indicate that a process ran\r\nfrom a file with two extensions.",
    "status": {"value": "Active"},
    "properties": {"Severity": "High", "userName": "svc"},
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "hub": ({"records": [ASSIGNMENT, BEGUN, ACCEPTED, ENDED, REFUSED, BY_APP, LISTED, HEALTH]}, {}),
    "line": (record("Microsoft.Compute/virtualMachines/deallocate/action"), {}),
    "resource log": ([BLOB], {}),
    "REST": ({"value": [REST, ALERT]}, {}),
}
