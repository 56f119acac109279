"""Signals on components of which one depends on the other: joined for a short time, over few hops, by no hub."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.parameters import Parameters
from streams.correlation import group, member_hash
from streams.correlation.facts import Facts
from streams.correlation.regroup import regroup
from streams.correlation.rows import SignalRow
from streams.correlation.session import fuse
from streams.correlation.state import Domain, State
from streams.correlation.topology import joined_by, near
from streams.correlation.unit_signals import sessions_of
from streams.pipeline import Pipeline
from tests.streams.correlation.build import (
    DOMAIN,
    HOUR,
    MINUTE,
    SECOND,
    Doc,
    activity,
    config,
    final,
    fold,
    record,
    restored,
    tables,
    units,
)

Needs = dict[str, tuple[str, ...]]

SHOP: Needs = {"web": ("pay",), "pay": ("db",), "db": (), "mail": ()}


def shop(needs: Needs) -> dict[str, Facts]:
    """What the catalog says of components that depend on others."""
    users = {name: sum(name in others for others in needs.values()) for name in needs}
    return {name: Facts(depends_on=others, name=name, dependents=users[name]) for name, others in needs.items()}


def on(name: str, at: int, where: str, kind: str = "anomaly", *entities: tuple[str, str]) -> SignalRow:
    """Something at a component that names nothing else, unless it does."""
    members = member_hash.add(member_hash.EMPTY, "s", name)
    about = (*entities, ("component", where))
    return SignalRow("s", name, kind, at, at, 1, f"about {name}", 3, 0.5, (), about, where, members)


def folded(rows: Iterable[SignalRow], needs: Needs = SHOP, **given: int) -> tuple[State, Domain]:
    """The state after these signals."""
    state = State()
    state.parameters = Parameters(**given)
    facts = shop(needs)
    state.near = lambda component: near(component, facts.get, state.parameters.max_dependents)
    domain = state.domain(DOMAIN)
    for offset, row in enumerate(rows):
        group.add(state, domain, row, late=False, log_time=10 * HOUR, offset=offset)
    return state, domain


def grouped(*rows: SignalRow, needs: Needs = SHOP, **given: int) -> set[frozenset[str]]:
    """Which signals are in one unit, by name."""
    _, domain = folded(rows, needs, **given)
    return {frozenset(domain.signals[key][1] for key in keys) for keys in domain.signals_of.values() if keys}


ONE, TWO = {frozenset("ab")}, {frozenset("a"), frozenset("b")}


@pytest.mark.parametrize(("apart", "found"), [(15 * MINUTE, ONE), (15 * MINUTE + 1, TWO), (40 * MINUTE, TWO)])
def test_a_dependency_links_for_less_long_than_a_component(apart: int, found: set[frozenset[str]]) -> None:
    """Within a quarter of an hour, in either order, though what is shared links for an hour."""
    assert grouped(on("a", 0, "pay"), on("b", apart, "db")) == found
    assert grouped(on("b", 0, "db"), on("a", apart, "pay")) == found
    assert grouped(on("a", 0, "pay"), on("b", apart, "pay")) == ONE


@pytest.mark.parametrize(("apart", "found"), [(450 * SECOND, ONE), (450 * SECOND + 1, TWO)])
def test_two_hops_link_for_half_as_long(apart: int, found: set[frozenset[str]]) -> None:
    """web depends on pay, which depends on db: seven and a half minutes."""
    assert grouped(on("a", 0, "db"), on("b", apart, "web")) == found


def test_three_hops_link_nothing() -> None:
    """At the same moment, three hops apart: two units."""
    assert grouped(on("a", 0, "db"), on("b", 0, "shop"), needs=SHOP | {"shop": ("web",)}) == TWO


def test_what_needs_the_same_thing_is_not_joined_by_that_alone() -> None:
    """Two users of one quiet db are two units; with something at the db between them, one."""
    needs: Needs = {"pay": ("db",), "mail": ("db",), "db": ()}
    one, other = on("a", 0, "pay"), on("b", MINUTE, "mail")
    assert grouped(one, other, needs=needs) == TWO
    assert grouped(one, other, on("c", 2 * MINUTE, "db"), needs=needs) == {frozenset("abc")}


def test_a_hub_links_nothing_and_is_not_passed_through() -> None:
    """What eleven components depend on joins none of them, nor them with what it depends on itself; ten are few."""
    users: Needs = {f"svc-{n}": ("hub",) for n in range(11)}
    one, hub = on("a", 0, "svc-1"), on("b", 0, "hub")
    assert grouped(one, hub, needs=users | {"hub": ()}) == TWO
    assert grouped(one, on("b", 0, "db"), needs=users | {"hub": ("db",), "db": ()}) == TWO
    assert grouped(one, hub, needs=users | {"hub": ()}, max_dependents=11) == ONE


def test_a_hub_is_joined_with_what_it_depends_on() -> None:
    """That many use a component says nothing about the db that it alone uses."""
    users: Needs = {f"svc-{n}": ("hub",) for n in range(11)}
    assert grouped(on("a", 0, "hub"), on("b", 0, "db"), needs=users | {"hub": ("db",), "db": ()}) == ONE


def test_weaknesses_do_not_spread_over_dependencies() -> None:
    """A vulnerability of pay and one of the db that it calls are two matters, and so is one and unusual activity."""
    assert grouped(on("a", 0, "pay", "vulnerability"), on("b", 0, "db", "vulnerability")) == TWO
    assert grouped(on("a", 0, "pay", "vulnerability"), on("b", 0, "db")) == TWO


def test_two_detections_are_joined_only_if_they_begin_together() -> None:
    """Two seconds of alignment for two alerts; a quarter of an hour for an alert and unusual activity, over one hop."""
    alert = on("a", 0, "pay", "detection")
    assert grouped(alert, on("b", 2 * SECOND, "db", "detection")) == ONE
    assert grouped(alert, on("b", 2 * SECOND + 1, "db", "detection")) == TWO
    assert grouped(alert, on("b", 5 * MINUTE, "db")) == grouped(on("b", 5 * MINUTE, "db"), alert) == ONE
    assert grouped(on("a", 0, "pay"), on("b", 5 * MINUTE, "db", "detection")) == ONE
    assert grouped(on("a", 0, "web"), on("b", MINUTE, "db", "detection")) == TWO  # two hops


def test_a_component_that_everybody_has_signals_on_links_over_no_dependency() -> None:
    """With more unrelated signals at db than link by themselves, one at pay is not drawn in, whenever it came."""
    crowd = [on(f"n{n}", n * 20 * SECOND, "db", "anomaly", ("principal", f"user-{n}")) for n in range(40)]
    alone = on("p", 5 * MINUTE, "pay")
    assert frozenset("p") in grouped(*crowd, alone)
    assert grouped(*crowd, alone) == grouped(alone, *crowd) == grouped(*crowd[:5], alone, *crowd[5:])


def test_a_late_beginning_parts_what_only_the_later_one_joined() -> None:
    """Beginnings count: repeats of one thing at pay, found to have begun half an hour before, are no sign for db."""
    late, repeat = (on(name, at, "pay")._replace(title="same") for name, at in (("a", 0), ("c", 20 * MINUTE)))
    other = on("b", 30 * MINUTE, "db")
    assert grouped(repeat, other) == {frozenset("bc")}
    assert grouped(repeat, other, late) == grouped(late, repeat, other) == TWO


def test_zero_switches_dependencies_off() -> None:
    """With ``dependency_ms`` 0 nothing is joined over dependencies."""
    assert grouped(on("a", 0, "db"), on("b", 0, "pay"), dependency_ms=0) == TWO


def test_a_unit_says_over_which_dependencies_it_was_joined() -> None:
    """Every pair of components with signals near enough, in words, with the hops."""
    state, domain = folded([on("a", 0, "db"), on("b", MINUTE, "pay"), on("c", 5 * MINUTE, "web")])
    (cluster,) = domain.signals_of
    found = joined_by(sessions_of(domain, cluster), state.parameters)
    assert [(each.component, each.depends_on, each.hops) for each in found] == [
        ("pay", "db", 1),
        ("web", "db", 2),
        ("web", "pay", 1),
    ]
    assert found[0].text == "pay depends on db, and signals of both began within 15 minutes"


def test_what_dependencies_hold_together_is_not_taken_apart() -> None:
    """A unit that is worked out anew from its sessions stays whole: nothing is split off and merged in again."""
    rows = [on("a", 0, "db"), on("b", 10 * MINUTE, "pay", "detection"), on("c", 20 * MINUTE, "db"), on("d", 0, "web")]
    state, domain = folded(rows)
    (cluster,) = domain.signals_of
    regroup(state, domain, cluster, 10 * HOUR)
    assert list(domain.units) == list(domain.signals_of) == [cluster]
    assert not domain.joined


ROWS = st.builds(
    lambda number, at, where, kind, who: (number, at, where, kind, who),
    st.integers(0, 10_000),
    st.one_of(st.integers(0, 40).map(lambda n: n * MINUTE), st.integers(0, 5).map(lambda n: n * SECOND)),
    st.sampled_from(["web", "pay", "db", "cache", "hub"]),
    st.sampled_from(["anomaly", "anomaly", "detection", "vulnerability"]),
    st.sampled_from([None, None, "ann", "bob", "cid", "dan"]),
)
MESH: Needs = {"web": ("pay", "hub"), "pay": ("db", "cache"), "db": ("hub",), "cache": ("db", "web"), "hub": ()}


@given(st.lists(ROWS, min_size=2, max_size=14, unique_by=lambda each: each[0]), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=200)
def test_no_order_changes_what_dependencies_join(
    drawn: list[tuple[int, int, str, str, str | None]], chance: random.Random
) -> None:
    """Circles, hubs, places that turn out to be shared, and late beginnings included: the same groups in any order."""
    rows = [
        on(f"r{number}", at, where, kind, *([("principal", who)] if who else []))._replace(title=f"t{number % 2}")
        for number, at, where, kind, who in drawn
    ]
    small = {"max_unrelated": 3, "max_dependents": 2}
    known = grouped(*rows, needs=MESH, **small)
    mixed = list(rows)
    for order in (rows[::-1], chance.sample(mixed, len(mixed))):
        assert grouped(*order, needs=MESH, **small) == known


NEARS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcdefghijklmnopqrst")), max_size=16).map(tuple)


@given(NEARS, NEARS, NEARS)
def test_dependencies_of_fused_sessions_commute_and_associate(
    a: tuple[tuple[int, str], ...], b: tuple[tuple[int, str], ...], c: tuple[tuple[int, str], ...]
) -> None:
    """Two sessions as one have the nearest of both, whatever pairs are fused first."""
    one, two, three = (on(f"n{n}", n, "x")._replace(near=tuple(sorted(set(each)))) for n, each in enumerate((a, b, c)))
    assert fuse(one, two).near == fuse(two, one).near
    assert fuse(fuse(one, two), three).near == fuse(one, fuse(two, three)).near


def component(name: str, *needs: str) -> Doc:
    return {
        "type": "context",
        "kind": "catalog",
        "key": f"component:default/{name}",
        "record": {"system": "system:default/shop", "depends_on": [f"component:default/{other}" for other in needs]},
        "origin": ["raw", 0, 0, 0],
    }


ROOT: Doc = {
    "name": "root",
    "version": 1,
    "title": "Root was used",
    "severity": 4,
    "kind": "count",
    "at_least": 1,
    "timespan": "60s",
    "group_by": "component",
    "steps": [{"id": "call", "where": {"action": "signin:Login"}}],
}


def test_dependencies_reach_the_fold_from_the_catalog_of_the_log() -> None:
    """What a rule says of pay and of db is one unit that names the dependency, restored in between or not; a catalog
    record that takes it back counts for what comes after it."""
    catalog = (component("pay", "db"), component("mail", "db"), component("db"))
    first = record(0, HOUR, config(rules=[ROOT], scoring=False), *catalog)
    there = record(1, HOUR, activity("a", 0, "ann", "signin:Login", component="db"))
    then = record(2, HOUR, activity("b", 10 * MINUTE, "bob", "signin:Login", component="pay"))
    gone = record(3, HOUR, component("mail"))
    after = record(4, HOUR, activity("c", 11 * MINUTE, "bob", "signin:Login", component="mail"))
    pipeline = Pipeline(0)
    fold([first, there], pipeline)
    changelog = dict(pipeline.drain())
    again = restored(changelog, sorted(changelog))
    for each in (pipeline, again):
        outputs = fold([then, gone, after], each)
        each.flush(outputs)
        found = [unit for unit in final(units(outputs)).values() if unit.status == "open"]
        assert sorted((unit.components, [j.text[:17] for j in unit.joined_by]) for unit in found) == [
            (("db", "pay"), ["pay depends on db"]),
            (("mail",), []),
        ]
    assert tables(pipeline) == tables(again)
