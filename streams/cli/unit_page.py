"""One unit as a page of text: what an analyst reads first. Pure; text from outside is neutralised."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rich.text import Text

from schemas.unit import ChangeSearch, Signal, SuspectChange, Unit
from streams.cli.table import SEVERITY, plain, severity
from streams.cli.unit_story import around

ENTITIES = 30
"""Entities shown; the rest are counted."""


def page(unit: Unit) -> Iterator[Text]:
    """The lines of the page."""
    yield _title(unit)
    yield _facts(unit)
    yield Text()
    yield Text(plain(sentence(unit)))
    yield Text()
    if surroundings := list(around(unit)):
        yield from surroundings
        yield Text()
    shown = f"{len(unit.signals)} shown, cut to fit" if unit.truncated else f"{len(unit.signals)} kinds"
    yield _heading(f"Signals: {unit.signal_count} in all, {shown}")
    for signal in sorted(unit.signals, key=lambda signal: (signal.time, signal.id)):
        yield from _signal(signal)
    yield Text()
    yield _heading(f"Suspect changes: {unit.change_count} have a score")
    for change in unit.changes:
        yield from _change(change, unit.first_at)
    yield Text(plain(searched(unit.change_search)), style="dim")
    yield Text()
    yield from _rest(unit)


def sentence(unit: Unit) -> str:
    """The unit in one sentence."""
    count = f"{unit.signal_count} signal{'s' if unit.signal_count != 1 else ''}"
    span = unit.last_at - unit.first_at
    when = f"at {_time(unit.first_at)}" if not span else f"within {_span(span)} from {_time(unit.first_at)} on"
    where = f"{', '.join(unit.components[:3]) or 'no known component'} ({unit.domain})"
    text = f"{count} {when} about {where}"
    best = unit.changes[0] if unit.changes else None
    if best is not None and best.score > 0.5:
        by = f" by {best.actor}" if best.actor else ""
        return f"{text}; the first suspect is {best.title}{by}, {_distance(best.time, unit.first_at)}."
    if unit.change_search is None:
        return f"{text}."
    return f"{text}; of {unit.change_search.searched} changes looked at, none is a suspect."


def searched(search: ChangeSearch | None) -> str:
    """Where changes were looked for, so that an empty list means something."""
    if search is None:
        return "No change was looked for."
    text = f"Looked for from {_time(search.from_)} to {_time(search.to)}: {search.searched} changes in the domain."
    if search.text:
        text += f" {search.text[0].upper()}{search.text[1:]}."
    elif search.silent_sources:
        text += f" Silent in that time, though heard before: {', '.join(search.silent_sources)}."
    return text


def _title(unit: Unit) -> Text:
    return Text.assemble(severity(unit.severity), "  ", (plain(unit.title), "bold"))


def _facts(unit: Unit) -> Text:
    status = f"merged into {unit.merged_into}" if unit.merged_into else str(unit.status)
    facts = [
        f"{unit.unit_id} revision {unit.revision} ({unit.reason})",
        status,
        str(unit.disposition).replace("_", " "),
        f"domain {unit.domain}",
        f"owner {unit.owner or 'not known'}",
        f"risk {unit.risk.score:.0f}",
        f"confidence {unit.confidence:.2f}",
    ]
    return Text(plain(" · ".join(facts)), style="dim")


def _heading(text: str) -> Text:
    return Text(text, style="bold underline")


def _signal(signal: Signal) -> Iterator[Text]:
    name, style = SEVERITY[signal.severity]
    times = f"  {signal.count} times until {_time(signal.last)}" if signal.count > 1 else ""
    line = Text(f"  {_time(signal.time)}  ")
    line.append(f"{name:<8} ", style)
    line.append(f"{signal.score:.2f}  ").append(plain(signal.title), "bold").append(times)
    yield line
    yield Text(plain(f"      {signal.kind}, {signal.source} {signal.source_id}"), style="dim")
    if len(signal.reporters) > 1:
        yield Text(plain(f"      reported by {', '.join(signal.reporters)}; {'; '.join(signal.same)}"))
    if signal.status != "open":
        yield Text(f"      {signal.status}", style="dim")
    for why in signal.why:
        yield Text(f"      - {plain(why)}")


def _change(change: SuspectChange, first: datetime) -> Iterator[Text]:
    line = Text(f"  {change.score:.2f}  ", style="cyan")
    line.append(plain(change.title), "bold")
    yield line
    by = f" by {change.actor}" if change.actor else ""
    yield Text(
        plain(
            f"        {change.kind}{by} at {_time(change.time)}, {_distance(change.time, first)}; "
            f"{change.source} {change.source_id}"
        ),
        style="dim",
    )
    for factor in change.factors:
        yield Text(f"        {factor.value:+.2f}  {plain(factor.name)}: {plain(factor.text)}")


def _rest(unit: Unit) -> Iterator[Text]:
    yield _heading(f"Risk {unit.risk.score:.0f}")
    for factor in unit.risk.factors:
        yield Text(f"  {factor.value:+6.1f}  {plain(factor.name)}: {plain(factor.text)}")
    known = unit.exploitability.model_dump(exclude_none=True, exclude={"evidence"})
    facts = [f"{name.replace('_', ' ')}: {_value(value)}" for name, value in known.items() if value != ()]
    yield Text(plain("  " + ("; ".join(facts) if facts else "nothing known of how exposed it is")), style="dim")
    yield Text()
    linking = sorted(unit.entities, key=lambda entity: (-entity.weight, entity.kind, entity.id))
    yield _heading(f"Entities: {len(linking)}")
    for entity in linking[:ENTITIES]:
        yield Text(f"  {entity.weight:5.2f}  {entity.kind} {plain(entity.id)}")
    if len(linking) > ENTITIES:
        yield Text(f"  and {len(linking) - ENTITIES} more (--json has all)", style="dim")
    for alias in unit.identities:
        stands = f"{alias.kind} {alias.id} stands for {alias.of_kind} {alias.of_id}"
        yield Text(plain(f"         {stands}, says {alias.source} {alias.source_id}"), style="dim")
    for joined in unit.joined_by:
        yield Text(f"  {plain(joined.text)}", style="dim")
    for apart in unit.not_joined:
        yield Text(f"  {plain(apart.text)}", style="dim")
    yield Text()
    for review in unit.reviews:
        verdict = f" {review.verdict}" if review.verdict else ""
        yield Text(plain(f"Review {_time(review.time)} {review.reviewer}: {review.kind}{verdict} {review.comment}"))
    for other in unit.related:
        indicator = other.relation == "indicator" and other.indicator_kind
        shared = f"shares {other.indicator_kind} {other.indicator}" if indicator else other.text
        where = f"{other.unit_id} in {other.domain}" if other.unit_id else other.domain
        yield Text(plain(f"Related {where}, {other.relation.replace('_', ' ')}: {shared}"))
    if unit.suppression:
        until = "" if unit.suppression.expires is None else f" until {_time(unit.suppression.expires)}"
        what = "Surfaced as a sample of what is suppressed" if unit.suppression.sampled else "Suppressed"
        yield Text(plain(f"{what}{until} by {unit.suppression.owner}: {unit.suppression.reason}"))
        yield Text(plain(f"  pattern {unit.suppression.pattern}: {unit.suppression.title}"), style="dim")
    if unit.diff is not None:
        yield Text(plain(f"New in this revision: {unit.diff.text}"), style="dim")
    if unit.aliases:
        yield Text(plain(f"Merged into this one: {', '.join(unit.aliases)}"))
    yield _heading("Provenance")
    made = unit.provenance
    log = "no members" if made.log is None else f"partition {made.log[0]}, offsets {made.log[1]} to {made.log[2]}"
    yield Text(plain(f"  {made.engine}, config {made.config}, rules {made.rules or 'none'}, context {made.context}"))
    yield Text(plain(f"  models {', '.join(made.models) or 'none'}; log {log}"))
    for model in made.model_health:
        if model.state != "good":
            yield Text(
                plain(f"  {model.model}: {'model in drift' if model.state == 'drift' else 'learning'}, {model.text}")
            )
    yield Text(f"  opened {_time(unit.opened_at)}, updated {_time(unit.updated_at)}, digest {plain(unit.digest)}")


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _span(span: timedelta) -> str:
    minutes = span.total_seconds() / 60
    if minutes < 1:
        return f"{int(span.total_seconds())} s"
    return f"{int(minutes)} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _distance(change: datetime, first: datetime) -> str:
    if change > first:
        return f"{_span(change - first)} after the first signal"
    return f"{_span(first - change)} before the first signal"
