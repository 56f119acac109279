"""What a shipper put an event into, opened once: only for a document that no source reads as it is.

Fluent Bit has the line in ``log``, Vector, Logstash and Filebeat in ``message``, Splunk's HTTP Event Collector in
``event``, Amazon SNS in ``Message``, an SQS record in ``body``. The event is an object, its JSON as text, or a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from streams.sources.base import Source
from streams.sources.parse import ParseError, parse
from streams.sources.registry import recognise

Known = Callable[[object, Mapping[str, str]], Source | None]

_PLACES = ("event", "log", "message", "Message", "body")


class Opened(NamedTuple):
    """The event and who reads it."""

    source: Source
    document: object


def opened(document: object, headers: Mapping[str, str], known: Known = recognise) -> Opened | None:
    """The first of the places that holds what a source reads; None if there is none. ``known`` says who reads what."""
    if not isinstance(document, dict):
        return None
    for place in _PLACES:
        inner = document.get(place)
        if isinstance(inner, str) and inner[:1] in ("{", "["):
            try:
                inner = parse(inner.encode("utf-8", "surrogatepass"))
            except ParseError:
                continue
        if not inner or not isinstance(inner, dict | list | str):
            continue
        source = known(inner, headers)
        if source is not None:
            return Opened(source, inner)
    return None
