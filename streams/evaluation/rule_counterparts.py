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
    "AWS.Bedrock.DeleteModelInvocationLoggingConfiguration": ("aws_bedrock_log_deleted",),
    "AWS.Bedrock.GuardrailUpdateDelete": ("aws_bedrock_guardrail_changed",),
    "AWS.CloudTrail.Account.Discovery": ("aws_account_contacts_read",),
    "AWS.CloudTrail.Created": ("aws_trail_created",),
    "AWS.CloudTrail.DNSLogsDeleted": ("aws_dns_log_deleted",),
    "AWS.CloudTrail.EnableRegion": ("aws_region_enabled",),
    "AWS.CloudTrail.EventSelectorsDisabled": ("aws_trail_blinded",),
    "AWS.CloudTrail.IAMAnythingChanged": ("aws_iam_changed",),
    "AWS.CloudTrail.IAMCompromisedKeyQuarantine": ("aws_key_quarantined",),
    "AWS.CloudTrail.PasswordSpraying": ("aws_console_login_failed",),
    "AWS.CloudTrail.RootPasswordChanged": ("aws_root_password_changed",),
    "AWS.CloudTrail.SecurityConfigurationChange": ("aws_security_service_changed",),
    "AWS.CloudTrail.ShortLifecycle": ("aws_log_bucket_expires_soon",),
    "AWS.Console.GetSigninToken.Abuse": ("aws_console_link_from_credentials",),
    "AWS.Console.LoginWithoutMFA": ("aws_console_login_without_mfa",),
    "AWS.Console.RootLoginFailed": ("aws_root_login_failed",),
    "AWS.IAM.AttachAdminRolePolicy": ("aws_admin_policy_attached",),
    "AWS.IAM.Backdoor.User.Keys": ("aws_key_for_another_user",),
    "AWS.IAM.BackdoorRole": ("aws_role_trusts_anyone",),
    "AWS.IAM.CreateUser": ("aws_user_created",),
    "AWS.IAMUser.ReconAccessDenied": ("aws_user_call_denied",),
    "AWS.Root.Activity": ("aws_root_activity",),
    "AWS.S3.DisableBucketLogging": ("aws_bucket_logging_off",),
    "AWS.STS.GetSessionToken.Misuse": ("aws_session_token_by_user",),
    "AWS.Suspicious.SAML.Activity": ("aws_saml_provider_changed",),
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
