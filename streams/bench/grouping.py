"""What grouping a signal costs with few and with many units open, and how much memory they hold: flat, or not?

Signals of one domain, in time order: of a hundred, eighty repeat what an open unit has been told, fifteen tell one
something new, and five open a unit on a host of their own. A unit tells at most hourly, so that revisions are few.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from schemas.events import Finding
from schemas.parameters import Parameters
from streams.bench.measure import Figure, cpu, figure, held_bytes
from streams.pipeline import Pipeline
from streams.records import Output

_BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
_BEGIN_MS = int(_BEGIN.timestamp()) * 1000
_HOUR_MS = 3_600_000
STEP_MS = 20
"""Event and log time between two signals, so that units stay within their link window."""


class Level(NamedTuple):
    """CPU (µs) of a signal with so many units open, and what the state holds."""

    units: int
    cpu: Figure
    open: int
    entities: int
    rows: int
    held: int | None
    bytes_per_unit: float | None


def levels(sizes: tuple[int, ...], measured: int, repetitions: int, progress: Callable[[str], None]) -> list[Level]:
    """One figure a size, the median of ``repetitions`` runs of ``measured`` signals each on the same fold."""
    return [_level(size, measured, repetitions, progress) for size in sizes]


def flatness(found: list[Level]) -> float:
    """The dearest level against the cheapest, 1.0 where all cost the same."""
    costs = [level.cpu.best for level in found]
    return max(costs) / min(costs)


def _level(size: int, measured: int, repetitions: int, progress: Callable[[str], None]) -> Level:
    gc.collect()
    before = held_bytes()
    pipeline = Pipeline(0)
    limits = {"max_units": max(2 * size, 100_000), "link_window_ms": 10 * _HOUR_MS, "update_interval_ms": _HOUR_MS}
    pipeline.state.parameters = Parameters(scoring=False, **limits)
    chance = Random(size)  # noqa: S311 # a stream to measure with, the same every time
    signals = _signals(size, chance)
    number = _feed(pipeline, signals, size, 0)
    progress(f"{size:,} units open")
    after = held_bytes()
    runs = []
    for _ in range(repetitions):
        chunk = [next(signals) for _ in range(measured)]
        at = number

        def work(chunk: list[Finding] = chunk, at: int = at) -> None:
            _feed(pipeline, iter(chunk), len(chunk), at)

        runs.append(cpu(work) / measured * 1e6)
        number += measured
    (domain,) = (d for name, d in pipeline.state.domains.items() if name)
    held = None if before is None or after is None else after - before
    return Level(
        units=size,
        cpu=figure(runs),
        open=len(domain.units),
        entities=len(domain.spread.rows),
        rows=sum(len(table) for table in domain.tables.values()),
        held=held,
        bytes_per_unit=None if held is None else held / size,
    )


def _feed(pipeline: Pipeline, signals: Iterator[Finding], count: int, first: int) -> int:
    out: list[Output] = []
    for number in range(first, first + count):
        now = pipeline.advance(_BEGIN_MS + number * STEP_MS, out)
        pipeline.fold(next(signals), now, number, out)
        if number % 5_000 == 0:
            pipeline.drain()
        out.clear()
    return first + count


def _signals(size: int, chance: Random) -> Iterator[Finding]:
    """First one signal on each of ``size`` hosts, then the mix."""
    number = 0
    hosts = 0
    like: Finding | None = None
    while True:
        if number < size or chance.random() < 0.05:
            hosts += 1
            host, title = hosts, "config:1"
        else:
            host = chance.randrange(max(1, hosts - size), hosts) + 1
            title = "config:1" if chance.random() < 0.85 else f"config:{chance.randrange(2, 12)}"
        if like is None:
            like = _finding()
        yield like.model_copy(
            update={
                "source_id": f"f{number}",
                "time": _BEGIN + timedelta(milliseconds=number * STEP_MS),
                "title": title,
                "rule": title,
                "entities": (("host", f"i-{host:08x}"), ("account", "111122223333")),
            }
        )
        number += 1


def _finding() -> Finding:
    return Finding(
        source="bench",
        source_id="-",
        time=_BEGIN,
        domain="system:bench",
        origin=("bench", 0, 0, 0),
        kind="misconfiguration",
        rule="-",
        severity=3,
        reporter="bench",
    )
