"""Whose rows these are: a header row in every table, so that no other detector goes on with them.

The header names detector, version, parameters and features. What differs from the detector at hand is named, each with
both values; rows of an older version are migrated where ``models.migrations`` has the way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from math import isfinite
from typing import Any, NamedTuple

from models.base import Detector, Row, Store
from models.migrations import path
from models.sketch import HASH

MAGIC, FORMAT = "weir-model-state", 1

HEADER = "#header"
"""The row ``(magic, format, detector, version, parameters and their digest, features and theirs, hash)``."""

_MAGIC, _FORMAT, _NAME, _VERSION, _PARAMETERS, _DIGEST, _FEATURES, _FEATURES_DIGEST, _HASH = range(9)
_FIRST = 1  # the version of the rows of tables from before there were headers


class StateMismatch(ValueError):
    """The state is not that of the detectors at hand. ``differences``: each with both values, in words."""

    def __init__(self, differences: Sequence[str]) -> None:
        super().__init__("; ".join(differences))
        self.differences = tuple(differences)


class Schema(NamedTuple):
    """What rows mean: a detector's name, version, parameters and features; or of what else keeps rows beside them."""

    name: str
    version: int
    parameters: dict[str, Any]
    features: tuple[str, ...] = ()

    @property
    def given(self) -> dict[str, Any]:
        """The parameters as JSON can say them: what is not finite as text, ``inf``."""
        return {
            name: repr(value) if isinstance(value, float) and not isfinite(value) else value
            for name, value in self.parameters.items()
        }

    @property
    def digest(self) -> str:
        """Of the parameters; for a detector, its own."""
        return _digest(canonical(self.given))

    @property
    def features_digest(self) -> str:
        """Of the features."""
        return _digest(" ".join(self.features))

    def header(self) -> Row:
        """The header of its table."""
        given, features = canonical(self.given), " ".join(self.features)
        return (
            MAGIC, FORMAT, self.name, self.version, given, _digest(given), features, _digest(features), HASH,
        )  # fmt: skip


Model = Detector | Schema
"""Whatever keeps rows: a detector, or another by its schema."""


def schema(model: Model) -> Schema:
    """That of a detector; a schema is its own."""
    if isinstance(model, Schema):
        return model
    return Schema(model.name, model.version, model.parameters(), model.features)


def adopt(rows: Store, model: Model) -> None:
    """Make sure that the rows are the model's, before it reads any: once for each table, not for each event.

    An empty table gets the header. Rows of an older version are migrated; rows without a header are of version 1.
    Anything else raises StateMismatch, and nothing is written.

    >>> from models.rarity import Rarity
    >>> rows = {}
    >>> adopt(rows, Rarity())
    >>> adopt(rows, Rarity(half_life=7.0))
    Traceback (most recent call last):
    models.adopt.StateMismatch: rarity: parameter half_life: 30.0 there, 7.0 here
    """
    mine = schema(model)
    wanted = mine.header()
    header = rows.get(HEADER)
    if header == wanted:
        return
    if not rows:
        rows[HEADER] = wanted
        return
    after = migrated(rows, header, mine)
    for key in sorted(rows.keys() - after.keys()):
        del rows[key]
    for key, row in sorted(after.items()):
        if rows.get(key) != row:
            rows[key] = row


def migrated(rows: Mapping[str, Row], header: Row | None, mine: Schema) -> dict[str, Row]:
    """The rows in the schema's version, with its header; or StateMismatch. ``header``: whose they are, if known."""
    wrong = [] if header is None else differences(header, mine)
    if wrong or (header is None and (wrong := _unreachable(_FIRST, mine))):
        raise StateMismatch(wrong)
    after = {key: row for key, row in rows.items() if key != HEADER}
    for step in path(mine.name, _FIRST if header is None else header[_VERSION], mine.version) or ():
        after = step(after)
    after[HEADER] = mine.header()
    return after


def differences(header: Row, mine: Schema) -> list[str]:
    """Why rows with this header can't be the schema's, not even migrated.

    A migration answers for parameters and features, too: the older version may have had others, and other defaults.
    """
    wanted = mine.header()
    if header == wanted:
        return []
    if len(header) != len(wanted):
        return [f"{mine.name}: header: {len(header)} values there, {len(wanted)} here"]
    found = [
        f"{mine.name}: {what}: {header[place]} there, {wanted[place]} here"
        for place, what in ((_MAGIC, "magic"), (_FORMAT, "format"), (_NAME, "detector"), (_HASH, "hash"))
        if header[place] != wanted[place]
    ]
    for place, digest in ((_PARAMETERS, _DIGEST), (_FEATURES, _FEATURES_DIGEST)):
        if _digest(str(header[place])) != header[digest]:
            found.append(
                f"{mine.name}: digest: {header[digest]} there, {_digest(str(header[place]))} of {header[place]}"
            )
    if found:
        return found
    if header[_VERSION] != mine.version:
        return _unreachable(header[_VERSION], mine)
    there, here = json.loads(header[_PARAMETERS]), json.loads(wanted[_PARAMETERS])
    for name in sorted(there.keys() | here.keys()):
        one, other = (canonical(given[name]) if name in given else "absent" for given in (there, here))
        if one != other:
            found.append(f"{mine.name}: parameter {name}: {one} there, {other} here")
    if header[_FEATURES] != wanted[_FEATURES]:
        found.append(f"{mine.name}: features: {header[_FEATURES]} there, {wanted[_FEATURES]} here")
    return found


def canonical(value: Any) -> str:
    """The one way to write a value as JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _unreachable(version: int, mine: Schema) -> list[str]:
    if path(mine.name, version, mine.version) is None:
        return [f"{mine.name}: version: {version} there, {mine.version} here, and no migration"]
    return []


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
