"""Logs are JSON lines, whoever wrote them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from streams import log


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """A stream that takes the logs; the root logger is put back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    log.configure("info", stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_own_and_foreign_lines_have_one_shape(written: io.StringIO) -> None:
    """structlog's and the standard library's lines are JSON objects with time, level, logger and event."""
    structlog.get_logger("streams.edge.x").info("restored", partition=3)
    logging.getLogger("aiokafka").warning("lost %s", "it", extra={"node": 1})
    structlog.get_logger("streams.edge.x").debug("not at this level")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(line["event"], line["level"], line["logger"]) for line in lines] == [
        ("restored", "info", "streams.edge.x"),
        ("lost it", "warning", "aiokafka"),
    ]
    assert lines[0]["partition"] == 3
    assert lines[1]["node"] == 1
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_exception_is_one_line(written: io.StringIO) -> None:
    """A traceback stays inside its JSON line."""
    try:
        raise KeyError("x")
    except KeyError:
        structlog.get_logger("a").exception("failed")
    [line] = written.getvalue().splitlines()
    assert "KeyError: 'x'" in json.loads(line)["exception"]


def test_librdkafka_repeating_itself_is_held_back(written: io.StringIO) -> None:
    """The same line of librdkafka appears once in ten seconds, other lines all."""
    for line in ("FAIL refused", "FAIL refused", "FAIL other", "FAIL refused"):
        logging.getLogger(log.KAFKA_LOGGER).error(line)
    assert [json.loads(line)["event"] for line in written.getvalue().splitlines()] == ["FAIL refused", "FAIL other"]


def test_unknown_level_is_refused() -> None:
    """A level that does not exist is an error with its name."""
    with pytest.raises(ValueError, match="loud"):
        log.configure("loud")
