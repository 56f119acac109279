"""State as tables of immutable rows: one mechanism for change tracking, undo, changelog and restore.

A row is a tuple that is replaced, never altered, so undo is putting the old row back. Rows hold only strings, ints,
floats, None and tuples of these, so that they survive JSON exactly. Nothing may depend on the iteration order of a
table: after a restore it is another one.
"""

from __future__ import annotations

from typing import Any, Protocol

Row = tuple[Any, ...]


class Undoable(Protocol):
    """What can take a row back: ``None`` where there was none."""

    def load(self, key: str, row: Row | None, /) -> None:
        """Put the row back."""


Undo = list[tuple[Undoable, str, Row | None]]
"""What to put back, in the order of writing."""


class Table(dict[str, Row]):
    """A dict of rows that remembers which keys changed since the last drain, and can take back since a mark.

    ``get`` and ``in`` are dict's own; write only by item assignment, ``del`` and ``discard``.
    """

    __slots__ = ("dirty", "journal", "name")

    def __init__(self, name: str, journal: Undo) -> None:
        super().__init__()
        self.name = name
        self.journal = journal
        self.dirty: set[str] = set()

    def __setitem__(self, key: str, row: Row) -> None:
        self.journal.append((self, key, self.get(key)))
        self.dirty.add(key)
        dict.__setitem__(self, key, row)

    def __delitem__(self, key: str) -> None:
        self.journal.append((self, key, self.get(key)))
        self.dirty.add(key)
        dict.__delitem__(self, key)

    def discard(self, key: str) -> None:
        """Delete the key if it is there."""
        if key in self:
            del self[key]

    def load(self, key: str, row: Row | None, /) -> None:
        """Put a row back as restored: neither dirty nor undoable. ``None`` deletes."""
        if row is None:
            self.pop(key, None)
        else:
            dict.__setitem__(self, key, row)

    def drain(self) -> list[tuple[str, Row | None]]:
        """The rows that changed since the last drain, sorted by key; ``None`` where the key is gone."""
        changed = [(key, self.get(key)) for key in sorted(self.dirty)]
        self.dirty.clear()
        return changed


def undo(journal: Undo) -> None:
    """Take back every write in the journal, last first. Keys stay dirty: writing an unchanged row again is harmless."""
    while journal:
        table, key, row = journal.pop()
        table.load(key, row)
