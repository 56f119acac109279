"""The import contracts of pyproject.toml hold, and an import against an arrow breaks the one that forbids it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.repository import ROOT

ONE_WAY = "inside streams, imports point one way"
PURE = "nothing below the edge reads a clock, chance, the environment or a socket, or writes a log"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages and their contracts, to be spoilt."""
    root = tmp_path_factory.mktemp("arrows")
    shutil.copy(ROOT / "pyproject.toml", root)
    for package in ("schemas", "models", "streams"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def lint(root: Path) -> tuple[int, str]:
    tool = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run([tool, "--no-logo", "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    return ran.returncode, " ".join((ran.stdout + ran.stderr).split())


def test_contracts_hold(tree: Path) -> None:
    """The packages as they are keep every contract."""
    code, said = lint(tree)
    assert code == 0, said


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("streams/correlation/table.py", "import streams.edge.pump", ONE_WAY),
        ("streams/sources/base.py", "import streams.correlation.table", ONE_WAY),
        ("streams/unplaced.py", "", ONE_WAY),
        ("models/__init__.py", "import streams.sources.base", "schemas <- models <- streams"),
        ("streams/correlation/table.py", "import orjson", "the core is the standard library and schemas"),
        ("streams/sources/base.py", "import models", "correlation, sources and sinks know no models"),
        ("streams/sources/base.py", "import confluent_kafka.admin", "only edge talks to Kafka"),
        ("streams/settings.py", "import faust", "only edge talks to Kafka"),
        ("streams/edge/pump.py", "import river.anomaly", "only models knows river"),
        ("models/__init__.py", "import random", PURE),
        ("schemas/base.py", "from time import time", PURE),
        ("streams/sinks/__init__.py", "import os.path", PURE),
    ],
)
def test_import_against_an_arrow(tree: Path, module: str, line: str, contract: str) -> None:
    """One import the wrong way, or a module without a place, breaks exactly the contract that is about it."""
    file = tree / module
    before = file.read_text() if file.exists() else None
    file.write_text(f"{before or ''}\n{line}\n")
    try:
        code, said = lint(tree)
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
    assert code == 1
    assert f"{contract} BROKEN" in said
    assert said.count(" BROKEN") == 1, said
