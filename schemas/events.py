"""What enters the fold: one discriminated union, told apart by ``type``.

Every record of the partition log is a JSON array of these. ``Activity``, ``Finding`` and ``Change`` come from the
outside world and carry the coordinates of the raw record they were read from; the others steer the engine.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, TypeAdapter

from schemas.base import Contract, SchemaVersion, Severity, Utc
from schemas.entity import Entity, EntityKind

Outcome = Literal["success", "failure", "unknown"]

FindingKind = Literal["vulnerability", "misconfiguration", "secret", "license", "weakness", "detection"]
"""``weakness`` is a defect found in code, ``detection`` an alert of another detector."""

FindingStatus = Literal["open", "fixed", "suppressed"]

ChangeKind = Literal[
    "deploy",
    "rollback",
    "dependency",
    "configuration",
    "infrastructure",
    "access",  # role, policy or permission
    "policy_exception",
    "feature_flag",
    "secret_rotation",
    "code",  # a push or merge; not yet running anywhere
]

ChangeStatus = Literal["started", "succeeded", "failed", "unknown"]


Entities = tuple[tuple[EntityKind, str], ...]
"""What an event is about (``schemas.entity.Entity``), read as plain pairs: a quarter of reading an event is saved."""

Identity = tuple[EntityKind, str, EntityKind, str]
"""Kind and id of an entity, then those of the one it stands for: an access key for the session it was issued to, a
session for its role, a tag for the digest it named at the time. The event that says so is the evidence."""

Origin = Annotated[
    tuple[str, int, int, int],
    Field(
        description="where the untouched original is: raw topic, partition, offset, and the item in that record, from 0"
    ),
]


class Observed(Contract):
    """The fields that every event of the outside world has."""

    v: SchemaVersion = 1
    source: str = Field(min_length=1, description="name of the source that read it, for example aws.cloudtrail")
    source_id: str = Field(
        min_length=1,
        max_length=512,
        description="the natural key the producer gave; (source, source_id) is the identity",
    )
    time: Utc = Field(description="event time")
    domain: str = Field(min_length=1, description="correlation domain, the partition key")
    component: str | None = Field(default=None, description="catalog component, where the catalog knows it")
    entities: Entities = ()
    identities: tuple[Identity, ...] = Field(default=(), description="what the event says about who stands for whom")
    title: str = Field(default="", max_length=512, description="one line for a reader; untrusted text")
    origin: Origin
    home: bool = Field(default=True, description="false on a copy that was routed to a dependent domain")


class Activity(Observed):
    """Something that was done or happened: an API call, a login, a process start."""

    type: Literal["activity"] = "activity"
    action: str = Field(min_length=1, description="service:Operation, for example iam:CreateUser")
    actor: str | None = Field(default=None, description="id of the acting principal entity")
    outcome: Outcome = "unknown"
    error: str | None = Field(default=None, max_length=256, description="the producer's error code, where it failed")
    read_only: bool | None = None
    severity: Severity = 0


class Finding(Observed):
    """A scanner's or detector's statement that something is wrong."""

    type: Literal["finding"] = "finding"
    kind: FindingKind
    rule: str = Field(min_length=1, description="vulnerability id, check id or rule id")
    severity: Severity
    status: FindingStatus = "open"
    reporter: str = Field(min_length=1, description="tool that reported it, for example trivy")
    aliases: tuple[str, ...] = Field(default=(), description="other ids of the same weakness")
    cvss: float | None = Field(default=None, ge=0, le=10)
    fix: str | None = Field(default=None, max_length=512, description="version or action that removes it")
    location: str | None = Field(default=None, max_length=1024, description="package path, file:line or resource")
    evidence: str | None = Field(default=None, max_length=2048, description="redacted excerpt; untrusted text")
    fingerprints: tuple[str, ...] = Field(
        default=(), description="name=value fingerprints of the place that survive a move of lines"
    )
    scan: str | None = Field(default=None, max_length=512, description="id of the scan that reported it")
    target: str | None = Field(default=None, max_length=1024, description="what that scan looked at, whole")
    epss: float | None = Field(default=None, ge=0, le=1, description="probability of exploitation, as reported with it")
    kev: bool | None = Field(default=None, description="known to be exploited, as reported with it")


Exposing = tuple[str, str, bool]
"""What a change opened to the internet (true) or closed (false): the resource, as its entity's id, and the way in, in
words. A closing ends the ways that have all of its words: without any, all ways."""


class Change(Observed):
    """Something was altered on purpose: a deploy, an infrastructure call, a policy, a dependency."""

    type: Literal["change"] = "change"
    kind: ChangeKind
    actor: str | None = None
    status: ChangeStatus = "unknown"
    revision: str | None = Field(
        default=None, max_length=512, description="commit, image digest or version after the change"
    )
    action: str | None = Field(default=None, description="the call that made it, where it was one")
    exposes: tuple[Exposing, ...] = Field(
        default=(), max_length=32, description="resource, way in, and whether it was opened to the internet or closed"
    )


class Scan(Observed):
    """A scanner looked at all of a target: what it reported there before, and did not report now, is fixed."""

    type: Literal["scan"] = "scan"
    reporter: str = Field(min_length=1)
    target: str = Field(min_length=1, max_length=1024)
    scan: str = Field(min_length=1, max_length=512)
    findings: int = Field(ge=0, description="how many it reported, of this domain")
    elsewhere: tuple[str, ...] = Field(
        default=(), description="domains with findings of it; then this is for all others: it found nothing there"
    )


ContextKind = Literal[
    "catalog",
    "policy_exception",
    "kev",
    "epss",
    "alias",
    "on_call",  # who is called for a component or a team, from and to
    "deployment_window",  # when a component, a system or everything may be changed
    "freeze",  # when it may not
    "vex",  # what a vendor or owner says of a vulnerability in a product
    "case",  # an incident or a ticket of before, and what ended it
    "feed",  # when the records of a kind, the key, were last read whole
    "sigma",  # a detection rule, which ingest matches
]
CONTEXT_KINDS: tuple[str, ...] = get_args(ContextKind)


class ContextRecord(Contract):
    """A statement about the world that is not an event: a catalog entity, an exception, a feed entry.

    The forms of the records: ``streams.sources.steering``, and the source of each format.
    """

    type: Literal["context"] = "context"
    v: SchemaVersion = 1
    kind: ContextKind
    key: str = Field(min_length=1, max_length=512, description="identity; a later record with the same key replaces it")
    record: dict[str, Any] | None = Field(description="None withdraws the key")
    origin: Origin


class ConfigRecord(Contract):
    """The settings that matter to the outcome, whole. From its place in the log on, they are in force."""

    type: Literal["config"] = "config"
    v: SchemaVersion = 1
    digest: str = Field(min_length=8, max_length=64)
    settings: dict[str, Any]
    origin: Origin | None = None


ReviewKind = Literal[
    "verdict",  # what it was
    "comment",
    "approval",
    "override",  # another severity, owner or risk than the engine's
    "exception",  # the risk is accepted until a date
    "merge",  # with other_unit_id
    "split",  # the named signals leave into a unit of their own
    "unmerge",  # takes back the merge that brought other_unit_id in
    "suppress",  # a pattern, from now until a date
    "unsuppress",  # a pattern: what it hid comes back
    "escalate",
    "unlink",  # revokes a learnt alias
]

Verdict = Literal["true_positive", "false_positive", "benign", "duplicate", "insufficient_data"]


class Review(Contract):
    """What a person decided about a unit, or about a pattern of them. The kind says which fields count."""

    type: Literal["review"] = "review"
    v: SchemaVersion = 1
    source_id: str = Field(min_length=1, max_length=128)
    time: Utc
    domain: str = Field(min_length=1)
    unit_id: str = Field(description="empty where it is about a pattern")
    reviewer: str = Field(min_length=1, max_length=256)
    kind: ReviewKind
    verdict: Verdict | None = None
    comment: str = Field(default="", max_length=4096)
    other_unit_id: str | None = Field(default=None, description="of merge and unmerge")
    signals: tuple[str, ...] = Field(default=(), description="ids of the signals that leave, of split")
    pattern: str | None = Field(
        default=None, max_length=64, description="id of the pattern, of suppress and unsuppress"
    )
    expires: Utc | None = Field(default=None, description="of suppress and exception")
    field: Literal["severity", "owner"] | None = Field(default=None, description="of override")
    value: str | None = Field(
        default=None, max_length=1_040, description="of override: the new value; of unlink: kind:id"
    )


class Related(Contract):
    """A unit of another domain shares a strong indicator with this one."""

    type: Literal["related"] = "related"
    v: SchemaVersion = 1
    time: Utc
    domain: str
    unit_id: str
    other_domain: str
    other_unit_id: str
    indicator: Entity
    reason: str = Field(default="", max_length=512, description="in words")


class Tick(Contract):
    """Nothing but the passing of time: its append time moves the log clock of a silent partition."""

    type: Literal["tick"] = "tick"
    v: SchemaVersion = 1


Event = Annotated[
    Activity | Finding | Change | Scan | ContextRecord | ConfigRecord | Review | Related | Tick,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
BATCH: TypeAdapter[list[Event]] = TypeAdapter(list[Event])
"""One record of the partition log: a JSON array of events, in order."""
