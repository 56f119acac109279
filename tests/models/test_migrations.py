"""State that older code wrote, read by this one. ``golden/golden.py`` tells how the files are made."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.base import Row
from models.burst import Burst
from models.calibration import Calibration
from models.keys import row_key
from models.migrations import MIGRATIONS, burst_1_to_2, calibration_1_to_2, calibration_2_to_3, path
from models.suite import DETECTORS

HERE = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]
PRESENT = {kind.name: kind.version for kind in DETECTORS}


def _loaded(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


golden, burst_1 = _loaded("golden"), _loaded("burst_1")
MINUTE = golden.MINUTE


def cases() -> list[tuple[str, int]]:
    """Detector and version of the states of which the scores in the present version are kept."""
    found = []
    for expected in sorted(HERE.glob("*-as-*.json")):
        name, before, _, after = expected.stem.split("-")
        if PRESENT.get(name) == int(after):
            found.append((name, int(before)))
    return found


@pytest.mark.parametrize(("name", "version"), cases())
def test_a_state_of_that_version_gives_the_same_scores_in_any_process(name: str, version: int) -> None:
    """Read, migrated and continued, it scores to the byte as it did when the file was kept, under two hash seeds."""
    expected = (HERE / f"{name}-{version}-as-{PRESENT[name]}.json").read_bytes()
    for seed in ("0", "4242"):
        said = subprocess.run(
            [sys.executable, HERE / "golden.py", "scores", name, str(version)],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        )
        assert said.stdout == expected
    assert expected.count(b'"0.0"') < expected.count(b'"') // 2


@pytest.mark.parametrize("name", sorted({name for name, _ in MIGRATIONS if name in PRESENT}))
def test_every_version_that_a_migration_starts_from_is_tried(name: str) -> None:
    """Of each earlier version there is a way to the present one, a state of the old code, and what it scores now."""
    for version in range(1, PRESENT[name]):
        assert path(name, version, PRESENT[name])
        assert (name, version) in cases()


def test_rarity_of_version_one_goes_on_as_if_it_had_been_two_all_along() -> None:
    """Its rows are those that the present code learns of the same events, so the scores after are the same, too."""
    learnt = golden.detector("rarity", {})
    for x in golden.learnt():
        learnt.learn_one(x)
    assert golden.told(learnt) == golden.scores("rarity", 1)


def before(seed: int, cap: int, steps: list[int]) -> Iterator[tuple[dict[str, Any], Any, dict[str, Row]]]:
    """Events of names of all kinds of pace, what version 1 of the burst detector says of each, and its rows then."""
    chance = random.Random(seed)
    rows: dict[str, Row] = {}
    now = 1_735_689_600_000
    for _ in range(600):
        now += chance.choice(steps)
        x = {"time": now, "principal": f"role/{int(chance.expovariate(0.3))}", "action": f"svc:Op{chance.randrange(3)}"}
        x["outcome"] = chance.choice(["success", "success", "failure"])
        for _ in range(chance.choice([1, 1, 2, 40])):
            yield x, burst_1.observe(rows, x, 1e-3, cap), rows


PACES = {
    "a minute": [0, 0, 0, 0, 1_000, 30_000, MINUTE],
    "months": [0, 0, 0, 0, 0, MINUTE, 400 * MINUTE, 30 * 1440 * MINUTE],
    "out of order": [0, 0, -MINUTE, MINUTE, MINUTE, 2 * MINUTE],
}


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("cap", [40, 50_000])
def test_burst_of_version_two_says_what_one_said(pace: str, cap: int) -> None:
    """To the bit, event by event, through evictions, restarts from JSON and late events; and its rows are those that
    the migration makes of the rows of version 1."""
    burst = Burst(keys=cap)
    told = 0
    for n, (x, said, rows) in enumerate(before(len(pace), cap, PACES[pace])):
        assert repr(burst.observe(x)) == repr(said)
        told += bool(said[1])
        if n % 500 == 0:
            assert burst_1_to_2(rows) == burst._rows
            kept = json.loads(json.dumps(burst._rows))
            burst = Burst({key: tuple(row) for key, row in kept.items()}, keys=cap)
    assert told > 200


def test_calibration_of_version_three_has_the_units_of_two() -> None:
    """Units that wait are as the present code keeps them, whatever the key says of the kind; the digest is the same."""
    long = "arn:aws:iam::111122223333:" + "x" * 200 + ":role/web"
    whole = {
        "u|ann|0": ("", 0, 0, 0.5, 4),
        "u|role/a%7Cb|0": ("role", 1.5, 0, 0, 0),
        "u|role/a|2": ("role", 0, 0, 0, 4),
    }
    cut = row_key("u", long)
    whole[f"{cut}|2"] = ("role", 0, 0, 0, 4)
    whole[f"{cut}|3"] = ("role", 0, 1.0, 0, 4)
    kept = {
        "u|ann|0": (0, 0, 0.5, 4),
        "u|role/a%7Cb|0": (1.5, 0, 0, 0),
        "u|role/a|2": (4,),
        f"{cut}|2": (4, "role"),
        f"{cut}|3": (0, 1.0, 0, 4, "role"),
    }
    head: dict[str, Row] = {"*": (5_003, 5, 10, 5_000)}
    assert calibration_2_to_3(head | whole) == head | kept
    laws = Calibration(dict(head), ("one", "two", "all"), lambda ps, beside: 1.0)
    for who, minute, scores, beside, young in (
        ("ann", 5_000, (0.0, 0.5), 0.0, 4),
        ("role/a|b", 5_000, (0.0, 0.0), 1.5, 0),
        ("role/a", 5_002, (0.0, 0.0), 0.0, 4),
        (long, 5_002, (0.0, 0.0), 0.0, 4),
        (long, 5_003, (0.0, 0.0), 0.0, 4),
        (long, 5_003, (1.0, 0.0), 0.0, 4),
    ):
        laws._rows["*"] = (minute, 5, 10, 5_000)
        laws.note(who, minute, scores, beside, young)
    assert {key: row for key, row in laws._rows.items() if key[:2] == "u|"} == kept
    assert {key: laws._whole(key.rpartition("|")[0], row) for key, row in kept.items()} == whole


def test_calibration_of_version_two_keeps_the_laws() -> None:
    """Laws, what is to become one, counts and first minute are as they were; the minute that goes on is left out."""
    kept = {"t": (9, "00ff"), "k": ("role",), "p|one": (1, 0, 0.0, 3, 1, 0), "b|all|role": (70, 0, 250.0, 9, 6.0)}
    old: dict[str, tuple[Any, ...]] = {
        **kept,
        "*": (2000, "role/a", 2, 10),
        "u|role/a": ("w", 0.0, 1.0, 0),
        "u|w": (None, 0.0, 1.0),
        "m|one": (500.0, 50.0, 5.0, 0.5),
        "m|all": (500.0, 40.0, 4.0, 0.4),
    }
    rows = calibration_1_to_2(old)
    assert rows == {**kept, "*": (2000, 0, 10, 2000), "m": (500.0, 40.0, 4.0, 0.4, 50.0, 5.0, 0.5)}
    laws = Calibration(rows, ("one", "all"), lambda ps, beside: 1.0, wait=1)
    assert laws.monitored("one") == old["m|one"]
    assert laws.monitored("all") == old["m|all"]
    laws.note("w", 2001, (1.0,))
    laws.note("w", 2002, (1.0,))
    assert laws.tests == 10
    assert calibration_1_to_2({}) == {}


@pytest.mark.parametrize("file", sorted(HERE.glob("*.state")), ids=lambda file: file.stem)
def test_the_golden_files_are_small(file: Path) -> None:
    """Less than 60 kB each, and people can read them."""
    assert len(file.read_text(encoding="ascii")) < 60_000


def test_a_path_is_all_steps_or_none() -> None:
    """There is no way back, nor over a version that nothing leads on from, nor for what is not registered."""
    assert path("rarity", 1, 1) == ()
    assert path("rarity", 2, 1) is None
    assert path("rarity", 1, 99) is None
    assert path("unheard-of", 1, 2) is None
