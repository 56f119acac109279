"""Sigma rules from files (``*.yml``, ``*.yaml``, ``*.json``; of folders all below them), and those that Weir brings."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from streams.sigma.rule import Fault

SUFFIXES = (".yml", ".yaml", ".json")


def read_texts(paths: Iterable[Path]) -> tuple[list[tuple[str, str]], list[Fault]]:
    """Name and text of every file, those of a folder in the order of their names; and what could not be read."""
    texts: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for path in paths:
        if path.is_dir():
            found = sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES and each.is_file())
            if not found:
                faults.append(Fault(str(path), 1, 0, "", "no *.yml, *.yaml or *.json file in this folder"))
        else:
            found = [path]
        for file in found:
            try:
                texts.append((str(file), file.read_text(encoding="utf-8-sig")))
            except OSError as error:
                faults.append(Fault(str(file), 1, 0, "", error.strerror or str(error)))
            except UnicodeDecodeError as error:
                faults.append(Fault(str(file), 1, 0, "", f"is no UTF-8 at byte {error.start}"))
    return texts, faults


def pack() -> list[tuple[str, str]]:
    """Name and text of every file of the built-in pack."""
    found = sorted(files("streams.sigma").joinpath("pack").iterdir(), key=lambda each: each.name)
    return [(f"pack/{each.name}", each.read_text(encoding="utf-8")) for each in found if each.name.endswith(".yml")]
