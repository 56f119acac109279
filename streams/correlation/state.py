"""All that a partition knows: tables by domain, and the indexes that follow from them.

The rows are the state; lists, heaps and per-unit indexes are derived and can be built again from the rows at any time,
which is what a restore does, and an undo.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

from schemas.parameters import Parameters
from streams.correlation.changes import Changes
from streams.correlation.lifecycle import next_due
from streams.correlation.rows import ChangeRow, SignalRow, UnitRow
from streams.correlation.seen import Seen
from streams.correlation.table import Row, Table, Undo, undo

Change = tuple[str, str, str, Row | None]
"""Table, domain, key and row of one changed row; None if it is gone."""

SHARED = ""
"""The domain of what all domains of a partition share: clock, parameters, catalog."""

MAKE: dict[str, Callable[[Row], Row]] = {
    "signals": SignalRow._make,
    "units": UnitRow._make,
    "changes": ChangeRow._make,
}
"""Tables whose rows are named tuples."""


class Domain:
    """The state of one correlation domain."""

    def __init__(self, name: str, journal: Undo) -> None:
        self.name = name
        self.journal = journal
        self.tables: dict[str, Table] = {}
        self.newest = self.table("newest")  # source -> (newest event time,)
        self.signals = self.table("signals")  # cluster \x1f signature -> SignalRow
        self.units = self.table("units")  # cluster -> UnitRow
        self.links = self.table("links")  # kind \x1f id -> intervals
        self.merged = self.table("merged")  # cluster -> (the cluster it went into,)
        self.reviews = self.table("reviews")  # cluster \x1f review id -> review fields
        self.related = self.table("related")  # cluster \x1f other unit -> fields
        self.changes = Changes(self.table("changes"), self.table("heard"))
        self.seen: dict[str, Seen] = {}
        self.signals_of: dict[str, set[str]] = {}
        self.cluster_of: dict[str, str] = {}  # unit id -> cluster

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

    def find(self, cluster: str) -> str:
        """The cluster that holds what this one held."""
        while (row := self.merged.get(cluster)) is not None:
            cluster = row[0]
        return cluster

    def index(self) -> None:
        """Build what follows from the rows again."""
        self.changes.index()
        self.signals_of = {}
        for key in self.signals:
            self.signals_of.setdefault(key.split("\x1f", 1)[0], set()).add(key)
        self.cluster_of = {}
        for cluster, row in self.units.items():
            for unit_id in (row[1], *row[19]):
                if unit_id:
                    self.cluster_of[unit_id] = cluster

    def load(self, table: str, key: str, row: Row | None) -> None:
        """Take one row back; ``index`` must follow the last one."""
        if table == "seen":
            source, _, chunk = key.rpartition("\x1f")
            self.seen_of(source).restore(chunk, row)
            return
        make = MAKE.get(table)
        self.table(table).load(key, row if row is None or make is None else make(row))

    def drain(self) -> Iterator[Change]:
        """The rows that changed since the last drain."""
        for name, table in self.tables.items():
            if table.dirty:
                for key, row in table.drain():
                    yield name, self.name, key, row
        for source, seen in self.seen.items():
            if seen.fresh or seen.dropped:
                for key, row in seen.drain():
                    yield "seen", self.name, f"{source}\x1f{key}", row


class State:
    """The state of one partition, and its timers."""

    def __init__(self) -> None:
        self.journal: Undo = []
        self.domains: dict[str, Domain] = {}
        self.touched: set[str] = set()
        self.shared = self.domain(SHARED)
        self.clock = self.shared.table("clock")
        self.parameters = Parameters()
        self.timers: list[tuple[int, str, str]] = []

    def domain(self, name: str) -> Domain:
        """The domain, made on first use; counts as touched."""
        domain = self.domains.get(name)
        if domain is None:
            domain = self.domains[name] = Domain(name, self.journal)
        self.touched.add(name)
        return domain

    def arm(self, domain: Domain, cluster: str, unit: UnitRow) -> None:
        """Wake up when something may be due for the unit."""
        due = next_due(unit, self.parameters)
        if due is not None:
            heapq.heappush(self.timers, (due, domain.name, cluster))

    def index(self) -> None:
        """Build everything derived again, after a restore."""
        self.timers = []
        for domain in self.domains.values():
            domain.index()
            for cluster, row in domain.units.items():
                self.arm(domain, cluster, UnitRow._make(row))

    def undo(self) -> None:
        """Take back everything since the journal was last cleared."""
        undo(self.journal)
        self.index()

    def drain(self) -> list[Change]:
        """All rows that changed since the last drain, in an order that depends on the log alone."""
        changed = [row for name in sorted(self.touched) for row in self.domains[name].drain()]
        self.touched.clear()
        return changed
