"""The investigation unit: what an analyst opens instead of forty alerts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Contract, SchemaVersion, Severity, Utc
from schemas.entity import EntityKind
from schemas.events import ChangeKind, FindingKind, FindingStatus

Reason = Literal[
    "opened",
    "signal",
    "late",
    "merged",
    "split",
    "change",
    "review",
    "context",
    "related",
    "suppression",  # it left the primary queue or came back, and nothing else was the cause
    "reopened",
    "closed",
]
Status = Literal["open", "closed", "merged"]
Disposition = Literal["undecided", "true_positive", "false_positive", "benign", "duplicate", "insufficient_data"]


class Factor(Contract):
    """One named contribution to a score, in that score's own units, and the words for it."""

    name: str
    value: float
    text: str


class Risk(Contract):
    """0 to 100; the factors add up to the score before it is rounded and clamped."""

    score: float = Field(ge=0, le=100)
    factors: tuple[Factor, ...] = ()


class ContextFact(Contract):
    """One statement about what surrounds the unit: the context record, its version, and how old it was then."""

    field: str
    text: str
    record: str | None = Field(
        default=None, description="kind:key@version, event:source/id of what was seen; None where no record says so"
    )
    age_s: float | None = Field(default=None, description="at the newest signal; None where the record has no date")
    stale: bool = Field(default=False, description="said longer ago than its kind may be; the text says how long")


class Exploitability(Contract):
    """What makes the affected component easy or hard to reach. None means not known, never no."""

    internet_facing: bool | None = None
    privileged: bool | None = None
    customer_path: bool | None = None
    kev: tuple[str, ...] = ()
    max_epss: float | None = None
    max_cvss: float | None = None
    fix_available: bool | None = None
    controls: tuple[str, ...] = Field(default=(), description="compensating controls in force")
    exceptions: tuple[str, ...] = Field(default=(), description="ids of policy exceptions in force")
    evidence: tuple[ContextFact, ...] = Field(default=(), description="as of the newest signal's event time")


class Story(Contract):
    """What an analyst asks first: service, owner, on_call, runs_on, reachable, deployment_window, freeze; ``field``
    says which. With ``Exploitability.evidence`` and ``fixed_before`` it is all that is known around a vulnerability."""

    facts: tuple[ContextFact, ...] = Field(
        default=(), description="as of the newest signal; on_call, deployment_window and freeze as of the revision"
    )
    confidence: str = Field(default="", description="how far the context can be trusted: what of it is stale, in words")


class Signal(Contract):
    """One reason to look: a finding, or activity that a model scored as unusual. Repeats are counted, not listed."""

    id: str
    source_id: str = Field(description="of the first occurrence")
    source: str
    kind: FindingKind | Literal["anomaly"]
    time: Utc = Field(description="of the first occurrence")
    last: Utc
    count: int = Field(ge=1)
    status: FindingStatus = "open"
    reporters: tuple[str, ...] = Field(default=(), description="tools that reported this same weakness")
    same: tuple[str, ...] = Field(default=(), description="why their reports are one signal, in words")
    title: str
    severity: Severity
    score: float = Field(ge=0, le=1, description="how unusual or how severe, 0 to 1")
    why: tuple[str, ...] = Field(description="in words, one statement each, with their numbers")


class UnitEntity(Contract):
    """An entity of the unit, with its weight in holding the unit together (0: carried along, links nothing)."""

    kind: EntityKind
    id: str
    weight: float = Field(ge=0)


class SuspectChange(Contract):
    """A change that came before, scored. Above 0.5 it is a suspect."""

    id: str
    source_id: str
    source: str
    kind: ChangeKind
    time: Utc
    actor: str | None
    title: str
    score: float = Field(ge=0, le=1)
    factors: tuple[Factor, ...]


class FixedBefore(Contract):
    """An earlier unit like this one, or an imported case, and the change that ended it."""

    unit_id: str = Field(description="empty of an imported case")
    change_id: str = Field(description="empty of an imported case")
    source: str
    title: str
    actor: str | None
    time: Utc
    text: str = Field(description="what makes the units alike, and what the change did, in words")
    team: str | None = Field(default=None, description="that owned what was changed")
    days: float | None = Field(default=None, ge=0, description="from its first signal, or the opening, to the end")
    case: str | None = Field(default=None, description="key of the imported case")
    record: str | None = Field(default=None, description="kind:key@version of the imported case")


class SourceFreshness(Contract):
    """A source of changes: how new its newest event is, seen from the end of the search."""

    source: str
    newest: Utc
    silent_s: float = Field(ge=0)
    silent: bool = Field(description="longer than this source usually is")


class ChangeSearch(Contract):
    """Where changes were looked for, so that an empty list means something."""

    from_: Utc = Field(alias="from", serialization_alias="from")
    to: Utc
    searched: int = Field(ge=0, description="changes of the domain in that time")
    silent_sources: tuple[str, ...] = Field(default=(), description="change sources heard before, but not in that time")
    sources: tuple[SourceFreshness, ...] = ()
    text: str = Field(default="", description="the outcome in words")


class UnitReview(Contract):
    """A review as the unit shows it."""

    id: str
    time: Utc
    reviewer: str
    kind: str
    verdict: str | None
    comment: str


Relation = Literal[
    "indicator",  # shares a strong indicator, in another domain
    "successor",  # carries on where this one was full or too old
    "predecessor",
    "split_from",
    "split_into",
    "moved",  # the component's signals go to another domain now
    "earlier",  # was about the same before, and is closed
]


class RelatedUnit(Contract):
    """Another unit that this one has to do with, and why. Never a member."""

    unit_id: str = Field(description="empty where a component moved and only its domain is known")
    domain: str
    relation: Relation = "indicator"
    indicator_kind: EntityKind | None = None
    indicator: str | None = None
    text: str = ""


class NotJoined(Contract):
    """An entity that would have linked, were it not shared by so many."""

    kind: EntityKind
    id: str
    signals: int = Field(ge=0, description="signals that carried it in that time")
    unrelated: int = Field(ge=0, description="how many of them have nothing else in common; a lower bound")
    text: str


class JoinedBy(Contract):
    """Why signals with nothing in common are one unit: one's component depends on the other's."""

    component: str
    depends_on: str
    hops: int = Field(ge=1)
    text: str


class Suppression(Contract):
    """Why the unit is out of the primary queue, on what evidence, by whom, until when."""

    pattern: str = Field(description="id of the pattern")
    title: str
    owner: str
    reason: str
    evidence: tuple[Factor, ...]
    since: Utc
    expires: Utc | None
    sampled: bool = Field(default=False, description="surfaced all the same, as a sample of what the pattern hides")


class UnitDiff(Contract):
    """What this revision says that the one before did not."""

    signals_added: int = 0
    signals_removed: int = 0
    risk: float = Field(default=0, description="new score less the one before")
    severity: int = 0
    changes: tuple[str, ...] = Field(default=(), description="source ids of suspects that are new or gone")
    fields: tuple[str, ...] = Field(default=(), description="other fields that differ")
    text: str = ""


class Alias(Contract):
    """An entity that was taken for another, and the event that says so."""

    kind: EntityKind
    id: str
    of_kind: EntityKind
    of_id: str
    source: str
    source_id: str


class ModelHealth(Contract):
    """How a model of the unit's domain was when the revision was made."""

    model: str = Field(description="a detector, or all of them combined")
    state: Literal["good", "learning", "drift"]
    text: str = Field(description="the numbers that say so, in words")


class Provenance(Contract):
    """What decided: with these and the log, the unit can be computed again, byte for byte."""

    engine: str
    config: str
    rules: str
    models: tuple[str, ...] = Field(description="set, then name@version:digest of parameters:digest of state")
    model_health: tuple[ModelHealth, ...] = ()
    context: str
    log: tuple[int, int, int] | None = Field(description="partition, first and last offset of the members")


class Unit(Contract):
    """One revision of an investigation unit. The key of its record is ``unit_id``; revisions only rise."""

    unit_id: str
    revision: int = Field(ge=1)
    reason: Reason
    status: Status
    disposition: Disposition = "undecided"
    severity: Severity
    confidence: float = Field(ge=0, le=1)
    title: str
    domain: str
    opened_at: Utc
    updated_at: Utc
    closed_at: Utc | None = None
    owner: str | None = None
    components: tuple[str, ...] = ()
    risk: Risk
    exploitability: Exploitability
    signal_count: int = Field(ge=0, description="members, repeats included")
    signals: tuple[Signal, ...]
    entities: tuple[UnitEntity, ...]
    changes: tuple[SuspectChange, ...] = ()
    change_count: int = Field(default=0, ge=0, description="changes with a score, shown or not")
    change_search: ChangeSearch | None = None
    fixed_before: tuple[FixedBefore, ...] = ()
    story: Story | None = Field(default=None, description="what surrounds it, where anything is known")
    joined_by: tuple[JoinedBy, ...] = ()
    not_joined: tuple[NotJoined, ...] = ()
    identities: tuple[Alias, ...] = Field(default=(), description="entities of the unit that were resolved to others")
    suppression: Suppression | None = None
    approvals: tuple[str, ...] = ()
    reviews: tuple[UnitReview, ...] = ()
    related: tuple[RelatedUnit, ...] = ()
    aliases: tuple[str, ...] = Field(default=(), description="ids of units that were merged into this one")
    merged_into: str | None = None
    first_at: Utc = Field(description="event time of the first signal")
    last_at: Utc = Field(description="event time of the last signal")
    provenance: Provenance
    digest: str
    diff: UnitDiff | None = None
    truncated: bool = False
    v: SchemaVersion = 1

    @property
    def hidden(self) -> bool:
        """Whether it is out of the primary queue: suppressed, and not surfaced as a sample."""
        return self.suppression is not None and not self.suppression.sampled
