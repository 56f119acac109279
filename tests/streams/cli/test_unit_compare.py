"""Two units' risk side by side."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from schemas.unit import Factor, Risk, Unit
from streams.cli import unit_compare
from streams.cli.unit_compare import as_line, as_table, differences
from streams.cli.units import group
from streams.edge import units as module
from streams.edge.units import Latest, NoUnits, Revision
from tests.streams.cli.test_units import HOSTILE, unit


def with_risk(unit_id: str, score: float, /, **factors: float) -> Unit:
    return unit(
        unit_id,
        risk=Risk(
            score=score,
            factors=tuple(
                Factor(name=name, value=value, text=f"{name} of {unit_id}") for name, value in factors.items()
            ),
        ),
    )


PAY = with_risk("wu-pay", 62, severity=48, kev=24, age=-10)
WEB = with_risk("wu-web", 36.5, severity=32, cvss=4.5)


def test_the_largest_difference_is_first_and_they_add_up() -> None:
    """Every factor of either unit is there once, 0 where a unit lacks it; the sum is the difference of the scores."""
    found = differences(PAY, WEB)
    assert [(each.name, each.first, each.second, each.by) for each in found] == [
        ("kev", 24, 0, 24),
        ("severity", 48, 32, 16),
        ("age", -10, 0, -10),
        ("cvss", 0, 4.5, -4.5),
    ]
    assert sum(each.by for each in found) == PAY.risk.score - WEB.risk.score
    assert [each.by for each in differences(WEB, PAY)] == [-each.by for each in found]


def test_what_does_not_add_up_is_shown() -> None:
    """A unit of an older engine, cut at 100, has the rest under a name of its own."""
    [_, rest] = differences(with_risk("wu-old", 100, severity=130), with_risk("wu-0", 0))
    assert (rest.name, rest.by) == ("other", -30)


def test_json_has_both_sides() -> None:
    """One object with the scores, their difference, and the factors in the same order."""
    given = json.loads(as_line(PAY, WEB))
    assert (given["a"]["unit_id"], given["b"]["score"], given["difference"]) == ("wu-pay", 36.5, 25.5)
    assert given["factors"][0] == {
        "name": "kev", "a": 24.0, "b": 0.0, "difference": 24.0, "text_a": "kev of wu-pay", "text_b": "",
    }  # fmt: skip


def shown(first: Unit, second: Unit) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(as_table(first, second))
    return out.getvalue()


def test_the_table_ends_with_the_scores() -> None:
    """Factors as rows with the words of each side, then the scores and which unit is which."""
    text = shown(PAY, WEB)
    assert "A: kev of wu-pay" in text
    assert next(line for line in text.splitlines() if "score" in line).split()[:4] == ["score", "62", "36.5", "+25.5"]
    assert "B: wu-web" in text


def test_no_terminal_obeys_a_factor() -> None:
    """Words of a factor may hold a title from outside: escapes and markup are shown, not obeyed."""
    hostile = unit("wu-x", risk=Risk(score=1, factors=(Factor(name="severity", value=1, text=HOSTILE),)))
    text = shown(hostile, WEB)
    assert "\x1b" not in text
    assert "[bold red]" in text


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Latest:
    """A units topic: two units, and one that was merged into the first."""
    known = Latest()
    for each in (PAY, WEB, unit("wu-gone", status="merged", merged_into="wu-pay")):
        known.take(Revision(each, each.model_dump_json().encode()))
    monkeypatch.setattr(unit_compare, "connected", lambda: SimpleNamespace(topic=lambda name: f"weir.{name}"))
    monkeypatch.setattr(module, "latest", lambda _: known)
    return known


def run(*arguments: str) -> Any:
    return CliRunner().invoke(group, ["compare", *arguments])


def test_a_merged_id_leads_to_the_unit_that_survives(topic: Latest) -> None:
    """The command takes ids, their beginnings, and ids that were merged away, and says so."""
    result = run("wu-gone", "wu-w", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["a"]["unit_id"] == "wu-pay"
    assert "wu-gone was merged into wu-pay" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("wu-none", "wu-web"), 1, "there is no unit wu-none in weir.units"),
        (("wu-", "wu-web"), 2, "units begin with wu-"),
        (("wu-gone", "wu-pay"), 2, "are the same unit, wu-pay"),
    ],
)
def test_ids_that_name_no_two_units(topic: Latest, arguments: tuple[str, str], code: int, said: str) -> None:
    """Unknown, unclear or equal ids are one line of what is wrong."""
    result = run(*arguments)
    assert (result.exit_code, said in result.stderr) == (code, True)


def test_no_topic_is_said(topic: Latest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without units to read the command fails with the reason."""

    def absent(_: object) -> Latest:
        raise NoUnits("there is no topic weir.units")

    monkeypatch.setattr(module, "latest", absent)
    result = run("a", "b")
    assert (result.exit_code, "no topic" in result.stderr) == (1, True)
