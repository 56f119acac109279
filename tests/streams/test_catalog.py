"""The catalog: who an event belongs to, who depends on whom, and that order never matters."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.entity import Entity
from streams.catalog import CACHE, Catalog
from streams.sources.backstage import Backstage, documents_from_yaml

DIGEST = "sha256:" + "4a" * 32

SHOP = f"""\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: pay
  tags: [internet-facing]
  annotations:
    github.com/project-slug: Acme/Pay
    example.com/container-image: ghcr.io/acme/pay:1.2@{DIGEST}
    backstage.io/kubernetes-namespace: shop
    backstage.io/kubernetes-id: pay
spec: {{type: service, system: shop, dependsOn: [component:ledger, resource:pay-role], providesApis: [pay-api]}}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata:
  name: pay-role
  annotations: {{amazonaws.com/arn: "arn:aws:iam::111122223333:role/service/pay"}}
spec: {{type: iam-role, owner: platform, system: shop}}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata:
  name: invoices
  annotations: {{amazonaws.com/arn: "arn:aws:s3:::acme-invoices,arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc"}}
spec: {{type: bucket, owner: platform, dependencyOf: [component:ledger]}}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: ledger, namespace: books}}
spec: {{type: service, owner: accounting}}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: ledger, tags: [privileged]}}
spec: {{type: service, owner: accounting, system: bookkeeping}}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: web}}
spec: {{type: website, owner: web, system: front, consumesApis: [pay-api]}}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: ads, annotations: {{backstage.io/kubernetes-id: anywhere}}}}
spec: {{type: service, owner: web, dependsOn: [component:web]}}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata:
  name: shop
  annotations: {{github.com/project-slug: acme/shop-infrastructure}}
spec: {{owner: payments}}
"""


def records(content: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for document in documents_from_yaml(content):
        for _, reading in Backstage().read(document, {}):
            assert isinstance(reading, dict)
            assert reading["type"] == "context"
            assert reading["record"] is not None
            found.append((reading["key"], reading["record"]))
    return found


def catalog(content: str = SHOP) -> Catalog:
    made = Catalog()
    for key, record in records(content):
        made.apply(key, record)
    return made


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("component", "pay", ("system:shop", "pay")),
        ("component", "component:default/Pay", ("system:shop", "pay")),
        ("component", "books/ledger", ("component:books/ledger", "books/ledger")),
        ("component", "ledger", ("system:bookkeeping", "ledger")),
        ("workload", "shop/pay", ("system:shop", "pay")),
        ("workload", "shop/other", ("system:shop", "pay")),
        ("workload", "elsewhere/pay", ("fallback", None)),
        ("workload", "elsewhere/anywhere", ("component:ads", "ads")),
        ("workload", "pay", ("system:shop", "pay")),
        ("workload", "web", ("system:front", "web")),
        ("host", "i-0abc", ("system:bookkeeping", "ledger")),
        ("host", "i-0abcd", ("fallback", None)),
        ("image", f"ghcr.io/acme/pay@{DIGEST}", ("system:shop", "pay")),
        ("image", "ghcr.io/acme/pay:9.9", ("system:shop", "pay")),
        ("image", f"ghcr.io/acme/pay@sha256:{'5b' * 32}", ("system:shop", "pay")),
        ("image", "ghcr.io/acme/pay-extra:1.2", ("fallback", None)),
        ("repository", "acme/pay", ("system:shop", "pay")),
        ("repository", "ACME/pay", ("system:shop", "pay")),
        ("repository", "acme/shop-infrastructure", ("system:shop", None)),
        ("namespace", "shop", ("system:shop", "pay")),
        ("principal", "arn:aws:iam::111122223333:role/pay", ("system:shop", "pay")),
        ("principal", "arn:aws:iam::111122223333:role/service/pay", ("system:shop", "pay")),
        ("principal", "arn:aws:iam::111122223333:role/payer", ("fallback", None)),
        ("principal", "system:serviceaccount:shop:runner", ("system:shop", "pay")),
        ("resource", "arn:aws:s3:::acme-invoices", ("system:bookkeeping", "ledger")),
        ("resource", "arn:aws:s3:::acme-invoices/2026/03.pdf", ("system:bookkeeping", "ledger")),
        ("resource", "arn:aws:s3:::acme-invoices-old", ("fallback", None)),
        ("resource", "not an arn", ("fallback", None)),
        ("ip", "198.51.100.7", ("fallback", None)),
        ("vulnerability", "pay", ("fallback", None)),
    ],
)
def test_what_an_event_names_leads_to_component_and_domain(
    kind: str, name: str, expected: tuple[str, str | None]
) -> None:
    """Every kind of link of the catalog resolves, and nothing that only looks alike."""
    assert catalog().resolve([(kind, name)], "fallback") == expected


def test_the_most_specific_entity_decides_and_the_touched_goes_before_the_toucher() -> None:
    """A role of one system that touches another's bucket: the event belongs to the bucket's system."""
    known = catalog()
    role, bucket = ("principal", "arn:aws:iam::111122223333:role/pay"), ("resource", "arn:aws:s3:::acme-invoices")
    assert known.resolve([role, bucket], "f") == ("system:bookkeeping", "ledger")
    assert known.resolve([bucket, role], "f") == ("system:bookkeeping", "ledger")
    assert known.resolve([bucket, role, ("component", "web")], "f") == ("system:front", "web")
    assert known.resolve([], "f") == ("f", None)


def test_an_activity_belongs_to_its_actor_where_the_actor_is_known() -> None:
    """Asked by actor, the role's system has the event; an unknown actor leaves it to what was touched."""
    known = catalog()
    role, bucket = ("principal", "arn:aws:iam::111122223333:role/pay"), ("resource", "arn:aws:s3:::acme-invoices")
    person = ("principal", "arn:aws:iam::111122223333:user/jo")
    for event in ([role, bucket], [bucket, role]):
        assert known.resolve(event, "f", by_actor=True) == ("system:shop", "pay")
        assert known.resolve(event, "f") == ("system:bookkeeping", "ledger")
    assert known.resolve([person, bucket], "f", by_actor=True) == ("system:bookkeeping", "ledger")
    assert known.resolve([role, ("image", "ghcr.io/acme/pay:1")], "f", by_actor=True) == ("system:shop", "pay")


def test_events_and_drafts_resolve_alike() -> None:
    """Entities may be the contract's tuples or plain ones."""
    known = catalog()
    assert known.resolve([Entity("repository", "acme/pay")], "f") == known.resolve([("repository", "acme/pay")], "f")


def test_changes_reach_the_domains_that_depend_on_the_component() -> None:
    """Direct users, users of a provided API and their users, two hops far; never the own domain, never further."""
    known = catalog()
    assert known.dependents("ledger") == ("system:front", "system:shop")
    assert known.dependents("pay") == ("component:ads", "system:front")
    assert known.dependents("resource:invoices") == ("system:shop",)
    assert known.dependents("ads") == ()
    assert known.dependents("unknown") == ()


def test_dependencies_in_a_circle_end() -> None:
    """Two services that need each other are each other's dependents."""
    made = Catalog()
    made.apply("component:default/a", {"depends_on": ["component:default/b", "component:default/a"]})
    made.apply("component:default/b", {"depends_on": ["component:default/a"]})
    assert made.dependents("a") == ("component:b",)
    assert made.dependents("b") == ("component:a",)


def test_facts_tell_the_owner_and_what_is_tagged_and_do_not_guess_the_rest() -> None:
    """A missing owner is the system's; a missing tag is not known, not "no"."""
    known = catalog()
    pay = known.facts("pay")
    assert pay is not None
    assert (pay.owner, pay.system) == ("group:default/payments", "system:default/shop")
    assert (pay.internet_facing, pay.privileged, pay.customer_path) == (True, None, None)
    assert pay.depends_on == ("component:default/ledger", "resource:default/pay-role")
    ledger = known.facts("ledger")
    assert ledger is not None
    assert (ledger.owner, ledger.privileged) == ("group:default/accounting", True)
    assert known.facts("unknown") is None
    web = known.facts("web")
    assert web is not None
    assert web.depends_on == ("component:default/pay",)


def test_facts_tell_controls_tier_and_reference() -> None:
    """Compensating controls and criticality are the record's; where it has none, there are none and it is not known."""
    known = Catalog()
    known.apply("component:default/pay", {"controls": ["mfa", "waf"], "criticality": 1})
    known.apply("component:default/web", {})
    pay, web = known.facts("Pay"), known.facts("web")
    assert pay is not None
    assert web is not None
    assert (pay.ref, pay.controls, pay.criticality) == ("component:default/pay", ("mfa", "waf"), 1)
    assert (web.controls, web.criticality) == ((), None)


def test_names_and_references_lead_to_each_other() -> None:
    """What resolve gives is the name of the reference that ref gives back."""
    known = catalog()
    for ref in ("component:default/pay", "component:books/ledger", "resource:default/invoices"):
        assert known.ref(known.name(ref)) == ref
        assert known.ref(ref.upper()) == ref


def test_of_two_claims_the_smaller_reference_wins_and_both_are_listed() -> None:
    """A shared namespace is no error, but it is shown."""
    claim = {"links": {"namespaces": ["shared"]}}
    made = Catalog()
    for name in ("system:default/a", "component:default/z", "component:default/b"):
        made.apply(name, {**claim, "system": "system:default/s" if name.endswith("b") else None})
    assert made.resolve([("namespace", "shared")], "f") == ("system:s", "b")
    (conflict,) = made.conflicts()
    assert conflict.claimants == ("component:default/b", "component:default/z", "system:default/a")
    assert conflict.domains == ("system:s", "component:z", "system:a")
    made.apply("component:default/b", None)
    assert made.resolve([("namespace", "shared")], "f") == ("component:z", "z")


def test_a_changed_record_counts_at_once_and_a_repeated_one_changes_nothing() -> None:
    """What was resolved before is not remembered over a change."""
    made = catalog()
    event = [("repository", "acme/pay")]
    assert made.resolve(event, "f") == ("system:shop", "pay")
    key, record = records(SHOP)[0]
    assert made.apply(key, record) is False
    assert made.apply(key, {**record, "system": "system:default/other"}) is True
    assert made.resolve(event, "f") == ("system:other", "pay")
    assert made.dependents("ledger") == ("system:front", "system:other")
    assert made.apply(key, None) is True
    assert made.resolve(event, "f") == ("f", None)
    assert made.apply(key, None) is False


def test_a_moved_component_takes_its_resource_along() -> None:
    """A resource without a system is in the one domain of all that use it, else in its own."""
    made = catalog()
    bucket = [("resource", "arn:aws:s3:::acme-invoices")]
    made.apply(
        "component:default/audit", {"system": "system:default/audit", "depends_on": ["resource:default/invoices"]}
    )
    assert made.resolve(bucket, "f") == ("resource:invoices", "resource:invoices")
    made.apply(
        "component:default/audit", {"system": "system:default/bookkeeping", "depends_on": ["resource:default/invoices"]}
    )
    assert made.resolve(bucket, "f") == ("system:bookkeeping", "resource:invoices")


def test_what_resolve_remembers_is_bounded() -> None:
    """Addresses of attackers cannot fill the memory, and forgetting changes no answer."""
    made = catalog()
    for number in range(CACHE + 10):
        made.resolve([("repository", f"x/{number}")], "f")
    assert len(made._cache["repository"]) <= CACHE
    assert made.resolve([("repository", "acme/pay")], "f") == ("system:shop", "pay")


NAMES = st.sampled_from(["a", "b", "c"])
REFS = st.builds("{}:default/{}".format, st.sampled_from(["component", "resource", "system"]), NAMES)
RECORDS = st.fixed_dictionaries(
    {
        "system": st.none() | st.builds("system:default/{}".format, NAMES),
        "owner": st.none() | st.just("group:default/t"),
        "depends_on": st.lists(REFS | st.just("api:default/x"), max_size=2, unique=True),
        "provides": st.lists(st.just("api:default/x"), max_size=1),
        "dependency_of": st.lists(REFS, max_size=1),
        "links": st.fixed_dictionaries(
            {
                "namespaces": st.lists(NAMES, max_size=2, unique=True),
                "images": st.lists(st.sampled_from(["a:1", "a:2", f"a:1@{DIGEST}"]), max_size=2, unique=True),
                "arns": st.lists(st.sampled_from(["arn:aws:s3:::a", "arn:aws:s3:::b"]), max_size=1),
            }
        ),
    }
)
PROBES = [
    ("namespace", "a"), ("namespace", "b"), ("image", "a:1"), ("image", f"a@{DIGEST}"), ("image", "a:3"),
    ("resource", "arn:aws:s3:::a/key"), ("component", "a"), ("component", "resource:b"), ("workload", "c/x"),
]  # fmt: skip


def answers(made: Catalog) -> object:
    names = ["a", "b", "c", "resource:a", "resource:b", "resource:c"]
    return (
        [made.resolve([probe], "f") for probe in PROBES],
        [made.resolve(PROBES[n : n + 3], "f", by_actor=True) for n in range(len(PROBES))],
        [(made.dependents(name), made.facts(name)) for name in names],
        made.conflicts(),
        made.digest(),
        len(made),
    )


@given(st.lists(st.tuples(REFS, st.none() | RECORDS), max_size=12), st.integers(0, 2**32))
def test_a_catalog_is_what_its_last_records_say_whatever_came_before(
    updates: list[tuple[str, dict[str, Any] | None]], seed: int
) -> None:
    """Updates, withdrawals and questions in between leave the same answers and digest as a fresh catalog."""
    worn = Catalog()
    for key, record in updates:
        worn.apply(key, record)
        answers(worn)
    last = dict(updates)
    keys = list(last)
    random.Random(seed).shuffle(keys)
    fresh = Catalog()
    for key in keys:
        fresh.apply(key, last[key])
    assert answers(worn) == answers(fresh)
    if not any(last.values()):
        assert worn.digest() == Catalog().digest()
