"""Amazon resource names in one canonical form, so that two records about one thing name it alike.

An ARN is ``arn:partition:service:region:account:resource`` (AWS General Reference, "Amazon Resource Names"). What
differs between records about the same thing, and is therefore taken away:

- the path of an IAM user, role, group or instance profile (``role/service-role/x`` is ``role/x``): names are unique in
  an account whatever the path, and the ARN of an assumed-role session has no path to start with; not that of a policy,
  as AWS's own are told apart by it;
- the form ``sts::…:assumed-role/x`` without a session's name, which is the role;
- the six random characters after a secret's name, since a record may give the name alone (known by a digit or capital
  among them, so that ``db-secret`` stays whole);
- the version or alias of a Lambda function, the id behind a CloudFormation stack's name, ``:*`` after a log group.

A catalog that holds ARNs has to pass them through ``canonical`` too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from streams.sources.base import EntityDraft
from streams.sources.memo import Memo

MAX_ARN = 512
"""Characters; a longer one names nothing for us."""

_SECRET_SUFFIX = re.compile(r"-(?![a-z]{6}$)[A-Za-z0-9]{6}$")
_IAM_PRINCIPALS = ("user/", "role/")
_IAM_NAMED = ("group/", "instance-profile/")


def partition_of(region: str) -> str:
    """``aws``, ``aws-cn`` or ``aws-us-gov``."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def canonical(arn: str) -> str:
    """The canonical form of an ARN; anything else is given back as it is.

    >>> canonical("arn:aws:iam::111122223333:role/service-role/builder")
    'arn:aws:iam::111122223333:role/builder'
    """
    entity = entity_of(arn)
    return arn if entity is None else entity[1]


def entity_of(arn: str) -> EntityDraft | None:
    """The entity that an ARN names: a principal (IAM user, role, root), a session (STS), or else a resource.

    None for what is no ARN of one thing: too short, longer than ``MAX_ARN``, or with a wildcard.
    """
    return ENTITIES[arn]


def _entity_of(arn: str) -> EntityDraft | None:
    arn = arn.removesuffix(":*")
    parts = arn.split(":", 5)
    if len(arn) > MAX_ARN or len(parts) != 6 or parts[0] != "arn" or not parts[2] or not parts[5] or "*" in arn:
        return None
    service, resource = parts[2], parts[5]
    if service == "iam":
        if resource == "root":
            return "principal", arn
        if resource.startswith(_IAM_PRINCIPALS):
            kind, _, name = resource.partition("/")
            return "principal", f"{':'.join(parts[:5])}:{kind}/{name.rpartition('/')[2]}"
        if resource.startswith(_IAM_NAMED):
            kind, _, name = resource.partition("/")
            return "resource", f"{':'.join(parts[:5])}:{kind}/{name.rpartition('/')[2]}"
    elif service == "sts":
        if resource.startswith("assumed-role/") and resource.count("/") == 1:  # some write the role like this
            return "principal", f"arn:{parts[1]}:iam::{parts[4]}:role/{resource.partition('/')[2]}"
        if resource.startswith(("assumed-role/", "federated-user/")):
            return "session", arn
    elif service == "secretsmanager":
        return "resource", _SECRET_SUFFIX.sub("", arn)
    elif service == "cloudformation" and resource.startswith("stack/"):
        return "resource", "/".join(arn.split("/")[:2])
    elif service == "lambda" and resource.startswith("function:"):
        return "resource", ":".join(arn.split(":")[:7])
    return "resource", arn


ENTITIES = Memo(_entity_of)
"""``entity_of``, for hot paths: ``ENTITIES[arn]``."""


class Principal(NamedTuple):
    """Who acted: the canonical id, a short name for readers, and the entities that say so. Empty for nobody known."""

    id: str | None
    label: str
    entities: tuple[EntityDraft, ...]


NOBODY = Principal(None, "", ())


def principal_of(
    kind: str,
    arn: str,
    issuer: str,
    account: str,
    principal_id: str,
    user_name: str,
    invoked_by: str,
    partition: str = "aws",
) -> Principal:
    """The principal behind CloudTrail's ``userIdentity`` (each field, empty where absent).

    A session counts as the role or user that it was issued from, so that all sessions of a role are one principal; the
    session is an entity of its own. Sources: CloudTrail user guide, "userIdentity element"; IAM user guide, "Unique
    identifiers".
    """
    acting = entity_of(arn) if arn else None
    if acting is not None and acting[0] == "session":
        _, _, name = arn.partition("/")
        owner = entity_of(issuer) if issuer else None
        if owner is None or owner[0] != "principal":
            owner = _role_of_session(arn)
        if owner is None:
            return Principal(arn, name[:128], (acting,))
        return Principal(owner[1], name[:128], (owner, acting))
    if acting is not None:
        return Principal(acting[1], _short(acting[1], user_name), (("principal", acting[1]),))
    if kind == "Root" and account:
        return _named(f"arn:{partition}:iam::{account}:root", "root")
    if kind == "IAMUser" and account and user_name and user_name != "HIDDEN_DUE_TO_SECURITY_REASONS":
        return _named(f"arn:{partition}:iam::{account}:user/{user_name}"[:MAX_ARN], user_name[:128])
    if kind == "AWSService" or invoked_by.endswith(".amazonaws.com"):
        return _named(invoked_by[:MAX_ARN], invoked_by[:128]) if invoked_by and " " not in invoked_by else NOBODY
    if kind in ("SAMLUser", "WebIdentityUser", "AWSAccount", "Role", "AssumedRole", "IdentityCenterUser", "Unknown"):
        # Of another account or a provider: the unique id is all there is. After its colon stands the session's name.
        unique = principal_id if kind in ("SAMLUser", "WebIdentityUser") else principal_id.partition(":")[0]
        if unique:
            return _named(unique[:MAX_ARN], (user_name or unique)[:128])
    return NOBODY


def _named(name: str, label: str) -> Principal:
    return Principal(name, label, (("principal", name),))


def _role_of_session(arn: str) -> EntityDraft | None:
    _, partition, _, _, account, resource = arn.split(":", 5)
    kind, _, rest = resource.partition("/")
    name = rest.partition("/")[0]
    if kind != "assumed-role" or not name:
        return None
    return "principal", f"arn:{partition}:iam::{account}:role/{name}"


def _short(arn: str, user_name: str) -> str:
    return (user_name or arn.rpartition("/")[2].rpartition(":")[2])[:128]
