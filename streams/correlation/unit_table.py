"""The units of a domain, and which of them had signals lately: a late change concerns those alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from streams.correlation.rows import UnitRow
from streams.correlation.table import Row, Table, Undo

HOUR_MS: Final = 3_600_000


class UnitTable(Table):
    """Rows by cluster, ``UnitRow``; kept up with every write, undo and restore: clusters by the hour of ``last``."""

    __slots__ = ("_hours",)

    def __init__(self, name: str, journal: Undo) -> None:
        super().__init__(name, journal)
        self._hours: dict[int, set[str]] = {}

    def since(self, time: int) -> Iterator[tuple[str, UnitRow]]:
        """The units whose newest signal is at an event time (ms) or later, in no order.

        Costs what lies there, and a step for each hour in which some unit's newest signal lies.
        """
        first = time // HOUR_MS
        for hour, clusters in self._hours.items():
            if hour >= first:
                for cluster in clusters:
                    unit = cast(UnitRow, self[cluster])
                    if unit.last >= time:
                        yield cluster, unit

    def __setitem__(self, key: str, row: Row) -> None:
        old = self.get(key)
        super().__setitem__(key, row)
        self._move(key, old, row)

    def __delitem__(self, key: str) -> None:
        old = self.get(key)
        super().__delitem__(key)
        self._move(key, old, None)

    def load(self, key: str, row: Row | None, /) -> None:
        """Put a row back as restored or undone."""
        old = self.get(key)
        super().load(key, row)
        self._move(key, old, row)

    def _move(self, key: str, old: Row | None, row: Row | None) -> None:
        """After a write, which may have failed: then there was none."""
        before = None if old is None else cast(UnitRow, old).last // HOUR_MS
        after = None if row is None else cast(UnitRow, row).last // HOUR_MS
        if before == after:
            return
        if before is not None:
            clusters = self._hours[before]
            clusters.discard(key)
            if not clusters:
                del self._hours[before]
        if after is not None:
            self._hours.setdefault(after, set()).add(key)
