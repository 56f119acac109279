"""Entries of Cloud Audit Logs, written after "LogEntry" and "AuditLog": each log, and each way an entry comes."""

from base64 import b64encode
from typing import Any

import orjson

PROJECT = "acme-pay"
ROBOT = "deployer@acme-pay.iam.gserviceaccount.com"


def entry(service: str, method: str, resource: str, log: str = "activity", number: int = 1, **payload: Any) -> Any:
    """A call of Ann's that succeeded; what is given beyond goes into the payload."""
    return {
        "insertId": f"1k2j3h{number:04d}",
        "logName": f"projects/{PROJECT}/logs/cloudaudit.googleapis.com%2F{log}",
        "timestamp": "2026-03-02T09:13:00.123456789Z",
        "receiveTimestamp": "2026-03-02T09:13:01.5Z",
        "severity": "NOTICE",
        "resource": {"type": "audited_resource", "labels": {"project_id": PROJECT}},
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "serviceName": service,
            "methodName": method,
            "resourceName": resource,
            "authenticationInfo": {"principalEmail": "Ann@acme.example", "principalSubject": "user:ann@acme.example"},
            "authorizationInfo": [{"resource": resource, "permission": "a.b.c", "granted": True}],
            "requestMetadata": {
                "callerIp": "203.0.113.7",
                "callerSuppliedUserAgent": "google-cloud-sdk gcloud/500.0.0 command/gcloud.run.deploy",
            },
            "status": {},
        }
        | payload,
    }


SERVICE = f"projects/{PROJECT}/locations/europe-west3/services/pay"
DEPLOYED = entry("run.googleapis.com", "google.cloud.run.v2.Services.UpdateService", SERVICE, number=1)
POLICY = entry(
    "cloudresourcemanager.googleapis.com",
    "SetIamPolicy",
    f"projects/{PROJECT}",
    number=2,
    serviceData={
        "@type": "type.googleapis.com/google.iam.v1.logging.AuditData",
        "policyDelta": {
            "bindingDeltas": [
                {"action": "ADD", "role": "roles/owner", "member": "user:eve@evil.example"},
                {"action": "ADD", "role": "roles/viewer", "member": "allUsers"},
            ]
        },
    },
)
KEY_NAME = f"projects/{PROJECT}/serviceAccounts/{ROBOT}/keys/0123456789abcdef0123456789abcdef01234567"
NEW_KEY = entry(
    "iam.googleapis.com",
    "google.iam.admin.v1.CreateServiceAccountKey",
    f"projects/-/serviceAccounts/{ROBOT}",
    number=3,
    response={"@type": "type.googleapis.com/google.iam.admin.v1.ServiceAccountKey", "name": KEY_NAME},
) | {
    "resource": {
        "type": "service_account",
        "labels": {"project_id": PROJECT, "email_id": ROBOT, "unique_id": "1045"},
    }
}
BY_KEY = entry(
    "storage.googleapis.com",
    "storage.objects.get",
    "projects/_/buckets/invoices/objects/1.pdf",
    "data_access",
    4,
    authenticationInfo={"principalEmail": ROBOT, "serviceAccountKeyName": f"//iam.googleapis.com/{KEY_NAME}"},
    authorizationInfo=[{"permission": "storage.objects.get", "granted": True, "permissionType": "DATA_READ"}],
)
IMPERSONATED = entry(
    "compute.googleapis.com",
    "v1.compute.firewalls.insert",
    f"projects/{PROJECT}/global/firewalls/allow-all",
    number=5,
    authenticationInfo={
        "principalEmail": ROBOT,
        "serviceAccountDelegationInfo": [
            {"principalSubject": f"serviceAccount:ci@{PROJECT}.iam.gserviceaccount.com"},
            {"firstPartyPrincipal": {"principalEmail": "bob@acme.example"}},
        ],
    },
) | {"operation": {"id": "operation-1", "producer": "compute.googleapis.com", "first": True}}
ENDED = entry(
    "compute.googleapis.com",
    "v1.compute.firewalls.insert",
    f"projects/{PROJECT}/global/firewalls/allow-all",
    number=6,
    authenticationInfo={"principalEmail": ROBOT},
) | {"operation": {"id": "operation-1", "producer": "compute.googleapis.com", "last": True}}
REFUSED = entry(
    "secretmanager.googleapis.com",
    "google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion",
    f"projects/{PROJECT}/secrets/db/versions/latest",
    "data_access",
    7,
    status={"code": 7, "message": "Permission denied on resource"},
) | {"severity": "ERROR"}
PERIMETER = entry(
    "storage.googleapis.com",
    "google.storage.objects.get",
    "projects/123456789012",
    "policy",
    8,
    metadata={"@type": "type.googleapis.com/google.cloud.audit.VpcServiceControlAuditMetadata"},
) | {"severity": "ERROR"}
MOVED = entry(
    "compute.googleapis.com",
    "compute.instances.migrateOnHostMaintenance",
    f"projects/{PROJECT}/zones/europe-west3-a/instances/web",
    "system_event",
    9,
    authenticationInfo={"principalEmail": "system@google.com"},
)
CLUSTER = entry(
    "k8s.io", "io.k8s.apps.v1.deployments.patch", "apps/v1/namespaces/shop/deployments/pay-api", number=10
) | {"resource": {"type": "k8s_cluster", "labels": {"project_id": PROJECT, "cluster_name": "prod"}}}
FEDERATED = entry(
    "iam.googleapis.com",
    "google.iam.admin.v1.SetIamPolicy",
    f"projects/{PROJECT}/serviceAccounts/{ROBOT}",
    number=11,
    authenticationInfo={
        "principalSubject": "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s"
    },
) | {"logName": "organizations/4711/logs/cloudaudit.googleapis.com%2Factivity", "resource": {"type": "organization"}}


def pushed(inner: object) -> dict[str, Any]:
    """What Pub/Sub sends to a push endpoint."""
    return {
        "message": {
            "data": b64encode(orjson.dumps(inner)).decode(),
            "attributes": {"logging.googleapis.com/timestamp": "2026-03-02T09:13:00.123456789Z"},
            "messageId": "2070443601311540",
            "publishTime": "2026-03-02T09:13:02Z",
        },
        "subscription": f"projects/{PROJECT}/subscriptions/weir",
    }


SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "deploy": (DEPLOYED, {}),
    "list": ([POLICY, NEW_KEY, BY_KEY, IMPERSONATED, ENDED, REFUSED], {}),
    "entries": ({"entries": [PERIMETER, MOVED, CLUSTER, FEDERATED]}, {}),
    "pushed": (pushed(DEPLOYED), {}),
}
