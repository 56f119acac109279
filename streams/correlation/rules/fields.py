"""The fields that a rule may name, on which types of event they are, and how they are read.

One name space: an event's own fields (``schemas.events``) and the kinds of entity (``schemas.entity``). ``component``
is both; here it is the event's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from schemas.entity import ENTITY_KINDS

ACTIVITY, FINDING, CHANGE = "activity", "finding", "change"
TYPES = frozenset((ACTIVITY, FINDING, CHANGE))
"""The types of event that rules see."""

Event = Any
"""An ``Activity``, ``Finding`` or ``Change``, or anything with the same attributes."""

Values = tuple[Any, ...]


class EventField(NamedTuple):
    """``entity``: its values are the ids of the entities of that kind; else the attribute of the field's own name."""

    types: frozenset[str]
    holds: type  # str, int or bool
    entity: bool = False


def _own(holds: type, *types: str) -> EventField:
    return EventField(frozenset(types) if types else TYPES, holds)


FIELDS: dict[str, EventField] = {kind: EventField(TYPES, str, entity=True) for kind in ENTITY_KINDS} | {
    "type": _own(str),
    "source": _own(str),
    "source_id": _own(str),
    "domain": _own(str),
    "component": _own(str),
    "title": _own(str),
    "action": _own(str, ACTIVITY, CHANGE),
    "actor": _own(str, ACTIVITY, CHANGE),
    "outcome": _own(str, ACTIVITY),
    "error": _own(str, ACTIVITY),
    "read_only": _own(bool, ACTIVITY),
    "severity": _own(int, ACTIVITY, FINDING),
    "kind": _own(str, FINDING, CHANGE),
    "status": _own(str, FINDING, CHANGE),
    "rule": _own(str, FINDING),
    "reporter": _own(str, FINDING),
    "aliases": _own(str, FINDING),
    "cvss": _own(float, FINDING),
    "fix": _own(str, FINDING),
    "location": _own(str, FINDING),
    "revision": _own(str, CHANGE),
}


def reader(name: str) -> Callable[[Event], Values]:
    """All values that an event has in a field: none, one, or of entities several."""
    if FIELDS[name].entity:
        return lambda event: tuple(id_ for kind, id_ in event.entities if kind == name)
    if name == "aliases":
        return lambda event: tuple(getattr(event, name, ()))

    def one(event: Event) -> Values:
        value = getattr(event, name, None)
        return () if value is None else (value,)

    return one
