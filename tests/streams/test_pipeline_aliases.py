"""Aliases in the fold: who stands for whom, from events, from the catalog, and taken back by a reviewer."""

from __future__ import annotations

from itertools import permutations

import pytest

from schemas.unit import Unit
from streams.cli.unit_page import page
from streams.correlation import resolving
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
    finding,
    fold,
    iso,
    letters,
    record,
    timeline,
    units,
)

USER = "arn:aws:iam::111122223333:user/dev"
KEY = "AKIAEXAMPLEEXAMPLE01"
SESSIONS = [f"arn:aws:sts::111122223333:assumed-role/{role}/work" for role in ("audit", "deploy", "backup")]
NOW = 2 * HOUR


def alert(name: str, at: int, *entities: tuple[str, str], **more: object) -> Doc:
    return finding(name, at, *entities, title=name, rule=name, **more)


def assumed(name: str, at: int, session: str) -> Doc:
    """A call of AssumeRole by the key, which gives a session."""
    call = activity(name, at, USER, "sts:AssumeRole", domain=DOMAIN)
    return call | {"identities": [("session", session, "access_key", KEY)]}


MADE = activity("made", -HOUR, "arn:aws:iam::111122223333:user/admin", "iam:CreateAccessKey") | {
    "identities": [("access_key", KEY, "principal", USER)]
}
CALLS = [assumed(f"assume-{number}", number * MINUTE, session) for number, session in enumerate(SESSIONS)]
ALERTS = [
    alert("key used from abroad", 0, ("access_key", KEY)),
    *(alert(f"odd {number}", (number + 1) * MINUTE, ("session", s)) for number, s in enumerate(SESSIONS)),
    alert("console login", 5 * MINUTE, ("principal", USER)),
]


def opened(*documents: Doc, pipeline: Pipeline | None = None) -> list[Unit]:
    """The units that are open when these came one a record."""
    pipeline = pipeline or Pipeline(0)
    start = config(scoring=False, group_wait_ms=1_000)
    outputs = fold([record(0, NOW, start)], pipeline)
    outputs += fold([record(n + 1, NOW + n * SECOND, each) for n, each in enumerate(documents)], pipeline)
    pipeline.flush(outputs)
    return [unit for unit in final(units(outputs)).values() if unit.status == "open"]


def members(found: list[Unit]) -> set[frozenset[str]]:
    return {frozenset(signal.source_id for signal in unit.signals) for unit in found}


@pytest.mark.parametrize(
    "documents",
    [[MADE, *CALLS, *ALERTS], [*ALERTS, *CALLS, MADE], [*ALERTS, MADE, *CALLS[::-1]], [*CALLS, *ALERTS[::-1], MADE]],
    ids=["in order", "statements last", "calls last", "key last"],
)
def test_a_leaked_key_and_its_sessions_are_one_unit_whenever_the_calls_come(documents: list[Doc]) -> None:
    """The key, the three roles that were assumed with it and its user are one unit, also if AssumeRole comes last."""
    found = opened(*documents)
    assert members(found) == {frozenset(each["source_id"] for each in ALERTS)}
    assert found[0].digest == opened(MADE, *CALLS, *ALERTS)[0].digest


def test_each_alias_of_a_unit_names_the_event_that_says_so() -> None:
    """The unit lists every step from session and key to the user, with source and id of its evidence."""
    (unit,) = opened(MADE, *CALLS, *ALERTS)
    found = {(a.kind, a.id, a.of_kind, a.of_id): (a.source, a.source_id) for a in unit.identities}
    assert found == {
        ("access_key", KEY, "principal", USER): ("aws.cloudtrail", "made"),
        **{
            ("session", session, "access_key", KEY): ("aws.cloudtrail", f"assume-{number}")
            for number, session in enumerate(SESSIONS)
        },
    }


def test_the_page_of_a_unit_says_who_was_taken_for_whom() -> None:
    """One line for each alias, with the event that says so."""
    (unit,) = opened(MADE, *CALLS, *ALERTS)
    shown = [line.plain.strip() for line in page(unit)]
    assert f"access_key {KEY} stands for principal {USER}, says aws.cloudtrail made" in shown
    assert f"session {SESSIONS[1]} stands for access_key {KEY}, says aws.cloudtrail assume-1" in shown


def test_a_session_is_not_joined_with_other_sessions_of_its_role() -> None:
    """Two people in one role, at one time: two units, though both sessions are of that role."""
    mine, theirs = SESSIONS[0], SESSIONS[0].replace("/wor", "/oth")
    ours = alert("odd 3", MINUTE, ("session", theirs))
    found = opened(MADE, *CALLS, *ALERTS, ours)
    assert members(found) == {frozenset(each["source_id"] for each in ALERTS), frozenset(["odd 3"])}
    assert mine in {a.id for a in found[0].identities} | {a.id for a in found[1].identities}


def unlink(unit: str, value: str | None) -> Doc:
    return {
        "type": "review",
        "source_id": "r-1",
        "time": iso(1_735_732_800_000 + NOW),
        "domain": DOMAIN,
        "unit_id": unit,
        "reviewer": "ann",
        "kind": "unlink",
        "value": value,
    }


def test_unlink_takes_a_session_out_and_keeps_it_out() -> None:
    """After a reviewer's unlink the session's signals are a unit of their own, also if the same is said again."""
    pipeline = Pipeline(0)
    (unit,) = opened(MADE, *CALLS, *ALERTS, pipeline=pipeline)
    again = assumed("assume-again", 3 * MINUTE, SESSIONS[1])
    outputs = fold(
        [record(20, NOW + MINUTE, unlink(unit.unit_id, f"session:{SESSIONS[1]}")), record(21, NOW + HOUR, again)],
        pipeline,
    )
    assert not letters(outputs)
    pipeline.flush(outputs)
    found = [each for each in final(units(outputs)).values() if each.status == "open"]
    assert members(found) == {frozenset(["odd 1"]), frozenset(each["source_id"] for each in ALERTS) - {"odd 1"}}
    kept = next(each for each in found if each.unit_id == unit.unit_id)
    assert SESSIONS[1] not in {a.id for a in kept.identities}
    assert kept.reviews[-1].kind == "unlink"


@pytest.mark.parametrize(
    ("value", "problem"),
    [("session:nobody", "is not said to stand for anything"), (None, "kind:id"), ("session", "kind:id")],
)
def test_an_unlink_of_what_nobody_said_is_refused(value: str | None, problem: str) -> None:
    """It is a dead letter with the reason, and the unit stays as it is."""
    pipeline = Pipeline(0)
    (unit,) = opened(MADE, *CALLS, *ALERTS, pipeline=pipeline)
    outputs = fold([record(20, NOW + MINUTE, unlink(unit.unit_id, value))], pipeline)
    assert [problem in letter["reason"] for letter in letters(outputs)] == [True]


def person(*aliases: str) -> Doc:
    said = {"entity": ["principal", "user:default/ann"], "aliases": [["principal", alias] for alias in aliases]}
    return {
        "type": "context",
        "kind": "alias",
        "key": "user:default/ann",
        "record": said if aliases else None,
        "origin": ["raw", 0, 0, 0],
    }


ANN = [alert("pushed", 0, ("principal", "github:ann")), alert("called", MINUTE, ("principal", USER))]
ONE, TWO = {frozenset(["pushed", "called"])}, {frozenset(["pushed"]), frozenset(["called"])}


def test_the_catalog_joins_a_persons_accounts_whenever_it_comes() -> None:
    """Accounts of one person are one unit, whether the record comes first, between or last; withdrawn, they are two."""
    for order in permutations([person("github:ann", USER), *ANN]):
        assert members(opened(*order)) == ONE
    both = person("github:ann", USER)
    assert members(opened(both, *ANN, person("github:ann"))) == TWO
    assert members(opened(both, *ANN, person())) == TWO
    assert members(opened(both, *ANN, person(), both)) == ONE


@pytest.mark.parametrize(
    "said",
    [{}, {"entity": ["principal", "x"]}, {"entity": ["planet", "mars"], "aliases": [["principal", "github:ann"]]}],
)
def test_an_alias_record_that_says_nothing_is_refused(said: Doc) -> None:
    """A dead letter says why, and what the record said before stays in force."""
    pipeline = Pipeline(0)
    opened(person("github:ann", USER), *ANN, pipeline=pipeline)
    outputs = fold([record(20, NOW + MINUTE, person("x") | {"record": said})], pipeline)
    assert len(letters(outputs)) == 1
    pipeline.flush(outputs)
    assert not [unit for unit in units(outputs) if unit.reason == "split"]


def test_work_for_one_statement_is_bounded_and_what_was_left_out_is_counted() -> None:
    """Of more entities than the cap that one event changes, the rest is left as it is, and counted as unresolved."""
    pipeline = Pipeline(0)
    sessions = [f"{SESSIONS[0]}-{number}" for number in range(resolving.MOST + 4)]
    many = [
        assumed(f"many-{at}", 0, KEY) | {"identities": [("session", s, "access_key", KEY) for s in sessions[at::50]]}
        for at in range(50)
    ]
    opened(*many, *ALERTS, MADE, pipeline=pipeline)
    assert pipeline.state.domains[DOMAIN].gone["unresolved"] == (5,)  # and the key


def test_a_session_that_turns_out_to_begin_earlier_has_the_root_of_then() -> None:
    """Of repeats across the moment from which an alias holds, the first one decides, in whatever order they come."""
    first, second = (alert(f"r{at}", at * MINUTE, ("session", SESSIONS[0])) for at in (0, 4))
    repeats = [each | {"title": "odd", "rule": "odd"} for each in (first, second)]
    call = assumed("assume", 3 * MINUTE, SESSIONS[0])
    for order in permutations([*repeats, call, alert("key", 5 * MINUTE, ("access_key", KEY))]):
        found = opened(*order)
        assert sorted((unit.signal_count, unit.signals[0].title) for unit in found) == [(1, "key"), (2, "odd")]


def test_an_uninteresting_event_teaches_too() -> None:
    """A finding below the threshold, and a change, say who stands for whom as well."""
    low = alert("low", 0, severity=0) | {"identities": [("principal", "github:ann", "principal", USER)]}
    pipeline = Pipeline(0)
    outputs = fold(timeline((NOW, [config(scoring=False), *ANN, low])), pipeline)
    pipeline.flush(outputs)
    assert members([u for u in final(units(outputs)).values() if u.status == "open"]) == ONE
