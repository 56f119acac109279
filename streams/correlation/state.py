"""All that a partition knows: tables by domain, and the indexes that follow from them.

The rows are the state; lists, heaps and per-unit indexes are derived and can be built again from the rows at any time,
which is what a restore does, and an undo. Nothing that reaches an output may live outside the rows.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Callable, Iterator
from typing import cast

from schemas.parameters import Parameters
from streams.correlation.aliases import LIMIT, Aliases
from streams.correlation.change_history import History
from streams.correlation.changes import Changes
from streams.correlation.context import Context
from streams.correlation.density import Density
from streams.correlation.lifecycle import next_due
from streams.correlation.rows import ChangeRow, Near, SignalRow, UnitRow
from streams.correlation.rules.groups import RuleState
from streams.correlation.seen import Seen
from streams.correlation.spread import Spread
from streams.correlation.suppression.patterns import Patterns
from streams.correlation.suppression.thresholds import Thresholds
from streams.correlation.table import Row, Table, Undo, undo
from streams.correlation.unit_table import UnitTable

Change = tuple[str, str, str, Row | None]
"""Table, domain, key and row of one changed row; None if it is gone."""

SHARED = ""
"""The domain of what all domains of a partition share: clock, parameters, catalog."""

ALIASES = LIMIT
COMMON_ALIASES = 4 * LIMIT
"""Entities that statements are kept of: by one domain, and from the catalog, by all domains of a partition."""

PATTERNS = ""
"""In the place of a cluster: what is due is the end of a suppression."""

MAKE: dict[str, Callable[[Row], Row]] = {
    "signals": SignalRow._make,
    "units": UnitRow._make,
    "changes": ChangeRow._make,
}
"""Tables whose rows are named tuples."""


class Domain:
    """The state of one correlation domain."""

    def __init__(self, name: str, journal: Undo, common: Aliases | None = None) -> None:
        self.name = name
        self.journal = journal
        self.tables: dict[str, Table] = {}
        self.signals = self.table("signals")  # cluster \x1f signature -> SignalRow
        self.units = self.tables["units"] = UnitTable("units", journal)
        self.links = self.table("links")  # kind \x1f id -> intervals, held by open units
        self.merged = self.table("merged")  # cluster that has yet to say so -> (cluster, unit id) it went into
        # cluster that was merged in -> (into, its unit id, revision that said so, log time when it was opened)
        self.joined = self.table("joined")
        self.reviews = self.table("reviews")  # cluster \x1f review id -> review fields
        self.related = self.table("related")  # cluster \x1f other unit \x1f relation -> fields
        self.gone = self.table("gone")  # what -> (how many were evicted,)
        self.aliases = Aliases(self.table("aliases"), common, COMMON_ALIASES if common is None else ALIASES)
        self.spread = Spread(self.table("spread"), self.gone)
        self.density = Density(self.table("density"), self.table("active"), self.gone)
        verdicts = History(self.table("change_history"), self.table("change_verdicts"), self.gone)
        self.changes = Changes(self.table("changes"), self.table("heard"), self.table("forgotten"), verdicts)
        self.rules = RuleState(self.table)
        self.patterns = Patterns(self.table)
        self.seen: dict[str, Seen] = {}
        self.signals_of: dict[str, set[str]] = {}  # cluster -> keys of its sessions
        self.key_of: dict[str, str] = {}  # session -> its key
        self.runs_of: dict[str, list[tuple[int, str]]] = {}  # cluster \x1f signature -> first and key of its sessions
        self.notes_of: dict[tuple[str, str], set[str]] = {}  # table and cluster -> keys of its reviews, relations
        self.joined_of: dict[str, set[str]] = {}  # cluster -> those that were merged into it
        self.lines_of: dict[str, set[str]] = {}  # cluster -> keys of links that it holds
        self.cluster_of: dict[str, str] = {}  # unit id, aliases included -> cluster
        self.leaving: set[str] = set()  # units that were evicted, and close when next something is due
        self.latest = -(2**62)  # no open unit has a signal after this event time

    def root(self, kind: str, id_: str, time: int) -> tuple[str, str]:
        """What an entity stands for at an event time, ms."""
        return self.aliases.root((kind, id_), time)

    def run(self, key: str, first: int) -> None:
        """Note where a session begins, so that its repeats find it."""
        insort(self.runs_of.setdefault(key.rpartition("\x1f")[0], []), (first, key))

    def unrun(self, key: str) -> None:
        """Forget that again; the row must still be there."""
        name = key.rpartition("\x1f")[0]
        runs = self.runs_of[name]
        runs.remove((self.signals[key][3], key))
        if not runs:
            del self.runs_of[name]

    def unit_of(self, session: str) -> str:
        """The cluster that a session is in."""
        return self.key_of[session].partition("\x1f")[0]

    def note(self, table: Table, cluster: str, key: str, row: Row) -> None:
        """Write a row about a unit, of ``reviews`` or ``related``."""
        table[key] = row
        self.notes_of.setdefault((table.name, cluster), set()).add(key)

    def unnote(self, table: Table, cluster: str, key: str) -> None:
        """Take such a row away."""
        del table[key]
        self.notes_of[table.name, cluster].discard(key)

    def table(self, name: str) -> Table:
        """The table of that name, made on first use; models keep their rows in tables of their own."""
        table = self.tables.get(name)
        if table is None:
            table = self.tables[name] = Table(name, self.journal)
        return table

    def seen_of(self, source: str) -> Seen:
        """The natural keys taken from a source."""
        seen = self.seen.get(source)
        if seen is None:
            seen = self.seen[source] = Seen(self.journal)
        return seen

    def index(self) -> None:
        """Build what follows from the rows again."""
        self.aliases.index()  # first: roots are asked for below
        self.changes.index()
        self.rules.index()
        self.patterns.index()
        for seen in self.seen.values():
            seen.index()
        self.spread.index()
        self.signals_of = {}
        self.runs_of = {}
        self.key_of = {}
        for key in self.signals:
            run, _, session = key.rpartition("\x1f")
            self.key_of[session] = key
            self.runs_of.setdefault(run, []).append((self.signals[key][3], key))
            self.signals_of.setdefault(run.partition("\x1f")[0], set()).add(key)
        for runs in self.runs_of.values():
            runs.sort()
        self.density.index(
            (session, key.split("\x1f")[1], cast(SignalRow, self.signals[key])) for session, key in self.key_of.items()
        )
        self.notes_of = {}
        for table in (self.reviews, self.related):
            for key in table:
                self.notes_of.setdefault((table.name, key.partition("\x1f")[0]), set()).add(key)
        self.joined_of = {}
        for victim, row in self.joined.items():
            self.joined_of.setdefault(row[0], set()).add(victim)
        self.lines_of = {}
        for key, line in self.links.items():
            for _, _, cluster in line:
                self.lines_of.setdefault(cluster, set()).add(key)
        self.cluster_of = {}
        self.leaving = set()
        for cluster, row in self.units.items():
            unit = cast(UnitRow, row)
            if unit.sealed and unit.pending == "closed":
                self.leaving.add(cluster)
            if unit.status != "merged":
                self.latest = max(self.latest, unit.last)
                for unit_id in (unit.unit_id, *unit.aliases):
                    if unit_id:
                        self.cluster_of[unit_id] = cluster

    def load(self, table: str, key: str, row: Row | None) -> None:
        """Take one row back; ``index`` must follow the last one."""
        if table == "seen":
            source, _, chunk = key.rpartition("\x1f")
            self.seen_of(source).restore(chunk, row)
        elif table == "newest":
            assert row is not None, "a source that was heard stays heard"
            seen = self.seen_of(key)
            seen.newest, seen.floor, seen.evicted = row
        else:
            make = MAKE.get(table)
            self.table(table).load(key, row if row is None or make is None else make(row))

    def drain(self) -> Iterator[Change]:
        """The rows that changed since the last drain, by table and key."""
        for name in sorted(self.tables):
            table = self.tables[name]
            if table.dirty:
                for key, row in table.drain():
                    yield name, self.name, key, row
        for source in sorted(self.seen):
            seen = self.seen[source]
            if seen.dirty:
                if seen.newest is not None:
                    yield "newest", self.name, source, (seen.newest, seen.floor, seen.evicted)
                for key, row in seen.drain():
                    yield "seen", self.name, f"{source}\x1f{key}", row


class State:
    """The state of one partition, and its timers.

    ``timers`` is a heap of hints (log time, domain, cluster): of every unit with something due, one at or before it.
    Since a hint that comes too early is put off to the moment itself, order and outcome depend on the rows alone.
    """

    def __init__(self) -> None:
        self.journal: Undo = []
        self.domains: dict[str, Domain] = {}
        self.touched: set[str] = set()
        self.shared = self.domain(SHARED)
        self.clock = self.shared.table("clock")
        self.context = Context(self.shared.table("context"))
        self.parameters = Parameters()
        self._thresholds = self.parameters, Thresholds.of(self.parameters)
        self.near: Callable[[str], tuple[Near, ...]] = lambda _: ()
        """What the catalog says of a component's dependencies, as ``topology.near`` gives it."""
        self.rule: Callable[[Domain, str, float, int], tuple[bool, float, int | None]] = lambda *_: (True, 1.0, None)
        """The alert budget of a domain, as ``suppression.held.Rule`` says; without one, everything is shown."""
        self.timers: list[tuple[int, str, str]] = []
        self._waiting: dict[tuple[str, str], list[int]] = {}  # the hints of a cluster in the heap, the earliest last
        self.moves: list[tuple[str, str, str]] | None = None
        """Where somebody wants them: domain, old and new name of every session that went into another; ``ids``: by
        domain and session the unit id of what was forgotten."""
        self.ids: dict[tuple[str, str], str] = {}

    def domain(self, name: str) -> Domain:
        """The domain, made on first use; counts as touched."""
        domain = self.domains.get(name)
        if domain is None:
            domain = self.domains[name] = Domain(name, self.journal, self.shared.aliases if name else None)
        self.touched.add(name)
        return domain

    @property
    def thresholds(self) -> Thresholds:
        """How much evidence suppresses, by the parameters in force."""
        if self._thresholds[0] is not self.parameters:
            self._thresholds = self.parameters, Thresholds.of(self.parameters)
        return self._thresholds[1]

    def arm(self, domain: Domain, cluster: str, unit: UnitRow) -> None:
        """See to it that ``wake`` names the unit when something is due for it."""
        self._hint(domain, cluster, next_due(unit, self.parameters))

    def arm_patterns(self, domain: Domain) -> None:
        """See to it that ``wake`` names the domain when one of its suppressions ends."""
        self._hint(domain, PATTERNS, domain.patterns.next_due())

    def _hint(self, domain: Domain, cluster: str, due: int | None) -> None:
        if due is None:
            return
        hints = self._waiting.setdefault((domain.name, cluster), [])
        if not hints or due < hints[-1]:
            hints.append(due)
            heapq.heappush(self.timers, (due, domain.name, cluster))

    def disarm(self, domain: Domain, cluster: str) -> None:
        """Forget the hints of a unit that is gone."""
        if self._waiting.pop((domain.name, cluster), None) and len(self.timers) > 1024 + 4 * len(self._waiting):
            self.timers = [(due, *at) for at, hints in self._waiting.items() for due in hints]
            heapq.heapify(self.timers)

    def _due(self, domain: Domain, cluster: str) -> int | None:
        """When something is due for what a hint names; None if never, or it is gone."""
        if cluster == PATTERNS:
            return domain.patterns.next_due()
        unit = cast(UnitRow | None, domain.units.get(cluster))
        return None if unit is None else next_due(unit, self.parameters)

    def wake(self, log_time: int) -> tuple[Domain, str] | None:
        """The next unit for which something is due by ``log_time``, by due time, domain and cluster.

        In the place of a cluster ``PATTERNS`` where a suppression ends, which it does before units that are due then.
        """
        while self.timers and self.timers[0][0] <= log_time:
            hint, name, cluster = heapq.heappop(self.timers)
            hints = self._waiting.get((name, cluster))
            if not hints or hints[-1] != hint:
                continue
            hints.pop()
            if not hints:
                del self._waiting[name, cluster]
            domain = self.domains[name]
            due = self._due(domain, cluster)
            if due is not None and due <= hint:
                self.touched.add(name)
                return domain, cluster
            self._hint(domain, cluster, due)
        return None

    def next_due(self) -> int | None:
        """The log time of what ``wake`` will name next, ms."""
        while self.timers:
            hint, name, cluster = self.timers[0]
            due = self._due(self.domains[name], cluster)
            hints = self._waiting.get((name, cluster))
            if due is not None and hints and hints[-1] == hint and due == hint:
                return hint
            heapq.heappop(self.timers)
            if hints and hints[-1] == hint:
                hints.pop()
                if not hints:
                    del self._waiting[name, cluster]
                self._hint(self.domains[name], cluster, due)
        return None

    def index(self) -> None:
        """Build everything derived again, after a restore or for other parameters."""
        self.timers = []
        self._waiting = {}
        for domain in self.domains.values():
            domain.index()
            self._arm_all(domain)

    def _arm_all(self, domain: Domain) -> None:
        self.arm_patterns(domain)
        for cluster, row in domain.units.items():
            self.arm(domain, cluster, cast(UnitRow, row))

    def undo(self, name: str | None) -> None:
        """Take back everything since the journal was last cleared; all of it was in the domain ``name``, or None."""
        undo(self.journal)
        domain = None if name is None else self.domains.get(name)
        if domain is None:
            self.index()
            return
        domain.index()
        self._arm_all(domain)

    def drain(self) -> list[Change]:
        """All rows that changed since the last drain, in an order that depends on the log alone."""
        changed = [row for name in sorted(self.touched) for row in self.domains[name].drain()]
        self.touched.clear()
        return changed
