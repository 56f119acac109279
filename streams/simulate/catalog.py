"""The world as Backstage entities.

Format: Backstage descriptor format, kinds Group, System, Component and Resource of ``backstage.io/v1alpha1``.
"""

from __future__ import annotations

from typing import Any

from streams.simulate.world import CLUSTER, Service, World

_API_VERSION = "backstage.io/v1alpha1"


def entities(world: World) -> list[dict[str, Any]]:
    """Every entity: groups, systems, then each service with its resources. Plain JSON values."""
    out: list[dict[str, Any]] = []
    for system in world.systems:
        team = f"team-{system}"
        members = [person.login for person in world.people if person.team == team]
        out.append(_entity("Group", team, {"type": "team", "children": [], "members": members}))
    out += [_entity("System", system, {"owner": f"group:default/team-{system}"}) for system in world.systems]
    for service in world.services:
        resources = _resources(world, service)
        out.append(_component(service, [resource["metadata"]["name"] for resource in resources]))
        out.extend(resources)
    return out


def _entity(
    kind: str, name: str, spec: dict[str, Any], annotations: dict[str, str] | None = None, tags: tuple[str, ...] = ()
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "default"}
    if annotations:
        metadata["annotations"] = annotations
    if tags:
        metadata["tags"] = list(tags)
    return {"apiVersion": _API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _component(service: Service, resources: list[str]) -> dict[str, Any]:
    annotations = {"github.com/project-slug": service.repository, "x/container-image": service.image}
    if service.runtime == "kubernetes":
        annotations["backstage.io/kubernetes-cluster"] = CLUSTER
        annotations["backstage.io/kubernetes-namespace"] = service.system
        annotations["backstage.io/kubernetes-id"] = service.name
    depends_on = [f"component:default/{name}" for name in service.depends_on]
    depends_on += [f"resource:default/{name}" for name in resources]
    spec = {
        "type": "service",
        "lifecycle": "production",
        "owner": f"group:default/{service.owner}",
        "system": service.system,
        "dependsOn": depends_on,
    }
    return _entity("Component", service.name, spec, annotations, (service.ecosystem, service.runtime, *service.tags))


def _resources(world: World, service: Service) -> list[dict[str, Any]]:
    found = [
        ("role", "iam-role", service.role_arn),
        ("secret", "secret", service.secret_arn),
        ("key", "kms-key", service.key_arn),
        ("bucket", "s3-bucket", service.bucket_arn),
        ("table", "database", service.table_arn),
        ("parameter", "parameter", service.parameter_arn),
        ("images", "container-repository", service.registry_arn),
    ]
    if service.runtime == "lambda":
        found.append(("function", "lambda-function", service.function_arn))
    if service.runtime == "host":
        found.append(("instance", "ec2-instance", service.instance_arn))
        found.append(("security-group", "security-group", service.security_group_arn))
    found += [("user", "iam-user", user.arn) for user in world.users if user.service == service.name]
    return [
        _entity(
            "Resource",
            f"{service.name}-{suffix}",
            {
                "type": kind,
                "owner": f"group:default/{service.owner}",
                "system": service.system,
                "dependencyOf": [f"component:default/{service.name}"],
            },
            {"amazonaws.com/arn": arn},
        )
        for suffix, kind, arn in found
    ]
