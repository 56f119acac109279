"""What a mapping file may say, as pydantic models: the keys, their forms, and what each needs.

A bare text is a path, so ``title = "alert.name"`` and ``title = { path = "alert.name" }`` are the same; a fixed text is
``{ value = "…" }``. Where a field has a fixed set of words (``kind``, ``status``, ``outcome``) a bare text is such a
word, and a path stands in a table. Whether constants and maps fit their field is checked by ``mapping_fields``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    field_validator,
    model_validator,
)

from schemas.entity import EntityKind
from streams.sources.mapping_path import BadPath, Constant, Expression, Part, expression, template
from streams.sources.mapping_times import BadForm, reader

Scalar = str | int | float | bool

_SPAN = re.compile(r"([0-9]{1,5})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _any_path(given: object) -> Expression:
    if isinstance(given, Expression):
        return given
    if not isinstance(given, str):
        raise ValueError("is no path: a text such as alert.host.name")
    try:
        return expression(given)
    except BadPath as error:
        raise ValueError(f"{given!r} is no path: {error}") from None


def _one_path(given: object) -> Expression:
    found = _any_path(given)
    if found.several:
        raise ValueError(f"{found.text!r} may give several values, and one is needed: take the first with [0]")
    return found


def _template(given: object) -> tuple[Part, ...]:
    if not isinstance(given, str):
        raise ValueError("is no text with {paths} in it")
    try:
        parts = template(given)
    except BadPath as error:
        raise ValueError(f"{given!r}: {error}") from None
    for part in parts:
        if isinstance(part, Expression):
            _one_path(part)
    if not any(isinstance(part, Expression) for part in parts):
        raise ValueError(f"{given!r} has no {{path}} in it; a fixed text is a value")
    return parts


def _listed(given: object) -> object:
    return [given] if isinstance(given, str) else given


AnyPath = Annotated[Expression, PlainValidator(_any_path)]
OnePath = Annotated[Expression, PlainValidator(_one_path)]
Template = Annotated[tuple[Part, ...], PlainValidator(_template)]
Paths = Annotated[tuple[AnyPath, ...], BeforeValidator(_listed), Field(min_length=1)]


class Table(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class When(Table):
    """A condition; all that it says must hold. Of a path with ``[*]`` one value that fits is enough."""

    exists: Paths | None = Field(default=None, description="paths that are there and not null or empty")
    missing: Paths | None = Field(default=None, description="paths that are not")
    equals: dict[str, Scalar | tuple[Scalar, ...]] = Field(
        default_factory=dict, description="path = value, or a list of which it is one"
    )
    matches: dict[str, str] = Field(
        default_factory=dict, description="path = regular expression for the whole text, at most 4,096 characters"
    )

    @field_validator("equals", "matches")
    @classmethod
    def _paths(cls, tests: dict[str, Any]) -> dict[str, Any]:
        for path in tests:
            _any_path(path)
        return tests

    @field_validator("matches")
    @classmethod
    def _patterns(cls, tests: dict[str, str]) -> dict[str, str]:
        for path, pattern in tests.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{path}: {pattern!r} is no regular expression: {error}") from None
        return tests

    @model_validator(mode="after")
    def _says_something(self) -> When:
        if not (self.exists or self.missing or self.equals or self.matches):
            raise ValueError("says nothing; give exists, missing, equals or matches")
        return self


class Value(Table):
    """Where a field's value comes from: exactly one of ``path``, ``text`` and ``value``."""

    path: OnePath | None = Field(default=None, description="path, or several with ?? between them")
    text: Template | None = Field(default=None, description="text with {paths}; missing if one of them is")
    value: Scalar | None = Field(default=None, description="always this")
    map: dict[str, Scalar] | None = Field(
        default=None, min_length=1, description="value there = value here; letters' case does not count"
    )
    other: Scalar | None = Field(
        default=None, description="for what the map does not have, or its field does not allow"
    )
    required: bool = Field(default=False, description="without it the item is malformed, not only without the field")

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: object) -> object:
        if isinstance(given, str):
            return cls._bare_text(given)
        return {"value": given} if isinstance(given, bool | int | float) else given

    @classmethod
    def _bare_text(cls, given: str) -> object:
        return {"path": given}

    @field_validator("map")
    @classmethod
    def _one_case(cls, given: dict[str, Scalar] | None) -> dict[str, Scalar] | None:
        folded = [key.casefold() for key in given or ()]
        if twice := sorted({key for key in folded if folded.count(key) > 1}):
            raise ValueError(f"has {', '.join(map(repr, twice))} more than once: letters' case does not count")
        return given

    @model_validator(mode="after")
    def _one_origin(self) -> Value:
        given = [name for name in ("path", "text", "value") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of path, text and value; has {' and '.join(given) or 'none'}")
        if self.value is not None and (self.map or self.other is not None):
            raise ValueError("is a fixed value; map and other have no meaning there")
        return self

    @property
    def written(self) -> str:
        """Where it comes from, in the words of the file."""
        if self.path is not None:
            return self.path.text
        if self.text is not None:
            return "".join(part if isinstance(part, str) else f"{{{part.text}}}" for part in self.text)
        return repr(self.value)


class Word(Value):
    """A value of a field with a fixed set of words."""

    @classmethod
    def _bare_text(cls, given: str) -> object:
        return {"value": given}


class SeverityValue(Value):
    """A severity: by ``map`` to OCSF's numbers 0 to 6, or by a ``scale``."""

    scale: Literal["ocsf", "words", "cvss", "hundred"] | None = Field(
        default=None,
        description="ocsf (default): 0 to 6; words: low, high, critical and the like; cvss: 0 to 10; hundred: 0 to 100",
    )

    @model_validator(mode="after")
    def _map_or_scale(self) -> SeverityValue:
        if self.scale is not None and (self.map is not None or self.value is not None):
            raise ValueError("has a map or a fixed value, which are OCSF's numbers already; leave out scale")
        return self


class EntityValue(Value):
    """An entity: its kind and where its id comes from; a path with ``[*]`` or to a list gives several."""

    kind: EntityKind
    path: AnyPath | None = Field(default=None, description="path; [*] and lists give one entity each")


class ListValue(Table):
    """A list of texts."""

    path: AnyPath = Field(description="path to a list, or with [*] to its texts")
    required: bool = False

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: object) -> object:
        return {"path": given} if isinstance(given, str) else given


class TimeValue(Table):
    """The event time."""

    path: OnePath
    format: str = Field(
        default="rfc3339", description="rfc3339, epoch_s, epoch_ms, epoch_us, epoch_ns, or a pattern of strptime"
    )
    zone: str | None = Field(default=None, description="of times without an offset: UTC, +02:00, Europe/Berlin")

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: object) -> object:
        return {"path": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _readable(self) -> TimeValue:
        try:
            reader(self.format, self.zone)
        except BadForm as error:
            raise ValueError(str(error)) from None
        return self


class IdValue(Table):
    """The natural key, by which a repeated delivery is known: a path, a text of paths, or a hash of several."""

    path: OnePath | None = None
    text: Template | None = None
    hash: Paths | None = Field(default=None, description="paths whose values together tell events apart")

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: object) -> object:
        return {"path": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_origin(self) -> IdValue:
        given = [name for name in ("path", "text", "hash") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of path, text and hash; has {' and '.join(given) or 'none'}")
        if self.path is not None and all(isinstance(each, Constant) for each in self.path.alternatives):
            raise ValueError("is the same for all events")
        return self


class _Event(Table):
    when: When | None = Field(default=None, description="for which items; the first table that holds is taken")


class _Observed(_Event):
    time: TimeValue
    id: IdValue
    title: Value | None = Field(default=None, description="one line for a reader")
    domain: Value | None = Field(default=None, description="where it belongs if the catalog does not know; the name")
    component: Value | None = Field(default=None, description="name of the catalog's component, where the event has it")
    entities: tuple[EntityValue, ...] = Field(default=(), description="what it is about: kind and path each")


class ActivityTable(_Observed):
    """Something was done."""

    type: Literal["activity"]
    action: Value = Field(description="service:Operation")
    actor: Value | None = Field(default=None, description="who did it; also a principal among the entities")
    outcome: Word | None = Field(default=None, description="success, failure or unknown")
    error: Value | None = None
    read_only: Value | None = Field(default=None, description="true or false")
    severity: SeverityValue | None = None


class FindingTable(_Observed):
    """Something is wrong, as a scanner or detector says."""

    type: Literal["finding"]
    kind: Word = Field(description="vulnerability, misconfiguration, secret, license, weakness or detection")
    rule: Value = Field(description="id of the rule, check or vulnerability")
    severity: SeverityValue
    status: Word | None = Field(default=None, description="open, fixed or suppressed; open if the file does not say")
    reporter: Value | None = Field(default=None, description="the tool; the mapping's name if the file does not say")
    aliases: ListValue | None = Field(default=None, description="other ids of the same weakness")
    cvss: Value | None = None
    epss: Value | None = None
    kev: Value | None = None
    fix: Value | None = None
    location: Value | None = None
    evidence: Value | None = None


class ChangeTable(_Observed):
    """Something was altered on purpose."""

    type: Literal["change"]
    kind: Word = Field(description="deploy, rollback, configuration, infrastructure, access, code and so on")
    actor: Value | None = Field(default=None, description="who did it; also a principal among the entities")
    status: Word | None = Field(default=None, description="started, succeeded, failed or unknown")
    revision: Value | None = Field(default=None, description="commit, digest or version afterwards")
    action: Value | None = None


class IgnoreTable(_Event):
    """Items that are well-formed and of no interest."""

    type: Literal["ignore"]
    reason: str = Field(min_length=1, max_length=64, description="why; it is counted under this")


EventTable = Annotated[ActivityTable | FindingTable | ChangeTable | IgnoreTable, Field(discriminator="type")]


def _span(given: object) -> object:
    if isinstance(given, str):
        found = _SPAN.fullmatch(given)
        if found is None:
            raise ValueError(f"{given!r} is no span such as 30s, 15m, 2h or 1d")
        return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
    if isinstance(given, timedelta):
        return given
    raise ValueError("is no span such as 30s, 15m, 2h or 1d")


class MappingFile(Table):
    """One format: how to know it, where its items are, and what each becomes."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_-]{0,47}$", description="source of the events, and the end of its raw topic"
    )
    description: str = Field(default="", max_length=2048, description="what it reads, for weir sources show")
    lateness: Annotated[timedelta, PlainValidator(_span)] = Field(
        default=timedelta(minutes=5), description="how late it may arrive"
    )
    recognise: When | None = Field(
        default=None, description="how a document is known by its content; without it only its topic or --source tell"
    )
    items: AnyPath | None = Field(default=None, description="path to the list of items; none: the document is one")
    event: tuple[EventTable, ...] = Field(min_length=1)

    @field_validator("lateness", mode="after")
    @classmethod
    def _within_a_day(cls, given: timedelta) -> timedelta:
        if not timedelta(0) < given <= timedelta(days=1):
            raise ValueError("must be more than nothing and at most 1d")
        return given

    @model_validator(mode="after")
    def _all_reached(self) -> MappingFile:
        for number, table in enumerate(self.event[:-1]):
            if table.when is None:
                raise ValueError(f"event[{number}] has no when and takes everything; those after it are never reached")
        return self


def keys(model: type[BaseModel]) -> Iterable[str]:
    """The keys that a table allows."""
    return model.model_fields
