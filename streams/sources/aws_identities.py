"""What an AWS call says about who stands for whom: credentials and the one who asked for them, names and unique ids.

A call of STS gives out a temporary key and, but for ``GetSessionToken``, a session. Records of what is then done with
them name the role alone (IAM user guide, "Logging IAM and AWS STS API calls with CloudTrail"), so this one record ties
them to whoever asked: a user or federated subject by name, another session by the key that it asked with, since a
session's name may be another's as well. A service that assumes a role, and the account's root user, are nobody's story.

Sources: CloudTrail user guide, "userIdentity element"; STS, IAM, ECR, KMS and EC2 API references, the responses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from streams.sources.aws_names import ENTITIES, MAX_ARN, partition_of
from streams.sources.base import EntityDraft, IdentityDraft
from streams.sources.document import mapping, sequence
from streams.sources.fields import dig, email, text
from streams.sources.identity import MAX_IDENTITIES, stands_for

_KEY_ID = re.compile(r"A[KS]IA[A-Z0-9]{12,124}")
_UNIQUE = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{12,124}")
_SESSION_ID = re.compile(r"AROA[A-Z0-9]{12,124}:[\w+=,.@-]{2,64}")
INSTANCE = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")


class Issue(NamedTuple):
    """One successful record: its ``userIdentity``, and what it asked for and got."""

    caller: dict[str, Any]
    account: str
    region: str
    asked: dict[str, Any]
    answer: dict[str, Any]
    more: dict[str, Any]


def statements(call: Issue, states: Callable[[Issue], list[IdentityDraft]]) -> list[IdentityDraft]:
    """What the record says, each once; nothing stands for itself."""
    found = [each for each in dict.fromkeys(states(call)) if each[:2] != each[2:]]
    return found[:MAX_IDENTITIES]


def scope_of(session: EntityDraft, grant: str) -> tuple[IdentityDraft, ...]:
    """What the credentials of a session were issued to: said by every call of a function, a task or an instance.

    ``grant`` is ``inScopeOf.credentialsIssuedTo``, an ARN, or else ``ec2RoleDelivery``, a version: the metadata service
    of an instance handed them out, and the session has the name of the instance.
    """
    thing = ENTITIES[grant]
    name = session[1].rpartition("/")[2]
    if INSTANCE.fullmatch(name) and (not grant.startswith("arn:") or ":instance/" in grant):
        host: EntityDraft = ("host", name)
        known = thing is not None and thing[1].endswith(f":instance/{name}")
        return (stands_for(session, host), *((stands_for(host, thing),) if thing and known else ()))
    return (stands_for(session, thing),) if thing is not None and thing[0] == "resource" else ()


def _issuer(caller: dict[str, Any]) -> EntityDraft | None:
    """Who asked for credentials, as the entity to link by."""
    kind, arn, unique = text(caller.get("type")), text(caller.get("arn")), text(caller.get("principalId")) or ""
    if arn is not None:
        acting = ENTITIES[arn]
        if acting is None:
            return None
        if acting[0] == "principal" and not acting[1].endswith(":root"):
            return acting
        return _key(caller.get("accessKeyId")) or (acting if acting[0] == "session" else None)
    if kind in ("SAMLUser", "WebIdentityUser") and unique:
        return "principal", unique[:MAX_ARN]
    if kind == "AWSAccount":  # of another account, which does not say its name here
        if _SESSION_ID.fullmatch(unique):
            return "session", unique
        if _UNIQUE.fullmatch(unique):
            return "principal", unique
    return None


def _key(value: object) -> EntityDraft | None:
    return ("access_key", value) if isinstance(value, str) and _KEY_ID.fullmatch(value) else None


def _arn(value: object, kind: str) -> EntityDraft | None:
    arn = text(value)
    found = ENTITIES[arn] if arn else None
    return found if found is not None and found[0] == kind else None


def _unique(value: object, of: EntityDraft | None) -> list[IdentityDraft]:
    unique = text(value)
    return [("principal", unique, *of)] if unique and of and _UNIQUE.fullmatch(unique) else []


def _issued(call: Issue) -> list[IdentityDraft]:
    """Temporary credentials."""
    issuer = _issuer(call.caller)
    session = _arn(dig(call.answer, "assumedRoleUser", "arn"), "session") or _arn(
        dig(call.answer, "federatedUser", "arn"), "session"
    )
    found: list[IdentityDraft] = []
    if issuer is not None:
        key = _key(dig(call.answer, "credentials", "accessKeyId"))
        found += [stands_for(each, issuer) for each in (key, session) if each is not None]
        if call.caller.get("type") == "SAMLUser" and (address := email(call.caller.get("userName"))):
            found.append(stands_for(issuer, ("principal", address)))
    name = text(dig(call.answer, "assumedRoleUser", "assumedRoleId"))
    if session is not None and name is not None and _SESSION_ID.fullmatch(name):
        found.append(("session", name, *session))
    return found + _unique(call.caller.get("principalId"), _arn(call.caller.get("arn"), "principal"))


def _made_key(call: Issue) -> list[IdentityDraft]:
    key = _key(dig(call.answer, "accessKey", "accessKeyId"))
    name = text(dig(call.answer, "accessKey", "userName"), 128)
    if key is None or name is None:
        return []
    return [stands_for(key, ("principal", f"arn:{partition_of(call.region)}:iam::{call.account}:user/{name}"))]


def _made_user(call: Issue) -> list[IdentityDraft]:
    made = mapping(call.answer.get("user"))
    return _unique(made.get("userId"), _arn(made.get("arn"), "principal"))


def _made_role(call: Issue) -> list[IdentityDraft]:
    made = mapping(call.answer.get("role"))
    return _unique(made.get("roleId"), _arn(made.get("arn"), "principal"))


def _switched(call: Issue) -> list[IdentityDraft]:
    """A console's switch of role; the record is that of the session."""
    session = _arn(call.caller.get("arn"), "session")
    origin = text(call.more.get("SwitchFrom"))
    issuer = ENTITIES[origin] if origin else None
    if session is None or issuer is None or issuer[0] not in ("principal", "session") or issuer[1].endswith(":root"):
        return []
    return [stands_for(session, issuer)]


def _aliased(call: Issue) -> list[IdentityDraft]:
    alias, key = text(call.asked.get("aliasName"), 256), text(call.asked.get("targetKeyId"))
    if alias is None or key is None or not alias.startswith("alias/"):
        return []
    place = f"arn:{partition_of(call.region)}:kms:{call.region}:{call.account}"
    found = ENTITIES[key] if key.startswith("arn:") else ("resource", f"{place}:key/{key}")
    return [("resource", f"{place}:{alias}", *found)] if found is not None else []


def _pushed(call: Issue) -> list[IdentityDraft]:
    made = mapping(call.answer.get("image"))
    tag, digest = text(dig(made, "imageId", "imageTag"), 128), text(dig(made, "imageId", "imageDigest"), 128)
    name, owner = text(made.get("repositoryName"), 256), text(made.get("registryId"), 12) or call.account
    if tag is None or digest is None or name is None or not digest.startswith("sha256:"):
        return []
    suffix = ".cn" if call.region.startswith("cn-") else ""
    image = f"{owner}.dkr.ecr.{call.region}.amazonaws.com{suffix}/{name}"
    return [("image", f"{image}:{tag}", "image", f"{image}@{digest}")]


def _launched(call: Issue) -> list[IdentityDraft]:
    place = f"arn:{partition_of(call.region)}:ec2:{call.region}:{call.account}:instance"
    ids = [dig(each, "instanceId") for each in sequence(dig(call.answer, "instancesSet", "items"))[:MAX_IDENTITIES]]
    return [
        ("host", each, "resource", f"{place}/{each}")
        for each in ids
        if isinstance(each, str) and INSTANCE.fullmatch(each)
    ]


STATES: Final[dict[str, Callable[[Issue], list[IdentityDraft]]]] = {
    "sts:AssumeRole": _issued,
    "sts:AssumeRoleWithSAML": _issued,
    "sts:AssumeRoleWithWebIdentity": _issued,
    "sts:AssumeRoot": _issued,
    "sts:GetFederationToken": _issued,
    "sts:GetSessionToken": _issued,
    "iam:CreateAccessKey": _made_key,
    "iam:CreateRole": _made_role,
    "iam:CreateUser": _made_user,
    "signin:SwitchRole": _switched,
    "kms:CreateAlias": _aliased,
    "kms:UpdateAlias": _aliased,
    "ecr:PutImage": _pushed,
    "ec2:RunInstances": _launched,
}
"""By action; other calls state nothing."""
