"""State that older code wrote, read by this one. ``golden/golden.py`` tells how the files are made."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models.calibration import Calibration
from models.migrations import MIGRATIONS, calibration_1_to_2, path
from models.suite import DETECTORS

HERE = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]
PRESENT = {kind.name: kind.version for kind in DETECTORS}

_spec = importlib.util.spec_from_file_location("golden", HERE / "golden.py")
assert _spec is not None
assert _spec.loader is not None
golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden)


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
