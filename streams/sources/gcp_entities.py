"""Who and what an entry of Cloud Audit Logs names: callers, those who delegated to them, keys, resources, projects.

A principal is its e-mail address, in lower case as Google tells no case apart, else its principal subject (identities
of a workforce or workload pool have no address). A resource is its full name, ``//SERVICE/NAME``. A project, folder,
organisation or billing account is an account.

Stated: a key of a service account stands for that account, which the key's own name says. Not stated: a service account
that somebody impersonates for that person, since many do, and the token that was made has no id; those who delegated
are principals of the event, so both are linked by it.

Sources: ``AuthenticationInfo``, ``ServiceAccountDelegationInfo`` and ``RequestMetadata`` of the AuditLog reference;
``policyDelta`` of AuditData; IAM REST reference, ``ServiceAccountKey``; resource names of the Cloud APIs.
"""

from __future__ import annotations

import re
from typing import Any, Final

from streams.sources.aws_cloudtrail import agent_family
from streams.sources.base import EntityDraft, IdentityDraft
from streams.sources.document import mapping, sequence
from streams.sources.fields import address, dig, email, text

MAX_MEMBERS: Final = 20
_KEY = re.compile(r"(?://iam\.googleapis\.com/)?projects/[^/]+/serviceAccounts/([^/]+)/keys/([^/]+)")
_HOLDER = re.compile(r"(?:projects|folders|organizations|billingAccounts)/[^/]{1,200}")


def principal(value: object) -> EntityDraft | None:
    """``ann@acme.example``, ``user:ann@acme.example`` or ``principal://iam.googleapis.com/…/subject/ann``.

    None for everybody (``allUsers``) and for what names no one caller, such as a group or a domain.
    """
    name = text(value)
    if name is None:
        return None
    for kind in ("user:", "serviceAccount:", "deleted:user:", "deleted:serviceAccount:"):
        name = name.removeprefix(kind)
    name = name.partition("?uid=")[0]
    if found := email(name):
        return "principal", found.lower()
    if name.startswith(("principal://", "system:")):
        return "principal", name
    return None


def callers(payload: dict[str, Any]) -> list[EntityDraft]:
    """The principal that called, and those who delegated to it, in the order of delegation. Empty if it is withheld."""
    given = mapping(payload.get("authenticationInfo"))
    delegated = sequence(given.get("serviceAccountDelegationInfo"))[:MAX_MEMBERS]
    found = [
        principal(given.get("principalEmail")) or principal(given.get("principalSubject")),
        *(
            principal(dig(each, "firstPartyPrincipal", "principalEmail")) or principal(dig(each, "principalSubject"))
            for each in delegated
        ),
    ]
    return [each for each in dict.fromkeys(found) if each is not None]


def key(name: object, owner: EntityDraft | None) -> tuple[EntityDraft, list[IdentityDraft]] | None:
    """A service account's key by its resource name; ``owner`` where the name has ``-`` or a number for the account."""
    found = _KEY.fullmatch(name) if isinstance(name, str) and len(name) <= 512 else None
    if found is None:
        return None
    used: EntityDraft = ("access_key", found[2])
    account = principal(found[1]) or owner
    return used, [(*used, *account)] if account else []


def origin(payload: dict[str, Any]) -> list[EntityDraft]:
    """Address and client of the caller; the address of a call inside Google's network is a word, and left out."""
    request = mapping(payload.get("requestMetadata"))
    found: list[EntityDraft] = []
    if ip := address(request.get("callerIp")) or address(request.get("callerIP")):
        found.append(("ip", ip))
    agent = text(request.get("callerSuppliedUserAgent"), 1024)
    if agent and (family := agent_family(agent)):
        found.append(("user_agent", family))
    return found


def holder(entry: dict[str, Any], log_name: str) -> str | None:
    """The project's id, or ``organizations/…``, ``folders/…``, ``billingAccounts/…``: whose log it is."""
    project = text(dig(entry, "resource", "labels", "project_id"), 200)
    found = _HOLDER.match(log_name)
    whose = found[0].removeprefix("projects/") if found else None
    return whose if whose and ("/" in whose or project is None) else project


def resource(service: str, name: object) -> EntityDraft | None:
    """The full name of a resource; None for a project and the like, which are accounts."""
    given = text(name, 1024)
    if given is None or not service or given.startswith("//") or _HOLDER.fullmatch(given):
        return ("resource", given) if given and given.startswith("//") else None
    return "resource", f"//{service}/{given}"


def members(payload: dict[str, Any]) -> list[EntityDraft]:
    """Who was given or denied a role by a change of policy."""
    deltas = sequence(dig(payload, "serviceData", "policyDelta", "bindingDeltas"))[:MAX_MEMBERS]
    found = [principal(dig(each, "member")) for each in deltas]
    return [each for each in dict.fromkeys(found) if each is not None]
