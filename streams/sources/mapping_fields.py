"""The fields of a mapped event: each value found, translated by its map, and taken only if its field allows it.

A getter gives the value, None if it is missing, or ``Malformed`` with place and reason if it is there and unfit.
Constants and the results of maps are checked when the getter is made, so that a mapping can't fail on them later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import orjson

from schemas.events import ChangeKind, ChangeStatus, FindingKind, FindingStatus, Outcome
from streams.sources.base import Malformed
from streams.sources.document import digest, line, number, sequence
from streams.sources.mapping_model import IdValue, ListValue, SeverityValue, TimeValue, Value
from streams.sources.mapping_path import Expression, Part, Scope
from streams.sources.mapping_times import NoTime, reader
from streams.sources.severity import WORDS, severity_of_cvss, severity_of_normalized

Getter = Callable[[Scope], Any]
Convert = Callable[[object], object]

_SHOWN = 64
"""Characters of a value that a reason repeats; it is redacted by then."""

MAX_ID = 512


class Unfit(ValueError):
    """A value that its field does not allow; the message says what would be."""


class BadConstant(ValueError):
    """A fixed value, or a map's, that its field does not allow: ``place`` is the key below the field's."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place


def _text(limit: int) -> Convert:
    def convert(value: object) -> str:
        if isinstance(value, str):
            if len(value) > limit:
                raise Unfit(f"a text of more than {limit} characters")
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise Unfit(f"{_kind(value)}, and a text is needed")

    return convert


def _line(limit: int) -> Convert:
    def convert(value: object) -> str:
        found = line(str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value, limit)
        if found is None:
            raise Unfit(f"{_kind(value)}, and a text is needed")
        return found

    return convert


def _number(least: float, most: float) -> Convert:
    def convert(value: object) -> float:
        found = number(value)
        if found is None or not least <= found <= most:
            raise Unfit(f"no number from {least:g} to {most:g}")
        return found

    return convert


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise Unfit(f"{_kind(value)}, and true or false is needed; a map can give them")
    return value


def _word(words: tuple[str, ...]) -> Convert:
    def convert(value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise Unfit(f"not one of {', '.join(words)}")

    return convert


def _ocsf(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 6:
        raise Unfit("no severity of OCSF, 0 to 6; a map or a scale can give it")
    return value


def _severity_word(value: object) -> int:
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in WORDS:
        raise Unfit("no known word for a severity; a map can give it")
    return WORDS[word]


def _scored(most: int, convert: Callable[[object], int]) -> Convert:
    def scored(value: object) -> int:
        found = number(value)
        if found is None or not 0 <= found <= most:
            raise Unfit(f"no number from 0 to {most}")
        return convert(found)

    return scored


SCALES: dict[str, Convert] = {
    "ocsf": _ocsf,
    "words": _severity_word,
    "cvss": _scored(10, severity_of_cvss),
    "hundred": _scored(100, severity_of_normalized),
}

TEXT = _text(MAX_ID)
FIELDS: dict[str, Convert] = {
    "title": _line(512),
    "domain": _text(256),
    "component": _text(256),
    "action": _text(256),
    "actor": TEXT,
    "error": _text(256),
    "read_only": _truth,
    "rule": TEXT,
    "reporter": _text(128),
    "cvss": _number(0, 10),
    "epss": _number(0, 1),
    "kev": _truth,
    "fix": _line(512),
    "location": _line(1024),
    "evidence": _line(2048),
    "revision": TEXT,
}
"""What each field takes, where it is the same in all types of event."""

WORD_FIELDS: dict[tuple[str, str], Convert] = {
    ("activity", "outcome"): _word(get_args(Outcome)),
    ("finding", "kind"): _word(get_args(FindingKind)),
    ("finding", "status"): _word(get_args(FindingStatus)),
    ("change", "kind"): _word(get_args(ChangeKind)),
    ("change", "status"): _word(get_args(ChangeStatus)),
}


class Field(NamedTuple):
    """One field of an event, ready to be read. ``place`` says where its value was looked for."""

    name: str
    required: bool
    get: Getter
    place: Callable[[Scope], str]


def field_of(type_: str, name: str, value: Value, *, required: bool = False) -> Field:
    """The field of an event of this type.

    Raises:
        BadConstant: a fixed value, or one of its map, is not allowed there.
    """
    if isinstance(value, SeverityValue):
        convert = SCALES[value.scale or "ocsf"]
    else:
        convert = WORD_FIELDS.get((type_, name)) or FIELDS[name]
    return Field(name, required or value.required, getter(value, convert), origin(value.path, value.text)[1])


def getter(value: Value, convert: Convert) -> Getter:
    """What gives a value as its field has it. Raises ``BadConstant``."""
    if value.value is not None:
        constant = _fixed("value", value.value, convert)
        return lambda scope: constant
    find, place = origin(value.path, value.text)
    results = _SEVERITY_RESULT if isinstance(value, SeverityValue) else convert
    other = None if value.other is None else _fixed("other", value.other, results)
    table = None
    if value.map is not None:
        table = {key.casefold(): _fixed(f"map.{key}", result, results) for key, result in value.map.items()}

    def get(scope: Scope) -> object:
        found = find(scope)
        if found is None:
            return None
        try:
            if table is None:
                return convert(found)
            key = _key(found)
            if key in table:
                return table[key]
            if other is None:
                return Malformed(place(scope), f"{_shown(found)} is not in the map")
        except Unfit as error:
            if other is None:
                return Malformed(place(scope), str(error))
        return other

    return get


_SEVERITY_RESULT = SCALES["ocsf"]


def origin(path: Expression | None, parts: tuple[Part, ...] | None) -> tuple[Getter, Callable[[Scope], str]]:
    """What finds the value of a path or a template, and what tells its place."""
    if path is not None:
        return path.first, path.place
    pieces = parts or ()
    expressions = [piece for piece in pieces if isinstance(piece, Expression)]

    def find(scope: Scope) -> str | None:
        found = ""
        for piece in pieces:
            value = piece if isinstance(piece, str) else piece.first(scope)
            if value is None or isinstance(value, dict | list):
                return None
            found += _plain(value)
        return found

    def place(scope: Scope) -> str:
        lacking = [each for each in expressions if isinstance(each.first(scope), dict | list | None)]
        return (lacking or expressions)[0].place(scope) if expressions else scope.place

    return find, place


def texts_of(name: str, value: ListValue) -> Field:
    """The texts of a list, each once; what is none is ``Malformed``."""

    def get(scope: Scope) -> object:
        given = [
            (found.place, each)
            for found in value.path.all(scope)
            for each in (sequence(found.value) if isinstance(found.value, list) else [found.value])
        ]
        if not given:
            return None
        for place, each in given:
            if not isinstance(each, str) or not 0 < len(each) <= MAX_ID:
                return Malformed(place, f"{_kind(each)}, and texts of at most {MAX_ID} characters are needed")
        return list(dict.fromkeys(each for _, each in given))

    return Field(name, value.required, get, value.path.place)


def time_of(value: TimeValue) -> Field:
    """The event time."""
    read = reader(value.format, value.zone)

    def get(scope: Scope) -> object:
        found = value.path.first(scope)
        if found is None:
            return None
        try:
            return read(found)
        except NoTime as error:
            return Malformed(value.path.place(scope), f"no time: {error}")

    return Field("time", True, get, value.path.place)


def id_of(value: IdValue) -> Field:
    """The natural key; one that is too long is its hash."""
    if value.hash is not None:
        paths = value.hash

        def hashed(scope: Scope) -> object:
            parts = [path.values(scope) for path in paths]
            if not any(parts):
                return None
            return digest(orjson.dumps(part, option=orjson.OPT_SORT_KEYS).decode() if part else None for part in parts)

        return Field("id", True, hashed, paths[0].place)
    find, place = origin(value.path, value.text)

    def get(scope: Scope) -> object:
        found = find(scope)
        if found is None:
            return None
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        if not isinstance(found, str):
            return Malformed(place(scope), f"{_kind(found)}, and an id is a text or a whole number")
        return found if len(found) <= MAX_ID else digest((found,))

    return Field("id", True, get, place)


def _fixed(place: str, value: object, convert: Convert) -> object:
    try:
        return convert(value)
    except Unfit as error:
        raise BadConstant(place, f"{value!r}: {error}") from None


def _key(value: object) -> str:
    if isinstance(value, dict | list):
        raise Unfit(f"{_kind(value)}, and the map has single values")
    return _plain(value).casefold()


def _plain(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _shown(value: object) -> str:
    plain = _plain(value)
    return repr(plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "a text" if value.strip() else "an empty text"
    if isinstance(value, int | float):
        return "a number"
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "null"
