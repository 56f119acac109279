"""Audit events, written after "kube-apiserver Audit Configuration (v1)": lines of a log, batches of a webhook, rows."""

from typing import Any

ROBOT = "system:serviceaccount:shop:pay"
POD = "pay-api-7d9c6b5f4d-x2x7k"


def event(verb: str = "get", number: int = 1, **fields: Any) -> dict[str, Any]:
    """A request of a person that succeeded, at level Metadata; a field that is None is left out."""
    given = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": f"6f2d1c04-58a7-4a43-9d52-{number:012d}",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/shop/secrets/db?fieldManager=kubectl-edit",
        "verb": verb,
        "user": {"username": "ann@acme.example", "groups": ["system:authenticated"]},
        "sourceIPs": ["203.0.113.7", "198.51.100.20"],
        "userAgent": "kubectl/v1.31.2 (linux/amd64) kubernetes/5864a46",
        "objectRef": reference("secrets", "db"),
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-03-02T09:13:00.123456Z",
        "stageTimestamp": "2026-03-02T09:13:00.130000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    } | fields
    return {name: value for name, value in given.items() if value is not None}


def reference(resource: str, name: str | None, namespace: str | None = "shop", **more: str) -> dict[str, str]:
    """An ``objectRef``."""
    given = {"resource": resource, "namespace": namespace, "name": name, "apiVersion": "v1", **more}
    return {field: value for field, value in given.items() if value is not None}


def robot(**extra: str) -> dict[str, Any]:
    """A service account as the API server sees it: its pod, node and token in ``extra``."""
    known = {"pod-name": POD, "node-name": "worker-1", "credential-id": "JTI=0b0c", **extra}
    return {
        "username": ROBOT,
        "uid": "a5a0",
        "groups": ["system:serviceaccounts", "system:serviceaccounts:shop"],
        "extra": {f"authentication.kubernetes.io/{name.replace('_', '-')}": [value] for name, value in known.items()},
    }


def deployment(image: str = "ghcr.io/acme/pay:1.4") -> dict[str, Any]:
    """A Deployment as a request has it."""
    return {
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {"name": "pay-api", "namespace": "shop"},
        "spec": {"template": {"spec": {"containers": [{"name": "api", "image": image}]}}},
    }


ROLLOUT = event(
    "patch",
    2,
    level="Request",
    requestURI="/apis/apps/v1/namespaces/shop/deployments/pay-api",
    objectRef=reference("deployments", "pay-api", apiGroup="apps"),
    requestObject=deployment(),
)
BINDING = event(
    "create",
    3,
    level="RequestResponse",
    requestURI="/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    objectRef=reference("clusterrolebindings", "pay-admin", None, apiGroup="rbac.authorization.k8s.io"),
    responseStatus={"metadata": {}, "code": 201},
    requestObject={
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "pay-admin"},
        "subjects": [
            {"kind": "ServiceAccount", "name": "pay", "namespace": "shop"},
            {"kind": "User", "name": "bob@acme.example", "apiGroup": "rbac.authorization.k8s.io"},
            {"kind": "Group", "name": "ops", "apiGroup": "rbac.authorization.k8s.io"},
        ],
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": "rbac.authorization.k8s.io"},
    },
)
EXEC = event(
    "create",
    4,
    stage="ResponseStarted",
    requestURI=f"/api/v1/namespaces/shop/pods/{POD}/exec?command=sh&stdin=true",
    objectRef=reference("pods", POD, subresource="exec"),
    responseStatus={"metadata": {}, "code": 101},
)
REFUSED = event(
    "list",
    5,
    user=robot(),
    sourceIPs=["10.4.0.9"],
    userAgent="pay/1.4 Python-urllib/3.11",
    requestURI="/api/v1/secrets",
    objectRef=reference("secrets", None, None),
    responseStatus={"metadata": {}, "status": "Failure", "reason": "Forbidden", "code": 403},
)
HELM = event(
    "create",
    6,
    objectRef=reference("secrets", "sh.helm.release.v1.pay.v7"),
    responseStatus={"metadata": {}, "code": 201},
)
TOKEN = event(
    "create",
    7,
    requestURI="/api/v1/namespaces/shop/serviceaccounts/pay/token",
    objectRef=reference("serviceaccounts", "pay", subresource="token"),
    responseStatus={"metadata": {}, "code": 201},
    annotations={"authentication.kubernetes.io/issued-credential-id": "JTI=0b0c"},
)
ROW = {
    "host": "control-1",
    "requestReceivedTimestamp": "2026-03-02T09:13:00.123456Z",
    "user_username": "kubernetes-admin",
    "verb": "create",
    "objectRef_resource": "deployments",
    "objectRef_subresource": "",
    "objectRef_name": "",
    "responseObject_metadata_name": "pay-api",
    "requestURI": "/apis/apps/v1/namespaces/shop/deployments?fieldManager=helm",
    "auditID": "6f2d1c04-58a7-4a43-9d52-00000000000f",
    "stage": "ResponseComplete",
    "responseStatus_code": "201",
}


def bare(given: dict[str, Any]) -> dict[str, Any]:
    """An item of a list, which leaves kind and version out."""
    return {name: value for name, value in given.items() if name not in ("kind", "apiVersion")}


SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "line": (event(), {}),
    "rollout": (ROLLOUT, {"x-weir-cluster": "prod-eu"}),
    "batch": (
        {
            "kind": "EventList",
            "apiVersion": "audit.k8s.io/v1",
            "metadata": {},
            "items": [bare(each) for each in (BINDING, EXEC, REFUSED, HELM, TOKEN)],
        },
        {},
    ),
    "array": ([event("delete", 8), event("get", 9, objectRef=None, requestURI="/metrics?a=b")], {}),
    "row": (ROW, {}),
}
