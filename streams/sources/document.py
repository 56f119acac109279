"""Walking a document that anybody may have written: a wrong type reads as absent, never as an exception."""

from __future__ import annotations

import math
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any


def mapping(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def texts(value: object, limit: int = 512) -> list[str]:
    """The strings of an array that are not empty and not longer than ``limit``; a lone string is an array of one."""
    given = [value] if isinstance(value, str) else sequence(value)
    return [item for item in given if isinstance(item, str) and 0 < len(item) <= limit]


def number(value: object) -> float | None:
    """The value as a finite float if it is a number or the text of one, else None. Booleans are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def line(value: object, limit: int = 512) -> str | None:
    """Text for a reader on one line: runs of white space become one space, the rest beyond ``limit`` an ellipsis."""
    if not isinstance(value, str):
        return None
    flat = " ".join(value[: 4 * limit].split())
    return (flat if len(flat) <= limit else flat[: limit - 1] + "…") or None


def digest(parts: Iterable[str | None]) -> str:
    """BLAKE2b-128 in hex over the parts, each with its length, so that no two lists of parts collide by joining."""
    hashed = blake2b(digest_size=16)
    for part in parts:
        raw = b"" if part is None else part.encode("utf-8", "surrogatepass")
        hashed.update(b"-" if part is None else b"%d:" % len(raw))
        hashed.update(raw)
    return hashed.hexdigest()
