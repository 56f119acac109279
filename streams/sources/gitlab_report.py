"""GitLab security reports (``gl-*-report.json``, schemas 14 and 15 of GitLab's security-report-schemas).

- Time: ``scan.end_time``, which is UTC without an offset, else ``start_time``; reports of schema 14 need neither: then
  the header ``x-weir-received``, else malformed.
- Identity: the scan's time, type, scanner and place, and of a finding its ids, its place and its package; ``id`` is
  meant to be unique, but some writers repeat it.
- Rule: the CVE or GHSA among ``identifiers``, else the first, which GitLab itself tracks by; the others are aliases,
  but for CWE and OWASP, which name classes.
- Fingerprints: ``tracking`` signatures, but for the algorithm ``location``, which is the line.
- Kind: by ``scan.type``, else ``category``. Text of secrets (``raw_source_code_extract``) is not carried.
- A report holds no project, so the scan itself is told only of images, each a target: a report without any finding
  names none, and is ignored.

Severity is GitLab's word, which analysers map from their own: it differs between formats of one scan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.events import FindingKind
from streams.sources.base import EntityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image, vulnerability
from streams.sources.document import digest, line, mapping, number, sequence
from streams.sources.fields import dig, instant, text
from streams.sources.packages import is_aggregate, kind_of_file, kind_of_name, package_url
from streams.sources.scan import RECEIVED, ScannedDraft, image_target, scan_draft, scan_id
from streams.sources.severity import severity_of_word

_KINDS: dict[str, FindingKind] = {
    **dict.fromkeys(("dependency_scanning", "container_scanning", "cluster_image_scanning"), "vulnerability"),
    **dict.fromkeys(("sast", "dast", "api_fuzzing", "coverage_fuzzing"), "weakness"),
    "secret_detection": "secret",
}
_CLASSES = ("cwe", "owasp", "wasc")
_IDENTIFIERS, _PRINTS = 16, 8


class _Report(NamedTuple):
    """What all findings of one report share."""

    id: str
    time: str
    kind: str
    reporter: str


class GitLabReport:
    """Vulnerabilities of a GitLab report; ``reporter`` is the scanner's id in lower case, for example "trivy"."""

    name = "gitlab.report"
    lateness = timedelta(hours=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``vulnerabilities`` beside ``scan`` and a version, or with GitLab's ``identifiers`` in the first."""
        if not isinstance(document, dict) or "bomFormat" in document or "runs" in document:
            return False
        found = document.get("vulnerabilities")
        if not isinstance(found, list) or not isinstance(document.get("version"), str):
            return False
        first = found[0] if found else None
        if isinstance(first, dict):
            return "identifiers" in first and "location" in first
        return isinstance(dig(document, "scan", "type"), str)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every vulnerability, then the scan of each image; a report without any is one ignored item."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        found = document.get("vulnerabilities")
        if not isinstance(found, list):
            yield 0, Malformed("vulnerabilities", "not an array")
            return
        if not found:
            yield 0, Ignored("report without findings")
            return
        report = _report(document, found, headers)
        if isinstance(report, Malformed):
            yield 0, report
            return
        whole = dig(document, "scan", "status") != "failure"
        seen: dict[str, ScannedDraft] = {}
        for item, given in enumerate(found):
            reading = _read(report, f"vulnerabilities[{item}]", given)
            if isinstance(reading, Malformed):
                whole = False
            else:
                seen[reading["source_id"]] = reading
            yield item, reading
        if whole:
            yield from _scans(report, list(seen.values()), len(found))


def _scans(report: _Report, drafts: list[ScannedDraft], item: int) -> Iterator[Reading]:
    counts = Counter(target for draft in drafts if (target := draft.get("target")))
    firsts = {target: draft for draft in reversed(drafts) if (target := draft.get("target"))}
    for target in sorted(counts):
        scan = scan_draft(
            reporter=report.reporter,
            target=target,
            scan=report.id,
            time=report.time,
            domain=firsts[target]["domain"],
            entities=[entity for entity in firsts[target]["entities"] if entity[0] == "image"],
            findings=counts[target],
        )
        yield item, scan


def _report(document: dict[str, Any], found: list[Any], headers: Mapping[str, str]) -> _Report | Malformed:
    scan, first = mapping(document.get("scan")), mapping(found[0])
    own = _utc(scan.get("end_time")) or _utc(scan.get("start_time"))
    time = own or instant(headers.get(RECEIVED))
    if time is None:
        return Malformed("scan.end_time", "no time, and no time of arrival either")
    kind = text(scan.get("type"), 64) or text(first.get("category"), 64) or ""
    names = (dig(scan, "scanner", "id"), dig(scan, "analyzer", "id"), dig(first, "scanner", "id"))
    reporter = next((name for n in names if (name := text(n, 128))), "gitlab").lower()
    parts = [None if own else digest(_parts(mapping(given))) for given in found]
    place = digest(text(mapping(mapping(g).get("location")).get("image"), 1024) for g in found)
    return _Report(scan_id(reporter, kind, own, place, *filter(None, parts)), time, kind, reporter)


def _utc(value: object) -> str | None:
    given = text(value, 64)
    return instant(given) or instant(f"{given}Z") if given else None


def _parts(given: dict[str, Any]) -> list[str | None]:
    """What tells a vulnerability from others of its report."""
    location = mapping(given.get("location"))
    ids = [text(mapping(i).get("value")) for i in sequence(given.get("identifiers"))[:_IDENTIFIERS]]
    fields = ("file", "image", "hostname", "path", "class", "method", "param")
    places = [text(location.get(field), 1024) for field in fields]
    lines = [str(number(location.get(field))) for field in ("start_line", "end_line")]
    dependency = [text(dig(location, "dependency", "package", "name")), text(dig(location, "dependency", "version"))]
    return [text(given.get("id")), *places, *lines, *dependency, *ids]


def _read(report: _Report, place: str, given: object) -> ScannedDraft | Malformed:
    if not isinstance(given, dict):
        return Malformed(place, "not an object")
    kind = _KINDS.get(report.kind, "weakness")
    rule, aliases = _rule(given, kind)
    if rule is None:
        return Malformed(f"{place}.identifiers", "missing, and no id either")
    location = mapping(given.get("location"))
    file, reference = text(location.get("file"), 1024), text(location.get("image"), 1024)
    if reference and (is_aggregate(reference) or kind_of_file(reference)):  # Trivy's template, of a lock file
        file, reference = file or reference, None
    name = line(given.get("name"), 320) or line(given.get("message"), 320) or line(given.get("description"), 320)
    entities: list[EntityDraft] = []
    label = ""
    if kind == "vulnerability":
        entities += [("vulnerability", i) for i in (rule, *aliases) if i == rule or i.startswith(("CVE-", "GHSA-"))]
        package = text(dig(location, "dependency", "package", "name"), 256)
        version = text(dig(location, "dependency", "version"), 128)
        system = (text(location.get("operating_system"), 128) or "").replace(":", " ").partition(" ")[0].lower()
        family = None if system in ("", "unknown") else system
        family = family or kind_of_file(file or "") or kind_of_name(package or "")
        if package and (url := package_url(family, package, version)):
            entities.append(("package", url))
            label = f" in {package} {version or ''}".rstrip()
    found = image(reference) if reference else None
    if found and (found.tag or found.digest):
        entities.append(("image", found.id))
    if file and not is_aggregate(file):
        entities.append(("file", file.removeprefix("./") or file))
    if commit := text(dig(location, "commit", "sha"), 64):
        entities += [("commit", commit.lower())] if set(commit) - {"0"} else []
    start = number(location.get("start_line"))
    where = file or text(location.get("path"), 1024) or reference
    target = image_target(reference) if reference else None
    return {
        "type": "finding",
        "kind": kind,
        "source_id": f"{report.id}/{digest(_parts(given))}",
        "time": report.time,
        "domain": (f"image:{found.repository}" if found else f"gitlab:{report.reporter}")[:256],
        "entities": list(dict.fromkeys(entities))[:64],
        "title": line(f"{rule}{label}: {name or 'no title'}") or rule,
        "rule": rule,
        "severity": severity_of_word(given.get("severity")),
        "status": "open",
        "reporter": report.reporter,
        "aliases": aliases,
        "fix": line(given.get("solution")),
        "location": line(f"{where}:{start:.0f}" if where and start and start > 0 else where, 1024),
        "evidence": line(given.get("description"), 2048) if kind != "secret" else None,
        "fingerprints": _fingerprints(given),
        "scan": report.id if target else None,
        "target": target,
    }


def _rule(given: dict[str, Any], kind: FindingKind) -> tuple[str | None, list[str]]:
    identifiers = [mapping(i) for i in sequence(given.get("identifiers"))[:_IDENTIFIERS]]
    values = [
        vulnerability(value)
        for i in identifiers
        if (value := text(i.get("value"))) and not str(i.get("type", "")).lower().startswith(_CLASSES)
    ]
    if kind == "vulnerability":
        values.sort(key=lambda value: 0 if value.startswith("CVE-") else 1 if value.startswith("GHSA-") else 2)
    if not values and (own := text(given.get("cve")) or text(given.get("id"))):
        values = [vulnerability(own)]
    values = list(dict.fromkeys(values))
    return (values[0], values[1:]) if values else (None, [])


def _fingerprints(given: dict[str, Any]) -> list[str]:
    signatures = [
        mapping(signature)
        for item in sequence(dig(given, "tracking", "items"))[:_PRINTS]
        for signature in sequence(mapping(item).get("signatures"))[:_PRINTS]
    ]
    found = [
        f"{algorithm}={value}"
        for signature in signatures
        if (algorithm := text(signature.get("algorithm"), 64))
        and algorithm != "location"
        and (value := text(signature.get("value"), 400))
    ]
    return list(dict.fromkeys(found))[:_PRINTS]
