"""Units by the hour of their newest signal, through writes, undo and restore."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.correlation.rows import UnitRow
from streams.correlation.table import Undo, undo
from streams.correlation.unit_table import HOUR_MS, UnitTable

TIMES = st.integers(-3 * HOUR_MS, 3 * HOUR_MS)


def unit(last: int) -> UnitRow:
    fields: dict[str, Any] = dict.fromkeys(UnitRow._fields, 0)
    return UnitRow(**(fields | {"last": last}))


@given(st.lists(st.tuples(st.sampled_from("abcd"), TIMES | st.none(), st.booleans()), max_size=40), TIMES)
def test_it_gives_what_a_scan_gives(writes: list[tuple[str, int | None, bool]], since: int) -> None:
    """Whatever was written, deleted, taken back and restored."""
    journal: Undo = []
    units = UnitTable("units", journal)
    for key, last, keep in writes:
        journal.clear()
        if last is not None:
            units[key] = unit(last)
        else:
            units.discard(key)
        if not keep:
            undo(journal)
    restored = UnitTable("units", [])
    for key, row in units.items():
        restored.load(key, row)
    expected = {key: row for key, row in units.items() if row.last >= since}
    assert dict(units.since(since)) == dict(restored.since(since)) == expected
