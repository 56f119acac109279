"""CDEvents 0.3 to 0.6: service, artifact and environment events as changes, runs of pipelines and tasks as activities.

Read from a CloudEvent in structured mode (the CDEvent is its ``data``), in binary mode (attributes in ``ce_*`` headers,
the CDEvent as value), from an array of either, and bare. A type carries its own version, for example
``dev.cdevents.service.deployed.0.3.0``. Versions differ in the context (``version`` or ``specversion``), in
``subject.type`` (up to 0.4) and in optional content, and are read alike.

- ``service.deployed``, ``upgraded``, ``published``, ``removed``: deploy, succeeded. What runs where has changed.
- ``service.rolledback``: rollback, succeeded.
- ``artifact.published``: code, succeeded. It can be deployed from now on, but runs nowhere yet.
- ``environment.created``, ``modified``, ``deleted``: infrastructure, succeeded.
- ``pipelinerun``, ``taskrun``, ``build`` and ``testsuiterun`` ``queued``, ``started``, ``finished``: activities. They
  say that something was built, tested or deployed; a finished build also what. Jenkins' plugin sends runs; its Kinesis
  sink writes structured mode, its HTTP sink Java's text of the event, which nobody can read.
- Custom events (``dev.cdeventsx.<tool>-<subject>.<predicate>``) of any tool, by a convention of ours, since the
  specification has no such subjects: ``featureflag`` ``created``, ``enabled``, ``disabled``, ``modified``, ``deleted``
  are changes of a feature flag, ``secret`` ``created``, ``rotated``, ``revoked``, ``deleted`` secret rotations, both
  succeeded. ``subject.id`` is the flag's or the secret's name (an ARN is that resource), never a value; the content may
  have ``environment`` and ``service`` (each with an ``id``), ``user`` and ``version``, as the events above.

- Natural key: ``context.source/context.id``, which the specification makes unique together; a digest of both where that
  is longer than 512 characters or an id with a slash would make it ambiguous.
- Time: ``context.timestamp``, when the producer saw it happen.
- Lateness: not specified; five minutes.
- Who stands for whom: an image by the ``tag`` of its package URL for the one by its digest.

Source: CDEvents specification (context, continuous deployment and integration events), "CloudEvents binding";
CloudEvents 1.0 Kafka protocol binding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from schemas.events import ChangeKind, Outcome
from streams.sources.aws_names import entity_of
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, IdentityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image, purl, repository
from streams.sources.document import digest, line, mapping
from streams.sources.fields import dig, email, instant, text
from streams.sources.identity import tag_of

_TYPE = re.compile(r"dev\.cdevents\.([a-z]{1,32})\.([a-z]{1,32})(?:\.v?[0-9].{0,32})?")
_CUSTOM = re.compile(r"dev\.cdeventsx\.[a-z0-9_]{1,64}-([a-z]{1,32})\.([a-z]{1,32})(?:\.v?[0-9].{0,32})?")
_KINDS: dict[str, dict[str, ChangeKind]] = {
    "service": {
        "deployed": "deploy",
        "upgraded": "deploy",
        "published": "deploy",
        "removed": "deploy",
        "rolledback": "rollback",
    },
    "artifact": {"published": "code"},
    "environment": {"created": "infrastructure", "modified": "infrastructure", "deleted": "infrastructure"},
}
_OURS: dict[str, dict[str, ChangeKind]] = {
    "featureflag": dict.fromkeys(("created", "enabled", "disabled", "modified", "deleted"), "feature_flag"),
    "secret": dict.fromkeys(("created", "rotated", "revoked", "deleted"), "secret_rotation"),
}
"""Subjects of custom events that are read, whatever tool they are of."""

_RUNS = {"pipelinerun": "pipelineName", "taskrun": "taskName", "build": "name", "testsuiterun": "name"}
"""Runs, and where their content names what ran."""

_TURNS = frozenset(("queued", "started", "finished"))
_OUTCOMES: dict[object, Outcome] = {
    "success": "success",
    "pass": "success",
    "failure": "failure",
    "fail": "failure",
    "error": "failure",
}
_SUBJECTS = frozenset(
    [
        "approval", "artifact", "branch", "build", "change", "changewindow", "deployment", "environment", "incident",
        "migration", "pipelinerun", "reconciliation", "repository", "scheduledexecution", "service", "targetrollout",
        "taskrun", "testcaserun", "testoutput", "testsuiterun", "ticket",
    ]
)  # fmt: skip
"""Subjects of the specification: safe as a metric label."""

_OCI = re.compile(r"pkg:/{0,2}(?:oci|docker)/([^?#@]+)@([^?#]+)", re.IGNORECASE)
_TAG = re.compile(r"[?&]tag=([^&#]+)")
_REPOSITORY_URL = re.compile(r"[?&]repository_url=([^&#]+)")


class CDEvents:
    """The source ``cdevents``."""

    name = "cdevents"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the event type: in the header, in the CloudEvent or in the CDEvent's context."""
        if isinstance(document, list):
            return bool(document) and _is_event(document[0])
        return isinstance(document, dict) and (_is_type(headers.get("ce_type")) or _is_event(document))

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every event of an array, or the one."""
        if isinstance(document, list):
            for item, event in enumerate(document):
                yield item, _read(event, {}, f"[{item}].")
        else:
            yield 0, _read(document, headers, "")


def _is_type(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("dev.cdevents.", "dev.cdeventsx."))


def _is_event(value: object) -> bool:
    return _is_type(dig(value, "type")) or _is_type(dig(value, "context", "type"))


def _read(event: object, headers: Mapping[str, str], place: str) -> ActivityDraft | ChangeDraft | Malformed | Ignored:
    if not isinstance(event, dict):
        return Malformed(place.rstrip("."), "not an object")
    # Attributes of the CloudEvent stand in for fields that a sparse CDEvent leaves out: the binding makes them equal.
    envelope: Mapping[str, object] = {}
    if "context" not in event and ("data" in event or "specversion" in event):
        envelope, event, place = event, event.get("data"), f"{place}data."
        if not isinstance(event, dict):
            return Malformed(place.rstrip("."), "not an object")
    elif "ce_type" in headers:
        envelope = {name.removeprefix("ce_"): value for name, value in headers.items() if name.startswith("ce_")}
    context = mapping(event.get("context"))
    kind = context.get("type", envelope.get("type"))
    if not _is_type(kind):
        return Malformed(f"{place}context.type", "not a CDEvents type")
    found = _TYPE.fullmatch(str(kind))
    custom = None if found else _CUSTOM.fullmatch(str(kind))
    subject_kind, predicate = found.groups() if found else custom.groups() if custom else ("", "")
    change = (_OURS if custom else _KINDS).get(subject_kind, {}).get(predicate)
    if change is None and (custom or not (subject_kind in _RUNS and predicate in _TURNS)):
        known = subject_kind in _SUBJECTS and not custom
        return Ignored(f"{subject_kind} event not read" if known else "custom event not read")

    identity = text(context.get("id", envelope.get("id")), 4096)
    source = text(context.get("source", envelope.get("source")), 4096)
    if identity is None or source is None:
        return Malformed(
            f"{place}context.{'id' if identity is None else 'source'}", "not a text of 1 to 4096 characters"
        )
    time = instant(context.get("timestamp", envelope.get("time")))
    if time is None:
        return Malformed(f"{place}context.timestamp", "not an RFC 3339 time with an offset")
    subject = text(dig(event, "subject", "id") or envelope.get("subject"))
    if subject is None:
        return Malformed(f"{place}subject.id", "not a text of 1 to 512 characters")
    key = f"{source}/{identity}"
    if len(key) > 512 or "/" in identity:
        key = digest([source, identity])
    content = mapping(dig(event, "subject", "content"))
    if change is None:
        return _run(key, source, time, subject_kind, predicate, subject, content)
    return _draft(key, source, time, change, f"{subject_kind}.{predicate}", subject, content)


def _run(key: str, source: str, time: str, of: str, turn: str, subject: str, content: dict[str, Any]) -> ActivityDraft:
    name = text(content.get(_RUNS[of]), 200) or subject
    outcome = _OUTCOMES.get(text(content.get("outcome"), 32), "unknown")
    entities: list[EntityDraft] = [("resource", f"cdevents:{source}/{subject}"[:512])]
    said: list[IdentityDraft] = []
    if of == "build" and (built := text(content.get("artifactId"))):
        about, said = _artifact(built)
        entities += about
    draft: ActivityDraft = {
        "type": "activity",
        "source_id": key,
        "time": time,
        "domain": f"cdevents:{source[:480]}",
        "entities": entities,
        "title": line(f"{of} {name} {turn}{f': {outcome}' if outcome != 'unknown' else ''}") or of,
        "action": f"cdevents:{of}.{turn}",
        "actor": None,
        "outcome": outcome,
        "read_only": None,
    }
    if said:
        draft["identities"] = said
    if outcome == "failure":
        draft["error"] = line(content.get("errors"), 256) or line(content.get("reason"), 256) or "failure"
        draft["severity"] = 1
    return draft


def _draft(
    key: str, source: str, time: str, kind: ChangeKind, what: str, subject: str, content: dict[str, Any]
) -> ChangeDraft:
    of, _, predicate = what.partition(".")
    artifact = text(subject if of == "artifact" else content.get("artifactId"))
    environment = text(subject if of == "environment" else dig(content, "environment", "id"), 255)
    actor = text(content.get("user"), 255)
    actor = email(actor) or actor
    said: list[IdentityDraft] = []
    entities: list[EntityDraft] = []
    if of == "service":
        entities.append(("workload", subject))
    if of in _OURS:
        entities.append(entity_of(subject) or ("resource", f"{of}:{subject}"[:512]))
        if service := text(dig(content, "service", "id"), 255):
            entities.append(("workload", service))
    if environment:
        entities.append(("environment", environment))
    if artifact:
        about, said = _artifact(artifact)
        entities += about
    if (named := text(dig(content, "repository", "id"), 255)) and (found := repository(named)):
        entities.append(("repository", found.path))
    if actor:
        entities.append(("principal", actor))
    where = f" in {environment}" if environment and of != "environment" else ""
    draft: ChangeDraft = {
        "type": "change",
        "source_id": key,
        "time": time,
        "domain": f"cdevents:{source[:480]}",
        "entities": entities,
        "title": line(f"{of} {subject} {predicate}{where}") or of,
        "kind": kind,
        "actor": actor,
        "status": "succeeded",
        "revision": text(content.get("version"), 200) if of in _OURS else artifact,
    }
    if said:
        draft["identities"] = said
    return draft


def _artifact(reference: str) -> tuple[list[EntityDraft], list[IdentityDraft]]:
    """An artifact's entity: the image of an OCI package URL or bare reference, the package of another URL; its tag."""
    oci = _OCI.match(reference)
    if oci is not None:
        where = _REPOSITORY_URL.search(reference)
        path = unquote(where[1] if where else oci[1])
        version = unquote(oci[2])
        found = image(f"{path}{'@' if ':' in version else ':'}{version}")
        tag = _TAG.search(reference)
        return ([("image", found.id)], tag_of(found, unquote(tag[1])[:128] if tag else None)) if found else ([], [])
    if reference.startswith("pkg:"):
        package = purl(reference)
        return [("package", package)] if package else [], []
    found = image(reference)
    return ([("image", found.id)], tag_of(found)) if found and (found.tag or found.digest) else ([], [])
