"""The replay check counts what a replay printed, and says so when there is nothing to replay."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import eval_replay


def test_summary() -> None:
    """Units, their signals and their changes are counted from the printed lines."""
    lines = b'{"signals":[{},{}],"changes":[]}\n{"signals":[{}],"changes":[{},{},{}]}\n'
    assert eval_replay.summary(lines) == {"units": 2, "signals": 3, "changes": 3, "units_with_changes": 1}


def test_absent_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without data it ends with code 2, as bad input does, and names the way to give some."""
    assert eval_replay.main([str(tmp_path / "none")]) == 2
    assert "make eval DATA=PATH" in capsys.readouterr().err
