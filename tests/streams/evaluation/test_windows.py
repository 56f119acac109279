from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from streams.evaluation.windows import CASES, run

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def case(expected: bool, *, absent: bool = False) -> dict[str, Any]:
    """Two detections of one user, 31 hours apart and within a look-back of 30: no match, unless one may be absent."""
    group = [{"ID": "the login", "RuleID": "Login"}, {"ID": "the change", "RuleID": "Change", "Absence": absent}]
    fields = [{"GroupID": "the login", "Match": "user.name"}, {"GroupID": "the change", "Match": "actor"}]
    outputs = [
        {"ID": "the login", "Matches": {"user.name": {"eve": ["2025-01-01T00:00:00Z"]}}},
        {"ID": "the change", "Matches": {"actor": {"eve": ["2025-01-02T07:00:00Z"]}}},
    ]
    return {
        "RuleID": "Case",
        "DisplayName": "A case",
        "Severity": "High",
        "Detection": [{"Group": group, "MatchCriteria": {"field_name": fields}, "LookbackWindowMinutes": 1800}],
        "Tests": [{"Name": "apart", "ExpectedResult": expected, "RuleOutputs": outputs}],
    }


def written(folder: Path, *cases: dict[str, Any]) -> Path:
    (folder / CASES).parent.mkdir()
    (folder / CASES).write_text(json.dumps(cases))
    return folder


def test_a_case_is_right_only_if_it_gives_what_is_expected(tmp_path: Path) -> None:
    """The same case is right with one expectation and wrong with the other."""
    result = run(written(tmp_path, case(False), case(True), case(True, absent=True)), lambda _: None)
    assert [each["right"] for each in result["results"]] == [True, False, True]
    assert (result["passed"], result["cases_right"], result["tests"]) == (False, 2, 3)
    assert "without the-change before or after for subject eve" in result["results"][2]["tests"][0]["why"][0]


@pytest.mark.skipif(not (DATA / CASES).is_file(), reason="no shared data beside the repository")
def test_the_published_cases_are_exact() -> None:
    """All 14 correlation cases give what they expect, in every order tried."""
    result = run(DATA, lambda _: None)
    assert (result["cases"], result["cases_right"]) == (14, 14)
    assert result["tests"] == result["tests_right"] == 39
    assert result["orders"] > 200
