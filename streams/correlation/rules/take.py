"""One hit, or the passing of time, on the row of one group: fold, tell, keep within bounds, and arm."""

from __future__ import annotations

from collections.abc import Sequence

from streams.correlation.rules.absence import Absence
from streams.correlation.rules.groups import EMPTY, GroupRow, RuleState
from streams.correlation.rules.growing import grow
from streams.correlation.rules.hit import STEPS, TIME, TOLD, Hit, insert, merged, since, twin
from streams.correlation.rules.match import Match
from streams.correlation.rules.plan import Plan
from streams.correlation.rules.run import LAST
from streams.correlation.rules.tell import grown, settled
from streams.correlation.rules.thin import alike, inside, oldest


def take(state: RuleState, plan: Plan, group: tuple[str, ...], hit: Hit, watermark: int) -> Sequence[Match]:
    """A hit into its group. What time alone decided by ``watermark`` has been told before."""
    line = plan.line(group)
    row = state.row(line)
    fresh = row is None
    if row is None:
        row = EMPTY._replace(group=group)
    if plan.absence is not None:
        row, told = _miss(plan, plan.absence, line, row, hit, watermark)
    else:
        growth = grow(plan.window, row.hits, row.runs, hit, len(plan.step_ids))
        row = GroupRow(group, growth.hits, growth.runs, (), row.exact)
        told = grown(plan, line, row, growth)
    if len(row.hits) > plan.keep:
        row = _thin(state, plan, row, watermark)
    state.put(plan, line, row)
    if fresh or plan.absence is not None:
        _arm(state, plan, line, row, watermark)
    return told


def wake(state: RuleState, plan: Plan, line: str, row: GroupRow, watermark: int) -> Sequence[Match]:
    """What is due for a group; a group too old to matter is forgotten."""
    told: Sequence[Match] = ()
    settled_row = row
    if plan.absence is not None:
        settled_row, told = _settle(plan, plan.absence, line, row, watermark)
    if row.newest() + plan.timespan < watermark - plan.lateness:
        state.drop(line)
        return told
    if settled_row != row:
        state.put(plan, line, settled_row)
    _arm(state, plan, line, settled_row, watermark)
    return told


def _miss(
    plan: Plan, absence: Absence, line: str, row: GroupRow, hit: Hit, watermark: int
) -> tuple[GroupRow, Sequence[Match]]:
    """A hit of an absence rule: it alters what was told only where it is late."""
    hits = row.hits
    at = twin(hits, hit)
    if at is not None:
        hit = merged(hits[at], hit)
        hits = (*hits[:at], *hits[at + 1 :])
    hits, _ = insert(hits, hit)
    row = row._replace(hits=hits)
    over = hit[TIME] + absence.wait < watermark
    if over or (hit[STEPS] != absence.present and any(each[TOLD] for each in hits)):
        return _settle(plan, absence, line, row, watermark)
    return row, ()


def _settle(plan: Plan, absence: Absence, line: str, row: GroupRow, watermark: int) -> tuple[GroupRow, Sequence[Match]]:
    result = absence.settle(row.hits, row.base, watermark)
    after = row._replace(hits=result.hits, runs=result.runs)
    return after, settled(plan, line, after, row.runs, result)


def _arm(state: RuleState, plan: Plan, line: str, row: GroupRow, watermark: int) -> None:
    when = row.newest() + plan.timespan + plan.lateness + 1
    due = None if plan.absence is None else plan.absence.due(row.hits, watermark)
    state.arm(line, when if due is None else min(when, due))


def _thin(state: RuleState, plan: Plan, row: GroupRow, watermark: int) -> GroupRow:
    """A full group with room again; ``thin`` says what that costs."""
    taken = watermark - plan.lateness
    room = plan.keep * 3 // 4
    if plan.absence is not None:
        hits, base, forced = plan.absence.finish(row.hits, row.base, taken, room)
        runs = plan.absence.settle(hits, base, watermark).runs
        row = row._replace(hits=hits, base=base, runs=runs, exact=0 if forced else row.exact)
    else:
        runs = tuple(run for run in row.runs if run[LAST] + plan.timespan >= taken)
        kept = row.hits[since(row.hits, taken - plan.timespan) :]
        row = row._replace(hits=inside(plan.window, kept, runs), runs=runs)
    if len(row.hits) <= room:
        return row
    hits = alike(row.hits, () if plan.absence is not None else row.runs, room, plan.least)
    hits, gone = oldest(hits, room)
    if gone:
        state.count(plan, dropped=gone)
    return row._replace(hits=hits, exact=0)
