"""Microsoft Entra: sign-ins of people and applications, the directory's audit log, and what Entra holds to be risky.

Read: records as diagnostic settings send them (categories ``…SignInLogs``, ``AuditLogs``, ``UserRiskEvents``,
``ServicePrincipalRiskEvents``), one or several (``azure_records``), and the same objects as Microsoft Graph answers
(``signIn``, ``directoryAudit``), which are the records' ``properties``. Other categories of Entra are ignored.

A sign-in is an activity. An activity of the directory is one, too, and where it succeeded and alters something
(``azure_changes``) a change with the same key. A risk is a detection, with ATT&CK in its evidence.

- Natural key: ``id``, unique for each sign-in and activity; of a risk with its state, since it is told again when that
  changes; a digest of the record where it is missing.
- Time: ``time``, else ``createdDateTime``, ``activityDateTime`` or ``detectedDateTime``; without an offset, UTC.
- Lateness: 99 of 100 records within 5 minutes; risks take 15 on average, and up to two hours ("Reporting latencies").
- Outcome: error code 0 is success. Codes by which Entra interrupts a sign-in, to ask for more, are neither.
- Severity: the risk that Entra saw in a sign-in, low, medium or high; else a failed one is informational.
- Who signed in, and which tokens and sessions stand for it: ``azure_records``. A credential of a service principal is
  an access key and stands for it.
- Domain: the tenant.

Sources: Microsoft Graph, ``signIn``, ``directoryAudit`` and ``riskDetection``; Azure Monitor, tables ``SigninLogs``,
``AADServicePrincipalSignInLogs`` and ``AuditLogs``; Microsoft Entra, "Authentication and authorization error codes".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from schemas.events import FindingStatus, Outcome
from streams.sources.aws_cloudtrail import agent_family
from streams.sources.azure_changes import change_of_directory
from streams.sources.azure_records import OUTCOMES, Caller, caller_of, each, first, guid, ip, is_entra, user, word
from streams.sources.base import (
    ActivityDraft,
    ChangeDraft,
    EntityDraft,
    FindingDraft,
    IdentityDraft,
    Ignored,
    Malformed,
    Reading,
)
from streams.sources.document import line, mapping, sequence
from streams.sources.exported import content_id, utc
from streams.sources.fields import dig, host, text

_SIGN_INS: Final = {
    "SignInLogs": "SignIn",
    "NonInteractiveUserSignInLogs": "NonInteractiveSignIn",
    "ServicePrincipalSignInLogs": "ServicePrincipalSignIn",
    "ManagedIdentitySignInLogs": "ManagedIdentitySignIn",
    "ADFSSignInLogs": "FederatedSignIn",
}
_GRAPH_SIGN_INS: Final = {
    "nonInteractiveUser": "NonInteractiveSignIn",
    "servicePrincipal": "ServicePrincipalSignIn",
    "managedIdentity": "ManagedIdentitySignIn",
}
_RISKS: Final = frozenset(("UserRiskEvents", "ServicePrincipalRiskEvents"))
_INTERRUPTS: Final = frozenset((50072, 50074, 50125, 50140, 50199))
_LEVELS: Final = {"low": 2, "medium": 3, "high": 4}
_STATES: Final[dict[str, FindingStatus]] = {
    "remediated": "fixed",
    "confirmedSafe": "suppressed",
    "dismissed": "suppressed",
}
_TENANT = re.compile(r"/tenants/([^/]{1,64})/")
_TECHNIQUE = re.compile(r"T[0-9]{4}(?:\.[0-9]{3})?")
_TARGETS: Final = 20


class AzureSignIn:
    """The source ``azure.signin``."""

    name = "azure.signin"
    lateness = timedelta(minutes=15)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the category or resource of the first record, or by the fields of Graph's objects."""
        record = first(document)
        if "operationName" in record or "category" in record:
            return is_entra(record) or _is_audit(record)
        return _is_audit(record) or _is_sign_in(record)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every record: an activity, an activity and a change with the same item, or a detection."""
        return each(document, _read)


def _is_sign_in(record: dict[str, Any]) -> bool:
    return "createdDateTime" in record and "appId" in record and type(record.get("status")) is dict


def _is_audit(record: dict[str, Any]) -> bool:
    return "activityDateTime" in record and "activityDisplayName" in record and "initiatedBy" in record


def _read(record: dict[str, Any], item: int, place: str) -> list[Reading]:
    inner = mapping(record.get("properties")) if "properties" in record else record
    category = text(record.get("category"), 64) or ""
    given = (
        record.get("time"),
        inner.get("createdDateTime"),
        inner.get("activityDateTime"),
        inner.get("detectedDateTime"),
    )
    time = next((found for each_time in given if (found := utc(each_time))), None)
    if time is None:
        return [(item, Malformed(f"{place}time", "not a time"))]
    if category in _RISKS:
        return [(item, _risk(record, inner, time))]
    if _is_audit(inner) or category == "AuditLogs":
        return [(item, draft) for draft in _audit(record, inner, time)]
    if category in _SIGN_INS or _is_sign_in(inner):
        return [(item, _sign_in(record, inner, category, time))]
    if is_entra(record):
        return [(item, Ignored("category of Entra that is not read"))]
    return [(item, Malformed(f"{place}category", "neither a sign-in nor an audit record"))]


def _tenant(record: dict[str, Any], inner: dict[str, Any]) -> str | None:
    given = text(record.get("tenantId"), 64) or text(inner.get("tenantId"), 64) or text(inner.get("homeTenantId"), 64)
    if given:
        return given.lower()
    found = _TENANT.match(record["resourceId"][:200].lower()) if isinstance(record.get("resourceId"), str) else None
    return found[1] if found else None


def _key(record: dict[str, Any], inner: dict[str, Any]) -> str:
    return text(inner.get("id"), 200) or content_id(record)


def _sign_in(record: dict[str, Any], inner: dict[str, Any], category: str, time: str) -> ActivityDraft:
    kinds = sequence(inner.get("signInEventTypes"))
    named = _GRAPH_SIGN_INS.get(kinds[0]) if kinds and isinstance(kinds[0], str) else None
    kind = _SIGN_INS.get(category) or named or "SignIn"
    service = guid(inner.get("servicePrincipalId"))
    name = None if service else user(inner.get("userPrincipalName"))
    sessions = [text(inner.get(field), 200) for field in ("uniqueTokenIdentifier", "sessionId")]
    caller = caller_of(
        name,
        service or guid(inner.get("userId")),
        guid(inner.get("appId")) if service else None,
        [session for session in sessions if session],
    )
    found: dict[EntityDraft, None] = dict.fromkeys(caller.entities)
    said: list[IdentityDraft] = list(caller.said)
    credential = text(inner.get("servicePrincipalCredentialKeyId"), 64)
    if service and credential:
        found["access_key", credential] = None
        said.append(("access_key", credential, "principal", service))
    app = guid(inner.get("appId"))
    if app and not service:
        found["resource", f"entra:app/{app}"] = None
    target = guid(inner.get("resourceServicePrincipalId"))
    if service and target:
        found["resource", f"entra:{target}"] = None
    device = host(dig(inner, "deviceDetail", "displayName"))
    if device:
        found["host", device] = None
    tenant = _about(record, inner, inner.get("ipAddress"), inner.get("userAgent"), found)

    outcome, error = _result(record, inner)
    who = caller.principal
    to = line(inner.get("resourceDisplayName"), 100) if service else line(inner.get("appDisplayName"), 100)
    title = f"{(who or 'someone')[:160]}: {kind}{f' to {to}' if to else ''}"
    risk = _LEVELS.get(text(inner.get("riskLevelDuringSignIn"), 16) or "", 0)
    draft: ActivityDraft = {
        "type": "activity",
        "source_id": _key(record, inner),
        "time": time,
        "domain": f"azure:{tenant or 'unknown'}",
        "entities": list(found),
        "title": f"{title}: {error}" if error else title,
        "action": f"entra:{kind}",
        "actor": who,
        "outcome": outcome,
        "severity": max(risk, 1 if error else 0),
    }
    if said:
        draft["identities"] = said
    if error:
        draft["error"] = error
    return draft


def _about(
    record: dict[str, Any], inner: dict[str, Any], address: object, agent: object, found: dict[EntityDraft, None]
) -> str | None:
    """Adds address, client and tenant to ``found``; returns the tenant."""
    origin = ip(record.get("callerIpAddress")) or ip(address) or ip(record.get("ipAddress"))
    if origin:
        found[origin] = None
    client = text(agent, 1024)
    if client and (family := agent_family(client)):
        found["user_agent", family] = None
    tenant = _tenant(record, inner)
    if tenant:
        found["account", tenant] = None
    return tenant


def _result(record: dict[str, Any], inner: dict[str, Any]) -> tuple[Outcome, str | None]:
    code = dig(inner, "status", "errorCode")
    if type(code) is not int:
        given = (text(record.get("resultType"), 64) or text(inner.get("resultType"), 64) or "").lower()
        if not given.isdecimal() or len(given) > 9:
            found = OUTCOMES.get(given, "unknown")
            return found, given if found == "failure" else None
        code = int(given)
    if code in _INTERRUPTS:
        return "unknown", None
    return ("failure", str(code)[:32]) if code else ("success", None)


def _audit(record: dict[str, Any], inner: dict[str, Any], time: str) -> list[ActivityDraft | ChangeDraft]:
    by = mapping(inner.get("initiatedBy"))
    person, app = mapping(by.get("user")), mapping(by.get("app"))
    caller: Caller
    if person:
        caller = caller_of(user(person.get("userPrincipalName")), guid(person.get("id")), None, [])
    else:
        caller = caller_of(None, guid(app.get("servicePrincipalId")), guid(app.get("appId")), [])
    found: dict[EntityDraft, None] = dict.fromkeys(caller.entities)
    said: list[IdentityDraft] = list(caller.said)
    targets = [mapping(target) for target in sequence(inner.get("targetResources"))[:_TARGETS]]
    for target in targets:
        _add_target(target, found, said)
    details = (mapping(each_detail) for each_detail in sequence(inner.get("additionalDetails"))[:32])
    agent = next((detail.get("value") for detail in details if detail.get("key") == "User-Agent"), None)
    tenant = _about(record, inner, person.get("ipAddress"), agent, found)

    name = line(inner.get("activityDisplayName"), 160) or line(word(record.get("operationName")), 160) or "activity"
    given = word(inner.get("result")) or word(record.get("result")) or word(record.get("resultType"))
    outcome: Outcome = OUTCOMES.get(given.lower(), "unknown")
    who = caller.principal or (line(app.get("displayName"), 100) if app else None)
    upon = ", ".join(shown for target in targets[:2] if (shown := line(target.get("displayName"), 80)))
    title = f"{(who or 'someone')[:120]}: {name}{f' ({upon})' if upon else ''}"
    said = [statement for statement in dict.fromkeys(said) if statement[:2] != statement[2:]]
    activity: ActivityDraft = {
        "type": "activity",
        "source_id": _key(record, inner),
        "time": time,
        "domain": f"azure:{tenant or 'unknown'}",
        "entities": list(found),
        "title": title,
        "action": f"entra:{name}",
        "actor": caller.principal,
        "outcome": outcome,
        "severity": 1 if outcome == "failure" else 0,
    }
    if said:
        activity["identities"] = said
    if outcome == "failure":
        activity["error"] = line(inner.get("resultReason"), 200) or given.lower()[:64]
        return [activity]
    kind = change_of_directory(word(inner.get("category")), word(inner.get("operationType")), name)
    if kind is None or outcome != "success":
        return [activity]
    altered: ChangeDraft = {
        "type": "change",
        "source_id": activity["source_id"],
        "time": time,
        "domain": activity["domain"],
        "entities": list(found),
        "title": title,
        "kind": kind,
        "actor": caller.principal,
        "status": "succeeded",
        "action": activity["action"],
    }
    if said:
        altered["identities"] = list(said)
    return [activity, altered]


def _add_target(target: dict[str, Any], found: dict[EntityDraft, None], said: list[IdentityDraft]) -> None:
    """What was acted on: users and service principals are principals, all else is a resource of the directory."""
    kind, given, name = text(target.get("type"), 64), guid(target.get("id")), user(target.get("userPrincipalName"))
    if kind == "User" and name:
        found["principal", name] = None
        if given:
            said.append(("principal", given, "principal", name))
    elif given:
        found[("principal", given) if kind in ("User", "ServicePrincipal") else ("resource", f"entra:{given}")] = None


def _risk(record: dict[str, Any], inner: dict[str, Any], time: str) -> FindingDraft:
    kind = text(inner.get("riskEventType"), 200) or "riskDetection"
    state = text(inner.get("riskState"), 64) or "atRisk"
    service = guid(inner.get("servicePrincipalId"))
    name = None if service else user(inner.get("userPrincipalName"))
    caller = caller_of(name, service or guid(inner.get("userId")), guid(inner.get("appId")) if service else None, [])
    found: dict[EntityDraft, None] = dict.fromkeys(caller.entities)
    tenant = _about(record, inner, inner.get("ipAddress"), None, found)
    draft: FindingDraft = {
        "type": "finding",
        "source_id": f"{_key(record, inner)}/{state}",
        "time": time,
        "domain": f"azure:{tenant or 'unknown'}",
        "entities": list(found),
        "title": f"{kind} of {(caller.principal or 'someone')[:200]}",
        "kind": "detection",
        "rule": kind,
        "severity": _LEVELS.get(text(inner.get("riskLevel"), 16) or "", 0),
        "reporter": "entra-id-protection",
        "status": _STATES.get(state, "open"),
    }
    if caller.said:
        draft["identities"] = list(caller.said)
    more = (text(inner.get("mitreTechniqueId"), 256) or "") + " " + (text(inner.get("additionalInfo"), 8192) or "")
    techniques = list(dict.fromkeys(_TECHNIQUE.findall(more)))[:16]
    told = [f"risk {word(inner.get('riskLevel')) or 'unknown'}, {state}"]
    if techniques:
        told.append(f"ATT&CK: {', '.join(techniques)}")
    draft["evidence"] = " ".join(told)[:2048]
    return draft
