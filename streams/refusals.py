"""Dead letters of the fold: for what it cannot take, and for what the log holds that is no event."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.dead_letter import DeadLetter, Stage
from schemas.events import EVENT, Event
from streams.dead_letters import headers
from streams.records import LogRecord, Output


def refuse(event: Any, stage: Stage, reason: str) -> Output:
    """A dead letter for an event of the log. Its text went through redaction before it entered the log."""
    value = event.model_dump_json().encode()
    origin = getattr(event, "origin", None) or ("", -1, -1, None)
    source, key = getattr(event, "source", None), getattr(event, "source_id", None)
    return _letter(origin, stage, reason, value, source=source, key=key)


def salvage(record: LogRecord) -> tuple[list[Event], list[Output]]:
    """The events of a batch that does not validate as a whole, and dead letters for the rest of it."""
    letters: list[Output] = []
    try:
        items = orjson.loads(record.value)
    except orjson.JSONDecodeError as error:
        return [], [_broken(record, None, str(error), "", record.value)]
    events: list[Event] = []
    for number, item in enumerate(items if isinstance(items, list) else [items]):
        value = json.dumps(item, ensure_ascii=False).encode()  # unlike orjson's, as deep as it reads
        try:
            events.append(EVENT.validate_json(value))
        except ValidationError as error:
            place, reason = first(error)
            letters.append(_broken(record, number, reason, place, value))
    return events, letters


def first(error: ValidationError) -> tuple[str, str]:
    """Place and reason of the first thing that is wrong, without the input."""
    found = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, found["loc"]))
    return place, f"{place}: {found['msg']}" if place else found["msg"]


def _broken(record: LogRecord, item: int | None, reason: str, place: str, value: bytes) -> Output:
    return _letter(("log", record.partition, record.offset, item), "validate", reason, value, place=place[:512])


def _letter(at: tuple[str, int, int, int | None], stage: Stage, reason: str, value: bytes, **more: Any) -> Output:
    topic, partition, offset, item = at
    letter = DeadLetter(
        topic=topic,
        partition=partition,
        offset=offset,
        item=item,
        stage=stage,
        reason=reason[:1024],
        value=value[:65_536].decode(errors="replace"),
        size=len(value),
        digest=blake2b(value, digest_size=16).hexdigest(),
        truncated=len(value) > 65_536,
        **more,
    )
    key = f"{topic}/{partition}/{offset}".encode()
    return Output("dead-letters", key, letter.model_dump_json().encode(), tuple(headers(letter)))
