"""Kubernetes Events, ``v1`` and ``events.k8s.io/v1``: what the cluster says of its objects.

Read: an Event, a list, a watch (``kubectl get events -A -w -o json``), and Metricbeat's event documents. An Event is
kept for an hour and written again, with a higher count, when it happens again; each count is an observation.

- A warning about something that is broken (``WARNINGS``: out of memory, an image that cannot be pulled, a container
  that crashes again and again, an eviction, a node that is not ready) is a detection, reporter "kubernetes".
- A replica set that was scaled up from nothing, and a container that is restarted because its definition changed, are
  deploys; other scalings are configuration; the deployment controller's rollback is one. What the control plane does is
  a change here, since an Event is where it says what it was told to do.
- Everything else is an activity ``k8s-event:Reason``, a warning a failed one; elections of leaders are ignored.

- Natural key: ``metadata.uid`` and the count; without a uid, namespace, name, time and count.
- Time: of the last occurrence: ``series``, ``lastTimestamp``, ``eventTime``, ``firstTimestamp``, ``creationTimestamp``.
- Lateness: a minute; Events are sent at once, repeated ones are merged.
- Domain: the cluster, which an Event does not name: header ``x-weir-cluster``.

Sources: Kubernetes API reference, Event v1 (and the field names of core/v1); reasons of kubelet, controllers and
node-problem-detector. Reasons are no fixed list, says the API reference: the text of a message decides nothing but the
number of replicas and the image it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from schemas.events import ChangeKind, ChangeStatus
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, FindingDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image
from streams.sources.document import digest, line, mapping
from streams.sources.fields import dig, host, instant, text
from streams.sources.identity import stands_for
from streams.sources.kubernetes_objects import domain_of, entity, head, owned, plural, unwrap

WARNINGS: Final[dict[str, int]] = {
    "OOMKilling": 3,
    "SystemOOM": 3,
    "Evicted": 3,
    "EvictionThresholdMet": 3,
    "NodeNotReady": 3,
    "BackOff": 3,
    "Failed": 3,
    "ErrImageNeverPull": 3,
    "InspectFailed": 3,
    "FailedCreatePodSandBox": 3,
    "FailedCreate": 3,
    "FailedMount": 2,
    "FailedAttachVolume": 2,
    "FailedScheduling": 2,
    "FreeDiskSpaceFailed": 2,
    "ImageGCFailed": 2,
    "ContainerGCFailed": 2,
    "DeadlineExceeded": 2,
    "BackoffLimitExceeded": 3,
    "ProgressDeadlineExceeded": 3,
    "Rebooted": 2,
    "KernelOops": 3,
    "TaskHung": 3,
    "HostPortConflict": 2,
    "FailedKillPod": 2,
    "NetworkNotReady": 2,
}
"""Reasons of warnings that are findings, with their severity."""

_IGNORED: Final = {"LeaderElection": "election of a leader"}
_SCALED = re.compile(r"Scaled (?P<way>up|down) replica set (?P<set>\S{1,253})(?: from (?P<from>[0-9]{1,9}))? to ")
_IMAGE = re.compile(r'[Ii]mage "(?P<image>[^"\s]{1,400})"')
_DIGEST = re.compile(r"@?(sha256:[0-9a-f]{64})")
_POD = re.compile(r"(?:[Cc]reated|[Dd]eleted) pod:? (?P<pod>[a-z0-9.-]{1,253})")


class _Event(NamedTuple):
    """An Event with the fields of both versions under one name."""

    key: str
    time: str
    kind: str
    namespace: str | None
    name: str
    reason: str
    message: str
    warning: bool
    component: str | None
    node: str | None


class KubernetesEvents:
    """The source ``kubernetes.events``."""

    name = "kubernetes.events"
    lateness = timedelta(minutes=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By kind, version and the object it is about, of the first Event; of Metricbeat's by its ``kubernetes``."""
        if isinstance(dig(document, "kubernetes", "event"), dict):
            return True
        first = head(document)
        if "auditID" in first:
            return False
        if not ("involvedObject" in first or "regarding" in first):
            return False
        return first.get("kind") == "Event" and first.get("apiVersion") in ("v1", "events.k8s.io/v1", _BETA)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every Event of the document."""
        domain = domain_of(headers)
        for item, (place, value, change) in enumerate(unwrap(document)):
            if change in ("DELETED", "BOOKMARK"):
                yield item, Ignored("event that expired" if change == "DELETED" else "bookmark of a watch")
            else:
                yield item, _read(value, place, domain)


_BETA = "events.k8s.io/v1beta1"


def _read(value: object, place: str, domain: str) -> ActivityDraft | ChangeDraft | FindingDraft | Malformed | Ignored:
    event = _event(value, place)
    if not isinstance(event, _Event):
        return event
    if (why := _IGNORED.get(event.reason)) is not None:
        return Ignored(why)
    resource = plural(event.kind)
    entities: list[EntityDraft] = []
    if thing := entity(resource, event.namespace, event.name):
        entities.append(thing)
    said = owned(resource, event.namespace, event.name)
    if event.namespace and ("namespace", event.namespace) not in entities:
        entities.append(("namespace", event.namespace))
    if pod := _POD.search(event.message):
        entities.append(("workload", f"{event.namespace}/{pod['pod']}" if event.namespace else pod["pod"]))
        said += owned("pods", event.namespace, pod["pod"])
    if (named := _IMAGE.search(event.message)) and (found := image(named["image"])):
        entities.append(("image", found.id))
        exact = _DIGEST.search(event.message[named.end() :])
        if exact and found.tag and not found.digest:  # "with digest", where the kubelet says it
            entities.append(("image", f"{found.repository}@{exact[1]}"))
            said.append(stands_for(("image", found.id), entities[-1]))
    if event.node and (machine := host(event.node)):
        entities.append(("host", machine))
    entities = list(dict.fromkeys(entities))
    spot = f"{event.kind} {f'{event.namespace}/' if event.namespace else ''}{event.name}"
    title = line(f"{event.reason} of {spot}: {event.message}") or event.reason
    draft: ActivityDraft | ChangeDraft | FindingDraft
    if event.warning and event.reason in WARNINGS:
        draft = {
            "type": "finding",
            "kind": "detection",
            "source_id": event.key,
            "time": event.time,
            "domain": domain,
            "entities": entities,
            "title": title,
            "rule": event.reason,
            "severity": WARNINGS[event.reason],
            "reporter": "kubernetes",
            "location": spot[:1024],
            "evidence": line(event.message, 2048),
        }
    elif (change := _change(event)) is not None:
        kind, status, revision = change
        draft = {
            "type": "change",
            "source_id": event.key,
            "time": event.time,
            "domain": domain,
            "entities": entities,
            "title": title,
            "kind": kind,
            "actor": None,
            "status": status,
            "revision": revision or (found.id if named and found else None),
            "action": f"k8s-event:{event.reason}",
        }
    else:
        draft = {
            "type": "activity",
            "source_id": event.key,
            "time": event.time,
            "domain": domain,
            "entities": entities,
            "title": title,
            "action": f"k8s-event:{event.reason}",
            "actor": event.component,
            "outcome": "failure" if event.warning else "success",
            "read_only": None,
        }
        if event.warning:
            draft["error"] = event.reason
            draft["severity"] = 1
    if said:
        draft["identities"] = said
    return draft


def _change(event: _Event) -> tuple[ChangeKind, ChangeStatus, str | None] | None:
    """What was changed, as far as the Event says it."""
    if event.reason == "ScalingReplicaSet":
        scaled = _SCALED.search(event.message)
        if scaled is None or scaled["way"] == "down":
            return None  # a rollout takes down what it replaces: one change, not two
        new = scaled["from"] in (None, "0")
        return ("deploy", "started", scaled["set"]) if new else ("configuration", "succeeded", None)
    if event.reason == "SuccessfulRescale":
        return "configuration", "succeeded", None
    if event.reason == "DeploymentRollback":
        return "rollback", "started", None
    if event.reason == "Killing" and "definition changed" in event.message:
        return "deploy", "started", None
    return None


def _event(value: object, place: str) -> _Event | Malformed:
    def at(field: str) -> str:
        return f"{place}.{field}" if place else field

    if not isinstance(value, dict):
        return Malformed(place, "not an object")
    if isinstance(beat := dig(value, "kubernetes", "event"), dict):
        value, place = _camel(beat), f"{place}.kubernetes.event".lstrip(".")
    about = mapping(value.get("involvedObject")) or mapping(value.get("regarding"))
    field = "regarding" if "regarding" in value else "involvedObject"
    kind, name, reason = text(about.get("kind"), 64), text(about.get("name"), 253), text(value.get("reason"), 128)
    if kind is None or name is None:
        return Malformed(at(f"{field}.{'name' if kind else 'kind'}"), "missing")
    if reason is None:
        return Malformed(at("reason"), "missing")
    time = _time(value)
    if time is None:
        return Malformed(at("lastTimestamp"), "no time of the event that is RFC 3339 with an offset")
    metadata = mapping(value.get("metadata"))
    namespace = text(about.get("namespace"), 253)
    if namespace is None and kind not in ("Node", "Namespace", "PersistentVolume"):
        namespace = text(metadata.get("namespace"), 253)
    count = next(
        (each for each in (dig(value, "series", "count"), value.get("count"), value.get("deprecatedCount")) if each), 1
    )
    count = count if isinstance(count, int) and 0 < count < 2**63 else 1
    uid = text(metadata.get("uid"), 128)
    own = text(metadata.get("name"), 512)
    source = mapping(value.get("source")) or mapping(value.get("deprecatedSource"))
    given = (value.get(each) for each in ("reportingComponent", "reportingController"))
    component = next((found for each in (*given, source.get("component")) if (found := text(each, 128))), None)
    return _Event(
        f"{uid}/{count}" if uid else digest((namespace, own, kind, name, reason, time, str(count))),
        time,
        kind,
        namespace,
        name,
        reason,
        line(value.get("message") or value.get("note"), 2048) or "",
        value.get("type") == "Warning",
        component,
        text(source.get("host"), 253),
    )


def _time(value: dict[str, Any]) -> str | None:
    """The last occurrence."""
    for path in (
        ("series", "lastObservedTime"),
        ("lastTimestamp",),
        ("deprecatedLastTimestamp",),
        ("eventTime",),
        ("firstTimestamp",),
        ("deprecatedFirstTimestamp",),
        ("metadata", "creationTimestamp"),
    ):
        if (found := instant(dig(value, *path))) is not None:
            return found
    return None


def _camel(beat: dict[str, Any]) -> dict[str, Any]:
    """Metricbeat's names as those of the API."""
    about, metadata = mapping(beat.get("involved_object")), mapping(beat.get("metadata"))
    times = mapping(beat.get("timestamp"))
    return {
        "involvedObject": about,
        "metadata": {
            **{field: metadata.get(field) for field in ("name", "namespace", "uid")},
            "creationTimestamp": dig(metadata, "timestamp", "created"),
        },
        "reason": beat.get("reason"),
        "message": beat.get("message"),
        "type": beat.get("type"),
        "count": beat.get("count"),
        "source": beat.get("source"),
        "firstTimestamp": times.get("first_occurrence"),
        "lastTimestamp": times.get("last_occurrence"),
    }
