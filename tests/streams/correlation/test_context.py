"""Context records by version: which was in force when, and what a lookup says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import CONTEXT_KINDS
from streams.correlation.context import ALWAYS, MAX_VERSIONS, MOST, Context, instant, old, subjects
from streams.correlation.rows import tuples
from streams.correlation.table import Table, Undo, undo

DAY = 86_400_000
HOUR = 3_600_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def made() -> tuple[Context, Table]:
    table = Table("context", [])
    return Context(table), table


NOON = ms("2026-03-02T12:00")


def test_a_kev_entry_counts_from_the_day_it_was_added() -> None:
    """Before that day it was not listed, whenever the catalogue was read; its age is that of the entry."""
    context, _ = made()
    assert context.put("kev", "CVE-2026-1000", {"added": "2026-03-01", "ransomware": None}, NOON, 17)
    assert context.at("kev", "CVE-2026-1000", ms("2026-02-28T23:59")) is None
    fact = context.at("kev", "CVE-2026-1000", ms("2026-03-04T00:00"))
    assert fact is not None
    assert fact.age == 3 * DAY
    assert fact.words() == f"kev CVE-2026-1000 version {fact.version}, 3 days old"
    assert fact.version.startswith("17-")


def test_a_later_version_counts_from_its_place_in_the_log() -> None:
    """Nobody says when ransomware began to use it, so it did when the log says so; the entry's day stays."""
    context, _ = made()
    context.put("kev", "CVE-2026-1000", {"added": "2026-03-01", "ransomware": None}, NOON)
    context.put("kev", "CVE-2026-1000", {"added": "2026-03-01", "ransomware": True}, NOON + DAY)
    before, after = (context.at("kev", "CVE-2026-1000", NOON + n * HOUR) for n in (23, 24))
    assert before is not None
    assert after is not None
    assert (before.record["ransomware"], after.record["ransomware"]) == (None, True)
    assert before.version != after.version


def test_the_first_catalog_record_is_the_best_that_is_known_of_before() -> None:
    """A catalog has no dates: its first version holds for all time before, a later one from the log's time on."""
    context, table = made()
    context.put("catalog", "component:default/pay", {"tags": ["internet-facing"]}, 0)
    context.put("catalog", "component:default/pay", {"tags": []}, NOON)
    first, second = (context.at("catalog", "component:default/pay", time) for time in (5, NOON))
    assert first is not None
    assert second is not None
    assert (first.record["tags"], second.record["tags"]) == (["internet-facing"], [])
    assert (first.age, second.age) == (None, 0)
    assert first.words().endswith("of unknown age")
    assert [row[1][0][0] for row in table.values()] == [ALWAYS]


def test_a_withdrawn_record_was_there_before() -> None:
    """Withdrawing ends a record, and it may come again; what was never there cannot be withdrawn."""
    context, _ = made()
    assert not context.put("catalog", "component:default/pay", None, NOON)
    context.put("catalog", "component:default/pay", {"tags": []}, NOON)
    assert context.put("catalog", "component:default/pay", None, NOON + DAY)
    assert context.put("catalog", "component:default/pay", {"tags": []}, NOON + 2 * DAY)
    there = [context.at("catalog", "component:default/pay", NOON + n * DAY) is not None for n in range(3)]
    assert there == [True, False, True]
    assert context.has("catalog", "component:default/pay")


def test_saying_it_again_is_no_version() -> None:
    """A whole feed that is read again changes no row."""
    context, table = made()
    for offset in range(3):
        changed = context.put("kev", "CVE-2026-1000", {"added": "2026-03-01"}, NOON + offset * DAY, offset)
        assert changed is (offset == 0)
    assert [len(row[1]) for row in table.values()] == [1]


def test_versions_are_bounded_and_the_evicted_are_counted() -> None:
    """The oldest versions go; a time of which no version is left gets the oldest that is kept, and it says its age."""
    context, _ = made()
    for n in range(MAX_VERSIONS + 3):
        context.put("catalog", "component:default/pay", {"n": n}, NOON + n * DAY)
    assert context.dropped == 3
    fact = context.at("catalog", "component:default/pay", NOON)
    assert fact is not None
    assert (fact.record["n"], fact.age) == (3, -3 * DAY)
    assert fact.words().endswith("recorded 3 days later")


def test_epss_comes_as_blocks_and_alone_and_the_newer_counts() -> None:
    """A score is looked up in the record of a thousand and in its own; files may come in any order."""
    context, _ = made()
    context.put("epss", "CVE-2026-12xxx", {"date": "2026-03-03", "scores": ";12003=0.5;12030=0.7"}, NOON)
    context.put("epss", "CVE-2026-12xxx", {"date": "2026-03-01", "model": "m", "scores": ";12003=0.2"}, NOON)
    scores = [context.epss("CVE-2026-12003", ms(day)) for day in ("2026-02-28", "2026-03-02", "2026-03-03")]
    assert [found and found[0] for found in scores] == [None, 0.2, 0.5]
    assert context.epss("CVE-2026-12000", NOON + DAY) is None
    assert context.epss("CVE-2026-2003", NOON + DAY) is None
    context.put("epss", "CVE-2026-12003", {"date": "2026-03-04", "epss": 0.9}, NOON)
    newest = context.epss("CVE-2026-12003", ms("2026-03-05"))
    assert newest is not None
    assert (newest[0], newest[1].age) == (0.9, DAY)
    context.put("epss", "CVE-2026-12xxx", {"date": "2026-03-06", "scores": ";12003=0.1"}, NOON)
    later = context.epss("CVE-2026-12003", ms("2026-03-06"))
    assert later is not None
    assert later[0] == 0.1


def waiver(**fields: Any) -> dict[str, Any]:
    return {"control": "waf", "component": "pay", "created_at": "2026-03-01T00:00:00Z",
            "valid_from": "2026-03-02T00:00:00Z", "valid_to": "2026-03-05T00:00:00Z", **fields}  # fmt: skip


def test_exceptions_are_found_by_component_while_in_force() -> None:
    """Under any spelling of the component, from the first to before the last instant; the newest version says which."""
    context, _ = made()
    context.put("policy_exception", "EX-2", waiver(), NOON)
    context.put("policy_exception", "EX-1", waiver(component="Component:default/Pay", valid_to=None), NOON)
    context.put("policy_exception", "EX-3", waiver(component="web"), NOON)

    def ids(time: str, component: str = "pay") -> list[str]:
        return [fact.key for fact in context.exceptions(component, ms(time))]

    assert ids("2026-03-01T23:59") == []
    assert ids("2026-03-02") == ids("2026-03-04T23:59") == ["EX-1", "EX-2"]
    assert ids("2026-03-05") == ["EX-1"]
    assert ids("2026-03-03", "component:default/pay") == ["EX-1", "EX-2"]
    context.put("policy_exception", "EX-2", waiver(component="web"), ms("2026-03-03"))
    assert ids("2026-03-02") == ["EX-1", "EX-2"]
    assert ids("2026-03-03") == ["EX-1"]
    assert ids("2026-03-03", "web") == ["EX-2", "EX-3"]


def test_the_duty_that_began_last_counts_in_whatever_order_they_come() -> None:
    """Next week's duty is known first, this week's comes later: at each time, who is on call then."""
    context, _ = made()
    context.put("on_call", "s", {"team": "group:default/Money", "person": "bo", "from": "2026-03-09"}, NOON, 1)
    context.put("on_call", "s", {"team": "money", "person": "al", "from": "2026-03-02"}, NOON, 2)
    said = [context.about("on_call", "team:money", ms(day)) for day in ("2026-03-01", "2026-03-08", "2026-03-10")]
    assert [[fact.record["person"] for fact in facts] for facts in said] == [[], ["al"], ["bo"]]


def test_what_a_record_is_about_may_change() -> None:
    """A freeze that was for a system is for everything from its next version on, and a withdrawn one for nothing."""
    context, _ = made()
    context.put("freeze", "f", {"system": "system:default/shop"}, NOON)
    context.put("freeze", "f", {}, NOON + DAY)
    context.put("freeze", "f", None, NOON + 2 * DAY)
    about = [
        [len(context.about("freeze", subject, NOON + n * DAY)) for n in range(3)] for subject in ("system:shop", "")
    ]
    assert about == [[1, 0, 0], [0, 1, 0]]


def test_kinds_that_grow_without_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the most of a kind, the withdrawn and then the oldest keys go, are counted, and are found no more."""
    monkeypatch.setitem(MOST, "case", 20)
    context, table = made()
    for n in range(20):
        context.put("case", f"T-{n:02}", {"cve": "CVE-2026-1000", "closed_at": f"2026-02-{n + 1:02}"}, NOON)
    context.put("case", "T-19", None, NOON)
    context.put("case", "T-20", {"cve": "CVE-2026-1000", "closed_at": "2026-02-22"}, NOON)
    left = [fact.key for fact in context.about("case", "CVE-2026-1000", NOON)]
    assert left == [f"T-{n:02}" for n in range(1, 19)] + ["T-20"]
    assert context.dropped == 2
    again = Table("context", [])
    for key, row in table.items():
        again.load(key, row)
    assert view(Context(again)) == view(context)


@pytest.mark.parametrize("kind", CONTEXT_KINDS)
@pytest.mark.parametrize(
    "record",
    [
        {},
        {"added": 7, "date": [], "created_at": "x", "component": None, "epss": "1", "scores": 3},
        {"from": 7, "weekly": 3, "aliases": {}, "cve": [], "title": 4, "read_at": "x", "vulnerability": ["a"]},
    ],
)
def test_any_record_is_taken(kind: str, record: dict[str, Any]) -> None:
    """A record of the context topic may hold anything: what does not fit reads as not known."""
    context, _ = made()
    context.put(kind, "CVE-2026-1000", record, NOON)
    assert context.at(kind, "CVE-2026-1000", NOON) is not None
    assert context.epss("CVE-2026-1000", NOON) is None
    assert context.exceptions("pay", NOON) == []
    assert all(context.about(kind, subject, NOON) for subject in subjects(kind, record) if kind != "policy_exception")


VARIED = ["kev", "epss", "catalog", "policy_exception", "on_call", "freeze", "vex", "case", "feed"]
PUTS = st.lists(
    st.tuples(
        st.sampled_from(VARIED),
        st.sampled_from(["a", "b"]),
        st.none() | st.fixed_dictionaries(
            {"component": st.sampled_from(["pay", "web"])},
            optional={
                "added": st.sampled_from(["2026-03-01", "2026-03-04"]),
                "date": st.sampled_from(["2026-03-01", "2026-03-02", "2026-03-03"]),
                "timestamp": st.sampled_from(["2026-03-01", "2026-03-02", "2026-03-03"]),
                "cve": st.sampled_from(["CVE-2026-1", "CVE-2026-2"]),
                "n": st.integers(0, 3),
            },
        ),
        st.integers(0, 9),
    ),
    max_size=40,
)  # fmt: skip
KEYS = [(kind, key) for kind in VARIED for key in "ab"]
SUBJECTS = ["", "component:pay", "component:web", "CVE-2026-1", "CVE-2026-2"]


def view(context: Context) -> object:
    times = [ALWAYS, 0, *(NOON + n * DAY for n in range(-3, 12))]
    return (
        [context.at(*key, time) for key in KEYS for time in times],
        [context.exceptions(name, time) for name in ("pay", "web") for time in times],
        [context.about(kind, subject, time) for kind in VARIED for subject in SUBJECTS for time in times],
        context.digest(),
        context.dropped,
    )


@given(PUTS)
def test_everything_is_in_the_rows(puts: list[Any]) -> None:
    """From its rows, also by way of JSON, the context is the same again; rows stay bounded and in order."""
    context, table = made()
    log_time = NOON
    for offset, (kind, key, record, days) in enumerate(puts):
        log_time += days * DAY // 4
        context.put(kind, key, record, log_time, offset)
    again = Table("context", [])
    for key, row in reversed(table.items()):
        again.load(key, tuples([row[0], [list(version) for version in row[1]]]))
    assert view(Context(again)) == view(context)
    for row in table.values():
        starts = [version[0] for version in row[1]]
        assert starts == sorted(set(starts))
        assert len(starts) <= MAX_VERSIONS


@given(PUTS, st.integers(0, 40))
def test_an_undo_takes_back_all_of_it(puts: list[Any], kept: int) -> None:
    """After an undo, a context of the rows is what it was at the mark."""
    journal: Undo = []
    table = Table("context", journal)
    context = Context(table)
    for offset, (kind, key, record, _) in enumerate(puts[:kept]):
        context.put(kind, key, record, NOON + offset, offset)
    before = view(Context(table))
    journal.clear()
    for offset, (kind, key, record, _) in enumerate(puts[kept:]):
        context.put(kind, key, record, NOON + DAY + offset, offset)
    undo(journal)
    assert view(Context(table)) == before


STATED = st.lists(
    st.tuples(st.sampled_from(["vex", "on_call", "case", "feed", "epss"]), st.sampled_from("ab"), st.integers(1, 6)),
    unique=True, max_size=20,
).map(lambda said: [(kind, key, dict.fromkeys(DATES, f"2026-03-0{day}") | {"cve": "CVE-2026-1"})
                    for kind, key, day in said])  # fmt: skip
DATES = ("timestamp", "from", "closed_at", "read_at", "date")


@given(STATED, st.randoms(use_true_random=False))
def test_the_order_of_dated_statements_decides_nothing(said: list[Any], random: Any) -> None:
    """What dates itself is the same at every time, whatever the order, but for the place in the log that it names."""
    shuffled = list(said)
    random.shuffle(shuffled)
    views = []
    for order in (said, shuffled):
        context, _ = made()
        for kind, key, record in order:
            context.put(kind, key, record, NOON, 0)
        views.append(view(context))
    assert views[0] == views[1]


def test_ages_and_instants_in_words() -> None:
    """Hours until two days, then days; days and instants are read as UTC, anything else is none."""
    assert [old(n * HOUR) for n in (1, 47, 48)] == ["1 hour old", "47 hours old", "2 days old"]
    assert instant("2026-03-02") == instant("2026-03-02T01:00:00+01:00") == ms("2026-03-02")
    assert [instant(value) for value in ("soon", 7, None, "")] == [None] * 4
