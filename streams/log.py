"""Logs on stderr: JSON lines, or coloured lines where a person is watching. stdout stays free for data.

Every module logs through ``structlog.get_logger()``; what libraries send to the standard ``logging`` (confluent-kafka,
Faust, asyncio) passes through the same processors. Values of events are never logged, only their coordinates.
"""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor

KAFKA_LOGGER = "weir.kafka"
"""Standard logger that ``streams.edge.client`` hands to librdkafka."""

_QUIET = {"faust": logging.WARNING, "mode": logging.WARNING, "aiokafka": logging.WARNING, "urllib3": logging.WARNING}


def configure(level: str = "info", *, json: bool | None = None, stream: TextIO | None = None) -> None:
    """Send all logs of this process to ``stream`` (stderr by default). ``json=None``: JSON unless it is a terminal.

    Call once at the start of a process; a second call replaces the first. Raises ``ValueError`` for an unknown level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"no such log level: {level}")
    target = stream or sys.stderr
    as_json = not target.isatty() if json is None else json

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_dumps)]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=target.isatty())]
    )
    output = logging.StreamHandler(target)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(number)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, number))
    logging.getLogger(KAFKA_LOGGER).filters[:] = [_Repeats()]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _Repeats(logging.Filter):
    """Lets the same line of librdkafka through once in ten seconds: without a broker it says so every 50 ms."""

    def __init__(self, seconds: float = 10.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        since, held = self._seen.get(line, (float("-inf"), 0))
        if record.created - since < self._seconds:
            self._seen[line] = (since, held + 1)
            return False
        if len(self._seen) > 200:
            self._seen.clear()
        self._seen[line] = (record.created, 0)
        if held:
            record.repeated = held
        return True


def _dumps(event: EventDict, **_: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
