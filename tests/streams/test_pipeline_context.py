"""Context that comes after a unit was told: a revision where it alters what the unit says, and only there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from schemas.unit import Unit
from streams.cli.unit_page import page
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
    letters,
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


DAYS = {"days": ["thu"], "start": "10:00", "end": "12:00"}
VEX = {"vulnerability": "CVE-2024-0001", "component": "pay", "status": "not_affected"}
CASE = {"cve": "CVE-2024-0002", "component": "web", "opened_at": iso(T0 - 9 * DAY), "change": "bump"}


@pytest.mark.parametrize(
    ("event", "component", "field"),
    [
        (context("on_call", "s", {"component": "pay", "person": "al"}), "pay", "on_call"),
        (context("on_call", "s", {"team": "team-pay", "person": "al"}), "pay", "on_call"),
        (context("freeze", "f", {"component": "web", "from": iso(T0 + 2 * HOUR)}), "web", "freeze"),
        (context("deployment_window", "w", {"component": "pay", "weekly": [DAYS]}), "pay", "deployment_window"),
        (context("vex", "v", VEX | {"timestamp": iso(T0 - DAY)}), "pay", None),
        (context("vex", "v", VEX | {"timestamp": iso(T0 - DAY), "status": "affected"}), "pay", None),
        (context("case", "T-1", CASE | {"closed_at": iso(T0 - DAY)}), "web", None),
        (change("c", -HOUR, component="pay", exposes=[["lb", "load balancer", True]]), "pay", "reachable"),
    ],
    ids=["on call", "team on call", "freeze", "window", "VEX", "VEX that lowers nothing", "case", "opened"],
)
def test_late_context_of_every_kind_is_told(event: Doc, component: str, field: str | None) -> None:
    """Where the story of an open unit differs for it, once, and nowhere else."""
    (unit,) = told(event)
    assert (unit.reason, unit.components) == ("context", (component,))
    assert unit.diff is not None
    assert "context" in unit.diff.fields
    assert unit.story is not None
    assert field is None or field in [fact.field for fact in unit.story.facts if fact.record is not None]


@pytest.mark.parametrize(
    "event",
    [
        context("on_call", "s", {"component": "other", "person": "al"}),
        context("on_call", "s", {"component": "pay", "person": "al", "from": iso(T0 + 2 * HOUR)}),
        context("freeze", "f", {"system": "other", "from": iso(T0)}),
        context("freeze", "f", {"from": iso(T0 + 60 * DAY)}),
        context("vex", "v", VEX | {"timestamp": iso(T0 + DAY)}),
        context("vex", "v", VEX | {"component": "other"}),
        context("case", "T-1", CASE | {"closed_at": iso(T0 + DAY)}),
        context("case", "T-1", CASE),
        context("feed", "catalog", {"read_at": iso(T0)}),
        change("c", HOUR, component="pay", exposes=[["lb", "load balancer", True]]),
        change("c", -HOUR, component="other", exposes=[["lb", "load balancer", True]]),
    ],
    ids=["on call elsewhere", "on call later", "freeze elsewhere", "freeze far ahead", "VEX of later", "VEX elsewhere",
         "case closed later", "case still open", "feed", "opened later", "opened elsewhere"],
)  # fmt: skip
def test_what_alters_no_story_is_not_told(event: Doc) -> None:
    """Of another thing, or of later than the unit speaks of."""
    assert told(event) == []


def test_a_new_shift_is_no_revision() -> None:
    """Who is called changes every week: it is said with the next revision, and brings none."""
    pipeline = Pipeline(0)
    fold([record(0, 0, catalog("pay"), context("on_call", "s", {"component": "pay", "person": "al"}), weak("a")),
          record(1, HOUR, tick())], pipeline)  # fmt: skip
    shift = context("on_call", "s", {"component": "pay", "person": "bo", "from": iso(T0 + 3 * HOUR)})
    assert units(fold([record(2, 3 * HOUR, shift), record(3, 4 * HOUR, tick())], pipeline)) == []
    (unit,) = units(fold([record(4, 5 * HOUR, waiver("CVE-2024-0001", "pay", -DAY)), record(5, 6 * HOUR, tick())],
                         pipeline))  # fmt: skip
    assert unit.story is not None
    assert [fact.text.partition(" ")[0] for fact in unit.story.facts if fact.field == "on_call"] == ["bo"]


def test_a_record_that_fits_no_form_is_a_dead_letter() -> None:
    """It says what is wrong, and leaves no row."""
    pipeline = Pipeline(0)
    (letter,) = letters(fold([record(0, 0, context("freeze", "f", {"from": "soon"}))], pipeline))
    assert letter["reason"] == "freeze: from: not an RFC 3339 time"
    assert not pipeline.state.context.knows("freeze")


def test_a_unit_shows_all_that_is_known_around_a_vulnerability() -> None:
    """Service, owner, who is called, where, reachable, window, freeze, VEX and case, each with its record."""
    entities = [("image", "pay@sha256:" + "0" * 64), ("workload", "shop/pay")]
    known = [
        catalog("pay", owner="group:default/team-pay", controls=["waf"]),
        context("on_call", "s", {"team": "team-pay", "person": "al"}),
        context("deployment_window", "w", {"weekly": [DAYS]}),
        context("freeze", "f", {"from": iso(T0 - HOUR), "to": iso(T0 + 3 * HOUR)}),
        context("vex", "v", VEX | {"timestamp": iso(T0 - DAY)}),
        context("case", "T-1", CASE | {"cve": "CVE-2024-0001", "closed_at": iso(T0 - DAY)}),
        kev("CVE-2024-0001", -DAY),
        change("open", -2 * HOUR, component="pay", exposes=[["arn:lb", "load balancer", True]]),
        finding("a", 0, *entities, kind="vulnerability", rule="CVE-2024-0001", component="pay"),
    ]
    pipeline = Pipeline(0)
    (unit,) = units(fold([record(0, 0, *known), record(1, HOUR, tick())], pipeline))
    lines = [line.plain for line in page(unit)]
    block = lines[lines.index("Context") + 1 :]
    block = block[: block.index("")]
    assert [line[2:14].strip() for line in block if line[2:14].strip()] == [
        "Service", "Owner", "On call", "Runs on", "Reachable", "Window", "Freeze", "Controls", "KEV", "VEX",
        "Fixed before", "None of 7 co",
    ]  # fmt: skip
    assert "workload shop/pay" in "".join(block)
    assert unit.exploitability.internet_facing is True
    assert "vex" in [factor.name for factor in unit.risk.factors]


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
