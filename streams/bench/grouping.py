"""What grouping a signal costs with few and with many units open, and how much memory they hold: flat, or not?

Of a hundred signals, in time order, eighty repeat what an open unit has been told, fifteen tell one something new, and
five open a unit on a host of their own. No unit is told of here: what a revision costs depends on its unit alone. All
sizes are built first and then measured in turns, a few signals at a time, so that what else the machine does falls on
all of them alike; what counts is how a size compares with the first one of the same turn. The collector is set as in a
deployed process (``settle``) and runs; what the changed rows cost to encode is included.

The sizes are units of one domain. Beside them as many entities as are asked for, forty a unit (a host with the
addresses, images, roles and so on of a finding), over several domains, since one keeps 200,000 entities at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median
from typing import Final, NamedTuple

from schemas.events import Finding
from schemas.parameters import Parameters
from streams.bench.measure import Figure, cpu, deep_bytes, figure, held_bytes
from streams.correlation.state import Domain
from streams.edge.memory import settle
from streams.pipeline import Pipeline
from streams.records import Output

FLAT: Final = 1.2
"""Dearest over cheapest that is promised."""

STEP_MS: Final = 20
"""Event and log time between two signals, so that units stay within their link window."""

DRAINED: Final = 4_000
"""Signals between two commits while building; measured turns end with one."""

_BEGIN: Final = datetime(2026, 3, 2, tzinfo=UTC)
_BEGIN_MS: Final = int(_BEGIN.timestamp()) * 1000
_HOUR_MS: Final = 3_600_000
_BESIDE: Final = ("ip", "workload", "image", "resource", "principal", "session", "access_key", "commit", "component")
_A_UNIT: Final = 40
_IN_A_DOMAIN: Final = 150_000


class Level(NamedTuple):
    """CPU (µs) of a signal with so many units open and entities tracked.

    ``against``: the median over all turns of the cost over the first level's in the same turn. ``held``: growth of the
    process while building it. ``bytes_per_unit``: of all that the state of one domain refers to, divided by its units.
    """

    units: int
    domains: int
    entities: int
    rows: int
    cpu: Figure
    against: float
    held: int | None
    bytes_per_unit: float


class Found(NamedTuple):
    """All levels. ``cpu`` and ``memory``: the dearest over the cheapest, of what is compared; memory of units on one
    host each only, since a unit with forty entities holds more."""

    levels: list[Level]
    cpu: float
    memory: float


class Bed:
    """A fold with so many units open."""

    def __init__(self, units: int, entities: int) -> None:
        self.size = units
        self.wide = entities > units
        self.domains = -(-entities // _IN_A_DOMAIN) if self.wide else 1
        self.pipeline = Pipeline(0)
        self.pipeline.state.parameters = Parameters(
            scoring=False,
            max_units=max(2 * units, 100_000),
            link_window_ms=10 * _HOUR_MS,
            group_wait_ms=10 * _HOUR_MS,
        )
        self.chance = Random(units)  # noqa: S311 # a stream to measure with, the same every time
        self.number = 0
        self.hosts = 0
        self.like = _finding()
        before = held_bytes()
        self._build()
        after = held_bytes()
        self.held = None if before is None or after is None else after - before

    def turn(self, count: int) -> float:
        """Seconds that the next signals take, and the commit after them."""
        signals = [self._next() for _ in range(count)]
        return cpu(lambda: self._feed(signals))

    def state(self) -> list[Domain]:
        """Its domains."""
        return [domain for name, domain in self.pipeline.state.domains.items() if name]

    def _build(self) -> None:
        for start in range(0, self.size, DRAINED):
            hosts = range(start, min(start + DRAINED, self.size))
            signals = []
            for _ in hosts:
                self.hosts += 1
                signals.append(self._signal(self.hosts, "config:1"))
                if self.wide:
                    beside = tuple((_BESIDE[n % 9], f"{n}-{self.hosts:08x}") for n in range(_A_UNIT - 1))
                    signals.append(self._signal(self.hosts, "config:0", beside))
            self._feed(signals)

    def _feed(self, signals: Sequence[Finding]) -> None:
        out: list[Output] = []
        for signal in signals:
            now = self.pipeline.advance(int(signal.time.timestamp() * 1000), out)
            self.pipeline.fold(signal, now, self.number, out)
            out.clear()
        self.pipeline.drain()

    def _next(self) -> Finding:
        kind = self.chance.random()
        if kind < 0.05:
            self.hosts += 1
            return self._signal(self.hosts, "config:1")
        host = self.chance.randrange(max(0, self.hosts - self.size), self.hosts) + 1
        return self._signal(host, "config:1" if kind < 0.85 else f"new:{self.number}")

    def _signal(self, host: int, title: str, beside: tuple[tuple[str, str], ...] = ()) -> Finding:
        self.number += 1
        return self.like.model_copy(
            update={
                "source_id": f"f{self.number}",
                "time": _BEGIN + timedelta(milliseconds=self.number * STEP_MS),
                "domain": f"system:bench-{host % self.domains}",
                "title": title,
                "rule": title,
                "entities": (("host", f"i-{host:08x}"), ("account", "111122223333"), *beside),
            }
        )


def levels(
    sizes: Sequence[int], entities: int, signals: int, repetitions: int, progress: Callable[[str], None]
) -> Found:
    """The figures of every size, and of as many units as hold ``entities`` (0: not asked for) with forty each."""
    settle()
    Bed(1_000, 0)  # what is made once, for whatever size, is made now
    beds = []
    for units, tracked in [*((size, 0) for size in sizes), *([(entities // _A_UNIT, entities)] if entities else [])]:
        progress(f"opening {units:,} units" + (f" with {tracked:,} entities" if tracked else ""))
        beds.append(Bed(units, tracked))
    progress("weighing what they hold")
    held = [deep_bytes(bed.state()[0]) * len(bed.state()) for bed in beds]
    opened = [sum(len(domain.units) for domain in bed.state()) for bed in beds]
    costs: list[list[float]] = [[] for _ in beds]
    for repetition in range(repetitions + 1):  # the first turn finds everything as building left it
        if repetition % 5 == 0:
            progress(f"turn {repetition} of {repetitions}")
        for bed, cost in zip(beds, costs, strict=True):
            took = bed.turn(signals) / signals * 1e6
            if repetition:
                cost.append(took)
    found = [
        Level(
            units=sum(len(domain.units) for domain in bed.state()),
            domains=len(bed.state()),
            entities=sum(len(domain.spread.rows) for domain in bed.state()),
            rows=sum(len(table) for domain in bed.state() for table in domain.tables.values()),
            cpu=figure(cost),
            against=median(one / first for one, first in zip(cost, costs[0], strict=True)),
            held=bed.held,
            bytes_per_unit=size / units,
        )
        for bed, cost, size, units in zip(beds, costs, held, opened, strict=True)
    ]
    against = [level.against for level in found]
    narrow = [level.bytes_per_unit for level, bed in zip(found, beds, strict=True) if not bed.wide]
    return Found(found, max(against) / min(against), max(narrow) / min(narrow))


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
