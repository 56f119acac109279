"""The state of one model set in one domain as a file: to move it, to keep it, to look at it.

JSON lines: a header; a line about each table; the rows of the tables one after the other, as ``[key, *row]``, sorted by
key; and a SHA-256 of all lines before it. Equal state gives equal bytes, and floats come back to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b, sha256
from math import isfinite
from typing import Any, NamedTuple, NoReturn

from models.adopt import FORMAT, HEADER, MAGIC, Model, Schema, StateMismatch, canonical, differences, migrated, schema
from models.base import Row
from models.sketch import HASH, key_id

_HEAD = {
    "models": str, "digest": str, "domain": str, "hash": str, "offsets": list, "tables": int, "rows": int,
}  # fmt: skip
_TABLE = {
    "table": str, "version": int, "parameters": dict, "digest": str, "features": list, "features_digest": str,
    "rows": int,
}  # fmt: skip
_PLACE = {"partition": int, "offset": int}
_SHOWN = 80  # characters of what is wrong

Lines = list[Any]
"""What each line of a file says."""


class Header(NamedTuple):
    """Whose state a file is. ``offsets``: of each partition, the first record that is not in it."""

    models: str
    digest: str
    domain: str
    offsets: dict[int, int]
    rows: int


def dump(
    tables: Mapping[str, Mapping[str, Row]],
    models: Iterable[Model],
    *,
    domain: str,
    offsets: Mapping[int, int],
    name: str = "main",
) -> bytes:
    """The tables of the models, by their names, as a file; a missing one is empty. ``name``: of the set of models.

    Raises StateMismatch if a table has the header of another model, or rows that JSON would not give back as they were.

    >>> from models.rarity import Rarity
    >>> file = dump({"rarity": {"p|ann": (1, 2.5)}}, [Rarity()], domain="shop", offsets={0: 17})
    >>> load(file, [Rarity()])["rarity"]["p|ann"], header(file).offsets
    ((1, 2.5), {0: 17})
    """
    kept = [(mine, tables.get(mine.name, {})) for mine in map(schema, models)]
    wrong: list[str] = []
    for mine, rows in kept:
        there = rows.get(HEADER, mine.header())
        found = [*differences(there, mine), *_unwritable(mine.name, rows)]
        if not found and there != mine.header():
            found = [f"{mine.name}: rows of an older version there, of version {mine.version} here: adopt them first"]
        wrong += found
    if wrong:
        raise StateMismatch(wrong)
    head = {
        "magic": MAGIC,
        "format": FORMAT,
        "models": name,
        "digest": _digest([mine for mine, _ in kept]),
        "domain": domain,
        "hash": HASH,
        "offsets": [{"partition": partition, "offset": offset} for partition, offset in sorted(offsets.items())],
        "tables": len(kept),
        "rows": sum(len(rows) for _, rows in kept),
    }
    lines = [_line(head)]
    lines += [_line(_described(mine, rows)) for mine, rows in kept]
    lines += [_line([key, *rows[key]]) for _, rows in kept for key in sorted(rows)]
    content = b"".join(lines)
    return content + _line({"sha256": sha256(content).hexdigest()})


def load(data: bytes, models: Iterable[Model], *, domain: str | None = None) -> dict[str, dict[str, Row]]:
    """The tables out of a file, those of older versions migrated, each with its header row.

    Raises StateMismatch with all that differs: from a file that is whole, from the models, from ``domain``.
    """
    schemas = [schema(model) for model in models]
    head, lines = _opened(data)
    wrong = []
    for what, there, here in (("domain", head["domain"], domain or head["domain"]), ("hash", head["hash"], HASH)):
        if there != here:
            wrong.append(f"{what}: {there} there, {here} here")
    about = lines[: head["tables"]]
    for line in about:
        _check(line, _TABLE)
    mine_of = {mine.name: mine for mine in schemas}
    names = [line["table"] for line in about]
    if sorted(names) != sorted(mine_of):
        raise StateMismatch([*wrong, f"tables: {', '.join(sorted(names))} there, {', '.join(sorted(mine_of))} here"])
    tables: dict[str, dict[str, Row]] = {}
    at = len(about)
    for line in about:
        name = line["table"]
        try:
            rows = _rows(name, lines[at : at + line["rows"]])
            tables[name] = migrated(rows, _header_of(line, rows), mine_of[name])
        except StateMismatch as mismatch:
            wrong += mismatch.differences
        at += line["rows"]
    if at != len(lines):
        wrong.append(f"rows: {len(lines) - len(about)} there, {at - len(about)} by the lines about the tables")
    if wrong:
        raise StateMismatch(wrong)
    return {name: tables[name] for name in mine_of}


def header(data: bytes) -> Header:
    """Whose state a file is, and up to where; raises StateMismatch unless the file is whole."""
    head, _ = _opened(data)
    for place in head["offsets"]:
        _check(place, _PLACE)
    offsets = {place["partition"]: place["offset"] for place in head["offsets"]}
    return Header(head["models"], head["digest"], head["domain"], offsets, head["rows"])


def _described(mine: Schema, rows: Mapping[str, Row]) -> dict[str, Any]:
    """The line about a table."""
    return {
        "table": mine.name,
        "version": mine.version,
        "parameters": mine.given,
        "digest": mine.digest,
        "features": list(mine.features),
        "features_digest": mine.features_digest,
        "hash_key": key_id(rows),
        "rows": len(rows),
    }


def _header_of(line: Mapping[str, Any], rows: Mapping[str, Row]) -> Row:
    """The header row of the table that the line is about."""
    name = line["table"]
    there = Schema(name, line["version"], line["parameters"], tuple(map(str, line["features"])))
    found = there.header()
    for digest, right in (("digest", there.digest), ("features_digest", there.features_digest)):
        if line[digest] != right:
            raise StateMismatch([f"{name}: {digest}: {line[digest]} there, {right} of what the line says"])
    if rows.get(HEADER, found) != found:
        raise StateMismatch([f"{name}: row {HEADER}: {rows[HEADER]} there, {found} by the line about the table"])
    return found


def _opened(data: bytes) -> tuple[dict[str, Any], Lines]:
    """The first line, and all between it and the last; StateMismatch if this is no such file, or not a whole one."""
    first, *between = data.split(b"\n")
    head = _parsed(first)
    magic = head.get("magic") if isinstance(head, dict) else _shown(first)
    if magic != MAGIC:
        raise StateMismatch([f"magic: {magic} there, {MAGIC} here"])
    if head.get("format") != FORMAT:
        raise StateMismatch([f"format: {head.get('format')} there, {FORMAT} here"])
    if len(between) < 2 or between[-1] or not between[-2].startswith(b'{"sha256":'):
        raise StateMismatch([f"truncated: {_shown(data[-_SHOWN:])} at the end, a line with the checksum here"])
    last = between[-2]
    content = data[: len(data) - len(last) - 1]
    right = _line({"sha256": sha256(content).hexdigest()})[:-1]
    if last != right:
        raise StateMismatch([f"checksum: {_shown(last)} there, {_shown(right)} of the lines before it"])
    _check(head, _HEAD)
    return head, [_parsed(line) for line in between[:-2]]


def _check(line: Any, wanted: Mapping[str, type]) -> None:
    """Raise StateMismatch unless the line has what it should have."""
    there = line if isinstance(line, dict) else {}
    wrong = [
        f"{name}: {_shown(canonical(there.get(name)))} there, {kind.__name__} here"
        for name, kind in wanted.items()
        if type(there.get(name)) is not kind
    ]
    if wrong:
        raise StateMismatch(wrong)


def _rows(name: str, lines: Sequence[Any]) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    before = None
    for line in lines:
        if not isinstance(line, list) or not line or not isinstance(line[0], str):
            raise StateMismatch([f"{name}: row: {_shown(canonical(line))} there, [key, values] here"])
        key = line[0]
        if before is not None and key <= before:
            raise StateMismatch([f"{name}: row {key}: after {before} there, sorted here"])
        rows[key] = tuple(line[1:])
        before = key
    wrong = list(_unwritable(name, rows))
    if wrong:
        raise StateMismatch(wrong)
    return rows


def _unwritable(name: str, rows: Mapping[str, Any]) -> Iterator[str]:
    """The rows that are not flat tuples of what JSON gives back as it was."""
    for key, row in rows.items():
        if not isinstance(row, tuple):
            yield f"{name}: row {key}: {type(row).__name__} there, a tuple here"
            continue
        for value in row:
            kind = type(value)
            if kind not in _PLAIN and not (kind is float and isfinite(value)):
                shown = value if kind is float else kind.__name__
                yield f"{name}: row {key}: {shown} there, int, finite float, str or None here"
                break


_PLAIN = (int, str, type(None))


def _digest(schemas: Iterable[Schema]) -> str:
    return blake2b(canonical([mine.header() for mine in schemas]).encode(), digest_size=4).hexdigest()


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _line(value: Any) -> bytes:
    return _encode(value).encode("ascii") + b"\n"


def _parsed(line: bytes) -> Any:
    """What a line says; None if it is no JSON."""
    try:
        return json.loads(line, parse_constant=_refuse)
    except ValueError:
        return None


def _refuse(number: str) -> NoReturn:
    raise ValueError(number)


def _shown(line: bytes | str) -> str:
    text = line if isinstance(line, str) else line.decode("ascii", "backslashreplace")
    return text.encode("unicode_escape").decode("ascii")[:_SHOWN]
