"""Whether an event that is not written yet holds its contract: what ``EVENT`` says of its JSON, only sooner.

Making a model of each event costs four times as much. So the validators here are the models' own, those of their fields
without the model around them, and what comes again, times and entities, is looked at once.

For those who write events; those who read them want the models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import SchemaValidator, core_schema

from schemas.events import Activity, Change, ConfigRecord, ContextRecord, Finding, Review, Scan

KEPT = 16_384
"""Times, and entities, that are remembered; then all of them are forgotten."""

LONGEST = 256
"""Characters of what is remembered, so that memory is bounded whatever comes."""


class Fault(NamedTuple):
    """The first thing about an event that its contract does not allow: where, and what is wrong there."""

    place: str
    reason: str


Check = Callable[[Mapping[str, Any]], Fault | None]


def fault(draft: Mapping[str, Any]) -> Fault | None:
    """What is wrong with an event made of JSON's own types (a tuple is an array), None if nothing is.

    >>> draft = {"type": "context", "kind": "kev", "key": "CVE-2026-1", "record": {}, "origin": ("raw", 0, 0, 0)}
    >>> fault(draft)
    >>> fault(draft | {"key": ""})
    Fault(place='key', reason='String should have at least 1 character')
    """
    check = _CHECKS.get(draft["type"])
    return Fault("type", f"not one of {', '.join(_CHECKS)}") if check is None else check(draft)


class _Known(dict[Any, None]):
    """``known[value]`` does nothing for text, or a pair of texts, that is allowed, and raises for any other value."""

    __slots__ = ("validate",)

    def __init__(self, schema: Any) -> None:
        super().__init__()
        self.validate = SchemaValidator(schema).validate_python

    def __missing__(self, value: Any) -> None:
        self.validate(value)
        if len(value[1] if type(value) is tuple else value) <= LONGEST:
            if len(self) >= KEPT:
                self.clear()
            self[value] = None


def _check(model: Any) -> Check:
    """Looks at all fields of a model."""
    schema = model.__pydantic_core_schema__
    validate = SchemaValidator(schema["schema"], schema["config"]).validate_python

    def check(draft: Mapping[str, Any]) -> Fault | None:
        try:
            validate(draft)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            return Fault(".".join(map(str, problem["loc"])), problem["msg"])
        return None

    return check


def _quick_check(model: Any) -> Check:
    """The same for a model with times and entities, quicker where those came before."""
    check = _check(model)
    schema = model.__pydantic_core_schema__
    fields = schema["schema"]["fields"]
    array = fields["entities"]["schema"]["schema"]  # behind its default
    if array.keys() - {"metadata"} != {"type", "items_schema", "variadic_item_index"} or len(array["items_schema"]) > 1:
        return check  # there is more to the array than its items
    times, pairs = _Known(fields["time"]["schema"]), _Known(array["items_schema"][0])
    rest = {name: _optional(field["schema"]) for name, field in fields.items()}
    rest["time"] = rest["entities"] = core_schema.typed_dict_field(core_schema.any_schema())
    extra = schema["config"]["extra_fields_behavior"]
    validate = SchemaValidator(core_schema.typed_dict_schema(rest, extra_behavior=extra)).validate_python

    def quick(draft: Mapping[str, Any]) -> Fault | None:
        try:
            entities = draft["entities"]
            if type(entities) is list:
                for pair in entities:
                    pairs[pair]
                times[draft["time"]]
                validate(draft)
                return None
        except (ValidationError, KeyError, TypeError):
            pass  # wrong, or not to be remembered: the other one says which, and where
        return check(draft)

    return quick


def _optional(schema: Any) -> core_schema.TypedDictField:
    """A field of a dict, which need not be there if the model has a default for it."""
    optional = schema["type"] == "default"
    return core_schema.typed_dict_field(schema["schema"] if optional else schema, required=not optional)


_CHECKS: dict[str, Check] = {
    "activity": _quick_check(Activity),
    "finding": _quick_check(Finding),
    "change": _quick_check(Change),
    "scan": _quick_check(Scan),
    "context": _check(ContextRecord),
    "config": _check(ConfigRecord),
    "review": _check(Review),
}
"""By type, those that ingest writes; relations and ticks have their own writers."""
