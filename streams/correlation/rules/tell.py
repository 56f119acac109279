"""Runs into matches: what became of each since it was last told of."""

from __future__ import annotations

from collections.abc import Sequence

from streams.correlation.rules.absence import Settled
from streams.correlation.rules.groups import GroupRow
from streams.correlation.rules.growing import Growth
from streams.correlation.rules.hit import SOURCE, SOURCE_ID, STEPS, TIME, Hit
from streams.correlation.rules.match import Match, Member
from streams.correlation.rules.plan import Plan
from streams.correlation.rules.run import FIRST, LAST, Run, identity


def grown(plan: Plan, line: str, row: GroupRow, growth: Growth) -> Sequence[Match]:
    """The match that a hit made or enlarged, if it did."""
    if growth.run is None:
        return ()
    anchor = growth.run[:LAST]
    gone = sorted({identity(line, run) for run in growth.before if run[:LAST] != anchor})
    return (_match(plan, line, row, growth.run, added=growth.added, replaces=gone),)


def settled(plan: Plan, line: str, row: GroupRow, old: Sequence[Run], result: Settled) -> Sequence[Match]:
    """The matches of an absence rule that are others than before: more, fewer, or other members.

    An id that is no more is replaced by the earliest match that shares time with it, or withdrawn if there is none.
    """
    if not result.added and not result.removed:
        return ()
    now = {identity(line, run): run for run in result.runs}
    heirs: dict[str, list[str]] = {}
    out: list[Match] = []
    for run in old:
        name = identity(line, run)
        if name in now:
            continue
        heir = next((other for other, each in now.items() if _share_time(run, each)), None)
        if heir is not None:
            heirs.setdefault(heir, []).append(name)
        else:
            removed = [hit for hit in result.removed if run[FIRST] <= hit[TIME] <= run[LAST]]
            out.append(_match(plan, line, row, run, removed=removed, withdrawn=True))
    gone = list(result.removed)
    for name, run in now.items():
        if run in old:
            continue
        spans = [each for each in old if _share_time(run, each)]
        added = [hit for hit in result.added if run[FIRST] <= hit[TIME] <= run[LAST]]
        removed = [hit for hit in gone if any(each[FIRST] <= hit[TIME] <= each[LAST] for each in spans)]
        gone = [hit for hit in gone if hit not in removed]  # where a run is split, its first part tells
        out.append(_match(plan, line, row, run, added=added, removed=removed, replaces=sorted(heirs.get(name, ()))))
    return out


def _share_time(one: Run, other: Run) -> bool:
    return one[FIRST] <= other[LAST] and other[FIRST] <= one[LAST]


def _match(
    plan: Plan,
    line: str,
    row: GroupRow,
    run: Run,
    *,
    added: Sequence[Hit] = (),
    removed: Sequence[Hit] = (),
    replaces: Sequence[str] = (),
    withdrawn: bool = False,
) -> Match:
    first, source, source_id, last, members, total, counts, values = run
    return Match(
        id=identity(line, run),
        rule=plan.key,
        group=tuple(zip(plan.group_by, row.group, strict=True)),
        first=first,
        last=last,
        anchor=(source, source_id),
        members=members,
        counts=tuple(zip(plan.step_ids, counts, strict=True)),
        distinct=len(values),
        hash=f"{total:016x}",
        added=tuple(_member(plan, hit) for hit in added),
        removed=tuple(_member(plan, hit) for hit in removed),
        replaces=tuple(replaces),
        withdrawn=withdrawn,
        exact=bool(row.exact),
        line=line,
    )


def _member(plan: Plan, hit: Hit) -> Member:
    return Member(hit[SOURCE], hit[SOURCE_ID], hit[TIME], plan.steps_of(hit[STEPS]))
