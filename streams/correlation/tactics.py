"""Which tactic of MITRE ATT&CK an API call serves when an attacker makes it. Pure.

From the Enterprise matrix, platform IaaS: the technique that names the call, and its tactic; where a technique serves
several, the later one in the chain. Only calls that are unusual get here, so common reads may have a tactic too. Calls
that are not listed have none: this counts the breadth of a chain, it detects nothing.
"""

from __future__ import annotations

from typing import Final

_CALLS: Final = {
    "initial access": ("signin:ConsoleLogin", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"),  # T1078.004
    "execution": ("ssm:SendCommand", "ssm:StartSession", "ecs:ExecuteCommand", "cloudshell:CreateSession"),  # T1651
    "persistence": (
        "iam:CreateUser", "iam:CreateLoginProfile", "iam:CreateAccessKey", "iam:UpdateLoginProfile",
        "iam:CreateRole", "ec2:ImportKeyPair", "lambda:AddPermission", "rolesanywhere:CreateTrustAnchor",
    ),  # T1136.003, T1098.001
    "privilege escalation": (
        "iam:Attach", "iam:PutUserPolicy", "iam:PutRolePolicy", "iam:PutGroupPolicy", "iam:AddUserToGroup",
        "iam:UpdateAssumeRolePolicy", "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion",
    ),  # T1098.003
    "defense evasion": (
        "cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail", "cloudtrail:PutEventSelectors",
        "guardduty:Delete", "guardduty:UpdateDetector", "config:Stop", "config:Delete", "ec2:DeleteFlowLogs",
        "logs:DeleteLog", "securityhub:Disable", "organizations:LeaveOrganization",
    ),  # T1562.008
    "credential access": (
        "secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "ssm:GetParameter",
        "ec2:GetPasswordData", "kms:Decrypt",
    ),  # T1555.006
    "exfiltration": (
        "ec2:ModifySnapshotAttribute", "ec2:ModifyImageAttribute", "rds:ModifyDBSnapshot",
        "rds:ModifyDBClusterSnapshot",
        "s3:PutBucketPolicy", "s3:PutBucketAcl", "s3:PutBucketReplication", "ram:CreateResourceShare",
    ),  # T1537
    "collection": ("s3:GetObject", "s3:SelectObjectContent", "ec2:CreateSnapshot", "rds:CreateDBSnapshot"),  # T1530
    "impact": (
        "s3:DeleteObject", "s3:DeleteBucket", "rds:DeleteDB", "ec2:TerminateInstances", "ec2:RunInstances",
        "ec2:DeleteVolume", "kms:ScheduleKeyDeletion", "kms:DisableKey", "dynamodb:DeleteTable",
    ),  # T1485, T1490, T1496
}  # fmt: skip
_DISCOVERY: Final = ("Describe", "List", "Get")  # T1580, T1087.004; after all others
_BY_SERVICE: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    service: tuple(
        (call.partition(":")[2], tactic)
        for tactic, calls in _CALLS.items()
        for call in calls
        if call.partition(":")[0] == service
    )
    for service in sorted({call.partition(":")[0] for calls in _CALLS.values() for call in calls})
}


def tactic(action: str) -> str | None:
    """The tactic of an action ``service:Operation``, by the beginning of the operation; None if it has none.

    >>> tactic("iam:AttachUserPolicy"), tactic("ec2:DescribeInstances"), tactic("sts:AssumeRole")
    ('privilege escalation', 'discovery', None)
    """
    service, _, operation = action.partition(":")
    for beginning, found in _BY_SERVICE.get(service, ()):
        if operation.startswith(beginning):
            return found
    if service == "sts":  # credentials, but for the question who one is
        return "discovery" if operation == "GetCallerIdentity" else None
    return "discovery" if operation.startswith(_DISCOVERY) else None
