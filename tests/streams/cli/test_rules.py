"""``weir rules``: what is printed, and the exit codes."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import typer
from typer.testing import CliRunner

from streams.cli import rules

GOOD = """
title: A user was made
name: user_made
logsource: {product: aws, service: cloudtrail}
detection: {call: {eventName: CreateUser}, condition: call}
tests:
  - {name: made, match: true, event: {eventName: CreateUser}}
  - {name: listed, match: false, event: {eventName: ListUsers}}
"""


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    rules.register(made)
    made.command("other")(lambda: None)
    return made


def run(app: typer.Typer, *arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["rules", *map(str, arguments)])
    return done.exit_code, done.stdout


def test_lint_of_good_rules(app: typer.Typer, tmp_path: Path) -> None:
    """All compile: the share, and exit code 0."""
    (tmp_path / "good.yml").write_text(GOOD)
    assert run(app, "lint", tmp_path) == (
        0,
        "1 of 1 compiled (100.0%): 1 detections, 0 correlations, 0 filters\n",
    )


def test_lint_says_each_failure_and_ends_with_1(app: typer.Typer, tmp_path: Path) -> None:
    """File, line, document, place and reason, in text and as JSON; what cannot be read counts as failed."""
    (tmp_path / "a.yml").write_text(GOOD)
    (tmp_path / "b.yml").write_text(GOOD.replace("user_made", "b").replace("eventName: CreateUser}, c", "x|y: 1}, c"))
    (tmp_path / "c.yaml").write_bytes(b"title: \xff")
    code, printed = run(app, "lint", tmp_path)
    assert code == 1
    assert f"{tmp_path / 'b.yml'}:5: document 1: detection.call.x|y: Unknown modifier 'y'" in printed
    assert f"{tmp_path / 'c.yaml'}: document 1: is no UTF-8 at byte 7" in printed
    assert printed.splitlines()[-1].startswith("1 of 3 compiled (33.3%)")
    code, printed = run(app, "lint", "--json", tmp_path)
    result = orjson.loads(printed)
    assert (code, result["compiled"], result["failed"], result["share"]) == (1, 1, 2, 0.3333)
    assert {each["place"] for each in result["faults"]} == {"", "detection.call.x|y"}


def test_lint_checks_correlation_rules_as_the_engine_does(app: typer.Typer, tmp_path: Path) -> None:
    """A rule that the engine would refuse is a failure here, with the engine's words."""
    bad = "---\ntitle: c\ncorrelation: {type: temporal, rules: [user_made], timespan: 5m}\n"
    (tmp_path / "a.yml").write_text(GOOD + bad)
    code, printed = run(app, "lint", tmp_path)
    assert code == 1
    assert "needs two events at least" in printed
    assert "1 of 2 compiled" in printed


def test_rules_are_tested_on_their_own_events(app: typer.Typer, tmp_path: Path) -> None:
    """A case that is decided otherwise is named and ends with 1; so does a file without any test."""
    good, bad, none = (tmp_path / name for name in ("good.yml", "bad.yml", "none.yml"))
    good.write_text(GOOD)
    bad.write_text(GOOD.replace("eventName: ListUsers", "eventName: CREATEUSER"))
    none.write_text(GOOD.partition("tests:")[0])
    assert run(app, "test", good) == (0, "2 of 2 right, 0 rules without tests\n")
    code, printed = run(app, "test", bad)
    assert code == 1
    assert printed.splitlines() == [
        f"{bad}: A user was made: listed: matched and must not", "1 of 2 right, 0 rules without tests"
    ]  # fmt: skip
    assert run(app, "test", none)[0] == 1
    assert orjson.loads(run(app, "test", "--json", bad)[1])["wrong"][0]["test"] == "listed"


def test_wrong_tests_are_faults(app: typer.Typer, tmp_path: Path) -> None:
    """A test without event or match, or with anything else, has its place."""
    for change, place in (
        (("match: true, ", ""), "tests.0.match"),
        (("event: {eventName: ListUsers}", "event: 5"), "tests.1.event"),
        (("name: made", "nam: made"), "tests.0.nam"),
    ):
        (tmp_path / "r.yml").write_text(GOOD.replace(*change))
        code, printed = run(app, "test", tmp_path)
        assert code == 1
        assert f"document 1: {place}: " in printed


def test_explain_shows_the_parts(app: typer.Typer, tmp_path: Path) -> None:
    """Exit code 0 where a rule matches, 1 where none does, 2 where the event is no object."""
    rule, event = tmp_path / "r.yml", tmp_path / "e.json"
    rule.write_text(GOOD)
    event.write_text('{"eventName": "createuser"}')
    code, printed = run(app, "explain", rule, event)
    assert code == 0
    assert printed.splitlines() == [
        "matches: A user was made (no level, aws/cloudtrail/*)",
        "  + condition: call",
        "    + call",
        "      + eventName 'CreateUser': createuser",
    ]
    event.write_text('{"eventName": "Other"}')
    code, printed = run(app, "explain", "--json", rule, event)
    assert code == 1
    assert orjson.loads(printed)[0]["condition"]["parts"][0]["parts"][0]["values"] == ["Other"]
    event.write_text("[]")
    assert run(app, "explain", rule, event)[0] == 2


def test_placeholders_are_given_on_the_command_line(app: typer.Typer, tmp_path: Path) -> None:
    """``-p name=value``, several times for several values."""
    rule = tmp_path / "r.yml"
    rule.write_text(GOOD.replace("eventName: CreateUser}, c", "eventName|expand: '%calls%'}, c"))
    assert run(app, "lint", rule)[0] == 1
    assert run(app, "test", rule, "-p", "calls=CreateUser", "-p", "calls=Other")[0] == 0
    assert run(app, "lint", rule, "-p", "calls")[0] == 2
