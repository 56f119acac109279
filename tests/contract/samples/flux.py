"""Flux events, written after its documentation: of a Kustomization, a HelmRelease and a source."""

from typing import Any

SHA = "5b1f0c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"


def event(reason: str, severity: str = "info", kind: str = "Kustomization", **fields: Any) -> dict[str, Any]:
    """An event as a controller sends it."""
    group = {"Kustomization": "kustomize", "HelmRelease": "helm"}.get(kind, "source")
    return {
        "involvedObject": {
            "apiVersion": f"{group}.toolkit.fluxcd.io/v1",
            "kind": kind,
            "name": "pay",
            "namespace": "shop",
            "uid": "7d0cdc51-ddcf-4743-b223-000000000001",
        },
        "metadata": {f"{group}.toolkit.fluxcd.io/revision": f"main@sha1:{SHA}"},
        "severity": severity,
        "reason": reason,
        "message": "Reconciliation finished in 436ms, next run in 10m0s",
        "reportingController": "kustomize-controller",
        "reportingInstance": "kustomize-controller-6f9c",
        "timestamp": "2026-03-02T09:13:00Z",
    } | fields


APPLIED = event(
    "Progressing",
    message="Deployment/shop/pay-api configured\nService/shop/pay created\nHorizontalPodAutoscaler/shop/pay unchanged",
)
UPGRADED = event(
    "UpgradeSucceeded",
    kind="HelmRelease",
    message="Helm upgrade succeeded for release shop/pay.v7 with chart pay@1.4.0",
    metadata={"revision": "1.4.0", "cluster": "prod-eu"},
    action="Upgrading",
)
ARTIFACT = event("NewArtifact", kind="GitRepository", message="stored artifact for commit 'Round totals'")

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "applied": (APPLIED, {"x-weir-cluster": "prod-us"}),
    "reconciled": (event("ReconciliationSucceeded"), {}),
    "upgraded": (UPGRADED, {}),
    "array": ([ARTIFACT, event("HealthCheckFailed", "error"), event("Progressing", "trace")], {}),
}
