"""Context records that a person writes: read from JSON, checked all of them, then written."""

from __future__ import annotations

from typing import Any

from streams.edge.context_topic import write
from streams.edge.feed import require_topics
from streams.edge.poll_delta import Subject
from streams.edge.poll_read import wrong_with
from streams.edge.sender import Sender
from streams.settings import Settings
from streams.sources.base import Malformed
from streams.sources.parse import ParseError, parse
from streams.sources.steering import Steering

SHOWN = 20


class BadRecords(ValueError):
    """Records that cannot be taken; one line each, with its place."""


def read(content: bytes) -> dict[Subject, dict[str, Any] | None]:
    """The records in one JSON document, an array of them, or lines of JSON; of one subject the last counts.

    Raises ``BadRecords``: then none is to be written.

    >>> read(b'{"kind": "kev", "key": "CVE-2026-1000", "record": null}')
    {('kev', 'CVE-2026-1000'): None}
    """
    records: dict[Subject, dict[str, Any] | None] = {}
    wrong: list[str] = []
    for place, document in _documents(content):
        problem = document if isinstance(document, str) else _problem(document)
        if problem is not None:
            wrong.append(f"{place}: {problem}")
        else:
            assert isinstance(document, dict)
            records[document["kind"], document["key"]] = document["record"]
    if wrong:
        more = [f"{len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise BadRecords("\n".join(wrong[:SHOWN] + more))
    if not records:
        raise BadRecords("there are no records in it")
    return records


def put(settings: Settings, records: dict[Subject, dict[str, Any] | None]) -> int:
    """Write the records; gives their number. Raises ``NoTopic`` where there is none, and as ``Sender``."""
    require_topics(settings, [settings.topic("context")])
    write(settings, Sender(settings), records)
    return len(records)


def _documents(content: bytes) -> list[tuple[str, object]]:
    """Each with its place; text in place of one that is not JSON."""
    try:
        whole = parse(content)
    except ParseError as error:
        lines = content.splitlines()
        if len(lines) < 2 or not lines[0].strip():
            return [("document", str(error))]
        return [(f"line {number}", _line(line)) for number, line in enumerate(lines, 1) if line.strip()]
    if isinstance(whole, list):
        return [(f"[{number}]", each) for number, each in enumerate(whole)]
    return [("document", whole)]


def _line(line: bytes) -> object:
    try:
        found = parse(line)
    except ParseError as error:
        return str(error)
    return found if not isinstance(found, str) else [found]


def _problem(document: object) -> str | None:
    if not isinstance(document, dict):
        return "not an object"
    if unknown := sorted(map(str, document.keys() - {"kind", "key", "record"})):
        return f"no such field: {', '.join(unknown)[:200]}; there are kind, key and record"
    if "record" not in document:
        return "record: missing; null withdraws"
    for _, reading in Steering().read(document, {}):
        if isinstance(reading, Malformed):
            return f"{reading.place}: {reading.reason}"
    return wrong_with(document)
