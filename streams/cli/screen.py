"""What a run prints: units and the summary on stdout, progress and remarks on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from schemas.unit import Unit
from streams.cli import table
from streams.edge.outcome import Outcome, Verdict

_EVERY = 5.0


class Screen:
    """Prints a run as it goes: units on stdout, progress and remarks on stderr."""

    def __init__(self) -> None:
        self.out = Console(width=None if sys.stdout.isatty() else 140, highlight=False, soft_wrap=False)
        self.err = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 200)
        # One line that is overwritten, where both go to one terminal; else a new one now and then.
        self.status = (
            self.out.status("", refresh_per_second=4) if self.out.is_terminal and self.err.is_terminal else None
        )
        self._last_line, self._last_at = "", 0.0
        self._headed = False

    def say(self, line: str) -> None:
        """One line about the run."""
        console = self.err if self.status is None else self.out
        console.print(table.plain(line), style="dim", markup=False)

    def unit(self, unit: Unit, before: Unit | None) -> None:
        """A row for a new unit, a line for a later revision that shows something new."""
        if not self._headed:
            self._headed = True
            self.out.print(table.head())
        if before is None:
            lines = table.opened(unit, self.out.width)
        else:
            news = table.updated(unit, before, self.out.width)
            lines = [] if news is None else [news]
        for line in lines:
            self.out.print(line, no_wrap=True, overflow="ellipsis")

    def progress(self, outcome: Outcome, doing: str) -> None:
        """The counts in one line: overwritten on a terminal, else a new one at most every five seconds."""
        line = (
            f"{doing} · fed {outcome.fed:,} · read {outcome.raw:,} · folded {outcome.folded.total():,} events of "
            f"{outcome.log_records:,} log records · units {len(outcome.units)} · dead letters {outcome.dead.total()}"
        )
        if self.status is not None:
            self.status.update(Text(table.short(line, self.out.width - 4)))
            self.status.start()
        elif line != self._last_line and time.monotonic() - self._last_at >= _EVERY:
            self._last_line, self._last_at = line, time.monotonic()
            self.err.print(line, markup=False)

    def done(self) -> None:
        """No more progress."""
        if self.status is not None:
            self.status.stop()

    def summary(self, outcome: Outcome, verdict: Verdict | None) -> None:
        """Where every raw record went, and how good the units are where the truth is known."""
        self.done()
        lines = summary(outcome, verdict)
        wide = max(len(name) for name, _ in lines)
        self.out.print()
        for name, text in lines:
            self.out.print(f"{name:<{wide}}  {text}", markup=False, soft_wrap=True)


def summary(outcome: Outcome, verdict: Verdict | None) -> list[tuple[str, str]]:
    """Name and text of every line. Pure."""
    items, folded = outcome.items, outcome.folded
    steering = items["context"] + items["config"]
    read = f"{outcome.fed:,} fed; {outcome.raw:,} read, {steering:,} of them catalog and configuration"
    found = (
        f"{items['activity']:,} activities, {items['finding']:,} findings, {items['change']:,} changes, "
        f"{items['ignored']:,} ignored, {outcome.refused.total():,} dead letters"
    )
    written = (
        f"{outcome.events:,} events, {items['copies']:,} of them copies of changes for dependent domains; "
        f"{outcome.log_records:,} records folded"
    )
    became = (
        f"{folded['member']:,} unit members, {folded['change']:,} changes, {folded['uninteresting']:,} uninteresting, "
        f"{folded['duplicate']:,} duplicates, {folded['too_late']:,} too late, "
        f"{folded['failed'] + folded['invalid']:,} failed; {_accounted(outcome)}"
    )
    first = "" if outcome.first_unit is None else f"; the first after {outcome.first_unit:.1f} s"
    merged = len(outcome.units) - len(outcome.standing())
    opened = f"{len(outcome.units) - outcome.before:,} opened"
    if outcome.before:
        opened += f" beside {outcome.before:,} that were there"
    lines = [
        ("raw records", read),
        ("items in them", found),
        ("log", written),
        ("folded", became),
        ("dead letters", f"{outcome.dead.total():,}{_by(outcome.dead)}"),
        ("units", f"{opened}, {merged:,} merged, {outcome.revisions:,} revisions{first}"),
    ]
    if outcome.ignored:
        lines.append(("ignored", "; ".join(f"{n:,} {source}: {why}" for (source, why), n in _most(outcome.ignored))))
    if verdict is not None:
        right = f"true suspect change first in {verdict.suspect_first} of {verdict.incident_units} incident units"
        lines.append(("truth", f"{right}; {verdict.found} of {verdict.incidents} incidents have a unit"))
    if verdict is not None and verdict.attacks:
        accused = f"{verdict.accused} of {verdict.attacks} units of attacks that no change led to name a suspect"
        lines.append(("", accused))
    return lines


def _accounted(outcome: Outcome) -> str:
    if not outcome.whole:
        return "counted from this start on"
    return "all accounted for" if outcome.unaccounted == 0 else f"{outcome.unaccounted:,} NOT ACCOUNTED FOR"


def _by(counts: Mapping[str, int]) -> str:
    found = ", ".join(f"{stage} {count:,}" for stage, count in sorted(counts.items()) if count)
    return f" ({found})" if found else ""


def _most(counts: Mapping[tuple[str, str], int]) -> list[tuple[tuple[str, str], int]]:
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:5]
