"""CycloneDX bills of materials with vulnerabilities (JSON, specification 1.4 to 1.7), as Grype, Trivy and others write.

- One item a vulnerability, a draft for each component it ``affects``, then the scan itself. An inventory without the
  field ``vulnerabilities`` is no scan and is ignored; with an empty one it is a scan that found nothing.
- Time: ``metadata.timestamp``, else the header ``x-weir-received``, else malformed. Scan: ``serialNumber`` with
  ``version``, which a generator makes anew each time, else a hash of target, tool and time.
- Reporter: the first tool in ``metadata.tools`` (an array until 1.4, an object with components since 1.5).
- Target: ``metadata.component``. A container's version is its digest or tag; Trivy adds ``RepoTag`` and ``RepoDigest``.
- Place of a component: the properties of Syft and Trivy, ``evidence.occurrences``, else the manifest that the
  dependency graph has it below.
- Severity: the rating of the source that the vulnerability is from, else the first with a severity. The rating of FIRST
  is EPSS, that of the CISA KEV catalog says that it is exploited (Grype).
- Status: ``analysis.state`` resolved is fixed, false_positive and not_affected are suppressed.

Wrong for CycloneDX in XML, and for VEX documents that stand alone (``streams.sources.cyclonedx_vex``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.events import FindingStatus
from streams.sources.base import EntityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image, purl, repository, vulnerability
from streams.sources.cyclonedx_components import Component, components
from streams.sources.cyclonedx_vex import stands_alone
from streams.sources.document import digest, line, mapping, number, sequence, texts
from streams.sources.fields import dig, instant, text
from streams.sources.scan import RECEIVED, ScannedDraft, image_target, scan_draft, scan_id
from streams.sources.severity import severity_of_word

_STATES: dict[object, FindingStatus] = {
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "false_positive": "suppressed",
    "not_affected": "suppressed",
}
_AFFECTED = 64
_KNOWN = Component(None, "", "", ())


class _Report(NamedTuple):
    """What all findings of one report share."""

    id: str
    time: str
    domain: str
    reporter: str
    target: str
    entities: tuple[EntityDraft, ...]
    components: Mapping[str, Component]


class CycloneDX:
    """Vulnerabilities in a bill of materials; ``reporter`` is the tool's name in lower case."""

    name = "cyclonedx"
    lateness = timedelta(hours=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``bomFormat``; statements that stand alone are another source's."""
        return isinstance(document, dict) and document.get("bomFormat") == "CycloneDX" and not stands_alone(document)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every vulnerability, and last the scan itself, unless something was malformed."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        found = document.get("vulnerabilities")
        if found is None:
            yield 0, Ignored("inventory without vulnerabilities")
            return
        if not isinstance(found, list):
            yield 0, Malformed("vulnerabilities", "not an array")
            return
        report = _report(document, headers)
        if isinstance(report, Malformed):
            yield 0, report
            return
        seen: set[str] = set()
        whole = True
        for item, given in enumerate(found):
            for reading in _read(report, f"vulnerabilities[{item}]", given):
                if isinstance(reading, Malformed):
                    whole = False
                elif not isinstance(reading, Ignored):
                    if reading["source_id"] in seen:
                        continue  # one component under two references
                    seen.add(reading["source_id"])
                yield item, reading
        if whole:
            scan = scan_draft(
                reporter=report.reporter,
                target=report.target,
                scan=report.id,
                time=report.time,
                domain=report.domain,
                entities=report.entities,
                findings=len(seen),
            )
            yield len(found), scan


def _report(document: dict[str, Any], headers: Mapping[str, str]) -> _Report | Malformed:
    metadata = mapping(document.get("metadata"))
    time = instant(metadata.get("timestamp")) or instant(headers.get(RECEIVED))
    if time is None:
        return Malformed("metadata.timestamp", "no time, and no time of arrival either")
    tools = metadata.get("tools")
    listed = sequence(tools) or sequence(dig(tools, "components")) or sequence(dig(tools, "services"))
    names = (text(mapping(tool).get("name"), 128) for tool in listed)
    reporter = (next(filter(None, names), None) or "cyclonedx").lower()
    subject = mapping(metadata.get("component"))
    name, version = text(subject.get("name"), 900) or "", text(subject.get("version"), 256) or ""
    kind = text(subject.get("type"), 64) or "bom"
    entities: list[EntityDraft] = []
    if kind == "container":
        given = _properties(subject)
        references = [*given.get("aquasecurity:trivy:RepoDigest", ()), *given.get("aquasecurity:trivy:RepoTag", ())]
        if not references and version:
            references = [f"{name}@{version}" if version.startswith("sha256:") else f"{name}:{version}"]
        images = [i for i in map(image, references) if i and (i.tag or i.digest)][:8]
        entities += [("image", i.id) for i in images]
        named = image(name)
        target = image_target(name) or "image unnamed"
        place = images[0].repository if images else named.repository if named else name
        domain = f"image:{place or 'unnamed'}"
    else:
        found = repository(purl_source(subject) or (name if "://" in name else ""))
        if found:
            entities.append(("repository", found.path))
        word = "directory" if kind == "file" else kind
        target = f"repository {found.path}" if found else f"{word} {name or 'unnamed'}"
        domain = found.domain if found else f"{word}:{name or 'unnamed'}"
    serial = text(document.get("serialNumber"), 128)
    report_id = f"{serial}/{document.get('version', 1)}"[:256] if serial else scan_id(target, reporter, time)
    return _Report(
        report_id, time, domain[:256], reporter, target[:1024], tuple(dict.fromkeys(entities)), components(document)
    )


def purl_source(component: dict[str, Any]) -> str | None:
    """The repository that a component's ``externalReferences`` of type ``vcs`` name."""
    for reference in map(mapping, sequence(component.get("externalReferences"))[:32]):
        if reference.get("type") == "vcs":
            return text(reference.get("url"), 1024)
    return None


def _properties(given: dict[str, Any]) -> dict[str, list[str]]:
    """Values by name; a name may come several times."""
    found: dict[str, list[str]] = {}
    for entry in map(mapping, sequence(given.get("properties"))[:256]):
        name, value = text(entry.get("name"), 128), text(entry.get("value"), 1024)
        if name and value:
            found.setdefault(name, []).append(value)
    return found


def _read(report: _Report, place: str, given: object) -> Iterator[ScannedDraft | Malformed | Ignored]:
    if not isinstance(given, dict):
        yield Malformed(place, "not an object")
        return
    named = text(given.get("id"), 256)
    if named is None:
        yield Malformed(f"{place}.id", "missing")
        return
    if given.get("rejected"):
        yield Ignored("vulnerability was rejected")
        return
    rule = vulnerability(named)
    affected = [text(mapping(entry).get("ref"), 1024) for entry in sequence(given.get("affects"))]
    # A reference into another document is a BOM-Link, whose fragment is the bom-ref there.
    refs = list(dict.fromkeys(ref.rpartition("#")[2] if ref.startswith("urn:cdx:") else ref for ref in affected if ref))
    if len(refs) > _AFFECTED:
        yield Malformed(f"{place}.affects", f"more than {_AFFECTED} components")
        return
    for ref in refs or [""]:
        yield _finding(report, given, rule, ref, report.components.get(ref) or _of_reference(ref))


def _of_reference(ref: str) -> Component:
    """A component that is not in the document: its reference may be a package URL."""
    url = purl(ref)
    return Component(url, url.partition("/")[2] if url else "", "", ()) if url else _KNOWN


def _finding(report: _Report, given: dict[str, Any], rule: str, ref: str, component: Component) -> ScannedDraft:
    ids = [vulnerability(i) for r in sequence(given.get("references"))[:32] if (i := text(mapping(r).get("id"), 128))]
    aliases = [other for other in dict.fromkeys(ids) if other != rule]
    entities: list[EntityDraft] = [("vulnerability", rule)]
    entities += [("vulnerability", alias) for alias in aliases if alias.startswith(("CVE-", "GHSA-"))]
    if component.url:
        entities.append(("package", component.url))
    entities += report.entities
    entities += [("file", file) for file in component.files]
    ratings = [mapping(rating) for rating in sequence(given.get("ratings"))[:64]]
    label = f" in {component.name} {component.version}".rstrip() if component.name else ""
    described = line(given.get("description"), 320) or line(given.get("detail"), 320) or "no description"
    return {
        "type": "finding",
        "kind": "vulnerability",
        "source_id": f"{report.id}/{digest((rule, ref, component.url))}",
        "time": report.time,
        "domain": report.domain,
        "entities": list(dict.fromkeys(entities))[:64],
        "title": line(f"{rule}{label}: {described}") or rule,
        "rule": rule,
        "severity": _severity(ratings, text(dig(given, "source", "name"), 128)),
        "status": _STATES.get(text(dig(given, "analysis", "state"), 64), "open"),
        "reporter": report.reporter,
        "aliases": aliases,
        "cvss": _cvss(ratings),
        "fix": line(given.get("recommendation")),
        "location": line(component.files[0], 1024) if component.files else None,
        "scan": report.id,
        "target": report.target,
        "epss": _epss(ratings),
        "kev": True if any("KEV" in _source(rating) for rating in ratings) else None,
    }


def _source(rating: dict[str, Any]) -> str:
    return text(dig(rating, "source", "name"), 128) or ""


def _severity(ratings: list[dict[str, Any]], source: str | None) -> int:
    own = [rating for rating in ratings if source and _source(rating) == source]
    words = (severity_of_word(rating.get("severity")) for rating in (*own, *ratings))
    return next((severity for severity in words if severity), 0)


def _cvss(ratings: list[dict[str, Any]]) -> float | None:
    """The score of the newest CVSS version, the highest of several."""
    known = [
        (method.removeprefix("CVSSv").ljust(2, "0"), score)
        for rating in ratings
        if (method := next(iter(texts(rating.get("method"), 16)), "")).startswith("CVSSv")
        and (score := number(rating.get("score"))) is not None
        and 0 < score <= 10
    ]
    return max(known)[1] if known else None


def _epss(ratings: list[dict[str, Any]]) -> float | None:
    scores = (number(rating.get("score")) for rating in ratings if _source(rating).upper() in ("FIRST", "EPSS"))
    return next((score for score in scores if score is not None and 0 <= score <= 1), None)
