from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streams.correlation.rules import groups
from streams.correlation.rules.check import edited
from tests.properties.test_rules import TRIAL, Seen, expected, observed
from tests.streams.correlation.rules.scene import END, HOUR, MINUTE, SECOND, Caller, activity, compiled, rule, step

FLOODS = {
    "count": (rule("count", step("a"), at_least=5), 10),
    "lone step": (rule("all", step("a"), step("b", 5)), 10),
    "sequence": (rule("sequence", step("a", 5), step("b")), 10),
    "sparse": (rule("count", step("a"), at_least=5, timespan="1s", lateness="31d"), 10_000),
    "one value": (rule("distinct", step("a"), at_least=2, field="ip"), 10),
    "absence": (rule("absence", step("a"), step("b", absent="after"), lateness="31d"), 1_000),
    "what is absent": (rule("absence", step("b"), step("a", absent="after"), lateness="31d"), 1_000),
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_group_holds_no_more_than_it_may(name: str) -> None:
    """However many events one group gets, it keeps a bounded number of them."""
    asked, apart = FLOODS[name]
    caller = Caller(compiled(asked))
    for number in range(2_000):
        caller.observe(activity(f"e{number}", "a"), number * apart, number * apart)
        (row,) = caller.state.groups.values()
        assert len(row[1]) <= caller.rules.plans["r@1"].keep


@pytest.mark.parametrize("name", ["count", "distinct", "all"])
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_forgetting_inside_a_run_loses_nothing(name: str, data: Any) -> None:
    """As long as only hits inside runs were forgotten, in any order, spans and numbers are those of all events."""
    asked = TRIAL[name]
    caller = Caller(compiled(asked))
    (plan,) = caller.rules.plans.values()
    plan.keep = 12
    seen = []
    for number in range(data.draw(st.integers(12, 30))):
        steps = data.draw(st.sampled_from([s.id for s in asked.steps]))
        seen.append(Seen(data.draw(st.integers(0, 80)) * SECOND, (steps,), f"e{number:02}", "g", (f"{number % 4}",)))
    for each in seen:
        for reading in observed(each):
            caller.observe(reading, each.time)
    assume(all(row[4] for row in caller.state.groups.values()))
    found = {(match.first, match.last, match.anchor[1], match.members) for match in caller.open.values()}
    assert found == {(first, last, anchor, len(names)) for _, first, last, anchor, names in expected(asked, seen)}


@pytest.mark.parametrize("name", [name for name, asked in TRIAL.items() if asked.kind != "absence"])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_full_group_finds_no_window_that_is_not_there(name: str, data: Any) -> None:
    """Where hits were thinned or dropped, matches still hold what the rule asks for, and count no event twice."""
    asked = TRIAL[name]
    caller = Caller(compiled(asked))
    (plan,) = caller.rules.plans.values()
    plan.keep = 6
    seen = []
    for number in range(data.draw(st.integers(6, 24))):
        steps = data.draw(st.sampled_from([s.id for s in asked.steps]))
        seen.append(
            Seen(data.draw(st.integers(0, 60)) * 5 * SECOND, (steps,), f"e{number:02}", "g", (f"{number % 5}",))
        )
    for each in seen:
        for reading in observed(each):
            caller.observe(reading, each.time)
    real = expected(asked, seen)
    for match in caller.open.values():
        assert any(first <= match.first and match.last <= last for _, first, last, _, _ in real)
    assert sum(match.members for match in caller.open.values()) <= len(seen)


@pytest.mark.parametrize("name", ["after", "before", "around"])
@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["a", "a", "a", "b", "c", ""]), min_size=20, max_size=80))
def test_settled_absences_are_forgotten_without_loss(name: str, names: list[str]) -> None:
    """What no event can change any more leaves the hits, and the matches are those of all events."""
    asked = TRIAL[name].model_copy(update={"lateness": 0})
    caller = Caller(compiled(asked))
    (plan,) = caller.rules.plans.values()
    plan.keep = 16
    known = [s.id for s in asked.steps]
    seen = [Seen(n * 20 * SECOND, (each,), f"e{n:02}", "g", ("v",)) for n, each in enumerate(names) if each in known]
    for each in seen:
        for reading in observed(each):
            caller.observe(reading, each.time, each.time)
        assert all(len(row[1]) <= 16 and row[4] for row in caller.state.groups.values())
    caller.advance(END)
    found = {(match.first, match.last, match.anchor[1], match.members) for match in caller.open.values()}
    assert found == {(first, last, anchor, len(names)) for _, first, last, anchor, names in expected(asked, seen)}


def test_thinned_neighbours_still_count() -> None:
    """A flood of the one step before the other comes is thinned, and yet all of it is counted, nearly."""
    caller = Caller(compiled(rule("all", step("a"), step("b"))))
    for number in range(1_000):
        caller.observe(activity(f"e{number}", "a"), number * 10)
    (match,) = caller.observe(activity("b", "b"), 10_000)
    assert not match.exact
    assert (match.first, match.last, match.members) == (0, 10_000, 1_001)


def test_the_ends_of_a_thinned_stretch_stay() -> None:
    """What a window needs of either end of a flood is kept, so the late other step still finds it."""
    for at in (20 - MINUTE, 9_970 + MINUTE):
        caller = Caller(compiled(rule("all", step("a", 3), step("b"))))
        for number in range(1_000):
            caller.observe(activity(f"e{number}", "a"), number * 10)
        (match,) = caller.observe(activity("b", "b"), at)
        assert match.counts == (("a", 3), ("b", 1))


def test_old_groups_are_forgotten() -> None:
    """A group goes when nothing that is still taken can touch it; the clock alone is enough for that."""
    caller = Caller(compiled(rule("count", step("a"), at_least=3)))
    caller.observe(activity("e", "a"), 0)
    caller.advance(MINUTE + HOUR)
    assert caller.state.groups
    caller.advance(MINUTE + HOUR + 1)
    assert not caller.state.groups
    assert caller.rules.next_due(caller.state) is None


def test_too_many_groups_lose_the_oldest_and_say_so() -> None:
    """The groups whose newest event is the oldest go, in whatever order they came; they are counted."""
    caller = Caller(compiled(rule("count", step("a"), at_least=3, max_groups=7)))
    for number in (7, 3, 0, 5, 1, 8, 2, 6, 4):
        caller.observe(activity(f"e{number}", "a", ("ip", f"ip{number}")), number)
    assert {row[0][0] for row in caller.state.groups.values()} == {f"ip{n}" for n in range(2, 9)}
    assert caller.state.lost()["r@1"].evicted == 2


def test_a_domain_bounds_the_groups_of_all_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule with the most groups gives way, so that a hostile stream of new names stays bounded."""
    monkeypatch.setattr(groups, "MAX_GROUPS", 32)
    caller = Caller(compiled(rule("count", step("a"), at_least=3), rule("count", step("b"), at_least=3, name="other")))
    caller.observe(activity("kept", "b"), 0)
    for number in range(1_000):
        caller.observe(activity(f"e{number}", "a", ("ip", f"{number}")), number)
        assert len(caller.state.groups) <= 32
    assert any(line.startswith("other@1") for line in caller.state.groups)


def test_one_event_in_too_many_groups_is_counted() -> None:
    """Of an event with a hundred addresses, the first sixteen count."""
    caller = Caller(compiled(rule("count", step("a"), at_least=3)))
    caller.observe(activity("e", "a", *(("ip", f"198.51.100.{n}") for n in range(100))), 0)
    assert len(caller.state.groups) == 16
    assert caller.state.lost()["r@1"].dropped == 1


def test_a_rule_that_changed_begins_anew() -> None:
    """Rows of a rule that is gone, or means something else, are dropped when the new rules are adopted."""
    old, other = rule("count", step("a"), at_least=3), rule("count", step("a"), at_least=3, name="other")
    caller = Caller(compiled(old, other))
    caller.observe(activity("e", "a"), 0)
    new = rule("count", step("a"), at_least=2)
    assert [fault.rule for fault in edited([old, other], [new, other])] == ["r@1"]
    caller.state.adopt(compiled(new, other).plans)
    assert [line.partition("\x1f")[0] for line in caller.state.groups] == ["other@1"]
    caller.state.adopt({})
    assert not caller.state.groups
    assert not caller.state.tallies
    caller.advance(END)


def test_the_same_bytes_through_a_restore() -> None:
    """Rows after a restore in the middle are those without one."""
    plain, broken = (Caller(compiled(*(r.model_copy(update={"name": n}) for n, r in TRIAL.items()))) for _ in range(2))
    for number in range(60):
        event = activity(f"e{number}", "abc"[number % 3], ("ip", "g"), ("user_agent", "u"), ("principal", "p"))
        at = (number * 37) % 60 * 7 * SECOND
        for caller in (plain, broken):
            caller.observe(event, at, number * SECOND)
            caller.advance(number * SECOND)
        broken.reload()
    assert {n: dict(t) for n, t in plain.tables.items()} == {n: dict(t) for n, t in broken.tables.items()}
    assert plain.told == broken.told
