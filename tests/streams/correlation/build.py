"""Events, records of the log and folds for the tests of the core. Times are whole ms since the epoch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from schemas.unit import Unit
from streams.pipeline import Pipeline
from streams.records import LogRecord, Output

T0 = 1_735_732_800_000  # 2025-01-01T12:00:00Z
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
DOMAIN = "system:shop"

Doc = dict[str, Any]


def iso(ms: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).isoformat()


def _observed(name: str, at: int, more: Doc) -> Doc:
    document = {
        "source": "ocsf",
        "source_id": name,
        "time": iso(T0 + at),
        "domain": DOMAIN,
        "entities": [],
        "title": f"about {name}",
        "origin": ["raw", 0, 0, 0],
    }
    return document | more


def finding(name: str, at: int, *entities: tuple[str, str], **more: Any) -> Doc:
    """A high finding of a state, ``at`` ms after T0; detections link otherwise. Nothing says that two are the same."""
    fixed = {"type": "finding", "kind": "weakness", "rule": "R1", "severity": 4, "reporter": "falco"}
    return _observed(name, at, fixed | {"entities": entities} | more)


def change(name: str, at: int, *entities: tuple[str, str], **more: Any) -> Doc:
    """A deploy, ``at`` ms after T0."""
    fixed = {"type": "change", "kind": "deploy", "source": "cdevents", "status": "succeeded"}
    return _observed(name, at, fixed | {"entities": entities} | more)


def activity(name: str, at: int, actor: str, action: str = "s3:GetObject", **more: Any) -> Doc:
    """A call by a principal, ``at`` ms after T0."""
    fixed = {"type": "activity", "source": "aws.cloudtrail", "actor": actor, "action": action, "outcome": "success"}
    return _observed(name, at, fixed | {"entities": [("principal", actor)]} | more)


def config(**settings: Any) -> Doc:
    return {"type": "config", "digest": "0" * 16, "settings": settings}


def tick() -> Doc:
    return {"type": "tick"}


def record(offset: int, at: int, *events: Doc) -> LogRecord:
    """A record of the log, appended ``at`` ms after T0."""
    return LogRecord(0, offset, T0 + at, orjson.dumps(events))


def timeline(*entries: tuple[int, Sequence[Doc]]) -> list[LogRecord]:
    """Records from (append time after T0, events)."""
    return [record(offset, at, *events) for offset, (at, events) in enumerate(entries)]


def fold(records: Iterable[LogRecord], pipeline: Pipeline | None = None) -> list[Output]:
    """All outputs, in order."""
    pipeline = pipeline or Pipeline(0)
    return [output for each in records for output in pipeline.step(each)]


def units(outputs: Iterable[Output]) -> list[Unit]:
    """Every revision among the outputs, once, whichever topics it is for."""
    values = {output.headers: output.value for output in outputs if output.role in ("units", "suppressed")}
    return [Unit.model_validate_json(value) for value in values.values()]


def letters(outputs: Iterable[Output]) -> list[Doc]:
    """Every dead letter among the outputs."""
    return [orjson.loads(output.value) for output in outputs if output.role == "dead-letters"]


def final(revisions: Iterable[Unit]) -> dict[str, Unit]:
    """The last revision of each unit."""
    return {unit.unit_id: unit for unit in revisions}


def tables(pipeline: Pipeline) -> dict[tuple[str, str], dict[str, Any]]:
    """All rows by domain and table, the ids taken and the clocks of the sources included; empty tables left out."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, domain in pipeline.state.domains.items():
        for table, rows in domain.tables.items():
            found[name, table] = {key: tuple(row) for key, row in rows.items()}
        for source, seen in domain.seen.items():
            found[name, f"seen {source}"] = {str(n): tuple(ids) for n, ids in seen.buckets.items()}
            found[name, f"newest {source}"] = (
                {} if seen.newest is None else {"": (seen.newest, seen.floor, seen.evicted)}
            )
            assert seen.ids == {key: n for n, ids in seen.buckets.items() for key in ids}
    return {at: rows for at, rows in found.items() if rows}


def derived(pipeline: Pipeline) -> dict[str, Any]:
    """What follows from the rows, and when each unit is due next."""
    out: dict[str, Any] = {}
    for name, domain in pipeline.state.domains.items():
        out[name] = (
            {cluster: set(keys) for cluster, keys in domain.signals_of.items() if keys},
            {cluster: set(keys) for cluster, keys in domain.lines_of.items() if keys},
            dict(domain.cluster_of),
            list(domain.changes.keys),
        )
    return {name: parts for name, parts in out.items() if any(parts)} | {"": pipeline.next_due()}


def restored(changelog: dict[bytes, bytes | None], order: Iterable[bytes], partition: int = 0) -> Pipeline:
    """A new fold from the last row of each key, taken back in the given order; tombstones are compacted away."""
    pipeline = Pipeline(partition)
    for key in order:
        if changelog[key] is not None:
            pipeline.load(key, changelog[key])
    return pipeline
