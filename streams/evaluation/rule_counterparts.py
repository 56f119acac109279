"""Which rule of the pack stands for which rule of the published sample logs; and of the others, why none does.

Keys are ids of ``rule-tests-panther``, sorted. Values of ``COUNTERPARTS`` are names of rules of ours: one of them must
match a log that is to alert, and none of them any other. A rule of ours earns its place by what it is for: a condition
that is there for one sample only (an account id, a name) is not allowed, and neither is a rule that would match most of
what a source brings only to have a counterpart. Such rules stand in ``WITHOUT``, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COUNTERPARTS: Final[Mapping[str, tuple[str, ...]]] = {
}  # fmt: skip

_LIST = "compares with a list of one's own: accounts, users, regions or images"
_STATE = "needs what came before: the same log is expected both ways"
_FLOOD = "is true of everyday calls: an activity here, which the models judge, not a finding"
_SOURCE = "no source of ours reads this log"

WITHOUT: Final[Mapping[str, str]] = {
    "AWS.CloudTrail.IAMAssumeRoleBlacklistIgnored": _LIST,
    "AWS.CloudTrail.Password.Policy.Discovery": "its logs are no CloudTrail records: names of fields in lower case",
    "AWS.CloudTrail.UserAccessKeyAuth": _FLOOD,
    "AWS.Console.Sign-In": _FLOOD,
    "AWS.DNS.Crypto.Domain": _SOURCE,
    "AWS.EC2.Vulnerable.XZ.Image.Launched": _LIST,
    "AWS.ECR.CRUD": _LIST,
    "AWS.ECR.EVENTS": _LIST,
    "AWS.LAMBDA.CRUD": _LIST,
    "AWS.S3.CopyObjectToExternalAccountBucket": "asks whether any owner in a list is another account; Sigma compares "
    "fields for some value being equal, not for all",
    "AWS.S3.ServerAccess.Insecure": _SOURCE,
    "AWS.S3.ServerAccess.UnknownRequester": _SOURCE,
    "AWS.SSM.DistributedCommand": _STATE,
    "AWS.VPC.HealthyLogStatus": "its logs are no flow records: one renamed field and nothing else",
    "AWS.VPC.InboundPortWhitelist": "its logs are no flow records: some fields under other names",
    "AWS.VPC.PortScanning": "its logs are no flow records: some fields under other names",
    "AWS.VPC.UnapprovedOutboundDNS": "its logs are no flow records; and " + _LIST,
    "Decoy.S3.Accessed": "about decoys that the vendor sets up",
    "Decoy.Systems.Manager.Parameter.Accessed": "about decoys that the vendor sets up",
    "Role.Assumed.by.AWS.Service": _FLOOD,
    "Role.Assumed.by.User": _FLOOD + "; its one log must not alert",
}  # fmt: skip
