"""Terraform: notifications of HCP Terraform and Terraform Enterprise, ``terraform apply -json``, and plans as JSON.

- A run's notification (``payload_version`` 1), one item an event. Applying and applied are infrastructure changes,
  started and succeeded; a run that errored is a failed one, since part may have been applied; one that was cancelled
  has status unknown. What altered nothing (created, planning, waiting, planned without changes, discarded) is an
  activity.
- A workspace's notification (version 2): drift, and checks that fail, are misconfigurations of the workspace; a later
  assessment without them says that they are fixed. Severity is not stated.
- A line of ``terraform apply -json`` (or OpenTofu's) or an array of them: what was created, updated or destroyed,
  resource by resource, with its id: an infrastructure change, or a failed one. What it says beside that is ignored.
- ``terraform show -json`` of a plan: an activity with the number of changes. A plan is no change; when it is applied,
  the run says so.

- Natural key: run, trigger and time; of a line its content; of a plan its time and changes.
- Time: ``run_updated_at``; the result's ``created_at``; ``@timestamp``; a plan's ``timestamp`` (Terraform 1.5), else
  the header ``x-weir-received``.
- Lateness: notifications are sent at once, and again where they fail; five minutes.
- Domain: ``terraform:`` organisation/workspace; of lines and plans the repository named by ``x-weir-repository``.
- Verifying ``X-TFE-Notification-Signature`` needs the untouched body and belongs to the gateway.

Sources: HCP Terraform API, "Notification configurations" (payloads, triggers), "Run states"; Terraform,
"Machine-readable UI", "JSON output format" (plan representation).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from schemas.events import ChangeStatus
from streams.sources.aws_names import entity_of
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, FindingDraft, Ignored, Malformed, Reading
from streams.sources.document import digest, line, mapping, texts
from streams.sources.exported import content_id
from streams.sources.fields import dig, instant, text
from streams.sources.scan import RECEIVED
from streams.sources.scanned_repository import scanned

_MODULES: Final = ("terraform.ui", "tofu.ui")
_RUNS: Final[dict[str, dict[str, ChangeStatus]]] = {
    "run:applying": {"": "started"},
    "run:completed": {"applied": "succeeded"},
    "run:errored": {"errored": "failed", "canceled": "unknown", "force_canceled": "unknown"},
}
"""Status of the change by trigger and, where it matters, by the run's status."""

_TRIGGERS: Final = frozenset((*_RUNS, "run:created", "run:planning", "run:needs_attention"))
_HOOKS: Final[dict[str, ChangeStatus]] = {"apply_complete": "succeeded", "apply_errored": "failed"}
_CHANGED: Final = frozenset(("create", "update", "delete", "replace"))
_LIMIT: Final = 64

_Content = ActivityDraft | ChangeDraft | FindingDraft | Malformed | Ignored


class _Workspace(NamedTuple):
    """Where a run was. ``domain`` and ``thing`` are named after it."""

    label: str
    domain: str
    thing: EntityDraft


class Terraform:
    """The source ``terraform``."""

    name = "terraform"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By a notification's configuration, the module of a line, or the changes of a plan."""
        first = document[0] if isinstance(document, list) and document else document
        if not isinstance(first, dict):
            return False
        if "notification_configuration_id" in first and "payload_version" in first:
            return True
        return first.get("@module") in _MODULES or ("resource_changes" in first and "format_version" in first)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every event of a notification, every line, or the plan."""
        if isinstance(document, list):
            for item, given in enumerate(document):
                yield item, _line(given, headers, f"[{item}].")
            return
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
        elif document.get("@module") in _MODULES:
            yield 0, _line(document, headers, "")
        elif "resource_changes" in document:
            yield 0, _plan(document, headers)
        elif "trigger_scope" in document:
            yield 0, _assessment(document)
        else:
            yield from enumerate(_runs(document))


def _workspace(given: dict[str, Any]) -> _Workspace:
    names = [text(given.get(field), 200) for field in ("organization_name", "workspace_name")]
    label = "/".join(name for name in names if name) or text(given.get("workspace_id"), 200) or "unnamed"
    return _Workspace(label, f"terraform:{label}", ("resource", f"terraform:{label}"))


def _runs(document: dict[str, Any]) -> Iterator[_Content]:
    events = document.get("notifications")
    if not isinstance(events, list) or not events:
        yield Malformed("notifications", "missing or empty")
        return
    for index, event in enumerate(events):
        yield _run(document, mapping(event), f"notifications[{index}]")


def _run(document: dict[str, Any], event: dict[str, Any], place: str) -> _Content:
    trigger, status = text(event.get("trigger"), 64), text(event.get("run_status"), 64) or ""
    if trigger == "verification":
        return Ignored("verification of a notification")
    if trigger not in _TRIGGERS:
        return Ignored("trigger not read") if trigger else Malformed(f"{place}.trigger", "missing")
    run, time = text(document.get("run_id"), 200), instant(event.get("run_updated_at"))
    if run is None or time is None:
        field, reason = ("run_id", "missing") if run is None else (f"{place}.run_updated_at", "not an RFC 3339 time")
        return Malformed(field, reason)
    where = _workspace(document)
    people = [text(given, 255) for given in (event.get("run_updated_by"), document.get("run_created_by"))]
    known = [f"terraform:{name.lower()}" for name in people if name]
    actor = known[0] if known else None
    entities: list[EntityDraft] = [where.thing, ("resource", f"terraform:{run}")]
    entities += [("principal", name) for name in dict.fromkeys(known)]
    what = line(event.get("message"), 120) or trigger
    why = line(document.get("run_message"), 300)
    title = line(f"run of {where.label}: {what}{f' ({why})' if why else ''}") or run
    key = digest((run, trigger, status, time))
    done = _RUNS.get(trigger, {})
    changed = done.get(status) or done.get("")
    if changed is not None:
        return {
            "type": "change",
            "source_id": key,
            "time": time,
            "domain": where.domain,
            "entities": entities,
            "title": title,
            "kind": "infrastructure",
            "actor": actor,
            "status": changed,
            "revision": run,
            "action": f"terraform:{trigger.removeprefix('run:')}",
        }
    return {
        "type": "activity",
        "source_id": key,
        "time": time,
        "domain": where.domain,
        "entities": entities,
        "title": title,
        "action": f"terraform:{trigger.removeprefix('run:')}",
        "actor": actor,
        "outcome": "success" if trigger == "run:completed" else "failure" if trigger == "run:errored" else "unknown",
    }


def _assessment(document: dict[str, Any]) -> FindingDraft | Malformed | Ignored:
    trigger = text(document.get("trigger"), 64)
    if document.get("trigger_scope") != "assessment" or trigger not in (
        "assessment:drifted",
        "assessment:check_failure",
    ):
        return Ignored("event of a workspace not read")
    details = mapping(document.get("details"))
    result = mapping(details.get("new_assessment_result"))
    key, time = text(result.get("id"), 200), instant(result.get("created_at"))
    if key is None or time is None:
        field = "id" if key is None else "created_at"
        return Malformed(f"details.new_assessment_result.{field}", "missing, or not what it should be")
    where = _workspace(details)
    drift = trigger == "assessment:drifted"
    count = result.get("resources_drifted" if drift else "checks_failed")
    number = count if type(count) is int and 0 <= count < 2**53 else None
    gone = result.get("drifted") is False if drift else result.get("all_checks_succeeded") is True
    what = "resources drifted from their configuration" if drift else "checks of resources failed"
    return {
        "type": "finding",
        "kind": "misconfiguration",
        "source_id": f"{key}/{trigger}",
        "time": time,
        "domain": where.domain,
        "entities": [where.thing],
        "title": line(f"{number if number is not None else 'some'} {what} in {where.label}") or what,
        "rule": trigger.removeprefix("assessment:"),
        "severity": 0,
        "status": "fixed" if gone else "open",
        "reporter": "terraform",
        "location": line(where.label, 1024),
        "evidence": line(document.get("message"), 2048),
        "fingerprints": [f"workspace={where.label}"],
    }


def _line(given: object, headers: Mapping[str, str], place: str) -> _Content:
    if not isinstance(given, dict):
        return Malformed(place.rstrip("."), "not an object")
    kind = text(given.get("type"), 64)
    if kind not in _HOOKS:
        return Ignored("line that tells of no change")
    time = instant(given.get("@timestamp"))
    if time is None:
        return Malformed(f"{place}@timestamp", "not an RFC 3339 time with an offset")
    hook = mapping(given.get("hook"))
    action, address = text(hook.get("action"), 32), text(dig(hook, "resource", "addr"), 400)
    if action is None or address is None:
        return Malformed(f"{place}hook.{'action' if action is None else 'resource.addr'}", "missing")
    if action not in _CHANGED:
        return Ignored("line that tells of no change")
    found = scanned(headers)
    entities: list[EntityDraft] = [("repository", found.path)] if found else []
    entities += _named(hook.get("id_value"))
    status = _HOOKS[kind]
    return {
        "type": "change",
        "source_id": content_id(given),
        "time": time,
        "domain": found.domain if found else "terraform:unnamed",
        "entities": entities,
        "title": line(f"{action} {address}{': failed' if status == 'failed' else ''}") or address,
        "kind": "infrastructure",
        "status": status,
        "action": f"terraform:{action}",
    }


def _named(value: object) -> list[EntityDraft]:
    """What an id names everywhere: an ARN, or a full path of Azure or Google; other ids are of one provider's kind."""
    name = text(value, 512)
    if name is None:
        return []
    if name.startswith("arn:"):
        return [entity_of(name) or ("resource", name)]
    if name.lower().startswith("/subscriptions/"):
        return [("resource", name.lower())]
    return [("resource", name)] if name.startswith("projects/") else []


def _plan(document: dict[str, Any], headers: Mapping[str, str]) -> ActivityDraft | Malformed:
    changes = document.get("resource_changes")
    if not isinstance(changes, list):
        return Malformed("resource_changes", "not an array")
    time = instant(document.get("timestamp")) or instant(headers.get(RECEIVED))
    if time is None:
        return Malformed("timestamp", "no time, and no time of arrival either")
    found = scanned(headers)
    counts: Counter[str] = Counter()
    entities: list[EntityDraft] = [("repository", found.path)] if found else []
    marks: list[str] = []
    for each in map(mapping, changes):
        actions = texts(dig(each, "change", "actions"), 16)
        altered = [action for action in actions if action in _CHANGED]
        counts.update(altered)
        if altered:
            marks.append(digest((text(each.get("address"), 1024), *altered)))
            entities += _named(dig(each, "change", "before", "arn")) + _named(dig(each, "change", "before", "id"))
    numbers = f"{counts['create']} to create, {counts['update']} to update, {counts['delete']} to delete"
    errored = document.get("errored") is True
    return {
        "type": "activity",
        "source_id": digest((instant(document.get("timestamp")), *marks)),
        "time": time,
        "domain": found.domain if found else "terraform:unnamed",
        "entities": list(dict.fromkeys(entities))[:_LIMIT],
        "title": f"plan{f' of {found.path}' if found else ''}: {numbers}"[:512],
        "action": "terraform:plan",
        "outcome": "failure" if errored else "success",
        "read_only": True,
    }
