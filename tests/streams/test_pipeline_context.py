"""Context that comes after a unit was told: a revision where it alters what the unit says, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.unit import Unit
from streams.correlation.stirring import TABLE
from streams.pipeline import Pipeline
from tests.streams.correlation.build import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Doc,
    change,
    derived,
    finding,
    fold,
    iso,
    record,
    restored,
    tables,
    tick,
    units,
)


def context(kind: str, key: str, record: Doc | None) -> Doc:
    return {"type": "context", "kind": kind, "key": key, "record": record, "origin": ["raw", 0, 0, 0]}


def catalog(name: str, **more: Any) -> Doc:
    return context("catalog", f"component:default/{name}", {"system": "system:default/shop"} | more)


def kev(cve: str, added: int) -> Doc:
    return context("kev", cve, {"added": iso(T0 + added)[:10], "ransomware": False})


def waiver(control: str, component: str, created: int) -> Doc:
    times = {"created_at": iso(T0 + created), "valid_from": iso(T0 + created), "valid_to": None}
    return context("policy_exception", "ex-1", {"control": control, "component": component} | times)


def weak(name: str, cve: str = "CVE-2024-0001", component: str = "pay") -> Doc:
    return finding(name, 0, ("image", f"{component}:1"), kind="vulnerability", rule=cve, component=component)


START = [
    record(0, 0, catalog("pay", owner="team-pay"), weak("a"), weak("b", "CVE-2024-0002", "web")),
    record(1, HOUR, tick()),
]


def told(*events: Doc, start: Sequence[Any] = START) -> list[Unit]:
    """The revisions that these events bring, an hour after both units were told."""
    pipeline = Pipeline(0)
    assert len(units(fold(start, pipeline))) == 2
    return units(fold([record(2, 2 * HOUR, *events), record(3, 3 * HOUR, tick())], pipeline))


def test_a_listing_in_kev_is_told_to_the_unit_that_has_it() -> None:
    """Known to be exploited since before its newest signal: more risk, the reason is context; no other unit."""
    (unit,) = told(kev("CVE-2024-0001", -DAY))
    assert (unit.reason, unit.components, unit.revision) == ("context", ("pay",), 2)
    assert unit.exploitability.kev == ("CVE-2024-0001",)
    assert unit.diff is not None
    assert unit.diff.risk > 0


@pytest.mark.parametrize(
    "event",
    [
        kev("CVE-2024-0001", 2 * DAY),
        kev("CVE-2023-9999", -DAY),
        catalog("pay", owner="team-pay"),
        catalog("other", owner="team-other"),
        waiver("CVE-2024-0001", "other", -DAY),
        waiver("CVE-2024-0001", "pay", 2 * DAY),
        context("epss", "CVE-2024-0xxx", {"date": iso(T0 + DAY)[:10], "scores": ";0001=0.9"}),
        context("kev", "CVE-2024-0001", None),
    ],
    ids=["from later on", "other CVE", "nothing new", "other component", "waived elsewhere", "waived later",
         "tomorrow's", "withdrawn, never there"],
)  # fmt: skip
def test_what_alters_nothing_brings_no_revision(event: Doc) -> None:
    """Of another thing, of later, or known already."""
    assert told(event) == []


@pytest.mark.parametrize(
    ("event", "component"),
    [
        (catalog("pay", owner="team-money"), "pay"),
        (catalog("web", owner="team-web"), "web"),
        (catalog("pay", owner="team-pay", tags=["internet-facing"]) | {"key": "component:default/web"}, "web"),
        (waiver("CVE-2024-0001", "Component:default/pay", -DAY), "pay"),
        (context("epss", "CVE-2024-0xxx", {"date": iso(T0)[:10], "scores": ";0002=0.97"}), "web"),
    ],
    ids=["owner", "first record", "exposure", "accepted", "EPSS"],
)
def test_what_alters_a_unit_is_told(event: Doc, component: str) -> None:
    """Owner, exposure, an exception that accepts the risk, a probability of that day."""
    (unit,) = told(event)
    assert (unit.reason, unit.components) == ("context", (component,))


def test_a_dependency_that_becomes_known_brings_its_change() -> None:
    """A change of what the component turns out to depend on is a suspect now."""
    shared = ("namespace", "shop")
    events = [
        catalog("pay", owner="team-pay"),
        change("c", -MINUTE, shared, component="db"),
        finding("f", 0, shared, kind="detection", component="pay"),
        weak("b", "CVE-2024-0002", "web"),
    ]
    start = [record(0, 0, *events), record(1, HOUR, tick())]
    (unit,) = told(catalog("pay", owner="team-pay", depends_on=["component:default/db"]), start=start)
    assert unit.reason == "context"
    assert unit.changes[0].source_id == "c"
    assert "db, which it depends on" in [factor.text for factor in unit.changes[0].factors]


def test_a_feed_is_one_look_and_one_revision() -> None:
    """Whatever came at one moment of the log: all of it is in one revision, and nothing stays noted."""
    pipeline = Pipeline(0)
    fold(START, pipeline)
    feed = [kev(f"CVE-2024-{n:04}", -DAY) for n in range(1, 200)]
    assert units(fold([record(2, 2 * HOUR, *feed[:100]), record(3, 2 * HOUR, *feed[100:])], pipeline)) == []
    assert pipeline.next_due() == T0 + 2 * HOUR + 1
    found = units(fold([record(4, 2 * HOUR + SECOND, tick())], pipeline))
    assert sorted(unit.components for unit in found) == [("pay",), ("web",)]
    assert not pipeline.state.shared.table(TABLE)
    assert units(fold([record(5, 3 * HOUR, *feed), record(6, 4 * HOUR, tick())], pipeline)) == []


def test_what_was_noted_survives_a_restart() -> None:
    """Restored between record and look, the fold says the same, and has the same rows."""
    one = Pipeline(0)
    fold(START, one)
    fold([record(2, 2 * HOUR, kev("CVE-2024-0001", -DAY), catalog("web", owner="team-web"))], one)
    changelog = dict(one.drain())
    two = restored(changelog, sorted(changelog, reverse=True))
    assert one.next_due() == two.next_due() == T0 + 2 * HOUR + 1
    assert derived(one) == derived(two)
    rest = [record(3, 3 * HOUR, tick())]
    assert units(fold(rest, two)) == (found := units(fold(rest, one)))
    assert len(found) == 2
    assert tables(one) == tables(two)


def test_a_replay_ends_with_what_was_noted() -> None:
    """The end of input looks into it, as time would."""
    pipeline = Pipeline(0)
    fold([*START, record(2, 2 * HOUR, kev("CVE-2024-0001", -DAY))], pipeline)
    out: list[Any] = []
    pipeline.flush(out)
    (unit,) = units(out)
    assert unit.reason == "context"
