"""What a source is: it reads one parsed, redacted document and says what is in it.

A source never raises for bad input and never drops anything silently: for every item of the document it returns
either drafts, or ``Ignored`` (well-formed, and of no interest), or ``Malformed`` (with its place and reason).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal, NamedTuple, NotRequired, Protocol, TypedDict

from schemas.entity import EntityKind
from schemas.events import ChangeKind, ChangeStatus, ContextKind, Exposing, FindingKind, FindingStatus, Outcome

EntityDraft = tuple[EntityKind, str]
IdentityDraft = tuple[EntityKind, str, EntityKind, str]


class ObservedDraft(TypedDict):
    """The common fields of ``schemas.events.Observed``, before the catalog has placed the event.

    ``time`` is RFC 3339 text with an offset, checked to be a string by the source. ``domain`` is the fallback for what
    the catalog does not know: ``aws:<account>``, ``github:<owner>/<repo>``, ``image:<repository>`` and the like.
    ``origin``, ``home`` and ``source`` are filled in by the caller. An identity is kind and id of an entity, then those
    of the one it stands for (``streams.sources.identity``).
    """

    source_id: str
    time: str
    domain: str
    component: NotRequired[str]
    entities: list[EntityDraft]
    identities: NotRequired[list[IdentityDraft]]
    title: str


class ActivityDraft(ObservedDraft):
    """Draft of ``schemas.events.Activity``."""

    type: Literal["activity"]
    action: str
    actor: NotRequired[str | None]
    outcome: NotRequired[Outcome]
    error: NotRequired[str | None]
    read_only: NotRequired[bool | None]
    severity: NotRequired[int]


class FindingDraft(ObservedDraft):
    """Draft of ``schemas.events.Finding``."""

    type: Literal["finding"]
    kind: FindingKind
    rule: str
    severity: int
    reporter: str
    status: NotRequired[FindingStatus]
    aliases: NotRequired[list[str]]
    cvss: NotRequired[float | None]
    fix: NotRequired[str | None]
    location: NotRequired[str | None]
    evidence: NotRequired[str | None]
    fingerprints: NotRequired[list[str]]
    scan: NotRequired[str | None]
    target: NotRequired[str | None]
    epss: NotRequired[float | None]
    kev: NotRequired[bool | None]


class ScanDraft(ObservedDraft):
    """Draft of ``schemas.events.Scan``."""

    type: Literal["scan"]
    reporter: str
    target: str
    scan: str
    findings: int


class ChangeDraft(ObservedDraft):
    """Draft of ``schemas.events.Change``."""

    type: Literal["change"]
    kind: ChangeKind
    actor: NotRequired[str | None]
    status: NotRequired[ChangeStatus]
    revision: NotRequired[str | None]
    action: NotRequired[str | None]
    exposes: NotRequired[list[Exposing]]


class ContextDraft(TypedDict):
    """Draft of ``schemas.events.ContextRecord``."""

    type: Literal["context"]
    kind: ContextKind
    key: str
    record: dict[str, Any] | None


Draft = ActivityDraft | FindingDraft | ScanDraft | ChangeDraft | ContextDraft


class Malformed(NamedTuple):
    """An item that its format does not allow. ``place`` is a path inside the document."""

    place: str
    reason: str


class Ignored(NamedTuple):
    """An item that is well-formed and that Weir has no use for. ``reason`` is short and bounded: a metric label."""

    reason: str


Reading = tuple[int, Draft | Malformed | Ignored]
"""Item number inside the document (0-based) and what it is. One item may give several drafts."""


class Source(Protocol):
    """One wire format."""

    name: str
    """For example ``aws.cloudtrail``; becomes ``source`` of its events."""

    lateness: timedelta
    """How long after the event time the producer may deliver, as the producer states it."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """Whether the document is of this format, by content; cheap, and false for the other formats' documents."""

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every item of the document. Never raises for bad input.

        ``headers`` are the Kafka headers, names in lower case, values UTF-8 text.
        """
