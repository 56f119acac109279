"""Which VEX statement is about a signal, and which of several counts. Pure.

A statement is about a signal with its vulnerability, under any of its names, in its product: the same component, the
same image (or any of its repository where it names neither tag nor digest), the same package (of any version where it
names none). Where it says which packages inside of the product it means, the signal must be about one of them. Of
several the newest counts; of those of one time the worst, whoever says so: nobody can talk a risk away in passing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from streams.correlation.context import Context, Fact, bare, instant
from streams.correlation.rows import SignalRow

WORST: Final = ("not_affected", "fixed", "under_investigation", "affected")
"""By how little they say that all is well."""

LOOKED: Final = 200
"""Statements about one vulnerability that are looked at, by key."""


def statement(context: Context, names: Iterable[str], row: SignalRow, as_of: int) -> Fact | None:
    """The statement that counts for a signal, of those known at ``as_of``; ``names`` of its vulnerability in capitals.

    Costs the statements about the vulnerability, and nothing where there are none.
    """
    if not context.knows("vex"):
        return None
    found = {fact.key: fact for name in names for fact in context.about("vex", name, as_of)[:LOOKED]}
    matching = [fact for fact in found.values() if fact.record.get("status") in WORST and concerns(fact, row)]
    return max(matching, key=_rank, default=None)


def concerns(fact: Fact, row: SignalRow) -> bool:
    """Whether a statement is about what a signal is about; its vulnerability is not looked at."""
    record = fact.record
    given = [
        (field, value) for field in ("component", "image", "package") if isinstance(value := record.get(field), str)
    ]
    if not given:
        return False
    for field, value in given:
        if field == "component":
            if row.component is None or bare(row.component) != bare(value):
                return False
        elif not any(kind == field and _same(field, value, name) for kind, name in row.entities):
            return False
    parts = record.get("packages")
    if not isinstance(parts, list) or not parts:
        return True
    return any(
        kind == "package" and _same(kind, part, name)
        for kind, name in row.entities
        for part in parts
        if isinstance(part, str)
    )


def words(fact: Fact) -> str:
    """What it says, as an analyst reads it."""
    record = fact.record
    product = next(str(record[field]) for field in ("component", "image", "package") if record.get(field))
    text = f"{record.get('vulnerability')}: {str(record['status']).replace('_', ' ')} in {product}"
    if reason := record.get("justification"):
        text += f", {str(reason).replace('_', ' ')}"
    if author := record.get("author"):
        text += f", says {author}"
    return text


def _same(kind: str, stated: str, name: str) -> bool:
    if stated == name:
        return True
    head, at, digest = stated.rpartition("@")
    if kind == "package":
        return not at and name.startswith(f"{stated}@")
    if at:
        return (
            name.rpartition("@")[2] == digest and head.rpartition("/")[2] == name.rpartition("@")[0].rpartition("/")[2]
        )
    return ":" not in stated.rpartition("/")[2] and name.startswith((f"{stated}:", f"{stated}@"))


def _rank(fact: Fact) -> tuple[int, int, str]:
    time = instant(fact.record.get("timestamp"))
    return -(2**62) if time is None else time, WORST.index(fact.record["status"]), fact.key
