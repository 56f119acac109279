"""Backstage entities: references, links, and what is not read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.events import EVENT
from streams.sources.backstage import Backstage, documents_from_yaml, reference
from streams.sources.base import Ignored, Malformed

CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Pay
  tags: [internet-facing, customer-path]
  annotations:
    github.com/project-slug: acme/pay
    backstage.io/kubernetes-namespace: shop
    backstage.io/kubernetes-id: pay
    example.com/container-image: docker.io/acme/pay:1.4
    amazonaws.com/arn: arn:aws:iam::111122223333:role/service/pay, arn:aws:s3:::acme-invoices
    aws.amazon.com/amazon-ecs-service-arn: arn:aws:ecs:eu-west-1:111122223333:service/shop/pay
spec:
  type: service
  owner: payments
  system: shop
  dependsOn: [resource:db, component:other/ledger]
  consumesApis: [rates]
  providesApis: [pay-api]
---
# nothing here
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: db, namespace: data}
spec:
  type: database
  owner: {kind: User, name: jo}
  dependencyOf: [component:default/pay]
"""


def records(document: object) -> list[dict[str, Any]]:
    """The drafts of a document, each of which the event contract accepts, and which are plain JSON."""
    found = []
    for item, reading in Backstage().read(document, {}):
        assert isinstance(reading, dict), reading
        EVENT.validate_python({**reading, "origin": ("raw", 0, 0, item)})
        assert json.loads(json.dumps(reading)) == reading
        found.append(reading)
    return found


def entity(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "pay"}, **fields}


def test_a_component_becomes_a_record_with_full_references_and_links() -> None:
    """Names are lower case, kinds and namespaces filled in, links spelt as events spell them."""
    (pay, db) = records(documents_from_yaml(CATALOG))
    assert (pay["kind"], pay["key"]) == ("catalog", "component:default/pay")
    assert pay["record"] == {
        "kind": "component",
        "name": "pay",
        "namespace": "default",
        "system": "system:default/shop",
        "owner": "group:default/payments",
        "depends_on": ["api:default/rates", "component:other/ledger", "resource:default/db"],
        "dependency_of": [],
        "provides": ["api:default/pay-api"],
        "tags": ["customer-path", "internet-facing"],
        "links": {
            "repository": ["acme/pay"],
            "images": ["acme/pay:1.4"],
            "namespaces": ["shop"],
            "workloads": ["shop/pay"],
            "arns": [
                "arn:aws:ecs:eu-west-1:111122223333:service/shop/pay",
                "arn:aws:iam::111122223333:role/pay",
                "arn:aws:s3:::acme-invoices",
            ],
        },
    }
    assert db["key"] == "resource:data/db"
    assert db["record"]["owner"] == "user:data/jo"
    assert db["record"]["dependency_of"] == ["component:default/pay"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("pets", "group:team/pets"),
        ("user:jo", "user:team/jo"),
        ("Group:Default/Pets", "group:default/pets"),
        ({"kind": "User", "namespace": "x", "name": "Jo"}, "user:x/jo"),
        ({"name": "jo"}, "group:team/jo"),
        ("", None),
        ("a:b:c", None),
        (7, None),
        ({}, None),
    ],
)
def test_references_are_completed_from_their_field_s_defaults(given: object, expected: str | None) -> None:
    """String and compound references become one spelling; what is none gives None."""
    assert reference(given, "group", "team") == expected


def test_the_source_location_stands_in_for_a_missing_project_slug() -> None:
    """Catalog files outside the repository still link to it."""
    location = {"backstage.io/source-location": "url:https://github.com/acme/mono/tree/main/pay/"}
    (draft,) = records(entity(metadata={"name": "pay", "annotations": location}))
    assert draft["record"]["links"]["repository"] == ["acme/mono"]


def test_a_users_accounts_are_one_persons() -> None:
    """Login, address and IAM principals of a User are aliases of the person; resources and broken values are not."""
    annotations = {
        "github.com/user-login": "Ann-Lee, ann-bot",
        "amazonaws.com/iam-user-arn": "arn:aws:iam::111122223333:user/staff/ann, arn:aws:s3:::acme-invoices",
        "example.com/iam-user-arn": "arn:aws:iam::111122223333:user/other",
    }
    profile = {"displayName": "Ann Lee", "email": "Ann.Lee@Example.COM"}
    (draft,) = records(
        entity(kind="User", metadata={"name": "Ann", "annotations": annotations}, spec={"profile": profile})
    )
    assert (draft["kind"], draft["key"]) == ("alias", "user:default/ann")
    assert draft["record"]["entity"] == ["principal", "user:default/ann"]
    assert [id_ for kind, id_ in draft["record"]["aliases"] if kind == "principal"] == [
        "Ann.Lee@example.com",
        "arn:aws:iam::111122223333:user/ann",
        "github:ann-bot",
        "github:ann-lee",
    ]


@pytest.mark.parametrize("spec", [None, {}, {"profile": []}, {"profile": {"email": "ann"}}, {"profile": {"email": 1}}])
def test_a_user_without_accounts_withdraws_what_was_said_of_it(spec: object) -> None:
    """The record is None, whatever is there instead of a profile."""
    (draft,) = records(entity(kind="User", metadata={"name": "ann"}, spec=spec))
    assert (draft["kind"], draft["key"], draft["record"]) == ("alias", "user:default/ann", None)


def test_kinds_without_use_are_ignored_and_broken_entities_malformed() -> None:
    """Every element of an array is accounted for, at its place."""
    document = [
        entity(kind="Domain"),
        entity(kind=None),
        entity(metadata={"name": "a/b"}),
        entity(metadata={"name": "a", "namespace": ["x"]}),
        entity(apiVersion="v1"),
        "?",
        entity(),
    ]
    readings = list(Backstage().read(document, {}))
    assert [item for item, _ in readings] == list(range(7))
    assert readings[0][1] == Ignored("kind of entity not read")
    assert [reading.place for _, reading in readings if isinstance(reading, Malformed)] == [
        "[1].kind",
        "[2].metadata.name",
        "[3].metadata.namespace",
        "[4].apiVersion",
        "[5]",
    ]
    assert isinstance(readings[6][1], dict)


def test_wrong_types_inside_an_entity_read_as_absent() -> None:
    """A catalog full of mistakes still names its component."""
    broken = entity(
        metadata={"name": "pay", "tags": "one", "annotations": {"github.com/project-slug": 7, "amazonaws.com/arn": []}},
        spec={"system": 7, "owner": [], "dependsOn": {"a": 1}, "consumesApis": [None, "ok"]},
    )
    (draft,) = records(broken)
    assert draft["record"]["depends_on"] == ["api:default/ok"]
    assert draft["record"]["system"] is None


def test_only_backstage_entities_are_recognised() -> None:
    """Other Kubernetes-shaped documents are left to others."""
    assert Backstage().recognise(entity(), {})
    assert Backstage().recognise([entity()], {})
    for other in ({}, [], {"apiVersion": "apps/v1"}, {"apiVersion": 1}, [{"kind": "Component"}], None):
        assert not Backstage().recognise(other, {})


@pytest.mark.parametrize(
    ("annotations", "tags", "controls", "tier"),
    [
        ({}, [], None, None),
        ({"weir.dev/compensating-controls": "waf, mfa,,waf"}, [], ["mfa", "waf"], None),
        ({"weir.dev/criticality": "Tier-2"}, ["tier-1"], None, 2),
        ({"weir.dev/criticality": "1"}, [], None, 1),
        ({"weir.dev/criticality": "gold"}, ["tier3", "tier-2"], None, 2),
        ({"weir.dev/criticality": 1, "weir.dev/compensating-controls": ["waf"]}, ["tier-5", "tiered"], None, None),
    ],
)
def test_controls_and_criticality(
    annotations: dict[str, Any], tags: list[str], controls: list[str] | None, tier: int | None
) -> None:
    """Two annotations of Weir's own, the tier also as a tag; without them the record has no such field."""
    [draft] = records(entity(metadata={"name": "pay", "annotations": annotations, "tags": tags}))
    assert (draft["record"].get("controls"), draft["record"].get("criticality")) == (controls, tier)
    assert None not in (draft["record"].get("controls", ()), draft["record"].get("criticality", 0))
