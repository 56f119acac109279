"""Tekton's own CloudEvents (``dev.tekton.event.…``): how runs of pipelines and tasks go.

What the pipeline controller sends once a sink is configured: CloudEvents in binary mode (the run as value, attributes
in ``ce_*`` headers) or in structured mode (the run in ``data``). CDEvents, which other tools make of them, are read by
``cdevents``. A run is an activity ``tekton:pipelinerun.successful``: it says that something was built, tested or
deployed, not what; a deploy is what the cluster, Argo CD or Flux report.

- Natural key: the event's source and id. An event is sent again until it is taken.
- Time: the event's ``time``; Tekton may leave it out, then the run's ``completionTime`` or ``startTime``.
- Lateness: five minutes; events may arrive out of order, says the documentation.
- Actor: the run's service account. Entities: the run as a resource, its pod, its namespace, images and commits that its
  results name (``IMAGE_URL``, ``IMAGE_DIGEST``, ``CHAINS-GIT_COMMIT``, ``commit``: names that Tekton Chains reads).
- A condition that changes while a run goes on (``unknown``) is ignored.
- Domain: the cluster, by header ``x-weir-cluster``.

Sources: Tekton documentation, "Events via CloudEvents", "Chains: type hinting"; CloudEvents 1.0 Kafka protocol binding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from schemas.events import Outcome
from streams.sources.base import ActivityDraft, EntityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image
from streams.sources.document import digest, line, mapping, sequence
from streams.sources.fields import dig, instant, text
from streams.sources.kubernetes_objects import account, domain_of, entity

_TYPE = re.compile(r"dev\.tekton\.event\.(taskrun|pipelinerun|customrun|run)\.([a-z]{1,32})\.v[0-9]{1,3}")
_OUTCOMES: dict[str, Outcome] = {"successful": "success", "failed": "failure"}
_RUNS = ("pipelineRun", "taskRun", "customRun", "run")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_RESULTS = 32


class Tekton:
    """The source ``tekton``."""

    name = "tekton"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the event type, in the header or in the event."""
        first = document[0] if isinstance(document, list) and document else document
        if not isinstance(first, dict):
            return False
        kind = first.get("type") if isinstance(first.get("type"), str) else headers.get("ce_type")
        return isinstance(kind, str) and kind.startswith("dev.tekton.event.")

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every event."""
        if not isinstance(document, list):
            yield 0, _read(document, "", headers)
            return
        for item, event in enumerate(document):
            yield item, _read(event, f"[{item}].", headers)


def _read(event: object, place: str, headers: Mapping[str, str]) -> ActivityDraft | Malformed | Ignored:
    if not isinstance(event, dict):
        return Malformed(place.rstrip("."), "not an object")
    envelope: Mapping[str, object] = event
    data = mapping(event.get("data"))
    if not isinstance(event.get("type"), str):
        envelope = {name.removeprefix("ce_"): value for name, value in headers.items() if name.startswith("ce_")}
        data = event
    kind = _TYPE.fullmatch(text(envelope.get("type"), 128) or "")
    if kind is None:
        return Ignored("event of a type that is not read")
    of, turn = kind.groups()
    if turn == "unknown":
        return Ignored("condition of a run changed")
    identity, source = text(envelope.get("id"), 4096), text(envelope.get("source"), 4096)
    if identity is None or source is None:
        return Malformed(f"{place}{'source' if identity else 'id'}", "not a text of 1 to 4096 characters")
    run = mapping(next((data[field] for field in _RUNS if isinstance(data.get(field), dict)), None))
    status = mapping(run.get("status"))
    time = instant(envelope.get("time")) or instant(status.get("completionTime")) or instant(status.get("startTime"))
    if time is None:
        return Malformed(f"{place}time", "not an RFC 3339 time with an offset")
    name = text(dig(run, "metadata", "name"), 253) or text(envelope.get("subject"), 253) or "unnamed"
    space = text(dig(run, "metadata", "namespace"), 253)
    user = text(dig(run, "spec", "serviceAccountName"), 253)
    user = user or text(dig(run, "spec", "taskRunTemplate", "serviceAccountName"), 253)
    actor = account(space, user) if space and user else None
    draft: ActivityDraft = {
        "type": "activity",
        "source_id": digest((source, identity)),
        "time": time,
        "domain": domain_of(headers),
        "entities": _entities(run, of, space, name, actor),
        "title": line(f"{of} {f'{space}/' if space else ''}{name} {turn}") or of,
        "action": f"tekton:{of}.{turn}",
        "actor": actor,
        "outcome": _OUTCOMES.get(turn, "unknown"),
        "read_only": None,
    }
    if turn == "failed":
        reason = next((found for each in sequence(status.get("conditions"))[:8] if (found := _reason(each))), None)
        draft["error"] = reason or "Failed"
        draft["severity"] = 1
    return draft


def _reason(condition: object) -> str | None:
    return text(dig(condition, "reason"), 256) if dig(condition, "type") == "Succeeded" else None


def _entities(run: dict[str, Any], of: str, space: str | None, name: str, actor: str | None) -> list[EntityDraft]:
    found: list[EntityDraft] = []
    if own := entity(f"{of}s.tekton.dev", space, name):
        found.append(own)
    if space and (pod := text(dig(run, "status", "podName"), 253)):
        found.append(("workload", f"{space}/{pod}"))
    if space:
        found.append(("namespace", space))
    if actor:
        found.append(("principal", actor))
    given = [*sequence(dig(run, "status", "results")), *sequence(dig(run, "status", "taskResults"))]
    given += sequence(dig(run, "status", "pipelineResults"))
    results = {
        each["name"].upper().replace("-", "_"): value.strip()
        for each in given[:_RESULTS]
        if isinstance(each, dict) and isinstance(each.get("name"), str) and (value := text(each.get("value"), 1024))
    }
    for label, value in results.items():
        if label.endswith("IMAGE_URL"):
            exact = results.get(f"{label.removesuffix('URL')}DIGEST", "")
            if named := image(f"{value}@{exact}" if _DIGEST.fullmatch(exact) and "@" not in value else value):
                found.append(("image", named.id))
        elif label.endswith("COMMIT") and _COMMIT.fullmatch(value):
            found.append(("commit", value))
    return list(dict.fromkeys(found))
