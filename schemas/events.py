"""What enters the fold: one discriminated union, told apart by ``type``.

Every record of the partition log is a JSON array of these. ``Activity``, ``Finding`` and ``Change`` come from the
outside world and carry the coordinates of the raw record they were read from; the others steer the engine.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

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


class ContextRecord(Contract):
    """A statement about the world that is not an event: a catalog entity, an exception, a feed entry."""

    type: Literal["context"] = "context"
    v: SchemaVersion = 1
    kind: Literal["catalog", "policy_exception", "kev", "epss"]
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


class Review(Contract):
    """What a person decided about a unit."""

    type: Literal["review"] = "review"
    v: SchemaVersion = 1
    source_id: str = Field(min_length=1, max_length=128)
    time: Utc
    domain: str = Field(min_length=1)
    unit_id: str
    reviewer: str = Field(min_length=1, max_length=256)
    kind: Literal["verdict", "comment"]
    verdict: Literal["true_positive", "false_positive", "benign", "duplicate", "insufficient_data"] | None = None
    comment: str = Field(default="", max_length=4096)


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


class Tick(Contract):
    """Nothing but the passing of time: its append time moves the log clock of a silent partition."""

    type: Literal["tick"] = "tick"
    v: SchemaVersion = 1


Event = Annotated[
    Activity | Finding | Change | ContextRecord | ConfigRecord | Review | Related | Tick,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
BATCH: TypeAdapter[list[Event]] = TypeAdapter(list[Event])
"""One record of the partition log: a JSON array of events, in order."""
