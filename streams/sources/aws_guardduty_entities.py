"""What a GuardDuty finding is about: the resource, who acted, and from where. GuardDuty API reference, "Resource",
"Action", "Sequence".

The account's own things come as CloudTrail names them, so that a finding links to the calls behind it: a role's session
is ``principalId`` (``AROA…:session``) and ``userName``, the role.
"""

from __future__ import annotations

import re
from typing import Any

from streams.sources.aws_cloudtrail import agent_family
from streams.sources.aws_envelope import account_of, instance_entities, known
from streams.sources.aws_names import partition_of
from streams.sources.base import EntityDraft, IdentityDraft
from streams.sources.canonical import image
from streams.sources.document import mapping, sequence, texts
from streams.sources.fields import address, dig, host, text
from streams.sources.identity import stands_for

_MOST = 64
_FEW = 8
_KEY_ID = re.compile(r"A[KS]IA[A-Z0-9]{12,124}")
_UNIQUE = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{12,124}")
_SESSION = re.compile(r"[\w+=,.@-]{2,64}")
_NAME = re.compile(r"[\w+=,.@-]{1,128}")


def entities(finding: dict[str, Any], account: str, region: str) -> list[EntityDraft]:
    """At most 64, the resource's first, the account last."""
    resource, service = mapping(finding.get("resource")), mapping(finding.get("service"))
    found: list[EntityDraft] = []
    found += _caller(mapping(resource.get("accessKeyDetails")), account, region)
    found += _instance(mapping(resource.get("instanceDetails")), account, region)
    for bucket in sequence(resource.get("s3BucketDetails"))[:_FEW]:
        found += known(dig(bucket, "arn"))
        for stored in sequence(dig(bucket, "s3ObjectDetails"))[:_FEW]:
            found += known(dig(stored, "objectArn"))
    for path in (
        ("eksClusterDetails", "arn"),
        ("ecsClusterDetails", "arn"),
        ("ecsClusterDetails", "taskDetails", "arn"),
        ("ecsClusterDetails", "taskDetails", "definitionArn"),
        ("lambdaDetails", "functionArn"),
        ("lambdaDetails", "role"),
        ("rdsDbInstanceDetails", "dbInstanceArn"),
        ("rdsLimitlessDbDetails", "dbShardGroupArn"),
        ("ebsSnapshotDetails", "snapshotArn"),
        ("ec2ImageDetails", "imageArn"),
        ("recoveryPointDetails", "recoveryPointArn"),
    ):
        found += known(dig(resource, *path))
    found += _cluster(mapping(resource.get("kubernetesDetails")))
    containers = [resource.get("containerDetails")]
    containers += sequence(dig(resource, "ecsClusterDetails", "taskDetails", "containers"))[:_FEW]
    containers += sequence(dig(resource, "kubernetesDetails", "kubernetesWorkloadDetails", "containers"))[:_FEW]
    for container in containers:
        seen = image(text(dig(container, "image"), 512) or "")
        found += [("image", seen.id)] if seen and (seen.tag or seen.digest) else []
    for volume in sequence(dig(resource, "ebsVolumeDetails", "scannedVolumeDetails"))[:_FEW]:
        found += known(dig(volume, "volumeArn"))
    found += _action(mapping(service.get("action")))
    if path_of := text(dig(service, "runtimeDetails", "process", "executablePath"), 512):
        found.append(("file", path_of))
    found += _sequence(mapping(dig(service, "detection", "sequence")))
    if account:
        found.append(("account", account))
    return list(dict.fromkeys(found))[:_MOST]


def identities(finding: dict[str, Any], account: str, region: str) -> list[IdentityDraft]:
    """That an access key is its user's or session's, and an instance's id its ARN."""
    resource = mapping(finding.get("resource"))
    said: list[IdentityDraft] = []
    acting = _caller(mapping(resource.get("accessKeyDetails")), account, region)
    keys = [each for each in acting if each[0] == "access_key"]
    owners = [each for each in acting if each[0] == "session"] or [
        each for each in acting if each[0] == "principal" and not each[1].endswith(":root")
    ]
    if keys and owners:
        said.append(stands_for(keys[0], owners[0]))
    placed = instance_entities(dig(resource, "instanceDetails", "instanceId"), account, region)
    if len(placed) == 2:
        said.append(stands_for(placed[1], placed[0]))
    return said


def _caller(details: dict[str, Any], account: str, region: str) -> list[EntityDraft]:
    """``accessKeyDetails``: the role or user, the session, the key."""
    kind, name = text(details.get("userType"), 32) or "", text(details.get("userName"), 128) or ""
    unique = text(details.get("principalId"), 256) or ""
    place = f"arn:{partition_of(region)}"
    found: list[EntityDraft] = []
    if account and kind == "Root":
        found += known(f"{place}:iam::{account}:root")
    elif account and _NAME.fullmatch(name):
        if kind == "IAMUser":
            found += known(f"{place}:iam::{account}:user/{name}")
        elif kind in ("AssumedRole", "Role"):
            found += known(f"{place}:iam::{account}:role/{name}")
            session = unique.partition(":")[2]
            if _SESSION.fullmatch(session):
                found += known(f"{place}:sts::{account}:assumed-role/{name}/{session}")
        elif kind == "FederatedUser":
            found += known(f"{place}:sts::{account}:federated-user/{name}")
    if not found and _UNIQUE.fullmatch(unique.partition(":")[0]):
        found.append(("principal", unique.partition(":")[0]))
    key = details.get("accessKeyId")
    if isinstance(key, str) and _KEY_ID.fullmatch(key):
        found.append(("access_key", key))
    return found


def _instance(details: dict[str, Any], account: str, region: str) -> list[EntityDraft]:
    found = instance_entities(details.get("instanceId"), account, region)
    for attached in sequence(details.get("networkInterfaces"))[:_FEW]:
        for name in ("publicIp", "privateIpAddress"):
            found += _ip(dig(attached, name))
        found += [each for ip in texts(dig(attached, "ipv6Addresses"), 64)[:_FEW] for each in _ip(ip)]
        if account and region:
            place = f"arn:{partition_of(region)}:ec2:{region}:{account}"
            if eni := text(dig(attached, "networkInterfaceId"), 64):
                found += known(f"{place}:network-interface/{eni}")
            for guard in sequence(dig(attached, "securityGroups"))[:_FEW]:
                if group := text(dig(guard, "groupId"), 64):
                    found += known(f"{place}:security-group/{group}")
    return found + known(dig(details, "iamInstanceProfile", "arn"))


def _cluster(details: dict[str, Any]) -> list[EntityDraft]:
    found: list[EntityDraft] = []
    if name := text(dig(details, "kubernetesUserDetails", "username"), 256):
        found.append(("principal", name))
    space = text(dig(details, "kubernetesWorkloadDetails", "namespace"), 253)
    name = text(dig(details, "kubernetesWorkloadDetails", "name"), 253)
    if space and name:
        found.append(("workload", f"{space}/{name}"))
    if space:
        found.append(("namespace", space))
    return found


def _action(action: dict[str, Any]) -> list[EntityDraft]:
    """Of ``service.action``: the other side's address first, then names and the client."""
    found: list[EntityDraft] = []
    for name, member in action.items():
        if not isinstance(member, dict):
            continue
        found += _remote(member.get("remoteIpDetails"))
        found += _remote(member.get("localIpDetails"))
        if name == "portProbeAction":
            for probe in sequence(member.get("portProbeDetails"))[:_FEW]:
                found += _remote(dig(probe, "remoteIpDetails")) + _remote(dig(probe, "localIpDetails"))
        elif name == "kubernetesApiCallAction":
            found += [each for ip in texts(member.get("sourceIPs"), 64)[:_FEW] for each in _ip(ip)]
        elif name == "dnsRequestAction" and (asked := host(member.get("domain"))):
            found.append(("host", asked))
        if family := agent_family(text(member.get("userAgent"), 1024) or ""):
            found.append(("user_agent", family))
        other = account_of(dig(member, "remoteAccountDetails", "accountId"))
        found += [("account", other)] if other else []
    return found


def _sequence(sequence_of: dict[str, Any]) -> list[EntityDraft]:
    """Of an attack sequence: its actors, resources and endpoints."""
    found: list[EntityDraft] = []
    for actor in sequence(sequence_of.get("actors"))[:_FEW]:
        found += known(dig(actor, "user", "uid")) + known(dig(actor, "session", "issuer"))
        key = dig(actor, "user", "credentialUid")
        found += [("access_key", key)] if isinstance(key, str) and _KEY_ID.fullmatch(key) else []
    for resource in sequence(sequence_of.get("resources"))[:_FEW]:
        uid = dig(resource, "uid")
        found += known(uid)
        found += [("access_key", uid)] if isinstance(uid, str) and _KEY_ID.fullmatch(uid) else []
    for endpoint in sequence(sequence_of.get("endpoints"))[:_FEW]:
        found += _ip(dig(endpoint, "ip"))
    return found


def _remote(details: object) -> list[EntityDraft]:
    return _ip(dig(details, "ipAddressV4")) or _ip(dig(details, "ipAddressV6"))


def _ip(value: object) -> list[EntityDraft]:
    found = address(value)
    return [("ip", found)] if found else []
