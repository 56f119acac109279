"""Laws of entity resolution: a function of the set of statements; bounded; revocable; the same after a restart."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.correlation.aliases import TARGETS, Aliases, Changed
from streams.correlation.rows import tuples
from streams.correlation.statement import CATALOG, MANUAL, SAID, Statement, hold_ms, of_context, said
from streams.correlation.table import Table, Undo, undo

DAY = 86_400_000
KINDS = ["principal", "session", "access_key", "image", "resource"]
ENTITIES = [(kind, name) for kind in KINDS for name in ("ASIA1", "b", "c")]
TIMES = [n * DAY // 2 for n in range(80)]

entities = st.sampled_from(ENTITIES)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    """By events, by the catalog and by hand, about few entities and within forty days."""
    one, other = draw(entities), draw(entities)
    time = draw(st.sampled_from(TIMES))
    evidence = draw(st.sampled_from(["e1", "e2", "e3"]))
    rank = draw(st.sampled_from([SAID, SAID, SAID, CATALOG, MANUAL]))
    if rank == SAID:
        return said((*one, *other), "aws.cloudtrail", evidence, time)
    bounds = sorted([time, draw(st.sampled_from(TIMES))])
    since, until = draw(st.sampled_from([(None, None), (bounds[0], bounds[1]), (bounds[0], None)]))
    return Statement(*one, *other, "catalog", evidence, time, since, until, rank)


few = st.lists(statements(), max_size=6)


def empty(limit: int = 1_000) -> tuple[Aliases, Undo]:
    journal: Undo = []
    return Aliases(Table("aliases", journal), limit=limit), journal


def learned(given_: list[Statement], limit: int = 1_000) -> Aliases:
    aliases, _ = empty(limit)
    for each in given_:
        aliases.learn(each)
    return aliases


def roots(aliases: Aliases) -> dict[tuple[object, ...], tuple[str, str]]:
    return {(*entity, time): aliases.root(entity, time) for entity in ENTITIES for time in (*TIMES[::7], None)}


@given(few, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_the_order_of_statements_decides_nothing(given_: list[Statement], chance: object) -> None:
    """Rows, and with them roots at all times, are the same whatever order the statements came in."""
    shuffled = list(given_)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    one, other = learned(given_), learned(shuffled)
    assert dict(one.table) == dict(other.table)
    assert roots(one) == roots(other)
    assert one.conflicts() == other.conflicts()


@given(few, statements(), st.sampled_from([2, 1_000]))
@settings(deadline=None, max_examples=300)
def test_what_is_not_told_as_changed_has_its_old_root(given_: list[Statement], last: Statement, limit: int) -> None:
    """After a statement, or an eviction by it, each entity with another root at some time is told, with that time."""
    aliases = learned(given_, limit)
    before = {(entity, time): aliases.root(entity, time) for entity in ENTITIES for time in TIMES}
    told: dict[tuple[str, str], list[Changed]] = {}
    for each in aliases.learn(last):
        told.setdefault(each[:2], []).append(each)
    for (entity, time), root in before.items():
        if (now := aliases.root(entity, time)) != root:
            in_time = [
                each
                for each in told[entity]
                if (each.since is None or each.since <= time) and (each.until is None or time <= each.until)
            ]
            assert {root, now} <= {other for each in in_time for other in each.roots}


@given(few)
@settings(deadline=None, max_examples=100)
def test_a_root_is_its_own_root(given_: list[Statement]) -> None:
    """Also through cycles: what an entity resolves to resolves to itself, unless the chain was cut for its length."""
    aliases = learned(given_)
    for entity in ENTITIES:
        for time in (*TIMES[::9], None):
            root = aliases.root(entity, time)
            assert aliases.root(root, time) == root
            steps = aliases.chain(entity, time)
            assert (steps[-1].fact.of if steps else entity) == root


@given(few, entities, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_a_revocation_restores_and_stays(given_: list[Statement], entity: tuple[str, str], chance: object) -> None:
    """All is as if the statements about the entity had never been made, however often they are made again."""
    aliases = learned(given_)
    before = roots(aliases)
    told = {each[:2]: each.roots for each in aliases.revoke(entity, "r-1", 5)}
    without = learned([each for each in given_ if each[:2] != entity])
    assert roots(aliases) == roots(without)
    for key, root in roots(aliases).items():
        assert root == before[key] or {root, before[key]} <= set(told[key[:2]])
    for each in given_:
        aliases.learn(each)
    assert roots(aliases) == roots(without)
    assert all(aliases.root(entity, time) == entity for time in TIMES[::5])


@given(few, few, few, entities)
@settings(deadline=None, max_examples=80)
def test_common_statements_count_in_every_domain_until_revoked_there(
    common: list[Statement], own: list[Statement], more: list[Statement], entity: tuple[str, str]
) -> None:
    """With common statements, roots are those of all statements in one table; what they change is told, and undone."""
    own = [each for each in own if not each.rank]  # what catalog and people say is said to all domains
    shared = learned([each for each in common if each.rank])
    domain = Aliases(Table("aliases", []), common=shared)
    for each in own:
        domain.learn(each)
    assert roots(domain) == roots(learned([*own, *(each for each in common if each.rank)]))
    before = roots(domain)
    told: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for statement in more:
        if statement.rank:
            for each in domain.affected(shared.learn(statement)):
                told.setdefault(each[:2], set()).update(each.roots)
    for key, root in roots(domain).items():
        assert root == before[key] or {root, before[key]} <= told[key[:2]]
    domain.revoke(entity, "r-1", 5)
    assert all(domain.root(entity, time) == entity for time in TIMES[::5])


@given(few, st.data())
@settings(deadline=None, max_examples=80)
def test_a_restart_anywhere_changes_nothing(given_: list[Statement], data: st.DataObject) -> None:
    """Rows through JSON and back give the same rows, roots and changes from there on, evictions included."""
    whole, _ = empty(limit=3)
    cut, _ = empty(limit=3)
    rows: dict[str, object] = {}
    for each in given_:
        revoke = data.draw(st.booleans())
        for aliases in (whole, cut):
            aliases.learn(each)
            if revoke:
                aliases.revoke(each[:2], "r-1", each.time)
        if data.draw(st.booleans()):
            rows.update(json.loads(json.dumps(dict(cut.table.drain()))))
            table = Table("aliases", [])
            for key, row in rows.items():
                table.load(key, tuples(row))  # type: ignore[arg-type]  # what JSON gives
            cut = Aliases(table, limit=3)
        assert dict(cut.table) == dict(whole.table)
        assert roots(cut) == roots(whole)
    assert len(whole) == len(cut) <= 3


@given(few, st.lists(statements() | entities, max_size=4))
@settings(deadline=None, max_examples=80)
def test_an_undo_takes_it_all_back(given_: list[Statement], more: list[object]) -> None:
    """After the journal was undone and the index built again, everything is as before, and goes on the same."""
    aliases, journal = empty(limit=4)
    for each in given_:
        aliases.learn(each)
    before, rows = roots(aliases), dict(aliases.table)
    journal.clear()
    for each in more:
        if isinstance(each, Statement):
            aliases.learn(each)
        else:
            aliases.revoke(each, "r-1", 1)  # type: ignore[arg-type]  # an entity
    undo(journal)
    aliases.index()
    assert dict(aliases.table) == rows
    assert roots(aliases) == before


def test_memory_is_bounded_under_a_hostile_stream() -> None:
    """Distinct keys, targets, long names and renewals without end leave rows and indexes bounded, and are counted."""
    aliases, journal = empty(limit=500)
    for number in range(12_000):
        aliases.learn(said(("access_key", f"AKIA{number}", "principal", f"p{number % 700}"), "s", "e", number * 45_000))
        aliases.learn(said(("session", "popular", "principal", f"p{number}"), "s", "e", number * 45_000))
        journal.clear()
    aliases.learn(said(("session", "x" * 5_000, "principal", "p"), "s", "e", 0))
    assert len(aliases) <= 500
    assert len(aliases.table) <= 501
    assert max(len(row) for row in aliases.table.values()) <= TARGETS
    assert sum(map(len, aliases._standing.values())) <= 500 + TARGETS
    assert len(aliases._days) <= 1_024 + 4 * 500 + 1
    assert aliases.evicted >= 23_000 - 500


def test_the_catalog_record_of_a_person_is_read_as_it_is_described() -> None:
    """A record that does not fit says nothing, and never raises."""
    assert of_context("k", {}) == of_context("k", {"entity": ["principal"], "aliases": [["principal", "a"]]}) == []
    record = {"entity": ["principal", "p"], "aliases": [["principal", "a"], ["principal", "p"], 7, [1, 2]], "until": 9}
    (only,) = of_context("k", record)
    assert (only.id, only.of_id, only.since, only.until, only.rank) == ("a", "p", None, 9, CATALOG)
    assert hold_ms("session", "s", "principal") is not None
