"""Backstage entities, written after the descriptor format: one of each kind that is read, alone and as a list."""

from typing import Any


def entity(kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """An entity of ``backstage.io/v1alpha1``."""
    return {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


COMPONENT = entity(
    "Component",
    "pay",
    {
        "type": "service",
        "lifecycle": "production",
        "owner": "group:default/payments",
        "system": "shop",
        "dependsOn": ["resource:default/invoices", "component:books/ledger"],
        "providesApis": ["pay-api"],
        "consumesApis": ["default/rates"],
    },
    namespace="default",
    tags=["internet-facing", "customer-path"],
    annotations={
        "github.com/project-slug": "acme/pay",
        "backstage.io/kubernetes-namespace": "shop",
        "backstage.io/kubernetes-id": "pay",
        "acme.example/container-image": "ghcr.io/acme/pay:1.4",
    },
)
RESOURCE = entity(
    "Resource",
    "invoices",
    {"type": "bucket", "owner": {"kind": "User", "name": "jo"}, "dependencyOf": ["component:default/pay"]},
    annotations={"amazonaws.com/arn": "arn:aws:s3:::acme-invoices, arn:aws:iam::111122223333:role/service/pay"},
)
SYSTEM = entity("System", "shop", {"owner": "payments", "domain": "sales"}, namespace="default")
API = entity("API", "pay-api", {"type": "openapi", "owner": "payments", "system": "shop", "definition": "x"})
GROUP = entity("Group", "payments", {"type": "team", "children": []})
USER = entity("User", "jo", {"memberOf": ["payments"]})

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "component": (COMPONENT, {}),
    "list": ([RESOURCE, SYSTEM, API, GROUP, USER], {}),
}
