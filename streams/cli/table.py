"""Units as lines for a terminal. Pure; every text from outside is neutralised before it is shown."""

from __future__ import annotations

import unicodedata

from rich.text import Text

from schemas.unit import Unit
from streams.correlation.changes import SUSPECT

SEVERITY = {
    0: ("unknown", "dim"),
    1: ("info", "dim"),
    2: ("low", "green"),
    3: ("medium", "yellow"),
    4: ("high", "dark_orange"),
    5: ("critical", "bold red"),
    6: ("fatal", "bold white on red"),
}
"""OCSF ``severity_id`` to its name and its colour."""

HEAD = f"{'SEVERITY':<9}{'RISK':>4} {'CONF':>4} {'SIGNALS':>7}  {'DOMAIN':<20}  UNIT"
_INDENT = len(HEAD) - len("UNIT")
_MARGIN = " " * 9

WEAK = 0.2
"""A change with a lower score is not worth naming in a list; the unit's page has it."""

WIDE = 105
"""Columns from which on the title stands beside the numbers."""


def plain(text: str) -> str:
    """The text without what a terminal would obey: escapes, control characters and direction overrides show as U+FFFD.

    >>> plain("a\\x1b[31mb\\nc")
    'a\\ufffd[31mb c'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_neutral(character) for character in text)


def _neutral(character: str) -> str:
    if character in "\n\t\r":
        return " "
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") else character


def short(text: str, width: int) -> str:
    """The text neutralised and cut to ``width``, the cut shown by an ellipsis."""
    text = plain(text)
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def severity(value: int) -> Text:
    """Name of the severity in its colour."""
    name, style = SEVERITY.get(value, (str(value), ""))
    return Text(name, style=style)


def head() -> Text:
    """The heading of the columns that ``opened`` fills."""
    return Text(HEAD, style="bold")


def opened(unit: Unit, width: int) -> list[Text]:
    """What the unit is, its id, and the change that is suspected: two lines, three below ``WIDE`` columns."""
    first = Text()
    name, style = SEVERITY.get(unit.severity, (str(unit.severity), ""))
    first.append(f"{name:<9}", style)
    first.append(f"{unit.risk.score:>4.0f} {unit.confidence:>4.2f} {unit.signal_count:>7}  ")
    first.append(f"{short(unit.domain, 20):<20}  ")
    label = unit.unit_id if unit.status == "open" else f"{unit.unit_id}  {unit.status}"
    if width < WIDE:
        first.append(short(label, width - _INDENT), "dim")
        title = Text(_MARGIN).append(short(unit.title, width - len(_MARGIN)), "bold")
        return [first, title, Text(_MARGIN).append_text(suspect(unit, width - len(_MARGIN)))]
    first.append(short(unit.title, width - _INDENT), "bold")
    second = Text(f"{short(label, _INDENT - 2):<{_INDENT}}", style="dim")
    return [first, second.append_text(suspect(unit, width - _INDENT))]


def updated(unit: Unit, before: Unit, width: int) -> Text | None:
    """A later revision in one line; None if nothing that a reader sees is different."""
    news = []
    if unit.status != before.status:
        news.append(f"{unit.status} into {unit.merged_into}" if unit.merged_into else str(unit.status))
    if unit.hidden != before.hidden:
        news.append("left the queue, suppressed" if unit.hidden else "back in the queue")
    if unit.severity != before.severity:
        news.append(f"severity {SEVERITY[before.severity][0]} -> {SEVERITY[unit.severity][0]}")
    if round(unit.risk.score) != round(before.risk.score):
        news.append(f"risk {before.risk.score:.0f} -> {unit.risk.score:.0f}")
    if unit.signal_count != before.signal_count:
        news.append(f"signals {before.signal_count} -> {unit.signal_count}")
    first = unit.changes[0] if unit.changes and unit.changes[0].score > SUSPECT else None
    if first is not None and first.id != (before.changes[0].id if before.changes else None):
        news.append(f"suspect now {first.score:.2f} {first.title}")
    if not news:
        return None
    title = short(unit.title, max(20, width // 3))
    return Text(short(f"  revision {unit.revision} of {title}: {', '.join(news)}", width), style="dim")


def suspect(unit: Unit, width: int) -> Text:
    """The first suspect change with its score, or that none was found; what scores less than ``WEAK`` is none."""
    if unit.changes and unit.changes[0].score >= WEAK:
        change = unit.changes[0]
        label = "suspect" if change.score > SUSPECT else "weak suspect"
        lead = f"{label} {change.score:.2f}  "
        return Text.assemble((lead, "cyan"), short(change.title, max(10, width - len(lead))))
    if unit.change_search is None:
        return Text("no change looked for", style="dim")
    return Text(short(f"no suspect change; {unit.change_search.searched} were looked at", width), style="dim")
