"""One event table of a mapping, applied to an item: a draft, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

from schemas.entity import EntityKind
from streams.sources.base import Draft, EntityDraft, Ignored, Malformed
from streams.sources.canonical import vulnerability
from streams.sources.mapping_entities import entity_id, unfit
from streams.sources.mapping_fields import (
    TEXT,
    BadConstant,
    Field,
    Unfit,
    field_of,
    getter,
    id_of,
    origin,
    texts_of,
    time_of,
)
from streams.sources.mapping_model import EntityValue, EventTable, IgnoreTable, ListValue, Value
from streams.sources.mapping_path import Found, Scope
from streams.sources.mapping_when import Test, tests_of

MAX_ENTITIES = 64
"""Of one event; one about more things than this is about none of them in particular."""

Told = Draft | Malformed | Ignored

_ALWAYS = frozenset({"time", "id", "kind", "rule", "severity", "action"})
"""Required where the type has them; an activity's severity and a change's action are not."""
_OPTIONAL = frozenset({("activity", "severity"), ("change", "action")})


class _Entity(NamedTuple):
    name: str
    kind: EntityKind
    required: bool
    find: Callable[[Scope], list[Found | Malformed]]
    place: Callable[[Scope], str]


class EventReader:
    """Reads the items that an event table is for. ``tests`` say which these are.

    ``faults`` are fixed values that their field does not allow, by key and reason; with any, it must not be used.
    """

    def __init__(self, table: EventTable, name: str) -> None:
        self.tests: tuple[Test, ...] = tests_of(table.when)
        self.type = table.type
        self._start: dict[str, Any] = {"type": table.type, "domain": name}
        self._reason = table.reason if isinstance(table, IgnoreTable) else ""
        self._fields: list[Field] = []
        self._entities: list[_Entity] = []
        self.faults: list[tuple[str, str]] = []
        if isinstance(table, IgnoreTable):
            return
        if table.type == "finding":
            self._start["reporter"] = name
        self._fields = [time_of(table.time), id_of(table.id)]
        for key in type(table).model_fields:
            value = getattr(table, key)
            required = key in _ALWAYS and (table.type, key) not in _OPTIONAL
            try:
                if isinstance(value, ListValue):
                    self._fields.append(texts_of(key, value))
                elif isinstance(value, Value):
                    self._fields.append(field_of(table.type, key, value, required=required))
            except BadConstant as error:
                self.faults.append((f"{key}.{error.place}", str(error)))
        for number, entity in enumerate(table.entities):
            try:
                self._entities.append(_entity(number, entity))
            except BadConstant as error:
                self.faults.append((f"entities[{number}].{error.place}", str(error)))

    def read(self, scope: Scope) -> Iterator[Told]:
        """The draft of the item, and beside it what was left out; or what is wrong with it, all in one."""
        if self._reason:
            yield Ignored(self._reason)
            return
        draft = dict(self._start)
        wrong: list[Malformed] = []
        left: list[Ignored] = []
        for name, required, get, place in self._fields:
            found = get(scope)
            if type(found) is Malformed:
                if required:
                    wrong.append(Malformed(found.place, f"{name}: {found.reason}"))
                else:
                    left.append(Ignored(f"{name} left out: not as the field needs it"))
            elif found is not None:
                draft[name] = found
            elif required:
                wrong.append(Malformed(place(scope), f"{name}: missing"))
        about: list[EntityDraft] = []
        for entity in self._entities:
            _about(entity, scope, about, wrong, left)
        if wrong:
            more = "; ".join(f"{each.place}: {each.reason}" for each in wrong[1:])
            yield Malformed(wrong[0].place, f"{wrong[0].reason}; also {more}" if more else wrong[0].reason)
            return
        yield _completed(draft, about, left)
        yield from dict.fromkeys(left)


def _completed(draft: dict[str, Any], about: list[EntityDraft], left: list[Ignored]) -> Draft:
    """The draft with its natural key, what follows from its fields among its entities, and a title."""
    draft["source_id"] = draft.pop("id")
    first: list[EntityDraft] = []
    if (component := draft.pop("component", None)) is not None:
        first.append(("component", component))
    if draft.get("kind") == "vulnerability":
        draft["rule"] = vulnerability(draft["rule"])
        first.append(("vulnerability", draft["rule"]))
    if "aliases" in draft:
        draft["aliases"] = [each for each in map(vulnerability, draft["aliases"]) if each != draft["rule"]]
    if (actor := draft.get("actor")) is not None:
        actor = entity_id("principal", actor)
        if actor is None:
            del draft["actor"]
            left.append(Ignored("actor left out: empty"))
        else:
            draft["actor"] = actor
            about = [*about, ("principal", actor)]
    every = list(dict.fromkeys([*first, *about]))
    if len(every) > MAX_ENTITIES:
        left.append(Ignored(f"entities left out: more than {MAX_ENTITIES}"))
    draft["entities"] = every[:MAX_ENTITIES]
    draft.setdefault("title", draft.get("rule") or draft.get("action") or draft.get("kind"))
    return cast(Draft, draft)


def _entity(number: int, value: EntityValue) -> _Entity:
    """An entity ready to be found. Raises ``BadConstant``."""
    place = origin(value.path, value.text)[1]
    name = f"entities[{number}]"
    if value.path is None:
        get = getter(value, TEXT)

        def one(scope: Scope) -> list[Found | Malformed]:
            found = get(scope)
            return [] if found is None else [found if isinstance(found, Malformed) else Found(place(scope), found)]

        return _Entity(name, value.kind, value.required, one, place)
    path = value.path
    table = {key.casefold(): str(result) for key, result in (value.map or {}).items()}
    other = None if value.other is None else str(value.other)

    def several(scope: Scope) -> list[Found | Malformed]:
        return [
            _translated(Found(found.place, each), table, other)
            for found in path.all(scope)
            for each in (found.value if isinstance(found.value, list) else [found.value])
            if each is not None and each != ""
        ]

    return _Entity(name, value.kind, value.required, several, place)


def _translated(found: Found, table: dict[str, str], other: str | None) -> Found | Malformed:
    try:
        given = str(TEXT(found.value))
    except Unfit as error:
        return Malformed(found.place, str(error))
    if not table:
        return Found(found.place, given)
    result = table.get(given.casefold(), other)
    return Malformed(found.place, "not in the map") if result is None else Found(found.place, result)


def _about(
    entity: _Entity, scope: Scope, about: list[EntityDraft], wrong: list[Malformed], left: list[Ignored]
) -> None:
    """Add the ids of an entity; what is unfit is told."""
    given = entity.find(scope)
    if not given and entity.required:
        wrong.append(Malformed(entity.place(scope), f"{entity.name}: missing"))
    for found in given:
        reason = found.reason if isinstance(found, Malformed) else unfit(entity.kind)
        known = None if isinstance(found, Malformed) else entity_id(entity.kind, found.value)
        if known is not None:
            about.append((entity.kind, known))
        elif entity.required:
            wrong.append(Malformed(found.place, f"{entity.name}: {reason}"))
        else:
            left.append(Ignored(f"{entity.name} {entity.kind} left out: unfit"))
