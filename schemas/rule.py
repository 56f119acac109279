"""A correlation rule as data: which events, over which fields, within which window. Versioned, declarative.

Rules are read from tables of ``weir.toml`` or from TOML files, and reach the fold as part of the parameters, in a
``config`` record of the log; so a change of rules is replayed like everything else. The meaning of ``name@2`` is never
edited: what should mean something else is ``name@3``.

A rule file::

    [[rules]]
    name = "console-brute-force"
    version = 1
    title = "Console login after many failures"
    severity = 4                                   # OCSF severity_id; 4 is high
    description = "Five failed console logins from one address, then one that works."
    tags = ["attack.t1110"]
    kind = "sequence"
    timespan = "10m"
    group_by = ["ip"]

    [[rules.steps]]
    id = "failed"
    at_least = 5
    where = { action = "signin:ConsoleLogin", outcome = "failure" }

    [[rules.steps]]
    id = "worked"
    where = { action = "signin:ConsoleLogin", outcome = "success" }

    [[rules]]
    name = "role-made-admin"
    version = 1
    title = "A new role was given administrator rights"
    severity = 4
    kind = "all"
    timespan = "1h"
    group_by = ["role"]                            # an alias: each step says which field it is

    [[rules.steps]]
    id = "created"
    group = { role = "resource" }
    where = { action = "iam:CreateRole", outcome = "success" }

    [[rules.steps]]
    id = "admin"
    group = { role = "principal" }
    where = { type = "finding", rule = { prefix = "iam-admin-" }, severity = { at_least = 3 } }

    [[rules]]
    name = "key-not-removed"
    version = 1
    title = "A leaked key was still there a day later"
    severity = 5
    kind = "absence"
    timespan = "1d"
    group_by = ["access_key"]

    [[rules.steps]]
    id = "leaked"
    where = { type = "finding", kind = "secret", none_of = [{ title = { contains = ["test"] } }] }

    [[rules.steps]]
    id = "removed"
    absent = "after"
    where = { action = ["iam:DeleteAccessKey", "iam:UpdateAccessKey"], outcome = "success" }

A field is one of an event's own (``action``, ``actor``, ``outcome``, ``kind``, ``rule``, ``severity``, ``domain``,
``component``, ``title`` and so on) or a kind of entity (``ip``, ``principal``, ``image`` ...), of which an event may
have several: a test holds if it holds for one of them. ``streams.correlation.rules.fields`` lists them.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_serializer,
    model_validator,
)

from schemas.base import Contract, Severity

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d{1,12})\s*(ms|s|m|h|d)")
_MONTH = 31 * 86_400_000


def _milliseconds(value: object) -> object:
    if not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value.strip())
    if match is None:
        raise ValueError("a number and one of ms, s, m, h, d, for example 10m")
    return int(match[1]) * _UNITS[match[2]]


def _several(value: object) -> object:
    return value if isinstance(value, list | tuple) else (value,)


Duration = Annotated[int, BeforeValidator(_milliseconds), Field(le=_MONTH, description="ms, or text such as 10m")]
"""At most 31 days; kept as ms."""

Texts = Annotated[tuple[Annotated[str, Field(max_length=512)], ...], BeforeValidator(_several)]
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr

RuleKind = Literal["sequence", "all", "count", "distinct", "absence"]
Side = Literal["after", "before", "around"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


class Test(Contract):
    """What is asked of one field; all that is given must hold. A bare value or list is ``any_of``.

    Text is compared as it is, unless ``ignore_case``. In ``wildcard``, ``*`` is any text and ``?`` one character.
    """

    __test__ = False  # no test case, whatever its name says to pytest

    any_of: Annotated[tuple[Scalar, ...], BeforeValidator(_several)] = ()
    prefix: Texts = ()
    suffix: Texts = ()
    contains: Texts = ()
    wildcard: Texts = ()
    exists: bool | None = None
    at_least: float | None = None
    at_most: float | None = None
    ignore_case: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        if isinstance(value, Test):
            return value
        if not isinstance(value, dict):
            return {"any_of": value}
        if "equals" in value and "any_of" not in value:
            return {("any_of" if key == "equals" else key): each for key, each in value.items()}
        return value

    @model_serializer(mode="wrap")
    def _given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_defaults(dump(self))


class Condition(BaseModel):
    """Tests by field, all of which must hold, and the conditions beside them: all, any, or none of which must.

    An empty condition holds for every event.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Test] = Field(init=False)

    all_of: tuple[Condition, ...] = ()
    any_of: tuple[Condition, ...] = ()
    none_of: tuple[Condition, ...] = ()

    @property
    def tests(self) -> dict[str, Test]:
        """The tests by field."""
        return self.__pydantic_extra__

    @model_serializer(mode="wrap")
    def _given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_defaults(dump(self))


class Step(Contract):
    """One kind of event that a rule is about."""

    id: Name
    where: Condition = Field(default_factory=Condition, description="not given: every event")
    at_least: int = Field(
        default=1, ge=1, le=1_000, description="events that it takes; of an absent step, that it takes to forbid"
    )
    group: dict[str, str] = Field(
        default_factory=dict, description="a name in group_by: the field that it is in this step, where it is another"
    )
    field: str | None = Field(default=None, description="of a distinct rule: the field in this step")
    absent: Side | None = Field(
        default=None, description="of an absence rule: this must not come, in the timespan after, before or around"
    )

    @model_serializer(mode="wrap")
    def _given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_defaults(dump(self))


class Rule(Contract):
    """One rule.

    ``sequence``: the steps one after the other, each ``at_least`` times; at one instant, in any order.
    ``all``: all steps, each ``at_least`` times, in any order. ``count``: events of the steps, ``at_least`` of them
    together. ``distinct``: ``at_least`` different values of ``field``. ``absence``: one step, and none of the
    absent ones. All of it within ``timespan`` of event time, both ends included, wherever that begins, and among
    events that agree in ``group_by``. An event that lacks one of these fields takes no part.
    """

    name: Name
    version: int = Field(ge=1, le=1_000_000)
    title: str = Field(min_length=1, max_length=512)
    severity: Severity = 3
    description: str = Field(default="", max_length=8_192)
    tags: tuple[str, ...] = ()
    kind: RuleKind
    timespan: Annotated[Duration, Field(gt=0)]
    group_by: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    steps: tuple[Step, ...] = Field(min_length=1, max_length=16)
    at_least: int | None = Field(default=None, ge=1, le=1_000, description="of a count or distinct rule")
    field: str | None = Field(default=None, description="of a distinct rule: whose values are counted")
    link_only: bool = Field(default=False, description="joins its members into one unit, and is no signal itself")
    lateness: Annotated[Duration, Field(ge=0)] = Field(
        default=3_600_000, description="event time behind the watermark up to which this rule still takes an event"
    )
    idle_close: Annotated[Duration, Field(gt=0)] | None = Field(
        default=None,
        description="log time without a signal that closes a unit with matches of this rule; of several the longest",
    )
    max_groups: int = Field(default=10_000, ge=1, le=1_000_000, description="groups that a domain keeps for this rule")

    @property
    def key(self) -> str:
        """Name and version, for example ``password-spray@2``."""
        return f"{self.name}@{self.version}"

    @model_serializer(mode="wrap")
    def _given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _without_defaults(dump(self))


def _without_defaults(dumped: dict[str, Any]) -> dict[str, Any]:
    """A thousand rules must fit into one record of the log: what is not given is left out. Zero and false are given."""
    return {key: value for key, value in dumped.items() if value or not (value is None or hasattr(value, "__len__"))}
