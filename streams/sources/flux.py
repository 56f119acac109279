"""Flux's events, as its notification-controller posts them to a generic webhook (``event.toolkit.fluxcd.io``).

One object an event: ``involvedObject``, ``severity`` (trace, info, error), ``reason``, ``message``, ``timestamp``,
``metadata``, ``reportingController``; ``v1`` adds ``action`` and ``relatedObject``.

- Of a Kustomization: ``Progressing`` is a deploy that has started, ``ReconciliationSucceeded`` one that succeeded, and
  an error one that failed; of a HelmRelease by what was done: installed, upgraded, rolled back, uninstalled.
- Everything else (a new artifact, a dependency that is not ready, a test) is an activity ``flux:Reason``.
- Natural key: none is given; a hash of object, reason, revision, time and message.
- Time: ``timestamp``, in whole seconds. Lateness: two minutes; Flux limits the rate of alike events, and posts at once.
- Revision: the commit that ``metadata`` names, the origin's revision, else the revision; controllers write the keys
  with their group before them, the notification-controller without it.
- Workloads: those that the message lists as changed, ``Deployment/shop/pay configured``.
- Domain: ``metadata.cluster`` where the Alert adds it (``eventMetadata``), else header ``x-weir-cluster``.

Sources: Flux documentation, "Events", "Alerts"; ``fluxcd/pkg/apis/event`` (v1beta1, v1); helm-controller's condition
reasons (v2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from schemas.events import ChangeKind, ChangeStatus
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, Ignored, Malformed, Reading
from streams.sources.document import digest, line, mapping
from streams.sources.fields import instant, text
from streams.sources.kubernetes_objects import LIMIT, WORKLOADS, domain_of, entity, plural

_SEVERITIES = frozenset(("trace", "info", "error"))
_HELM: dict[str, ChangeKind] = {"Install": "deploy", "Upgrade": "deploy", "Rollback": "rollback", "Uninstall": "deploy"}
_DONE = re.compile(r"(Install|Upgrade|Rollback|Uninstall)(Succeeded|Failed)")
_APPLIED = re.compile(
    r"\b([A-Z][A-Za-z]{2,40})/(?:([a-z0-9.-]{1,63})/)?([a-z0-9.-]{1,253}) (?:created|configured|deleted)\b"
)
_COMMIT = re.compile(r"(?:^|sha1:|sha256:|/)(?P<commit>[0-9a-f]{40}(?:[0-9a-f]{24})?)$")
_WAITING = frozenset(("DependencyNotReady",))


class Flux:
    """The source ``flux``."""

    name = "flux"
    lateness = timedelta(minutes=2)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By object, controller and severity, which Kubernetes' own Events have not."""
        first = document[0] if isinstance(document, list) and document else document
        if not isinstance(first, dict) or "involvedObject" not in first or "reportingController" not in first:
            return False
        return isinstance(first.get("severity"), str) and first.get("kind") != "Event"

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every event."""
        if not isinstance(document, list):
            yield 0, _read(document, "", headers)
            return
        for item, event in enumerate(document):
            yield item, _read(event, f"[{item}].", headers)


def _read(event: object, place: str, headers: Mapping[str, str]) -> ActivityDraft | ChangeDraft | Malformed | Ignored:
    if not isinstance(event, dict):
        return Malformed(place.rstrip("."), "not an object")
    about = mapping(event.get("involvedObject"))
    kind, name, reason = text(about.get("kind"), 64), text(about.get("name"), 253), text(event.get("reason"), 128)
    if kind is None or name is None:
        return Malformed(f"{place}involvedObject.{'name' if kind else 'kind'}", "missing")
    if reason is None:
        return Malformed(f"{place}reason", "missing")
    severity = event.get("severity")
    if not isinstance(severity, str) or severity not in _SEVERITIES:
        return Malformed(f"{place}severity", "not trace, info or error")
    time = instant(event.get("timestamp"))
    if time is None:
        return Malformed(f"{place}timestamp", "not an RFC 3339 time with an offset")
    if severity == "trace":
        return Ignored("trace event")
    namespace = text(about.get("namespace"), 253)
    metadata = {str(key).rpartition("/")[2]: text(value) for key, value in mapping(event.get("metadata")).items()}
    revision = metadata.get("commit") or metadata.get("originRevision") or metadata.get("revision")
    message = event.get("message") if isinstance(event.get("message"), str) else ""
    cluster = metadata.get("cluster")
    key = digest((kind, namespace, name, text(about.get("uid")), reason, severity, revision, time, message))
    domain = f"kubernetes:{cluster[:200]}" if cluster else domain_of(headers)
    entities = _entities(about, kind, namespace, name, message or "", revision)
    title = line(f"{reason} of {kind} {f'{namespace}/' if namespace else ''}{name}: {line(message, 300) or ''}")
    title = (title or reason).removesuffix(":")
    controller = text(event.get("reportingController"), 128)
    if (change := _change(kind, reason, severity)) is not None:
        return {
            "type": "change",
            "source_id": key,
            "time": time,
            "domain": domain,
            "entities": entities,
            "title": title,
            "kind": change[0],
            "actor": None,
            "status": change[1],
            "revision": revision,
            "action": f"flux:{reason}",
        }
    draft: ActivityDraft = {
        "type": "activity",
        "source_id": key,
        "time": time,
        "domain": domain,
        "entities": entities,
        "title": title,
        "action": f"flux:{reason}",
        "actor": controller,
        "outcome": "failure" if severity == "error" else "success",
        "read_only": None,
    }
    if severity == "error":
        draft["error"] = reason
        draft["severity"] = 1
    return draft


def _change(kind: str, reason: str, severity: str) -> tuple[ChangeKind, ChangeStatus] | None:
    if kind == "HelmRelease" and (done := _DONE.fullmatch(reason)):
        return _HELM[done[1]], "succeeded" if done[2] == "Succeeded" else "failed"
    if kind != "Kustomization" or reason in _WAITING:
        return None
    if severity == "error":
        return "deploy", "failed"
    if reason == "Progressing":
        return "deploy", "started"
    return ("deploy", "succeeded") if reason == "ReconciliationSucceeded" else None


def _entities(
    about: dict[str, Any], kind: str, namespace: str | None, name: str, message: str, revision: str | None
) -> list[EntityDraft]:
    """What was applied, the Flux object itself, and the commit."""
    found: list[EntityDraft] = []
    for applied in _APPLIED.finditer(message[:40_000]):
        if plural(applied[1]) in WORKLOADS and (thing := entity(plural(applied[1]), applied[2], applied[3])):
            found.append(thing)
        if len(found) == LIMIT:
            break
    group = (text(about.get("apiVersion"), 128) or "").partition("/")[0]
    spelt = f"{plural(kind)}.{group}" if "." in group else plural(kind)
    if own := entity(spelt, namespace, name):
        found.append(own)
    if namespace:
        found.append(("namespace", namespace))
    if revision and (hashed := _COMMIT.search(revision)):
        found.append(("commit", hashed["commit"]))
    return list(dict.fromkeys(found))
