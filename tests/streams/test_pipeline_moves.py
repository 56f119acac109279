"""Components that move to another system: new signals go along, open units stay, and both sides are told."""

from __future__ import annotations

import orjson
import pytest

from schemas.events import EVENT
from schemas.unit import Unit
from streams.catalog import Catalog
from streams.pipeline import Pipeline
from streams.records import Output
from tests.streams.correlation.build import (
    DAY,
    HOUR,
    MINUTE,
    T0,
    Doc,
    config,
    derived,
    final,
    finding,
    fold,
    record,
    restored,
    tables,
    tick,
    units,
)

SHOP, TILL = "system:shop", "system:till"


def entity(ref: str, system: str | None, *needs: str) -> Doc:
    record: Doc = {"depends_on": [*needs]} | ({} if system is None else {"system": f"system:default/{system}"})
    return {"type": "context", "kind": "catalog", "key": ref, "record": record, "origin": ["raw", 0, 0, 0]}


def pay(system: str) -> Doc:
    return entity("component:default/pay", system)


def relations(unit: Unit) -> list[tuple[str, str, str]]:
    return sorted((other.unit_id, other.domain, other.text) for other in unit.related if other.relation == "moved")


def moved(*, apart: bool = False, restore: bool = False) -> dict[str, Unit]:
    """The last units by domain: a finding of pay in the shop, the move, a finding of pay in the till. ``apart``: the
    domains are on two partitions."""
    first = [record(0, 0, pay("shop"), config(scoring=False)), record(1, MINUTE, finding("a", 0, component="pay"))]
    then = [record(2, 2 * MINUTE, tick()), record(3, HOUR, pay("till"))]
    later = [record(4, 2 * HOUR, finding("b", 2 * HOUR, component="pay", domain=TILL)), record(5, 3 * HOUR, tick())]
    out: list[Output] = []
    if apart:
        out += fold([first[0], *first[1:], *then, later[1]], Pipeline(0))
        out += fold([first[0], *then, *later], Pipeline(1))
    else:
        pipeline, changelog = Pipeline(0), {}
        for each in (*first, *then, *later):
            out += pipeline.step(each)
            changelog |= dict(pipeline.drain())
            if restore:
                again = restored(changelog, sorted(changelog))
                assert (again.next_due(), tables(again)) == (pipeline.next_due(), tables(pipeline))
                assert derived(again) == derived(pipeline)
                pipeline = again
    return {unit.domain: unit for unit in final(units(out)).values()}


@pytest.mark.parametrize("restore", [False, True])
def test_units_of_a_component_that_moved_name_each_other(restore: bool) -> None:
    """Where one fold has both domains, the unit left behind and the new one are related by id, restored or not."""
    found = moved(restore=restore)
    old, new = found[SHOP], found[TILL]
    assert (old.status, old.signal_count, new.signal_count) == ("open", 1, 1)
    assert relations(old) == [(new.unit_id, TILL, f"pay moved to {TILL}, where {new.unit_id} is about it")]
    assert relations(new) == [(old.unit_id, SHOP, f"pay moved here from {SHOP}, where {old.unit_id} is about it")]
    assert (old.reason, new.reason) == ("related", "opened")


def test_units_on_other_partitions_name_the_domain() -> None:
    """Where the domains are on two partitions, each unit says where the component went, or came from."""
    found = moved(apart=True)
    assert relations(found[SHOP]) == [("", TILL, f"pay moved to {TILL}: its new signals go there")]
    assert relations(found[TILL]) == [("", SHOP, f"pay moved here from {SHOP}")]


def test_new_signals_go_along_with_the_component() -> None:
    """What ingest asks the catalog: the component's domain is the new system's, and its own resource's with it."""
    catalog = Catalog()
    db = entity("resource:default/db", None)
    for each in (entity("component:default/pay", "shop", "resource:default/db"), db):
        catalog.apply(each["key"], each["record"])
    assert catalog.places("component:default/pay") == {"pay": SHOP}
    catalog.apply("component:default/pay", {"system": "system:default/till", "depends_on": ["resource:default/db"]})
    assert catalog.resolve([("component", "pay")], "x") == (TILL, "pay")
    assert catalog.places("component:default/pay") == {"pay": TILL}
    assert catalog.place("resource:default/db") == (TILL, "pay")


def told(*entries: tuple[int, Doc]) -> list[Unit]:
    return list(final(units(fold(record(n, at, each) for n, (at, each) in enumerate(entries)))).values())


def test_units_without_the_component_and_closed_ones_are_told_nothing() -> None:
    """A unit of another component of the system, and one that was closed before, have nothing to do with the move."""
    rest = finding("a", 0, component="mail")
    (unit,) = told((0, pay("shop")), (1, rest), (MINUTE, tick()), (HOUR, pay("till")), (2 * HOUR, tick()))
    assert relations(unit) == []
    old = finding("a", 0, component="pay")
    (unit,) = told(
        (0, pay("shop")), (1, old), (MINUTE, tick()), (14 * DAY + HOUR, tick()), (14 * DAY + 2 * HOUR, pay("till"))
    )
    assert (unit.status, relations(unit)) == ("closed", [])


def test_a_move_is_forgotten_when_no_unit_of_before_can_be_open() -> None:
    """After a unit's longest life a signal in the new domain is one like any other."""
    late = finding("b", 31 * DAY, component="pay", domain=TILL)
    (unit,) = told((0, pay("shop")), (HOUR, pay("till")), (31 * DAY, late), (31 * DAY + MINUTE, tick()))
    assert relations(unit) == []


def test_a_first_record_and_one_that_says_the_same_system_are_no_move() -> None:
    """A component that the catalog did not have, or has as before, is told of nowhere."""
    there = finding("a", 0, component="pay")
    again = entity("component:default/pay", "shop", "component:default/mail")
    (unit,) = told((0, there), (1, pay("shop")), (2, again), (MINUTE, tick()))
    assert relations(unit) == []


def test_of_many_units_a_few_are_named() -> None:
    """A hundred open units of before: a new one names the five newest; a hundred new ones: the old one names five."""
    many = [
        finding(f"n{n}", n * 2 * HOUR, component="pay", rule=f"R{n}", title=f"t{n}") | {"domain": SHOP}
        for n in range(20)
    ]
    pipeline = Pipeline(0)
    out = fold([record(0, 60 * HOUR, pay("shop"), *many, pay("till"))], pipeline)
    new = [
        finding(f"m{n}", n * 2 * HOUR, component="pay", rule=f"R{n}", title=f"t{n}") | {"domain": TILL}
        for n in range(20)
    ]
    out += fold([record(1, 61 * HOUR, *new)], pipeline)
    pipeline.flush(out)
    found = list(final(units(out)).values())
    assert {len(relations(unit)) for unit in found if unit.domain == TILL} == {5}
    named = [relations(unit) for unit in found if unit.domain == SHOP]
    assert sorted(len(each) for each in named) == [1] * 15 + [5] * 5
    assert all(unit_id for each in named for unit_id, _, _ in each if len(each) == 5)


def test_a_signal_that_fails_after_it_was_told_of_leaves_nothing() -> None:
    """Undoing an event takes back what it wrote in the other domain, too."""
    pipeline = Pipeline(0)
    fold([record(0, 0, pay("shop"), finding("a", 0, component="pay")), record(1, HOUR, pay("till"))], pipeline)
    before = tables(pipeline), derived(pipeline)
    event = orjson.loads(orjson.dumps(finding("b", HOUR, component="pay", domain=TILL)))
    pipeline.state.journal.clear()
    parsed = EVENT.validate_python(event)
    pipeline._fold(parsed, T0 + HOUR, 2, [])
    pipeline._undo(parsed)
    assert (tables(pipeline), derived(pipeline)) == before
