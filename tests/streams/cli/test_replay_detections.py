"""``weir replay --detections``: Sigma rules over recorded files, to the unit that says what matched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from streams.cli import app

RULE = """
title: A user was made
name: user_made
level: high
tags: [attack.t1136.003]
logsource: {product: aws, service: cloudtrail}
detection: {call: {eventSource: iam.amazonaws.com, eventName: CreateUser}, condition: call}
"""
MANY = """---
title: Many users were made
name: many_made
level: critical
correlation: {type: event_count, rules: [user_made], group-by: [userIdentity.arn], timespan: 1h, condition: {gte: 3}}
"""
BROKEN = """---
title: Broken
logsource: {product: aws}
detection: {call: {a|backwards: x}, condition: call}
"""


def call(number: int, name: str) -> dict[str, Any]:
    return {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "IAMUser",
            "arn": "arn:aws:iam::111122223333:user/ada",
            "accountId": "111122223333",
            "userName": "ada",
        },
        "eventTime": f"2026-03-02T08:{number:02}:00Z",
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "eventID": f"00000000-0000-4000-8000-{number:012}",
        "recipientAccountId": "111122223333",
    }


@pytest.fixture
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five calls in one delivery, three of them of one kind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEIR_REDACTION_KEY", "a key for tests only")
    names = ("GetUser", "CreateUser", "CreateUser", "ListUsers", "CreateUser")
    file = tmp_path / "trail.json"
    file.write_text(json.dumps({"Records": [call(number, name) for number, name in enumerate(names)]}))
    return file


def replay(*arguments: object) -> tuple[int, list[dict[str, Any]], str]:
    done = CliRunner().invoke(app, ["replay", *map(str, arguments)])
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_a_rule_makes_a_unit_that_says_what_matched(trail: Path, tmp_path: Path) -> None:
    """The unit has the detection as a signal, with its rule, severity and why; without the rule there is no unit."""
    (tmp_path / "rules.yml").write_text(RULE)
    code, units, said = replay(trail, "--detections", tmp_path / "rules.yml", "--no-models")
    assert code == 0, said
    (unit,) = units
    (signal,) = [signal for signal in unit["signals"] if signal["kind"] == "detection"]
    assert (signal["title"], signal["severity"], signal["count"]) == ("A user was made", 4, 3)
    assert signal["why"] == [
        "sigma reports user_made",
        "matched eventSource iam.amazonaws.com; eventName CreateUser ATT&CK: T1136.003",
    ]
    assert "NOT ACCOUNTED FOR" not in said
    code, units, said = replay(trail, "--no-models")
    assert (code, units) == (0, [])


def test_a_correlation_rule_is_the_signal_and_what_it_counts_is_silent(trail: Path, tmp_path: Path) -> None:
    """Three within the hour are one signal of the correlation; the detections by themselves make no unit."""
    (tmp_path / "rules.yml").write_text(RULE + MANY)
    code, units, said = replay(trail, "--detections", tmp_path / "rules.yml", "--no-models")
    assert code == 0, said
    (unit,) = units
    assert unit["severity"] == 5
    assert [(signal["source"], signal["title"]) for signal in unit["signals"]] == [
        ("weir.rules", "Many users were made")
    ]
    assert any("rule many_made@1" in why for why in unit["signals"][0]["why"])
    (tmp_path / "rules.yml").write_text(RULE + MANY.replace("gte: 3", "gte: 4"))
    assert replay(trail, "--detections", tmp_path / "rules.yml", "--no-models")[1] == []


def test_units_name_the_rules_they_were_looked_at_with(trail: Path, tmp_path: Path) -> None:
    """Another rule, which matches nothing here, is another context in a unit's provenance; the same is the same."""
    (tmp_path / "rules.yml").write_text(RULE)
    (tmp_path / "other.yml").write_text(RULE.replace("user_made", "other").replace("CreateUser", "CreateGroup"))
    first = replay(trail, "--detections", tmp_path / "rules.yml", "--no-models")[1]
    again = replay(trail, "--detections", tmp_path / "rules.yml", "--no-models")[1]
    both = replay(trail, "--detections", tmp_path, "--no-models")[1]
    one, two, three = (units[0]["provenance"]["context"] for units in (first, again, both))
    assert one == two != three


def test_rules_of_the_settings_and_the_pack_are_used(trail: Path, tmp_path: Path) -> None:
    """weir.toml names them; the flag stands instead of it; what does not compile is named and left out."""
    (tmp_path / "rules.yml").write_text(RULE + BROKEN)
    (tmp_path / "weir.toml").write_text('detections = ["rules.yml"]\n')
    code, units, said = replay(trail, "--no-models")
    assert (code, len(units)) == (0, 1)
    assert "rule not used: rules.yml:11: document 2: detection.call.a|backwards" in said
    code, _, said = replay(trail, "--no-models", "--detections", "pack")
    assert code == 0
    assert "rule not used" not in said


def test_a_log_has_its_detections_in_it(tmp_path: Path) -> None:
    """Rules are evaluated at ingest, so they cannot be tried on a recorded log."""
    code, _, said = replay("--log", tmp_path / "log", "--detections", "pack")
    assert code == 2
    assert "leave out --detections" in said
