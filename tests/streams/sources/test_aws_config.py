"""AWS Config: what changed, which rule a resource breaks, and what is neither."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from streams.correlation.finding_identity import same
from streams.sources.aws_config import Config
from streams.sources.base import Ignored, Malformed
from streams.sources.shipped import opened
from tests.contract.samples.aws_config import (
    ACCOUNT,
    GROUP,
    HISTORY,
    INVOKED,
    ITEM,
    NOTIFICATION,
    OVERSIZED,
    REGION,
    ROLE,
    event,
    result,
)
from tests.streams.sources.reading import events, findings


def one(document: object) -> Any:
    """The one event of a document."""
    (found,) = events(Config(), document)
    return found


def test_a_changed_resource_is_a_change() -> None:
    """The item names the resource and its neighbours, not what is around everything; the title says what changed."""
    found = one(NOTIFICATION)
    assert (found.type, found.kind, found.status, found.action) == (
        "change", "infrastructure", "succeeded", "config:ResourceUpdated",
    )  # fmt: skip
    assert found.entities == (
        ("resource", GROUP),
        ("resource", f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/eni-0123456789abcdef0"),
        ("account", ACCOUNT),
    )
    assert found.title == "AWS::EC2::SecurityGroup web updated: Configuration.IpPermissions.0"


def test_all_ways_of_delivery_are_one_event() -> None:
    """EventBridge, SNS, a rule's function and the history give the same natural key."""
    enveloped = one(event("Config Configuration Item Change", NOTIFICATION))
    sns = opened({"Type": "Notification", "Message": orjson.dumps(NOTIFICATION).decode()}, {})
    assert sns is not None
    history, role = events(Config(), HISTORY)
    assert enveloped == one(NOTIFICATION) == one(INVOKED) == one(sns.document)
    assert history.source_id == enveloped.source_id
    assert (role.kind, role.action) == ("access", "config:ResourceDeleted")
    assert {("principal", f"arn:aws:iam::{ACCOUNT}:role/deployer"), ("principal", ROLE["resourceId"])} <= set(
        role.entities
    )


def test_an_oversized_item_has_its_summary() -> None:
    """The summary says type, id and what was done."""
    found = one(OVERSIZED)
    assert found.action == "config:ResourceCreated"
    assert ("host", "i-0123456789abcdef0") in found.entities


@pytest.mark.parametrize(
    ("compliance", "status"), [("NON_COMPLIANT", "open"), ("COMPLIANT", "fixed"), ("NOT_APPLICABLE", "fixed")]
)
def test_a_result_opens_or_closes_a_misconfiguration(compliance: str, status: str) -> None:
    """The rule on the resource is one finding through all its results."""
    (found,) = findings(Config(), event("Config Rules Compliance Change", result(compliance)))
    (broken,) = findings(Config(), result("NON_COMPLIANT"))
    assert (found.kind, found.status, found.rule) == ("misconfiguration", status, "s3-bucket-public-read-prohibited")
    assert ("resource", "arn:aws:s3:::acme-exports") in found.entities
    assert same(found, broken)


def test_resources_of_other_kinds_are_named() -> None:
    """An instance, a user's unique id, an account and a type that is not known have an entity each."""
    for kind, name, entity in (
        ("AWS::EC2::Instance", "i-0123456789abcdef0", ("host", "i-0123456789abcdef0")),
        ("AWS::IAM::User", "AIDAEXAMPLEUSER00001", ("principal", "AIDAEXAMPLEUSER00001")),
        ("AWS::::Account", ACCOUNT, ("account", ACCOUNT)),
        ("AWS::New::Thing", "x", ("resource", "AWS::New::Thing/x")),
        ("AWS::Lambda::Function", "export", ("resource", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:export")),
    ):
        assert entity in one(result("NON_COMPLIANT", kind, name)).entities


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"messageType": "ConfigurationSnapshotDeliveryStarted"}, Ignored("progress of AWS Config")),
        (
            {**NOTIFICATION, "configurationItem": {**ITEM, "configurationItemStatus": "ResourceNotRecorded"}},
            Ignored("a resource that is not recorded"),
        ),
        (result("INSUFFICIENT_DATA"), Ignored("no result")),
        ({**INVOKED, "invokingEvent": '{"messageType": "ScheduledNotification"}'}, Ignored("progress of AWS Config")),
        ({**INVOKED, "invokingEvent": "{"}, Malformed("invokingEvent", "")),
        ({**NOTIFICATION, "configurationItem": None}, Malformed("configurationItem", "")),
        (
            {**NOTIFICATION, "configurationItem": {**ITEM, "resourceId": ""}},
            Malformed("configurationItem.resourceId", ""),
        ),
        (result("COMPLIANT", configRuleName=None), Malformed("configRuleName", "")),
        (
            result("COMPLIANT", newEvaluationResult={"complianceType": "COMPLIANT"}),
            Malformed("newEvaluationResult.resultRecordedTime", ""),
        ),
    ],
)
def test_what_is_no_change_and_no_result(document: object, expected: Ignored | Malformed) -> None:
    """Progress and what is not recorded are ignored; damage is told with its place."""
    found = one(document)
    if isinstance(expected, Ignored):
        assert found == expected
    else:
        assert isinstance(found, Malformed)
        assert found.place == expected.place


def test_a_snapshot_says_what_is() -> None:
    """The items of a snapshot are no changes."""
    assert events(Config(), {**HISTORY, "configSnapshotId": "s"}) == [Ignored("an item of a snapshot")] * 2
