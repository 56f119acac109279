"""OSV-Scanner's JSON report (``osv-scanner --format json``), versions 1 and 2.

``results[]`` are sources (a lock file, an SBOM, an image's database, a commit), each with packages and their
advisories; ``groups`` of a package hold the advisories that are one vulnerability.

- One item a group, a finding of a package: reporter "osv-scanner", rule the group's first id as its table shows it,
  aliases the others. An advisory in no group is one by itself. Bitnami's copies of ids (``BIT-``) are left out.
- There is no time (the header ``x-weir-received`` counts, else malformed) and nothing that says what was scanned but
  paths: with the header ``x-weir-repository`` the report is a scan of it, so what is gone from it is fixed.
- Severity: the advisory database's word, else the highest CVSS of the group (``max_severity``, since 1.4).
- Fix: the versions that end the ranges of this package. What call analysis found not to be called, or unimportant, is
  suppressed, as the scanner's own table leaves it out.
- Package: the advisory's package URL with the version, else of ecosystem and name. Go's versions get their ``v``.
- Identity: the report's content; a report that is delivered again is one.

Wrong for advisories themselves (OSV schema), which are no findings of anybody's. Licence results are not read.

Sources: OSV-Scanner documentation, "Output", "Call analysis", its ``pkg/models``; OSV schema 1.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from streams.sources.base import EntityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import purl, vulnerability
from streams.sources.document import digest, line, mapping, sequence, texts
from streams.sources.fields import dig, instant, text
from streams.sources.identity import cve_of
from streams.sources.packages import package_url
from streams.sources.scan import RECEIVED, ScannedDraft, scan_draft, scan_id
from streams.sources.scanned_repository import scanned
from streams.sources.severity import cvss_of_text, severity_of_cvss_text, severity_of_word

_KINDS: Final = {
    "packagist": "composer",
    "crates": "cargo",
    "rubygems": "gem",
    "go": "golang",
    "conancenter": "conan",
    "swifturl": "swift",
    "red hat": "redhat",
    "rocky linux": "rocky",
    "almalinux": "alma",
}
_ALIASES: Final = 32


class _Report(NamedTuple):
    """What all findings of one report share. ``target`` is None where nobody says what was scanned."""

    id: str
    time: str
    domain: str
    target: str | None
    entities: tuple[EntityDraft, ...]


class Osv:
    """Vulnerabilities found by OSV-Scanner, ``reporter`` "osv-scanner"."""

    name = "osv"
    lateness = timedelta(hours=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By a first result with a ``source`` that has a path and with ``packages``; of none, by the settings."""
        results = document.get("results") if isinstance(document, dict) else None
        if not isinstance(results, list) or not isinstance(document, dict):
            return False
        if not results:
            return "experimental_config" in document and "errors" not in document
        first = results[0]
        return isinstance(first, dict) and "packages" in first and isinstance(dig(first, "source", "path"), str)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every group of advisories, and last the scan where the repository is named; of none one ignored item."""
        results = document.get("results") if isinstance(document, dict) else None
        if not isinstance(results, list):
            yield 0, Malformed("results", "not an array")
            return
        time = instant(headers.get(RECEIVED))
        found = scanned(headers)
        report = _Report(
            scan_id("osv", *_marks(results)),
            time or "",
            found.domain if found else "osv-scanner",
            f"repository {found.path}" if found else None,
            (("repository", found.path),) if found else (),
        )
        item, whole = -1, time is not None
        seen: set[str] = set()
        for place, given in _groups(results):
            item += 1
            if time is None:
                yield item, Malformed(place, "the format has no time, and there is no time of arrival either")
                continue
            reading = given if isinstance(given, Malformed) else _read(report, place, *given)
            if isinstance(reading, Malformed):
                whole = False
            elif reading["source_id"] in seen:
                yield item, Ignored("found twice in one report")
                continue
            else:
                seen.add(reading["source_id"])
            yield item, reading
        if whole and report.target:
            yield (
                item + 1,
                scan_draft(
                    reporter="osv-scanner",
                    target=report.target,
                    scan=report.id,
                    time=report.time,
                    domain=report.domain,
                    entities=report.entities,
                    findings=len(seen),
                ),
            )
        elif item < 0:
            yield 0, Ignored("report without findings")


_Group = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, dict[str, Any]]]
"""The source, the package's entry, the group, and the package's advisories by id."""


def _groups(results: list[Any]) -> Iterator[tuple[str, _Group | Malformed]]:
    for i, result in enumerate(results):
        if not isinstance(result, dict) or not isinstance(result.get("packages"), list):
            yield f"results[{i}].packages", Malformed(f"results[{i}].packages", "not an array")
            continue
        for j, entry in enumerate(result["packages"]):
            place = f"results[{i}].packages[{j}]"
            if not isinstance(entry, dict):
                yield place, Malformed(place, "not an object")
                continue
            advisories = map(mapping, sequence(entry.get("vulnerabilities")))
            known = {name: each for each in advisories if (name := text(each.get("id")))}
            listed = [group for group in sequence(entry.get("groups")) if isinstance(group, dict)]
            grouped = {name for group in listed for name in texts(group.get("ids"))}
            for k, group in enumerate([*listed, *({"ids": [name]} for name in known if name not in grouped)]):
                yield f"{place}.groups[{k}]", (mapping(result.get("source")), entry, group, known)


def _marks(results: list[Any]) -> Iterator[str | None]:
    """What tells a report from others: it has neither an id nor a time."""
    for place, given in _groups(results):
        if isinstance(given, Malformed):
            yield place
            continue
        source, entry, group, _ = given
        yield digest((text(source.get("path"), 1024), _package_of(entry), *texts(group.get("ids"))[:_ALIASES]))


def _package_of(entry: dict[str, Any]) -> str:
    return digest(text(dig(entry, "package", field), 512) for field in ("ecosystem", "name", "version", "commit"))


def _read(
    report: _Report,
    place: str,
    source: dict[str, Any],
    entry: dict[str, Any],
    group: dict[str, Any],
    known: dict[str, dict[str, Any]],
) -> ScannedDraft | Malformed:
    ids = [vulnerability(each) for each in texts(group.get("ids"), 256)[:_ALIASES]]
    if not ids:
        return Malformed(f"{place}.ids", "missing or empty")
    rule = ids[0]
    advisory = known.get(texts(group.get("ids"), 256)[0], {})
    own = [vulnerability(each) for each in texts(advisory.get("aliases"), 256)[:_ALIASES]]
    others = [vulnerability(each) for each in texts(group.get("aliases"), 256)[:_ALIASES]]
    aliases = [each for each in dict.fromkeys([*ids, *own, *others]) if each != rule and not each.startswith("BIT-")]
    package = mapping(entry.get("package"))
    name, version = text(package.get("name"), 256) or "", text(package.get("version"), 128)
    path = text(source.get("path"), 1000)
    score = cvss_of_text(group.get("max_severity"))
    entities: list[EntityDraft] = [("vulnerability", rule)]
    entities += [("vulnerability", each) for each in aliases if each.startswith(("CVE-", "GHSA-"))]
    if url := _url(package, name, version, advisory):
        entities.append(("package", url))
    if path and text(source.get("type"), 64) in ("lockfile", "sbom", "artifact"):
        entities.append(("file", path))
    if commit := text(package.get("commit"), 64):
        entities.append(("commit", commit.lower()))
    label = f" in {name} {version or ''}".rstrip() if name else f" in {path}" if path else ""
    said = line(advisory.get("summary")) or line(advisory.get("details"), 320) or "no summary"
    draft: ScannedDraft = {
        "type": "finding",
        "kind": "vulnerability",
        "source_id": f"{report.id}/{digest((path, _package_of(entry), rule))}",
        "time": report.time,
        "domain": report.domain,
        "entities": list(dict.fromkeys([*entities, *report.entities])),
        "title": line(f"{rule}{label}: {said}") or rule,
        "rule": rule,
        "severity": severity_of_word(dig(advisory, "database_specific", "severity"))
        or severity_of_cvss_text(group.get("max_severity")),
        "status": "suppressed" if _unreached(group) else "open",
        "reporter": "osv-scanner",
        "aliases": aliases,
        "cvss": score if score else None,
        "fix": line(", ".join(_fixes(package, advisory))),
        "location": line(path, 1024),
        "target": report.target,
        "scan": report.id if report.target else None,
    }
    if said_ids := cve_of(list(dict.fromkeys([rule, *own]))):
        draft["identities"] = said_ids
    return draft


def _unreached(group: dict[str, Any]) -> bool:
    """Whether call analysis says of every advisory of the group that it is not called, or does not matter."""
    analysed = mapping(group.get("experimentalAnalysis")) or mapping(group.get("experimental_analysis"))
    said = [mapping(each) for each in analysed.values()]
    return bool(said) and all(each.get("called") is False or each.get("unimportant") is True for each in said)


def _affected(package: dict[str, Any], advisory: dict[str, Any]) -> list[dict[str, Any]]:
    """The advisory's entries of this package."""
    entries = [mapping(entry) for entry in sequence(advisory.get("affected"))[:64]]
    name, ecosystem = package.get("name"), str(package.get("ecosystem")).partition(":")[0]
    return [
        entry
        for entry in entries
        if dig(entry, "package", "name") == name
        and str(dig(entry, "package", "ecosystem")).partition(":")[0] == ecosystem
    ]


def _url(package: dict[str, Any], name: str, version: str | None, advisory: dict[str, Any]) -> str | None:
    ecosystem = (text(package.get("ecosystem"), 64) or "").partition(":")[0].lower()
    if ecosystem == "go" and version and version[0].isdigit() and name not in ("stdlib", "toolchain"):
        version = f"v{version}"
    stated = (text(dig(entry, "package", "purl"), 1024) for entry in _affected(package, advisory))
    base = next((each for each in stated if each), None)
    if base and (bare := purl(base)) and "@" not in bare.rpartition("/")[2]:
        return purl(f"{bare}@{version}") if version else bare
    return package_url(_KINDS.get(ecosystem.removesuffix(".io"), ecosystem), name, version) if name else None


def _fixes(package: dict[str, Any], advisory: dict[str, Any]) -> list[str]:
    ends = (
        text(mapping(event).get("fixed"), 128)
        for entry in _affected(package, advisory)
        for span in sequence(entry.get("ranges"))[:64]
        if mapping(span).get("type") != "GIT"
        for event in sequence(mapping(span).get("events"))[:64]
    )
    return list(dict.fromkeys(end for end in ends if end))[:8]
