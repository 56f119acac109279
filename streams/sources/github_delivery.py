"""What every event that GitHub delivers has in common: its delivery, repository and sender."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from streams.sources.base import EntityDraft
from streams.sources.fields import dig, text

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Delivery(NamedTuple):
    """What every read event shares. ``place`` is the path of the payload, with its dot; ``received`` when it came."""

    id: str
    payload: dict[str, Any]
    place: str
    repository: str
    sender: str | None
    received: str | None = None


def login_of(user: object) -> str | None:
    """The principal of a user object: logins are the same in any case."""
    login = text(dig(user, "login"), 100)
    return f"github:{login.lower()}" if login else None


def with_people(entities: list[EntityDraft], *people: str | None) -> list[EntityDraft]:
    """The entities and, after them, each person once."""
    return entities + [("principal", who) for who in dict.fromkeys(people) if who]


def hash_of(value: object) -> str | None:
    """A full commit hash; not the zeros that stand for none."""
    found = _COMMIT.fullmatch(value) if isinstance(value, str) else None
    return found[0] if found and found[0].strip("0") else None
