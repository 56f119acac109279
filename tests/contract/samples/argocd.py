"""Argo CD Applications, written after its API types: in a notification, a list and a watch, synchronised or not."""

from typing import Any

SHA = "5b1f0c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"
SOURCE = {"repoURL": "https://github.com/acme/deploy.git", "path": "pay", "targetRevision": "main"}


def operation(phase: str = "Succeeded", **fields: Any) -> dict[str, Any]:
    """``status.operationState`` of a synchronisation that a user started."""
    return {
        "operation": {
            "sync": {"revision": SHA, "prune": True},
            "initiatedBy": {"username": "Ann@ACME.example"},
            "retry": {"limit": 5},
        },
        "phase": phase,
        "message": "successfully synced (all tasks run)",
        "syncResult": {
            "resources": [
                {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "pay-api"},
                {"group": "", "version": "v1", "kind": "Service", "namespace": "shop", "name": "pay"},
            ],
            "revision": SHA,
            "source": SOURCE,
        },
        "startedAt": "2026-03-02T09:12:30Z",
        "finishedAt": "2026-03-02T09:13:00Z",
    } | fields


def application(state: dict[str, Any] | None = None, health: dict[str, Any] | None = None, **status: Any) -> Any:
    """An Application that is deployed to the cluster that Argo CD runs on."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "pay", "namespace": "argocd", "uid": "0c0f3b7e-9d53-4be2-8a5b-000000000001"},
        "spec": {
            "project": "shop",
            "source": SOURCE,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        },
        "status": {
            "sync": {"status": "Synced", "revision": SHA},
            "health": health or {},
            "summary": {"images": ["ghcr.io/acme/pay:1.4"]},
            "resources": [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "pay-api"}],
            "reconciledAt": "2026-03-02T09:15:00Z",
            **({"operationState": state} if state else {}),
        }
        | status,
    }


ROLLED_BACK = operation(
    operation={"sync": {"revision": SHA, "source": SOURCE}, "initiatedBy": {"username": "admin"}},
)
DEGRADED = {"status": "Degraded", "message": "crash loop", "lastTransitionTime": "2026-03-02T09:14:00Z"}
HEALTHY = {"status": "Healthy", "lastTransitionTime": "2026-03-02T09:20:00Z"}
HISTORY = [{"id": 3, "revision": SHA, "deployedAt": "2026-03-01T10:00:00Z", "source": SOURCE}]


def bare(given: Any) -> Any:
    """An item of a list, which may leave kind and version out."""
    return {name: value for name, value in given.items() if name not in ("kind", "apiVersion")}


SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "notification": ({"app": application(operation(), HEALTHY), "context": {}}, {"x-weir-cluster": "prod-eu"}),
    "rollback": (application(ROLLED_BACK), {}),
    "watch of Argo CD": ({"type": "MODIFIED", "application": application(operation("Running"), DEGRADED)}, {}),
    "watch of Kubernetes": ({"type": "DELETED", "object": application(operation())}, {}),
    "list": (
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "ApplicationList",
            "metadata": {},
            "items": [bare(application(history=HISTORY)), bare(application())],
        },
        {},
    ),
}
