"""Everything on one machine: topics, ingest, correlate and links as child processes, the feed, and the units.

``Run`` is one such run over a broker that is there. It is told to ``stop`` or, with ``once``, ends when it is drained.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from schemas.unit import Unit
from streams.edge import children, client, topics
from streams.edge.broker_local import free_port
from streams.edge.children import Child
from streams.edge.detections import publish
from streams.edge.drained import Drained
from streams.edge.feed import feed, publish_catalog
from streams.edge.lag import held
from streams.edge.outcome import Outcome
from streams.edge.tally import Tally
from streams.edge.units import UnitReader
from streams.settings import Settings
from streams.simulate import Message

if TYPE_CHECKING:
    from streams.sigma.bundle import RuleText

ROLES = ("ingest", "correlate", "links")

CONTEXT = "context"
"""The role that reads feeds; it runs where the settings have any."""

HOPELESS = 5
"""Ends in a row after which a run with ``once`` gives up."""

SHOWN = 20
"""Units shown of those that were there before the run."""


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
    """What is put in: catalog entities and detection rules, then messages (None: nothing is fed)."""

    entities: Sequence[object]
    messages: Iterable[Message] | None
    rate: float | None = None
    rules: Sequence[RuleText] = ()


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
        for role in (*ROLES, CONTEXT) if settings.context else ROLES:
            port = free_port()
            environment = _environment(settings, port)
            arguments = ["context", "poll"] if role == CONTEXT else [role]
            self.children.append(Child(role, arguments, environment, folder / f"{role}.log"))
            self.tallies[role] = Tally(f"http://127.0.0.1:{port}/metrics")
        self._fed: list[BaseException | None] = []
        self._next_look = 0.0

    def run(self, given: Input, *, once: bool) -> Outcome:
        """Work until told to stop or, with ``once``, until all is drained. The processes are ended in every case.

        Raises:
            RunFailed: a process ends for good, or with ``once`` again and again; or the feed fails.
        """
        try:
            for fault in publish(self.settings, given.rules).faults:
                self.watch.say(f"detection rule not in force: {fault}")
            publish_catalog(self.settings, given.entities)
            for child in self.children:
                child.start()
            reader = UnitReader(self.settings)
            drained = Drained(self.settings)
            try:
                if not self.outcome.whole:
                    self._there_already(reader)
                self._loop(given, reader, drained, once)
            finally:
                drained.close()
                reader.close()
        finally:
            for name in children.stop(self.children):
                self.watch.say(f"{name} did not end in time and was killed; its transaction is aborted by the broker")
        return self.outcome

    def _loop(self, given: Input, reader: UnitReader, drained: Drained, once: bool) -> None:
        steered = fed = False
        while not self.stop.is_set():
            for revision in reader.read(0.25):
                self._unit(revision.unit)
            self._watch_children(once)
            now = time.monotonic()
            if now < self._next_look:
                continue
            self._next_look = now + 0.5
            self._count()
            doing: str | None
            try:
                if not steered:
                    # The catalog decides where events go, the configuration when units leave: both before any event.
                    steered = given.messages is None or not drained.raw_left()
                    if steered and given.messages is not None:
                        self._feed(given)
                elif not fed:
                    fed = given.messages is None or self._was_fed()
                doing = "starting" if not steered else "feeding" if not fed else drained.doing(reader, once=once)
            except KafkaException as error:
                self.watch.say(f"the broker does not answer: {error.args[0].str()}")
                doing = "waiting for the broker"
            self.watch.progress(self.outcome, doing or "done")
            if doing is None:
                self._last_counts()
                return

    def _last_counts(self) -> None:
        """A process counts a transaction a moment after it is committed."""
        deadline = time.monotonic() + 5.0
        while self.outcome.whole and self.outcome.unaccounted and time.monotonic() < deadline:
            time.sleep(0.1)
            self._count()

    def _there_already(self, reader: UnitReader) -> None:
        for revision in reader.to_end():
            self.outcome.take(revision.unit)
        self.outcome.before, self.outcome.revisions = len(self.outcome.units), 0
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
            if child.restart_at is not None and child.name in ROLES:
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
        ingest, correlate, links = (self.tallies[role] for role in ROLES)
        for tally in (ingest, correlate, links):
            tally.read()
        outcome = self.outcome
        outcome.raw = ingest.by("weir_raw_records_total").total()
        outcome.items = ingest.by("weir_items_total")
        ignored: Counter[tuple[str, str]] = Counter()
        for label, count in ingest.by("weir_ignored_total").items():
            source, _, reason = label.partition("\x1f")
            ignored[source, reason] = count
        outcome.ignored = ignored
        outcome.refused = ingest.by("weir_dead_letters_total")
        outcome.dead = outcome.refused + correlate.by("weir_dead_letters_total") + links.by("weir_dead_letters_total")
        outcome.log_records = correlate.by("weir_log_records_total").total()
        outcome.folded = correlate.by("weir_events_total")


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
