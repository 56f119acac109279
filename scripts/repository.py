"""What the checks know of the repository: where it is and which files belong to it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_MADE = {".git", ".venv", "build", "dist", "var", "__pycache__"}


def tracked(root: Path = ROOT) -> list[Path]:
    """Files that are or would be committed, sorted; in an unpacked archive, all but what tools make."""
    git = shutil.which("git")
    if git and (root / ".git").exists():
        command = [git, "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - fixed words
        paths = [root / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [
            path
            for path in root.rglob("*")
            if not any(part in _MADE or part.endswith((".egg-info", "_cache")) for part in path.relative_to(root).parts)
        ]
    return sorted(path for path in paths if path.is_file())
