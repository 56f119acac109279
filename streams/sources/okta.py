"""Okta's System Log: sign-ins, and what administrators change, of people, applications and policies.

Read: a ``LogEvent``, an array of them as the System Log API answers, an event hook (``data.events``), and the event of
a log stream to Amazon EventBridge (``detail``, source ``aws.partner/okta.com/…``).

Every event is an activity. A successful one that changes something (``okta_changes``) is a change as well, with the
same key.

- Natural key: ``uuid``, the same by every way that an event comes; delivery is at least once.
- Time: ``published``.
- Lateness: near real time, says Okta, and by hooks and streams with repetition; five minutes.
- Severity: DEBUG and INFO are informational, WARN medium, ERROR high.
- Principals: the login (``alternateId``) where it is an e-mail address, which Okta tells apart in no case; else
  ``okta:`` and the id. What else is acted on is a resource, ``okta:`` and its id.
- Who stands for whom: the id of a user for the login, a session and an API token for the user who acts with it.
- Address: ``client.ipAddress``; the chain before it can be set by the client.
- Domain: the organisation, by the envelope; a bare event does not name it: header ``x-weir-org``.

Sources: Okta Management API, "System Log" (``LogEvent`` and what it holds); "Event hooks"; help, "Log streaming".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from schemas.events import Outcome
from streams.sources.aws_cloudtrail import agent_family
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, IdentityDraft, Malformed, Reading
from streams.sources.document import line, mapping, sequence
from streams.sources.exported import utc
from streams.sources.fields import address, dig, email, text
from streams.sources.identity import stands_for
from streams.sources.okta_changes import change_of
from streams.sources.severity import severity_of_word

ORG: Final = "x-weir-org"
"""Record header: the organisation that bare events are of."""

HOOK: Final = "com.okta.event_hook"
PARTNER: Final = "aws.partner/okta.com/"
_HOSTS: Final = (".okta.com", ".oktapreview.com", ".okta-emea.com")
_TARGETS: Final = 20
_OUTCOMES: Final[dict[str, Outcome]] = {
    "SUCCESS": "success",
    "ALLOW": "success",
    "FAILURE": "failure",
    "DENY": "failure",
    "RATE_LIMIT": "failure",
    "ABANDONED": "failure",
    "UNANSWERED": "failure",
}


class Okta:
    """The source ``okta``."""

    name = "okta"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By a hook's type, a stream's partner source, or an event's own fields."""
        if type(document) is list:
            return bool(document) and _is_event(document[0])
        if type(document) is not dict:
            return False
        return document.get("eventType") == HOOK or _is_streamed(document) or _is_event(document)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every event: one reading for an activity, two with the same item where it is a change as well."""
        org = text(headers.get(ORG), 200)
        if type(document) is list:
            return _read_all(document, "", org)
        if type(document) is dict and document.get("eventType") == HOOK:
            return _read_all(dig(document, "data", "events"), "data.events", org or _org_of(document.get("source")))
        if type(document) is dict and _is_streamed(document):
            org = org or text(str(document["source"]).removeprefix(PARTNER).partition("/")[0], 200)
            return iter(_read(document.get("detail"), 0, "detail", org))
        return iter(_read(document, 0, "", org))


def _is_event(value: object) -> bool:
    return type(value) is dict and "eventType" in value and "published" in value and "uuid" in value


def _is_streamed(document: dict[str, Any]) -> bool:
    source = document.get("source")
    return type(source) is str and source.startswith(PARTNER) and "detail" in document


def _org_of(source: object) -> str | None:
    """``https://acme.okta.com/api/v1/eventHooks/…`` is of ``acme``; a domain of the customer's own is kept whole."""
    try:
        host = urlsplit(source).hostname if isinstance(source, str) else None
    except ValueError:
        return None
    for suffix in _HOSTS:
        if host and host.endswith(suffix):
            return text(host.removesuffix(suffix), 200)
    return text(host, 200)


def _read_all(events: object, place: str, org: str | None) -> Iterator[Reading]:
    if type(events) is not list:
        yield 0, Malformed(place, "not a list of events")
        return
    for item, event in enumerate(events):
        yield from _read(event, item, f"{place}[{item}]", org)


def _read(event: object, item: int, place: str, org: str | None) -> list[Reading]:
    if not isinstance(event, dict):
        return [(item, Malformed(place, "not an object"))]
    source_id, time, kind = text(event.get("uuid")), utc(event.get("published")), text(event.get("eventType"), 200)
    if source_id is None or time is None or kind is None:
        return [(item, _refusal(event, place))]
    actor = mapping(event.get("actor"))
    principal = _principal(actor)
    found: dict[EntityDraft, None] = {principal: None} if principal else {}
    said = _acting(event, actor, principal, found)
    targets = [mapping(each) for each in sequence(event.get("target"))[:_TARGETS]]
    for target in targets:
        thing = _thing(target)
        if thing is None:
            continue
        found[thing] = None
        said += _named(target, thing)
        if thing[0] == "access_key" and principal and kind.endswith("token.create"):
            said.append(stands_for(thing, principal))
    _origin(event, found)

    outcome = _OUTCOMES.get(text(dig(event, "outcome", "result"), 32) or "", "unknown")
    domain = f"okta:{org or 'unnamed'}"
    who = principal[1] if principal else None
    title = _title(event, kind, who, targets)
    activity: ActivityDraft = {
        "type": "activity",
        "source_id": source_id,
        "time": time,
        "domain": domain,
        "entities": list(found),
        "title": title,
        "action": f"okta:{kind}",
        "actor": who,
        "outcome": outcome,
        "severity": severity_of_word(event.get("severity")),
    }
    said = [each for each in dict.fromkeys(said) if each[:2] != each[2:]]
    if said:
        activity["identities"] = said
    if outcome == "failure":
        error = line(dig(event, "outcome", "reason"), 256) or str(dig(event, "outcome", "result"))
        activity["error"] = error
        activity["title"] = f"{title[:380]}: {error[:128]}"
        return [(item, activity)]
    change = change_of(kind)
    if change is None or outcome != "success":
        return [(item, activity)]
    altered: ChangeDraft = {
        "type": "change",
        "source_id": source_id,
        "time": time,
        "domain": domain,
        "entities": list(found),
        "title": title,
        "kind": change,
        "actor": who,
        "status": "succeeded",
        "action": f"okta:{kind}",
    }
    if said:
        altered["identities"] = list(said)
    return [(item, activity), (item, altered)]


def _refusal(event: dict[str, Any], place: str) -> Malformed:
    if text(event.get("uuid")) is None:
        field, reason = "uuid", "not a text of 1 to 512 characters"
    elif utc(event.get("published")) is None:
        field, reason = "published", "not a time"
    else:
        field, reason = "eventType", "not a text of 1 to 200 characters"
    return Malformed(f"{place}.{field}" if place else field, reason)


def _id(thing: dict[str, Any]) -> str | None:
    """An id of Okta's; ``unknown`` stands where there is none."""
    found = text(thing.get("id"), 200)
    return None if found is None or found == "unknown" else found


def _login(thing: dict[str, Any]) -> str | None:
    found = email(thing.get("alternateId"))
    return found.lower() if found else None


def _principal(thing: dict[str, Any]) -> EntityDraft | None:
    named = _login(thing) or ((given := _id(thing)) and f"okta:{given}")
    return ("principal", named) if named else None


def _thing(target: dict[str, Any]) -> EntityDraft | None:
    """A target as an entity; users in applications (``AppUser``) by their name there, if that is an address."""
    kind, given = text(target.get("type"), 64) or "", _id(target)
    if kind == "User":
        return _principal(target)
    if kind == "AppUser" and (login := _login(target)):
        return "principal", login
    if given is None:
        return None
    return ("access_key", given) if kind.lower().endswith("token") else ("resource", f"okta:{given}")


def _named(thing: dict[str, Any], entity: EntityDraft) -> list[IdentityDraft]:
    """That the id of a user is the login."""
    given = _id(thing)
    return [("principal", f"okta:{given}", *entity)] if thing.get("type") == "User" and given else []


def _acting(
    event: dict[str, Any], actor: dict[str, Any], principal: EntityDraft | None, found: dict[EntityDraft, None]
) -> list[IdentityDraft]:
    """What the actor acts with, which is added to ``found``: of a user, the session and the API token."""
    said: list[IdentityDraft] = _named(actor, principal) if principal else []
    session = text(dig(event, "authenticationContext", "externalSessionId"), 200)
    token = text(dig(event, "transaction", "detail", "requestApiTokenId"), 200)
    if session and session != "unknown":
        found["session", session] = None
        if principal and actor.get("type") == "User":
            said.append(("session", session, *principal))
    if token:
        found["access_key", token] = None
        if principal and actor.get("type") == "User":
            said.append(("access_key", token, *principal))
    return said


def _origin(event: dict[str, Any], found: dict[EntityDraft, None]) -> None:
    ip = address(dig(event, "client", "ipAddress"))
    if ip is not None:
        found["ip", ip] = None
    agent = text(dig(event, "client", "userAgent", "rawUserAgent"), 1024)
    if agent and (family := agent_family(agent)):
        found["user_agent", family] = None


def _title(event: dict[str, Any], kind: str, who: str | None, targets: list[dict[str, Any]]) -> str:
    message = line(event.get("displayMessage"), 160) or kind
    names = [line(each.get("displayName"), 80) for each in targets[:2]]
    upon = ", ".join(name for name in names if name)
    return f"{(who or 'someone')[:160]}: {message}{f' ({upon})' if upon else ''}"
