"""Events of what is built and deployed: CodePipeline, CodeDeploy, CodeBuild, CodeCommit, and images in ECR.

A pipeline's run and its actions of category Deploy are deploys, as is a CodeDeploy deployment; other actions, stages
and single instances are activities. A build and a pushed or deleted image are changes of code, as the calls are.

Sources: CodePipeline user guide, "Monitoring CodePipeline events"; CodeDeploy user guide, "Monitoring deployments with
EventBridge"; CodeBuild user guide, "Build notifications input format reference"; CodeCommit user guide, "Monitoring
events"; ECR user guide, "Amazon ECR events and EventBridge".
"""

from __future__ import annotations

from schemas.events import ChangeStatus, Outcome
from streams.sources.aws_envelope import Envelope, commit_entity, instance_entities, known, registry_image
from streams.sources.aws_events_drafts import Reader, activity, change
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, Ignored, Malformed
from streams.sources.canonical import Image
from streams.sources.document import mapping, number, texts
from streams.sources.fields import dig, text
from streams.sources.identity import tag_of

_STATUS: dict[str, ChangeStatus] = {
    **dict.fromkeys(("STARTED", "RESUMED", "START", "READY", "CREATED", "QUEUED", "IN_PROGRESS"), "started"),
    **dict.fromkeys(("SUCCEEDED", "SUCCESS"), "succeeded"),
    **dict.fromkeys(("FAILED", "FAILURE", "FAULT", "TIMED_OUT", "CANCELED", "STOPPED", "STOP", "ABANDONED"), "failed"),
}
"""The states of CodePipeline, CodeDeploy and CodeBuild. SUPERSEDED and STOPPING are neither."""
_OUTCOME: dict[ChangeStatus, Outcome] = {"succeeded": "success", "failed": "failure"}
_SEVERITIES = (("CRITICAL", 5), ("HIGH", 4), ("MEDIUM", 3), ("LOW", 2), ("INFORMATIONAL", 1))


def _state(event: Envelope, field: str = "state") -> tuple[str, ChangeStatus]:
    state = text(event.detail.get(field), 64) or "UNKNOWN"
    return state, _STATUS.get(state.upper(), "unknown")


def _pipeline(event: Envelope) -> ActivityDraft | ChangeDraft | Malformed:
    detail = event.detail
    name = text(detail.get("pipeline"), 128)
    if name is None:
        return Malformed("detail.pipeline", "not a text of 1 to 128 characters")
    run = text(detail.get("execution-id"), 128)
    state, status = _state(event)
    entities = [
        *event.arn("codepipeline", name),
        *commit_entity(dig(detail, "execution-result", "external-execution-id")),
    ]
    words = state.lower().replace("_", " ")
    if event.kind == "CodePipeline Pipeline Execution State Change":
        asked = known(dig(detail, "execution-trigger", "trigger-detail"))
        who = next((entity for entity in asked if entity[0] in ("principal", "session")), None)
        return change(
            event, "deploy", status, "codepipeline:PipelineExecution", f"pipeline {name} {words}", [*entities, *asked],
            actor=who[1] if who else None, revision=run,
        )  # fmt: skip
    stage, step = text(detail.get("stage"), 128) or "", text(detail.get("action"), 128)
    if step and dig(detail, "type", "category") == "Deploy":
        title = f"pipeline {name}: {stage} {step} {words}"
        return change(event, "deploy", status, "codepipeline:ActionExecution", title, entities, revision=run)
    kind = "ActionExecution" if step else "StageExecution"
    title = " ".join(filter(None, (f"pipeline {name}:", stage, step, words)))
    error = text(dig(detail, "execution-result", "error-code"), 256) or state
    return activity(
        event, f"codepipeline:{kind}", _OUTCOME.get(status, "unknown"), title, entities, error=error
    )  # fmt: skip


def _deployment(event: Envelope) -> ActivityDraft | ChangeDraft | Malformed:
    detail = event.detail
    application, group = text(detail.get("application"), 128), text(detail.get("deploymentGroup"), 128)
    run = text(detail.get("deploymentId"), 128)
    if application is None:
        return Malformed("detail.application", "not a text of 1 to 128 characters")
    state, status = _state(event)
    entities = event.arn("codedeploy", f"application:{application}")
    if group:
        entities += event.arn("codedeploy", f"deploymentgroup:{application}/{group}")
    title = f"deployment {run or ''} of {application} {group or ''}: {state.lower()}"
    if event.kind == "CodeDeploy Deployment State-change Notification":
        return change(event, "deploy", status, "codedeploy:Deployment", title, entities, revision=run)
    host = text(detail.get("instanceId"), 256)
    entities += instance_entities(host, event.account, event.region) + known(host)
    title += f" on {host}" if host else ""
    return activity(event, "codedeploy:Instance", _OUTCOME.get(status, "unknown"), title, entities, error=state)


def _build(event: Envelope) -> ChangeDraft | Malformed:
    detail = event.detail
    project = text(detail.get("project-name"), 256)
    if project is None:
        return Malformed("detail.project-name", "not a text of 1 to 256 characters")
    state, status = _state(event, "build-status")
    more = mapping(detail.get("additional-information"))
    version = text(more.get("source-version"), 256)
    entities: list[EntityDraft] = [*event.arn("codebuild", f"project/{project}"), *commit_entity(version)]
    starter = text(more.get("initiator"), 256)
    title = f"build of {project} {state.lower().replace('_', ' ')}" + (f", by {starter}" if starter else "")
    return change(event, "code", status, "codebuild:Build", title, entities, revision=version)


def _phase(event: Envelope) -> Ignored:
    return Ignored("a phase of a build")


def _reference(event: Envelope) -> ChangeDraft | Ignored | Malformed:
    detail = event.detail
    name = text(detail.get("repositoryName"), 128)
    if name is None:
        return Malformed("detail.repositoryName", "not a text of 1 to 128 characters")
    what = text(detail.get("event"), 64) or ""
    if what not in ("referenceCreated", "referenceUpdated", "referenceDeleted"):
        return Ignored("not a change of a reference")
    commit = text(detail.get("commitId"), 64)
    who = known(detail.get("callerUserArn"))
    entities: list[EntityDraft] = [*event.arn("codecommit", name), *commit_entity(commit), *who]
    branch = text(detail.get("referenceName"), 256) or ""
    title = f"{name} {branch}: {what.removeprefix('reference').lower()}"
    return change(
        event, "code", "succeeded", f"codecommit:{what}", title, entities,
        actor=who[0][1] if who else None, revision=commit,
    )  # fmt: skip


def _image(event: Envelope) -> tuple[str, Image] | Malformed:
    """The repository's name and the image, by digest and tag where the event has them."""
    name = text(event.detail.get("repository-name"), 512)
    if name is None:
        return Malformed("detail.repository-name", "not a text of 1 to 512 characters")
    name = name.rpartition(":repository/")[2]  # enhanced scans give the ARN
    digest = text(event.detail.get("image-digest"), 128)
    tags = texts(event.detail.get("image-tags"), 128) or texts(event.detail.get("image-tag"), 128)
    registry = registry_image(event.account or "unknown", event.region or "unknown", name).lower()
    return name, Image(registry, tags[0] if tags else None, digest)


def _images(event: Envelope, name: str, image: Image) -> list[EntityDraft]:
    found: list[EntityDraft] = [("image", image.id)] if image.tag or image.digest else []
    if image.digest and image.tag:
        found.append(("image", f"{image.repository}:{image.tag}"))
    return found + event.arn("ecr", f"repository/{name}")


def _push(event: Envelope) -> ChangeDraft | Malformed:
    found = _image(event)
    if isinstance(found, Malformed):
        return found
    name, image = found
    verb = text(event.detail.get("action-type"), 32) or "ACTION"
    good = event.detail.get("result") == "SUCCESS"
    said = tag_of(image) if good and verb == "PUSH" else []
    return change(
        event, "code", "succeeded" if good else "failed", f"ecr:Image{verb.title()}",
        f"{verb.lower()} of {image.id}", _images(event, name, image), revision=image.digest, identities=said,
    )  # fmt: skip


def _scan(event: Envelope) -> ActivityDraft | Malformed:
    """Counts only: the findings themselves come from Inspector or by the API."""
    found = _image(event)
    if isinstance(found, Malformed):
        return found
    name, image = found
    counts = mapping(event.detail.get("finding-severity-counts"))
    worst = [(word, level, n) for word, level in _SEVERITIES if (n := number(counts.get(word))) and 0 < n < 1e9]
    state = text(event.detail.get("scan-status"), 64) or "UNKNOWN"
    title = f"scan of {image.id} {state.lower().replace('_', ' ')}"
    if worst:
        title += ": " + ", ".join(f"{n:.0f} {word.lower()}" for word, _, n in worst)
    failed = state == "FAILED"
    outcome: Outcome = "failure" if failed else "success" if "COMPLETE" in state else "unknown"
    entities = _images(event, name, image)
    return activity(event, "ecr:ImageScan", outcome, title, entities, error=state, severity=worst[0][1] if worst else 0)


DELIVERY: dict[str, Reader] = {
    "CodePipeline Pipeline Execution State Change": _pipeline,
    "CodePipeline Stage Execution State Change": _pipeline,
    "CodePipeline Action Execution State Change": _pipeline,
    "CodeDeploy Deployment State-change Notification": _deployment,
    "CodeDeploy Instance State-change Notification": _deployment,
    "CodeBuild Build State Change": _build,
    "CodeBuild Build Phase Change": _phase,
    "CodeCommit Repository State Change": _reference,
    "ECR Image Action": _push,
    "ECR Image Scan": _scan,
}
