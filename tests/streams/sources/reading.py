"""What the tests of the report sources share: reading a document as ingest does."""

from __future__ import annotations

from typing import Any

from schemas.events import EVENT, Finding, Scan
from streams.correlation.finding_identity import inside, keys
from streams.correlation.scans import Scans, Verdict
from streams.sources.base import Source

RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}


def events(source: Source, document: object) -> list[Any]:
    """The events of a document, each of which the contract accepts; what is no event as it is."""
    return [
        EVENT.validate_python({**reading, "source": source.name, "origin": ("raw", 0, 0, item)})
        if isinstance(reading, dict)
        else reading
        for item, reading in source.read(document, RECEIVED)
    ]


def findings(source: Source, document: object) -> list[Finding]:
    """The findings of a document."""
    return [event for event in events(source, document) if isinstance(event, Finding)]


def fold(scans: Scans, source: Source, document: object) -> list[Verdict]:
    """What a report says of those before it."""
    verdicts: list[Verdict] = []
    for event in events(source, document):
        time = int(event.time.timestamp() * 1000)
        if isinstance(event, Scan):
            verdicts += scans.note_scan(event.reporter, event.target, event.scan, time, event.findings)
        elif event.scan and event.target:
            texts = inside(event) if event.status != "fixed" else ()
            lines = [key.line for key in keys(event)]
            verdicts += scans.note_finding(
                event.reporter, event.target, event.scan, time, event.source, event.source_id, texts, lines
            )
    return verdicts
