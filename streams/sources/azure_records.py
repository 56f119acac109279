"""What the logs of Azure and of Microsoft Entra have in common: the record, who its token names, and the resource.

A record has the common schema of Azure Monitor's resource logs, in ``{"records": […]}`` as event hubs carry it, in an
array, or one a line as storage accounts have it. ``{"value": […]}`` is what the REST APIs answer.

- A user is the principal name, in lower case, since Entra tells no case apart; an application is the object id of its
  service principal, else its application id. GUIDs are in lower case, resource ids too (Azure documentation: resource
  ids are compared without case).
- A token is a session by its unique identifier (``uti``), which sign-in logs, activity logs and those of workloads
  share; the session of a root sign-in (``sid``) is one as well.
- Stated: the object id of a user for the principal name, both kinds of session for whoever signed in.

Sources: Azure Monitor, "Common and service-specific schemas for Azure resource logs"; Microsoft Entra, "Access token
claims reference" and "Track and investigate identity activities with linkable identifiers".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from schemas.events import Outcome
from streams.sources.base import EntityDraft, IdentityDraft, Malformed, Reading
from streams.sources.document import mapping
from streams.sources.fields import address, email, text
from streams.sources.memo import Memo

GUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]{1,64})(?:/|$)")
_PORT = re.compile(r"\[?([0-9A-Fa-f:.]+?)\]?:[0-9]{1,5}")
_SOAP: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_MICROSOFT: Final = "http://schemas.microsoft.com/identity/claims/"
_NAMES: Final = (f"{_SOAP}upn", f"{_SOAP}emailaddress", f"{_SOAP}name", "unique_name", "upn", "name")
_CLAIMS: Final = (f"{_MICROSOFT}objectidentifier", "oid", "appid", "azp", "uti", "sid", *_NAMES)

ENTRA: Final = frozenset(
    (
        "SignInLogs",
        "NonInteractiveUserSignInLogs",
        "ServicePrincipalSignInLogs",
        "ManagedIdentitySignInLogs",
        "ADFSSignInLogs",
        "AuditLogs",
        "UserRiskEvents",
        "ServicePrincipalRiskEvents",
        "RiskyUsers",
        "RiskyServicePrincipals",
        "ProvisioningLogs",
        "NetworkAccessTrafficLogs",
        "MicrosoftGraphActivityLogs",
        "B2CRequestLogs",
        "EnrichedOffice365AuditLogs",
    )
)
"""Categories of Entra's diagnostic settings."""

OUTCOMES: Final[dict[str, Outcome]] = {
    "success": "success",
    "succeeded": "success",
    "ok": "success",
    "0": "success",
    "failure": "failure",
    "failed": "failure",
    "timeout": "failure",
    "canceled": "failure",
}
"""By ``resultType``, ``status`` or ``result`` in lower case."""


def records_of(document: object) -> tuple[str, list[Any]] | None:
    """Place and records of a document with several; None for a single record."""
    if type(document) is list:
        return "", document
    if type(document) is dict:
        for name in ("records", "value"):
            if type(document.get(name)) is list:
                return name, document[name]
    return None


def first(document: object) -> dict[str, Any]:
    """The record by which a document is recognised; empty if there is none."""
    found = records_of(document)
    return mapping(document if found is None else found[1][0] if found[1] else None)


def each(document: object, read: Callable[[dict[str, Any], int, str], list[Reading]]) -> Iterator[Reading]:
    """The readings of all records; ``read`` takes a record, its number and its place, with a dot where there is one."""
    found = records_of(document)
    place, records = ("", [document]) if found is None else found
    for item, record in enumerate(records):
        at = "" if found is None else f"{place}[{item}]"
        if isinstance(record, dict):
            yield from read(record, item, f"{at}." if at else "")
        else:
            yield item, Malformed(at, "not an object")


def is_entra(record: dict[str, Any]) -> bool:
    """Whether a record is of Entra's logs, by its category or its resource."""
    category, resource = record.get("category"), record.get("resourceId")
    if type(category) is str and category in ENTRA:
        return True
    return type(resource) is str and "/providers/microsoft.aadiam" in resource.lower()


def word(value: object) -> str:
    """A text, or ``value`` of a localisable one; empty for anything else."""
    if type(value) is dict:
        value = value.get("value")
    return text(value, 400) or ""


def subscription(resource: object) -> str | None:
    """The subscription's id in a resource id, in lower case."""
    return _PLACES[resource][0] if isinstance(resource, str) else None


def resource(value: object) -> EntityDraft | None:
    """A resource by its id; None for a subscription as a whole, which is an account."""
    return _PLACES[value][1] if isinstance(value, str) else None


def _place(given: str) -> tuple[str | None, EntityDraft | None]:
    """Subscription and resource of a resource id."""
    if not given.startswith("/") or len(given) > 1024:
        return None, None
    name = given.lower().rstrip("/")
    found = _SUBSCRIPTION.match(name)
    return found[1] if found else None, ("resource", name) if name.count("/") > 2 else None


_PLACES = Memo(_place)


def ip(value: object) -> EntityDraft | None:
    """An address, also with a port; not the unspecified one, which stands where there is none."""
    given = text(value, 64)
    found = address(given) or ((port := _PORT.fullmatch(given)) and address(port[1]) if given else None)
    return ("ip", found) if found and found not in ("0.0.0.0", "::") else None  # noqa: S104  an address in a log


def guid(value: object) -> str | None:
    """A GUID in lower case."""
    return value.lower() if isinstance(value, str) and GUID.fullmatch(value) else None


def user(value: object) -> str | None:
    """A user principal name in lower case."""
    found = email(value.strip()) if isinstance(value, str) else None
    return found.lower() if found else None


class Caller(NamedTuple):
    """Who acted: the principal first, then tokens; and what it says about who stands for whom."""

    entities: list[EntityDraft]
    said: list[IdentityDraft]

    @property
    def principal(self) -> str | None:
        """Id of the acting principal."""
        return self.entities[0][1] if self.entities and self.entities[0][0] == "principal" else None


def caller_of(name: str | None, object_id: str | None, app: str | None, sessions: list[str]) -> Caller:
    """The caller out of a user's name, the object id of user or service principal, the application's id and tokens.

    An application is named beside its service principal where no user acts; with a user it is only the client.
    """
    who = name or object_id or app
    found: dict[EntityDraft, None] = {}
    said: list[IdentityDraft] = []
    if who:
        found["principal", who] = None
        if name and object_id:
            said.append(("principal", object_id, "principal", name))
        if not name and app:
            found["principal", app] = None
    for session in dict.fromkeys(sessions):
        found["session", session] = None
        if who:
            said.append(("session", session, "principal", who))
    return Caller(list(found), said)


def caller_of_claims(claims: dict[str, Any], given: object) -> Caller:
    """The caller by the claims of its token; ``given`` is the log's own word for it, for entries without claims.

    What it returns is shared by the records of one token: copy before adding.
    """
    values = (given, *map(claims.get, _CLAIMS))
    return _CALLERS[tuple(value if type(value) is str else None for value in values)]


def _caller(traits: tuple[str | None, ...]) -> Caller:
    given, object_id, oid, appid, azp, uti, sid, *names = traits
    name = next((found for value in names if (found := user(value))), None) or user(given)
    tokens = [text(uti, 200), text(sid, 200)]
    return caller_of(
        name,
        guid(object_id) or guid(oid) or guid(given),
        guid(appid) or guid(azp),
        [token for token in tokens if token],
    )


_CALLERS = Memo(_caller)
