"""What a replay says at its end: every document, reading and event by what became of it, source by source."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from rich.table import Table

from streams.replay.account import Tally

COLUMNS = (
    "source",
    "documents",
    "items",
    "members",
    "changes",
    "uninteresting",
    "duplicates",
    "too late",
    "context",
    "failed",
    "ignored",
    "dead letters",
)
_SIZE = re.compile(r"\d{5,}")
"""Sizes and offsets, which would make a reason of every document its own."""

_SHOWN = 20
_WIDTH = 110


def row(name: str, tally: Tally) -> list[str]:
    """One source in the order of ``COLUMNS``. Dead letters are documents, items and events that were refused."""
    outcomes = tally.outcomes
    counts = (
        tally.documents,
        tally.items + tally.nothing,
        outcomes["member"],
        outcomes["change"],
        outcomes["uninteresting"],
        outcomes["duplicate"],
        outcomes["too_late"],
        outcomes["steering"],
        outcomes["failed"],
        tally.ignored.total(),
        tally.whole + tally.malformed + tally.refused,
    )
    return [name, *(f"{count:,}" for count in counts)]


def table(tallies: Mapping[str, Tally]) -> Table:
    """The counts by source, and their sums."""
    out = Table(box=None, pad_edge=False, show_footer=len(tallies) > 1)
    rows = [row(name, tallies[name]) for name in sorted(tallies)]
    for at, column in enumerate(COLUMNS):
        total = "all" if at == 0 else f"{sum(int(line[at].replace(',', '')) for line in rows):,}"
        out.add_column(column, footer=total, justify="left" if at == 0 else "right", no_wrap=True)
    for line in rows:
        out.add_row(*line)
    return out


def reasons(tallies: Mapping[str, Tally]) -> list[str]:
    """Why things were ignored or refused, the most frequent first; at most ``_SHOWN`` lines and one for the rest."""
    counts: Counter[str] = Counter()
    for name, tally in tallies.items():
        for (_, reason), count in tally.ignored.items():
            counts[f"ignored       {name}: {reason}"] += count
        for (stage, reason), count in tally.dead.items():
            counts[f"dead letter   {name}: {stage}: {_SIZE.sub('N', reason)}"] += count
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    lines = [f"{count:>9,}  {text[:_WIDTH]}" for text, count in ranked[:_SHOWN]]
    if rest := ranked[_SHOWN:]:
        lines.append(f"{sum(count for _, count in rest):>9,}  for {len(rest):,} other reasons")
    return lines


def accounted(tallies: Mapping[str, Tally], documents: int, problems: list[str]) -> str:
    """The last line: how much of what was read is accounted for."""
    readings = sum(tally.readings for tally in tallies.values())
    events = sum(tally.events for tally in tallies.values())
    copies = sum(tally.copies for tally in tallies.values())
    done = sum(tally.whole + tally.mapped for tally in tallies.values())
    placed = sum(tally.drafts + tally.ignored.total() - tally.nothing + tally.malformed for tally in tallies.values())
    folded = sum(tally.refused + tally.outcomes.total() for tally in tallies.values())
    line = (
        f"accounted for: {done:,} of {documents:,} documents, {placed:,} of {readings:,} readings of their items, "
        f"{folded:,} of {events:,} events (copies for dependent domains: {copies:,})"
    )
    return "\n".join([line, *(f"NOT ACCOUNTED FOR: {problem}" for problem in problems)])
