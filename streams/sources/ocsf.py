"""OCSF 1.1 to 1.8: findings of every class as findings, all other classes as activities: the door for any stream.

A document is one event, an array of them, or EventBridge's envelope with ``detail.findings``. Each event is an item;
a vulnerability finding gives one draft for each of its ``vulnerabilities``.

- Time: ``time``, milliseconds since 1970. Values below 10^11 (1973 in milliseconds) are taken as seconds, which some
  producers write. Without it, ``time_dt``.
- Identity: ``metadata.uid``, else ``finding_info.uid`` with the time and ``metadata.event_code``. Either may name the
  finding and not the event, and then stays through its updates: an activity "Update" or "Close" adds itself and the
  time of modification. Several vulnerabilities of one event add their index.
- Status: ``status_id`` 3, 5 and 6 (suppressed, archived, deleted) are suppressed; 4 (resolved), or the activity
  "Close" alone, is fixed. ``status_code`` "PASS" says that a check passed: no finding.
- Severity: ``severity_id``, else the word in ``severity``; of a vulnerability its own word first.

- Kind: Detection (2004), Data Security (2006) and the old Security Finding (2001) are detections, Vulnerability (2002)
  vulnerabilities, Compliance (2003) and IAM Analysis (2008) misconfigurations, Application Security Posture (2007)
  weaknesses; 2001 and 2007 with ``vulnerabilities`` are those. The rule of a compliance finding is its control.
- Classes of the other categories: ``ocsf_activity``. Incident Findings (2005) are ignored: what they group comes by
  itself, and Weir's own units are such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.events import FindingKind, FindingStatus
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
from streams.sources.canonical import purl, vulnerability
from streams.sources.document import digest, line, mapping, number, sequence, texts
from streams.sources.fields import dig, text
from streams.sources.identity import cve_of
from streams.sources.ocsf_activity import activity, category_of
from streams.sources.ocsf_entities import LIMIT, entities
from streams.sources.ocsf_fields import domain_of, reporter_of, time_of
from streams.sources.packages import package_url
from streams.sources.severity import severity_of_ocsf, severity_of_word

_SECURITY = 2001  # deprecated since 1.1
_VULNERABILITY = 2002
_COMPLIANCE = 2003
_INCIDENT = 2005
_APPLICATION = 2007
_FINDINGS = frozenset((_SECURITY, _VULNERABILITY, _COMPLIANCE, 2004, 2006, _APPLICATION, 2008))
_KINDS: dict[int, FindingKind] = {_COMPLIANCE: "misconfiguration", _APPLICATION: "weakness", 2008: "misconfiguration"}
_STATUS: dict[object, FindingStatus] = {3: "suppressed", 4: "fixed", 5: "suppressed", 6: "suppressed"}
_POSTURE = frozenset({"prowler"})
"""Products whose detections are failed configuration checks."""


class _Event(NamedTuple):
    """What all drafts of one event share."""

    id: str
    time: str
    domain: str
    reporter: str
    status: FindingStatus
    severity: int
    entities: list[EntityDraft]
    identities: list[IdentityDraft]
    title: str | None
    location: str | None
    evidence: str | None


class Ocsf:
    """Findings in OCSF; ``reporter`` is the product's name in lower case."""

    name = "ocsf"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``class_uid`` beside ``metadata`` in the first event."""
        events = _events(document)
        first = events[0] if events else None
        return isinstance(first, dict) and "class_uid" in first and "metadata" in first

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every event; an empty array is one ignored item."""
        events = _events(document)
        if events is None:
            yield 0, Malformed("", "neither an object nor an array")
            return
        for item, event in enumerate(events):
            for reading in _read(f"[{item}]." if len(events) > 1 else "", event):
                yield item, reading
        if not events:
            yield 0, Ignored("no events")


def _events(document: object) -> list[Any] | None:
    if isinstance(document, dict):
        enveloped = dig(document, "detail", "findings")
        return enveloped if isinstance(enveloped, list) else [document]
    return document if isinstance(document, list) else None


def _read(place: str, event: object) -> Iterator[FindingDraft | ActivityDraft | ChangeDraft | Malformed | Ignored]:
    if not isinstance(event, dict):
        yield Malformed(place.rstrip("."), "not an object")
        return
    kind = event.get("class_uid")
    if not isinstance(kind, int) or isinstance(kind, bool):
        yield Malformed(f"{place}class_uid", "missing, or not an integer")
    elif kind in _FINDINGS:
        yield from _finding(place, event, kind)
    elif kind == _INCIDENT:
        yield Ignored("incident finding not read")
    elif not 1 <= (category := category_of(kind)) <= 8 or category == 2 or not 0 <= kind < 2**31:
        yield Ignored(f"class {kind} not read" if 0 <= kind <= 9999 else "class of an extension not read")
    else:
        yield from activity(place, event, kind)


def _finding(place: str, event: dict[str, Any], kind: int) -> Iterator[FindingDraft | Malformed | Ignored]:
    if _passed(event):
        yield Ignored("check passed")
        return
    shared = _shared(place, event)
    if isinstance(shared, Malformed):
        yield shared
    elif kind == _VULNERABILITY or (kind in (_SECURITY, _APPLICATION) and sequence(event.get("vulnerabilities"))):
        yield from _vulnerabilities(shared, place, event)
    else:
        yield _detection(shared, event, kind)


def _passed(event: dict[str, Any]) -> bool:
    """Whether a check says that all is well: as a status code, or as the status of its compliance."""
    if str(event.get("status_code", "")).upper() in ("PASS", "PASSED"):
        return True
    return dig(event, "compliance", "status_id") == 1 or dig(event, "compliance", "status") in (
        "Pass",
        "PASS",
        "PASSED",
    )


def _shared(place: str, event: dict[str, Any]) -> _Event | Malformed:
    time = time_of(event)
    if time is None:
        return Malformed(f"{place}time", "neither time in milliseconds nor time_dt with an offset")
    info = mapping(event.get("finding_info")) or mapping(event.get("finding"))  # finding: before 1.1
    identity = _identity(event, info, time)
    if identity is None:
        return Malformed(f"{place}finding_info.uid", "missing, and no metadata.uid")
    activity = event.get("activity_id")
    status = _STATUS.get(event.get("status_id")) if isinstance(event.get("status_id"), int) else None
    reporter = reporter_of(event)
    message = line(event.get("message"), 2048)
    about, said = entities(event)
    return _Event(
        id=identity,
        time=time,
        domain=domain_of(event, reporter),
        reporter=reporter,
        status=status or ("fixed" if activity == 3 else "open"),
        severity=severity_of_ocsf(event.get("severity_id")) or severity_of_word(event.get("severity")),
        entities=about,
        identities=said,
        title=line(info.get("title")) or (line(message) if message else None),
        location=_location(event),
        evidence=message or line(info.get("desc"), 2048),
    )


def _identity(event: dict[str, Any], info: dict[str, Any], time: str) -> str | None:
    parts = [text(dig(event, "metadata", "uid"))]
    if parts[0] is None:
        parts = [text(info.get("uid")), time, text(dig(event, "metadata", "event_code"))]
    if parts[0] is None:
        return None
    if event.get("activity_id") in (2, 3):
        modified = info.get("modified_time") or info.get("modified_time_dt") or time
        parts += [str(event["activity_id"]), str(modified) if isinstance(modified, int | str) else time]
    return "/".join(part for part in parts if part)


def _location(event: dict[str, Any]) -> str | None:
    for place in (*sequence(event.get("resources"))[:1], event.get("device")):
        if isinstance(place, dict) and (name := line(place.get("uid"), 1024) or line(place.get("name"), 1024)):
            return name
    return None


def _detection(event: _Event, given: dict[str, Any], of: int) -> FindingDraft:
    info = mapping(given.get("finding_info"))
    analytic = mapping(info.get("analytic"))
    rule = (
        (text(dig(given, "compliance", "control")) if of == _COMPLIANCE else None)
        or text(analytic.get("uid"))
        or text(analytic.get("name"))
        or text(dig(given, "metadata", "event_code"))
        or next(iter(texts(info.get("types"))), None)
        or event.title
        or "unspecified"
    )
    kind: FindingKind = _KINDS.get(of) or ("misconfiguration" if event.reporter in _POSTURE else "detection")
    draft = _draft(event, kind, rule, event.id)
    draft["fix"] = line(dig(given, "remediation", "desc"))
    return draft


def _vulnerabilities(event: _Event, place: str, given: dict[str, Any]) -> Iterator[FindingDraft | Malformed]:
    found = given.get("vulnerabilities")
    if not isinstance(found, list) or not found:
        yield Malformed(f"{place}vulnerabilities", "missing or empty")
        return
    for index, entry in enumerate(found):
        identity = f"{event.id}/{index}" if len(found) > 1 else event.id
        yield _vulnerability(event, f"{place}vulnerabilities[{index}]", identity, mapping(entry))


def _vulnerability(event: _Event, place: str, identity: str, entry: dict[str, Any]) -> FindingDraft | Malformed:
    cve = mapping(entry.get("cve"))
    rule = text(cve.get("uid")) or text(dig(entry, "advisory", "uid"))
    kind: FindingKind = "vulnerability"
    if rule is None:
        rule, kind = text(dig(entry, "cwe", "uid")), "weakness"
    if rule is None:
        return Malformed(f"{place}.cve.uid", "missing, and neither advisory nor cwe")
    rule = vulnerability(rule)
    packages = [mapping(p) for p in sequence(entry.get("affected_packages")) or sequence(entry.get("packages"))]
    draft = _draft(event, kind, rule, identity)
    about: list[EntityDraft] = [("vulnerability", rule)] if kind == "vulnerability" else []
    about += [("package", url) for url in dict.fromkeys(map(_package_url, packages)) if url]
    draft["entities"] = list(dict.fromkeys([*about, *event.entities]))[:LIMIT]
    label = " ".join(texts([packages[0].get("name"), packages[0].get("version")])) if packages else ""
    title = line(entry.get("title")) or event.title or line(entry.get("desc")) or "no title"
    draft["title"] = line(f"{rule} in {label}: {title}" if label else f"{rule}: {title}") or rule
    draft["severity"] = severity_of_word(entry.get("severity")) or event.severity
    related = [vulnerability(a) for a in texts(entry.get("related_vulnerabilities"))]
    advisory = text(dig(entry, "advisory", "uid"))
    draft["aliases"] = [a for a in dict.fromkeys([*related, *([advisory] if advisory else [])]) if a != rule]
    if said := cve_of([rule, vulnerability(advisory)] if advisory else []):
        draft["identities"] = [*event.identities, *said]
    draft["cvss"] = _cvss(cve)
    fixed = next((v for p in packages if (v := line(p.get("fixed_in_version")))), None)
    draft["fix"] = fixed or line(dig(entry, "remediation", "desc"))
    return draft


def _package_url(package: dict[str, Any]) -> str | None:
    name = text(package.get("name"))
    built = package_url(text(package.get("package_manager")), name, text(package.get("version"))) if name else None
    return purl(text(package.get("purl")) or "") or built


def _cvss(cve: dict[str, Any]) -> float | None:
    """The base score of the newest CVSS version given; the higher one of two."""
    given = cve.get("cvss")
    scores = [mapping(score) for score in (given if isinstance(given, list) else [given])]
    known = [(str(s.get("version", "")), base) for s in scores if (base := number(s.get("base_score"))) is not None]
    return max((found for found in known if 0 <= found[1] <= 10), default=("", None))[1]


def _draft(event: _Event, kind: FindingKind, rule: str, identity: str) -> FindingDraft:
    draft: FindingDraft = {
        "type": "finding",
        "kind": kind,
        "source_id": identity if len(identity) <= 512 else digest((identity,)),
        "time": event.time,
        "domain": event.domain,
        "entities": event.entities,
        "title": event.title or rule,
        "rule": rule,
        "severity": event.severity,
        "status": event.status,
        "reporter": event.reporter,
        "location": event.location,
        "evidence": event.evidence,
    }
    if event.identities:
        draft["identities"] = event.identities.copy()
    return draft
