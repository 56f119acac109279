"""CloudTrail records: one API call as a JSON object, and templates that write the same call fast.

Source: CloudTrail record contents for management, data, and network activity events, event version 1.11 (AWS
CloudTrail User Guide). Management events only; a record is about 1.2 kB.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.simulate.actor import Actor, Session
from streams.simulate.world import ACCOUNT, REGION

_GLOBAL = {"iam": "us-east-1"}
_SLOTS = ("key", "session", "created", "address", "time", "request", "event")


@dataclass(frozen=True, slots=True)
class Call:
    """An API operation with its parameters; ``service:operation`` as Weir's ``action`` has it."""

    service: str
    operation: str
    read_only: bool
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None
    resources: tuple[tuple[str, str], ...] = ()
    """CloudFormation type and ARN of each resource."""
    event_type: str = "AwsApiCall"
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def action(self) -> str:
        """For example ``iam:CreateUser``."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call was refused."""

    code: str
    message: str


def denied(actor: Actor, session: Session, call: Call, resource: str = "*") -> Failure:
    """The refusal that IAM gives where no policy allows the call. EC2 has a code of its own."""
    if call.service == "ec2":
        return Failure("Client.UnauthorizedOperation", "You are not authorized to perform this operation.")
    who = actor.identity(session)["arn"]
    what = f"{call.service}:{call.operation}"
    return Failure(
        "AccessDenied",
        f"User: {who} is not authorized to perform: {what} on resource: {resource} because no identity-based policy "
        f"allows the {what} action",
    )


def record(
    actor: Actor,
    session: Session,
    call: Call,
    time: str,
    request_id: str,
    event_id: str,
    failure: Failure | None = None,
    user_agent: str | None = None,
) -> dict[str, Any]:
    """One record. ``time`` is RFC 3339 with seconds and ``Z``, as CloudTrail writes it."""
    region = _GLOBAL.get(call.service, REGION)
    host = f"{call.service}.amazonaws.com" if call.service in _GLOBAL else f"{call.service}.{region}.amazonaws.com"
    out: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": actor.identity(session),
        "eventTime": time,
        "eventSource": f"{call.service}.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": region,
        "sourceIPAddress": session.address,
        "userAgent": user_agent or actor.user_agent,
    }
    if failure is not None:
        out["errorCode"] = failure.code
        out["errorMessage"] = failure.message
    out["requestParameters"] = call.request
    out["responseElements"] = None if failure is not None else call.response
    out |= call.extra
    out["requestID"] = request_id
    out["eventID"] = event_id
    out["readOnly"] = call.read_only
    if call.resources:
        out["resources"] = [{"accountId": ACCOUNT, "type": kind, "ARN": arn} for kind, arn in call.resources]
    out["eventType"] = call.event_type
    out["managementEvent"] = True
    out["recipientAccountId"] = ACCOUNT
    out["eventCategory"] = "Management"
    out["tlsDetails"] = {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": host,
    }
    return out


def template(actor: Actor, call: Call, failure: Failure | None = None) -> bytes:
    """The record as a format string for ``bytes % {b"time": ..., ...}``.

    Slots: ``key``, ``session``, ``created``, ``address`` (a ``Session``), ``time``, ``request`` and ``event``.
    """
    marks = {name: f"@@{name}@@" for name in _SLOTS}
    session = Session(marks["key"], marks["session"], marks["created"], marks["address"])
    if failure is None:
        out = record(actor, session, call, marks["time"], marks["request"], marks["event"])
    else:
        out = record(actor, session, call, marks["time"], marks["request"], marks["event"], failure)
    text = orjson.dumps(out).replace(b"%", b"%%")
    for name, mark in marks.items():
        text = text.replace(mark.encode(), b"%%(%s)b" % name.encode())
    return text


def placeholder_session() -> Session:
    """The session that ``template`` writes into a record, for texts that quote the caller."""
    return Session("@@key@@", "@@session@@", "@@created@@", "@@address@@")
