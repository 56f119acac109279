"""What the models cost an event and a key: the standard suite with calibration, combination and reasons.

Streams come as features of domains, as the engine gives them to its suites, over the engine's own tables. After the
warm-up the stream goes on in repetitions: of each, the first half is measured event by event, for the percentiles, and
the second in slices, for the mean, side by side with each detector alone and with river's HalfSpaceTrees.
"""

from __future__ import annotations

import gc
import json
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple, TypeVar

from models.base import Detector, Features, Row
from models.baselines import BASELINES, Counts
from models.baselines import score_and_learn as baseline
from models.reason import text
from models.suite import STANDARD, Suite
from schemas.parameters import Parameters
from streams.bench.activities import Given, Stream, new_minutes
from streams.bench.measure import SLICE, Figure, cpu, figure
from streams.correlation.table import Table, Undo
from streams.edge.memory import settle
from streams.scoring import REASONS

P50, P99, MEAN = "p50", "p99", "mean"

WANTED: Final = {P50: 15.0, P99: 150.0}
"""Microseconds of CPU an event, at most."""

KEY_BYTES: Final = 300
"""Bytes a key, at most. A key is a row of a table: what one detector knows of one principal, pair, value and so on."""

REPETITIONS: Final = 5
BASELINE: Final = "HalfSpaceTrees"

T = TypeVar("T")
U = TypeVar("U")

_AGE_MS = 2 * 86_400_000  # of each domain before its stream begins: the first day teaches no calibration
_CLOCK_READS = 20_000

Progress = Callable[[str], None]


class Cost(NamedTuple):
    """Microseconds of CPU an event. ``share``: of the suite's mean."""

    mean: Figure
    share: float


class Held(NamedTuple):
    """Rows as they are after a restore."""

    keys: int
    bytes_per_key: float


class Promise(NamedTuple):
    """What was promised of one stream, and what was found."""

    what: str
    found: float
    wanted: float
    met: bool


def promise(what: str, found: float, wanted: float) -> Promise:
    """Kept where no more was found than wanted."""
    return Promise(what, found, wanted, found <= wanted)


class Measured(NamedTuple):
    """One stream. ``new_minutes``: share of the events that are the first of their principal in their minute.

    ``rest``: the suite without its detectors, that is calibration, combination and reasons. ``baseline``: river's
    HalfSpaceTrees alone, and ``vectors``, what it costs to make numbers of the events for it. ``over_baseline``: the
    baseline's mean over the suite's. ``unusual``: of the measured events, those with reasons.
    """

    name: str
    warm_up: int
    events: int
    domains: int
    principals: int
    new_minutes: float
    unusual: int
    suite: dict[str, Figure]
    detectors: dict[str, Cost]
    rest: Cost
    baseline: Cost
    vectors: Cost
    over_baseline: float
    held: Held
    held_by: dict[str, Held]
    promises: list[Promise]


def clock_cost() -> float:
    """Microseconds that one look at the clock adds to what is measured between two: their median."""
    clock = time.process_time_ns
    seen = []
    for _ in range(_CLOCK_READS):
        began = clock()
        seen.append(clock() - began)
    return sorted(seen)[_CLOCK_READS // 2] / 1000


class _Subject:
    """What is measured: one object a domain, over tables of its own with a journal, as in the engine."""

    def __init__(self, make: Callable[[Callable[[str], Table]], Callable[[Features], object]]) -> None:
        self.journal: Undo = []
        self.tables: dict[str, dict[str, Table]] = {}
        self._make = make
        self._steps: dict[str, Callable[[Features], object]] = {}

    def steps(self, given: Given) -> list[tuple[Callable[[Features], object], Features]]:
        """The step of each event's domain, and the event: a dict of its own, as the engine makes one for each."""
        for domain in {domain for domain, _ in given} - self._steps.keys():
            tables = self.tables[domain] = {}

            def table(name: str, tables: dict[str, Table] = tables) -> Table:
                return tables.setdefault(name, Table(name, self.journal))

            self._steps[domain] = self._make(table)
        return [(self._steps[domain], dict(x)) for domain, x in given]

    def slices(self, given: Given) -> Iterator[float]:
        """Seconds of CPU of each slice, all of whose events are learnt."""
        for at in range(0, len(given), SLICE):
            work = self.steps(given[at : at + SLICE])
            yield cpu(partial(self._run, work))
            self._drain()

    def singly(self, given: Given) -> Iterator[int]:
        """Nanoseconds of CPU of each event, the clock's own cost with them."""
        clock = time.process_time_ns
        for at in range(0, len(given), SLICE):
            took = []
            for step, x in self.steps(given[at : at + SLICE]):
                began = clock()
                step(x)
                took.append(clock() - began)
                self.journal.clear()
            yield from took
            self._drain()

    def _run(self, work: Iterable[tuple[Callable[[Features], object], Features]]) -> None:
        clear = self.journal.clear
        for step, x in work:
            step(x)
            clear()

    def _drain(self) -> None:
        for tables in self.tables.values():
            for table in tables.values():
                table.drain()


def _whole(signal_p: float, unusual: list[None]) -> Callable[[Callable[[str], Table]], Callable[[Features], object]]:
    """The suite, and of what becomes a signal the reasons in words."""

    def make(table: Callable[[str], Table]) -> Callable[[Features], object]:
        score_and_learn = Suite(table).score_and_learn

        def step(x: Features) -> object:
            verdict = score_and_learn(x)
            if verdict.parts:
                unusual.append(None)
            if verdict.p > signal_p:
                return None
            return tuple(text(part) for part in verdict.parts[:REASONS])

        return step

    return make


def _alone(kind: type[Detector]) -> Callable[[Callable[[str], Table]], Callable[[Features], object]]:
    return lambda table: kind(store=table(kind.name)).observe


def measure(stream: Stream, clock: float, progress: Progress, repetitions: int = REPETITIONS) -> Measured:
    """Costs of the stream's events after the warm-up. ``clock``: what ``clock_cost`` said."""
    unusual: list[None] = []
    suite = _Subject(_whole(Parameters().signal_p, unusual))
    alone = {kind.name: _Subject(_alone(kind)) for kind in STANDARD}
    trees, counts = BASELINES[BASELINE](), Counts()

    before = _eldest(stream.given)
    warm, given = [*before, *stream.given[: stream.warm_up]], stream.given[stream.warm_up :]
    progress(f"{stream.name}: {len(warm):,} events to warm up")
    for subject in (suite, *alone.values()):
        for _ in subject.slices(warm):
            pass
    for _, x in warm[-2_000:]:  # the trees' cost does not depend on what they know
        baseline(trees, counts.of(x))
    unusual.clear()
    settle()

    spent: dict[str, list[float]] = {}
    length = len(given) // repetitions
    for repetition in range(repetitions):
        progress(f"{stream.name}: repetition {repetition + 1} of {repetitions}")
        part = given[repetition * length : (repetition + 1) * length]
        first, second = part[: length // 2], part[length // 2 :]
        took = sorted(suite.singly(first))
        for subject in alone.values():
            sum(subject.slices(first))
        found = {name: took[int(len(took) * share)] / 1000 - clock for name, share in ((P50, 0.5), (P99, 0.99))}
        for name, value in (found | _side_by_side(suite, alone, trees, counts, second)).items():
            spent.setdefault(name, []).append(value)

    costs = {name: figure(values) for name, values in spent.items()}
    whole = costs[MEAN].median

    def cost(name: str) -> Cost:
        return Cost(costs[name], costs[name].median / whole)

    held_by = held(suite.tables.values())
    keys = sum(each.keys for each in held_by.values())
    total = Held(keys, sum(each.keys * each.bytes_per_key for each in held_by.values()) / keys)
    return Measured(
        name=stream.name,
        warm_up=len(warm),
        events=repetitions * length,
        domains=len(suite.tables),
        principals=len({(domain, x["principal"]) for domain, x in stream.given}),
        new_minutes=new_minutes(stream.given),
        unusual=len(unusual),
        suite={name: costs[name] for name in (P50, P99, MEAN)},
        detectors={name: cost(name) for name in alone},
        rest=cost("rest"),
        baseline=cost("baseline"),
        vectors=cost("vectors"),
        over_baseline=figure([b / a for a, b in zip(spent[MEAN], spent["baseline"], strict=True)]).median,
        held=total,
        held_by=held_by,
        promises=[
            *(promise(f"{name}, µs CPU an event", costs[name].median, most) for name, most in WANTED.items()),
            promise("bytes a key", total.bytes_per_key, KEY_BYTES),
        ],
    )


def _side_by_side(
    suite: _Subject, alone: dict[str, _Subject], trees: object, counts: Counts, given: Given
) -> dict[str, float]:
    """Mean microseconds an event of each, in turns, slice by slice: what disturbs the machine disturbs all of them."""
    seconds = dict.fromkeys((MEAN, *alone, "baseline", "vectors"), 0.0)
    turns = zip(suite.slices(given), *(each.slices(given) for each in alone.values()), strict=True)
    for at, turn in enumerate(turns):
        for name, value in zip((MEAN, *alone), turn, strict=True):
            seconds[name] += value
        events = [x for _, x in given[at * SLICE : (at + 1) * SLICE]]
        vectors: list[dict[str, float]] = []
        seconds["vectors"] += cpu(partial(_each, counts.of, events, vectors.append))
        seconds["baseline"] += cpu(partial(_each, partial(baseline, trees), vectors))
    seconds["rest"] = seconds[MEAN] - sum(seconds[name] for name in alone)
    return {name: value / len(given) * 1e6 for name, value in seconds.items()}


def _each(work: Callable[[T], U], items: Iterable[T], told: Callable[[U], object] | None = None) -> None:
    for item in items:
        result = work(item)
        if told is not None:
            told(result)


def _eldest(given: Given) -> list[tuple[str, Features]]:
    """The first event of each domain, two days earlier."""
    first: dict[str, Features] = {}
    for domain, x in given:
        first.setdefault(domain, x)
    return sorted(
        ((domain, {**x, "time": x["time"] - _AGE_MS}) for domain, x in first.items()), key=lambda pair: pair[1]["time"]
    )


def held(domains: Iterable[dict[str, Table]]) -> dict[str, Held]:
    """By table, over all domains: what its rows take once they have been through JSON, as after a restore."""
    texts: dict[str, list[str]] = {}
    for tables in domains:
        for name, table in tables.items():
            texts.setdefault(name, []).append(json.dumps(list(table.items())))
    return {name: _restored(parts) for name, parts in sorted(texts.items())}


def _restored(texts: Sequence[str]) -> Held:
    gc.collect()
    tracemalloc.start()
    try:
        kept: list[dict[str, Row]] = []
        for each in texts:
            rows: dict[str, Row] = {}
            for key, row in json.loads(each):
                rows[key] = tuple(row)
            kept.append(rows)
        gc.collect()
        size = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    keys = sum(map(len, kept))
    return Held(keys, size / keys if keys else 0.0)
