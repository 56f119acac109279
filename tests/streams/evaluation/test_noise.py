"""The noise evaluation: what the engine is shown, what the analysts do, and what is scored."""

from __future__ import annotations

import time

import pytest

from schemas.parameters import Parameters
from streams.evaluation.ait_ads import Row
from streams.evaluation.noise import Result, Step, evaluate, findings
from streams.evaluation.noise_report import judged, plain, table

DAY = 86_400
BEGIN = 1_772_409_600  # 2026-03-02T00:00:00Z


def scenario(days: int = 6, attack: str = "W-1") -> list[Row]:
    """A noisy rule on each of six hosts for an hour, four times a day; on the fifth day an attack on one of them."""
    odd = ("S-1", "false_positive", "-")
    rows = [
        Row(BEGIN + day * DAY + hour * 3600 + host * 300 + minute * 60, "IDS: odd", f"10.0.0.{host}", f"h{host}", *odd)
        for day in range(days) for hour in (1, 7, 13, 19) for host in range(6) for minute in range(0, 60, 12)
    ]  # fmt: skip
    rows += [
        Row(BEGIN + 4 * DAY + 15 * 3600 + second, "IDS: shell", "10.0.0.3", "h3", attack, "webshell", "webshell_cmd")
        for second in (0, 20, 40)
    ]
    return sorted(rows)


@pytest.fixture(scope="module")
def result() -> Result:
    return evaluate(
        "made-up", scenario(), parameters=Parameters(suppress_sample=0), mistaken=0, clock=time.process_time
    )


def test_labels_are_not_shown() -> None:
    """The same alerts with other labels are the same findings."""
    rows = scenario()
    other = [row._replace(time_label="x", event_label="y") for row in rows]
    assert list(findings(rows, "d")) == list(findings(other, "d"))
    assert "webshell" not in str(list(findings(rows, "d")))


def test_noise_leaves_and_the_attack_stays(result: Result) -> None:
    """What came every day and was judged is out, and spared later on; the step is in the queue."""
    assert result.alerts == len(scenario())
    assert result.benign == result.alerts - 3
    assert result.out > 0.75
    assert result.spared_later > result.spared > 0.2
    assert result.steps == {"webshell_cmd": Step(3, 0)}
    assert result.lost == ()
    assert result.verdicts["true_positive"] >= 1


def test_nothing_leaves_without_reviews() -> None:
    """Evidence is what people say: with nobody reviewing, the queue stays as it is."""
    rows = scenario(days=4)
    quiet = evaluate("made-up", rows, parameters=Parameters(suppress_sample=0), reviewed=0, clock=time.process_time)
    assert (quiet.out, quiet.hidden, quiet.suppressed, quiet.verdicts) == (0.0, 0, 0, {})


def test_it_is_the_same_again(result: Result) -> None:
    """Reviews are chosen by hash, so two runs agree in everything but the time they take."""
    again = evaluate(
        "made-up", scenario(), parameters=Parameters(suppress_sample=0), mistaken=0, clock=time.process_time
    )
    assert again._replace(seconds=0) == result._replace(seconds=0)


def test_a_step_that_looks_like_the_noise_is_scored_as_lost(result: Result) -> None:
    """The score can fail: a step whose every alert is in suppressed units is named, and the promise is not kept."""
    lost = result._replace(scenario="fox", steps={"webshell_cmd": Step(3, 3), "dirb": Step(3, 2)})
    assert lost.lost == ("webshell_cmd",)
    assert [met for *_, met in judged([lost])] == [False, True]
    assert not plain([lost])["met"]
    assert [met for *_, met in judged([result._replace(scenario="fox", out=0.7)])] == [True, False]
    shown = table([result, lost])
    assert shown.row_count == 2
    assert "3 analysts in turn judge 50% of the units" in str(shown.caption)
    assert plain([result])["reviews"]["text"] == shown.caption
