"""Which change ended an earlier unit like this one. Pure.

When a unit ends, because its findings are fixed or nothing came any more, the best change after its last signal that
touched the same things is remembered for each statement that the unit made about a component. A later unit that makes
the same statement about the same component is shown that change. The same statement: the same rule (a CVE, a check, a
detector's rule), else the same title but for numbers; of an anomaly the same call.

Wrong as a proof: what came before the silence need not be what brought it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from hashlib import blake2b
from typing import Final, NamedTuple, cast

from streams.correlation.change_content import Subject, package
from streams.correlation.change_words import span
from streams.correlation.changes import Changes
from streams.correlation.entity_weight import weight
from streams.correlation.rows import ChangeRow, SignalRow
from streams.correlation.table import Table

_DAY = 86_400_000

FIXES: Final = "fixes"
"""The domain's table of what ended units."""

KINDS: Final = frozenset(
    {"deploy", "rollback", "dependency", "configuration", "infrastructure", "access", "feature_flag", "secret_rotation"}
)
"""Kinds of change that can end something. Code that runs nowhere yet and an exception end nothing."""

WITHIN_MS: Final = 7 * _DAY
"""How long after the last signal a change can still be what ended it."""

HALF_MS: Final = 3_600_000
ENOUGH: Final = 1.5
"""What must speak for a change: that it touched a thing of its own name, or the component and soon after."""

MOST: Final = 1_000
"""Statements remembered a domain; beyond, the ones whose change is oldest go."""

KEPT: Final = 2
"""Units remembered of one statement, so that the one that ended last still sees the one before it."""

SOONEST: Final = 32
"""Of a thing that is changed all the time, the changes looked at: the first so many after the last signal."""

SHOWN: Final = 3
_VARIABLE = re.compile(r"\b(?=[a-f]*[0-9])[0-9a-f]{7,64}\b|[0-9]+(?:[.:][0-9]+)*")
"""Numbers, versions, addresses and hashes: what differs between two statements of one rule."""


class FixRow(NamedTuple):
    """The change that ended a unit, with the statement it answered and what it did about it, in words. Event ms.

    ``team``: who owns what was changed, as the catalog said when the unit ended. ``took``: ms from the unit's first
    signal to the change; None in rows of before it was kept.
    """

    unit_id: str
    statement: str
    source: str
    source_id: str
    kind: str
    time: int
    actor: str | None
    title: str
    text: str
    team: str | None = None
    took: int | None = None

    def words(self, first: int) -> str:
        """What it was about, who changed what, and how long before the event time ``first`` of the unit that asks."""
        team = f" of {self.team}" if self.team else ""
        return f"{self.statement}: ended {span(first - self.time)} before by a change{team}, {self.text}"


class Statement(NamedTuple):
    """What a unit says of a component, as a key and in words."""

    key: str
    text: str


def statements(signals: Iterable[SignalRow]) -> tuple[Statement, ...]:
    """What the signals say, each once, by key. Signals that name no component say it of the domain."""
    out: dict[str, str] = {}
    for signal in signals:
        name = signal.rule or signal.action or _VARIABLE.sub("#", signal.title)
        where = signal.component or ""
        key = blake2b(f"{signal.kind}\x1f{name}\x1f{where}".encode(), digest_size=12).hexdigest()
        out.setdefault(key, f"{signal.kind} {name}" + (f" in {where}" if where else ""))
    return tuple(Statement(key, out[key]) for key in sorted(out))


class Fixes:
    """Statement -> the ``FixRow`` of the last ``KEPT`` units that made it, newest first, in the table ``FIXES``.

    ``gone`` counts under the same name the statements that went because there were too many.
    """

    def __init__(self, table: Table, gone: Table) -> None:
        self.table = table
        self.gone = gone

    def remember(
        self,
        unit_id: str,
        said: Sequence[Statement],
        about: Subject,
        changes: Changes,
        until: int,
        owner: Callable[[str], str | None] = lambda _: None,
    ) -> FixRow | None:
        """Note what ended the unit: the best change between its last signal and ``until``, event ms. None: none did.

        Call it when a unit closes: ``until`` is the log's clock where all its findings have turned fixed, else any
        later time, since nothing counts after ``WITHIN_MS``. ``owner``: the team of a component.
        """
        found = self._best(about, changes, min(until, about.last + WITHIN_MS))
        if found is None:
            return None
        change, text = found
        row: FixRow | None = None
        for statement in said:
            row = FixRow(
                unit_id,
                statement.text,
                change.source,
                change.source_id,
                change.kind,
                change.time,
                change.actor,
                change.title,
                text,
                None if change.component is None else owner(change.component),
                max(0, change.time - about.first),
            )
            others = (other for other in self.table.get(statement.key, ()) if other[0] != unit_id)
            rows = sorted((row, *others), key=lambda fix: (-fix[5], fix[0]))
            self.table[statement.key] = tuple(tuple(fix) for fix in rows[:KEPT])
        if len(self.table) > MOST:
            oldest = sorted(self.table, key=lambda key: (self.table[key][0][5], key))
            over = oldest[: len(self.table) - MOST]
            for key in over:
                del self.table[key]
            self.gone[FIXES] = (self.gone.get(FIXES, (0,))[0] + len(over),)
        return row

    def withdraw(self, unit_id: str, said: Iterable[Statement]) -> None:
        """The unit was opened again, so nothing ended it."""
        for statement in said:
            rows = self.table.get(statement.key, ())
            left = tuple(row for row in rows if row[0] != unit_id)
            if left:
                if len(left) < len(rows):
                    self.table[statement.key] = left
            elif rows:
                del self.table[statement.key]

    def find(
        self,
        said: Iterable[Statement],
        first: int,
        but: Collection[str] = (),
        holds: Callable[[FixRow], bool] = lambda _: True,
    ) -> tuple[FixRow, ...]:
        """What ended earlier units that said the same, the newest first, each change once, at most ``SHOWN``.

        Earlier: the change came before the event time ``first`` of the unit that asks. ``but`` are its ids: what it did
        before it was opened again is no earlier unit. ``holds``: whether the change still counts as the end.
        """
        found: dict[tuple[str, str], FixRow] = {}
        for statement in said:
            for row in self.table.get(statement.key, ()):
                fix = FixRow(*row)
                if fix.time < first and fix.unit_id not in but and holds(fix):
                    found.setdefault((fix.source, fix.source_id), fix)
                    break
        return tuple(sorted(found.values(), key=lambda fix: (-fix.time, fix.source, fix.source_id))[:SHOWN])

    def _best(self, about: Subject, changes: Changes, until: int) -> tuple[ChangeRow, str] | None:
        best: tuple[float, int, str] | None = None
        words = ""
        for key in changes.touching(about, about.last + 1, until, SOONEST):
            change = cast(ChangeRow, changes.rows[key])
            if change.kind not in KINDS or change.status in ("failed", "started"):
                continue
            value, text = _ends(about, change, changes)
            rank = (-value, change.time, key)
            if value >= ENOUGH and (best is None or rank < best):
                best, words = rank, text
        return None if best is None else (cast(ChangeRow, changes.rows[best[2]]), words)


def _ends(about: Subject, change: ChangeRow, changes: Changes) -> tuple[float, str]:
    """How much speaks for the change having ended it, and in words why."""
    gap = change.time - about.last
    value = 1 / (1 + gap / HALF_MS)
    said = [f"{span(gap)} after its last signal"]
    read = changes.traits(change)
    named = {("package-version", mark) for mark in _packages(about)}
    if read.removed is not None and read.removed in named:
        value += 3.0
        said.append(f"took {read.removed[1]} away")
    if weak := sorted(mark[1] for mark in read.content if mark[0] == "vulnerability" and mark in about.entities):
        value += 2.0
        said.append(f"names {weak[0]}")
    if change.kind == "rollback":
        value += 1.0
        said.append("a rollback")
    touched = sorted(
        (-strength, entity)
        for entity in about.entities.intersection(change.entities)
        if entity[0] != "component" and (strength := weight(*entity))
    )
    if touched:
        value += -2.0 * touched[0][0]
        said.append(f"touched {touched[0][1][0]} {touched[0][1][1]}")
    if change.component is not None and change.component in about.components:
        value += 1.0
        said.append(f"on {change.component}")
    return value, ", ".join(said)


def _packages(about: Subject) -> Iterable[str]:
    for kind, id_ in about.entities:
        if kind == "package":
            yield "@".join(package(id_))
