"""Whatever the order of arrival, the cuts and the restores, the matches are those that a plain reading of the rule
finds in the set of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import event, given, settings
from hypothesis import strategies as st

from schemas.rule import Rule
from streams.correlation.rules.hit import HASH_MODULUS, member_hash
from tests.streams.correlation.rules.scene import END, SECOND, Caller, activity, compiled, rule, step

SPAN = 60 * SECOND
LATENESS = 200 * SECOND


class Seen(NamedTuple):
    time: int
    steps: tuple[str, ...]
    name: str
    group: str
    values: tuple[str, ...]


def windows(asked: Rule, seen: Sequence[Seen]) -> list[tuple[int, int]]:
    """Every stretch of time that holds what a rule asks, by trying each pair of events as its ends."""
    first, last = asked.steps[0].id, asked.steps[-1].id
    out = []
    for a in seen:
        for b in seen:
            if not 0 <= b.time - a.time <= SPAN:
                continue
            if asked.kind == "sequence" and (first not in a.steps or last not in b.steps):
                continue
            if holds(asked, sorted(each for each in seen if a.time <= each.time <= b.time)):
                out.append((a.time, b.time))
    return out


def holds(asked: Rule, within: list[Seen]) -> bool:
    if asked.kind == "count":
        return len(within) >= (asked.at_least or 0)
    if asked.kind == "distinct":
        return len({value for each in within for value in each.values}) >= (asked.at_least or 0)
    if asked.kind == "all":
        return all(sum(s.id in each.steps for each in within) >= s.at_least for s in asked.steps)
    wanted = [s.id for s in asked.steps for _ in range(s.at_least)]

    def rest(place: int, after: int, free: frozenset[Seen]) -> bool:
        if place == len(wanted):
            return True
        return any(
            wanted[place] in each.steps and each.time >= after and rest(place + 1, each.time, free - {each})
            for each in free
        )

    return rest(0, within[0].time, frozenset(within))


def missed(asked: Rule, seen: Sequence[Seen]) -> list[Seen]:
    """Events of the present step that no absent step came for."""
    present = next(s.id for s in asked.steps if s.absent is None)
    out = []
    for each in seen:
        if present not in each.steps:
            continue
        came = False
        for s in asked.steps:
            begin = each.time - (SPAN if s.absent in ("before", "around") else 0)
            end = each.time + (SPAN if s.absent in ("after", "around") else 0)
            number = sum(s.id in other.steps and begin <= other.time <= end for other in seen)
            came = came or (s.absent is not None and number >= s.at_least)
        if not came:
            out.append(each)
    return out


def expected(asked: Rule, seen: Sequence[Seen]) -> set[tuple[str, int, int, str, tuple[str, ...]]]:
    """Group, span, anchor and members of every match."""
    out = set()
    for group in {each.group for each in seen}:
        mine = [each for each in seen if each.group == group]
        if asked.kind == "absence":
            mine = missed(asked, mine)
            spans = [(each.time, each.time) for each in mine]
            gap = SPAN
        else:
            spans = windows(asked, mine)
            gap = 0
        runs: list[list[int]] = []
        for first, last in sorted(spans):
            if runs and first <= runs[-1][1] + gap:
                runs[-1][1] = max(runs[-1][1], last)
            else:
                runs.append([first, last])
        for first, last in runs:
            members = [each for each in mine if first <= each.time <= last]
            anchor = min((each.time, each.name) for each in members)[1]
            out.add((group, first, last, anchor, tuple(sorted(each.name for each in members))))
    return out


TRIAL = {
    "count": rule("count", step("a"), step("b"), at_least=3),
    "distinct": rule("distinct", step("a"), step("b", field="principal"), at_least=3, field="user_agent"),
    "all": rule("all", step("a", 2), step("b"), step("c")),
    "sequence": rule("sequence", step("a", 2), step("b"), step("c")),
    "pair": rule("sequence", step("a"), step("b")),
    "after": rule("absence", step("a"), step("b", absent="after")),
    "before": rule("absence", step("a"), step("b", 2, absent="before")),
    "around": rule("absence", step("b", absent="around"), step("a"), step("c", absent="after")),
}


@st.composite
def histories(draw: st.DrawFn) -> tuple[Rule, list[Seen], list[int], list[int], set[int]]:
    """A rule, events in the order of time, an order of arrival, watermarks as far as they may go, and restores."""
    asked = TRIAL[draw(st.sampled_from(sorted(TRIAL)))].model_copy(update={"lateness": LATENESS})
    names = [s.id for s in asked.steps]
    seen = []
    for number in range(draw(st.integers(1, 14))):
        steps = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
        values = draw(st.lists(st.sampled_from("uvwx"), min_size=1, max_size=2, unique=True))
        at = draw(st.integers(0, 30)) * 10 * SECOND
        seen.append(Seen(at, tuple(steps), f"e{number:02}", draw(st.sampled_from("gggh")), tuple(values)))
    order = draw(st.permutations(range(len(seen))))
    steps_of_clock = draw(st.lists(st.integers(0, 200), min_size=len(seen), max_size=len(seen)))
    return asked, seen, order, steps_of_clock, draw(st.sets(st.integers(0, 14), max_size=3))


def observed(each: Seen) -> list[Any]:
    """One event; one that meets two steps comes as two readings of one call."""
    entities = [("ip", each.group), *(("user_agent", v) for v in each.values), *(("principal", v) for v in each.values)]
    return [activity(each.name, name, *entities) for name in each.steps]


def told(caller: Caller) -> set[tuple[str, int, int, str, tuple[str, ...]]]:
    out = set()
    for match in caller.open.values():
        members = caller.members[match.id]
        assert match.exact
        assert match.members == len(members)
        hashes = [member_hash((0, 0, "test", name, (), 0, ())) for name in members]
        assert int(match.hash, 16) == sum(hashes) % HASH_MODULUS
        out.add((match.group[0][1], match.first, match.last, match.anchor[1], tuple(members)))
    assert len(out) == len(caller.open)
    return out


@settings(max_examples=400, deadline=None)
@given(histories())
def test_order_cuts_and_restores_change_nothing(history: Any) -> None:
    """The matches that stand at the end are those of a plain reading, members, hash and ids included."""
    asked, seen, order, clock, restores = history
    caller = Caller(compiled(asked))
    watermark = -LATENESS
    for place, at in enumerate(order):
        if place in restores:
            caller.reload()
        for reading in observed(seen[at]):
            caller.observe(reading, seen[at].time, watermark)
        remaining = [seen[n].time for n in order[place + 1 :]]
        wanted = max(watermark, -LATENESS + clock[place] * 10 * SECOND)
        watermark = max(watermark, min([wanted, *(time + LATENESS for time in remaining)]))
        caller.advance(watermark)
    if asked.kind == "absence":
        caller.advance(max(each.time for each in seen) + SPAN + 1)
    found = told(caller)
    for match in caller.told:
        what = (
            "replaces"
            if match.replaces
            else "withdrawn"
            if match.withdrawn
            else "shrinks"
            if match.removed
            else "grows"
        )
        event(f"{asked.kind} {what}")
    assert found == expected(asked, seen)
    in_order = Caller(compiled(asked))
    for each in sorted(seen):
        for reading in observed(each):
            in_order.observe(reading, each.time, -LATENESS)
    in_order.advance(max(each.time for each in seen) + SPAN + 1)
    assert in_order.open.keys() == caller.open.keys()
    caller.advance(END)
    assert not caller.state.groups
