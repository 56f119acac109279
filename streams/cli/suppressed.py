"""What suppressions hide: by pattern with owner, reason and expiry, or every unit that one pattern hid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.text import Text

from schemas.unit import Suppression, Unit
from streams.cli.table import plain, short
from streams.correlation.suppression.held import BUDGET
from streams.correlation.suppression.shown import PATTERN


@dataclass
class Hidden:
    """One pattern of one domain. ``ever`` and ``now`` are unit ids, ``signals`` the members of those hidden now."""

    pattern: str
    domain: str
    title: str = ""
    owner: str = ""
    reason: str = ""
    since: datetime | None = None
    expires: datetime | None = None
    ever: set[str] = field(default_factory=set)
    now: set[str] = field(default_factory=set)
    sampled: set[str] = field(default_factory=set)
    signals: int = 0

    def row(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "pattern": self.pattern,
            "domain": self.domain,
            "title": self.title,
            "owner": self.owner,
            "reason": self.reason,
            "since": None if self.since is None else self.since.isoformat(),
            "expires": None if self.expires is None else self.expires.isoformat(),
            "hidden_now": len(self.now),
            "hidden_ever": len(self.ever),
            "sampled_now": len(self.sampled),
            "signals_now": self.signals,
        }


def by_pattern(revisions: Iterable[Unit]) -> list[Hidden]:
    """Every pattern that hides or hid units, given all revisions of both topics; those that hide most come first.

    ``owner`` to ``expires`` are those of the newest revision that is named for the pattern or, where it never was the
    main one of a unit, of one that has it among others.
    """
    found: dict[tuple[str, str], Hidden] = {}
    told: dict[tuple[str, str], tuple[bool, datetime]] = {}
    last: dict[str, Unit] = {}
    for unit in revisions:
        if unit.unit_id not in last or last[unit.unit_id].revision < unit.revision:
            last[unit.unit_id] = unit
        if unit.suppression is None:
            continue
        for pattern, title in _patterns(unit.suppression):
            key = (pattern, unit.domain)
            hidden = found.setdefault(key, Hidden(pattern, unit.domain))
            if not unit.suppression.sampled:
                hidden.ever.add(unit.unit_id)
            rank = (pattern == unit.suppression.pattern, unit.updated_at)
            if key not in told or rank >= told[key]:
                told[key] = rank
                hidden.title, hidden.owner, hidden.reason = title, unit.suppression.owner, unit.suppression.reason
                hidden.since, hidden.expires = unit.suppression.since, unit.suppression.expires
    for unit in last.values():
        if unit.suppression is None or unit.status == "merged":
            continue
        for pattern, _ in _patterns(unit.suppression):
            hidden = found[pattern, unit.domain]
            (hidden.sampled if unit.suppression.sampled else hidden.now).add(unit.unit_id)
            hidden.signals += 0 if unit.suppression.sampled else unit.signal_count
    return sorted(found.values(), key=lambda h: (-h.signals, -len(h.ever), h.pattern, h.domain))


def hidden_by(pattern: str, revisions: Iterable[Unit]) -> list[tuple[Unit, str]]:
    """The last revision of every unit that the pattern ever hid, and where it is now.

    The newest come first; of what the alert budget holds back, the most improbable.
    """
    ever: set[str] = set()
    last: dict[str, Unit] = {}
    for unit in revisions:
        if unit.unit_id not in last or last[unit.unit_id].revision < unit.revision:
            last[unit.unit_id] = unit
        if unit.suppression is not None and pattern in _ids(unit.suppression):
            ever.add(unit.unit_id)
    units = sorted((last[name] for name in ever), key=lambda unit: (-unit.updated_at.timestamp(), unit.unit_id))
    if pattern == BUDGET:
        units.sort(key=_p)
    return [(unit, _where(unit, pattern)) for unit in units]


def rows(found: Iterable[Hidden], width: int) -> Iterator[Text]:
    """Two lines a pattern."""
    yield Text(f"{'PATTERN':<17}{'UNITS':>6} {'SIGNALS':>8} {'EVER':>6}  {'UNTIL':<17}  DOMAIN", style="bold")
    for each in found:
        until = "" if each.expires is None else f"{each.expires:%Y-%m-%d %H:%M}Z"
        line = f"{plain(each.pattern):<17}{len(each.now):>6} {each.signals:>8} {len(each.ever):>6}  {until:<17}  "
        yield Text(short(line + each.domain, width))
        yield Text(short(f"    {each.title}; {each.owner}: {each.reason}", width), style="dim")


def unit_rows(found: Iterable[tuple[Unit, str]], width: int) -> Iterator[Text]:
    """One line a unit."""
    for unit, where in found:
        line = f"{unit.unit_id}  {where:<12} {unit.updated_at:%Y-%m-%d %H:%M}Z {unit.signal_count:>7}  "
        yield Text(short(line + unit.title, width))


def _patterns(suppression: Suppression) -> list[tuple[str, str]]:
    """Ids and titles; a suppression that lists none has the one it is named for."""
    listed = [
        (factor.name.removeprefix(PATTERN), factor.text)
        for factor in suppression.evidence
        if factor.name.startswith(PATTERN)
    ]
    return listed or [(suppression.pattern, suppression.title)]


def _ids(suppression: Suppression) -> set[str]:
    return {pattern for pattern, _ in _patterns(suppression)}


def _p(unit: Unit) -> float:
    factors = () if unit.suppression is None else unit.suppression.evidence
    return next((factor.value for factor in factors if factor.name == "p"), 1.0)


def _where(unit: Unit, pattern: str) -> str:
    if unit.status == "merged":
        return "merged"
    if unit.suppression is None or pattern not in _ids(unit.suppression):
        return "came back"
    return "sampled" if unit.suppression.sampled else "hidden"
