"""The state of rules in one domain: a row for each rule and group, bounded, and when each is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from streams.correlation.rules.hit import TIME, Hits
from streams.correlation.rules.plan import Plan
from streams.correlation.rules.run import LAST, Run
from streams.correlation.table import Row, Table

MAX_GROUPS = 20_000
"""Groups of all rules that a domain keeps."""

NEVER = -(2**62)


class GroupRow(NamedTuple):
    """One group of one rule. ``base``: of an absence rule, the runs of what is no hit any more; they are in ``runs``
    as well. ``exact`` is 0 once the group had more hits than it may hold."""

    group: tuple[str, ...]
    hits: Hits
    runs: tuple[Run, ...]
    base: tuple[Run, ...]
    exact: int

    def newest(self) -> int:
        """Event time of the newest thing in it."""
        hit = self.hits[-1][TIME] if self.hits else NEVER
        run = self.runs[-1][LAST] if self.runs else NEVER
        return hit if hit > run else run


EMPTY = GroupRow((), (), (), (), 1)


class Tally(NamedTuple):
    """What a rule lost in a domain, and the digest of the definition that its rows were made by."""

    digest: str
    late: int = 0  # events too late for the rule
    dropped: int = 0  # hits dropped from full groups, and groups that an event is in beyond those looked at
    evicted: int = 0  # groups, because there were too many


class RuleState:
    """Groups and tallies in tables of a domain. ``index`` must follow a restore and an undo, before anything else.

    Made by ``RuleState(domain.table)``. Everything else in it follows from the rows.
    """

    def __init__(self, table: Callable[[str], Table]) -> None:
        self.groups = table("rule_groups")
        self.tallies = table("rule_tallies")
        self.wakes: list[tuple[int, str]] = []
        self._armed: dict[str, int] = {}
        self._lines: dict[str, set[str]] = {}

    def index(self) -> None:
        """Build what follows from the rows again."""
        self.wakes, self._armed, self._lines = [], {}, {}
        for line in self.groups:
            if type(self.groups[line]) is not GroupRow:  # as the changelog gives it
                self.groups.load(line, GroupRow(*self.groups[line]))
            self._lines.setdefault(line.partition("\x1f")[0], set()).add(line)
            self.arm(line, NEVER)

    def adopt(self, plans: Mapping[str, Plan]) -> None:
        """Drop the rows of rules that are no more, or no more the same. Of the change of rules, not of a restore."""
        for key in sorted(self.tallies):
            if key not in plans or self.tallies[key][0] != plans[key].digest:
                del self.tallies[key]
                for line in sorted(self._lines.pop(key, ())):
                    del self.groups[line]
                    self._armed.pop(line, None)

    def row(self, line: str) -> GroupRow | None:
        """A group's row."""
        row: Row | None = self.groups.get(line)
        return row if isinstance(row, GroupRow) else None

    def put(self, plan: Plan, line: str, row: GroupRow) -> None:
        """Write a group's row; if there are too many groups, those whose newest event is the oldest go."""
        self.groups[line] = row
        lines = self._lines.get(plan.key)
        if lines is None:
            lines = self._lines[plan.key] = set()
            if plan.key not in self.tallies:
                self.tallies[plan.key] = Tally(plan.digest)
        if line in lines:
            return
        lines.add(line)
        if len(lines) > plan.rule.max_groups:
            self._evict(plan.key, len(lines) - plan.rule.max_groups + plan.rule.max_groups // 8)
        if len(self.groups) > MAX_GROUPS:
            largest = max(self._lines, key=lambda key: (len(self._lines[key]), key))
            self._evict(largest, min(len(self._lines[largest]), len(self.groups) - MAX_GROUPS + MAX_GROUPS // 8))

    def drop(self, line: str) -> None:
        """Forget a group."""
        del self.groups[line]
        self._armed.pop(line, None)
        self._lines[line.partition("\x1f")[0]].discard(line)

    def count(self, plan: Plan, *, late: int = 0, dropped: int = 0, evicted: int = 0) -> None:
        """Add to what a rule lost."""
        digest, *before = self.tallies.get(plan.key, Tally(plan.digest))
        self.tallies[plan.key] = Tally(digest, before[0] + late, before[1] + dropped, before[2] + evicted)

    def arm(self, line: str, when: int) -> None:
        """See to it that ``due`` names the group at the watermark ``when``, ms, or before."""
        if when < self._armed.get(line, when + 1):
            self._armed[line] = when
            heappush(self.wakes, (when, line))
            if len(self.wakes) > 1024 + 4 * len(self._armed):
                self.wakes = [(when, line) for line, when in self._armed.items()]
                heapify(self.wakes)

    def due(self, watermark: int) -> Iterator[str]:
        """The groups that something may be due for; each must be armed again."""
        while self.wakes and self.wakes[0][0] <= watermark:
            when, line = heappop(self.wakes)
            if self._armed.get(line) == when:
                del self._armed[line]
                if line in self.groups:
                    yield line

    def lost(self) -> dict[str, Tally]:
        """What each rule lost, by its key."""
        return {key: Tally(*row) for key, row in sorted(self.tallies.items())}

    def _evict(self, key: str, count: int) -> None:
        rows = ((self.groups[line], line) for line in self._lines[key])
        oldest = sorted((row.newest(), line) for row, line in rows if isinstance(row, GroupRow))
        for _, line in oldest[:count]:
            self.drop(line)
        digest, late, dropped, evicted = self.tallies[key]
        self.tallies[key] = Tally(digest, late, dropped, evicted + len(oldest[:count]))
