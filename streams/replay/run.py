"""Raw documents to units in one process: the ingest and the pipeline of the deployed engine, one after the other.

``log_time`` is the running maximum of event time; between two events the clock stops wherever a revision is due, as
ticks make it in a deployment. The end of the input emits what waits and closes nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import orjson
from pydantic import ValidationError

from schemas.dead_letter import DeadLetter
from schemas.events import BATCH, ContextRecord, Event
from schemas.parameters import Parameters
from streams.catalog import Catalog
from streams.ingest import MAX_ITEMS_SHOWN, Ingest, Placed, RawRecord
from streams.pipeline import Pipeline
from streams.records import LogRecord, Output
from streams.redaction import Redactor
from streams.replay.account import UNKNOWN, Tally, Watched
from streams.replay.documents import Document, Problem, documents
from streams.replay.files import Input
from streams.sigma.in_force import KIND as SIGMA
from streams.sigma.in_force import record_of
from streams.sources.base import Source
from streams.sources.known import BUILT_IN, Known

if TYPE_CHECKING:
    from streams.sigma.bundle import RuleText

TOPIC = "file"
"""The topic that raw records of files have; their partition is the file's number, their offset the document's."""

_OPEN = 200
"""Files that are held open at once; more are opened again when their turn comes."""

_DRAIN = 20_000
"""Events after which the changelog rows, which nobody needs here, are dropped."""

MAX_EVENT = 2_000_000
"""Bytes of a normalised event, as deployed."""

_WHOLE = 1 << 62
"""No limit: one document's events are one batch."""


class Taken(NamedTuple):
    """The events of one document, and the source that read it."""

    source: str
    events: Sequence[Event]


class Told:
    """Who is told what comes out; does nothing by itself."""

    def output(self, output: Output) -> None:
        """A record of the units or another output topic, in order."""

    def event(self, event: Event) -> None:
        """A normalised event, in the order of the fold."""

    def letter(self, letter: DeadLetter) -> None:
        """A document or item that ingest refused."""

    def document(self, documents: int, position: int) -> None:
        """A document was read: the number so far, and the bytes read of the files that are done or open."""


class _Reader(Ingest):
    """Ingest whose sources are counted, each for itself."""

    def __init__(self, redactor: Redactor, known: Known) -> None:
        super().__init__(Catalog(), redactor, partitions=1, known=known)
        self.watched: Watched | None = None
        self.tallies: dict[str, Tally] = {}

    def tally(self, name: str) -> Tally:
        """The counts of a source."""
        found = self.tallies.get(name)
        if found is None:
            found = self.tallies[name] = Tally()
        return found

    def map(
        self, raw: RawRecord, source: Source, document: object, headers: Mapping[str, str]
    ) -> tuple[list[Placed], list[DeadLetter]]:
        tally = self.tally(source.name)
        self.counts, self.ignored = tally.counts, tally.ignored
        self.watched = Watched(source)
        return super().map(raw, self.watched, document, headers)

    def refuse(self, raw: RawRecord, problem: Problem) -> DeadLetter:
        """A dead letter for what could not be cut into documents."""
        return self._refuse(raw, None, "parse", problem.reason, problem.place)


class Replay:
    """The engine over raw records. ``take`` each, ``fold`` what it gives, then ``finish``.

    ``rules`` are detections, in force from the start; correlation rules among them are in ``parameters``, too.
    ``tallies`` says by source what became of everything; ``problems`` lists the sums that do not hold. Raises
    ``streams.failures.TooManyFailures`` as the pipeline does, by source.
    """

    def __init__(
        self,
        redactor: Redactor,
        parameters: Parameters,
        told: Told,
        *,
        members: bool = False,
        known: Known = BUILT_IN,
        rules: Iterable[RuleText] = (),
    ) -> None:
        self.ingest = _Reader(redactor, known)
        self.pipeline = Pipeline(None)
        self.told = told
        self.tallies = self.ingest.tallies
        self.log_time = 0
        self.folded = 0
        if members:
            self.pipeline.keep_members()
        steering: list[object] = [
            {"type": "config", "digest": parameters.digest(), "settings": parameters.model_dump(mode="json")}
        ]
        for number, rule in enumerate(rules):
            record = record_of(rule, "replay")
            if (wrong := self.ingest.rules.apply(rule.key, record)) is not None:
                raise ValueError(f"detection rule {rule.key}: {wrong.place}: {wrong.reason}")
            origin = ("detections", 0, number, 0)
            steering.append({"type": "context", "kind": SIGMA, "key": rule.key, "record": record, "origin": origin})
        self.pipeline.step(LogRecord(0, 0, 0, orjson.dumps(steering)))

    def learn(self, files: Iterable[bytes]) -> list[str]:
        """Begin with what models learnt elsewhere; gives the domains. Raises ``models.adopt.StateMismatch``."""
        found = [self.pipeline.scoring.load(self.pipeline.state, data) for data in files]
        self.pipeline.state.journal.clear()
        return found

    def learnt(self) -> dict[str, bytes]:
        """By domain, what the models have learnt so far, as files."""
        domains = self.pipeline.state.domains.values()
        return {each.name: self.pipeline.scoring.dump(each, {}) for each in domains if self.pipeline.scoring.has(each)}

    def take(self, raw: RawRecord, *, limit: int, problem: Problem | None = None) -> Taken:
        """Read one raw record of at most ``limit`` bytes; its ignored and refused parts are counted here."""
        ingest = self.ingest
        ingest.watched = None
        ingest.max_raw_bytes = limit
        placed: Sequence[Placed] = ()
        if problem is None:
            placed, dead = ingest.read(raw)
        else:
            dead = [ingest.refuse(raw, problem)]
        watched: Watched | None = ingest.watched
        name = watched.name if watched else raw.source.name if raw.source else UNKNOWN
        tally = ingest.tally(name)
        tally.documents += 1
        if watched is None:
            tally.whole += len(dead)
        else:
            self._count(tally, watched, len(dead))
        for letter in dead:
            self._letter(tally, letter)
        if not placed:
            return Taken(name, ())
        tally.events += len(placed)
        events = self._checked(tally, placed)
        for event in events:
            if isinstance(event, ContextRecord) and event.kind == "catalog":
                ingest.catalog.apply(event.key, event.record)
        return Taken(name, events)

    def _count(self, tally: Tally, watched: Watched, dead: int) -> None:
        tally.mapped += 1
        tally.items += watched.items
        tally.readings += watched.readings
        if dead >= MAX_ITEMS_SHOWN and watched.malformed > dead:
            tally.dead["map", f"not shown: more than {MAX_ITEMS_SHOWN} in one document"] += watched.malformed - dead
            dead = watched.malformed
        tally.malformed += dead

    def _checked(self, tally: Tally, placed: Sequence[Placed]) -> list[Event]:
        """The events that the schema takes, as ``Ingest.pack`` decides; its work is done only where it may refuse."""
        if all(len(event.value) <= MAX_EVENT for event in placed):
            try:
                return BATCH.validate_json(b"[" + b",".join([event.value for event in placed]) + b"]")
            except ValidationError:
                pass
        packed, refused = self.ingest.pack(placed, _WHOLE, MAX_EVENT)
        tally.refused += len(placed) - sum(record.events for record in packed)
        for letter in refused:
            self._letter(tally, letter)
        return [event for record in packed for event in BATCH.validate_json(record.value)]

    def _letter(self, tally: Tally, letter: DeadLetter) -> None:
        tally.dead[letter.stage, letter.reason] += 1
        self.told.letter(letter)

    def fold(self, taken: Taken) -> None:
        """Fold the events of one document, each at its own time."""
        out: list[Output] = []
        tally = self.tallies[taken.source]
        self.pipeline.counts = tally.outcomes  # no part of the state; so that each source has its own
        for event in taken.events:
            if (stamp := stamp_of(event)) is not None and stamp > self.log_time:
                self._pass(stamp, out)
            self.pipeline.fold(event, self.log_time, self.folded, out)
            self.folded += 1
            self.told.event(event)
            if self.folded % _DRAIN == 0:
                self.pipeline.state.drain()
        for output in out:
            if output.role == "dead-letters":
                headers = dict(output.headers)
                stage, reason = headers["__weir.errors.stage"].decode(), headers["__weir.errors.reason"].decode()
                tally.dead[stage, reason] += 1
            self.told.output(output)

    def _pass(self, until: int, out: list[Output]) -> None:
        """Let the clock go on to ``until``, stopping where something is due."""
        pipeline = self.pipeline
        while (due := pipeline.next_due()) is not None and due < until:
            self.log_time = pipeline.advance(max(due, self.log_time), out)
        self.log_time = pipeline.advance(until, out)

    def finish(self) -> None:
        """The end of the input: emit what waits for its interval."""
        out: list[Output] = []
        self.pipeline.flush(out)
        for output in out:
            self.told.output(output)

    def problems(self, documents: int) -> list[str]:
        """The sums that do not hold, given the number of documents that were handed over. Empty is good."""
        counted = sum(tally.documents for tally in self.tallies.values())
        found = [] if counted == documents else [f"{documents} documents were handed over, {counted} arrived"]
        return found + [f"{name}: {text}" for name, tally in self.tallies.items() for text in tally.problems()]


def stamp_of(event: Event) -> int | None:
    """Event time in ms, as the pipeline rounds it; None for what has none."""
    time = getattr(event, "time", None)
    return None if time is None else round(time.timestamp() * 1000)


class _Tail:
    """One file, and how far it has been read."""

    def __init__(self, source: Input) -> None:
        self.input = source
        self.next = 0
        self.found: documents | None = None
        self.passed = 0
        self.blank = 0

    def __iter__(self) -> Iterator[Document]:
        while True:
            if self.found is None:
                self.found = documents(self.input.path, self.input.form)
                for _ in zip(range(self.next), self.found, strict=False):
                    pass
            document = next(iter(self.found), None)
            if document is None:
                self.blank = self.found.blank
                self.close()
                self.passed = self.input.path.stat().st_size
                return
            self.next += 1
            yield document

    @property
    def position(self) -> int:
        """Bytes read of the file."""
        if self.found is not None:
            self.passed = self.found.position
        return self.passed

    def close(self) -> None:
        """Close the file; reading goes on where it was."""
        if self.found is not None:
            self.passed = self.found.position
            self.found.close()
            self.found = None


def run(replay: Replay, inputs: Sequence[Input]) -> tuple[int, int]:
    """Replay files: those that give context first, then the others merged by the event time of their next documents.

    Policy exceptions are read after all other context, since the catalog places them; as changes they wait for their
    time. A document without events, or of context, counts when it is reached. A file's own order is kept. A document
    that has no time of its own and whose format allows that gets the log's time or, before there is any, its file's.

    Returns the number of documents, and of blank lines.
    """
    tails = [_Tail(source) for source in inputs]
    told = 0

    def take(tail: _Tail, document: Document) -> Taken:
        nonlocal told
        told += 1
        source = tail.input
        known = replay.log_time or (min(waiting)[0] if waiting else 0)
        raw = RawRecord(
            TOPIC,
            source.number,
            document.number,
            known or int(source.path.stat().st_mtime) * 1000,
            None,
            (),
            document.value,
            source.source,
        )
        taken = replay.take(raw, limit=document.limit, problem=document.problem)
        if told % 500 == 0:
            replay.told.document(told, sum(tail.position for tail in tails))
        return taken

    def wait(tail: _Tail, taken: Taken) -> bool:
        """Let the events of a document wait for their turn; false if none of them has a time."""
        stamp = next((stamp for event in taken.events if (stamp := stamp_of(event)) is not None), None)
        if stamp is None:
            return False
        heapq.heappush(waiting, (stamp, tail.input.number, next(order), taken))
        return True

    def push(tail: _Tail) -> None:
        """Read up to the next document that has a time, and let it wait."""
        for document in tail:
            taken = take(tail, document)
            if wait(tail, taken):
                return
            replay.fold(taken)

    waiting: list[tuple[int, int, int, Taken]] = []
    order = count()
    for tail in [tail for role in ("context", "exceptions") for tail in tails if tail.input.role == role]:
        for document in tail:
            source, events = take(tail, document)
            replay.fold(Taken(source, [event for event in events if stamp_of(event) is None]))
            wait(tail, Taken(source, [event for event in events if stamp_of(event) is not None]))
    rest = [tail for tail in tails if tail.input.role == "events"]
    by_number = {tail.input.number: tail for tail in rest}
    # Files whose documents may have no time go last, so that there is a time to give them.
    for tail in sorted(rest, key=lambda tail: tail.input.path.suffix.lower() == ".sarif"):
        push(tail)
        if len(rest) > _OPEN:
            tail.close()
    while waiting:
        _, number, _, taken = heapq.heappop(waiting)
        replay.fold(taken)
        if number in by_number:
            push(by_number[number])
    replay.finish()
    replay.told.document(told, sum(tail.position for tail in tails))
    return told, sum(tail.blank for tail in tails)
