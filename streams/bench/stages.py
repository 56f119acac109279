"""The pure parts in one process, stage by stage: no broker, no threads.

Each repetition does the same work from the beginning, a slice of records at a time: the first stage alone, the first
two, and so on to the whole, with every record going through all of them before the next, as deployed. What a stage
costs is what it adds.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from models.suite import Suite, Verdict
from schemas.dead_letter import DeadLetter
from schemas.events import BATCH
from streams.bench.events import Given
from streams.bench.measure import SLICE, Figure, cpu, figure, held_bytes
from streams.catalog import Catalog
from streams.correlation.state import State
from streams.edge.memory import settle
from streams.ingest import Ingest, Placed, RawRecord
from streams.pipeline import Pipeline
from streams.records import LogRecord
from streams.redaction import Redactor
from streams.sources.aws_cloudtrail import CloudTrail
from streams.sources.parse import parse
from streams.sources.steering import Steering

PACKED = 200
"""Events in a record of the log."""

BEHIND_MS = 60_000
"""How far the log's clock is ahead of the events, so that none is clamped to it."""

DRAINED = 4_000
"""Events between two commits: what comes in 200 ms at 20,000 a second."""

BATCH_BYTES = 524_288

STAGES = ("parse", "redact", "map", "place, write, check", "pack")

Progress = Callable[[str], None]


class Ingested(NamedTuple):
    """Microseconds a raw record. ``floor``: ``orjson.loads`` and ``dumps`` of it, which nothing in Python undercuts."""

    records: int
    mean_bytes: float
    events: int
    stages: dict[str, Figure]
    total: Figure
    floor: Figure
    over_floor: float


class Correlated(NamedTuple):
    """Microseconds an event. ``models`` is a part of ``fold``; ``memory`` is what one fold's state takes, in bytes."""

    events: int
    domains: int
    units: int
    stages: dict[str, Figure]
    models: Figure
    total: Figure
    outcomes: dict[str, int]
    state_rows: int
    memory: int | None


def raw_records(given: Given) -> list[RawRecord]:
    """As ingest gets them from a topic bound to the source."""
    source = CloudTrail()
    return [
        RawRecord("raw", 0, at, 1_700_000_000_000 + at // 20, None, (), v, source) for at, v in enumerate(given.records)
    ]


def with_catalog(given: Given) -> tuple[Ingest, bytes]:
    """An ingest that knows the catalog, and the record of the log that carries it."""
    from streams.edge.feed import catalog_records

    work = Ingest(Catalog(), Redactor(b"a key for measuring"), partitions=1)
    placed: list[Placed] = []
    for at, (key, record) in enumerate(catalog_records(given.entities).items()):
        value = orjson.dumps(record)
        placed += work.read(RawRecord("context", 0, at, 0, key.encode(), (), value, Steering()))[0]
        if record["kind"] == "catalog":
            work.catalog.apply(key, record["record"])
    return work, b"[" + b",".join([p.value for p in placed]) + b"]"


def ingest(given: Given, repetitions: int, progress: Progress) -> Ingested:
    """Raw records to packed events."""
    records = raw_records(given)
    work, _ = with_catalog(given)
    spent: defaultdict[str, list[float]] = defaultdict(list)
    events = 0
    settle()
    for repetition in range(repetitions + 1):  # the first one fills memos and is not counted
        progress(f"ingest, repetition {repetition} of {repetitions}")
        took: defaultdict[str, float] = defaultdict(float)
        events = 0
        for start in range(0, len(records), SLICE):
            events += _ingest_slice(work, records[start : start + SLICE], took)
        if repetition:
            for name, seconds in took.items():
                spent[name].append(seconds / len(records) * 1e6)
    whole = [sum(parts) for parts in zip(*(spent[name] for name in STAGES), strict=True)]
    ratio = [total / floor for total, floor in zip(whole, spent["floor"], strict=True)]
    return Ingested(
        len(records),
        sum(map(len, given.records)) / len(records),
        events,
        {name: figure(spent[name]) for name in STAGES},
        figure(whole),
        figure(spent["floor"]),
        figure(ratio).median,
    )


def _ingest_slice(work: Ingest, records: Sequence[RawRecord], took: dict[str, float]) -> int:
    """Add the seconds of each stage; gives the number of events."""
    values = [record.value or b"" for record in records]
    redact, read_one = work.redactor.redact, CloudTrail().read
    headers = {"x-weir-received": "2026-01-05T00:00:00+00:00"}
    placed: list[Placed] = []
    dead: list[DeadLetter] = []

    def floor() -> None:
        for value in values:
            orjson.dumps(orjson.loads(value))

    def parsed() -> None:
        for value in values:
            parse(value)

    def redacted() -> None:
        for value in values:
            redact(value, parse(value))

    def mapped() -> None:
        for value in values:
            for _ in read_one(redact(value, parse(value)), headers):
                pass

    def read() -> None:
        for record in records:
            events, refused = work.read(record)
            placed.extend(events)
            dead.extend(refused)

    def pack() -> None:
        dead.extend(work.pack(placed, BATCH_BYTES)[1])

    took["floor"] += cpu(floor)
    before = 0.0
    for name, stage in zip(STAGES, (parsed, redacted, mapped, read), strict=False):
        seconds = cpu(stage)
        took[name] += seconds - before
        before = seconds
    took["pack"] += cpu(pack)
    if dead:
        raise ValueError(f"not to be measured with: {dead[0].stage} {dead[0].place}: {dead[0].reason}")
    return len(placed)


def batches(given: Given) -> tuple[bytes, list[tuple[int, bytes]]]:
    """The log that ingest makes of the records: the record with the catalog, then log times (ms) and records."""
    work, context = with_catalog(given)
    out = []
    part: list[bytes] = []
    time = ""
    for record in raw_records(given):
        part += [event.value for event in work.read(record)[0]]
        if len(part) >= PACKED or record.offset == len(given.records) - 1:
            time = orjson.loads(part[-1])["time"] if part else time
            log_time = int(datetime.fromisoformat(time).timestamp() * 1000) + BEHIND_MS
            out.append((log_time, b"[" + b",".join(part) + b"]"))
            part = []
    return context, out


class _Recording(Suite):
    """A suite that notes what it is given."""

    def __init__(self, suite: Suite, domain: str, given: list[tuple[str, dict[str, Any]]]) -> None:
        self.__dict__.update(suite.__dict__)
        self.domain = domain
        self.given = given

    def score_and_learn(self, x: Any) -> Verdict:
        self.given.append((self.domain, dict(x)))
        return super().score_and_learn(x)


class _Suites(dict[tuple[str, str], Suite]):
    """The suites of a pipeline, each noting what it is given from its second event on."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[tuple[str, dict[str, Any]]] = []

    def __setitem__(self, at: tuple[str, str], suite: Suite) -> None:
        super().__setitem__(at, _Recording(suite, at[1], self.given))


def correlate(given: Given, repetitions: int, progress: Progress) -> Correlated:
    """Records of the log to units and changed rows."""
    progress("correlate, making the log")
    context, log = batches(given)
    pipeline = _fresh(context)
    suites = pipeline.scoring.suites = _Suites()
    units = rows = 0
    for at, (log_time, value) in enumerate(log):
        units += len(pipeline.step(LogRecord(0, at + 1, log_time, value)))
    rows = len(pipeline.drain())
    outcomes = dict(pipeline.counts)
    domains = len(pipeline.scoring.suites)
    events = sum(n for name, n in outcomes.items() if name != "steering")
    del pipeline
    spent: defaultdict[str, list[float]] = defaultdict(list)
    memory: int | None = None
    settle()
    for repetition in range(repetitions):
        progress(f"correlate, repetition {repetition + 1} of {repetitions}")
        before = held_bytes()
        took, pipeline = _fold(context, log)
        after = held_bytes()
        if memory is None and before is not None and after is not None:
            memory = after - before  # later ones reuse what this one leaves
        del pipeline
        gc.collect()
        took["models"] = cpu(lambda: _models(suites.given))
        for name, seconds in took.items():
            spent[name].append(seconds / events * 1e6)
    stages = {
        "read": figure(spent["read"]),
        "fold": figure([step - read for step, read in zip(spent["step"], spent["read"], strict=True)]),
        "drain and encode": figure(spent["drain"]),
    }
    total = [step + drain for step, drain in zip(spent["step"], spent["drain"], strict=True)]
    return Correlated(events, domains, units, stages, figure(spent["models"]), figure(total), outcomes, rows, memory)


def _fresh(context: bytes) -> Pipeline:
    pipeline = Pipeline(0)
    pipeline.step(LogRecord(0, 0, 0, context))
    return pipeline


def _fold(context: bytes, log: Sequence[tuple[int, bytes]]) -> tuple[dict[str, float], Pipeline]:
    """The seconds of each stage of one fold from the beginning, and what it leaves."""
    pipeline = _fresh(context)
    pipeline.drain()
    took = {"read": 0.0, "step": 0.0, "drain": 0.0}
    step = DRAINED // PACKED
    for start in range(0, len(log), step):
        part = [LogRecord(0, start + at + 1, *record) for at, record in enumerate(log[start : start + step])]

        def read(part: Sequence[LogRecord] = part) -> None:
            for record in part:
                BATCH.validate_json(record.value)

        def fold(part: Sequence[LogRecord] = part) -> None:
            for record in part:
                pipeline.step(record)

        took["read"] += cpu(read)
        took["step"] += cpu(fold)
        took["drain"] += cpu(pipeline.drain)
    return took, pipeline


def _models(given: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """The models alone over what the fold gave them, in tables of their own."""
    state = State()
    suites: dict[str, Suite] = {}
    for number, (domain, x) in enumerate(given):
        suite = suites.get(domain)
        if suite is None:
            suite = suites[domain] = Suite(state.domain(domain).table)
        suite.score_and_learn(x)
        state.journal.clear()
        if number % DRAINED == 0:
            state.drain()
