"""What surrounds a unit: whose, who is called, where, reachable, when; and how much of it can be believed."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.parameters import Parameters
from schemas.unit import ContextFact, Exploitability, Story
from streams.correlation.context import Context
from streams.correlation.exploitability import reach
from streams.correlation.facts import Facts
from streams.correlation.rows import SignalRow
from streams.correlation.story import story, told
from streams.correlation.table import Table
from tests.streams.correlation.build import DAY, HOUR, T0, iso

CVE = "CVE-2026-12003"
DIGEST = "@sha256:" + "0" * 64
LATER = T0 + 2 * HOUR  # the revision; T0 is Wednesday 2025-01-01, noon
Put = tuple[str, str, dict[str, Any]]


def row(**fields: Any) -> SignalRow:
    given: dict[str, Any] = {"source": "trivy", "source_id": "f", "kind": "vulnerability", "first": T0, "last": T0,
                             "times": 1, "title": "Command injection", "severity": 4, "score": 0.7, "why": (),
                             "entities": (), "component": "pay", "members": "00", "rule": CVE}  # fmt: skip
    return SignalRow(**given | fields)


def pay(owner: str | None = "group:default/money") -> Put:
    return "catalog", "component:default/pay", {"owner": owner, "system": "system:default/shop", "tags": []}


def made(*puts: Put, rows: tuple[SignalRow, ...] = (), now: int = LATER) -> Story | None:
    context = Context(Table("context", []))
    for offset, (kind, key, record) in enumerate((pay(), *puts)):
        context.put(kind, key, record, T0 - HOUR, offset)
    known = {"pay": Facts(ref="component:default/pay", owner="group:default/money", system="system:default/shop")}
    given = rows or (row(),)
    found = reach(given, known.get, context, T0)
    return story(given, known.get, context, found.summary, T0, now, Parameters())


def said(found: Story | None, field: str) -> list[str]:
    return [fact.text.partition(" [")[0] for fact in (found.facts if found else ()) if fact.field == field]


def test_a_vulnerability_has_its_service_and_owner_and_place() -> None:
    """Service, owner from the catalog with its record and age; images first that have a digest."""
    entities = (("image", "ghcr.io/pay:1"), ("image", f"ghcr.io/pay{DIGEST}"), ("workload", "shop/pay"), ("ip", "::1"))
    found = made(rows=(row(entities=entities),))
    assert said(found, "service") == ["pay of shop"]
    assert said(found, "owner") == ["pay is owned by group:default/money"]
    assert said(found, "runs_on") == [f"images ghcr.io/pay{DIGEST}, ghcr.io/pay:1; workload shop/pay"]
    assert said(found, "reachable") == ["not known whether it can be reached from the internet"]
    assert found is not None
    (owner,) = (fact for fact in found.facts if fact.field == "owner")
    assert owner.record is not None
    assert owner.record.startswith("catalog:component:default/pay@0-")
    assert owner.age_s == 3600
    assert found.confidence == "none of 1 context records is stale"


def test_what_is_no_vulnerability_says_only_what_has_a_record() -> None:
    """An anomaly has no story, unless somebody is on call for it."""
    anomaly = row(kind="anomaly", rule=None)
    assert made(rows=(anomaly,)) is None
    found = made(("on_call", "s", {"team": "money", "person": "al"}), rows=(anomaly,))
    assert found is not None
    assert [fact.field for fact in found.facts] == ["on_call"]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([{"team": "money", "person": "al"}], ["al for money, who own pay"]),
        ([{"component": "pay", "person": "bo", "contact": "7"}, {"team": "money", "person": "al"}], ["bo (7) for pay"]),
        ([{"team": "web", "person": "al"}], ["nobody is known to be on call for pay"]),
        ([{"team": "money", "person": "al", "to": iso(LATER)}], ["nobody is known to be on call for pay"]),
        ([{"team": "money", "person": "al", "from": iso(LATER)}], ["al for money, who own pay"]),
        ([{"team": "money", "person": "al", "from": iso(LATER + 1)}], ["nobody is known to be on call for pay"]),
    ],
)  # fmt: skip
def test_who_is_on_call_is_as_of_the_revision(records: list[dict[str, Any]], expected: list[str]) -> None:
    """For the component, else for the team that owns it; from included, to not."""
    assert said(made(*(("on_call", f"s{n}", record) for n, record in enumerate(records))), "on_call") == expected


def window(key: str = "w", **record: Any) -> Put:
    return "deployment_window", key, record


def freeze(key: str = "f", **record: Any) -> Put:
    return "freeze", key, record


THURSDAY = {"weekly": [{"days": ["thu"], "start": "10:00", "end": "12:00"}]}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([window(**THURSDAY)], "pay: next w, from 2025-01-02 10:00Z until 2025-01-02 12:00Z"),
        ([window(**THURSDAY), window("own", component="pay", weekly=[{"days": ["sat"]}])],
         "pay: next own, from 2025-01-04 00:00Z until 2025-01-05 00:00Z"),
        ([window(**THURSDAY), window("shop", system="shop", weekly=[{"days": ["fri"]}])],
         "pay: next shop, from 2025-01-03 00:00Z until 2025-01-04 00:00Z"),
        ([window(weekly=[{"days": ["wed"]}], title="midweek")],
         "pay: open now w (midweek), from 2025-01-01 00:00Z until 2025-01-02 00:00Z"),
        ([window(component="web", **THURSDAY)], None),
        ([window(**THURSDAY), freeze(**{"from": "2025-01-01", "to": "2025-01-06"})],
         "pay: next w, from 2025-01-09 10:00Z until 2025-01-09 12:00Z"),
        ([window(**THURSDAY), freeze(**{"from": "2025-01-02T00:00:00Z", "to": "2025-01-02T11:00:00Z"})],
         "pay: next w, from 2025-01-02 11:00Z until 2025-01-02 12:00Z"),
        ([window(**THURSDAY), freeze(**{"from": "2025-01-01"})], "pay: no deployment window to come"),
        ([window(**{"from": "2024-12-01", "to": "2024-12-02"})], "pay: no deployment window to come"),
    ],
)  # fmt: skip
def test_the_next_window_is_outside_of_freezes(records: list[Put], expected: str | None) -> None:
    """The component's own windows go before its system's, those before everybody's."""
    assert said(made(*records), "deployment_window") == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (freeze(**{"from": "2025-01-01", "to": "2025-01-06"}, reason="year end"),
         "freeze of everything f (year end), in force, from 2025-01-01 00:00Z until 2025-01-06 00:00Z"),
        (freeze(system="shop", **{"from": "2025-01-10"}),
         "freeze of shop f, to come, from 2025-01-10 00:00Z until further notice"),
        (freeze(system="shop", **{"from": "2025-02-10"}), None),
        (freeze(component="web", **{"from": "2025-01-01"}), None),
        (freeze(**{"from": "2024-01-01", "to": "2025-01-01T14:00:00Z"}), None),
    ],
)  # fmt: skip
def test_a_freeze_is_told_while_it_is_on_and_before(record: Put, expected: str | None) -> None:
    """Of the component, its system or everything, up to two weeks ahead, and no more when it is over."""
    assert said(made(record), "freeze") == ([] if expected is None else [expected])


def test_stale_records_are_named_in_the_confidence() -> None:
    """How many of how many, and which; what has no date is counted."""
    found = made(("epss", "CVE-2026-12xxx", {"date": "2024-12-20", "scores": ";12003=0.5"}),
                 ("on_call", "s", {"team": "money", "person": "al"}))  # fmt: skip
    assert found is not None
    assert found.confidence == "1 of 3 context records are stale, do not rely on them: epss:CVE-2026-12xxx"


def test_an_old_kev_catalogue_is_said_even_where_it_lists_nothing() -> None:
    """That a vulnerability is not in it means little then."""
    found = made(("kev", "feed", {"version": "1", "released": "2024-12-20T00:00:00Z"}))
    assert found is not None
    assert found.confidence.endswith("do not rely on them: kev:feed")


def test_what_is_told_differs_where_it_matters() -> None:
    """Another person is something new; that a week has gone by is not."""

    def hashed(*puts: Put, now: int = LATER) -> str:
        return told(made(*puts, now=now), Exploitability(), ())

    al, bo = (("on_call", "s", {"team": "money", "person": person}) for person in ("al", "bo"))
    assert hashed() == ""
    assert hashed(al) == hashed(al, now=LATER + DAY) != hashed(bo)
    assert hashed(window(**THURSDAY)) == hashed(window(**THURSDAY), now=LATER + 7 * DAY)
    assert hashed(freeze(**{"from": "2025-01-01"})) not in ("", hashed(freeze(**{"from": "2025-01-02"})))
    vex = ContextFact(field="vex", text="CVE-1: fixed [x]", record="vex:a@1")
    assert told(None, Exploitability(evidence=(vex,)), ()) != ""


def test_any_record_of_the_context_topic_can_be_told() -> None:
    """Whatever a record holds, a unit can be built."""
    odd = {"component": "pay", "person": ["x"], "from": 7, "to": [], "weekly": [3, {"days": "mon"}], "title": {}}
    assert made(("on_call", "a", odd), ("freeze", "b", odd), ("deployment_window", "c", odd)) is not None
