"""The pack's correlation rules over CloudTrail: so many calls make a match, one less or another principal does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from streams.correlation.rules.groups import RuleState
from streams.correlation.rules.rule_set import compile_rules
from streams.correlation.table import Table
from streams.sigma.events import finding
from streams.sigma.load import load
from streams.sigma.rule_set import RuleSet
from streams.sigma_files import pack
from streams.sources.registry import by_name

LOADED = load(pack())
DETECTIONS = RuleSet(LOADED.rules)
START = 1_780_000_000_000

Call = dict[str, Any]


def call(service: str, name: str, number: int, **more: Any) -> Call:
    """The record of a call, as user ada makes it."""
    user = {"type": "IAMUser", "userName": "ada", "arn": "arn:aws:iam::210987654321:user/ada"}
    return {
        "eventVersion": "1.09",
        "eventID": f"call-{number}",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.5",
        "recipientAccountId": "210987654321",
        "userIdentity": user,
    } | more


def failed_login(number: int) -> Call:
    return call("signin", "ConsoleLogin", number, responseElements={"ConsoleLogin": "Failure"})


def denied(number: int) -> Call:
    return call("s3", "ListBuckets", number, errorCode="AccessDenied")


def key_sent(number: int) -> Call:
    instance = {"instanceId": f"i-{number:017x}", "instanceOSUser": "ubuntu"}
    return call("ec2-instance-connect", "SendSSHPublicKey", number, requestParameters=instance)


def encrypted(number: int) -> Call:
    given = {"bucketName": "acme", "x-amz-server-side-encryption-customer-algorithm": "AES256"}
    return call("s3", "CopyObject", number, requestParameters=given)


def deleted(number: int) -> Call:
    return call("s3", "DeleteObjects", number, requestParameters={"bucketName": "acme"})


def secrets(number: int) -> Call:
    return call("secretsmanager", "BatchGetSecretValue", number)


def secrets_elsewhere(number: int) -> Call:
    return call("secretsmanager", "BatchGetSecretValue", number, awsRegion=f"eu-west-{number + 1}")


def mail(number: int) -> Call:
    return call("ses", ("ListIdentities", "GetSendQuota", "GetAccountSendingEnabled")[number % 3], number)


def windows_password(number: int) -> Call:
    return call("ec2", "GetPasswordData", number, requestParameters={"instanceId": f"i-{number:017x}"})


CASES = {
    "aws_console_password_spraying": (failed_login, 10),
    "aws_user_probes_rights": (denied, 15),
    "aws_instance_keys_sent_widely": (key_sent, 3),
    "aws_objects_held_to_ransom": (encrypted, 50),
    "aws_buckets_emptied": (deleted, 30),
    "aws_secrets_collected": (secrets, 5),
    "aws_secrets_collected_across_regions": (secrets_elsewhere, 3),
    "aws_mail_abuse_prepared": (mail, 3),
    "aws_windows_passwords_collected": (windows_password, 10),
}
"""Rule, one of the calls it counts, and how many it wants."""


def matched(calls: Sequence[Call]) -> set[str]:
    """Names of the correlation rules that match calls a second apart."""
    rules, faults = compile_rules(each.rule for each in LOADED.correlations)
    assert faults == []
    names = {each.rule.name: each.document.body["name"] for each in LOADED.correlations}
    state = RuleState(lambda name: Table(name, []))
    out = set()
    for second, record in enumerate(calls):
        time = START + second * 1_000
        made = record | {"eventTime": datetime.fromtimestamp(time / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        ((_, draft),) = by_name("aws.cloudtrail").read(made, {})
        assert isinstance(draft, dict)
        for rule in DETECTIONS.detect(made, "aws.cloudtrail"):
            found = SimpleNamespace(source="aws.cloudtrail", **finding(rule, made, {"domain": "aws", **draft}))
            out |= {names[match.rule.split("@")[0]] for match in rules.observe(state, found, time, time)}
    return out


@pytest.mark.parametrize("name", CASES)
def test_so_many_calls_match_and_one_less_does_not(name: str) -> None:
    """The rule matches at the number it states, and not before."""
    one, wanted = CASES[name]
    assert name in matched([one(number) for number in range(wanted)])
    assert name not in matched([one(number) for number in range(wanted - 1)])


@pytest.mark.parametrize("name", CASES)
def test_calls_of_different_principals_are_not_counted_together(name: str) -> None:
    """As many calls by different users, each from an address of their own, are no match."""
    one, wanted = CASES[name]
    calls = []
    for number in range(wanted):
        user = {"type": "IAMUser", "userName": f"u{number}", "arn": f"arn:aws:iam::210987654321:user/u{number}"}
        calls.append(one(number) | {"userIdentity": user, "sourceIPAddress": f"203.0.113.{number}"})
    assert name not in matched(calls)


def test_every_correlation_over_cloudtrail_has_a_case() -> None:
    """A correlation rule for AWS that comes into the pack needs a case here."""
    assert {
        each.document.body["name"] for each in LOADED.correlations if each.document.file.startswith("pack/aws_")
    } == set(CASES)
