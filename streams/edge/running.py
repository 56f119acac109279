"""Everything on one machine: topics, ingest and correlate as child processes, the scenario's feed, and the units.

``Run`` is one such run over a broker that is there. It is told to ``stop`` or, with ``once``, ends when all input is
drained: every raw record is read, and every partition of the log is folded up to a tick so late that no revision can
wait any more. That is exact; nothing is guessed from silence.
"""

from __future__ import annotations

import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import Message as Delivered
from confluent_kafka.admin import AdminClient
from prometheus_client.parser import text_string_to_metric_families

from schemas.unit import Unit
from streams.edge import children, client, topics
from streams.edge.broker_local import free_port
from streams.edge.children import Child
from streams.edge.feed import feed, publish_catalog, publish_config
from streams.edge.lag import Lag, Place, ends, held, newest
from streams.edge.outcome import Outcome
from streams.edge.pump import TICK
from streams.edge.units import UnitReader
from streams.settings import Settings
from streams.simulate import Message

ROLES = ("ingest", "correlate")

HOPELESS = 5
"""Ends in a row after which a run with ``once`` gives up."""

SHOWN = 20
"""Units shown of those that were there before the run."""

SILENT = 30.0
"""Seconds in which the processes must show that they are there."""


class RunFailed(RuntimeError):
    """The run cannot go on; the message says why."""


class Watch(Protocol):
    """Who watches a run. Called on the run's own thread."""

    def say(self, line: str) -> None:
        """Something happened that the user should know."""

    def unit(self, unit: Unit, before: Unit | None) -> None:
        """A revision was committed; ``before`` is the last one seen."""

    def progress(self, outcome: Outcome, doing: str) -> None:
        """The counts as of now, and what is waited for."""


class Input(NamedTuple):
    """What is put in: catalog entities, then messages (None: nothing is fed)."""

    entities: Sequence[object]
    messages: Iterable[Message] | None
    rate: float | None = None


class Tally:
    """Counters of one process, added up over its restarts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._before: Counter[tuple[str, str]] = Counter()
        self._now: Counter[tuple[str, str]] = Counter()

    def read(self) -> bool:
        """Ask the process; false if it does not answer."""
        try:
            with urllib.request.urlopen(self.url, timeout=2) as answer:  # noqa: S310 - our own loopback address
                text = answer.read().decode()
        except OSError:
            return False
        now: Counter[tuple[str, str]] = Counter()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    now[sample.name, "\x1f".join(sample.labels.values())] += int(sample.value)
        self._now = now
        return True

    def restarted(self) -> None:
        """The process begins to count anew."""
        self._before += self._now
        self._now = Counter()

    def by(self, name: str) -> Counter[str]:
        """The values of a counter by its label values."""
        found: Counter[str] = Counter()
        for counted in (self._before, self._now):
            for (sample, label), value in counted.items():
                if sample == name:
                    found[label] += value
        return found


class Run:
    """One run.

    Args:
        settings: with a broker's address.
        folder: for the logs of the processes.
        began: ``time.monotonic()`` of the user's command.
        fresh: whether nothing was in the topics before.
    """

    def __init__(
        self, settings: Settings, folder: Path, watch: Watch, stop: threading.Event, *, began: float, fresh: bool
    ) -> None:
        self.settings = settings
        self.watch = watch
        self.stop = stop
        self.began = began
        self.outcome = Outcome(whole=fresh)
        self.admin = AdminClient(client.admin(settings))
        self.children: list[Child] = []
        self.tallies: dict[str, Tally] = {}
        for role in ROLES:
            port = free_port()
            environment = _environment(settings, port)
            self.children.append(Child(role, [role], environment, folder / f"{role}.log"))
            self.tallies[role] = Tally(f"http://127.0.0.1:{port}/metrics")
        self._fed: list[BaseException | None] = []
        self._next_look = 0.0
        self._due_at: float | None = None
        self._ticks: dict[Place, int] = {}
        self._ends: dict[Place, int] = {}
        self.ticker = Producer(client.producer(settings))

    def run(self, given: Input, *, once: bool) -> Outcome:
        """Work until told to stop or, with ``once``, until all is drained. The processes are ended in every case.

        Raises:
            RunFailed: a process ends for good, or with ``once`` again and again; or the feed fails.
        """
        try:
            publish_config(self.settings)
            publish_catalog(self.settings, given.entities)
            for child in self.children:
                child.start()
            reader = UnitReader(self.settings)
            lags = self._lags()
            try:
                if not self.outcome.whole:
                    self._there_already(reader)
                self._loop(given, reader, lags, once)
            finally:
                for lag in lags:
                    lag.close()
                reader.close()
        finally:
            for name in children.stop(self.children):
                self.watch.say(f"{name} did not end in time and was killed; its transaction is aborted by the broker")
        return self.outcome

    def _lags(self) -> tuple[Lag, Lag]:
        steering = [self.settings.topic("config"), self.settings.topic("context")]
        read = [*steering, *self.settings.raw_topics.values()]
        return Lag(self.settings, "ingest", read), Lag(self.settings, "correlate", [self.settings.topic("events")])

    def _loop(self, given: Input, reader: UnitReader, lags: tuple[Lag, Lag], once: bool) -> None:
        steered = fed = given.messages is None and not once
        while not self.stop.is_set():
            for revision in reader.read(0.25):
                self._unit(revision.unit)
            self._watch_children(once)
            now = time.monotonic()
            if now < self._next_look:
                continue
            self._next_look = now + 0.5
            self._count()
            if not steered:
                # The catalog decides where events go, the configuration when units leave: both before the first event.
                steered = not self._look(lags[0])
                if steered and given.messages is not None:
                    self._feed(given)
                elif not steered and now - self.began > SILENT and not self.outcome.items:
                    self.watch.say("ingest has not read anything yet; its log may say why")
                    self._next_look = now + 10
            elif not fed:
                fed = given.messages is None or self._was_fed()
            doing = "starting" if not steered else "feeding" if not fed else self._drain(reader, lags, once)
            self.watch.progress(self.outcome, doing)
            if once and doing == "drained":
                return

    def _there_already(self, reader: UnitReader) -> None:
        for revision in reader.to_end():
            self.outcome.take(revision.unit)
        there = self.outcome.standing()
        if there:
            self.watch.say(f"{len(there)} units are there already; the riskiest:")
        for unit in there[:SHOWN]:
            self.watch.unit(unit, None)

    def _unit(self, unit: Unit) -> None:
        if self.outcome.first_unit is None:
            self.outcome.first_unit = time.monotonic() - self.began
        self.watch.unit(unit, self.outcome.take(unit))

    def _watch_children(self, once: bool) -> None:
        for child in self.children:
            said = child.watch()
            if said is None:
                continue
            if child.final is not None:
                raise RunFailed(f"{child.final} (`weir doctor` looks at all of it; log: {child.log})")
            if once and child.failed >= HOPELESS:
                raise RunFailed(said)
            if child.restart_at is not None:
                self.outcome.whole = False
                self.tallies[child.name].restarted()
            self.watch.say(said)

    def _feed(self, given: Input) -> None:
        messages = given.messages
        assert messages is not None

        def progress(sent: int) -> None:
            self.outcome.fed = sent

        def work() -> None:
            try:
                feed(self.settings, self._until_stopped(messages), given.rate, progress)
                self._fed.append(None)
            except (KafkaException, TimeoutError) as error:
                self._fed.append(error)

        threading.Thread(target=work, name="feed", daemon=True).start()

    def _until_stopped(self, messages: Iterable[Message]) -> Iterable[Message]:
        for message in messages:
            if self.stop.is_set():
                return
            yield message

    def _was_fed(self) -> bool:
        if not self._fed:
            return False
        if (error := self._fed[0]) is not None:
            raise RunFailed(f"the scenario could not be written: {error}")
        return True

    def _count(self) -> None:
        ingest, correlate = self.tallies["ingest"], self.tallies["correlate"]
        ingest.read()
        correlate.read()
        outcome = self.outcome
        outcome.raw = ingest.by("weir_raw_records_total").total()
        outcome.items = ingest.by("weir_items_total")
        ignored: Counter[tuple[str, str]] = Counter()
        for label, count in ingest.by("weir_ignored_total").items():
            source, _, reason = label.partition("\x1f")
            ignored[source, reason] = count
        outcome.ignored = ignored
        outcome.refused = ingest.by("weir_dead_letters_total")
        outcome.dead = outcome.refused + correlate.by("weir_dead_letters_total")
        outcome.log_records = correlate.by("weir_log_records_total").total()
        outcome.folded = correlate.by("weir_events_total")

    # Drained: decided by what the broker says, not by the counts, which a restart may lose.

    def _drain(self, reader: UnitReader, lags: tuple[Lag, Lag], once: bool) -> str:
        raw, log = self._look(lags[0]), self._look(lags[1])
        now = time.monotonic()
        if raw:
            self._due_at, self._ticks = None, {}
            return f"{raw} raw records to read"
        if self._due_at is None:
            # Every event is in the log by now. A unit's first revision waits for group_wait from there, any later one
            # for update_interval; what is folded after that has made all of them.
            wait = max(self.settings.engine.group_wait_ms, self.settings.engine.update_interval_ms) / 1000
            self._due_at = now + wait + self._ahead() + 0.1
        if not once:
            return f"{log} offsets of the log to fold" if log else "waiting for input"
        if now < self._due_at:
            return f"{self._due_at - now:.0f} s until the last units are due"
        if not self._ticks:
            self._ticks = self._tick()
        if not self._folded(lags[1]):
            return "the last units"
        return "drained" if reader.reached(self._ends) else "reading the last units"

    def _tick(self) -> dict[Place, int]:
        """Let the time pass in every partition of the log; returns where the ticks stand."""
        stands: dict[Place, int] = {}

        def delivered(error: KafkaError | None, message: Delivered) -> None:
            topic, partition, offset = message.topic(), message.partition(), message.offset()
            if error is None and topic is not None and partition is not None and offset is not None:
                stands[topic, partition] = offset

        log = self.settings.topic("events")
        for number in range(self.settings.partitions):
            self.ticker.produce(log, TICK, partition=number, on_delivery=delivered)
        self.ticker.flush(10.0)
        if len(stands) < self.settings.partitions:
            self.watch.say("the broker does not take the last ticks")
            return {}
        return stands

    def _folded(self, lag: Lag) -> bool:
        """Whether the group is past the ticks; then the units topic ends with the last unit."""
        if not self._ticks:
            return False
        try:
            standings = lag.read()
            if any((standings[place].committed or 0) <= offset for place, offset in self._ticks.items()):
                return False
            units = self.settings.topic("units")
            places = [TopicPartition(units, number) for number in range(self.settings.partitions)]
            self._ends = ends(self.admin, places, IsolationLevel.READ_UNCOMMITTED)
        except KafkaException as error:
            self.watch.say(f"the broker does not answer: {error.args[0].str()}")
            return False
        return True

    def _look(self, lag: Lag) -> int:
        try:
            return sum(lag.left().values())
        except KafkaException as error:
            self.watch.say(f"the broker does not answer: {error.args[0].str()}")
            return 1

    def _ahead(self) -> float:
        """Seconds by which the broker's clock, which dates the log, is ahead of ours, as far as the log shows."""
        log = self.settings.topic("events")
        places = [TopicPartition(log, number) for number in range(self.settings.partitions)]
        try:
            at = newest(self.admin, places)
        except KafkaException:
            return 0.0
        return 0.0 if at is None else max(0.0, at / 1000 - time.time())


def prepare(settings: Settings, say: Callable[[str], None]) -> int:
    """Make the topics that are missing; returns how much is in the raw topics and the log, 0 for nothing.

    Raises:
        RunFailed: the topics cannot be made, or those that are there cannot work.
    """
    admin = AdminClient(client.admin(settings))
    try:
        made = topics.create(admin, settings)
        problems = topics.check(admin, settings)
        present = held(admin, [*settings.raw_topics.values(), settings.topic("events")])
    except (KafkaException, TimeoutError) as error:
        raise RunFailed(f"the topics cannot be made: {error}") from None
    if problems:
        raise RunFailed("; ".join(f"{p.topic} {p.what}: {p.fix}" for p in problems))
    if made:
        say(f"made {len(made)} topics with the prefix {settings.app}, {settings.partitions} partitions each")
    return present


def _environment(settings: Settings, port: int) -> dict[str, str]:
    assert settings.bootstrap is not None
    return {
        "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap,
        "WEIR_BOOTSTRAP": settings.bootstrap,
        "WEIR_APP": settings.app,
        "WEIR_INSTANCE": settings.instance,
        "WEIR_METRICS_HOST": "127.0.0.1",
        "WEIR_METRICS_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
