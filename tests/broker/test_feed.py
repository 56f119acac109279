"""What Weir itself writes to its topics, and topics read back as they stand."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient

from schemas.parameters import Parameters
from schemas.rule import Rule, Step
from streams.edge import client, dump, topics
from streams.edge.feed import BadCatalog, feed, publish_catalog, publish_config
from streams.replay.recorded import decode
from streams.settings import BadSettings, Settings
from streams.simulate import Message as Simulated
from streams.simulate import Scenario

MakeSettings = Callable[..., Settings]
ReadAll = Callable[..., list[Message]]
pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario(3, 6, start=datetime(2026, 3, 2, 8, tzinfo=UTC), hours=1, events=600)


def test_every_simulated_message_arrives_whole(settings: Settings, scenario: Scenario, read_all: ReadAll) -> None:
    """The raw topics hold exactly the messages, with key, headers and bytes, and the progress ends at their number."""
    told: list[int] = []
    messages = list(scenario.messages())
    assert feed(settings, iter(messages), progress=told.append) == len(messages) == told[-1]
    for source, topic in settings.raw_topics.items():
        wanted = sorted((m.key or b"", m.value, tuple(m.headers)) for m in messages if m.source == source)
        found = sorted((r.key() or b"", r.value() or b"", tuple(r.headers() or ())) for r in read_all(settings, topic))
        assert found == wanted


def test_a_rate_is_kept(settings: Settings) -> None:
    """The last of n messages is written (n - 1) / rate seconds after the first, by the broker's own timestamps."""
    message = Simulated("ocsf", None, (), b"{}", datetime(2026, 3, 2, tzinfo=UTC))
    assert feed(settings, [message] * 21, rate=50) == 21
    stamps = [r.timestamp for r in dump.read_topic(settings, settings.raw_topics["ocsf"])]
    assert max(stamps) - min(stamps) >= 380


def test_the_catalog_is_written_once(settings: Settings, scenario: Scenario, read_all: ReadAll) -> None:
    """A second publication writes only what changed, and each record has the key it speaks of."""
    entities = scenario.catalog()
    written = publish_catalog(settings, entities)
    assert written > 6
    assert publish_catalog(settings, entities) == 0
    entities[-1]["metadata"]["tags"] = ["internet-facing"]
    assert publish_catalog(settings, entities) == 1
    records = read_all(settings, settings.topic("context"))
    assert len(records) == written + 1
    for record in records:
        value = orjson.loads(record.value())
        assert (value["kind"], value["key"]) == ("catalog", record.key().decode())
    assert orjson.loads(records[-1].value())["record"]["tags"] == ["internet-facing"]


def test_a_wrong_entity_stops_the_whole_catalog(settings: Settings, read_all: ReadAll) -> None:
    """An entity without a name is named by its place, and nothing is written."""
    good = {"apiVersion": "backstage.io/v1alpha1", "kind": "System", "metadata": {"name": "shop"}}
    with pytest.raises(BadCatalog, match=r"catalog entity 1: metadata\.name"):
        publish_catalog(settings, [good, {"apiVersion": "backstage.io/v1alpha1", "kind": "System"}])
    assert read_all(settings, settings.topic("context")) == []


def test_the_parameters_are_written_when_they_differ(make_settings: MakeSettings, read_all: ReadAll) -> None:
    """The config topic gets the parameters with their digest once, and again after a change."""
    settings = make_settings()
    assert publish_config(settings)
    assert not publish_config(settings)
    changed = settings.model_copy(update={"engine": Parameters(group_wait_ms=1)})
    assert publish_config(changed)
    first, second = (orjson.loads(record.value()) for record in read_all(settings, settings.topic("config")))
    assert Parameters(**first["settings"]) == settings.engine
    assert second == {"digest": changed.engine.digest(), "settings": changed.engine.model_dump(mode="json")}


def test_a_rule_that_was_edited_is_not_written(make_settings: MakeSettings, read_all: ReadAll) -> None:
    """Other content under the name and version that the topic has is refused by name, with what to call it; the next
    version, and the same rule again, are taken."""
    burst = Rule(
        name="burst", version=1, title="Many", kind="count", at_least=3, timespan=60_000, steps=(Step(id="a"),)
    )

    def ruled(*rules: Rule) -> Settings:
        return first.model_copy(update={"engine": Parameters(rules=rules)})

    first = make_settings()
    assert publish_config(ruled(burst))
    with pytest.raises(BadSettings, match=r"burst@1: differs from the burst@1 in force; call it burst@2"):
        publish_config(ruled(burst.model_copy(update={"at_least": 5})))
    assert not publish_config(ruled(burst))
    assert publish_config(ruled(burst, burst.model_copy(update={"at_least": 5, "version": 2})))
    records = [orjson.loads(record.value()) for record in read_all(first, first.topic("config"))]
    assert [len(record["settings"]["rules"]) for record in records] == [1, 2]


def test_a_dump_is_the_committed_topic(settings: Settings) -> None:
    """Committed records come out partition by partition with their broker time; aborted ones and markers do not."""
    producer = Producer(client.transactional(settings, settings.transactional_id("test")))
    producer.init_transactions(30)
    topic = settings.topic("events")
    for number, ends_well in enumerate((True, False, True)):
        producer.begin_transaction()
        for partition in (1, 0):
            producer.produce(topic, b"[%d,%d]" % (number, partition), partition=partition)
        if ends_well:
            producer.commit_transaction(30)
        else:
            producer.flush(30)
            producer.abort_transaction(30)
    out = io.BytesIO()
    told: list[tuple[int, int]] = []
    assert dump.dump(settings, topic, out, progress=lambda done, total: told.append((done, total))) == 4
    records = list(decode(out.getvalue().splitlines()))
    assert [(r.partition, r.value) for r in records] == [(0, b"[0,0]"), (0, b"[2,0]"), (1, b"[0,1]"), (1, b"[2,1]")]
    assert told[-1][0] == told[-1][1]
    logged = list(dump.read_log(settings))
    assert [(r.partition, r.offset, r.log_time, r.value) for r in logged] == [
        (r.partition, r.offset, r.timestamp, r.value) for r in records
    ]


def test_an_open_transaction_is_waited_for(settings: Settings) -> None:
    """Records behind a transaction that is still open are not left out silently: the read says so in the end."""
    producer = Producer(client.transactional(settings, settings.transactional_id("test")))
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(settings.topic("events"), b"[]", partition=0)
    producer.flush(30)
    with pytest.raises(TimeoutError, match="nothing came for 1 s"):
        list(dump.read_topic(settings, settings.topic("events"), wait=1))
    producer.commit_transaction(30)
    assert len(list(dump.read_topic(settings, settings.topic("events")))) == 1


def test_no_topic(make_settings: MakeSettings) -> None:
    """A topic that does not exist is an error with its name, and is not made by asking."""
    settings = make_settings(create=False)
    with pytest.raises(dump.NoTopic, match=settings.topic("units")):
        list(dump.read_topic(settings, settings.topic("units")))
    assert "does not exist" in topics.check(AdminClient(client.admin(settings)), settings)[0].what
