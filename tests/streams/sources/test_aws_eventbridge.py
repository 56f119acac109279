"""EventBridge: which events are changes, how they ended, and who reads what is in the envelope."""

from __future__ import annotations

from typing import Any

import pytest

from streams.sources.aws_eventbridge import EventBridge
from streams.sources.base import Ignored, Malformed
from streams.sources.registry import recognise
from tests.contract.samples import asff, aws_guardduty, aws_inspector2
from tests.contract.samples import aws_eventbridge as given
from tests.streams.sources.reading import events

PLACE = f"{given.REGION}:{given.ACCOUNT}"
REPOSITORY = f"{given.ACCOUNT}.dkr.ecr.{given.REGION}.amazonaws.com/acme/pay"


def one(document: dict[str, Any]) -> Any:
    """The one event of a document."""
    (found,) = events(EventBridge(), document)
    return found


@pytest.mark.parametrize(
    ("document", "kind", "status", "revision"),
    [
        (given.PIPELINE, "deploy", "started", given.RUN),
        (given.ACTION, "deploy", "succeeded", given.RUN),
        (given.DEPLOYMENT, "deploy", "failed", "d-123456789"),
        (given.BUILD, "code", "started", given.COMMIT),
        (given.BRANCH, "code", "succeeded", given.COMMIT),
        (given.PUSH, "code", "succeeded", given.DIGEST),
        (given.LAUNCH, "infrastructure", "succeeded", None),
        (given.NOT_ENDED, "infrastructure", "failed", None),
        (given.REFRESH, "deploy", "succeeded", given.RUN),
        (given.BACK, "rollback", "started", given.RUN),
        (given.SERVICE, "deploy", "succeeded", "ecs-svc/123"),
        (given.STACK, "rollback", "succeeded", "token-1"),
    ],
)
def test_what_is_a_change_and_how_it_ended(
    document: dict[str, Any], kind: str, status: str, revision: str | None
) -> None:
    """The state that the service gives decides how far a change is; its run, commit or digest is the revision."""
    found = one(document)
    assert (found.type, found.kind, found.status, found.revision) == ("change", kind, status, revision)
    assert (found.domain, found.source_id) == (f"aws:{given.ACCOUNT}", document["id"])
    assert ("account", given.ACCOUNT) in found.entities


@pytest.mark.parametrize(
    ("document", "action", "outcome", "error"),
    [
        (given.STAGE, "codepipeline:StageExecution", "failure", "FAILED"),
        (given.COMMITTED, "codepipeline:ActionExecution", "success", None),
        (given.ON_INSTANCE, "codedeploy:Instance", "success", None),
        (given.SCAN, "ecr:ImageScan", "success", None),
        (given.WAITS, "autoscaling:LifecycleAction", "unknown", None),
        (given.PLACEMENT, "ecs:ServiceAction", "failure", "SERVICE_TASK_PLACEMENT_FAILURE"),
        (given.TASK, "ecs:TaskStopped", "failure", "exit code 137"),
        (given.HOST, "ecs:ContainerInstance", "unknown", None),
        (given.RESOURCE, "cloudformation:Resource", "failure", "CREATE_FAILED"),
        (given.STATE, "ec2:InstanceState", "unknown", None),
        (given.ALARM, "cloudwatch:AlarmStateChange", "failure", "ALARM"),
    ],
)
def test_what_is_an_activity(document: dict[str, Any], action: str, outcome: str, error: str | None) -> None:
    """Parts of a change, and what runs, are activities with their outcome."""
    found = one(document)
    assert (found.type, found.action, found.outcome, found.error) == ("activity", action, outcome, error)


def test_resources_are_named_as_calls_name_them() -> None:
    """A pipeline, application, group, stack, service, instance and repository have the ARNs that CloudTrail gives."""
    for document, resource in (
        (given.PIPELINE, f"arn:aws:codepipeline:{PLACE}:pay"),
        (given.DEPLOYMENT, f"arn:aws:codedeploy:{PLACE}:application:pay"),
        (given.LAUNCH, f"arn:aws:autoscaling:{PLACE}:autoScalingGroupName/web"),
        (given.LAUNCH, f"arn:aws:ec2:{PLACE}:instance/i-0123456789abcdef0"),
        (given.STACK, f"arn:aws:cloudformation:{PLACE}:stack/pay"),
        (given.SERVICE, f"arn:aws:ecs:{PLACE}:service/prod/pay"),
        (given.PUSH, f"arn:aws:ecr:{PLACE}:repository/acme/pay"),
    ):
        assert ("resource", resource) in one(document).entities


def test_who_started_a_pipeline() -> None:
    """The trigger's session or user is the actor."""
    found = one(given.PIPELINE)
    assert found.actor == f"arn:aws:sts::{given.ACCOUNT}:assumed-role/deployer/ann"
    assert ("session", found.actor) in found.entities


def test_a_pushed_image_says_which_digest_its_tag_is() -> None:
    """Tag and digest are one image by what a push and a running task say; a failed or deleting action says nothing."""
    said = (("image", f"{REPOSITORY}:1.4", "image", f"{REPOSITORY}@{given.DIGEST}"),)
    assert one(given.PUSH).identities == said
    assert one(given.TASK).identities == said
    for fields in ({"action-type": "DELETE"}, {"result": "FAILURE"}):
        assert one({**given.PUSH, "detail": {**given.PUSH["detail"], **fields}}).identities == ()


def test_a_scan_has_the_severity_of_its_worst_count() -> None:
    """Counts of zero do not matter; enhanced scans name the repository by ARN and give the same image."""
    found = one(given.SCAN)
    assert found.severity == 4
    assert found.title == f"scan of {REPOSITORY}@{given.DIGEST} complete: 2 high, 7 low"
    arn = f"arn:aws:ecr:{PLACE}:repository/acme/pay"
    enhanced = {**given.SCAN, "detail": {**given.SCAN["detail"], "repository-name": arn}}
    assert one(enhanced).entities == found.entities


def test_what_is_in_the_envelope_has_its_own_reader() -> None:
    """Findings of GuardDuty, Inspector and Security Hub in either form, and calls, go to their own sources."""
    hub = {**given.OTHER, "detail-type": "Security Hub Findings - Imported", "detail": {"findings": [asff.DETECTION]}}
    open_hub = {**given.OTHER, "detail-type": "Findings Imported V2"}
    open_hub["detail"] = {"findings": [{"class_uid": 2004, "metadata": {"version": "1.6.0"}}]}
    call = {**given.OTHER, "detail-type": "AWS API Call via CloudTrail"}
    for document, name in (
        (aws_guardduty.event(aws_guardduty.KEY), "aws.guardduty"),
        (aws_inspector2.event(aws_inspector2.PORT), "aws.inspector2"),
        (hub, "asff"),
        (open_hub, "ocsf"),
        (call, "aws.cloudtrail"),
        (given.OTHER, "aws.eventbridge"),
    ):
        source = recognise(document, {})
        assert source is not None
        assert source.name == name


def test_what_is_not_read_is_told() -> None:
    """Other detail types are ignored; an event without id, time, detail or its service's name is refused."""
    assert one(given.OTHER) == Ignored("detail type not read")
    assert one(given.PHASE) == Ignored("a phase of a build")
    for fields, place in (
        ({"id": None}, "id"),
        ({"time": "yesterday"}, "time"),
        ({"detail": []}, "detail"),
        ({"detail": {}}, "detail.pipeline"),
    ):
        refused = one({**given.PIPELINE, **fields})
        assert isinstance(refused, Malformed)
        assert refused.place == place
