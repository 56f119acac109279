"""When a unit has ended, so that what ended it is remembered for the next one like it. Pure.

It has when it closes because its findings are fixed or nothing came any more. What is going on is never reported as
fixed, and a unit stays open for days after: so when another one opens that says the same, the last one before it counts
as ended if nothing of it came for ``QUIET_MS`` until then. If it goes on after all, what was remembered of it is not
shown (``unit_notes``). Full, too old or evicted is no end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from schemas.parameters import Parameters
from streams.correlation.change_content import ONGOING
from streams.correlation.change_fixes import FIXES, WITHIN_MS, Fixes, statements
from streams.correlation.facts import UNKNOWN, Facts
from streams.correlation.lifecycle import idle_from
from streams.correlation.rows import UnitRow
from streams.correlation.state import Domain
from streams.correlation.unit import subject
from streams.correlation.unit_signals import collapsed, sessions_of

QUIET_MS: Final = 86_400_000
"""Event time without a signal after which a unit that is still open may have ended."""

SAID: Final = "said"
"""The domain's table of the last unit that opened with a statement: key of it -> (cluster, event ms of its signals)."""

LIMIT: Final = 5_000
"""Statements of ``SAID``; beyond, the tenth that was made longest ago goes, counted in ``gone``."""

_Facts = Callable[[str], Facts | None]


def closed(
    domain: Domain, cluster: str, unit: UnitRow, facts: _Facts, log_time: int, parameters: Parameters, *, fixed: bool
) -> None:
    """The unit closes; ``unit`` is its row. Remember what ended it, if it has ended."""
    if fixed or idle_from(unit, parameters) <= log_time:
        _remember(domain, cluster, unit, facts, log_time if fixed else unit.last + WITHIN_MS)


def reopened(domain: Domain, cluster: str, unit: UnitRow) -> None:
    """The unit was opened again: nothing ended it."""
    Fixes(domain.table(FIXES), domain.gone).withdraw(
        unit.unit_id, statements(row for _, row in sessions_of(domain, cluster))
    )


def opened(domain: Domain, cluster: str, unit: UnitRow, facts: _Facts) -> None:
    """The unit is about to be told first. Remember what ended the quiet one that said the same before it."""
    said = statements(row for _, row in sessions_of(domain, cluster) if row.kind in ONGOING)
    table = domain.table(SAID)
    quiet: set[tuple[int, str]] = set()
    for statement in said:
        row = table.get(statement.key)
        if row is None or row[1] <= unit.last:
            table[statement.key] = (cluster, unit.last)
        if row is None or (before := cast(UnitRow | None, domain.units.get(row[0]))) is None:
            continue
        if before.status == "open" and before.revision and before.last + QUIET_MS <= unit.first:
            quiet.add((before.last, row[0]))
    if quiet:
        _, last = max(quiet)
        _remember(domain, last, cast(UnitRow, domain.units[last]), facts, unit.first)
    if len(table) > LIMIT:
        oldest = sorted((row[1], key) for key, row in table.items())[: len(table) - LIMIT * 9 // 10]
        for _, key in oldest:
            del table[key]
        domain.gone[SAID] = (cast(tuple[int], domain.gone.get(SAID, (0,)))[0] + len(oldest),)


def _remember(domain: Domain, cluster: str, unit: UnitRow, facts: _Facts, until: int) -> None:
    signals = collapsed(sessions_of(domain, cluster))
    if not signals:
        return

    def owner(component: str) -> str | None:
        return (facts(component) or UNKNOWN).owner

    said = statements(row for _, row in signals)
    of = subject(unit, signals, facts)
    Fixes(domain.table(FIXES), domain.gone).remember(unit.unit_id, said, of, domain.changes, until, owner)
