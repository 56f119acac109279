"""The scenario without Kafka: the same ingest and folds in one process, the logs a loop variable.

For a machine that has Python and nothing else, and for tests. Not for data of yours: nothing is kept, and
``weir replay`` reads files.

The clock of the log is the arrival of the messages. Where no message arrives, it goes on to whatever is due next, as
the ticks of an idle partition do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from schemas.parameters import Parameters
from schemas.unit import Unit
from streams.catalog import Catalog
from streams.edge.ingest import SOURCE_OF_TOPIC
from streams.edge.outcome import Outcome
from streams.edge.pump import TICK
from streams.ingest import Ingest, Placed, RawRecord
from streams.linking.links import Links
from streams.pipeline import Pipeline
from streams.records import LogRecord, Output
from streams.redaction import Redactor
from streams.sigma.in_force import KIND as SIGMA
from streams.sigma.in_force import record_of
from streams.simulate import Message
from streams.sources.backstage import Backstage
from streams.sources.registry import by_name
from streams.sources.steering import Steering

if TYPE_CHECKING:
    from streams.sigma.bundle import RuleText

BATCH = 50
"""Messages that share one record of the log, and its time."""

MAX_BATCH_BYTES = 524_288


class InProcess:
    """One partition, from raw messages to units. ``told`` gets every revision; ``outcome`` counts.

    ``feed`` what arrived, in order of arrival, as often as you like; then ``finish``.
    """

    def __init__(
        self,
        key: bytes,
        parameters: Parameters,
        told: Callable[[Unit], None],
        outcome: Outcome | None = None,
        rules: Sequence[RuleText] = (),
    ) -> None:
        self.rules = rules  # detections; the correlation rules among them are in the parameters, too
        self.parameters = parameters
        self.told = told
        self.outcome = outcome or Outcome()
        self.catalog = Catalog()
        self.ingest = Ingest(self.catalog, Redactor(key), partitions=1)
        self.pipeline = Pipeline(0)
        self.links = Links(0)
        self.outcome.folded = self.pipeline.counts
        self.outcome.items = self.ingest.counts
        self.outcome.ignored = self.ingest.ignored
        self.sources = {short: by_name(name) for short, name in SOURCE_OF_TOPIC.items()}
        self.next_raw: dict[str, int] = {}
        self.next_log = 0
        self.next_indicator = 0
        self.clock = 0

    def start(self, entities: Sequence[object], at: datetime) -> None:
        """Put parameters, catalog and detection rules into the log, before anything else."""
        settings = {"digest": self.parameters.digest(), "settings": self.parameters.model_dump()}
        config, _ = self.ingest.read(self._raw("config", Steering(), None, (), orjson.dumps(settings), at))
        context: list[Placed] = []
        for entity in entities:
            context += self.ingest.read(self._raw("context", Backstage(), None, (), orjson.dumps(entity), at))[0]
        for placed in context:
            record = orjson.loads(placed.value)
            if record["kind"] == "catalog":
                self.catalog.apply(record["key"], record["record"])
        for rule in self.rules:
            body = {"kind": SIGMA, "key": rule.key, "record": record_of(rule, "settings")}
            context += self.ingest.read(self._raw("context", Steering(), None, (), orjson.dumps(body), at))[0]
            self.ingest.rules.apply(rule.key, body["record"])
        self._append([*config, *context], _ms(at))

    def feed(self, messages: Iterable[Message]) -> None:
        """Read, place and fold the messages."""
        rest = iter(messages)
        while batch := list(islice(rest, BATCH)):
            placed: list[Placed] = []
            for message in batch:
                source = self.sources[message.source]
                raw = self._raw(message.source, source, message.key, message.headers, message.value, message.arrival)
                events, refused = self.ingest.read(raw)
                placed += events
                self._refused(letter.stage for letter in refused)
            self.outcome.fed += len(batch)
            self.outcome.raw += len(batch)
            self._append(placed, _ms(batch[-1].arrival))

    def finish(self) -> Outcome:
        """Let the clock go on until no unit waits for its interval."""
        self._tick(self.clock + self.parameters.group_wait_ms + self.parameters.update_interval_ms)
        linked = 0
        while linked < self.links.told["pairs"]:  # units that were told of others wait for their interval
            linked = self.links.told["pairs"]
            self._tick(self.clock + self.parameters.update_interval_ms)
        return self.outcome

    def _raw(
        self, topic: str, source: Any, key: bytes | None, headers: Any, value: bytes, arrival: datetime
    ) -> RawRecord:
        offset = self.next_raw.get(topic, 0)
        self.next_raw[topic] = offset + 1
        return RawRecord(f"raw.{topic}", 0, offset, _ms(arrival), key, headers, value, source)

    def _append(self, placed: Sequence[Placed], at: int) -> None:
        packed, refused = self.ingest.pack(placed, MAX_BATCH_BYTES)
        self._refused(letter.stage for letter in refused)
        self._tick(at)
        self.clock = max(self.clock, at)
        for record in packed:
            self._fold(record.value, at)

    def _tick(self, until: int) -> None:
        while (due := self.pipeline.next_due()) is not None and due <= until:
            self.clock = max(self.clock, due)
            self._fold(TICK, due)

    def _fold(self, value: bytes, at: int) -> None:
        outputs = self.pipeline.step(LogRecord(0, self.next_log, at, value))
        self.next_log += 1
        self.outcome.log_records += 1
        self.pipeline.drain()
        for output in outputs:
            self._take(output, at)

    def _take(self, output: Output, at: int) -> None:
        if output.role == "units":
            self.told(Unit.model_validate_json(output.value))
        elif output.role == "indicators":
            linked = self.links.step(LogRecord(0, self.next_indicator, at, output.value))
            self.next_indicator += 1
            self.links.drain()
            for each in linked:
                self._take(each, at)
        elif output.role == "events":
            self._fold(output.value, at)
        elif output.role == "dead-letters":
            stage = next(value.decode() for name, value in output.headers if name == "__weir.errors.stage")
            self.outcome.dead[stage] += 1

    def _refused(self, stages: Iterable[str]) -> None:
        for stage in stages:
            self.outcome.refused[stage] += 1
            self.outcome.dead[stage] += 1


def _ms(at: datetime) -> int:
    return round(at.astimezone(UTC).timestamp() * 1000)
