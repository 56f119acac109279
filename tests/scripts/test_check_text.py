"""The text check finds what must not be in the repository, and nothing in plain prose."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import check_text


@pytest.mark.parametrize(
    ("path", "line", "rule"),
    [
        ("README.md", "see /wor" + "k/main", "machine path"),
        ("a.py", 'P = "/roo' + 't/x"', "machine path"),
        ("a.toml", "x = '/tmp/la" + "b/venv'", "machine path"),
        ("Makefile", "X=/home/" + "someone/venv", "machine path"),
        ("lock", "--index-url https://pyp" + "i.org/simple", "registry host"),
        ("package-lock.json", '"resolved": "https://registry.npm' + 'js.org/x"', "registry host"),
        ("a.py", "x = 1  # TO" + "DO later", "unfinished"),
        ("a.py", "raise NotImplemented" + "Error", "unfinished"),
        ("streams/correlation/group.py", "now = datetime.now(UTC)", "clock in a pure package"),
        ("streams/pipeline.py", "t = time.time()", "clock in a pure package"),
        ("models/rarity.py", "day = date.today()", "clock in a pure package"),
        ("schemas/base.py", "at = datetime.utcnow()", "clock in a pure package"),
    ],
)
def test_finds(path: str, line: str, rule: str) -> None:
    """Each kind of text is found, with its file, line and rule."""
    (found,) = check_text.findings(path, f"first\n{line}\n")
    assert found.startswith(f"{path}:2: {rule}: ")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("README.md", "the work/root split of ../shared/work and of mysite.org/root-cause"),
        ("README.md", "paths such as /var/lib, /tmp and /opt/weir/workers"),
        ("streams/edge/worker.py", "now = datetime.now(UTC)"),
        ("schemas/export.py", "now = datetime.now(UTC)"),
        ("a.py", "registry.get(name)  # a mastodon"),
    ],
)
def test_lets_pass(path: str, line: str) -> None:
    """Ordinary text passes, and so does the clock at the edge."""
    assert list(check_text.findings(path, line)) == []


def test_whole_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without git is read too; a long module is a warning, not an error, and binary files are passed over."""
    (tmp_path / "long.py").write_text("x = 1\n" * (check_text.LONG + 1))
    (tmp_path / "image.png").write_bytes(b"\x89PNG\xff\xfe")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "other.py").write_text("# TO" + "DO\n")
    assert check_text.main(tmp_path) == 0
    assert "long.py: warning: 401 lines" in capsys.readouterr().err
    (tmp_path / "a.md").write_text("FIX" + "ME\n")
    assert check_text.main(tmp_path) == 1
