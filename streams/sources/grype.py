"""Grype's JSON report (``grype -o json``), for images, directories, SBOMs and single packages.

Read from Grype's ``presenter/models`` (Document, Match, Vulnerability, Package) and Syft's source descriptions.

- One item a match, then the scan itself: a report holds all that Grype found, so what is gone from it is fixed.
- Time: ``descriptor.timestamp``; older versions write none, then the header ``x-weir-received``, else malformed.
- Identity: there is no report id. Scan: its target, digest, time and number of matches; a finding adds the
  vulnerability, the package's id (older: name, version and type) and its place.
- ``relatedVulnerabilities`` are aliases: the CVEs of a GHSA or a vendor's advisory.
- EPSS and KEV are as Grype's database had them. Severity is Grype's word; CVSS the newest version, the highest of it.
- ``ignoredMatches`` (with ``--show-suppressed``) are suppressed findings.

Wrong for Grype's SARIF and CycloneDX outputs and for templates, which are formats of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.events import FindingStatus
from streams.sources.base import EntityDraft, IdentityDraft, Malformed, Reading
from streams.sources.canonical import image, purl, vulnerability
from streams.sources.document import line, mapping, number, sequence, texts
from streams.sources.fields import dig, instant, text
from streams.sources.identity import tags_of
from streams.sources.packages import package_url
from streams.sources.scan import RECEIVED, ScannedDraft, image_target, scan_draft, scan_id
from streams.sources.severity import severity_of_word

_LISTS: tuple[tuple[str, FindingStatus], ...] = (("matches", "open"), ("ignoredMatches", "suppressed"))
_SYSTEM = frozenset({"deb", "rpm", "apk", "alpm", "portage"})
"""Packages whose place in an image is the package manager's database, which says nothing."""
_FILES = 2
"""Places of a package: its path where it is, and as the scan came to it."""


class _Report(NamedTuple):
    """What all findings of one report share. ``root`` is the directory that was scanned, None for an image."""

    id: str
    time: str
    domain: str
    target: str
    root: str | None
    entities: tuple[EntityDraft, ...]
    identities: tuple[IdentityDraft, ...] = ()


class Grype:
    """Vulnerabilities found by Grype, ``reporter`` "grype"."""

    name = "grype"
    lateness = timedelta(hours=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``matches`` and ``source`` beside a ``descriptor`` that names Grype."""
        return (
            isinstance(document, dict)
            and "matches" in document
            and "source" in document
            and dig(document, "descriptor", "name") == "grype"
        )

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every match, and last the scan itself, unless something was malformed."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        report = _report(document, headers)
        if isinstance(report, Malformed):
            yield 0, report
            return
        seen: set[str] = set()
        item, whole = -1, True
        for field, status in _LISTS:
            given = document.get(field)
            if given is not None and not isinstance(given, list):
                item, whole = item + 1, False
                yield item, Malformed(field, "not an array")
                continue
            for index, match in enumerate(given or []):
                item += 1
                reading = _read(report, f"{field}[{index}]", match, status)
                if isinstance(reading, Malformed):
                    whole = False
                else:
                    seen.add(reading["source_id"])
                yield item, reading
        if whole:
            scan = scan_draft(
                reporter="grype",
                target=report.target,
                scan=report.id,
                time=report.time,
                domain=report.domain,
                entities=report.entities,
                findings=len(seen),
                identities=report.identities,
            )
            yield item + 1, scan


def _report(document: dict[str, Any], headers: Mapping[str, str]) -> _Report | Malformed:
    own = instant(dig(document, "descriptor", "timestamp"))
    time = own or instant(headers.get(RECEIVED))
    if time is None:
        return Malformed("descriptor.timestamp", "no time, and no time of arrival either")
    source = mapping(document.get("source"))
    kind = text(source.get("type"), 64) or "unknown"
    given = source.get("target")
    entities: list[EntityDraft] = []
    root = None
    said: list[IdentityDraft] = []
    if isinstance(given, dict):
        name = text(given.get("userInput")) or ""
        manifest = text(given.get("manifestDigest"))
        found = [i for i in map(image, texts(given.get("repoDigests"))) if i and i.digest]
        found += [i for i in map(image, texts(given.get("tags"))) if i]
        named = image(name)
        repository = found[0].repository if found else named.repository if named else None
        if manifest and repository and (exact := image(f"{repository}@{manifest}")):
            entities.append(("image", exact.id))
        entities += [("image", i.id) for i in found]
        said = tags_of([*found, *([named] if named else [])], found)
        if not entities and (bare := image(text(given.get("imageID")) or "")):
            entities.append(("image", bare.id))
        target = image_target(name) or (f"image {entities[0][1]}" if entities else f"image {manifest or 'unnamed'}")
        domain = f"image:{repository or name or 'unnamed'}"
    else:
        name = root = text(given, 1000) or ""
        manifest = None
        target = f"{kind} {name or 'unnamed'}"
        domain = f"{kind}:{name or 'unnamed'}"
    matches = sequence(document.get("matches"))
    marks = [None if own else _mark(mapping(match)) for match in matches]
    entities = list(dict.fromkeys(entities))[:8]
    report_id = scan_id(target, manifest, own, str(len(matches)), *sorted(filter(None, marks)))
    return _Report(report_id, time, domain[:256], target[:1024], root, tuple(entities), tuple(said))


def _mark(match: dict[str, Any]) -> str:
    """What tells a match from others: a report without a time is known by its content."""
    found, artifact = mapping(match.get("vulnerability")), mapping(match.get("artifact"))
    return scan_id(text(found.get("id")), *(text(artifact.get(f)) for f in ("id", "name", "version", "type")))


def _read(report: _Report, place: str, match: object, status: FindingStatus) -> ScannedDraft | Malformed:
    if not isinstance(match, dict):
        return Malformed(place, "not an object")
    found, artifact = mapping(match.get("vulnerability")), mapping(match.get("artifact"))
    given = text(found.get("id"), 256)
    if given is None:
        return Malformed(f"{place}.vulnerability.id", "missing")
    rule = vulnerability(given)
    related = [mapping(other) for other in sequence(match.get("relatedVulnerabilities"))]
    ids = [vulnerability(other) for r in related if (other := text(r.get("id"), 256))]
    aliases = [other for other in dict.fromkeys(ids) if other != rule][:32]
    name = text(artifact.get("name")) or ""
    version = text(artifact.get("version")) or ""
    package = purl(text(artifact.get("purl"), 1024) or "")
    package = package or package_url(text(artifact.get("type"), 64), name, version)
    files = _files(report.root, sequence(artifact.get("locations")))
    entities: list[EntityDraft] = [("vulnerability", rule)]
    entities += [("vulnerability", alias) for alias in aliases if alias.startswith(("CVE-", "GHSA-"))]
    if package:
        entities.append(("package", package))
    entities += report.entities
    if report.root is not None or text(artifact.get("type"), 64) not in _SYSTEM:
        entities += [("file", file) for file in files]
    fix = mapping(found.get("fix"))
    about = f"{rule} in {name} {version}".strip() if name else rule
    described = line(found.get("description"), 320) or line(next((r.get("description") for r in related), None), 320)
    return {
        "type": "finding",
        "kind": "vulnerability",
        "source_id": f"{report.id}/{_mark(match)}/{scan_id(*files)}",
        "time": report.time,
        "domain": report.domain,
        "entities": entities,
        "title": line(f"{about}: {described or 'no description'}") or rule,
        "rule": rule,
        "severity": severity_of_word(found.get("severity")) or severity_of_word(_first(related, "severity")),
        "status": status,
        "reporter": "grype",
        "aliases": aliases,
        "cvss": _cvss([found, *related]),
        "fix": line(", ".join(texts(fix.get("versions"))[:8])) if fix.get("state") == "fixed" else None,
        "location": line(files[0], 1024) if files else None,
        "scan": report.id,
        "target": report.target,
        "epss": _epss(found, related, rule),
        "kev": True if any(sequence(v.get("knownExploited")) for v in (found, *related)) else None,
    }


def _files(root: str | None, locations: list[Any]) -> list[str]:
    """Where the package was found; below a scanned directory also as its path from outside, which SARIF gives."""
    first = mapping(locations[0]) if locations else {}
    path, accessed = text(first.get("path"), 1000), text(first.get("accessPath"), 1000)
    files = [path] if path else []
    reached = accessed or path
    if root is not None and root not in ("", ".", "./") and reached and not reached.startswith(f"{root}/"):
        files.append(f"{root.rstrip('/')}/{reached.lstrip('/')}")
    return list(dict.fromkeys(file[:1024] for file in files))[:_FILES]


def _first(given: list[dict[str, Any]], field: str) -> object:
    return next((value for entry in given if (value := entry.get(field))), None)


def _cvss(given: list[dict[str, Any]]) -> float | None:
    """The base score of the newest CVSS version, the highest of several; the match's own before related ones."""
    for entry in given:
        scores = [mapping(score) for score in sequence(entry.get("cvss"))]
        known = [
            (str(score.get("version", ""))[:8], base)
            for score in scores
            if (base := number(dig(score, "metrics", "baseScore"))) is not None and 0 <= base <= 10
        ]
        if known:
            return max(known)[1]
    return None


def _epss(found: dict[str, Any], related: list[dict[str, Any]], rule: str) -> float | None:
    scores = [mapping(score) for entry in (found, *related) for score in sequence(entry.get("epss"))]
    scores.sort(key=lambda score: score.get("cve") != rule)
    known = (number(score.get("epss")) for score in scores)
    return next((score for score in known if score is not None and 0 <= score <= 1), None)
