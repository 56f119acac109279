"""What the log shows to be open to the internet, from when and until when, in whatever order it is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Change
from streams.correlation import exposure
from streams.correlation.context import Context
from streams.correlation.exploitability import Reach, reach
from streams.correlation.exposure import Seen, note
from streams.correlation.facts import Facts
from streams.correlation.state import Domain
from streams.correlation.table import Table
from tests.streams.correlation.build import HOUR, T0, change
from tests.streams.correlation.test_story import row

Told = tuple[int, str, str, bool]
"""Hours after T0, resource, way, and whether it was opened."""


def domain(*told: Told, component: str | None = "pay", **fields: Any) -> Domain:
    made = Domain("system:shop", [])
    for n, (hours, subject, way, opened) in enumerate(told):
        given = change(f"c{n}", hours * HOUR, component=component, exposes=[[subject, way, opened]], **fields)
        note(made, Change.model_validate(given), T0 + hours * HOUR)
    return made


def ways(of: Domain, hours: int) -> list[str]:
    return [f"{each.subject} {each.way}" for each in Seen(of.tables.get(exposure.TABLE)).at("pay", T0 + hours * HOUR)]


RULE = "tcp 443 from 0.0.0.0/0"


@pytest.mark.parametrize(
    ("told", "at", "expected"),
    [
        ([(1, "lb", "load balancer", True)], 0, []),
        ([(1, "lb", "load balancer", True)], 1, ["lb load balancer"]),
        ([(1, "lb", "load balancer", True), (2, "lb", "", False)], 1, ["lb load balancer"]),
        ([(1, "lb", "load balancer", True), (2, "lb", "", False)], 2, []),
        ([(1, "lb", "load balancer", True), (2, "other", "", False)], 2, ["lb load balancer"]),
        ([(1, "sg", f"{RULE} sgr-1", True), (2, "sg", RULE, False)], 2, []),
        ([(1, "sg", f"{RULE} sgr-1", True), (2, "sg", "sgr-1", False)], 2, []),
        ([(1, "sg", f"{RULE} sgr-1", True), (2, "sg", "sgr-2", False)], 2, [f"sg {RULE} sgr-1"]),
        ([(1, "sg", RULE, True), (2, "sg", "tcp 22 from 0.0.0.0/0", False)], 2, [f"sg {RULE}"]),
        ([(1, "lb", "x", True), (2, "lb", "x", False), (3, "lb", "x", True)], 3, ["lb x"]),
        ([(1, "lb", "x", False), (1, "lb", "x", True)], 1, ["lb x"]),
    ],
)
def test_open_is_what_was_opened_and_not_closed_since(told: list[Told], at: int, expected: list[str]) -> None:
    """From the event's time on, until the opposite event of the same resource and way."""
    assert ways(domain(*told), at) == expected


TOLD = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["lb", "sg"]), st.sampled_from(["", RULE, f"{RULE} sgr-1"]),
              st.booleans()),
    max_size=12,
)  # fmt: skip


@given(TOLD, st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_nothing(told: list[Told], random: Any) -> None:
    """The same events in any order leave the same rows."""
    numbered = list(enumerate(told))
    random.shuffle(numbered)
    one, other = Domain("d", []), Domain("d", [])
    for made, order in ((one, list(enumerate(told))), (other, numbered)):
        for n, (hours, subject, way, opened) in order:
            given = change(f"c{n}", hours * HOUR, component="pay", exposes=[[subject, way, opened]])
            note(made, Change.model_validate(given), T0 + hours * HOUR)
    assert one.tables.get(exposure.TABLE, {}) == other.tables.get(exposure.TABLE, {})


def test_rows_are_bounded_and_what_still_holds_stays() -> None:
    """However often a group is opened and closed again, what is open since long is not forgotten; what goes is
    counted."""
    churn = [(hours, "sg", RULE, opened) for hours in range(2, 200, 2) for opened in (True, False)]
    made = domain((1, "lb", "load balancer", True), *[(h + (not o), s, w, o) for h, s, w, o in churn])
    assert len(made.table(exposure.TABLE)["pay"]) == exposure.STATEMENTS
    assert ways(made, 300) == ["lb load balancer"]
    assert made.gone[exposure.TABLE][0] > 0
    for n in range(exposure.MOST + 1):
        given = change(f"d{n}", n, component=f"c{n}", exposes=[["lb", "x", True]])
        note(made, Change.model_validate(given), T0 + n)
    assert len(made.table(exposure.TABLE)) <= exposure.MOST


def test_copies_and_events_that_open_nothing_leave_no_row() -> None:
    """A change that was routed to a dependent domain says it where it happened; any other costs nothing."""
    assert domain((1, "lb", "x", True), home=False).tables.get(exposure.TABLE) in (None, {})
    made = Domain("d", [])
    assert note(made, Change.model_validate(change("c", 0, component="pay")), T0) == ()
    assert exposure.TABLE not in made.tables


def reached(made: Domain, facing: bool | None = None, **fields: Any) -> Reach:
    facts = {"pay": Facts(internet_facing=facing)}
    seen = Seen(made.tables.get(exposure.TABLE))
    return reach([row(**fields)], facts.get, Context(Table("context", [])), T0 + 50 * HOUR, seen=seen)


def test_a_unit_names_the_event_that_opened_it() -> None:
    """Reachable is told with resource, way, age and the event as its record."""
    found = reached(domain((1, "arn:lb", "load balancer", True)))
    assert found.summary.internet_facing is True
    (fact,) = found.summary.evidence
    assert fact.text == (
        "pay is reachable from the internet: arn:lb lets in load balancer, 2 days old [event cdevents/c0]"
    )
    assert (fact.record, fact.age_s) == ("event:cdevents/c0", 49 * 3600)


@pytest.mark.parametrize(("facing", "texts"), [(True, 1), (False, 2)])
def test_the_catalog_goes_before_what_was_seen(facing: bool, texts: int) -> None:
    """Its word counts; what it overrides is still told."""
    found = reached(domain((1, "lb", "x", True)), facing)
    assert found.summary.internet_facing is facing
    assert len(found.summary.evidence) == texts


def test_without_a_component_the_resource_itself_tells() -> None:
    """A signal of no component is reachable if a resource that it names was opened, and no other."""
    made = domain((1, "arn:lb", "x", True), component=None)
    for name, expected in (("arn:lb", True), ("arn:other", None)):
        found = reached(made, component=None, entities=(("resource", name),))
        assert found.summary.internet_facing is expected
        assert found.exposed[0].place.internet_facing is expected
