"""Sigma rules in the topics of a real broker: hot, by delta, and withdrawn by who put them there."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from schemas.parameters import Parameters
from streams.cli import app
from streams.edge import client
from streams.edge.detections import Published, held, publish, push, withdraw
from streams.edge.feed import held_config, publish_config
from streams.edge.health import Health
from streams.edge.ingest import IngestSession
from streams.edge.session import run_sessions
from streams.settings import BadSettings, Settings
from streams.sigma.bundle import RuleText, bundle
from streams.sigma.in_force import PREFIX
from tests.broker.test_ingest import events, letters, record, send
from tests.broker.transport import running
from tests.conftest import ReadAll

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]


def rule(name: str, call: str = "Decrypt") -> str:
    return f"""---
title: Rule {name}
name: {name}
level: high
logsource: {{product: aws, service: cloudtrail}}
detection: {{call: {{eventName: {call}}}, condition: call}}
"""


def burst(at_least: int, day: str = "2026-03-02") -> str:
    return f"""---
title: Many
name: many
date: {day}
correlation: {{type: event_count, rules: [a], group-by: [userIdentity.arn], timespan: 1h,
  condition: {{gte: {at_least}}}}}
"""


def texts(*rules: str) -> tuple[RuleText, ...]:
    found, wrong = bundle([("rules", "".join(rules))])
    assert not wrong
    return found


def wait(done: Callable[[], bool], failures: list[str]) -> None:
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline, failures
        time.sleep(0.1)


def found(settings: Settings, read_all: ReadAll) -> list[tuple[int, str]]:
    """Offset of the raw record and name of the rule, of every finding of a rule."""
    return [(e["origin"][2], e["rule"]) for e in events(settings, read_all) if e["type"] == "finding"]


def test_a_rule_takes_effect_while_ingest_runs(settings: Settings, read_all: ReadAll) -> None:
    """Pushed, broken, replaced and withdrawn in one session: each from its record on, the broken one a dead letter."""
    stop, failures, sessions = threading.Event(), list[str](), list[IngestSession]()

    def make() -> IngestSession:
        sessions.append(IngestSession(settings, stop, lambda _read: None, Health()))
        return sessions[-1]

    def in_force(title: str | None) -> Callable[[], bool]:
        def look() -> bool:
            rules = sessions[-1].ingest.rules.rules if sessions else None
            return title == (rules.rules[0].title if rules else None)

        return look

    def activities(number: int) -> Callable[[], bool]:
        return lambda: sum(e["type"] == "activity" for e in events(settings, read_all)) == number

    with running(lambda: run_sessions(make, stop, failures.append), stop):
        send(settings, [record(1)])
        wait(activities(1), failures)
        push(settings, texts(rule("a")))
        wait(in_force("Rule a"), failures)
        send(settings, [record(2)])
        wait(activities(2), failures)
        producer = Producer(client.producer(settings))
        broken: dict[str, Any] = {
            "kind": "sigma",
            "key": "a",
            "record": {"text": rule("a").replace("eventName", "x|y")},
        }
        producer.produce(settings.topic("context"), orjson.dumps(broken), f"{PREFIX}a".encode())
        assert producer.flush(20) == 0
        wait(lambda: bool(letters(settings, read_all)), failures)
        send(settings, [record(3)])
        wait(activities(3), failures)
        push(settings, texts(rule("a", "Encrypt").replace("Rule a", "Rule b")))
        wait(in_force("Rule b"), failures)
        send(settings, [record(4), record(5, eventName="Encrypt")])
        wait(activities(5), failures)
        withdraw(settings, ["a"])
        wait(in_force(None), failures)
        send(settings, [record(6, eventName="Encrypt")])
        wait(activities(6), failures)
    assert found(settings, read_all) == [(1, "a"), (2, "a"), (4, "a")]
    (letter,) = letters(settings, read_all)
    assert (letter["topic"], letter["stage"], letter["place"]) == (
        settings.topic("context"),
        "map",
        "detection.call.x|y",
    )
    assert len(sessions) == 1
    assert not failures
    said = [e["record"] for e in events(settings, read_all) if e["type"] == "context"]
    everywhere = Counter("none" if record is None else record["by"] for record in said)
    assert everywhere == {"push": 2 * settings.partitions, "none": settings.partitions}


def test_rules_are_known_before_the_first_event(settings: Settings, read_all: ReadAll) -> None:
    """A session that starts reads them all before its first batch."""
    publish(settings, texts(rule("a"), rule("b")))
    send(settings, [record(1)])
    stop, failures = threading.Event(), list[str]()
    session = lambda: IngestSession(settings, stop, lambda _read: None, Health())  # noqa: E731 - a factory
    with running(lambda: run_sessions(session, stop, failures.append), stop):
        wait(lambda: len(found(settings, read_all)) == 2, failures)
    assert found(settings, read_all) == [(0, "a"), (0, "b")]


def test_the_settings_rules_are_written_by_delta(settings: Settings) -> None:
    """What is there is not written again, what is gone is withdrawn, and what somebody pushed is left alone."""
    assert publish(settings, texts(rule("a"), rule("b"))) == Published(2, 0, True)
    assert publish(settings, texts(rule("a"), rule("b"))) == Published(0, 0, False)
    push(settings, texts(rule("c")))
    assert publish(settings, texts(rule("b", "Encrypt"))) == Published(1, 1, False)
    assert {key: each.by for key, each in held(settings).items()} == {"b": "settings", "c": "push"}
    assert publish(settings, ()) == Published(0, 1, False)
    assert list(held(settings)) == ["c"]


def test_correlation_rules_follow_their_texts(settings: Settings) -> None:
    """Pushed they are among the parameters, beside others; the settings leave them there; withdrawn they are not."""

    def names() -> list[str]:
        parameters = held_config(settings)
        return [rule.key for rule in parameters.rules] if parameters else []

    publish_config(settings)
    assert push(settings, texts(rule("a"), burst(3))).config
    assert [name.partition("@")[0] for name in names()] == ["many"]
    assert publish(settings, texts(rule("d"))) == Published(1, 0, False)
    first = names()
    with pytest.raises(BadSettings, match="differs from the many@"):
        push(settings, texts(burst(4)))
    assert push(settings, texts(burst(4, "2026-03-03"))) == Published(1, 0, True)
    assert names() != first
    with pytest.raises(BadSettings, match="there is no rule 'a'"):
        withdraw(settings, ["a"])
    with pytest.raises(BadSettings, match="not in force: x"):
        withdraw(settings, ["x"])
    assert withdraw(settings, ["a", "many"]) == Published(0, 2, True)
    assert (names(), list(held(settings))) == ([], ["d"])


def test_the_commands(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """topics create puts the settings' rules there, push and withdraw change them, ls says what each is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", str(settings.bootstrap))
    monkeypatch.setenv("WEIR_APP", settings.app)
    monkeypatch.setenv("WEIR_PARTITIONS", str(settings.partitions))

    def run(*arguments: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, list(arguments))
        return done.exit_code, done.stdout, done.stderr

    def listed() -> dict[str, tuple[str, str]]:
        lines = map(orjson.loads, run("rules", "ls", "--json")[1].splitlines())
        return {line["key"]: (line["state"], line["by"]) for line in lines}

    (tmp_path / "weir.toml").write_text('detections = ["mine.yml"]\n')
    (tmp_path / "mine.yml").write_text(rule("a") + rule("b"))
    code, _, said = run("topics", "create")
    assert code == 0, said
    assert "2 detection rules, 2 written, 0 withdrawn" in said
    (tmp_path / "more.yml").write_text(burst(3))
    assert run("rules", "push", "more.yml")[0] == 1  # it refers to a rule of another file
    (tmp_path / "more.yml").write_text(rule("a") + burst(3))
    code, _, said = run("rules", "push", "more.yml")
    assert code == 0, said
    assert "2 rules pushed, 0 were in force already; the engine's correlation rules changed" in said
    assert listed() == {"a": ("silent", "push"), "b": ("detection", "settings"), "many": ("correlation", "push")}
    assert "Rule b" in run("rules", "ls")[1]
    assert run("rules", "withdraw", "many")[0] == 0
    assert listed() == {"a": ("detection", "push"), "b": ("detection", "settings")}
    (tmp_path / "more.yml").write_text(rule("c") + rule("d").replace("eventName", "x|y"))
    code, _, said = run("rules", "push", "more.yml")
    assert code == 1
    assert "nothing was pushed" in said
    assert run("rules", "push", "more.yml", "--skip-broken")[0] == 0
    assert set(listed()) == {"a", "b", "c"}


def test_no_topics_is_one_clear_line(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither waits for a topic that is not there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", str(settings.bootstrap))
    monkeypatch.setenv("WEIR_APP", f"{settings.app}-none")
    (tmp_path / "a.yml").write_text(rule("a"))
    for arguments in (["push", "a.yml"], ["withdraw", "a"], ["ls"]):
        done = CliRunner().invoke(app, ["rules", *arguments])
        assert done.exit_code == 2
        assert "run `weir topics create`" in done.stderr


def test_parameters_of_the_settings_stay_beside_pushed_rules(settings: Settings) -> None:
    """A push changes the rules among them and nothing else."""
    publish_config(settings.model_copy(update={"engine": Parameters(signal_p=1e-5)}))
    push(settings, texts(rule("a"), burst(3)))
    parameters = held_config(settings)
    assert parameters is not None
    assert (parameters.signal_p, len(parameters.rules)) == (1e-5, 1)
