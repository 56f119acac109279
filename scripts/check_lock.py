"""Compares the lock files with pyproject.toml, without network: ``python -m scripts.check_lock``.

Every requirement, of the project and of what is locked with it, has a pin that it allows; every pin has hashes; and the
two locks agree, since both are installed into one environment. ``make lock`` makes them anew.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.repository import ROOT

Pins = dict[str, set[str]]
"""Versions of each distribution; more than one where a marker chooses."""


def read_pins(text: str) -> tuple[Pins, list[str]]:
    """Pins of a lock file in pip's format, and what is wrong with its lines."""
    pins: Pins = defaultdict(set)
    problems = []
    for entry in re.split(r"(?<!\\)\n", text):
        line = entry.strip()
        if not line or line.startswith("#"):
            continue
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;]+)", line)
        if match is None:
            problems.append(f"not a pin: {line.splitlines()[0]}")
            continue
        pins[canonicalize_name(match[1])].add(match[2])
        if "--hash=sha256:" not in line:
            problems.append(f"no hash: {match[0]}")
    return pins, problems


def missing(requirements: list[str], pins: Pins) -> list[str]:
    """Requirements that no pin, or a pin outside their versions, answers."""
    problems = []
    for text in requirements:
        requirement = Requirement(text)
        versions = pins.get(canonicalize_name(requirement.name), set())
        if not versions or not all(requirement.specifier.contains(version, prereleases=True) for version in versions):
            problems.append(f"{text} is locked as {', '.join(sorted(versions)) or 'nothing'}")
    return problems


def check(project: dict[str, Any], runtime: str, dev: str) -> list[str]:
    """All problems of the two locks' texts, given pyproject.toml as parsed."""
    needed = project["project"]["dependencies"] + project["dependency-groups"]["build"]
    tools = project["project"]["optional-dependencies"]["dev"]
    runtime_pins, problems = read_pins(runtime)
    dev_pins, dev_problems = read_pins(dev)
    found = [f"requirements.lock: {problem}" for problem in problems + missing(needed, runtime_pins)]
    found += [f"requirements-dev.lock: {problem}" for problem in dev_problems + missing(needed + tools, dev_pins)]
    found += [
        f"requirements-dev.lock: {name} is not as in requirements.lock"
        for name, versions in runtime_pins.items()
        if dev_pins.get(name) != versions
    ]
    return found


def main(root: Path = ROOT) -> int:
    """Exit code 1 if a lock is not what pyproject.toml asks for."""
    problems = check(
        tomllib.loads((root / "pyproject.toml").read_text()),
        (root / "requirements.lock").read_text(),
        (root / "requirements-dev.lock").read_text(),
    )
    for problem in problems:
        sys.stderr.write(f"{problem}; run: make lock\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
