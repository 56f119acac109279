"""Resources as AWS Config names them, a type and an id, as the entities that calls and findings have.

Sources: AWS Config developer guide, "Supported resource types"; Service Authorization Reference, the ARNs. The id of a
user or role is its unique id; of most others that have no ARN in the record, its name.
"""

from __future__ import annotations

import re
from typing import Any

from streams.sources.aws_envelope import account_of, instance_entities, known
from streams.sources.aws_names import partition_of
from streams.sources.aws_resources import Found, collect
from streams.sources.base import EntityDraft
from streams.sources.fields import dig, text

_RELATED = frozenset({"AWS::EC2::Instance", "AWS::EC2::SecurityGroup", "AWS::EC2::NetworkInterface"})
"""Neighbours that an event is about too. A VPC, a subnet or a stack is around everything."""
_MOST = 16
_UNIQUE = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{12,124}")
_ARNS = {
    "AWS::S3::Bucket": "arn:{p}:s3:::{v}",
    "AWS::Lambda::Function": "arn:{p}:lambda:{r}:{a}:function:{v}",
    "AWS::DynamoDB::Table": "arn:{p}:dynamodb:{r}:{a}:table/{v}",
    "AWS::KMS::Key": "arn:{p}:kms:{r}:{a}:key/{v}",
    "AWS::EKS::Cluster": "arn:{p}:eks:{r}:{a}:cluster/{v}",
    "AWS::CodePipeline::Pipeline": "arn:{p}:codepipeline:{r}:{a}:{v}",
    "AWS::CodeBuild::Project": "arn:{p}:codebuild:{r}:{a}:project/{v}",
    "AWS::AutoScaling::AutoScalingGroup": "arn:{p}:autoscaling:{r}:{a}:autoScalingGroupName/{v}",
}
"""Types whose id is a name that makes the ARN."""


def resource_entities(
    kind: str, name: str, arn: str | None, account: str, region: str, relationships: list[Any]
) -> list[EntityDraft]:
    """The resource itself first, then at most sixteen neighbours."""
    found: Found = dict.fromkeys(known(arn) or known(name))
    if kind == "AWS::EC2::Instance":
        found.update(dict.fromkeys(instance_entities(name, account, region)))
    elif kind == "AWS::::Account":
        found.update(dict.fromkeys([("account", name)] if account_of(name) else []))
    elif _UNIQUE.fullmatch(name):
        found["principal", name] = None
    elif not found and kind in _ARNS:
        made = _ARNS[kind].format(p=partition_of(region), r=region, a=account, v=name)
        found.update(dict.fromkeys(known(made)))
    else:
        collect(found, {"resourceId": name}, {}, region, account)
    if not found:
        found["resource", f"{kind}/{name}"[:512]] = None
    for each in relationships[:_MOST]:
        if text(dig(each, "resourceType")) in _RELATED and (other := text(dig(each, "resourceId"), 128)):
            collect(found, {"resourceId": other}, {}, region, account)
    return list(found)
