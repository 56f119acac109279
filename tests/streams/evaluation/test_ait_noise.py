"""The models on AIT-ADS: what they are shown, what counts as a step, and what is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from streams.cli.evaluate import evaluate
from streams.evaluation import ait_noise
from streams.evaluation.ait_ads import Row
from streams.evaluation.ait_noise import Calibrated, Result, alerts, features, judge, judged, plain

DAY = 86_400
BEGIN = 1_772_409_600  # 2026-03-02T00:00:00Z


def row(at: int, short: str = "W-1", label: str = "-", time_label: str = "false_positive") -> Row:
    return Row(BEGIN + at, "name", "192.0.2.1", "web", short, time_label, label)


def test_labels_are_not_shown() -> None:
    """Time, host and signature only."""
    assert features(alerts([row(7, "W-2", "dirb")])[0]) == {
        "time": (BEGIN + 7) * 1000,
        "principal": "web",
        "action": "W-2",
    }


def test_dnsteal_is_its_stages() -> None:
    """Of the label that covers days, the first alerts of its stages are the step, more of these neither; else noise."""
    given = [row(n, short, "dnsteal") for n, short in enumerate(("A-Dns-Frq", "A-Dns-Frq", "W-9"))]
    assert [alert.step for alert in alerts(given)] == ["dnsteal", None, "-"]


def test_the_first_day_is_not_scored() -> None:
    """A step of the first day has no area; one of the second is held against the second day's noise alone."""
    given = alerts(
        [row(5, label="early"), row(9), row(DAY + 1, "S-1", "scan"), row(DAY + 2), row(DAY + 3, time_label="scan")]
    )
    (step,) = judge("made-up", given, [9.0, 9.0, 2.0, 1.0, 3.0])
    assert step.step == "scan"
    assert (step.clear.roc, step.clear.ordinary) == (1.0, 1)
    assert (step.with_unclear.roc, step.with_unclear.ordinary) == (0.5, 2)


def test_an_odd_signature_ranks_above_the_noise() -> None:
    """Three days of the same alerts, then one that no host ever had: it is the oddest of all."""
    noise = [row(at, f"W-{at // 60 % 3}") for at in range(0, 3 * DAY, 120)]
    given = alerts([*noise, row(3 * DAY, "S-1", "shell")])
    scores = ait_noise.scored(given)
    assert judge("made-up", given, scores)[0].clear.roc == 1.0
    assert scores[-1] > 2


def test_what_is_promised_is_judged_on_the_reported_scenarios() -> None:
    """ROC on both sets; calibration on the reported ones, where ten units are to be expected at the level."""
    given = alerts([row(0), row(DAY, "S-1", "scan"), row(DAY + 1)])
    results = [Result("weir", name, judge(name, given, [0.0, 2.0, 1.0]), 9.0) for name in ("fox", "santos")]
    calibrated = [Calibrated("fox", 2_000, (20, 1)), Calibrated("santos", 20_000, (900, 90))]
    targets = judged(results, calibrated)
    assert [(target["measured"], target["met"]) for target in targets] == [(1.0, True), (1.0, True), (1.0, True)]
    assert not judged(results, [Calibrated("fox", 2_000, (30, 1))])[-1]["met"]
    assert plain(results, calibrated)["passed"]
    assert orjson.dumps(plain(results, calibrated))


@pytest.mark.parametrize("command", ["ait-noise", "nab"])
def test_the_commands_say_what_is_missing(command: str, tmp_path: Path) -> None:
    """Another folder, and a baseline that is none, end with exit code 2 and one line."""
    done: Any = CliRunner().invoke(evaluate, [command, "--data", str(tmp_path)])
    assert done.exit_code == 2
    done = CliRunner().invoke(evaluate, [command, "--data", str(tmp_path), "--baseline", "guess"])
    assert done.exit_code == 2
    assert "no baseline guess; there are HalfSpaceTrees, OneClassSVM, LODA" in done.output
