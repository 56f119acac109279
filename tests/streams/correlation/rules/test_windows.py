from __future__ import annotations

import doctest
from itertools import permutations

import pytest

from streams.correlation.rules import rule_set
from tests.streams.correlation.rules.scene import (
    DAY,
    END,
    MINUTE,
    SECOND,
    Caller,
    activity,
    compiled,
    finding,
    rule,
    step,
)

BURST = rule("count", step("a"), at_least=3)
PAIR = rule("sequence", step("a"), step("b"))
LACK = rule("absence", step("a"), step("b", absent="after"))


def spans(caller: Caller) -> list[tuple[int, int, int]]:
    return sorted((match.first, match.last, match.members) for match in caller.open.values())


def test_the_documented_example_runs() -> None:
    """What the documentation of the rule set shows is what happens."""
    result = doctest.testmod(rule_set)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("order", list(permutations([0, 10, 30, 200])))
def test_three_within_a_minute_are_found_in_every_order(order: tuple[int, ...]) -> None:
    """Three events at 0, 10 and 30 s are one match whichever comes last; the one at 200 s is no part of it."""
    caller = Caller(compiled(BURST))
    caller.observe_all((activity(f"e{at}", "a"), at * SECOND) for at in order)
    assert spans(caller) == [(0, 30 * SECOND, 3)]
    assert list(caller.members.values()) == [["e0", "e10", "e30"]]


def test_events_far_apart_do_not_match_newest_first() -> None:
    """Three events 1,000 s apart, newest first, are not three within a minute."""
    caller = Caller(compiled(BURST))
    caller.observe_all((activity(f"e{n}", "a"), n * 1_000 * SECOND) for n in (2, 1, 0))
    assert not caller.told


def test_a_pair_too_far_apart_does_not_match() -> None:
    """An ordered pair 5,000 s apart is none within a minute, in either order of arrival."""
    for order in ((0, 1), (1, 0)):
        events = [(activity("one", "a"), 0), (activity("two", "b"), 5_000 * SECOND)]
        caller = Caller(compiled(PAIR)).observe_all(events[n] for n in order)
        assert not caller.told


def test_two_high_findings_nineteen_days_apart_do_not_match() -> None:
    """Two high findings 19 days apart are not two within 24 hours, though they arrive one right after the other."""
    where = {"type": "finding", "severity": {"at_least": 4}}
    twice = rule("count", {"id": "high", "where": where}, at_least=2, timespan="24h", lateness="31d")
    for days in ((0, 19), (19, 0)):
        assert not Caller(compiled(twice)).observe_all((finding(f"f{d}"), d * DAY) for d in days).told
    assert Caller(compiled(twice)).observe_all((finding(f"f{d}"), d * DAY) for d in (0, 1)).told


def test_windows_slide() -> None:
    """Two events before and two after a full minute are within one minute of each other, and both ends count."""
    four = rule("count", step("a"), at_least=4)
    times = (59, 60, 61, 119)
    caller = Caller(compiled(four)).observe_all((activity(f"e{at}", "a"), at * SECOND) for at in times)
    assert spans(caller) == [(59 * SECOND, 119 * SECOND, 4)]
    caller = Caller(compiled(four)).observe_all((activity(f"e{at}", "a"), at * SECOND) for at in (59, 60, 61, 120))
    assert not caller.told


def test_a_burst_is_one_match_that_grows() -> None:
    """Each further event is told as growth of one match, and all of them are counted."""
    caller = Caller(compiled(BURST))
    for number in range(5_000):
        caller.observe(activity(f"e{number}", "a"), number * 100)
    assert len({match.id for match in caller.told}) == 1
    assert spans(caller) == [(0, 499_900, 5_000)]
    assert all(match.exact and len(match.added) <= 3 for match in caller.told)
    assert sum(len(match.added) for match in caller.told) == 5_000


def test_a_late_event_before_the_anchor_supersedes_the_identity() -> None:
    """The id is of the earliest member; a late earlier one gives another id, and says which it replaces."""
    caller = Caller(compiled(BURST))
    caller.observe_all((activity(f"e{at}", "a"), at * SECOND) for at in (10, 20, 30))
    (before,) = caller.open
    (late,) = caller.observe(activity("e0", "a"), 0)
    assert late.replaces == (before,)
    assert late.id != before
    assert late.anchor == ("test", "e0")
    assert [member.source_id for member in late.added] == ["e0"]
    assert late.line == caller.told[0].line
    same = Caller(compiled(BURST)).observe_all((activity(f"e{at}", "a"), at * SECOND) for at in (0, 10, 20, 30))
    assert same.open.keys() == {late.id}


def test_a_late_event_joins_two_matches() -> None:
    """What lay between two matches makes them one, which replaces the later one."""
    caller = Caller(compiled(BURST))
    caller.observe_all((activity(f"e{at}", "a"), at * SECOND) for at in (0, 1, 2, 100, 101, 102))
    one, two = sorted(caller.open, key=lambda name: caller.open[name].first)
    (joined,) = caller.observe(activity("between", "a"), 50 * SECOND)
    assert (joined.id, joined.replaces) == (one, (two,))
    assert spans(caller) == [(0, 102 * SECOND, 7)]


def test_groups_are_apart_and_may_have_several_fields() -> None:
    """Only events that agree in all group fields count together; one with several values is in each group."""
    asked = rule("count", step("a"), at_least=2, group_by=["ip", "domain"])
    caller = Caller(compiled(asked))
    caller.observe(activity("one", "a", ("ip", "198.51.100.1"), ("ip", "198.51.100.2")), 0)
    caller.observe(activity("two", "a", ("ip", "198.51.100.2"), domain="other"), 0)
    caller.observe(activity("three", "a", ("ip", "198.51.100.3")), 0)
    caller.observe(activity("four", "a", ("host", "no address")), 0)
    assert not caller.told
    (match,) = caller.observe(activity("five", "a", ("ip", "198.51.100.2")), 0)
    assert match.group == (("ip", "198.51.100.2"), ("domain", "system:shop"))


def test_a_group_field_may_be_another_one_in_another_step() -> None:
    """The actor of one step can be the target of the other."""
    asked = rule(
        "sequence",
        step("hacked", group={"who": "principal"}),
        step("acts", group={"who": "actor"}),
        group_by="who",
    )
    caller = Caller(compiled(asked))
    caller.observe(activity("one", "hacked", ("principal", "eve"), actor="mallory"), 0)
    assert not caller.observe(activity("two", "acts", ("principal", "eve"), actor="bob"), 1)
    (match,) = caller.observe(activity("three", "acts", actor="eve"), 2)
    assert match.group == (("who", "eve"),)


def test_a_sequence_wants_its_order_but_not_within_one_instant() -> None:
    """B before A is none; A and B of one second are one, since their clock says nothing finer."""
    caller = Caller(compiled(PAIR))
    caller.observe_all([(activity("b", "b"), 0), (activity("a", "a"), 1)])
    assert not caller.told
    (match,) = caller.observe(activity("0", "b"), 1)
    assert match.counts == (("a", 1), ("b", 1))


def test_one_event_takes_one_place_of_a_sequence() -> None:
    """An event that meets both steps is no pair by itself; two such events are one."""
    both = rule(
        "sequence",
        {"id": "one", "where": {"actor": {"exists": True}}},
        {"id": "two", "where": {"outcome": "success"}},
    )
    caller = Caller(compiled(both))
    assert not caller.observe(activity("x", "a", actor="eve"), 0)
    assert caller.observe(activity("y", "a", actor="eve"), 0)


def test_events_of_one_instant_take_the_places_that_serve() -> None:
    """Where one event could take two places and another only one of them, both find theirs."""
    three = rule("sequence", step("a"), step("b"), step("c"))
    readings = [("x", "a"), ("x", "b"), ("y", "a"), ("y", "c")]
    caller = Caller(compiled(three)).observe_all((activity(name, action), 0) for name, action in readings)
    assert not caller.told
    (match,) = caller.observe(activity("z", "c"), 0)
    assert match.members == 3


def test_a_call_that_is_also_a_change_counts_once() -> None:
    """The activity and the change read from one record are one event."""
    caller = Caller(compiled(rule("count", step("a"), at_least=2)))
    caller.observe(activity("one", "a"), 0)
    assert not caller.observe(activity("one", "a", type="change"), 0)
    (match,) = caller.observe(activity("two", "a"), 0)
    assert match.members == 2


def test_absence_is_told_when_the_watermark_has_passed() -> None:
    """A without B is told once no B within the timespan can come any more, and not a moment before."""
    caller = Caller(compiled(LACK))
    caller.observe(activity("a", "a"), 0)
    assert caller.rules.next_due(caller.state) == MINUTE + 1
    assert not caller.advance(MINUTE)
    (match,) = caller.advance(MINUTE + 1)
    assert [member.source_id for member in match.added] == ["a"]
    assert not caller.advance(MINUTE + 2)


def test_absence_is_not_told_where_it_came() -> None:
    """A B exactly at the end of the timespan counts; one beyond it, or before A, does not."""
    for at, told in ((MINUTE, False), (MINUTE + 1, True), (-1, True), (0, False)):
        caller = Caller(compiled(LACK)).observe_all([(activity("a", "a"), 0), (activity("b", "b"), at)], -MINUTE)
        assert bool(caller.advance(3 * MINUTE)) is told


def test_what_still_forbids_is_not_forgotten() -> None:
    """Two timespans back, an event can keep another from being told that a late one could still concern."""
    asked = compiled(rule("absence", step("a"), step("b", absent="around"))).plans["r@1"].absence
    assert asked is not None
    hits = ((0, 2, "test", "b", (), 0, ()), (MINUTE, 1, "test", "a", (), 0, ()))
    assert asked.finish(hits, (), 2 * MINUTE, room=9) == (hits, (), False)
    assert asked.finish(hits, (), 2 * MINUTE + 1, room=9) == ((), (), False)


def test_a_late_event_takes_an_absence_back() -> None:
    """A B that comes late withdraws what was told, or leaves what else is missed."""
    caller = Caller(compiled(LACK))
    caller.observe_all([(activity("a0", "a"), 0), (activity("a1", "a"), 50 * SECOND)])
    caller.advance(5 * MINUTE)
    (before,) = caller.open.values()
    assert before.members == 2
    (after,) = caller.observe(activity("b", "b"), 30 * SECOND, 5 * MINUTE)
    assert (after.replaces, after.members) == ((before.id,), 1)
    assert [member.source_id for member in after.removed] == ["a0"]
    (gone,) = caller.observe(activity("b2", "b"), 60 * SECOND, 5 * MINUTE)
    assert gone.withdrawn
    assert not caller.open


@pytest.mark.parametrize("lateness", [0, 60 * MINUTE])
def test_a_chain_of_absences_is_one_match(lateness: int) -> None:
    """Events without what should follow, at most a timespan apart, are one match that grows."""
    caller = Caller(compiled(LACK.model_copy(update={"lateness": lateness})))
    for number in range(300):
        caller.observe(activity(f"a{number}", "a"), number * 30 * SECOND, number * 30 * SECOND)
    caller.advance(END // 2)
    assert len({match.id for match in caller.told}) == 1
    assert max(match.members for match in caller.told) == 300


def test_an_event_too_late_for_a_rule_is_counted() -> None:
    """Behind the watermark by more than the rule's lateness, an event is not taken; no other rule is concerned."""
    patient = BURST.model_copy(update={"name": "patient", "lateness": DAY})
    caller = Caller(compiled(BURST, patient))
    caller.observe_all([(activity(f"e{n}", "a"), n) for n in range(3)], watermark=2 * 60 * MINUTE)
    assert {match.rule for match in caller.told} == {"patient@1"}
    assert caller.state.lost()["r@1"].late == 3


def test_distinct_counts_values_not_events() -> None:
    """Three names from one address, not one name three times."""
    asked = rule("distinct", step("a"), at_least=3, field="principal")
    caller = Caller(compiled(asked))
    for number in range(5):
        event = activity(f"e{number}", "a", ("ip", "198.51.100.7"), ("principal", "u"))
        assert not caller.observe(event, number)
    caller.observe(activity("v", "a", ("ip", "198.51.100.7"), ("principal", "v")), 7)
    caller.observe(activity("none", "a"), 7)
    (match,) = caller.observe(activity("w", "a", ("ip", "198.51.100.7"), ("principal", "w")), 8)
    assert (match.distinct, match.members) == (3, 7)


def test_matches_of_one_event_come_in_the_order_of_rules() -> None:
    """The order of what is told does not depend on the order of the rules."""
    one = rule("count", step("a"), at_least=1, name="one")
    two = rule("count", step("a"), at_least=1, name="two", group_by=[])
    for rules in ((one, two), (two, one)):
        told = Caller(compiled(*rules)).observe(activity("e", "a"), 0)
        assert [match.rule for match in told] == ["one@1", "two@1"]
