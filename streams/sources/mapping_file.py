"""Mapping files: TOML to mappings, with every fault by file, line, key, what is wrong and what is allowed."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from streams.sources.mapping import BadFields, MappedSource
from streams.sources.mapping_model import (
    ActivityTable,
    ChangeTable,
    EntityValue,
    FindingTable,
    IdValue,
    IgnoreTable,
    ListValue,
    MappingFile,
    SeverityValue,
    TimeValue,
    Value,
    When,
    Word,
)

_EVENT = re.compile(r"^[ \t]*\[\[\s*event\s*\]\]", re.MULTILINE)
_TYPES: dict[str, type[BaseModel]] = {
    "activity": ActivityTable,
    "finding": FindingTable,
    "change": ChangeTable,
    "ignore": IgnoreTable,
}
_SCALARS = frozenset({"bool", "int", "float", "str"})
"""How pydantic names the alternatives of a value."""


class MappingFault(NamedTuple):
    """``line`` is where the event table begins in the file, from 1; 0 if it is not known."""

    file: str
    line: int
    place: str
    message: str

    def __str__(self) -> str:
        at = f"{self.file}:{self.line}" if self.line else self.file
        return f"{at}: {self.place}: {self.message}" if self.place else f"{at}: {self.message}"


class Mapped(NamedTuple):
    """A mapping that is sound, and the file it is from."""

    source: MappedSource
    file: str


def parse_mapping(text: str, file: str) -> tuple[Mapped | None, list[MappingFault]]:
    """The mapping in a TOML text; ``file`` is what faults call it."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:  # says line and column
        return None, [MappingFault(file, 0, "", f"not TOML: {error}")]
    lines = [text.count("\n", 0, found.start()) + 1 for found in _EVENT.finditer(text)]
    return mapping_of(table, file, lines)


def mapping_of(
    table: Mapping[str, Any], file: str, lines: Iterable[int] = ()
) -> tuple[Mapped | None, list[MappingFault]]:
    """The mapping in a parsed table, for example of ``weir.toml``; ``lines`` are those of its event tables."""
    at = list(lines)
    events = table.get("event")
    if not isinstance(events, list) or len(at) != len(events):
        at = []

    def fault(loc: tuple[int | str, ...], place: str, message: str) -> MappingFault:
        number = loc[1] if len(loc) > 1 and loc[0] == "event" and isinstance(loc[1], int) else None
        return MappingFault(file, at[number] if at and number is not None else 0, place, message)

    try:
        return Mapped(MappedSource(MappingFile.model_validate(table)), file), []
    except ValidationError as error:
        found = error.errors(include_url=False)
        faults = [fault(each["loc"], _place(each["loc"]), _reason(each)) for each in found if not _follows(each, found)]
        return None, list(dict.fromkeys(faults))
    except BadFields as error:
        return None, [fault(("event", n), f"event[{n}].{place}", reason) for n, place, reason in error.faults]


def _follows(error: Any, errors: list[Any]) -> bool:
    """Whether a table is only too short because of what was wrong in it, or a value misses one of its other forms."""
    at = error["loc"]
    deeper = any(len(each["loc"]) > len(at) and each["loc"][: len(at)] == at for each in errors)
    return bool(error["type"] == "too_short" and deeper)


def _place(loc: tuple[int | str, ...]) -> str:
    """The key as it would be written: ``event[0].severity.map``."""
    place = ""
    for number, part in enumerate(loc):
        if isinstance(part, int):
            place += f"[{part}]"
        elif part in _SCALARS or part.startswith(("tuple[", "function-")) or (number == 2 and loc[0] == "event"):
            continue  # an alternative of pydantic's, or the type of the event
        else:
            place += f".{part}" if place else part
    return place


def _reason(error: Any) -> str:
    kind, loc = error["type"], error["loc"]
    if kind == "extra_forbidden":
        allowed = list(_table(loc[:-1]).model_fields)
        close = difflib.get_close_matches(str(loc[-1]), allowed, n=1)
        hint = f"; did you mean {close[0]}?" if close else "."
        return f"there is no such key{hint} Allowed: {', '.join(allowed)}"
    if kind == "missing":
        return "is missing"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return f"type is missing or unknown; it is one of {', '.join(_TYPES)}"
    if kind in ("literal_error", "enum"):
        return f"{error['input']!r} is not allowed; it is {error['ctx']['expected']}"
    if kind == "string_pattern_mismatch":
        return f"{error['input']!r} is no name: lower-case letters, digits, - and _, at most 48, a letter first"
    if kind in ("bool_type", "int_type", "float_type", "string_type"):
        return f"{error['input']!r} is not allowed; a text, a number, true or false is"
    if kind in ("tuple_type", "model_type", "dict_type", "model_attributes_type"):
        wanted = "a list" if kind == "tuple_type" else "a table"
        return f"{error['input']!r} is not allowed; it is {wanted}"
    if kind == "too_short":
        return "is empty"
    return str(error["msg"]).removeprefix("Value error, ")


def _table(loc: tuple[int | str, ...]) -> type[BaseModel]:
    """The table at a place of the file."""
    if loc[:1] == ("recognise",) or "when" in loc:
        return When
    if loc[:1] != ("event",) or len(loc) < 3:
        return MappingFile
    event = _TYPES[str(loc[2])]
    if len(loc) == 3:
        return event
    if loc[3] == "entities":
        return EntityValue
    shown = str(event.model_fields[str(loc[3])].annotation)
    for table in (TimeValue, IdValue, ListValue, SeverityValue, Word):
        if table.__name__ in shown:
            return table
    return Value
