"""Events of what runs: Auto Scaling, ECS, CloudFormation stacks, EC2 instances, CloudWatch alarms.

Instances that Auto Scaling launches or ends, deployments of ECS services and the states of stacks are changes; tasks,
container instances, lifecycle actions, alarms and single resources of a stack are activities.

Sources: EC2 Auto Scaling user guide, "Amazon EC2 Auto Scaling event reference"; ECS developer guide, "Amazon ECS
events"; CloudFormation user guide, "Stack Status Change event detail", "Stack status codes"; EC2 user guide, "Instance
state-change events"; CloudWatch user guide, "Alarm events and EventBridge".
"""

from __future__ import annotations

from schemas.events import ChangeKind, ChangeStatus, Outcome
from streams.sources.aws_envelope import Envelope, instance_entities, known
from streams.sources.aws_events_drafts import Reader, activity, change
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, Ignored, Malformed
from streams.sources.canonical import Image, image
from streams.sources.document import mapping, number, sequence
from streams.sources.fields import dig, text
from streams.sources.identity import MAX_IDENTITIES, tag_of

_CONTAINERS = 8
_REFRESH: dict[str, ChangeStatus] = {"Started": "started", "Succeeded": "succeeded"}
_DEPLOYED: dict[str, ChangeStatus] = {
    "SERVICE_DEPLOYMENT_IN_PROGRESS": "started",
    "SERVICE_DEPLOYMENT_COMPLETED": "succeeded",
    "SERVICE_DEPLOYMENT_FAILED": "failed",
}
_ENDINGS: tuple[tuple[str, ChangeStatus], ...] = (
    ("_IN_PROGRESS", "started"),
    ("_FAILED", "failed"),
    ("_COMPLETE", "succeeded"),
)
_LEVEL: dict[object, int] = {"WARN": 3, "ERROR": 4}


def _group(event: Envelope) -> list[EntityDraft] | Malformed:
    name = text(event.detail.get("AutoScalingGroupName"), 256)
    if name is None:
        return Malformed("detail.AutoScalingGroupName", "not a text of 1 to 256 characters")
    return event.arn("autoscaling", f"autoScalingGroupName/{name}")


def _scaled(event: Envelope) -> ChangeDraft | Malformed:
    entities = _group(event)
    if isinstance(entities, Malformed):
        return entities
    group = event.detail["AutoScalingGroupName"]
    instance = text(event.detail.get("EC2InstanceId"), 32)
    good, verb = event.kind.endswith(" Successful"), "launch" if " Launch " in event.kind else "terminate"
    why = text(event.detail.get("StatusMessage"), 256) or text(event.detail.get("Cause"), 1024) or ""
    title = f"{group}: {verb} {instance or 'an instance'}{'' if good else ' failed'}" + (f": {why}" if why else "")
    entities += instance_entities(instance, event.account, event.region)
    action = f"autoscaling:{verb.title()}Instance"
    return change(event, "infrastructure", "succeeded" if good else "failed", action, title, entities)


def _lifecycle(event: Envelope) -> ActivityDraft | Malformed:
    entities = _group(event)
    if isinstance(entities, Malformed):
        return entities
    entities += instance_entities(event.detail.get("EC2InstanceId"), event.account, event.region)
    title = f"{event.detail['AutoScalingGroupName']}: waits at {text(event.detail.get('LifecycleHookName'), 256) or ''}"
    return activity(event, "autoscaling:LifecycleAction", "unknown", title, entities)


def _refresh(event: Envelope) -> ChangeDraft | Malformed:
    entities = _group(event)
    if isinstance(entities, Malformed):
        return entities
    word = event.kind.rpartition(" ")[2]
    back = " Rollback " in event.kind
    title = f"{event.detail['AutoScalingGroupName']}: instance refresh {'rollback ' if back else ''}{word.lower()}"
    revision = text(event.detail.get("InstanceRefreshId"), 128)
    status = _REFRESH.get(word, "failed")
    kind: ChangeKind = "rollback" if back else "deploy"
    return change(event, kind, status, "autoscaling:InstanceRefresh", title, entities, revision=revision)


def _service(event: Envelope) -> ChangeDraft | Malformed:
    name = text(event.detail.get("eventName"), 128)
    if name is None:
        return Malformed("detail.eventName", "not a text of 1 to 128 characters")
    run = text(event.detail.get("deploymentId"), 128)
    reason = text(event.detail.get("reason"), 512) or name
    where = next((arn.rpartition("service/")[2] for arn in event.resources if ":service/" in arn), "a service")
    entities = [*event.named(), *known(event.detail.get("clusterArn"))]
    status = _DEPLOYED.get(name, "unknown")
    return change(event, "deploy", status, "ecs:Deployment", f"{where}: {reason}", entities, revision=run)


def _action_of_service(event: Envelope) -> ActivityDraft | Malformed:
    name = text(event.detail.get("eventName"), 128)
    if name is None:
        return Malformed("detail.eventName", "not a text of 1 to 128 characters")
    kind = event.detail.get("eventType")
    level = _LEVEL.get(kind if isinstance(kind, str) else None, 0)
    reason = text(event.detail.get("reason"), 512)
    entities = [*event.named(), *known(event.detail.get("clusterArn"))]
    title = name.lower().replace("_", " ") + (f": {reason}" if reason else "")
    outcome: Outcome = "failure" if level == 4 else "unknown"
    return activity(event, "ecs:ServiceAction", outcome, title, entities, error=name, severity=level)


def _task(event: Envelope) -> ActivityDraft | Malformed:
    detail = event.detail
    task = text(detail.get("taskArn"), 512)
    if task is None:
        return Malformed("detail.taskArn", "not a text of 1 to 512 characters")
    state = text(detail.get("lastStatus"), 32) or "UNKNOWN"
    entities = known(task) + known(detail.get("taskDefinitionArn")) + known(detail.get("clusterArn"))
    said: list[tuple[Image, str]] = []
    codes: list[float] = []
    for container in sequence(detail.get("containers"))[:_CONTAINERS]:
        seen = image(text(dig(container, "image"), 512) or "")
        digest = text(dig(container, "imageDigest"), 128)
        if seen and (seen.tag or seen.digest or digest):
            exact = Image(seen.repository, seen.tag, seen.digest or digest)
            said.append((exact, exact.id))
        code = number(dig(container, "exitCode"))
        codes += [code] if code is not None and abs(code) < 1e6 else []
    entities += [("image", name) for _, name in said]
    group = text(detail.get("group"), 256) or ""
    reason = text(detail.get("stoppedReason"), 256)
    failed = state == "STOPPED" and (any(codes) or detail.get("stopCode") == "TaskFailedToStart")
    title = f"task of {group or 'no group'} {state.lower()}" + (f": {reason}" if reason else "")
    outcome: Outcome = "failure" if failed else "success" if state == "RUNNING" else "unknown"
    error = f"exit code {next(filter(None, codes)):.0f}" if any(codes) else reason
    draft = activity(event, f"ecs:Task{state.title()}", outcome, title, entities, error=error)
    if identities := [each for exact, _ in said for each in tag_of(exact)][:MAX_IDENTITIES]:
        draft["identities"] = list(dict.fromkeys(identities))
    return draft


def _container_instance(event: Envelope) -> ActivityDraft:
    detail = event.detail
    entities = event.named()
    entities += instance_entities(detail.get("ec2InstanceId"), event.account, event.region)
    entities += known(detail.get("clusterArn"))
    state = text(detail.get("status"), 32) or "UNKNOWN"
    lost = "" if detail.get("agentConnected") is not False else ", agent disconnected"
    title = f"container instance {text(detail.get('ec2InstanceId'), 32) or ''} {state.lower()}{lost}"
    return activity(event, "ecs:ContainerInstance", "unknown", title, entities)


def _stack(event: Envelope) -> ActivityDraft | ChangeDraft | Malformed:
    detail = event.detail
    stack = text(detail.get("stack-id"), 512)
    if stack is None:
        return Malformed("detail.stack-id", "not a text of 1 to 512 characters")
    details = mapping(detail.get("status-details"))
    state, reason = text(details.get("status"), 64) or "UNKNOWN", text(details.get("status-reason"), 512)
    status: ChangeStatus = next((verdict for ending, verdict in _ENDINGS if state.endswith(ending)), "unknown")
    name = stack.split("/")[1] if stack.count("/") >= 1 else stack
    entities = known(stack)
    words = state.lower().replace("_", " ") + (f": {reason}" if reason else "")
    if event.kind == "CloudFormation Stack Status Change":
        kind: ChangeKind = "rollback" if "ROLLBACK" in state else "infrastructure"
        token = text(detail.get("client-request-token"), 128)
        title = f"stack {name} {words}"
        return change(event, kind, status, "cloudformation:Stack", title, entities, revision=token)
    made = text(detail.get("physical-resource-id"), 1024) or ""
    entities += known(made)
    what = text(detail.get("logical-resource-id"), 256) or "a resource"
    outcome: Outcome = "failure" if status == "failed" else "success" if status == "succeeded" else "unknown"
    return activity(event, "cloudformation:Resource", outcome, f"stack {name}: {what} {words}", entities, error=state)


def _instance(event: Envelope) -> ActivityDraft | Malformed:
    instance = text(event.detail.get("instance-id"), 32)
    if instance is None:
        return Malformed("detail.instance-id", "not a text of 1 to 32 characters")
    state = text(event.detail.get("state"), 32) or "unknown"
    entities = instance_entities(instance, event.account, event.region)
    return activity(event, "ec2:InstanceState", "unknown", f"instance {instance} {state}", entities)


def _alarm(event: Envelope) -> ActivityDraft | Malformed:
    name = text(event.detail.get("alarmName"), 255)
    if name is None:
        return Malformed("detail.alarmName", "not a text of 1 to 255 characters")
    state = text(dig(event.detail, "state", "value"), 32) or "UNKNOWN"
    reason = text(dig(event.detail, "state", "reason"), 2048) or "no reason"
    outcome: Outcome = "failure" if state == "ALARM" else "success" if state == "OK" else "unknown"
    title = f"alarm {name} is {state}: {reason}"
    return activity(event, "cloudwatch:AlarmStateChange", outcome, title, event.named(), error=state)


def _drift(event: Envelope) -> Ignored:
    return Ignored("progress of a drift detection")


COMPUTE: dict[str, Reader] = {
    **dict.fromkeys(
        (
            "EC2 Instance Launch Successful",
            "EC2 Instance Launch Unsuccessful",
            "EC2 Instance Terminate Successful",
            "EC2 Instance Terminate Unsuccessful",
        ),
        _scaled,
    ),
    **dict.fromkeys(("EC2 Instance-launch Lifecycle Action", "EC2 Instance-terminate Lifecycle Action"), _lifecycle),
    **dict.fromkeys(
        (
            "EC2 Auto Scaling Instance Refresh Started",
            "EC2 Auto Scaling Instance Refresh Succeeded",
            "EC2 Auto Scaling Instance Refresh Failed",
            "EC2 Auto Scaling Instance Refresh Cancelled",
            "EC2 Auto Scaling Instance Refresh Rollback Started",
            "EC2 Auto Scaling Instance Refresh Rollback Succeeded",
            "EC2 Auto Scaling Instance Refresh Rollback Failed",
        ),
        _refresh,
    ),
    "ECS Deployment State Change": _service,
    "ECS Service Action": _action_of_service,
    "ECS Task State Change": _task,
    "ECS Container Instance State Change": _container_instance,
    "CloudFormation Stack Status Change": _stack,
    "CloudFormation Resource Status Change": _stack,
    "CloudFormation Drift Detection Status Change": _drift,
    "EC2 Instance State-change Notification": _instance,
    "CloudWatch Alarm State Change": _alarm,
}
