"""Documents in the Elastic Common Schema, as Beats, Elastic Agent, Logstash and Elastic Security write them.

A document is one event, an array of them, or a search's hit with the event in ``_source``; fields are nested objects,
or names with dots.

- ``event.kind`` alert, or signal with Elastic Security's ``kibana.alert`` fields: a detection; a vulnerability where
  ``vulnerability.id`` is given. Of kind state with ``result.evaluation`` (posture): a misconfiguration.
- ``event.kind`` event: an activity. Where its type is change, creation, deletion or installation, in a category
  that says of what (iam: access; configuration; package: dependency), and it did not fail, a change as well.
- Metrics, enrichments, assets and pipeline errors are ignored by their kind.
- Rule: ``kibana.alert.rule.uuid``, else ``rule.id``, ``rule.uuid``, ``rule.name``, ``event.code``, ``event.action``.
- Severity: the word of Elastic Security or of the vulnerability; else ``event.risk_score_norm`` or Elastic's risk
  score, both of 100, in its bands: to 21 low, to 47 medium, to 73 high, above critical. ``event.severity`` has no scale
  that the schema states, so only Elastic's own four numbers (21, 47, 73, 99) count.
- Natural key: ``kibana.alert.uuid`` or ``event.id`` with the data set; without either a digest of the event.
- Time: ``@timestamp``. Lateness: ten minutes; what is between differs from one deployment to another.
- Action: the data set, else module, provider or first category, and ``event.action``, else the first type.
- Entities: ``ecs_entities``. Domain: the cloud account, else the cluster, else ``ecs:`` and the namespace of the data
  stream, which is what an operator parts environments by.

Recognised by ``event.kind`` or ``event.category``: an envelope of Filebeat around a line of its own (``ecs.version``
and ``message`` alone) is left to whoever reads the line.

Sources: ECS reference, field sets event, user, host, cloud, container, orchestrator, rule, vulnerability, and
"Categorization fields"; Elastic Security, "Alert schema", "Create a detection rule" (risk score).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from schemas.events import ChangeKind, FindingKind, FindingStatus, Outcome
from streams.sources.base import ActivityDraft, ChangeDraft, Draft, FindingDraft, Ignored, Malformed, Reading
from streams.sources.canonical import vulnerability
from streams.sources.document import digest, line, number
from streams.sources.ecs_entities import actor_of, entities
from streams.sources.ecs_fields import Fields, flat, has, one, several
from streams.sources.exported import content_id, of_milliseconds
from streams.sources.offset_times import with_offset
from streams.sources.severity import severity_of_word

_KINDS: Final = frozenset(("metric", "enrichment", "asset", "pipeline_error", "state"))
_RULES: Final = (
    "kibana.alert.rule.rule_id", "kibana.alert.rule.uuid", "rule.id", "rule.uuid", "rule.name",
    "kibana.alert.rule.name", "event.code", "event.action",
)  # fmt: skip
_OUTCOMES: Final[dict[str, Outcome]] = {"success": "success", "failure": "failure"}
_ELASTIC: Final = {21: 2, 47: 3, 73: 4, 99: 5}
_CHANGES: Final[dict[str, ChangeKind]] = {"iam": "access", "configuration": "configuration", "package": "dependency"}
_CHANGING: Final = frozenset(("change", "creation", "deletion", "installation"))
_STATUS: Final[dict[str, FindingStatus]] = {"closed": "suppressed"}


class Ecs:
    """The source ``ecs``; ``reporter`` is the module or data set, in Elastic Security's alerts "elastic"."""

    name = "ecs"
    lateness = timedelta(minutes=10)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``@timestamp`` beside ``event.kind`` or ``event.category``."""
        first = _opened(document[0] if type(document) is list and document else document)
        return (
            type(first) is dict
            and "@timestamp" in first
            and (has(first, "event", "kind") or has(first, "event", "category"))
        )

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every event: one reading, or two with the same item where it is a change as well."""
        if type(document) is not list:
            for reading in _read(document, ""):
                yield 0, reading
            return
        for item, event in enumerate(document):
            for reading in _read(event, f"[{item}]."):
                yield item, reading


def _opened(hit: object) -> object:
    return hit["_source"] if type(hit) is dict and type(hit.get("_source")) is dict else hit


def _read(hit: object, place: str) -> list[Draft | Malformed | Ignored]:
    event = _opened(hit)
    if not isinstance(event, dict):
        return [Malformed(place.rstrip("."), "not an object")]
    fields = flat(event)
    time = with_offset(fields.get("@timestamp")) or of_milliseconds(fields.get("@timestamp"))
    if time is None:
        return [Malformed(f"{place}@timestamp", "neither a time with an offset nor milliseconds")]
    key = _key(fields) or content_id(event)
    kind = one(fields, "event.kind", 32) or "event"
    if kind in ("alert", "signal"):
        return [_finding(fields, key, time)]
    if kind == "state" and (result := one(fields, "result.evaluation", 32)):
        return [_posture(fields, key, time, result)]
    if kind != "event":
        return [Ignored(f"event of kind {kind} not read" if kind in _KINDS else "event of unknown kind not read")]
    return _activity(fields, key, time)


def _key(event: Fields) -> str | None:
    for name in ("kibana.alert.uuid", "event.id"):
        if given := one(event, name):
            return digest((one(event, "event.dataset", 256), given))
    return None


def _domain(event: Fields) -> str:
    account = one(event, "cloud.account.id", 128)
    if account:
        return f"{(one(event, 'cloud.provider', 32) or 'cloud').lower()}:{account}"
    if cluster := one(event, "orchestrator.cluster.name", 200):
        return f"kubernetes:{cluster}"
    return f"ecs:{one(event, 'data_stream.namespace', 200) or 'default'}"


def _severity(event: Fields) -> int:
    for name in ("kibana.alert.severity", "vulnerability.severity"):
        if found := severity_of_word(one(event, name, 32)):
            return found
    for name in ("event.risk_score_norm", "kibana.alert.risk_score"):
        score = number(event.get(name))
        if score is not None and 0 <= score <= 100:
            return 2 if score <= 21 else 3 if score <= 47 else 4 if score <= 73 else 5
    given = number(event.get("event.severity"))
    return _ELASTIC.get(int(given), 0) if given is not None and given in _ELASTIC else 0


def _finding(event: Fields, key: str, time: str) -> FindingDraft:
    about, said = entities(event)
    flaw = one(event, "vulnerability.id", 128)
    kind: FindingKind = "vulnerability" if flaw else "detection"
    rule = vulnerability(flaw) if flaw else next((found for name in _RULES if (found := one(event, name))), None)
    named = one(event, "kibana.alert.rule.name") or one(event, "rule.name")
    message = line(one(event, "kibana.alert.reason", 4096) or one(event, "message", 8192), 2048)
    techniques = ", ".join(several(event, "threat.technique.id", 8))
    elastic = event.get("kibana.alert.uuid") is not None or event.get("kibana.alert.rule.uuid") is not None
    score = number(event.get("vulnerability.score.base"))
    draft: FindingDraft = {
        "type": "finding",
        "kind": kind,
        "source_id": key,
        "time": time,
        "domain": _domain(event),
        "entities": about,
        "title": line(f"{named}: {message}" if named and message else named or message) or rule or "alert",
        "rule": rule or line(message, 120) or "unspecified",
        "severity": _severity(event),
        "status": _STATUS.get(one(event, "kibana.alert.workflow_status", 32) or "", "open"),
        "reporter": "elastic" if elastic else _reporter(event),
        "cvss": score if flaw and score is not None and 0 < score <= 10 else None,
        "location": line(one(event, "host.name") or one(event, "observer.name"), 1024),
        "evidence": line(f"{message or ''} ATT&CK: {techniques}" if techniques else message, 2048),
    }
    if said:
        draft["identities"] = said
    return draft


def _reporter(event: Fields) -> str:
    names = ("event.module", "event.dataset", "observer.product", "event.provider")
    return (next((found for name in names if (found := one(event, name, 128))), None) or "ecs").lower()


def _posture(event: Fields, key: str, time: str, result: str) -> FindingDraft | Ignored:
    if result != "failed":
        return Ignored("check passed" if result == "passed" else "check without a result")
    draft = _finding(event, key, time)
    draft["kind"] = "misconfiguration"
    draft["title"] = line(one(event, "rule.name")) or draft["title"]
    draft["location"] = line(one(event, "resource.name") or one(event, "resource.id"), 1024) or draft["location"]
    draft["fix"] = line(one(event, "rule.remediation", 4096))
    return draft


def _activity(event: Fields, key: str, time: str) -> list[Draft | Malformed | Ignored]:
    about, said = entities(event)
    categories, types = several(event, "event.category"), several(event, "event.type")
    names = ("event.dataset", "event.module", "event.provider")
    service = next((found for name in names if (found := one(event, name, 128))), None) or next(iter(categories), "ecs")
    what = one(event, "event.action", 200) or next(iter(types), None) or next(iter(categories), "event")
    who = actor_of(event)
    outcome = _OUTCOMES.get(one(event, "event.outcome", 32) or "", "unknown")
    message = line(one(event, "message", 8192), 400)
    actor = who[1] if who else None
    title = message or f"{what} by {actor}" if actor else message or what
    activity: ActivityDraft = {
        "type": "activity",
        "source_id": key,
        "time": time,
        "domain": _domain(event),
        "entities": about,
        "title": line(title) or what,
        "action": f"{service}:{what}",
        "actor": actor,
        "outcome": outcome,
    }
    if outcome == "failure":
        given = one(event, "error.code", 256) or one(event, "event.reason", 4096) or one(event, "error.message", 4096)
        activity["error"] = line(given, 256)
    if said:
        activity["identities"] = said
    kind = next((_CHANGES[each] for each in categories if each in _CHANGES), None)
    if kind is None or outcome == "failure" or not _CHANGING.intersection(types):
        return [activity]
    change: ChangeDraft = {
        "type": "change",
        "source_id": activity["source_id"],
        "time": time,
        "domain": activity["domain"],
        "entities": list(about),
        "title": activity["title"],
        "kind": kind,
        "actor": actor,
        "status": "succeeded" if outcome == "success" else "unknown",
        "action": activity["action"],
    }
    if said:
        change["identities"] = list(said)
    return [activity, change]
