"""One Kafka record as one line of JSON, byte for byte: the form of ``weir topics dump``.

``{"topic", "partition", "offset", "timestamp", "key", "value", "headers"}``; ``timestamp`` in ms, ``headers`` left out
where there are none. Bytes are text where they are UTF-8, else ``{"base64": "..."}``; null is null.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from streams.records import LogRecord


class BadDump(ValueError):
    """A line that is not of this form; the text says which."""


class Recorded(NamedTuple):
    """One record of a topic. ``timestamp`` in ms since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def encode(record: Recorded) -> bytes:
    """The line, with its line feed."""
    fields: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": _text(record.key),
        "value": _text(record.value),
    }
    if record.headers:
        fields["headers"] = [(name, _text(content)) for name, content in record.headers]
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def decode(lines: Iterable[bytes]) -> Iterator[Recorded]:
    """The inverse of ``encode``, line by line.

    >>> record = Recorded("t", 0, 7, 1_700_000_000_000, None, b"\\xff")
    >>> list(decode([encode(record)])) == [record]
    True

    Raises:
        BadDump: for a line of another form.
    """
    for number, line in enumerate(lines, 1):
        try:
            fields = orjson.loads(line)
            topic, partition, offset = fields["topic"], fields["partition"], fields["offset"]
            timestamp = fields["timestamp"]
            if type(topic) is not str or any(type(place) is not int for place in (partition, offset, timestamp)):
                raise BadDump(f"line {number}: topic, partition, offset or timestamp is of the wrong type")
            headers = tuple((str(name), _bytes(content)) for name, content in fields.get("headers", ()))
            yield Recorded(
                topic, partition, offset, timestamp, _bytes(fields.get("key")), _bytes(fields["value"]), headers
            )
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError, binascii.Error) as error:
            raise BadDump(
                f"line {number}: not a line of `weir topics dump` ({type(error).__name__}: {error})"
            ) from None


def log_records(records: Iterable[Recorded]) -> Iterator[LogRecord]:
    """The records as the fold takes them."""
    for record in records:
        yield LogRecord(record.partition, record.offset, record.timestamp, record.value or b"")


def _text(content: bytes | None) -> str | dict[str, str] | None:
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


def _bytes(content: Any) -> bytes | None:
    if content is None:
        return None
    if isinstance(content, str):
        return content.encode()
    return base64.b64decode(content["base64"], validate=True)
