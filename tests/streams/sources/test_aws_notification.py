"""Notifications of S3, CodeCommit, CloudWatch, Secrets Manager and CodePipeline."""

from __future__ import annotations

from typing import Any

import pytest

from streams.sources.aws_notification import Notification
from streams.sources.base import Ignored, Malformed
from tests.contract.samples.aws_notification import ACCOUNT, ALARM, BY_SNS, COMMIT, JOB, PUSHED, REGION, STEP, STORED
from tests.streams.sources.reading import events


def test_objects_that_are_stored() -> None:
    """Each record is an activity on the bucket, by the role's unique id, from the address; the key is decoded."""
    first, second = events(Notification(), STORED)
    assert first.entities == (
        ("resource", "arn:aws:s3:::acme-exports"),
        ("principal", "AROAEXAMPLEROLE00001"),
        ("ip", "203.0.113.77"),
    )
    assert (first.action, first.title) == (
        "s3:ObjectCreated:Put",
        "ObjectCreated:Put of red flower1.jpg in acme-exports",
    )
    assert (first.source_id != second.source_id, first.domain) == (True, "s3:acme-exports")


def test_references_that_are_pushed() -> None:
    """Each reference is a change of code with its commit and who pushed it."""
    main, tag = events(Notification(), PUSHED)
    assert (main.kind, main.revision, main.actor) == ("code", COMMIT, f"arn:aws:iam::{ACCOUNT}:user/ann")
    assert ("resource", f"arn:aws:codecommit:{REGION}:{ACCOUNT}:pay") in main.entities
    assert (main.title, tag.title) == ("pay main: pushed", "pay refs/tags/1.4: pushed")
    assert main.time.isoformat() == "2026-03-02T09:12:30.475000+00:00"


def test_an_alarm_is_one_event_by_either_way() -> None:
    """The message of SNS, and SNS's record with it, are one activity; ALARM is a failure, OK a success."""
    (found,) = events(Notification(), ALARM)
    assert events(Notification(), BY_SNS) == [found]
    assert (found.action, found.outcome, found.severity) == ("cloudwatch:AlarmStateChange", "failure", 1)
    (good,) = events(Notification(), {**ALARM, "NewStateValue": "OK"})
    assert (good.outcome, good.severity) == ("success", 0)


@pytest.mark.parametrize(
    ("step", "status"), [("createSecret", "started"), ("finishSecret", "succeeded"), ("finish_secret", "succeeded")]
)
def test_a_rotation_ends_with_its_last_step(step: str, status: str) -> None:
    """A step is a rotation of the secret, named as calls name it; the last one ends it."""
    (found,) = events(Notification(), {**STEP, "Step": step})
    assert (found.kind, found.status) == ("secret_rotation", status)
    assert ("resource", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db") in found.entities


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({**STEP, "Step": "rest"}, "Step"),
        ({**STEP, "SecretId": None}, "SecretId"),
        ({**ALARM, "StateChangeTime": "now"}, "StateChangeTime"),
        ({"CodePipeline.job": {}}, "CodePipeline.job.id"),
        ({"Records": [{**PUSHED["Records"][0], "eventId": 1}]}, "Records[0].eventId"),
        ({"Records": [{**STORED["Records"][0], "eventName": ""}]}, "Records[0].eventName"),
    ],
)
def test_damage_is_told_with_its_place(document: object, place: str) -> None:
    """What a record needs and lacks is named."""
    (found,) = events(Notification(), document)
    assert isinstance(found, Malformed)
    assert found.place == place


def test_what_says_no_time_takes_the_brokers() -> None:
    """A rotation's step and a job are timed by their arrival; without it they are refused."""
    for document in (STEP, JOB):
        assert events(Notification(), document)[0].time.isoformat() == "2026-03-02T09:13:00+00:00"
        ((_, refused),) = list(Notification().read(document, {}))
        assert isinstance(refused, Malformed)


def test_other_messages_of_sns_are_ignored_among_alarms() -> None:
    """A record that holds no alarm is counted, not refused."""
    other: dict[str, Any] = {"EventSource": "aws:sns", "Sns": {"Message": "hello"}}
    assert events(Notification(), {"Records": [other]}) == [Ignored("another message of SNS")]
