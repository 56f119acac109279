"""What goes between the transport and the fold: records of the partition log in, records of the outputs out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class LogRecord(NamedTuple):
    """One record of the partition log. ``log_time`` is its append time, ms since the epoch."""

    partition: int
    offset: int
    log_time: int
    value: bytes


class Output(NamedTuple):
    """One record to write: ``role`` names the topic (``units``, ``suppressed``, ``dead-letters``, ``indicators``)."""

    role: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()
