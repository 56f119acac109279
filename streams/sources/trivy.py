"""Trivy's JSON report (``trivy image|repo|fs|sbom --format json``, schema version 2).

Read from Trivy's documentation of the report and of its fields' introduction: ``CreatedAt`` (0.48), repository metadata
(issue 9255), ``ArtifactID`` (issue 9662), ``ReportID`` and ``Fingerprint`` (issue 9793).

One item a finding, counted over all results in their order. A finding is an *observation*: its id holds the report's
(``ReportID``, else artifact and ``CreatedAt``), because ``Fingerprint`` alone is the same in every scan; delivered
again, it has the same id. ``Status`` of a vulnerability is the vendor's ("fixed" = a fixed version exists), so only
``not_affected`` changes ours.

Severity is Trivy's own word. ``CVSS`` is taken from the vendor that gave the severity, else NVD, else the highest.
Matched secrets are never carried. After its findings a report without malformed items yields the scan itself: it holds
all that Trivy found with its options, so what is gone from it is fixed. Wrong for ``trivy k8s`` summaries and for
Trivy's CycloneDX and SPDX outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.events import FindingKind, FindingStatus
from streams.sources.aws_names import entity_of
from streams.sources.base import EntityDraft, IdentityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image, purl, repository, vulnerability
from streams.sources.document import digest, line, mapping, number, texts
from streams.sources.fields import instant, text
from streams.sources.identity import tags_of
from streams.sources.packages import package_url
from streams.sources.scan import ScannedDraft, image_target, scan_draft
from streams.sources.severity import severity_of_word

_LISTS: tuple[tuple[str, FindingKind], ...] = (
    ("Vulnerabilities", "vulnerability"),
    ("Misconfigurations", "misconfiguration"),
    ("Secrets", "secret"),
    ("Licenses", "license"),
)
_MODIFIED: dict[object, FindingStatus] = {"ignored": "suppressed", "not_affected": "suppressed", "fixed": "fixed"}
_AGGREGATES = frozenset({"", "Java", "Node.js", "Python", "Ruby", "PHP", "Conda", "OS Packages"})
"""Targets that stand for many files; the file is then in ``PkgPath``."""


class _Report(NamedTuple):
    """What all findings of one report share."""

    id: str
    time: str
    domain: str
    artifact: str
    target: str
    entities: tuple[EntityDraft, ...]
    identities: tuple[IdentityDraft, ...] = ()


class Trivy:
    """Findings of Trivy, ``reporter`` "trivy"."""

    name = "trivy"
    lateness = timedelta(hours=1)
    """A report is written when the scan ends; a pipeline may deliver it at its own end."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``SchemaVersion`` beside one of the artifact fields."""
        return (
            isinstance(document, dict)
            and "SchemaVersion" in document
            and not document.keys().isdisjoint(("ArtifactName", "ArtifactType", "ArtifactID"))
        )

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every finding of the report, and last the scan itself."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        report = _report(document)
        if isinstance(report, Malformed):
            yield 0, report
            return
        results = document.get("Results")
        if results is not None and not isinstance(results, list):
            yield 0, Malformed("Results", "not an array")
            return
        seen: set[str] = set()
        item, wrong = -1, False
        for item, (place, result, kind, status, finding) in enumerate(_findings(results or [])):
            if not isinstance(finding, dict):
                wrong = True
                yield item, Malformed(place, "not an object" if kind else "not an array")
            else:
                reading = _read(report, place, mapping(result), kind, status, finding)
                if isinstance(reading, dict) and reading["source_id"] in seen:
                    reading["source_id"] = _elsewhere(reading["source_id"], reading.get("location"))
                if isinstance(reading, dict):
                    seen.add(reading["source_id"])
                wrong = wrong or isinstance(reading, Malformed)
                yield item, reading
        if not wrong:
            yield (
                item + 1,
                scan_draft(
                    reporter="trivy",
                    target=report.target,
                    scan=report.id,
                    time=report.time,
                    domain=report.domain,
                    entities=report.entities,
                    findings=len(seen),
                    identities=report.identities,
                ),
            )


_Found = tuple[str, object, object, FindingStatus, object]
"""Place, result, kind (None: the place itself is wrong), status, finding."""


def _findings(results: list[Any]) -> Iterator[_Found]:
    for index, result in enumerate(results):
        place = f"Results[{index}]"
        if not isinstance(result, dict):
            yield place, result, "result", "open", None
            continue
        for field, kind in _LISTS:
            for inner, finding in _items(result, place, field):
                yield inner, result, finding is not _WRONG and kind, "open", finding
        for inner, modified in _items(result, place, "ExperimentalModifiedFindings"):
            if not isinstance(modified, dict):
                yield inner, result, modified is not _WRONG, "open", modified
                continue
            status = _MODIFIED.get(text(modified.get("Status")), "open")
            yield f"{inner}.Finding", result, modified.get("Type"), status, modified.get("Finding")


_WRONG = object()


def _items(result: dict[str, Any], place: str, field: str) -> Iterator[tuple[str, object]]:
    found = result.get(field)
    if isinstance(found, list):
        for index, finding in enumerate(found):
            yield f"{place}.{field}[{index}]", finding
    elif found is not None:
        yield f"{place}.{field}", _WRONG


def _report(document: dict[str, Any]) -> _Report | Malformed:
    created = document.get("CreatedAt")
    time = instant(created)
    if time is None:
        if created is None:
            return Malformed("CreatedAt", "no time: Trivy before 0.48 writes no CreatedAt; scan again with a newer one")
        return Malformed("CreatedAt", "not RFC 3339 with an offset, or never set")
    metadata = mapping(document.get("Metadata"))
    name = text(document.get("ArtifactName")) or ""
    kind = text(document.get("ArtifactType")) or "scan"
    artifact = text(document.get("ArtifactID")) or f"{kind} {name}"
    entities: list[EntityDraft] = []
    domain = None
    images = [i for i in map(image, texts(metadata.get("RepoDigests"))) if i and i.digest]
    images = images or [i for i in map(image, texts(metadata.get("RepoTags"))) if i]
    if images:
        domain = f"image:{images[0].repository}"
        entities += [("image", i.id) for i in images]
    elif found := image(text(metadata.get("ImageID")) or ""):
        entities.append(("image", found.id))
    if not images and kind == "container_image" and (found := image(name)):
        domain = f"image:{found.repository}"
    remote = text(metadata.get("RepoURL")) or (name if "://" in name or name.startswith("git@") else "")
    if source := repository(remote):
        entities.append(("repository", source.path))
        domain = domain or source.domain
    if commit := text(metadata.get("Commit")):
        entities.append(("commit", commit.lower()))
    report_id = text(document.get("ReportID")) or digest((artifact, name, time))
    domain = (domain or f"{kind}:{name or 'unnamed'}")[:256]
    target = image_target(name) if kind == "container_image" else f"{kind} {source.path if source else name}"[:1024]
    tags = [i for i in map(image, [*texts(metadata.get("RepoTags")), name]) if i] if kind == "container_image" else []
    return _Report(report_id, time, domain, artifact, target or kind, tuple(entities), tuple(tags_of(tags, images)))


def _read(
    report: _Report, place: str, result: dict[str, Any], kind: object, status: FindingStatus, finding: dict[str, Any]
) -> ScannedDraft | Malformed | Ignored:
    target = text(result.get("Target"), 1024) or ""
    if kind == "vulnerability":
        return _vulnerability(report, place, result, target, status, finding)
    if kind == "misconfiguration":
        return _misconfiguration(report, place, target, status, finding)
    if kind == "secret":
        return _secret(report, place, target, status, finding)
    if kind == "license":
        return _license(report, place, result, target, status, finding)
    return Malformed(place, "not a type of finding that Trivy documents")


def _vulnerability(
    report: _Report, place: str, result: dict[str, Any], target: str, status: FindingStatus, finding: dict[str, Any]
) -> ScannedDraft | Malformed:
    found = text(finding.get("VulnerabilityID"))
    if found is None:
        return Malformed(f"{place}.VulnerabilityID", "missing")
    rule = vulnerability(found)
    name = text(finding.get("PkgName")) or ""
    version = text(finding.get("InstalledVersion")) or ""
    path = text(finding.get("PkgPath"), 1024)
    file = path or (target if result.get("Class") == "lang-pkgs" and target not in _AGGREGATES else None)
    aliases = [vulnerability(alias) for alias in texts(finding.get("VendorIDs"))]
    package = purl(text(mapping(finding.get("PkgIdentifier")).get("PURL")) or "")
    package = package or package_url(text(result.get("Type")), name, version)
    entities: list[EntityDraft] = [("vulnerability", rule)]
    entities += [("vulnerability", alias) for alias in aliases if alias.startswith(("CVE-", "GHSA-"))]
    if package:
        entities.append(("package", package))
    entities += report.entities
    if file:
        entities.append(("file", file))
    if fingerprint := text(finding.get("Fingerprint")):
        identity = f"{report.id}/{fingerprint}"
    else:
        package_id = text(finding.get("PkgID")) or f"{name}@{version}"
        identity = _identity(report, (target, package_id, path, rule))
    if finding.get("Status") == "not_affected":
        status = "suppressed"
    about = f"{rule} in {name} {version}" if name else rule
    draft = _draft(report, "vulnerability", rule, identity, status, finding)
    draft["entities"] = entities
    draft["title"] = line(f"{about}: {line(finding.get('Title')) or 'no title'}") or rule
    draft["aliases"] = aliases
    draft["cvss"] = _cvss(finding)
    draft["fix"] = line(finding.get("FixedVersion"), 512)
    draft["location"] = line(path or target, 1024)
    return draft


def _misconfiguration(
    report: _Report, place: str, target: str, status: FindingStatus, finding: dict[str, Any]
) -> ScannedDraft | Malformed | Ignored:
    verdict = finding.get("Status", "FAIL")
    if verdict == "PASS":
        return Ignored("check passed")
    rule = text(finding.get("ID")) or text(finding.get("AVDID"))
    if rule is None:
        return Malformed(f"{place}.ID", "missing")
    cause = mapping(finding.get("CauseMetadata"))
    start, end = number(cause.get("StartLine")), number(cause.get("EndLine"))
    resource = text(cause.get("Resource")) or ""
    message = line(finding.get("Message"), 2048)
    # One check fails once for each resource that a loop makes of the same lines, so lines alone are no identity.
    where = (target, rule, text(finding.get("Namespace")), resource, str(start), str(end), message)
    status = "suppressed" if verdict == "EXCEPTION" else status
    draft = _draft(report, "misconfiguration", rule, _identity(report, where), status, finding)
    if target and target != ".":
        draft["entities"].append(("file", target))
    if named := entity_of(resource):
        draft["entities"].append(named)
    draft["title"] = line(f"{rule}: {line(finding.get('Title')) or message or 'no title'}") or rule
    other = text(finding.get("AVDID"))
    draft["aliases"] = [other] if other and other != rule else []
    draft["fix"] = line(finding.get("Resolution"), 512)
    draft["location"] = _at(target, start)
    draft["evidence"] = message
    return draft


def _secret(
    report: _Report, place: str, target: str, status: FindingStatus, finding: dict[str, Any]
) -> ScannedDraft | Malformed:
    rule = text(finding.get("RuleID"))
    if rule is None:
        return Malformed(f"{place}.RuleID", "missing")
    start = number(finding.get("StartLine"))
    where = (target, rule, str(start), str(number(finding.get("EndLine"))), str(number(finding.get("Offset"))))
    draft = _draft(report, "secret", rule, _identity(report, where), status, finding)
    if target:
        draft["entities"].append(("file", target))
    draft["title"] = line(f"{line(finding.get('Title'), 256) or rule} in {target or 'the artifact'}") or rule
    draft["location"] = _at(target, start)
    return draft


def _license(
    report: _Report, place: str, result: dict[str, Any], target: str, status: FindingStatus, finding: dict[str, Any]
) -> ScannedDraft | Malformed:
    rule = text(finding.get("Name"))
    if rule is None:
        return Malformed(f"{place}.Name", "missing")
    name, path = text(finding.get("PkgName")), text(finding.get("FilePath"), 1024)
    where = (target, text(result.get("Class")), name, path, rule)
    draft = _draft(report, "license", rule, _identity(report, where), status, finding)
    if path:
        draft["entities"].append(("file", path))
    category = text(finding.get("Category")) or "unclassified"
    draft["title"] = line(f"License {rule} ({category}) of {name or path or target or report.artifact}") or rule
    draft["location"] = line(path or target, 1024)
    return draft


def _draft(
    report: _Report, kind: FindingKind, rule: str, identity: str, status: FindingStatus, finding: dict[str, Any]
) -> ScannedDraft:
    return {
        "type": "finding",
        "kind": kind,
        "source_id": identity if len(identity) <= 512 else digest((identity,)),
        "time": report.time,
        "domain": report.domain,
        "entities": list(report.entities),
        "title": "",
        "rule": rule,
        "severity": severity_of_word(finding.get("Severity")),
        "status": status,
        "reporter": "trivy",
        "scan": report.id,
        "target": report.target,
    }


def _elsewhere(identity: str, location: str | None) -> str:
    """The id of a package's second place: ``Fingerprint`` does not hold ``PkgPath``, one jar can lie in several."""
    longer = f"{identity}/{location or ''}"
    return longer if len(longer) <= 512 else digest((longer,))


def _identity(report: _Report, parts: tuple[str | None, ...]) -> str:
    return f"{report.id}/{digest((report.artifact, *parts))}"


def _cvss(finding: dict[str, Any]) -> float | None:
    vendors = {vendor: mapping(scores) for vendor, scores in mapping(finding.get("CVSS")).items()}
    preferred = (text(finding.get("SeveritySource")), "nvd")
    for field in ("V3Score", "V40Score"):
        scores = {vendor: number(given.get(field)) for vendor, given in vendors.items()}
        known = {vendor: score for vendor, score in scores.items() if score is not None and 0 < score <= 10}
        for vendor in preferred:
            if vendor in known:
                return known[vendor]
        if known:
            return max(known.values())
    return None


def _at(target: str, start: float | None) -> str | None:
    return line(f"{target}:{start:.0f}" if start and start > 0 else target, 1024)
