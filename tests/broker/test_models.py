"""``weir models`` on a real broker: what it shows of the changelog, and the records that it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from models.state import header
from streams.cli import app
from streams.edge import client
from streams.edge.doctor import examine
from streams.edge.feed import held_config, publish_config
from streams.pipeline import Pipeline
from streams.settings import Settings
from tests.streams.correlation.build import DOMAIN, HOUR, MINUTE, activity, config, fold, record, tick

pytestmark = pytest.mark.broker

KEEN = 'name = "keen"\n[parameters.burst]\nguard = 0.01\n'


def environment(settings: Settings) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap or "",
        "WEIR_APP": settings.app,
        "WEIR_PARTITIONS": str(settings.partitions),
        "NO_COLOR": "1",
    }


def learnt(settings: Settings) -> None:
    """A changelog in which a domain has learnt for some hours, with a second set in the shadow."""
    pipeline = Pipeline(0)
    calls = [activity(f"a{minute}", minute * MINUTE, "role/a") for minute in range(240)]
    calls += [activity(f"b{n}", 240 * MINUTE + n, "role/a") for n in range(200)]
    calls.append(activity("c", 300 * MINUTE, "role/a"))
    second = {"name": "keen", "detectors": ["rarity"]}
    fold([record(0, 6 * HOUR, config(shadow=second), *calls), record(1, 7 * HOUR, tick())], pipeline)
    producer = Producer(client.producer(settings))
    for key, value in pipeline.drain():
        producer.produce(settings.topic("state"), value, key, partition=0)
    producer.flush(10)


def test_what_models_say_and_where_two_sets_differ(settings: Settings) -> None:
    """Sets with their parameters, health by domain, and the events on which only one set would have spoken."""
    publish_config(settings)
    learnt(settings)
    result = CliRunner().invoke(app, ["models", "show", "--json"], env=environment(settings))
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert shown["models"]["name"] == "standard"
    assert any(line.startswith("burst@") and "guard 0.001" in line for line in shown["models"]["detectors"])
    domain = shown["domains"][DOMAIN]
    assert domain["health"][-1]["model"] == "all"
    assert domain["shadow"]["events"] == 441
    assert domain["shadow"]["active"] > 0
    assert domain["differences"][0]["source_id"].startswith("b")
    table = CliRunner().invoke(app, ["models", "show"], env=environment(settings))
    assert "signals of both" in table.stdout
    file = CliRunner().invoke(app, ["models", "export", DOMAIN], env=environment(settings))
    assert header(file.stdout_bytes).domain == DOMAIN
    gone = CliRunner().invoke(app, ["models", "export", "nowhere"], env=environment(settings))
    assert (gone.exit_code, f"there are {DOMAIN}" in gone.output) == (1, True)
    report = examine(settings, {})
    (check,) = [check for check in report.checks if check.name == "model health"]
    assert "standard: 1 domains" in check.text
    assert report.models["standard"][DOMAIN][-1].model == "all"


def test_a_shadow_a_switch_and_back(settings: Settings, tmp_path: Path) -> None:
    """Each is a record of the config topic, which a new start does not undo."""
    publish_config(settings)
    file = tmp_path / "keen.toml"
    file.write_text(KEEN)

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, ["models", *arguments], env=environment(settings))
        assert result.exit_code == 0, result.output
        return result.stdout

    def names() -> tuple[str, str | None]:
        held = held_config(settings)
        assert held is not None
        return held.models.name, held.shadow and held.shadow.name

    run("shadow", str(file))
    assert names() == ("standard", "keen")
    assert "acting: keen, shadow: standard" in run("switch")
    assert not publish_config(settings)
    assert names() == ("keen", "standard")
    run("switch")
    assert names() == ("standard", "keen")
    run("shadow", "--off")
    assert names() == ("standard", None)


def test_what_cannot_be_is_refused_before_anything_is_written(settings: Settings, tmp_path: Path) -> None:
    """An unknown detector, a wrong key, no shadow to switch to: one line each."""
    publish_config(settings)
    file = tmp_path / "set.toml"
    for text, said in (
        ('name = "keen"\ndetectors = ["bust"]', "no detector is called bust; there are"),
        ('name = "Keen!"', "name"),
        ('name = "standard"', "both named standard"),
        ("name = ", "set.toml"),
    ):
        file.write_text(text)
        result = CliRunner().invoke(app, ["models", "shadow", str(file)], env=environment(settings))
        assert (result.exit_code, said in result.output) == (2, True), result.output
    result = CliRunner().invoke(app, ["models", "switch"], env=environment(settings))
    assert result.exit_code == 1
    assert "there is no shadow set" in result.output
    held = held_config(settings)
    assert held is not None
    assert held.shadow is None
