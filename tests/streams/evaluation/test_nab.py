"""NAB's score, and the detector of rates that is measured with it."""

from __future__ import annotations

import doctest
import gzip
import json
import random
import time
from math import exp, sin
from pathlib import Path

import pytest

from streams.evaluation import level, nab, nab_score
from streams.evaluation.nab_score import PROFILES, probation, score

STANDARD = PROFILES["standard"]
NAB = Path(__file__).resolve().parents[3].parent / "shared/data"


def speaks(at: list[int], records: int = 200) -> list[float]:
    return [float(n in at) for n in range(records)]


def test_a_perfect_detector_scores_100_and_a_silent_one_0() -> None:
    """At the first record of each window; and never."""
    windows = [(60, 69), (120, 139)]
    for profile in PROFILES.values():
        assert score([(speaks([60, 120]), windows)], profile).score == pytest.approx(100.0)
        assert score([(speaks([]), windows)], profile).score == 0.0


def test_a_late_detection_is_worth_less() -> None:
    """At the last record of a window of ten: sigma(-0.1) / sigma(-1), after the paper's formula."""
    worth = (2 / (1 + exp(-0.5)) - 1) / (2 / (1 + exp(-5)) - 1)
    found = score([(speaks([69]), [(60, 69)])], STANDARD)
    assert found.score == pytest.approx(50 * (1 + worth))


def test_false_detections_cost_by_their_distance() -> None:
    """Before any window all of it, just behind a window a little, far behind it all; twice as much under low FP."""
    windows = [(60, 69)]

    def lost(at: int, profile: nab_score.Profile) -> float:
        return 100 - score([(speaks([60, at]), windows)], profile, threshold=1.0).score

    assert lost(40, STANDARD) == pytest.approx(5.5)
    assert lost(150, STANDARD) == pytest.approx(5.5)
    assert lost(70, STANDARD) == pytest.approx(5.5 * (1 - 2 / (1 + exp(5 / 9))))
    assert lost(40, PROFILES["reward_low_FP_rate"]) == pytest.approx(11)


def test_the_beginning_does_not_count() -> None:
    """Detections in the first 15 %, at most 750 records, cost nothing, and a window there is none."""
    assert probation(200) == 30
    assert probation(100_000) == 750
    assert score([(speaks([5, 60]), [(10, 12), (60, 69)])], STANDARD, threshold=1.0).score == pytest.approx(100.0)


def test_the_example() -> None:
    """Docstring examples are true."""
    assert doctest.testmod(nab_score).failed == 0


def rate(length: int = 3000) -> tuple[list[int], list[float]]:
    chance = random.Random(1)
    times = [n * 300_000 for n in range(length)]
    return times, [50 + 20 * sin(n / 288 * 6.283) + chance.gauss(0, 2) for n in range(length)]


def test_a_shift_is_told_once_and_soon() -> None:
    """A rate with a daily rhythm hardly speaks in its last third; where it leaps by the height of the rhythm, once."""
    times, values = rate()
    calm = [n for n, said in enumerate(level.run(times, values)) if said >= level.ALARM and n > 2000]
    odd = [value + 40 * (n >= 2500) for n, value in enumerate(values)]
    alarms = [n for n, said in enumerate(level.run(times, odd)) if said >= level.ALARM and n > 2000]
    assert len(calm) <= 2
    assert sum(2500 <= n < 2600 for n in alarms) == 1


def test_one_absurd_value_does_not_blind_it() -> None:
    """After 1e9 at a tenth of the series the shift is told as soon."""
    times, values = rate()
    odd = [value + 40 * (n >= 2500) for n, value in enumerate(values)]
    odd[300] = 1e9
    alarms = [n for n, said in enumerate(level.run(times, odd)) if said >= level.ALARM]
    assert any(2500 <= n < 2600 for n in alarms)


def test_it_reads_the_layout_and_refuses_another(tmp_path: Path) -> None:
    """A folder of the same layout is scored; a window whose end is no record of the file is an error."""
    root = tmp_path / "anomaly-nab"
    (root / "labels").mkdir(parents=True)
    (root / "made").mkdir()
    lines = ["timestamp,value", *(f"2026-03-{1 + n // 24:02} {n % 24:02}:00:00,{n % 24}" for n in range(400))]
    with gzip.open(root / "made/up.csv.gz", "wt") as file:
        file.write("\n".join(lines) + "\n")
    labels = root / "labels/combined_windows.json"
    labels.write_text(json.dumps({"made/up.csv": [["2026-03-10 00:00:00.000000", "2026-03-10 05:00:00.000000"]]}))
    result = nab.run(tmp_path, clock=time.process_time, progress=lambda _: None)
    assert result["records"] == 400
    assert result["results"][0]["profiles"]["standard"]["windows"] == 1
    labels.write_text(json.dumps({"made/up.csv": [["2027-03-10 00:00:00", "2027-03-10 05:00:00"]]}))
    with pytest.raises(KeyError):
        nab.read(tmp_path)


@pytest.mark.skipif(not (NAB / "anomaly-nab").exists(), reason="needs the NAB series in ../shared/data")
def test_the_score_of_nab() -> None:
    """On the half at hand the standard profile gives what is promised."""
    result = nab.run(NAB, clock=time.process_time, progress=lambda _: None)
    assert result["targets"][0]["measured"] >= nab.STANDARD
