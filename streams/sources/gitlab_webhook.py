"""GitLab's webhooks: deployments, pushes and feature flags as changes, pipelines as activities.

The body names its kind (``object_kind``); the record header ``x-gitlab-event`` (``Deployment Hook``) stands beside it.

- ``deployment``: a deploy, by its status started, succeeded or failed; a cancelled one has status unknown.
- ``push``: code. ``feature_flag``: a flag was turned on or off. ``pipeline``: an activity; what it deploys, the
  deployment says. Other kinds are ignored by name.
- Natural key: what tells the event, so that a project's webhook and its group's agree: of deployments and pipelines the
  id, status and time, of a push project, branch and commits. A feature flag's event has neither an id nor a time: the
  header ``idempotency-key``, which stays the same when GitLab tries again, else a digest of all with the time of
  arrival.
- Time: ``status_changed_at``, ``finished_at`` or ``created_at`` of the pipeline, in GitLab's spelling (``2026-03-02
  09:13:00 UTC``). Pushes and flags have none but that of commits, which their authors set: the header
  ``x-weir-received``.
- Lateness: five minutes; failed deliveries are repeated later.
- Principals: ``gitlab:`` and the user name. The address, where GitLab shows it, is the
  same person's.
- Domain and repository: ``path_with_namespace``; the host is left out, as of every repository.

Wrong for system hooks, which have the same shape and other events, and for reports (``gitlab_report``).

Source: GitLab documentation, "Webhook events" (deployment, pipeline, push, feature flag), "Webhooks" (headers).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from schemas.events import ChangeStatus, Outcome
from streams.sources.base import (
    ActivityDraft,
    ChangeDraft,
    EntityDraft,
    IdentityDraft,
    Ignored,
    Malformed,
    Reading,
)
from streams.sources.canonical import repository
from streams.sources.document import digest, line, mapping, sequence
from streams.sources.exported import content_id
from streams.sources.fields import dig, email, instant, text
from streams.sources.identity import commit_of
from streams.sources.offset_times import with_offset
from streams.sources.scan import RECEIVED

_RETRIED: Final = "idempotency-key"
_EVENT: Final = "x-gitlab-event"
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_COMMITS: Final = 20
_STATES: Final[dict[str, ChangeStatus]] = {
    "running": "started",
    "created": "started",
    "success": "succeeded",
    "failed": "failed",
}
_OUTCOMES: Final[dict[str, Outcome]] = {"success": "success", "failed": "failure"}
_OTHERS: Final = frozenset(
    (
        "access_token", "build", "emoji", "group_member", "issue", "job", "member", "merge_request", "milestone",
        "note", "project", "release", "resource_access_token", "subgroup", "tag_push", "vulnerability", "wiki_page",
        "work_item",
    )
)  # fmt: skip
"""Kinds of the documentation that are not read; their names are safe as a metric label."""

_Content = ActivityDraft | ChangeDraft | Malformed | Ignored


class _Event(NamedTuple):
    """What every read event has."""

    body: dict[str, Any]
    project: str
    actor: str | None
    entities: tuple[EntityDraft, ...]
    identities: tuple[IdentityDraft, ...]
    retried: str | None
    received: str | None


class GitLabWebhook:
    """The source ``gitlab.webhook``."""

    name = "gitlab.webhook"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the kind of the object beside its project, or GitLab's header."""
        if not isinstance(document, dict) or not isinstance(document.get("object_kind"), str):
            return False
        return _EVENT in headers or "project" in document or "project_id" in document

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """One item, the delivery."""
        yield 0, _read(document, headers)


def _read(document: object, headers: Mapping[str, str]) -> _Content:
    if not isinstance(document, dict):
        return Malformed("", "not an object")
    kind = text(document.get("object_kind"), 64)
    reader = _READERS.get(kind or "")
    if reader is None:
        return Ignored(f"event {kind} not read" if kind in _OTHERS else "event of unknown name not read")
    found = repository(text(dig(document, "project", "path_with_namespace"), 512) or "")
    if found is None:
        return Malformed("project.path_with_namespace", "not of the form group/name")
    user = mapping(document.get("user"))
    name = text(user.get("username"), 255) or text(document.get("user_username"), 255)
    actor = f"gitlab:{name.lower()}" if name else None
    mail = email(user.get("email")) or email(document.get("user_email"))
    return reader(
        _Event(
            document,
            found.path,
            actor,
            (("repository", found.path),),
            (("principal", actor, "principal", mail),) if actor and mail else (),
            text(headers.get(_RETRIED), 128),
            instant(headers.get(RECEIVED)),
        )
    )


def _deployment(event: _Event) -> _Content:
    body = event.body
    time, state = with_offset(body.get("status_changed_at")), text(body.get("status"), 32) or ""
    if time is None:
        return Malformed("status_changed_at", "not a time with an offset")
    environment = text(body.get("environment"), 255)
    full = _hash((text(body.get("commit_url"), 1024) or "").rpartition("/")[2])
    entities = [*event.entities]
    if full:
        entities.append(("commit", full))
    if environment:
        entities.append(("environment", environment))
    what = f"deploy of {event.project}{'@' + full[:12] if full else ''} to {environment or 'an unnamed environment'}"
    number = body.get("deployment_id")
    draft = _change(event, time, entities, f"{what}: {state or 'unknown state'}")
    draft["source_id"] = digest((event.project, str(number)[:32], state, time))
    draft["kind"] = "deploy"
    draft["status"] = _STATES.get(state, "unknown")
    draft["revision"] = full or text(body.get("short_sha"), 64)
    if said := [*event.identities, *commit_of(body.get("short_sha"), full)]:
        draft["identities"] = said
    return draft


def _push(event: _Event) -> _Content:
    body = event.body
    after = _hash(body.get("after"))
    if after is None:
        return Ignored("push deletes a branch")
    if event.received is None:
        return Malformed("commits", "a push has no time of its own, and there is no time of arrival either")
    commits = [mapping(given) for given in sequence(body.get("commits"))[-_COMMITS:]]
    hashes = [found for given in commits if (found := _hash(given.get("id")))]
    branch = (line(body.get("ref"), 255) or "a branch").removeprefix("refs/heads/")
    message = line(commits[-1].get("title") or commits[-1].get("message"), 200) if commits else None
    entities: list[EntityDraft] = [*event.entities]
    entities += [("commit", found) for found in dict.fromkeys((after, *hashes))]
    draft = _change(event, event.received, entities, "")
    draft["title"] = line(f"push to {branch} of {event.project}{f': {message}' if message else ''}") or branch
    draft["source_id"] = digest((event.project, branch, _hash(body.get("before")), after))
    draft["kind"] = "code"
    draft["status"] = "succeeded"
    draft["revision"] = after
    return draft


def _flag(event: _Event) -> _Content:
    if event.received is None:
        return Malformed("object_attributes", "a flag has no time, and there is no time of arrival either")
    name = text(dig(event.body, "object_attributes", "name"), 255)
    if name is None:
        return Malformed("object_attributes.name", "missing")
    active = dig(event.body, "object_attributes", "active")
    entities = [*event.entities, ("resource", f"gitlab:{event.project}/feature_flags/{name}")]
    turned = "turned on" if active is True else "turned off" if active is False else "changed"
    draft = _change(event, event.received, entities, f"feature flag {name} of {event.project[:200]} {turned}")
    draft["source_id"] = digest((event.retried,)) if event.retried else digest((content_id(event.body), event.received))
    draft["kind"] = "feature_flag"
    draft["status"] = "succeeded"
    return draft


def _pipeline(event: _Event) -> _Content:
    given = mapping(event.body.get("object_attributes"))
    time = with_offset(given.get("finished_at")) or with_offset(given.get("created_at"))
    if time is None:
        return Malformed("object_attributes.created_at", "not a time with an offset")
    state, commit = text(given.get("status"), 32) or "unknown", _hash(given.get("sha"))
    number = given.get("id")
    entities = [*event.entities]
    if commit:
        entities.append(("commit", commit))
    if type(number) is int:
        entities.append(("resource", f"gitlab:{event.project}/pipelines/{number}"))
    outcome = _OUTCOMES.get(state, "unknown")
    name = line(given.get("name"), 120) or line(given.get("ref"), 120) or "unnamed"
    draft: ActivityDraft = {
        "type": "activity",
        "source_id": digest((event.project, str(number)[:32], state, time)),
        "time": time,
        "domain": f"repository:{event.project}",
        "entities": _with_actor(entities, event.actor),
        "title": line(f"pipeline {name} of {event.project}: {state}") or name,
        "action": f"gitlab:pipeline.{state if state in _PIPELINE else 'unknown'}",
        "actor": event.actor,
        "outcome": outcome,
        "read_only": None,
    }
    if outcome == "failure":
        draft["error"] = state
        draft["severity"] = 1
    if event.identities:
        draft["identities"] = list(event.identities)
    return draft


_PIPELINE: Final = frozenset(
    ("created", "waiting_for_resource", "preparing", "pending", "running", "success", "failed", "canceling", "canceled",
     "skipped", "manual", "scheduled")
)  # fmt: skip


def _change(event: _Event, time: str, entities: list[EntityDraft], title: str) -> ChangeDraft:
    draft: ChangeDraft = {
        "type": "change",
        "source_id": "",
        "time": time,
        "domain": f"repository:{event.project}",
        "entities": _with_actor(entities, event.actor),
        "title": title[:512],
        "kind": "configuration",
        "actor": event.actor,
    }
    if event.identities:
        draft["identities"] = list(event.identities)
    return draft


def _with_actor(entities: list[EntityDraft], actor: str | None) -> list[EntityDraft]:
    return [*entities, ("principal", actor)] if actor else list(entities)


def _hash(value: object) -> str | None:
    found = _COMMIT.fullmatch(value) if isinstance(value, str) else None
    return found[0] if found and found[0].strip("0") else None


_READERS: Final[dict[str, Callable[[_Event], _Content]]] = {
    "deployment": _deployment,
    "push": _push,
    "pipeline": _pipeline,
    "feature_flag": _flag,
}
