"""Amazon Inspector findings in their own format: vulnerable packages, code weaknesses, reachable ports.

A document is EventBridge's "Inspector2 Finding", one finding, an array of them, or an answer or export of ListFindings
(``findings``). Each finding is an item; one about packages gives a draft for each of them.

- Time: ``updatedAt``, else ``lastObservedAt``, else the envelope's ``time``. Events write times as Java does
  (``Wed Sep 04 16:59:44.356 UTC 2024``), reports in RFC 3339.
- Identity: the finding's ARN with time, status and package, since its updates keep the ARN.
- Status: CLOSED is fixed, SUPPRESSED suppressed, ACTIVE open. ``exploitAvailable`` is told in ``evidence``.
- Severity: Inspector's word, which heeds the vendor's and its own score; UNTRIAGED is unknown.
- Fix: ``fixedInVersion`` of the package, never what is only a command; a reachable port's recommendation.

Sources: Inspector user guide, "EventBridge event schema"; Inspector2 API reference, "Finding".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.events import FindingKind, FindingStatus
from streams.sources.aws_envelope import Envelope, account_of, findings_in, kind_of
from streams.sources.aws_inspector2_resources import About, about
from streams.sources.aws_times import when
from streams.sources.base import EntityDraft, FindingDraft, Ignored, Malformed, Reading
from streams.sources.canonical import vulnerability
from streams.sources.document import digest, line, mapping, number, sequence, texts
from streams.sources.fields import dig, text
from streams.sources.packages import kind_of_file, kind_of_name, package_url
from streams.sources.severity import severity_of_word

KIND = "Inspector2 Finding"

_PACKAGES = 64
_ENTITIES = 64
_STATUS: dict[object, FindingStatus] = {"CLOSED": "fixed", "SUPPRESSED": "suppressed"}


class _Finding(NamedTuple):
    """What all drafts of one finding share."""

    id: str
    time: str
    status: FindingStatus
    about: About
    title: str
    given: dict[str, Any]


class Inspector2:
    """The source ``aws.inspector2``."""

    name = "aws.inspector2"
    lateness = timedelta(hours=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the detail type, or by ``findingArn`` beside ``awsAccountId`` in the first finding."""
        if kind_of(document) is not None:
            return kind_of(document) == KIND
        found = _findings(document)
        return bool(found) and isinstance(found[0], dict) and "findingArn" in found[0] and "awsAccountId" in found[0]

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every finding; an empty array is one ignored item."""
        opened = findings_in(document, _findings)
        if isinstance(opened, Malformed):
            yield 0, opened
            return
        outer, found = opened
        for item, given in enumerate(found):
            for reading in _read(f"[{item}]." if len(found) > 1 else "", given, outer):
                yield item, reading
        if not found:
            yield 0, Ignored("no findings")


def _findings(document: object) -> list[Any]:
    if isinstance(document, dict):
        inner = document.get("findings")
        return inner if isinstance(inner, list) else [document]
    return sequence(document)


def _read(place: str, given: object, outer: Envelope | None) -> Iterator[FindingDraft | Malformed]:
    if not isinstance(given, dict):
        yield Malformed(place.rstrip("."), "not an object")
        return
    identity = text(given.get("findingArn"), 480)
    if identity is None:
        yield Malformed(f"{place}findingArn", "not a text of 1 to 480 characters")
        return
    time = when(given.get("updatedAt")) or when(given.get("lastObservedAt")) or (outer.time if outer else None)
    if time is None:
        yield Malformed(f"{place}updatedAt", "no time: neither RFC 3339 with an offset nor as Java writes it")
        return
    account = account_of(given.get("awsAccountId")) or (outer.account if outer else "")
    status = _STATUS.get(given.get("status") if isinstance(given.get("status"), str) else None, "open")
    title = line(given.get("title")) or line(given.get("description")) or "no title"
    finding = _Finding(identity, time, status, about(given, account, outer.region if outer else ""), title, given)
    weak = mapping(given.get("packageVulnerabilityDetails"))
    if weak:
        yield from _vulnerable(place, finding, weak)
    elif code := mapping(given.get("codeVulnerabilityDetails")):
        yield _weakness(finding, code)
    elif path := mapping(given.get("networkReachabilityDetails")):
        yield _reachable(finding, path)
    else:
        yield Malformed(f"{place}type", "no details of packages, code or network")


def _vulnerable(place: str, finding: _Finding, weak: dict[str, Any]) -> Iterator[FindingDraft | Malformed]:
    given = text(weak.get("vulnerabilityId"), 128)
    if given is None:
        yield Malformed(f"{place}packageVulnerabilityDetails.vulnerabilityId", "not a text of 1 to 128 characters")
        return
    rule = vulnerability(given)
    related = texts(weak.get("relatedVulnerabilities"), 128)[:32]
    aliases = [alias for alias in dict.fromkeys(map(vulnerability, related)) if alias != rule]
    cvss, epss = _cvss(weak), number(dig(finding.given, "epss", "score"))
    packages = [mapping(package) for package in sequence(weak.get("vulnerablePackages"))[:_PACKAGES]] or [{}]
    seen: set[str] = set()
    for package in packages:
        draft = _package(finding, rule, package)
        if draft["source_id"] in seen:  # one package in several layers or architectures
            continue
        seen.add(draft["source_id"])
        draft["aliases"] = aliases.copy()
        draft["cvss"] = cvss
        draft["epss"] = epss if epss is not None and 0 <= epss <= 1 else None
        yield draft


def _package(finding: _Finding, rule: str, package: dict[str, Any]) -> FindingDraft:
    name = text(package.get("name"), 256)
    parts = (text(package.get("version"), 128), text(package.get("release"), 128))
    version = "-".join(part for part in parts if part)
    path = text(package.get("filePath"), 1024)
    manager = (text(package.get("packageManager"), 32) or "").lower()
    command = (text(package.get("remediation")) or "").partition(" ")[0].lower()
    kind = command if manager in ("os", "") else manager  # "apt-get update" tells the type that OS does not
    draft = _draft(finding, "vulnerability", rule, (rule, name, version, path))
    entities: list[EntityDraft] = [("vulnerability", rule)]
    if name:
        kinds = (kind, kind_of_file(path or ""), kind_of_name(name))
        urls = (package_url(each, name, version or None) for each in kinds if each)
        url = next((u for u in urls if u and not u.startswith("pkg:generic/")), None)
        url = url or package_url(None, name, version or None)
        entities += [("package", url)] if url else []
        draft["title"] = line(f"{rule} in {name} {version}: {finding.title}") or rule
    entities += finding.about.entities
    if path and manager != "os":
        entities.append(("file", path))
    draft["entities"] = list(dict.fromkeys(entities))[:_ENTITIES]
    fix = text(package.get("fixedInVersion"))
    draft["fix"] = line(fix) if fix and fix != "NotAvailable" else None
    draft["location"] = line(path, 1024) or draft.get("location")
    return draft


def _cvss(weak: dict[str, Any]) -> float | None:
    """The base score of the newest CVSS version, the highest of several."""
    scores = [mapping(score) for score in sequence(weak.get("cvss"))]
    known = [
        (str(score.get("version", ""))[:8], base)
        for score in scores
        if (base := number(score.get("baseScore"))) is not None and 0 <= base <= 10
    ]
    return max(known)[1] if known else None


def _weakness(finding: _Finding, code: dict[str, Any]) -> FindingDraft:
    rule = text(code.get("ruleId"), 256) or text(code.get("detectorId"), 256) or "unspecified"
    draft = _draft(finding, "weakness", rule, (rule,))
    file = text(dig(code, "filePath", "filePath"), 512) or text(dig(code, "filePath", "fileName"), 512)
    start = number(dig(code, "filePath", "startLine"))
    if file:
        draft["location"] = f"{file}:{start:.0f}" if start is not None and 0 < start < 1e9 else file
        draft["entities"] = [("file", file), *draft["entities"]]
    draft["aliases"] = texts(code.get("cwes"), 32)[:16]
    return draft


def _reachable(finding: _Finding, path: dict[str, Any]) -> FindingDraft:
    first, last = (number(dig(path, "openPortRange", name)) for name in ("begin", "end"))
    ports = f"{first:.0f}-{last:.0f}" if first is not None and last is not None and max(first, last) < 1e6 else "any"
    protocol = (text(path.get("protocol"), 16) or "any").lower()
    rule = f"network-reachability:{protocol}:{ports}"
    draft = _draft(finding, "misconfiguration", rule, (rule,))
    draft["fix"] = line(dig(finding.given, "remediation", "recommendation", "text"))
    return draft


def _draft(finding: _Finding, kind: FindingKind, rule: str, parts: tuple[str | None, ...]) -> FindingDraft:
    identity = digest((finding.time, finding.status, *parts))
    short = f"{finding.id}/{identity}"
    said = line(finding.given.get("description"), 1800) or ""
    exploited = finding.given.get("exploitAvailable") == "YES"
    draft: FindingDraft = {
        "type": "finding",
        "kind": kind,
        "source_id": short if len(short) <= 512 else digest((finding.id, identity)),
        "time": finding.time,
        "domain": finding.about.domain,
        "entities": list(finding.about.entities)[:_ENTITIES],
        "title": finding.title,
        "rule": rule,
        "severity": severity_of_word(finding.given.get("severity")),
        "status": finding.status,
        "reporter": "inspector",
        "location": finding.about.location,
        "evidence": line(f"An exploit is available. {said}" if exploited else said, 2048),
        "target": finding.about.target,
    }
    if finding.about.identities:
        draft["identities"] = list(finding.about.identities)
    return draft
