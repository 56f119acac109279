"""Argo CD's Application resource: what was synchronised, rolled back, and whether it is healthy.

Read: an Application, a list, a watch of the Kubernetes API or of Argo CD's own, and the body of a notification whose
template hands over the application, ``{"app": {{toJson .app}}}``: Argo CD has no fixed payload. An Application has its
state, not events, and comes again with every refresh; each operation and each turn of health has one key.

- ``status.operationState`` is a deploy; a rollback where the operation brings its own source, which a synchronisation
  never does. Running and terminating ones have started. Without one, the last entry of ``status.history`` counts.
- Health ``Degraded`` or ``Missing`` is a detection, reporter "argocd"; ``Healthy`` says that it is fixed.
- Natural key: ``metadata.uid`` with the operation's begin and phase, or with health and its time.
- Time: ``finishedAt`` of the operation, ``startedAt`` while it runs; ``health.lastTransitionTime`` (Argo CD 2.14),
  before that ``reconciledAt``, of bad health only.
- Lateness: five minutes; a controller refreshes every three.
- Actor: the user who started it; nobody where Argo CD did so by itself.
- Domain: the cluster the application is on, by ``destination.name`` or the host of ``destination.server``; of the one
  that Argo CD runs on, which it calls ``in-cluster``, by header ``x-weir-cluster``.

Sources: Argo CD's ``Application`` API (v1alpha1 types), "Notifications: templates, webhook".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from schemas.events import ChangeStatus
from streams.sources.base import ChangeDraft, EntityDraft, FindingDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image, repository
from streams.sources.document import digest, line, mapping, sequence, texts
from streams.sources.fields import dig, email, instant, text
from streams.sources.kubernetes_objects import LIMIT, WORKLOADS, Found, domain_of, entity, head, plural, unwrap

_PHASES: dict[object, ChangeStatus] = {
    "Running": "started",
    "Terminating": "started",
    "Succeeded": "succeeded",
    "Failed": "failed",
    "Error": "failed",
}
_BAD = {"Degraded": 3, "Missing": 3}
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LOCAL = ("in-cluster", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")


class ArgoCD:
    """The source ``argocd``."""

    name = "argocd"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By kind and group of the first object, or by an application in ``app``."""
        if isinstance(document, dict) and isinstance(document.get("app"), dict):
            return _is_application(document["app"]) or isinstance(dig(document, "app", "spec", "destination"), dict)
        return _is_application(head(document))

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every application: its operation and its health, or why there is neither."""
        notified = isinstance(document, dict) and "app" in document
        found = [Found("app", document["app"])] if notified and isinstance(document, dict) else unwrap(document)
        for item, (place, value, change) in enumerate(found):
            if change in ("DELETED", "BOOKMARK"):
                yield item, Ignored("application was deleted" if change == "DELETED" else "bookmark of a watch")
                continue
            for reading in _read(value, place, headers):
                yield item, reading


def _is_application(value: dict[str, Any]) -> bool:
    version = value.get("apiVersion")
    return value.get("kind") == "Application" and isinstance(version, str) and version.startswith("argoproj.io/")


def _read(
    value: object, place: str, headers: Mapping[str, str]
) -> list[ChangeDraft | FindingDraft | Malformed | Ignored]:
    def at(field: str) -> str:
        return f"{place}.{field}" if place else field

    if not isinstance(value, dict):
        return [Malformed(place, "not an object")]
    name, namespace = text(dig(value, "metadata", "name"), 253), text(dig(value, "metadata", "namespace"), 253)
    if name is None:
        return [Malformed(at("metadata.name"), "missing")]
    uid = text(dig(value, "metadata", "uid"), 128) or f"{namespace or ''}/{name}"
    status = mapping(value.get("status"))
    drafts: list[ChangeDraft | FindingDraft | Malformed | Ignored] = []
    operation = status.get("operationState")
    if isinstance(operation, dict):
        drafts.append(_operation(value, operation, uid, name, at("status.operationState"), headers))
    elif isinstance(last := (sequence(status.get("history")) or [None])[-1], dict):
        drafts.append(_deployed(value, last, uid, name, at("status.history"), headers))
    if (health := _health(value, uid, namespace, name, headers)) is not None:
        drafts.append(health)
    return drafts or [Ignored("application without operation and health")]


def _operation(
    value: dict[str, Any], state: dict[str, Any], uid: str, name: str, place: str, headers: Mapping[str, str]
) -> ChangeDraft | Malformed | Ignored:
    started, finished = instant(state.get("startedAt")), instant(state.get("finishedAt"))
    time = finished or started
    if time is None:
        return Malformed(f"{place}.startedAt", "not an RFC 3339 time with an offset")
    sync = mapping(dig(state, "operation", "sync"))
    if sync.get("dryRun") is True:
        return Ignored("dry run of a synchronisation")
    result = mapping(state.get("syncResult"))
    revisions = [each for each in (text(result.get("revision")), text(sync.get("revision"))) if each]
    revisions = revisions[:1] or texts(result.get("revisions")) or texts(sync.get("revisions"))
    by = mapping(dig(state, "operation", "initiatedBy"))
    phase = text(state.get("phase"), 64) or "unknown"
    rolled = bool(sync.get("source") or sync.get("sources"))
    draft = _change(value, f"{uid}/{started or time}/{phase}", time, name, revisions, by, headers)
    draft["kind"] = "rollback" if rolled else "deploy"
    draft["status"] = _PHASES.get(phase, "unknown")
    applied = _workloads(value, result.get("resources")) or _workloads(value, dig(value, "status", "resources"))
    draft["entities"] = list(dict.fromkeys([*applied, *draft["entities"]]))
    said = line(state.get("message"), 300)
    failed = f": {said}" if said and draft["status"] == "failed" else ""
    draft["title"] = line(f"{draft['title']}: {phase.lower()}{failed}") or name
    return draft


def _deployed(
    value: dict[str, Any], entry: dict[str, Any], uid: str, name: str, place: str, headers: Mapping[str, str]
) -> ChangeDraft | Malformed:
    time = instant(entry.get("deployedAt"))
    if time is None:
        return Malformed(f"{place}.deployedAt", "not an RFC 3339 time with an offset")
    revisions = texts(entry.get("revision")) or texts(entry.get("revisions"))
    draft = _change(value, f"{uid}/{time}/history", time, name, revisions, mapping(entry.get("initiatedBy")), headers)
    applied = _workloads(value, dig(value, "status", "resources"))
    draft["entities"] = list(dict.fromkeys([*applied, *draft["entities"]]))
    return draft


def _change(
    value: dict[str, Any],
    key: str,
    time: str,
    name: str,
    revisions: list[str],
    by: dict[str, Any],
    headers: Mapping[str, str],
) -> ChangeDraft:
    user = text(by.get("username"), 200) if by.get("automated") is not True else None
    actor = (email(user) or f"argocd:{user}") if user else None
    commits = [each for each in revisions if _COMMIT.fullmatch(each)]
    entities = _about(value, name)
    entities += [("commit", each) for each in commits[:LIMIT]]
    if actor:
        entities.append(("principal", actor))
    shown = ", ".join(each[:12] if each in commits else each[:64] for each in revisions[:4])
    return {
        "type": "change",
        "source_id": key if len(key) <= 512 else digest((key,)),
        "time": time,
        "domain": _domain(value, headers),
        "entities": entities,
        "title": line(f"Argo CD sync of {name}{f' to {shown}' if shown else ''}") or name,
        "kind": "deploy",
        "actor": actor,
        "status": "succeeded",
        "revision": revisions[0] if revisions else None,
    }


def _health(
    value: dict[str, Any], uid: str, namespace: str | None, name: str, headers: Mapping[str, str]
) -> FindingDraft | None:
    health = mapping(dig(value, "status", "health"))
    state = text(health.get("status"), 64)
    turned = instant(health.get("lastTransitionTime"))
    time = turned or (instant(dig(value, "status", "reconciledAt")) if state in _BAD else None)
    if time is None or not (state == "Healthy" or state in _BAD):
        return None
    key = f"{uid}/{state}/{time}"
    message = line(health.get("message"), 2048)
    applied = _workloads(value, dig(value, "status", "resources"))
    return {
        "type": "finding",
        "kind": "detection",
        "source_id": key if len(key) <= 512 else digest((key,)),
        "time": time,
        "domain": _domain(value, headers),
        "entities": list(dict.fromkeys([*applied, *_about(value, name)])),
        "title": line(f"Application {name} is {state.lower()}{f': {message}' if message else ''}") or name,
        "rule": "application health",
        "severity": _BAD.get(state, 3),
        "status": "fixed" if state == "Healthy" else "open",
        "reporter": "argocd",
        "evidence": message,
        "fingerprints": [f"application={digest((namespace, name, _domain(value, headers)))}"],
    }


def _about(value: dict[str, Any], name: str) -> list[EntityDraft]:
    """The application, where it runs, what it is made of and from."""
    found: list[EntityDraft] = []
    if thing := entity("applications.argoproj.io", text(dig(value, "metadata", "namespace"), 253), name):
        found.append(thing)
    if space := text(dig(value, "spec", "destination", "namespace"), 253):
        found.append(("namespace", space))
    named = [image(each) for each in texts(dig(value, "status", "summary", "images"))[:LIMIT]]
    found += [("image", each.id) for each in named if each]
    sources = [dig(value, "spec", "source"), *sequence(dig(value, "spec", "sources"))]
    urls = [text(dig(each, "repoURL"), 1024) for each in sources[:LIMIT]]
    places = [repository(url) for url in urls if url and not url.startswith("oci://")]
    found += [("repository", each.path) for each in places if each]
    return list(dict.fromkeys(found))


def _workloads(value: dict[str, Any], resources: object) -> list[EntityDraft]:
    space = text(dig(value, "spec", "destination", "namespace"), 253)
    found: list[EntityDraft] = []
    for each in sequence(resources)[: 16 * LIMIT]:
        kind, name = text(dig(each, "kind"), 64), text(dig(each, "name"), 253)
        if kind and name and plural(kind) in WORKLOADS:
            thing = entity(plural(kind), text(dig(each, "namespace"), 253) or space, name)
            found += [thing] if thing else []
    return found[:LIMIT]


def _domain(value: dict[str, Any], headers: Mapping[str, str]) -> str:
    name = text(dig(value, "spec", "destination", "name"), 200)
    if name and name not in _LOCAL:
        return f"kubernetes:{name}"
    server = text(dig(value, "spec", "destination", "server"), 512)
    try:
        there = urlsplit(server).hostname if server else None
    except ValueError:
        there = None
    return f"kubernetes:{there}" if there and there not in _LOCAL else domain_of(headers)
