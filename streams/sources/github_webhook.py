"""GitHub webhooks: deployments and pushes as changes, alerts as findings, runs of workflows as activities.

Two shapes: the body with the HTTP headers ``X-GitHub-Event`` and ``X-GitHub-Delivery`` as record headers, and a capture
``{"event", "delivery", "payload"}``. Read: ``deployment``, ``deployment_status``, ``push``, ``dependabot_alert``, and
``code_scanning_alert``, ``secret_scanning_alert`` (``github_alerts``), ``workflow_run`` (``github_runs``).

- Natural key: the delivery id; a redelivery has the same one, each status of a deployment its own.
- Time: ``deployment.created_at``, ``deployment_status.created_at``, ``alert.updated_at``. A push has the time of
  ``repository.pushed_at``, which GitHub's server sets (epoch seconds there, text in other events), and only without it
  ``head_commit.timestamp``, which the author's machine sets and anyone can forge.
- Lateness: GitHub sends at once and waits ten seconds for an answer; the five minutes are for the gateway between.
- Severity: the advisory's word; CVSS 0 beside a missing vector means not scored.

- Logins are the same in any case, and so are owners and names of repositories (``canonical.repository``).
- Who stands for whom: a pusher's login for the address that GitHub gives with it (not a ``noreply`` one), an image by
  tag for the one by digest, an abbreviated hash deployed for the full one, the GHSA id of an advisory for its CVE id.

Source: GitHub documentation, "Webhook events and payloads", "Handling failed webhook deliveries". Verifying
``X-Hub-Signature-256`` needs the untouched body and belongs to the gateway.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from schemas.events import ChangeKind, ChangeStatus, FindingStatus
from streams.sources.base import (
    ActivityDraft,
    ChangeDraft,
    EntityDraft,
    FindingDraft,
    IdentityDraft,
    Ignored,
    Malformed,
    Reading,
)
from streams.sources.canonical import image, repository, vulnerability
from streams.sources.document import line, mapping, sequence
from streams.sources.fields import cut, dig, email, instant, text
from streams.sources.github_alerts import code_scanning_alert, secret_scanning_alert
from streams.sources.github_delivery import Delivery, hash_of, login_of, with_people
from streams.sources.github_runs import workflow_run
from streams.sources.identity import commit_of, cve_of, tag_of
from streams.sources.packages import package_url
from streams.sources.scan import RECEIVED
from streams.sources.severity import severity_of_word

_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_MAX_COMMITS = 20
_NO_REPLY = ("@users.noreply.github.com", "@noreply.github.com")

_STATES: dict[object, ChangeStatus] = {
    "success": "succeeded",
    "failure": "failed",
    "error": "failed",
    "in_progress": "started",
    "queued": "started",
    "pending": "started",
    "waiting": "started",
}
_ALERT_STATES: dict[object, FindingStatus] = {
    "open": "open",
    "fixed": "fixed",
    "dismissed": "suppressed",
    "auto_dismissed": "suppressed",
}
_ECOSYSTEMS = {"rubygems": "gem"}

_DEPENDENCY_BOTS = frozenset({"dependabot[bot]", "dependabot-preview[bot]", "renovate[bot]", "renovate-bot"})
_FILES = """
package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock requirements.txt
requirements-dev.txt requirements.in constraints.txt Pipfile Pipfile.lock pyproject.toml poetry.lock uv.lock go.mod
go.sum Cargo.toml Cargo.lock Gemfile Gemfile.lock composer.json composer.lock pom.xml build.gradle build.gradle.kts
gradle.lockfile libs.versions.toml packages.lock.json packages.config Directory.Packages.props mix.exs mix.lock
pubspec.yaml pubspec.lock Package.swift Package.resolved .terraform.lock.hcl Chart.lock
"""
_DEPENDENCY_FILES = frozenset(_FILES.split())
"""Manifests and lock files by name; a push that touches nothing else moves dependencies."""

_EVENTS = """
branch_protection_configuration branch_protection_rule check_run check_suite commit_comment create
custom_property custom_property_values delete deploy_key deployment_protection_rule deployment_review discussion
discussion_comment fork github_app_authorization gollum installation installation_repositories installation_target
issue_comment issues label marketplace_purchase member membership merge_group meta milestone org_block organization
package page_build personal_access_token_request ping project project_card project_column projects_v2 projects_v2_item
public pull_request pull_request_review pull_request_review_comment pull_request_review_thread registry_package release
repository repository_advisory repository_dispatch repository_import repository_ruleset repository_vulnerability_alert
secret_scanning_alert_location secret_scanning_scan security_advisory security_and_analysis
sponsorship star status sub_issues team team_add watch workflow_dispatch workflow_job
"""
_OTHER_EVENTS = frozenset(_EVENTS.split())
"""Documented events that are not read; their names are safe as a metric label."""


class GitHubWebhook:
    """The source ``github.webhook``."""

    name = "github.webhook"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the event header, or by the shape of a capture."""
        if not isinstance(document, dict):
            return False
        return "x-github-event" in headers or (
            isinstance(document.get("payload"), dict) and isinstance(document.get("event"), str)
        )

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """One item, the delivery."""
        yield 0, _read(document, headers)


def _read(
    document: object, headers: Mapping[str, str]
) -> ActivityDraft | ChangeDraft | FindingDraft | Malformed | Ignored:
    if not isinstance(document, dict):
        return Malformed("", "not an object")
    if "payload" in document and "event" in document:
        event, delivery, payload, place = document["event"], document.get("delivery"), document["payload"], "payload."
        event_place, delivery_place = "event", "delivery"
    else:
        event, delivery, payload, place = headers.get("x-github-event"), headers.get("x-github-delivery"), document, ""
        event_place, delivery_place = "headers.x-github-event", "headers.x-github-delivery"
    if not isinstance(event, str) or not event:
        return Malformed(event_place, "no event name")
    reader = _READERS.get(event)
    if reader is None:
        return Ignored(f"event {event} not read" if event in _OTHER_EVENTS else "event of unknown name not read")
    identity = text(delivery)
    if identity is None:
        return Malformed(delivery_place, "no delivery id of 1 to 512 characters")
    if not isinstance(payload, dict):
        return Malformed(place.rstrip("."), "not an object")
    name = dig(payload, "repository", "full_name")
    if not isinstance(name, str) or not _REPOSITORY.fullmatch(name):
        return Malformed(f"{place}repository.full_name", "not of the form owner/name")
    found = repository(name)
    return reader(
        Delivery(
            identity,
            payload,
            place,
            found.path if found else name,
            login_of(payload.get("sender")),
            instant(headers.get(RECEIVED)),
        )
    )


def _deployment(delivery: Delivery) -> ChangeDraft | Malformed | Ignored:
    time = instant(dig(delivery.payload, "deployment", "created_at"))
    if time is None:
        return Malformed(f"{delivery.place}deployment.created_at", "not an RFC 3339 time with an offset")
    return _deploy(delivery, time, "started", "created")


def _deployment_status(delivery: Delivery) -> ChangeDraft | Malformed | Ignored:
    given = dig(delivery.payload, "deployment_status", "created_at")
    time = instant(given)
    if time is None:
        return Malformed(f"{delivery.place}deployment_status.created_at", "not an RFC 3339 time with an offset")
    state = dig(delivery.payload, "deployment_status", "state")
    if state == "inactive":
        return Ignored("deployment became inactive")
    known = isinstance(state, str) and state in _STATES
    return _deploy(delivery, time, _STATES[state] if known else "unknown", str(state) if known else "unknown state")


def _deploy(delivery: Delivery, time: str, status: ChangeStatus, state: str) -> ChangeDraft:
    deployment = mapping(delivery.payload.get("deployment"))
    extra = _extra(deployment.get("payload"))
    actor = login_of(deployment.get("creator")) or delivery.sender
    environment = text(deployment.get("environment"), 255)
    commit = hash_of(deployment.get("sha"))
    entities: list[EntityDraft] = [("repository", delivery.repository)]
    if commit:
        entities.append(("commit", commit))
    if environment:
        entities.append(("environment", environment))
    reference = text(extra.get("image"))
    said = commit_of(deployment.get("ref"), commit)
    if reference and (found := image(reference)):
        entities.append(("image", found.id))
        said += tag_of(found)
    kind: ChangeKind = "rollback" if _is_rollback(deployment, extra) else "deploy"
    what = f"{kind} of {delivery.repository}{'@' + commit[:12] if commit else ''}"
    draft: ChangeDraft = {
        "type": "change",
        "source_id": delivery.id,
        "time": time,
        "domain": f"github:{delivery.repository}",
        "entities": with_people(entities, actor, delivery.sender),
        "title": f"{what} to {environment or 'an unnamed environment'}: {state}"[:512],
        "kind": kind,
        "actor": actor,
        "status": status,
        "revision": commit or cut(deployment.get("ref")),
    }
    if said:
        draft["identities"] = said
    return draft


def _is_rollback(deployment: dict[str, Any], extra: dict[str, Any]) -> bool:
    """GitHub knows no rollback; tools say so in ``task`` or in the payload that they attach."""
    task = deployment.get("task")
    return (isinstance(task, str) and task.lower().startswith("rollback")) or extra.get("rollback") is True


def _extra(value: object) -> dict[str, Any]:
    """The deployment's own payload: an object, or JSON text of one."""
    if isinstance(value, str) and value.startswith("{") and len(value) <= 65536:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    return mapping(value)


def _push(delivery: Delivery) -> ChangeDraft | Malformed | Ignored:
    payload = delivery.payload
    if payload.get("deleted") is True:
        return Ignored("push deletes a branch or tag")
    time = _epoch(dig(payload, "repository", "pushed_at")) or instant(dig(payload, "head_commit", "timestamp"))
    if time is None:
        return Malformed(f"{delivery.place}repository.pushed_at", "no time of the push")
    commit = hash_of(payload.get("after"))
    if commit is None:
        return Malformed(f"{delivery.place}after", "not a commit hash")
    commits = [given for given in sequence(payload.get("commits")) if isinstance(given, dict)]
    hashes = [found for given in commits[-_MAX_COMMITS:] if (found := hash_of(given.get("id")))]
    branch = (cut(payload.get("ref"), 255) or "a branch").removeprefix("refs/heads/").removeprefix("refs/")
    message = line((cut(dig(payload, "head_commit", "message"), 1000) or "").partition("\n")[0], 200)
    entities: list[EntityDraft] = [("repository", delivery.repository)]
    entities += [("commit", found) for found in dict.fromkeys([commit, *hashes])]
    draft: ChangeDraft = {
        "type": "change",
        "source_id": delivery.id,
        "time": time,
        "domain": f"github:{delivery.repository}",
        "entities": with_people(entities, delivery.sender),
        "title": f"push to {branch} of {delivery.repository}{': ' + message if message else ''}"[:512],
        "kind": "dependency" if _moves_dependencies(delivery.sender, commits) else "code",
        "actor": delivery.sender,
        "status": "succeeded",
        "revision": commit,
    }
    if said := _pusher(payload.get("pusher")):
        draft["identities"] = said
    return draft


def _pusher(pusher: object) -> list[IdentityDraft]:
    """The server fills ``pusher`` in; authors are whoever their commits say."""
    login, address = text(dig(pusher, "name"), 100), email(dig(pusher, "email"))
    if login is None or address is None or address.endswith(_NO_REPLY):
        return []
    return [("principal", f"github:{login.lower()}", "principal", address)]


def _moves_dependencies(sender: str | None, commits: list[dict[str, Any]]) -> bool:
    if sender is not None and sender.removeprefix("github:") in _DEPENDENCY_BOTS:
        return True
    touched = [
        path
        for given in commits
        for field in ("added", "modified", "removed")
        for path in sequence(given.get(field))
        if isinstance(path, str)
    ]
    return bool(touched) and all(path.rpartition("/")[2] in _DEPENDENCY_FILES for path in touched)


def _dependabot_alert(delivery: Delivery) -> FindingDraft | Malformed | Ignored:
    alert = mapping(delivery.payload.get("alert"))
    time = instant(alert.get("updated_at")) or instant(alert.get("created_at"))
    if time is None:
        return Malformed(f"{delivery.place}alert.updated_at", "not an RFC 3339 time with an offset")
    advisory = mapping(alert.get("security_advisory"))
    ids = [vulnerability(found) for field in ("cve_id", "ghsa_id") if (found := text(advisory.get(field), 64))]
    if not ids:
        return Malformed(f"{delivery.place}alert.security_advisory.ghsa_id", "no CVE or GHSA id")
    weak = mapping(alert.get("security_vulnerability"))
    package = mapping(weak.get("package")) or mapping(dig(alert, "dependency", "package"))
    ecosystem, name = text(package.get("ecosystem"), 64), text(package.get("name"), 255)
    entities: list[EntityDraft] = [("repository", delivery.repository)]
    entities += [("vulnerability", found) for found in ids]
    url = package_url(_ECOSYSTEMS.get(ecosystem or "", ecosystem), name, None) if name else None
    if url:
        entities.append(("package", url))
    draft: FindingDraft = {
        "type": "finding",
        "source_id": delivery.id,
        "time": time,
        "domain": f"github:{delivery.repository}",
        "entities": entities,
        "title": (line(advisory.get("summary")) or f"{ids[0]} in {name or 'a dependency'}")[:512],
        "kind": "vulnerability",
        "rule": ids[0],
        "severity": severity_of_word(weak.get("severity")) or severity_of_word(advisory.get("severity")),
        "reporter": "dependabot",
        "status": _ALERT_STATES.get(text(alert.get("state")), "open"),
        "aliases": ids[1:],
        "cvss": _cvss(advisory),
        "fix": text(dig(weak, "first_patched_version", "identifier")),
        "location": text(dig(alert, "dependency", "manifest_path"), 1024),
    }
    if said := cve_of(ids):
        draft["identities"] = said
    return draft


def _cvss(advisory: dict[str, Any]) -> float | None:
    for given in (
        advisory.get("cvss"),
        dig(advisory, "cvss_severities", "cvss_v4"),
        dig(advisory, "cvss_severities", "cvss_v3"),
    ):
        score = dig(given, "score")
        if isinstance(score, int | float) and not isinstance(score, bool) and 0 < score <= 10:
            return float(score)
    return None


def _epoch(value: object) -> str | None:
    """``pushed_at`` as text: epoch seconds in push events, RFC 3339 elsewhere."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 253_402_300_800 - 366 * 86400:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return instant(value)


_READERS: dict[str, Callable[[Delivery], ActivityDraft | ChangeDraft | FindingDraft | Malformed | Ignored]] = {
    "deployment": _deployment,
    "deployment_status": _deployment_status,
    "push": _push,
    "dependabot_alert": _dependabot_alert,
    "code_scanning_alert": code_scanning_alert,
    "secret_scanning_alert": secret_scanning_alert,
    "workflow_run": workflow_run,
}
