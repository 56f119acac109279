"""Reports of the Trivy operator, written after its API types: one of each kind, in a list and as its webhook posts."""

from typing import Any

EXACT = "sha256:" + "0123456789abcdef" * 4


def report(kind: str, number: int = 1, container: str | None = "api", **content: Any) -> dict[str, Any]:
    """A report on a replica set of the deployment ``pay-api``."""
    labels = {
        "trivy-operator.resource.kind": "ReplicaSet",
        "trivy-operator.resource.name": "pay-api-7d9c6b5f4d",
        "trivy-operator.resource.namespace": "shop",
    }
    return {
        "apiVersion": "aquasecurity.github.io/v1alpha1",
        "kind": kind,
        "metadata": {
            "name": f"replicaset-pay-api-7d9c6b5f4d-{number}",
            "namespace": "shop",
            "uid": f"a92e0951-e988-419d-8602-{number:012d}",
            "creationTimestamp": "2026-03-02T09:00:00Z",
            "labels": labels | ({"trivy-operator.container.name": container} if container else {}),
            "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "pay-api-7d9c6b5f4d", "controller": True}
            ],
        },
        "report": {
            "updateTimestamp": "2026-03-02T09:13:00Z",
            "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "0.57.0"},
            **content,
        },
    }


ARTIFACT = {
    "registry": {"server": "ghcr.io"},
    "artifact": {"repository": "acme/pay", "tag": "1.4", "digest": EXACT},
    "os": {"family": "alpine", "name": "3.20.1"},
}
VULNERABILITIES = [
    {
        "vulnerabilityID": "CVE-2026-10001",
        "resource": "libssl3",
        "installedVersion": "3.3.1-r0",
        "fixedVersion": "3.3.1-r3",
        "severity": "HIGH",
        "title": "out-of-bounds read",
        "primaryLink": "https://avd.aquasec.com/nvd/cve-2026-10001",
        "links": [],
        "score": 7.5,
        "target": "",
        "class": "os-pkgs",
        "packageType": "alpine",
        "packagePURL": "pkg:apk/alpine/libssl3@3.3.1-r0?arch=x86_64&distro=3.20.1",
    },
    {
        "vulnerabilityID": "CVE-2026-10002",
        "resource": "Jinja2",
        "installedVersion": "3.1.0",
        "fixedVersion": "",
        "severity": "UNKNOWN",
        "title": "",
        "target": "Python",
        "packageType": "python-pkg",
        "packagePath": "app/Jinja2-3.1.0.dist-info/METADATA",
    },
]
CHECKS = [
    {
        "checkID": "KSV014",
        "title": "Root file system is not read-only",
        "severity": "HIGH",
        "category": "Kubernetes Security Check",
        "success": False,
        "messages": ["Container 'api' should set 'securityContext.readOnlyRootFilesystem' to true"],
        "remediation": "Set it to true.",
    },
    {"checkID": "KSV017", "title": "Privileged", "severity": "HIGH", "success": True, "messages": [""]},
]
SECRET = {
    "ruleID": "aws-access-key-id",
    "title": "AWS Access Key ID",
    "category": "AWS",
    "severity": "CRITICAL",
    "target": "app/.env",
    "match": "AWS_KEY=********************",
}
VULNERABLE = report("VulnerabilityReport", 1, vulnerabilities=VULNERABILITIES, **ARTIFACT)
CONFIGURED = report("ConfigAuditReport", 2, None, checks=CHECKS)
EXPOSED = report("ExposedSecretReport", 3, secrets=[SECRET], **ARTIFACT)
ALLOWED: dict[str, Any] = {
    "apiVersion": "aquasecurity.github.io/v1alpha1",
    "kind": "ClusterRbacAssessmentReport",
    "metadata": {
        "name": "clusterrole-5d4c",
        "uid": "a92e0951-e988-419d-8602-000000000004",
        "creationTimestamp": "2026-03-02T09:13:00Z",
        "labels": {
            "trivy-operator.resource.kind": "ClusterRole",
            "trivy-operator.resource.name": "pay-admin",
            "trivy-operator.resource.namespace": "",
        },
    },
    "report": {
        "scanner": {"name": "Trivy"},
        "checks": [{"checkID": "KSV046", "title": "Manage all resources", "severity": "CRITICAL", "success": False}],
    },
}
SBOM = report("SbomReport", 5, components={})

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "vulnerabilities": (VULNERABLE, {"x-weir-cluster": "prod-eu"}),
    "checks": (CONFIGURED, {}),
    "secrets": ({"verb": "update", "operatorObject": EXPOSED}, {}),
    "deleted": ({"verb": "delete", "operatorObject": EXPOSED}, {}),
    "roles": (ALLOWED, {}),
    "list": ({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [VULNERABLE, CONFIGURED, SBOM]}, {}),
    "watch": ({"type": "ADDED", "object": CONFIGURED}, {}),
}
