"""Units of domains in different partitions that share an address are told of each other, once, whatever dies when."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
from confluent_kafka import Producer

from schemas.events import BATCH, Related
from schemas.parameters import Parameters
from schemas.unit import Unit
from streams.correlation.queue import Revision
from streams.edge import client, pump
from streams.edge.doctor import examine
from streams.edge.session import run_sessions
from streams.linking.announce import TABLE, announce
from streams.pipeline import Pipeline
from streams.records import Output
from streams.routing import partition_of
from streams.settings import Settings
from tests.broker.test_transport import until
from tests.broker.transport import Watch, make_session, running
from tests.chaos import oracle
from tests.chaos.cluster import Cluster, Progress
from tests.conftest import MakeSettings, read_to_end
from tests.streams.correlation.build import Doc, finding, iso

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

QUICK = Parameters(group_wait_ms=300, update_interval_ms=300)
SHOP, BANK = (next(f"system:{n}" for n in range(99) if partition_of(f"system:{n}", 2) == p) for p in (0, 1))


class Announcing(Pipeline):
    """The pipeline, telling the indicators of each revision, whether or not it does so by itself."""

    def _emit(self, revision: Revision, out: list[Output]) -> None:
        super()._emit(revision, out)
        out += announce(self.state.domain(revision.unit.domain).table(TABLE), revision.unit)


class Outcome(NamedTuple):
    """What the topics hold in the end. ``wrong``: what the oracle found."""

    wrong: list[str]
    told: list[Related]
    revisions: list[Unit]
    pairs: int
    kills: int

    @property
    def last(self) -> dict[str, Unit]:
        """The last revision of every unit."""
        return {unit.unit_id: unit for unit in self.revisions}


def append(producer: Producer, settings: Settings, domain: str, *events: Doc) -> None:
    topic = settings.topic("events")
    producer.produce(topic, orjson.dumps(list(events)), partition=partition_of(domain, settings.partitions))


def feed(settings: Settings, least: int, enough: threading.Event, fed: list[str]) -> None:
    """A finding about each of many addresses in both domains, until it is enough; nothing else in it is shared."""
    producer = Producer(client.producer(settings))
    config: Doc = {"type": "config", "digest": QUICK.digest(), "settings": QUICK.model_dump(mode="json")}
    for domain in (SHOP, BANK):
        append(producer, settings, domain, config)
    while len(fed) < least or not enough.is_set():
        number = len(fed)
        address = f"8.8.{number // 200}.{1 + number % 200}"
        for domain in (SHOP, BANK):
            about = ("ip", address), ("host", f"h{number}"), ("ip", "10.0.0.1")
            about = about[:2] if number else about
            now = iso(int(time.time() * 1000))
            event = finding(f"{domain}-{number}", 0, *about, domain=domain, time=now, title=f"about {number}")
            append(producer, settings, domain, event)
        producer.flush(10)
        fed.append(address)
        time.sleep(0.1)


def read(settings: Settings) -> Outcome:
    """Everything committed, held against an uninterrupted fold of the indicators."""
    log = read_to_end(settings, settings.topic("events"))
    indicators = read_to_end(settings, settings.topic("indicators"))
    changelog = read_to_end(settings, settings.topic("links-state"))
    told = [event for m in log for event in BATCH.validate_json(m.value()) if isinstance(event, Related)]
    revisions = [Unit.model_validate_json(m.value()) for m in read_to_end(settings, settings.topic("units"))]
    return Outcome(oracle.links(settings, indicators, log, changelog), told, revisions, 0, 0)


def linked_units(settings: Settings) -> int:
    """Units that have told of another."""
    messages = read_to_end(settings, settings.topic("units"))
    return len({m.key() for m in messages if orjson.loads(m.value())["related"]})


def link(
    settings: Settings, logs: Path, *, least: int, kills: int, mutant: str = "none", patience: float = 60.0
) -> Outcome:
    """Feed at least so many pairs of units to a correlate, and kill the links process so many times meanwhile."""
    stop, watch, enough = threading.Event(), Watch(), threading.Event()
    fed: list[str] = []
    chance = random.Random(7)

    def correlate() -> None:
        run_sessions(lambda: make_session(settings, stop, watch, pump.PumpSession, Announcing), stop, watch.failed)

    names = ("links-1",)
    with (
        running(correlate, stop),
        Cluster(settings, logs, {"links": mutant}, names=names) as cluster,
        contextlib.closing(Progress(settings)) as progress,
    ):

        def done() -> int:
            return sum(max(0, position) for position, _ in progress.linked())

        feeder = threading.Thread(target=feed, args=(settings, least, enough, fed))
        feeder.start()
        for _ in range(kills):
            before = done()
            until(lambda before=before: done() > before)  # it works again, and is in the middle
            time.sleep(chance.uniform(0.0, 0.6))
            cluster.kill("links-1")
            cluster.start("links-1")
        enough.set()
        feeder.join()
        deadline = time.monotonic() + patience
        while linked_units(settings) < 2 * len(fed) and time.monotonic() < deadline:
            time.sleep(0.5)
            cluster.tend()
        assert cluster.stop() == {"links-1": 0}, cluster.tail()
        return read(settings)._replace(pairs=len(fed), kills=cluster.kills)


def test_units_that_share_an_address_are_linked_once_whatever_dies(make_settings: MakeSettings, tmp_path: Path) -> None:
    """With the links process killed in the middle, every pair has one revision each with the other and the reason."""
    settings = make_settings(tick_interval_ms=200)
    outcome = link(settings, tmp_path, least=60, kills=3)
    assert outcome.kills == 3
    units = 2 * outcome.pairs
    assert outcome.wrong == []
    told = Counter((each.unit_id, each.other_unit_id, each.indicator) for each in outcome.told)
    assert len(told) == units
    assert set(told.values()) == {1}
    assert {(b, a, i) for a, b, i in told} == set(told)
    last = outcome.last
    assert len(last) == units
    for unit in last.values():
        (other,) = unit.related
        assert unit.status == "open"
        assert other.domain == (BANK if unit.domain == SHOP else SHOP)
        assert ("ip", other.indicator) in {(entity.kind, entity.id) for entity in unit.entities}
        assert last[other.unit_id].related[0].unit_id == unit.unit_id
    reasons = Counter(unit.reason for unit in outcome.revisions)
    assert reasons == {"opened": units, "related": units}
    one = outcome.told[0]
    assert one.reason == f"the same public address {one.indicator.id} is in {one.other_unit_id} of {one.other_domain}"

    report = examine(settings, {})
    assert report.good, report
    (fold,) = [check for check in report.checks if check.name == "links fold"]
    assert f"{outcome.pairs} indicators are held, 0 of them common" in fold.text
    assert [check.text.split(":")[0] for check in report.checks if check.name == "links"] == [
        f"group {settings.group('links')}"
    ]


@pytest.mark.parametrize(("mutant", "kills"), [("early_ack", 4), ("dropped_batch", 0)])
def test_a_broken_rule_of_delivery_is_seen(
    make_settings: MakeSettings, tmp_path: Path, mutant: str, kills: int
) -> None:
    """With one rule broken on purpose in the links process, the oracle finds what is missing."""
    settings = make_settings(tick_interval_ms=200)
    outcome = link(settings, tmp_path, least=40, kills=kills, mutant=mutant, patience=8)
    assert outcome.wrong


def test_lost_state_of_links_is_refused(make_settings: MakeSettings, tmp_path: Path) -> None:
    """The group has a position but its changelog is gone: doctor says that links would refuse, and why."""
    settings = make_settings(partitions=1)
    producer = Producer(client.producer(settings))
    producer.produce(settings.topic("indicators"), b"{}", partition=0)
    producer.flush(10)
    with Cluster(settings, tmp_path, names=("links-1",)) as cluster:
        until(lambda: len(read_to_end(settings, settings.topic("dead-letters"))) == 1)
        cluster.stop()
    state = settings.topic("links-state")
    tombstones = Producer(client.producer(settings))
    for message in read_to_end(settings, state):
        tombstones.produce(state, None, message.key(), 0)
    tombstones.flush(10)
    (failed,) = [check for check in examine(settings, {}).checks if check.state == "failed"]
    assert failed.name == "links fold"
    assert failed.fix == "links refuses to start until that is mended"
