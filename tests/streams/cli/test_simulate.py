"""The command that writes a scenario."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from streams.cli import app


def invoke(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["simulate", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_files_are_written_and_named(tmp_path: Path) -> None:
    """Exit code 0, nothing on stdout, and one line that says where everything is and what was left out."""
    out = tmp_path / "scenario"
    code, stdout, stderr = invoke("--seed", 3, "--services", 6, "--hours", 1, "--events", 800, "--out", out)
    assert (code, stdout) == (0, "")
    assert f"messages in {out}/input" in stderr.replace("\n", " ")
    assert "the scenario begins 2026-01-05T00:00:00+00:00" in stderr
    assert sorted(path.name for path in out.iterdir()) == ["input", "truth.ndjson"]


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    """Files of another scenario would be replayed too, so a folder that is not empty needs --force."""
    (tmp_path / "mine.txt").write_text("mine")
    arguments = ("--services", 2, "--hours", 0.2, "--events", 500, "--out", tmp_path)
    code, _, stderr = invoke(*arguments)
    assert code == 2
    assert "--force" in stderr
    assert invoke(*arguments, "--force")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say where to"),
        (("--out", "x", "--topics"), "say where to"),
        (("--out", "x", "--rate", "5"), "go with --topics"),
        (("--out", "x", "--start", "yesterday"), "--start yesterday: not an RFC 3339 instant"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the flag, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    code, stdout, stderr = invoke(*arguments)
    assert (code, stdout) == (2, "")
    assert said in stderr
    assert list(tmp_path.iterdir()) == []


def test_topics_without_a_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an address the command says which variable to set."""
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    code, _, stderr = invoke("--topics", "--events", 500, "--hours", 0.2)
    assert code == 2
    assert "set KAFKA_BOOTSTRAP_SERVERS" in stderr
