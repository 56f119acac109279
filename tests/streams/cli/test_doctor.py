"""``weir doctor`` finds what would make correlate refuse, and names the fix."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from streams.cli import app
from streams.edge import client, topics
from streams.edge.doctor import Check, Report, examine
from streams.settings import Settings

MakeSettings = Callable[..., Settings]


def failed(report: Report) -> list[Check]:
    return [check for check in report.checks if check.state == "failed"]


def test_only_failures_make_it_bad() -> None:
    """Notes do not change the exit code."""
    assert Report((Check("a", "good", ""), Check("b", "note", "x", "y"))).good
    assert not Report((Check("a", "good", ""), Check("b", "failed", "x", "y"))).good


def test_without_a_broker_there_is_a_fix() -> None:
    """Nothing listens at the address: one failed check that says what to look at, exit code 1."""
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9", "NO_COLOR": "1"}
    result = CliRunner().invoke(app, ["doctor"], env=environment)
    assert result.exit_code == 1
    assert "FAILED broker: 127.0.0.1:9 does not answer" in result.stdout
    assert "KAFKA_BOOTSTRAP_SERVERS" in result.stdout


def test_without_an_address_it_is_bad_usage() -> None:
    """No broker is named: exit code 2."""
    assert CliRunner().invoke(app, ["doctor"], env={"KAFKA_BOOTSTRAP_SERVERS": ""}).exit_code == 2


@pytest.mark.broker
def test_new_topics_are_well(settings: Settings) -> None:
    """Right after `weir topics create` nothing is wrong; a variable that sets nothing names the likely one."""
    report = examine(settings, {"WEIR_METRIC_PORT": "1"})
    assert report.good, report
    assert report.checks[0].state == "note"
    assert "did you mean WEIR_METRICS_PORT?" in report.checks[0].text
    assert [(fold.first, fold.end, fold.group, fold.genesis) for fold in report.folds] == [(0, 0, None, False)] * 2


@pytest.mark.broker
def test_missing_topics_fail_with_the_command(make_settings: MakeSettings) -> None:
    """Before `weir topics create` every topic is a failed check with that fix, and nothing else is tried."""
    settings = make_settings(create=False)
    found = failed(examine(settings, {}))
    assert len(found) == len(topics.wanted(settings))
    assert {check.fix for check in found} == {"run `weir topics create`"}


@pytest.mark.broker
def test_a_group_without_state_is_a_refused_start(settings: Settings) -> None:
    """The group has a position but the changelog no genesis: what correlate would refuse, with its words."""
    producer = Producer(client.producer(settings))
    producer.produce(settings.topic("events"), b"[]", partition=1)
    producer.flush(10)
    group = Consumer(client.consumer(settings, settings.group("correlate")))
    group.commit(offsets=[TopicPartition(settings.topic("events"), 1, 1)], asynchronous=False)
    group.close()
    found = failed(examine(settings, {}))
    assert [check.name for check in found] == ["fold"]
    assert "the group stands at 1, but the changelog has no genesis record" in found[0].text


@pytest.mark.broker
def test_unread_input_without_a_process_is_a_note(settings: Settings) -> None:
    """Records wait and nobody reads: a note that names the command; the check is no failure."""
    producer = Producer(client.producer(settings))
    producer.produce(settings.raw_topics["ocsf"], b"{}", partition=0)
    producer.flush(10)
    report = examine(settings, {})
    ingest = next(check for check in report.checks if check.name == "ingest")
    assert report.good
    assert ingest.state == "note"
    assert "0 member(s), 1 offsets behind" in ingest.text
    assert ingest.fix == "start `weir ingest`"
    assert topics.check(AdminClient(client.admin(settings)), settings) == []
