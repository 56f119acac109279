"""What is fixed, and what came back, by comparing complete scans of one target by one reporter.

A scan is complete when its ``Scan`` event has come and as many findings as that says. Scans are ordered by their own
event time, then their id, never by arrival. The newest complete one decides: what an earlier scan reported there, and
neither it nor a newer one does, is fixed. What was missing in a complete scan and is reported by a later one came back.
A scan is compared only with scans of the same target as the source spells it, and by identity keys, so an id that is
learnt between two scans fixes nothing. That state is a function of the set of scans and findings: a finding may come
after its ``Scan`` event, and an older scan that comes late fixes no more than its own findings.

Bounded: the last ``HISTORY`` scans of a target count, and a finding in none of them is forgotten; so is the target
that was scanned longest ago when a domain holds more than ``limit`` findings (counted in ``evicted``).

Wrong for reports that hold only a part: a scan with a higher severity threshold or fewer kinds of checks makes the
rest look fixed, since no report says what was left out. A source yields ``Scan`` events only for complete reports.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Literal, NamedTuple

from streams.correlation.table import Table

HISTORY = 8
"""Scans of a target that are told apart; older ones count as one."""

_UNKNOWN = -1
_LINES = 8


class Verdict(NamedTuple):
    """A finding whose state changed. ``keys`` are those of its last report, ``source_id`` too; ``scan`` decided it."""

    state: Literal["fixed", "reopened"]
    source: str
    source_id: str
    keys: tuple[str, ...]
    scan: str


class _Scan(NamedTuple):
    """One scan of a target. ``expected`` is ``_UNKNOWN`` until its event has come; ``number`` is its name in rows."""

    time: int
    id: str
    number: int
    expected: int
    got: int

    @property
    def complete(self) -> bool:
        return 0 <= self.expected <= self.got


class _Target(NamedTuple):
    """The row of a target: its scans, oldest first, and the head of the chain of its findings."""

    scans: tuple[_Scan, ...]
    head: str
    size: int
    numbers: int


class _Found(NamedTuple):
    """The row of one text that says what a finding is; a finding of several texts has a row for each.

    ``lines``: all texts that came with this one. ``seen``: numbers of scans.
    """

    next: str
    source: str
    source_id: str
    keys: tuple[str, ...]
    lines: tuple[str, ...]
    newest: tuple[int, str]
    seen: tuple[int, ...]
    fixed: bool


class Scans:
    """The fold over one domain, all of its state in two tables.

    ``targets`` has a row a target, and under the empty key the number of findings held and evicted; ``findings`` has a
    row a finding, chained from its target. Rows are tuples of JSON values, as tables ask for.
    """

    def __init__(self, targets: Table, findings: Table, limit: int = 50_000) -> None:
        self.targets = targets
        self.findings = findings
        self.limit = limit

    @property
    def evicted(self) -> int:
        """Findings forgotten for want of room."""
        row = self.targets.get("")
        return row[1] if row else 0

    def note_finding(
        self,
        reporter: str,
        target: str,
        scan: str,
        time: int,
        source: str,
        source_id: str,
        inside: Sequence[str],
        keys: Sequence[str],
    ) -> list[Verdict]:
        """A finding of a scan, once for each (source, source_id); ``time`` is event ms, equal for the whole scan.

        ``inside`` is that of ``finding_identity``, ``keys`` the lines of its keys. Of a finding that is reported as
        fixed ``inside`` is empty: it only counts for its scan.
        """
        name = _name(reporter, target)
        row, at = self._scan(name, time, scan)
        before = _newest(row)
        row = row._replace(scans=tuple(s._replace(got=s.got + 1) if s.number == at else s for s in row.scans))
        told = any(s.number == at for s in row.scans)
        touched: set[str] = set()
        for line in inside if told else ():
            key = f"{name}/{line}"
            found = self._found(key)
            if found is None:
                found = _Found(row.head, source, source_id, tuple(keys), (), (time, scan), (), False)
                row = row._replace(head=key, size=row.size + 1)
                self._count(1, 0)
            if (time, scan) >= found.newest:
                found = found._replace(source=source, source_id=source_id, keys=tuple(keys), newest=(time, scan))
            lines = tuple(sorted({*found.lines, *inside})[:_LINES])
            self.findings[key] = found._replace(seen=tuple(sorted({*found.seen, at})), lines=lines)
            touched.update(lines)
        self._put(name, row)
        newest = _newest(row)
        if newest is not None and (before is None or before.number != newest.number):
            verdicts = self._compare(name, row, newest)
        else:
            verdicts = [v for line in sorted(touched) for v in self._decide(name, row, f"{name}/{line}", newest)]
        self._evict(name)
        return sorted(set(verdicts))

    def note_scan(self, reporter: str, target: str, scan: str, time: int, findings: int) -> list[Verdict]:
        """The event that says how many findings the scan reported; before or after them."""
        name = _name(reporter, target)
        row, at = self._scan(name, time, scan)
        before = _newest(row)
        row = row._replace(scans=tuple(s._replace(expected=findings) if s.number == at else s for s in row.scans))
        self._put(name, row)
        newest = _newest(row)
        verdicts: list[Verdict] = []
        if newest is not None and (before is None or before.number != newest.number):
            verdicts = self._compare(name, row, newest)
        self._evict(name)
        return sorted(set(verdicts))

    def knows(self, reporter: str, target: str) -> bool:
        """Whether there is anything of this target by this reporter."""
        return _name(reporter, target) in self.targets

    # Rows

    def _target(self, name: str) -> _Target:
        row = self.targets.get(name)
        if row is None:
            return _Target((), "", 0, 0)
        return _Target(tuple(_Scan(*s) for s in row[0]), *row[1:])

    def _put(self, name: str, row: _Target) -> None:
        """Plain tuples only: what writes rows as JSON takes no named ones inside."""
        self.targets[name] = (tuple(tuple(s) for s in row.scans), *row[1:])

    def _found(self, key: str) -> _Found | None:
        row = self.findings.get(key)
        if row is None:
            return None
        next_, source, source_id, keys, lines, newest, seen, fixed = row
        return _Found(next_, source, source_id, tuple(keys), tuple(lines), (newest[0], newest[1]), tuple(seen), fixed)

    def _chain(self, row: _Target) -> Iterator[tuple[str, _Found]]:
        key = row.head
        while key and (found := self._found(key)) is not None:
            yield key, found
            key = found.next

    def _count(self, held: int, evicted: int) -> None:
        now = self.targets.get("") or (0, 0)
        self.targets[""] = (now[0] + held, now[1] + evicted)

    # Deciding

    def _scan(self, name: str, time: int, scan: str) -> tuple[_Target, int]:
        """The target's row with that scan in it, and its number, which no scan in the row has if it is too old.

        When a scan is no longer told apart, findings that are in no other one leave the chain.
        """
        before = self._target(name)
        row, at = _scan_of(before, time, scan)
        if len(row.scans) > len(before.scans) or row.scans == before.scans:
            return row, at
        known = {s.number for s in row.scans}
        kept: list[tuple[str, _Found]] = []
        for key, found in list(self._chain(row)):
            seen = tuple(number for number in found.seen if number in known)
            if seen:
                kept.append((key, found._replace(seen=seen)))
            else:
                del self.findings[key]
        for (key, found), after in zip(kept, [*(key for key, _ in kept[1:]), ""], strict=True):
            self.findings[key] = found._replace(next=after)
        self._count(len(kept) - row.size, 0)
        return row._replace(head=kept[0][0] if kept else "", size=len(kept)), at

    def _compare(self, name: str, row: _Target, newest: _Scan) -> list[Verdict]:
        """Every finding of the target anew."""
        return [v for key, _ in list(self._chain(row)) for v in self._decide(name, row, key, newest)]

    def _decide(self, name: str, row: _Target, key: str, newest: _Scan | None) -> list[Verdict]:
        """Fixed or not, by the newest complete scan and those after it, under any of the finding's texts."""
        found = self._found(key)
        if found is None or newest is None:
            return []
        current = {s.number for s in row.scans if s >= newest}
        under = (found, *(self._found(f"{name}/{line}") for line in found.lines))
        fixed = all(f is None or current.isdisjoint(f.seen) for f in under)
        if fixed == found.fixed:
            return []
        self.findings[key] = found._replace(fixed=fixed)
        scan = newest.id if fixed else found.newest[1]
        return [Verdict("fixed" if fixed else "reopened", found.source, found.source_id, found.keys, scan)]

    def _evict(self, keep: str) -> None:
        """Forget targets, the one scanned longest ago first, until a tenth of the room is free."""
        held = (self.targets.get("") or (0, 0))[0]
        if held <= self.limit:
            return
        oldest = sorted((self._target(name).scans[-1].time, name) for name in self.targets if name and name != keep)
        for _, name in oldest:
            row = self._target(name)
            for key, _found in list(self._chain(row)):
                del self.findings[key]
            del self.targets[name]
            self._count(-row.size, row.size)
            held -= row.size
            if held <= self.limit * 9 // 10:
                break


def _name(reporter: str, target: str) -> str:
    return blake2b(f"{reporter}\x1f{target}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _scan_of(row: _Target, time: int, scan: str) -> tuple[_Target, int]:
    """The row with that scan in it, and the scan's number; a number that no scan has if it is older than all kept."""
    for known in row.scans:
        if known.id == scan and known.time == time:
            return row, known.number
    number = row.numbers + 1
    scans = sorted((*row.scans, _Scan(time, scan, number, _UNKNOWN, 0)))
    if len(scans) > HISTORY:
        newest = _newest(row)
        scans.remove(next(s for s in scans if s != newest))
    return row._replace(scans=tuple(scans), numbers=number), number


def _newest(row: _Target) -> _Scan | None:
    """The newest complete scan."""
    return next((s for s in reversed(row.scans) if s.complete), None)
