"""What ``weir sources`` prints: a source in one row, in full, and what a file would become. Text is neutralised."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from schemas.base import SEVERITY_NAMES
from schemas.events import Activity, Change, ContextRecord, Finding, Review, Scan
from streams.cli.table import plain, short
from streams.replay.trial import Told, Tried
from streams.sources.base import Source
from streams.sources.gives import gives
from streams.sources.mapping import MappedSource
from streams.sources.mapping_model import EntityValue, IdValue, IgnoreTable, ListValue, TimeValue, Value
from streams.sources.mapping_when import tests_of

MODELS: dict[str, type[BaseModel]] = {
    "activity": Activity,
    "finding": Finding,
    "change": Change,
    "scan": Scan,
    "context": ContextRecord,
    "review": Review,
}
_OURS = frozenset({"v", "type", "origin", "home", "source", "elsewhere"})
"""Fields that Weir fills in."""

UNREAD = 12
"""Places that are named which a mapping does not read."""

_SHOWN = ("rule", "action", "kind", "status", "outcome", "actor", "reporter", "revision", "location", "fix")


def about(source: Source) -> str:
    """The documentation of a source: its mapping's description, or its module's docstring."""
    if isinstance(source, MappedSource):
        return source.mapping.description or "A format that a mapping file describes."
    return (sys.modules[type(source).__module__].__doc__ or "").strip()


def summary(source: Source) -> str:
    """The first sentence of the documentation, on one line."""
    first = " ".join(about(source).partition("\n\n")[0].split())
    return first.replace("``", "").partition(". ")[0].rstrip(".")


def span(seconds: float) -> str:
    """A lateness as it is written in settings: 30s, 15m, 2h, 1d."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def row(source: Source, topics: Iterable[str]) -> dict[str, Any]:
    """A source for the list and for ``--json``."""
    return {
        "name": source.name,
        "reads": summary(source),
        "topics": list(topics),
        "gives": list(gives(source)),
        "lateness": span(source.lateness.total_seconds()),
        "mapping": isinstance(source, MappedSource),
    }


def page(source: Source, topics: Iterable[str]) -> Iterator[str]:
    """Everything about a source, for a reader."""
    yield f"{source.name}: {', '.join(gives(source))}"
    yield f"topic     {', '.join(topics) or 'none: files of weir replay, or weir topics create'}"
    yield f"lateness  {span(source.lateness.total_seconds())}"
    yield ""
    yield from about(source).splitlines()
    if isinstance(source, MappedSource):
        yield from _mapping(source)
        return
    for type_ in gives(source):
        yield ""
        yield f"fields of {'an' if type_[0] in 'aeiou' else 'a'} {type_}"
        for name, field in MODELS[type_].model_fields.items():
            if name not in _OURS:
                words = [each for each in get_args(field.annotation) if isinstance(each, str)]
                yield f"  {name:<13}{field.description or ', '.join(words)}".rstrip()


def _mapping(source: MappedSource) -> Iterator[str]:
    mapping = source.mapping
    yield ""
    tests = tests_of(mapping.recognise)
    yield "recognised by" if tests else "recognised by topic or --source only"
    yield from (f"  {test.says}" for test in tests)
    yield f"items     {mapping.items.text if mapping.items else 'the document itself'}"
    for number, table in enumerate(mapping.event):
        yield ""
        yield f"event[{number}]: {table.type}" + (f", {table.reason!r}" if isinstance(table, IgnoreTable) else "")
        yield from (f"  when       {test.says}" for test in tests_of(table.when))
        for name in type(table).model_fields:
            value = getattr(table, name)
            if name == "entities":
                yield from (f"  {each.kind:<11}{_written(each)}" for each in value)
            elif isinstance(value, Value | TimeValue | IdValue | ListValue):
                yield f"  {name:<11}{_written(value)}"


def _written(value: Value | TimeValue | IdValue | ListValue) -> str:
    if isinstance(value, TimeValue):
        return f"{value.path.text}, {value.format}" + (f", {value.zone}" if value.zone else "")
    if isinstance(value, ListValue):
        return value.path.text
    if isinstance(value, IdValue):
        if value.hash is not None:
            return f"hash of {', '.join(path.text for path in value.hash)}"
        return Value.model_construct(path=value.path, text=value.text).written
    said = value.written
    if value.map:
        said += "; " + ", ".join(f"{key} = {result}" for key, result in value.map.items())
    if value.other is not None:
        said += f"; else {value.other}"
    return said + ("; required" if value.required and isinstance(value, EntityValue | Value) else "")


def told(number: str, one: Told, width: int) -> Iterator[str]:
    """One thing that an item became, in a few lines."""
    head = f"  {number:>6}  "
    if one.outcome == "ignored":
        yield short(f"{head}ignored   {one.reason}", width)
    elif one.outcome == "refused":
        place = f"{one.place}: " if one.place else ""
        yield f"{head}refused   {plain(place + one.reason)} ({one.stage})"
    else:
        event = one.event or {}
        severity = SEVERITY_NAMES[event["severity"]] if "severity" in event else ""
        parts = [f"{event['type']:<9}", event.get("time") or event.get("key", ""), severity, event.get("title", "")]
        yield short(head + " ".join(part for part in parts if part), width)
        for name, content in _facts(event):
            yield short(f"{'':>12}{name:<10}{content}", width)


def _facts(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "source_id" in event:
        yield "key", event["source_id"]
    if event.get("entities"):
        yield "entities", ", ".join(f"{kind} {name}" for kind, name in event["entities"])
    if "domain" in event:
        component = event.get("component")
        yield "domain", event["domain"] + (f", component {component}" if component else "")
    fields = [f"{name} {event[name]}" for name in _SHOWN if event.get(name) is not None]
    if fields:
        yield "fields", ", ".join(fields)


def sums(tried: Iterable[Tried]) -> Iterator[str]:
    """What became of everything, the reasons, and what Weir would like to know besides."""
    outcomes: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    wished: Counter[tuple[str, str]] = Counter()
    unread: Counter[str] = Counter()
    documents = events = 0
    for document in tried:
        documents += 1
        unread.update(document.unread)
        for one in document.told:
            outcomes[one.event["type"] if one.event else one.outcome] += 1
            if one.event:
                events += 1
                wished.update(one.wished)
            else:
                reasons[f"{one.outcome}: {one.place + ': ' if one.place else ''}{one.reason}"] += 1
    said = ", ".join(f"{count:,} {name}" for name, count in outcomes.most_common())
    yield f"{documents:,} document{'' if documents == 1 else 's'}: {said or 'nothing'}"
    yield from (f"  {count:,} {plain(reason)}" for reason, count in reasons.most_common(10))
    if unread:
        some = ", ".join(plain(place) for place in list(unread)[:UNREAD])
        yield f"the mapping does not read {some}" + (
            f" and {len(unread) - UNREAD} more" if len(unread) > UNREAD else ""
        )
    if wished:
        yield "Weir would like to know"
        yield from (
            f"  {name:<10}{plain(why)} ({count:,} of {events:,})" for (name, why), count in wished.most_common()
        )
