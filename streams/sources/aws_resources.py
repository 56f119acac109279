"""The things that an AWS call names in its parameters and its response, as entities.

Three ways, for any service: a value that is an ARN; a value that has the form of an EC2 id (``i-…``, ``vpc-…``); and,
for the services listed here, a parameter known by its name. What the last two name is written as an ARN of the caller's
account and region, which is where CloudTrail's record is. Names: AWS Service Authorization Reference, "Resource types".
"""

from __future__ import annotations

import re

from streams.sources.aws_names import MAX_ARN, entity_of, partition_of
from streams.sources.base import EntityDraft
from streams.sources.fields import address
from streams.sources.memo import Memo

MAX_ENTITIES = 48
Found = dict[EntityDraft, None]
"""An ordered set."""

EC2_TYPES = {
    "i": "instance",
    "ami": "image",
    "vol": "volume",
    "snap": "snapshot",
    "sg": "security-group",
    "vpc": "vpc",
    "subnet": "subnet",
    "eni": "network-interface",
    "rtb": "route-table",
    "igw": "internet-gateway",
    "nat": "natgateway",
    "acl": "network-acl",
    "eipalloc": "elastic-ip",
    "fl": "vpc-flow-log",
    "lt": "launch-template",
    "vpce": "vpc-endpoint",
    "pcx": "vpc-peering-connection",
    "tgw": "transit-gateway",
}
_EC2_ID = re.compile(r"(" + "|".join(EC2_TYPES) + r")-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_KEY_ID = re.compile(r"A[KS]IA[A-Z0-9]{12,124}")
_QUEUE = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com[a-z.]*/([0-9]{12})/([A-Za-z0-9_.-]+)")

# Templates: {p} partition, {r} region, {a} account, {v} the value. A leading "/" of the value is dropped where the
# template has its own.
PARAMETERS: dict[str, dict[str, str]] = {
    "s3": {"bucketName": "arn:{p}:s3:::{v}"},
    "iam": {
        "roleName": "arn:{p}:iam::{a}:role/{v}",
        "userName": "arn:{p}:iam::{a}:user/{v}",
        "groupName": "arn:{p}:iam::{a}:group/{v}",
        "instanceProfileName": "arn:{p}:iam::{a}:instance-profile/{v}",
    },
    "lambda": {
        "functionName": "arn:{p}:lambda:{r}:{a}:function:{v}",
        "layerName": "arn:{p}:lambda:{r}:{a}:layer:{v}",
    },
    "secretsmanager": {"secretId": "arn:{p}:secretsmanager:{r}:{a}:secret:{v}"},
    "secretsmanager:CreateSecret": {"name": "arn:{p}:secretsmanager:{r}:{a}:secret:{v}"},
    "kms": {"keyId": "arn:{p}:kms:{r}:{a}:key/{v}", "targetKeyId": "arn:{p}:kms:{r}:{a}:key/{v}"},
    "cloudtrail": {
        "name": "arn:{p}:cloudtrail:{r}:{a}:trail/{v}",
        "trailName": "arn:{p}:cloudtrail:{r}:{a}:trail/{v}",
        "s3BucketName": "arn:{p}:s3:::{v}",
    },
    "ssm": {
        "documentName": "arn:{p}:ssm:{r}:{a}:document/{v}",
        "target": "arn:{p}:ec2:{r}:{a}:instance/{v}",
    },
    "ssm:Parameter": {
        "name": "arn:{p}:ssm:{r}:{a}:parameter/{v}",
        "names": "arn:{p}:ssm:{r}:{a}:parameter/{v}",
    },
    "dynamodb": {"tableName": "arn:{p}:dynamodb:{r}:{a}:table/{v}"},
    "rds": {
        "dBInstanceIdentifier": "arn:{p}:rds:{r}:{a}:db:{v}",
        "dBClusterIdentifier": "arn:{p}:rds:{r}:{a}:cluster:{v}",
        "dBSnapshotIdentifier": "arn:{p}:rds:{r}:{a}:snapshot:{v}",
        "dBClusterSnapshotIdentifier": "arn:{p}:rds:{r}:{a}:cluster-snapshot:{v}",
    },
    "ecs": {
        "cluster": "arn:{p}:ecs:{r}:{a}:cluster/{v}",
        "taskDefinition": "arn:{p}:ecs:{r}:{a}:task-definition/{v}",
    },
    "eks": {"clusterName": "arn:{p}:eks:{r}:{a}:cluster/{v}"},
    "eks:Cluster": {"name": "arn:{p}:eks:{r}:{a}:cluster/{v}"},
    "ecr": {"repositoryName": "arn:{p}:ecr:{r}:{a}:repository/{v}"},
    "logs": {"logGroupName": "arn:{p}:logs:{r}:{a}:log-group:{v}"},
    "guardduty": {"detectorId": "arn:{p}:guardduty:{r}:{a}:detector/{v}"},
    "cloudformation": {"stackName": "arn:{p}:cloudformation:{r}:{a}:stack/{v}"},
    "codebuild": {"projectName": "arn:{p}:codebuild:{r}:{a}:project/{v}"},
    "codepipeline": {"name": "arn:{p}:codepipeline:{r}:{a}:{v}"},
    "codedeploy": {"applicationName": "arn:{p}:codedeploy:{r}:{a}:application:{v}"},
    "route53": {"hostedZoneId": "arn:{p}:route53:::hostedzone/{v}"},
    "autoscaling": {"autoScalingGroupName": "arn:{p}:autoscaling:{r}:{a}:autoScalingGroupName/{v}"},
    "ec2": {"keyName": "arn:{p}:ec2:{r}:{a}:key-pair/{v}"},
}
_SCOPES = {"ssm": "Parameter", "eks": "Cluster", "secretsmanager": "CreateSecret"}
"""Where a parameter called ``name`` means something else in other calls: the word that the call's name must have."""

_NOT_ENTERED = frozenset(
    [
        "tags",
        "tagsList",
        "tagSet",
        "tagSpecificationSet",
        "TagSpecification",
        "Tagging",
        "environment",
        "policyDocument",
    ]
)
_SHARED = {"accessKeyId": "key", "queueUrl": "queue", "QueueUrl": "queue", "cidrIp": "cidr", "cidrIpv6": "cidr"}
_HEADS = frozenset({"ar", *(f"{prefix}-"[:2] for prefix in EC2_TYPES)})
"""How a value begins that may be an ARN or an EC2 id: the cheap test before the exact one."""


def parameters_of(service: str, name: str) -> dict[str, str]:
    """The parameters of a call that name something: name to template, or to a way of reading. Read only."""
    known = {**_SHARED, **PARAMETERS.get(service, {})}
    scope = _SCOPES.get(service)
    if scope is not None and scope in name:
        known.update(PARAMETERS[f"{service}:{scope}"])
    return known


def collect(found: Found, value: object, known: dict[str, str], region: str, account: str) -> None:
    """Add to ``found`` what ``value`` (request parameters or response elements) names."""
    if type(value) is not dict:
        return
    for name, member in value.items():
        if type(member) is str:
            if name in known:
                entity = _NAMED[known[name], member, region, account]
            elif member[:2] in _HEADS:
                entity = _UNNAMED[member, region, account]
            else:
                continue
            if entity is not None:
                found[entity] = None
        elif not member or name in _NOT_ENTERED:
            continue
        elif type(member) is dict:
            collect(found, member, known, region, account)
        elif type(member) is list:
            for inner in member[:MAX_ENTITIES]:
                collect(found, inner if type(inner) is dict else {name: inner}, known, region, account)


def resource_of(value: str, region: str, account: str) -> EntityDraft | None:
    """The entity of an ARN or EC2 id; None for any other text."""
    return _UNNAMED[value, region, account] if value[:2] in _HEADS else None


def _named(key: tuple[str, str, str, str]) -> EntityDraft | None:
    how, value, region, account = key
    if value.startswith("arn:"):
        return entity_of(value)
    if how == "key":
        return ("access_key", value) if _KEY_ID.fullmatch(value) else None
    if how == "cidr":
        number, _, width = value.partition("/")
        single = address(number) if width in ("32", "128") else None
        return ("ip", single) if single else None
    if how == "queue":
        url = _QUEUE.fullmatch(value)
        return ("resource", f"arn:{partition_of(url[1])}:sqs:{url[1]}:{url[2]}:{url[3]}") if url else None
    if not value or len(value) > 256 or "*" in value or " " in value or value == "HIDDEN_DUE_TO_SECURITY_REASONS":
        return None
    if ":lambda:" in how:
        value = value.rpartition("function:")[2].partition(":")[0]
    elif ":kms:" in how and value.startswith("alias/"):
        how = how.replace("key/{v}", "{v}")
    elif ":route53:" in how:
        value = value.rpartition("/")[2]
    if "/{v}" in how:
        value = value.removeprefix("/")
    arn = how.format(p=partition_of(region), r=region, a=account, v=value)
    if not value or len(arn) > MAX_ARN:
        return None
    return ("principal" if ":role/" in how or ":user/" in how else "resource"), arn


def _unnamed(key: tuple[str, str, str]) -> EntityDraft | None:
    value, region, account = key
    if value.startswith("arn:"):
        return entity_of(value)
    form = _EC2_ID.fullmatch(value)
    if form is None:
        return None
    if form[1] in ("ami", "snap"):  # their ARNs have no account
        account = ""
    return "resource", f"arn:{partition_of(region)}:ec2:{region}:{account}:{EC2_TYPES[form[1]]}/{value}"


_NAMED = Memo(_named)
_UNNAMED = Memo(_unnamed)
