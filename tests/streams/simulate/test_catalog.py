from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from streams.simulate import Scenario
from streams.simulate.world import build

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def test_the_catalog_holds_together(scenario: Scenario):
    """Every name is unique in its kind, and every owner, system and dependency is an entity of the catalog."""
    catalog = scenario.catalog()
    names = Counter((entity["kind"].lower(), entity["metadata"]["name"]) for entity in catalog)
    assert set(names.values()) == {1}
    assert Counter(kind for kind, _ in names) == {"group": 8, "system": 8, "component": 36, "resource": 285}
    for entity in catalog:
        assert entity["apiVersion"] == "backstage.io/v1alpha1"
        spec = entity["spec"]
        references = [*spec.get("dependsOn", []), *spec.get("dependencyOf", [])]
        if "owner" in spec:
            references.append(spec["owner"])
        if "system" in spec:
            references.append(f"system:default/{spec['system']}")
        for reference in references:
            kind, _, name = reference.partition(":default/")
            assert names[kind, name] == 1


def test_services_carry_what_events_name(scenario: Scenario):
    """Repository, image and, in the cluster, namespace and id are annotations; roles, buckets and keys have ARNs."""
    catalog = scenario.catalog()
    tags: Counter[str] = Counter()
    for entity in catalog:
        annotations = entity["metadata"].get("annotations", {})
        if entity["kind"] == "Resource":
            assert annotations["amazonaws.com/arn"].startswith("arn:aws:")
        if entity["kind"] == "Component":
            tags.update(entity["metadata"]["tags"])
            assert annotations["github.com/project-slug"].count("/") == 1
            assert "@" not in annotations["x/container-image"]
            clustered = "kubernetes" in entity["metadata"]["tags"]
            assert clustered == ("backstage.io/kubernetes-namespace" in annotations)
    assert tags["internet-facing"]
    assert tags["privileged"]
    assert tags["customer-path"]


@pytest.mark.parametrize("services", [1, 5, 48, 49, 120])
def test_a_company_of_any_size_has_different_services(services: int):
    """Names stay unique past the list of names, and nothing depends on itself."""
    world = build(3, services)
    assert len({service.name for service in world.services}) == services
    assert all(service.name not in service.depends_on for service in world.services)
