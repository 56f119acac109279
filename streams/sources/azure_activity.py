"""The Azure activity log: what was done to resources of a subscription, by whom, and what Azure says of them.

Read: records as diagnostic settings send them to event hubs and storage accounts (``time``, ``resourceId``,
``operationName``, ``identity``), and events of the REST API (``eventTimestamp``, ``caller``, ``claims``); one, or
several (``azure_records``). Resource logs, which have the same schema, are activities; Entra's are ``azure.signin``'s.

An operation that takes time has a record when it begins, when it was accepted, and when it ended. The begin is ignored,
since an end follows; that it was accepted is a change that has started; the end is the activity and, of a successful
operation that alters something (``azure_changes``), a change. Alerts of Defender for Cloud (category Security) are
detections. The health of services and resources, and recommendations, are ignored.

- Natural key: ``eventDataId``, which only the REST API gives; else a digest of correlation id, operation, resource,
  status and time, as one operation has several records.
- Time: ``time``, ``eventTimestamp``; without an offset, UTC.
- Lateness: half a minute by diagnostic settings, 10 to 15 minutes by the older way ("Log data ingestion time").
- Severity: ``level`` is chosen by each provider and says nothing (0); what failed is informational. Alerts have theirs.
- Domain: the subscription, else the tenant.

Sources: Azure Monitor, "Azure Activity Log event schema", with its section on storage accounts and event hubs; Azure
RBAC, "View activity logs for Azure RBAC changes" (the principal in ``requestbody``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import orjson

from schemas.events import FindingStatus, Outcome
from streams.sources.aws_cloudtrail import agent_family
from streams.sources.azure_changes import change_of
from streams.sources.azure_records import (
    OUTCOMES,
    caller_of_claims,
    each,
    first,
    guid,
    ip,
    is_entra,
    resource,
    subscription,
    word,
)
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, FindingDraft, Ignored, Malformed, Reading
from streams.sources.document import digest, line, mapping
from streams.sources.exported import content_id, utc
from streams.sources.fields import dig, text
from streams.sources.severity import severity_of_word

_BEGUN: Final = frozenset(("start", "started"))
_ACCEPTED: Final = frozenset(("accept", "accepted", "in progress", "inprogress", "running"))
_IGNORED: Final = {
    "servicehealth": "service health",
    "resourcehealth": "resource health",
    "recommendation": "recommendation of Advisor",
    "networksecuritygroupflowevent": "flow log",
    "flowlogflowevent": "flow log",
}
_STATES: Final[dict[str, FindingStatus]] = {"resolve": "fixed", "dismiss": "suppressed"}
_MAX_BODY: Final = 16_384


class AzureActivity:
    """The source ``azure.activity``."""

    name = "azure.activity"
    lateness = timedelta(minutes=15)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the resource, the operation and the time of the first record, unless it is Entra's."""
        record = first(document)
        resource_id = record.get("resourceId")
        if type(resource_id) is not str or "operationName" not in record or is_entra(record):
            return False
        return resource_id[:14].lower().startswith(("/subscriptions", "/providers/", "/tenants/")) and (
            "time" in record or "eventTimestamp" in record
        )

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every record: an activity, a change, both with the same item, or a detection."""
        return each(document, _read)


def _read(record: dict[str, Any], item: int, place: str) -> list[Reading]:
    if is_entra(record):
        return [(item, Ignored("record of Microsoft Entra"))]
    time = utc(record.get("time")) or utc(record.get("eventTimestamp"))
    operation = word(record.get("operationName")).lower()
    if time is None or not operation:
        field, reason = ("time", "not a time") if time is None else ("operationName", "no name of an operation")
        return [(item, Malformed(place + field, reason))]
    properties = mapping(record.get("properties"))
    category = (word(properties.get("eventCategory")) or word(record.get("category"))).lower().replace(" ", "")
    if category in _IGNORED:
        return [(item, Ignored(_IGNORED[category]))]
    domain, account = _domain(record)
    thing = resource(record.get("resourceId"))
    if category == "security":
        return [(item, _alert(record, properties, operation, time, domain, thing, account))]

    status = (word(record.get("resultType")) or word(record.get("status"))).lower()
    if status in _BEGUN:
        return [(item, Ignored("begin of an operation whose end is read"))]
    kind = change_of(operation)
    if status in _ACCEPTED and kind is None:
        return [(item, Ignored("acceptance of an operation whose end is read"))]

    claims = mapping(dig(record, "identity", "claims")) or mapping(record.get("claims"))
    caller = caller_of_claims(claims, record.get("caller"))
    found: dict[EntityDraft, None] = dict.fromkeys((*caller.entities, *([thing] if thing else [])))
    if operation.endswith("roleassignments/write") and (given := _assigned(properties)):
        found["principal", given] = None
    origin = record.get("callerIpAddress") or dig(record, "httpRequest", "clientIpAddress") or claims.get("ipaddr")
    if address := ip(origin):
        found[address] = None
    agent = text(properties.get("userAgentHeader"), 1024)
    if agent and (family := agent_family(agent)):
        found["user_agent", family] = None
    if account:
        found["account", account] = None
    who = caller.principal
    tail = (thing[1] if thing else "").rpartition("/")[2]
    title = f"{(who or 'someone')[:160]}: {operation[:200]}{f' of {tail[:80]}' if tail else ''}"
    source_id = _key(record, operation, status, time)
    outcome, error = _outcome(record, status)

    drafts: list[Reading] = []
    if status not in _ACCEPTED:
        activity: ActivityDraft = {
            "type": "activity",
            "source_id": source_id,
            "time": time,
            "domain": domain,
            "entities": list(found),
            "title": f"{title}: {error}"[:512] if error else title,
            "action": f"azure:{operation}",
            "actor": who,
            "outcome": outcome,
            "read_only": _read_only(operation),
        }
        if caller.said:
            activity["identities"] = list(caller.said)
        if error:
            activity["error"] = error
            activity["severity"] = 1
        drafts.append((item, activity))
    if kind is None or outcome == "failure":
        return drafts
    altered: ChangeDraft = {
        "type": "change",
        "source_id": source_id,
        "time": time,
        "domain": domain,
        "entities": list(found),
        "title": title,
        "kind": kind,
        "actor": who,
        "status": "started" if status in _ACCEPTED else "succeeded" if outcome == "success" else "unknown",
        "action": f"azure:{operation}",
    }
    if caller.said:
        altered["identities"] = list(caller.said)
    return [*drafts, (item, altered)]


def _domain(record: dict[str, Any]) -> tuple[str, str | None]:
    """The domain, and the subscription as an account."""
    account = subscription(record.get("resourceId"))
    tenant = guid(record.get("tenantId"))
    return f"azure:{account or tenant or 'unknown'}", account


def _key(record: dict[str, Any], operation: str, status: str, time: str) -> str:
    given, related = text(record.get("eventDataId")), text(record.get("correlationId"))
    if given or not related:
        return given or content_id(record)
    named = resource(record.get("resourceId"))
    return digest([related, operation, named[1] if named else None, status, time, word(record.get("resultSignature"))])


def _outcome(record: dict[str, Any], status: str) -> tuple[Outcome, str | None]:
    """What came of it, and why it failed: the status of HTTP where the record has it."""
    code = record.get("statusCode")
    found = OUTCOMES.get(status, "unknown")
    if found == "unknown" and type(code) is int:
        found = "success" if code < 400 else "failure"
    if found != "failure":
        return found, None
    signature = word(record.get("resultSignature")) or word(record.get("subStatus"))
    return found, (signature or (str(code)[:16] if type(code) is int else "") or status or "failed")[:256]


def _read_only(operation: str) -> bool | None:
    """Reads and writes by the verb; an action may be either."""
    verb = operation.rpartition("/")[2]
    return {"read": True, "write": False, "delete": False}.get(verb)


def _assigned(properties: dict[str, Any]) -> str | None:
    """Who was given a role, out of the body of the request."""
    body = properties.get("requestbody")
    if not isinstance(body, str) or not 0 < len(body) <= _MAX_BODY:
        return None
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return guid(dig(asked, "Properties", "PrincipalId")) or guid(dig(asked, "properties", "principalId"))


def _alert(
    record: dict[str, Any],
    properties: dict[str, Any],
    operation: str,
    time: str,
    domain: str,
    thing: EntityDraft | None,
    account: str | None,
) -> FindingDraft:
    inner = mapping(properties.get("eventProperties")) or properties
    name = word(record.get("eventName")) or word(properties.get("eventName")) or "alert of Defender for Cloud"
    told = line(record.get("description"), 2000) or line(record.get("resultDescription"), 2000)
    entities: list[EntityDraft] = [thing] if thing else []
    if account:
        entities.append(("account", account))
    draft: FindingDraft = {
        "type": "finding",
        "source_id": _key(record, operation, word(record.get("status")), time),
        "time": time,
        "domain": domain,
        "entities": entities,
        "title": name,
        "kind": "detection",
        "rule": name,
        "severity": severity_of_word(inner.get("Severity") or inner.get("severity")),
        "reporter": "defender-for-cloud",
        "status": _STATES.get(operation.removesuffix("/action").rpartition("/")[2], "open"),
    }
    if told:
        draft["evidence"] = told
    return draft
