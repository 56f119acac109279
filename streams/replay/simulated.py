"""A simulated scenario as files that ``weir replay`` reads: one NDJSON file a source, the catalog, the truth apart.

Lines stand in the order of arrival. What Kafka headers say must be in the line itself: a GitHub delivery becomes
``{"event", "delivery", "payload"}``, a CloudEvent in binary mode one in structured mode. All other values are written
as they are, the broken ones too. A value that is empty or has a line feed inside cannot be a line and is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson
import yaml

from streams.simulate import Scenario
from streams.simulate.message import Message

INPUT = "input"
TRUTH = "truth.ndjson"
_TOLD = 1_000

Progress = Callable[[int], None]
"""Told the number of messages so far."""


class Written(NamedTuple):
    """Messages that became lines, and those that could not."""

    lines: int
    left_out: int


def line(message: Message) -> bytes | None:
    """The message as one line without its line feed; None if it cannot be one."""
    headers = {name.lower(): content for name, content in message.headers}
    value = message.value
    if not value.strip() or b"\n" in value or b"\r" in value:
        return None
    if (event := headers.get("x-github-event")) is not None:
        delivery = headers.get("x-github-delivery", b"")
        return b'{"event":%s,"delivery":%s,"payload":%s}' % (_quoted(event), _quoted(delivery), value)
    if "ce_type" in headers:
        attributes = {name.removeprefix("ce_"): text.decode() for name, text in headers.items() if name[:3] == "ce_"}
        if "content-type" in headers:
            attributes["datacontenttype"] = headers["content-type"].decode()
        return orjson.dumps(attributes)[:-1] + b',"data":' + value + b"}"
    return value


def write(scenario: Scenario, folder: Path, progress: Progress | None = None) -> Written:
    """Write ``folder/input/`` (one file a source, ``catalog.yaml``) and ``folder/truth.ndjson``.

    The truth is beside the input, so that whoever replays ``folder/input`` cannot read it. Files of the same names are
    replaced. ``OSError`` as the file system raises it.
    """
    source = folder / INPUT
    source.mkdir(parents=True, exist_ok=True)
    with (source / "catalog.yaml").open("w", encoding="utf-8") as out:
        yaml.dump_all(
            scenario.catalog(),
            out,
            getattr(yaml, "CSafeDumper", yaml.SafeDumper),
            sort_keys=False,
            allow_unicode=True,
            explicit_start=True,
        )
    with (folder / TRUTH).open("wb") as truth:
        truth.writelines(orjson.dumps(entry) + b"\n" for entry in scenario.truth())
    lines = left_out = 0
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for message in scenario.messages():
            text = line(message)
            if text is None:
                left_out += 1
                continue
            file = files.get(message.source)
            if file is None:
                file = files[message.source] = stack.enter_context((source / f"{message.source}.ndjson").open("wb"))
            file.write(text + b"\n")
            lines += 1
            if progress is not None and lines % _TOLD == 0:
                progress(lines)
    return Written(lines, left_out)


def _quoted(text: bytes) -> bytes:
    return orjson.dumps(text.decode())
