"""What a scenario is made of: messages as a producer would write them, and the parts a story plays in them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

WireSource = Literal["cloudtrail", "github", "cdevents", "trivy", "sarif", "ocsf"]

Headers = tuple[tuple[str, bytes], ...]

Role = Literal["finding", "activity", "change", "context"]
"""What a record is to its story: ``finding`` and ``activity`` are members of the incident, ``change`` may have caused
it, ``context`` is there because it would be there in real life."""

ChangeKind = Literal["deploy", "rollback", "dependency", "configuration", "infrastructure", "access", "code"]


class Message(NamedTuple):
    """One Kafka record before it has a topic: ``source`` names the kind of raw topic, ``arrival`` its append time."""

    source: WireSource
    key: bytes | None
    headers: Headers
    value: bytes
    arrival: datetime


class Reference(NamedTuple):
    """One record by the natural key that its vendor gave it."""

    source: WireSource
    source_id: str
    time: datetime
    role: Role
    kind: str
    """A change kind for changes, the rule for findings, ``service:Operation`` for activity."""
    severity: int = 0
    """OCSF ``severity_id``, for findings."""
    actor: str | None = None
    component: str | None = None


class Part(NamedTuple):
    """One message of a story and the records in it."""

    message: Message
    references: tuple[Reference, ...]
