"""``weir topics``, ``weir simulate --topics`` and ``weir replay --log`` against a real broker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from schemas.parameters import Parameters
from streams.cli import app
from streams.edge import client
from streams.edge.topics import wanted
from streams.settings import Settings

MakeSettings = Callable[..., Settings]
ReadAll = Callable[..., list[Message]]
pytestmark = pytest.mark.broker

CATALOG = """\
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: shop}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web}
spec: {system: shop}
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Weir = Callable[..., Ran]


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    """Settings whose topics are not made yet."""
    return make_settings(create=False)


@pytest.fixture
def weir(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Weir:
    """``weir(*arguments)``: the command under these settings, by way of the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.bootstrap or "")
    monkeypatch.setenv("WEIR_APP", settings.app)
    monkeypatch.setenv("WEIR_PARTITIONS", str(settings.partitions))
    monkeypatch.setenv("WEIR_REDACTION_KEY", "a key for tests only")

    def run(*arguments: object) -> Ran:
        result = CliRunner().invoke(app, list(map(str, arguments)))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


def test_create_makes_them_once_and_says_what_is_in_force(
    weir: Weir, settings: Settings, read_all: ReadAll, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run makes topics and writes parameters and catalog; the second changes nothing; check is content."""
    (tmp_path / "catalog.yaml").write_text(CATALOG)
    monkeypatch.setenv("WEIR_CATALOG", "catalog.yaml")
    monkeypatch.setenv("WEIR_ENGINE__GROUP_WAIT_MS", "1234")
    first = weir("topics", "create")
    assert first.code == 0, first.err
    assert f"created topic {settings.app}.events, 2 partition(s)" in first.err
    assert "written; 2 catalog records written" in first.err
    second = weir("topics", "create")
    assert second.code == 0
    assert "0 topics made" in second.err
    assert "unchanged; 0 catalog records written" in second.err
    [config] = read_all(settings, settings.topic("config"))
    assert Parameters(**json.loads(config.value())["settings"]) == Parameters(group_wait_ms=1234)
    keys = [record.key() for record in read_all(settings, settings.topic("context"))]
    assert keys == [b"system:default/shop", b"component:default/web"]
    checked = weir("topics", "check")
    assert (checked.code, checked.out) == (0, f"{len(wanted(settings))} topics are as they should be\n")


def test_a_bad_catalog_is_refused_before_anything_is_made(
    weir: Weir, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A catalog that cannot be read ends the command with exit code 2, its file and its line; no topic is made."""
    monkeypatch.setenv("WEIR_CATALOG", "catalog.yaml")
    assert weir("topics", "create").err == "weir: catalog.yaml: No such file or directory\n"
    for content, said in (("kind: [", "line 2"), ("apiVersion: backstage.io/v1alpha1\nkind: System\n", "entity 0")):
        (tmp_path / "catalog.yaml").write_text(content)
        ran = weir("topics", "create")
        assert ran.code == 2
        assert ran.err.startswith("weir: catalog.yaml: ")
        assert said in ran.err
    present = AdminClient(client.admin(settings)).list_topics(timeout=10).topics
    assert not [name for name in present if name.startswith(settings.app)]


def test_check_names_every_problem(weir: Weir, settings: Settings) -> None:
    """Exit code 1; a table for people, and with --json the same for programs."""
    ran = weir("topics", "check")
    assert ran.code == 1
    assert f"{settings.app}.events" in ran.out
    assert "run `weir topics create`" in ran.out
    as_json = json.loads(weir("topics", "check", "--json").out)
    assert as_json["topics"] == len(as_json["problems"]) == len(wanted(settings))
    assert as_json["problems"][0].keys() == {"topic", "what", "fix"}
    assert weir("topics", "create").code == 0
    assert json.loads(weir("topics", "check", "--json").out) == {"topics": len(wanted(settings)), "problems": []}


def finding(number: int) -> bytes:
    event = {
        "type": "finding",
        "source": "ocsf",
        "source_id": f"f-{number}",
        "time": "2026-01-01T00:00:00Z",
        "domain": f"d{number}",
        "origin": ["raw", 0, number, 0],
        "kind": "detection",
        "rule": "r",
        "severity": 4,
        "reporter": "test",
        "entities": [["host", f"h-{number}"]],
    }
    return json.dumps([event]).encode()


def test_a_dumped_log_folds_as_the_topic_does(weir: Weir, settings: Settings, tmp_path: Path) -> None:
    """dump writes the log under its short or full name; replay --log gives the same bytes from topic and file."""
    config = {"digest": "0" * 16, "settings": Parameters(group_wait_ms=0).model_dump(), "type": "config"}
    assert weir("topics", "create").code == 0
    producer = Producer(client.producer(settings))
    for partition in (1, 0):
        for value in (json.dumps([config]).encode(), finding(partition), b'[{"type":"tick"}]'):
            producer.produce(settings.topic("events"), value, partition=partition)
    producer.flush(30)
    assert weir("topics", "dump", "events", "--out", tmp_path / "log.ndjson").err.startswith("6 records of")
    assert weir("topics", "dump", settings.topic("events")).out == (tmp_path / "log.ndjson").read_text()
    from_topic = weir("replay", "--log", settings.topic("events"), "--revisions")
    from_file = weir("replay", "--log", tmp_path / "log.ndjson", "--revisions")
    assert from_topic.code == from_file.code == 0, from_topic.err
    assert from_topic.out == from_file.out
    assert [json.loads(line)["domain"] for line in from_topic.out.splitlines()] == ["d0", "d1"]


def test_what_is_not_there_is_said(weir: Weir, settings: Settings) -> None:
    """No such topic: exit code 2 and its name, for dump, replay and simulate."""
    dumped, replayed = weir("topics", "dump", "nothing"), weir("replay", "--log", "nothing")
    assert (dumped.code, replayed.code) == (2, 2)
    assert f"there is no topic {settings.app}.nothing" in dumped.err
    assert "there is no topic nothing" in replayed.err
    simulated = weir("simulate", "--topics", "--hours", 0.2, "--events", 500)
    assert simulated.code == 2
    assert "run `weir topics create`" in simulated.err


def test_a_scenario_goes_to_the_topics(weir: Weir, settings: Settings, read_all: ReadAll, tmp_path: Path) -> None:
    """The catalog is on the context topic, each message on its source's, and the truth in the file named."""
    assert weir("topics", "create").code == 0
    ran = weir(
        "simulate", "--topics", "--seed", 5, "--services", 4, "--hours", 0.5, "--events", 500, "--truth", "truth.ndjson"
    )
    assert ran.code == 0, ran.err
    assert "500 messages written" in ran.err
    assert sum(len(read_all(settings, topic)) for topic in settings.raw_topics.values()) == 500
    assert read_all(settings, settings.topic("context"))
    assert json.loads((tmp_path / "truth.ndjson").read_text().splitlines()[-1])["messages"] == 500
