"""Rules from files: TOML documents with ``[[rules]]`` tables, as ``schemas.rule`` describes them.

All faults of all files come back at once, each with its file and place, so that one start shows all that is wrong. A
rule with a fault is left out; whoever starts the engine decides that any fault is one too many.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas.rule import Rule
from streams.correlation.rules.check import faults

_HEADER = re.compile(r"^[ \t]*\[\[\s*(?:engine\s*\.\s*)?rules\s*\]\]", re.MULTILINE)


class FileFault(NamedTuple):
    """``line`` is where the rule begins in the file, from 1; 0 if it is not known."""

    file: str
    line: int
    place: str
    message: str

    def __str__(self) -> str:
        at = f"{self.file}:{self.line}" if self.line else self.file
        return f"{at}: {self.place}: {self.message}" if self.place else f"{at}: {self.message}"


class _Read(NamedTuple):
    rule: Rule
    file: str
    line: int


def read_rules(paths: Iterable[Path]) -> tuple[tuple[Rule, ...], list[FileFault]]:
    """The rules of files, and of ``*.toml`` below folders in the order of their names; and all faults."""
    found: list[_Read] = []
    wrong: list[FileFault] = []
    for path in paths:
        if path.is_dir():
            files = sorted(path.rglob("*.toml"))
            if not files:
                wrong.append(FileFault(str(path), 0, "", "no *.toml file in this folder"))
        else:
            files = [path]
        for file in files:
            try:
                text = file.read_text(encoding="utf-8")
                tables = tomllib.loads(text)
            except (OSError, ValueError) as error:  # TOMLDecodeError, which says line and column, is a ValueError
                reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                wrong.append(FileFault(str(file), 0, "", reason))
                continue
            lines = [text.count("\n", 0, match.start()) + 1 for match in _HEADER.finditer(text)]
            _parse(tables, str(file), lines, found, wrong)
    return _checked(found, wrong)


def parse_rules(tables: Mapping[str, Any], file: str) -> tuple[tuple[Rule, ...], list[FileFault]]:
    """The rules of a parsed document, for example of ``weir.toml``; ``file`` is what faults call it."""
    found: list[_Read] = []
    wrong: list[FileFault] = []
    _parse(tables, file, [], found, wrong)
    return _checked(found, wrong)


def _parse(tables: Mapping[str, Any], file: str, lines: list[int], found: list[_Read], wrong: list[FileFault]) -> None:
    given = tables.get("rules")
    wrong += [
        FileFault(file, 0, key, "is not read here; a rule file has [[rules]] only") for key in tables if key != "rules"
    ]
    if not isinstance(given, list):
        wrong.append(FileFault(file, 0, "rules", "is missing" if given is None else "is no list of tables"))
        return
    for number, table in enumerate(given):
        line = lines[number] if len(lines) == len(given) else 0
        try:
            found.append(_Read(Rule.model_validate(table), file, line))
        except ValidationError as error:
            name = _name(table, number)
            seen: set[str] = set()
            errors = error.errors(include_url=False)
            for each in errors:
                at = each["loc"]
                if each["type"] == "too_short" and any(
                    len(e["loc"]) > len(at) and e["loc"][: len(at)] == at for e in errors
                ):
                    continue  # what was wrong in it was left out, and only so it is short
                place = ".".join([name, *(str(part) for part in each["loc"] if part not in _SCALARS)])
                if place not in seen:
                    seen.add(place)
                    wrong.append(FileFault(file, line, place, _reason(each["type"], each["msg"])))


def _checked(found: list[_Read], wrong: list[FileFault]) -> tuple[tuple[Rule, ...], list[FileFault]]:
    """The rules without faults among each other; a name and version that is there twice is the later one's fault."""
    known: dict[str, _Read] = {}
    for read in found:
        first = known.get(read.rule.key)
        if first is None:
            known[read.rule.key] = read
        else:
            at = f"{first.file}:{first.line}" if first.line else first.file
            wrong.append(FileFault(read.file, read.line, read.rule.key, f"is in {at} already; raise its version"))
    broken: set[str] = set()
    for fault in faults(read.rule for read in known.values()):
        read = known[fault.rule]
        wrong.append(FileFault(read.file, read.line, f"{fault.rule}.{fault.place}", fault.message))
        broken.add(fault.rule)
    return tuple(read.rule for key, read in known.items() if key not in broken), wrong


_SCALARS = frozenset(("bool", "int", "float", "str"))
"""How pydantic names the alternatives of a value."""


def _name(table: object, number: int) -> str:
    if isinstance(table, Mapping) and isinstance(table.get("name"), str):
        return f"{table['name']}@{table.get('version', '?')}"
    return f"rules.{number}"


def _reason(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "there is no such key"
    if kind in ("bool_type", "int_type", "float_type", "string_type"):
        return "is not a value of the right type"
    return message.removeprefix("Value error, ")
