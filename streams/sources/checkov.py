"""Checkov's JSON report (``checkov -o json``): the run of one framework, or an array of runs.

- Items: failed, then skipped, then passed checks, over all runs. Failed is open, skipped (by a comment or the command
  line) suppressed; passed checks are ignored.
- Kind: ``secrets`` runs are secrets, ``sca_*`` with ``vulnerability_details`` vulnerabilities of a package, ``sast*``
  weaknesses, everything else (Terraform, CloudFormation, Kubernetes, Dockerfile, workflows) misconfigurations.
- There is no time (the header ``x-weir-received`` counts, else malformed) and no target: with the header
  ``x-weir-repository`` the report is a scan of it, so what is gone from it is fixed.
- Severity: Checkov's word, which it writes only with a key of its platform; else unknown.
- Fingerprint: the check's resource (``aws_s3_bucket.logs``), which keeps its name when lines move. It is no entity: the
  same name is in many repositories.
- Identity: check, file, lines and resource, with the report's content where it is a scan.
- Code, and all text about secrets but the rule's, is not carried.

Sources: Checkov documentation, "Reviewing scan results", "Suppressing and skipping policies", "CLI command reference".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from schemas.events import FindingKind, FindingStatus
from streams.sources.base import EntityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image, vulnerability
from streams.sources.document import digest, line, mapping, number, sequence
from streams.sources.fields import instant, text
from streams.sources.packages import kind_of_file, package_url
from streams.sources.scan import RECEIVED, ScannedDraft, scan_draft, scan_id
from streams.sources.scanned_repository import scanned
from streams.sources.severity import severity_of_word

_LISTS: Final[tuple[tuple[str, FindingStatus], ...]] = (("failed_checks", "open"), ("skipped_checks", "suppressed"))
_NOTHING: Final = frozenset(("passed", "failed", "skipped", "parsing_errors", "checkov_version"))
"""Fields of the report of a run that found nothing to check."""


class _Report(NamedTuple):
    """What all findings of one report share. ``id`` and ``target`` are None where nobody says what was scanned."""

    id: str | None
    time: str
    domain: str
    target: str | None
    entities: tuple[EntityDraft, ...]


class Checkov:
    """Failed and skipped checks of Checkov, ``reporter`` "checkov"."""

    name = "checkov"
    lateness = timedelta(hours=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``check_type`` and ``results`` of the first run, or the numbers of a run without any."""
        first = document[0] if isinstance(document, list) and document else document
        if not isinstance(first, dict):
            return False
        return ("check_type" in first and isinstance(first.get("results"), dict)) or first.keys() >= _NOTHING

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every check, and last the scan where the repository is named; of none one ignored item."""
        runs = document if isinstance(document, list) else [document]
        time = instant(headers.get(RECEIVED))
        found = scanned(headers)
        report = _Report(
            scan_id("checkov", *_marks(runs)) if found else None,
            time or "",
            found.domain if found else "checkov",
            f"repository {found.path}" if found else None,
            (("repository", found.path),) if found else (),
        )
        item, whole, seen = -1, time is not None, set[str]()
        for reading in _checks(runs, report):
            item += 1
            if isinstance(reading, Malformed):
                whole = False
            elif not isinstance(reading, Ignored):
                if time is None:
                    yield item, Malformed("", "the format has no time, and there is no time of arrival either")
                    continue
                if reading["source_id"] in seen:
                    yield item, Ignored("found twice in one report")
                    continue
                seen.add(reading["source_id"])
            yield item, reading
        if whole and report.target and report.id:
            yield (
                item + 1,
                scan_draft(
                    reporter="checkov",
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


def _checks(runs: list[Any], report: _Report) -> Iterator[ScannedDraft | Malformed | Ignored]:
    for index, run in enumerate(runs):
        place = f"[{index}]." if len(runs) > 1 else ""
        if not isinstance(run, dict):
            yield Malformed(place.rstrip("."), "not an object")
            continue
        results = mapping(run.get("results"))
        framework = text(run.get("check_type"), 64) or "unknown"
        for field, status in _LISTS:
            for number_, check in enumerate(sequence(results.get(field))):
                yield _read(report, f"{place}results.{field}[{number_}]", framework, check, status)
        for _ in sequence(results.get("passed_checks")):
            yield Ignored("check passed")


def _marks(runs: list[Any]) -> Iterator[str | None]:
    """What tells a report from others: it has neither an id nor a time."""
    for run in map(mapping, runs):
        for field, _ in _LISTS:
            yield from (_mark(mapping(check)) for check in sequence(mapping(run.get("results")).get(field)))
            yield field


def _mark(check: dict[str, Any]) -> str:
    flaw = mapping(check.get("vulnerability_details"))
    lines = [str(number(each)) for each in sequence(check.get("file_line_range"))[:2]]
    parts = [text(check.get(field), 1024) for field in ("check_id", "repo_file_path", "file_path", "resource")]
    return digest([*parts, *lines, *(text(flaw.get(field)) for field in ("id", "package_name", "package_version"))])


def _read(
    report: _Report, place: str, framework: str, check: object, status: FindingStatus
) -> ScannedDraft | Malformed:
    if not isinstance(check, dict):
        return Malformed(place, "not an object")
    rule, given = text(check.get("check_id"), 256), text(check.get("repo_file_path"), 1000)
    given = given or text(check.get("file_path"), 1000)
    if rule is None or given is None:
        return Malformed(f"{place}.{'check_id' if rule is None else 'file_path'}", "missing")
    kind: FindingKind = "misconfiguration"
    if framework == "secrets":
        kind = "secret"
    elif framework.startswith("sast"):
        kind = "weakness"
    file = given.lstrip("/") or given
    lines = [each for each in map(number, sequence(check.get("file_line_range"))[:2]) if each is not None and each > 0]
    resource = text(check.get("resource"), 400)
    other = text(check.get("bc_check_id"), 128)
    named = line(check.get("check_name"), 320) or "no name"
    mark = _mark(check)
    draft: ScannedDraft = {
        "type": "finding",
        "kind": kind,
        "source_id": f"{report.id}/{mark}" if report.id else mark,
        "time": report.time,
        "domain": report.domain,
        "entities": [("file", file), *report.entities],
        "title": line(f"{rule}: {named}{f' ({resource})' if resource and kind != 'secret' else ''}") or rule,
        "rule": rule,
        "severity": severity_of_word(check.get("severity")),
        "status": status,
        "reporter": "checkov",
        "aliases": [other] if other and other != rule else [],
        "fix": line(check.get("guideline")),
        "location": line(f"{file}:{lines[0]:.0f}" if lines else file, 1024),
        "evidence": line(mapping(check.get("check_result")).get("suppress_comment"), 2048),
        "fingerprints": [f"resource={resource}"] if resource and kind != "secret" else [],
        "scan": report.id,
        "target": report.target,
    }
    flaw = check.get("vulnerability_details")
    return _vulnerable(draft, file, flaw) if isinstance(flaw, dict) and text(flaw.get("id"), 128) else draft


def _vulnerable(draft: ScannedDraft, file: str, flaw: dict[str, Any]) -> ScannedDraft:
    rule = vulnerability(str(flaw["id"]))
    name, version = text(flaw.get("package_name"), 256), text(flaw.get("package_version"), 128)
    about: list[EntityDraft] = [("vulnerability", rule)]
    if name and (url := package_url(kind_of_file(file), name, version)):
        about.append(("package", url))
    if (named := text(flaw.get("image_id"), 256)) and (found := image(named)):
        about.append(("image", found.id))
    score = number(flaw.get("cvss"))
    draft["kind"] = "vulnerability"
    draft["rule"] = rule
    draft["aliases"] = []
    draft["entities"] = [*about, *draft["entities"]]
    label = f" in {name} {version or ''}".rstrip() if name else ""
    draft["title"] = line(f"{rule}{label}: {line(flaw.get('description'), 320) or 'no description'}") or rule
    draft["severity"] = severity_of_word(flaw.get("severity")) or draft["severity"]
    draft["cvss"] = score if score is not None and 0 < score <= 10 else None
    draft["fix"] = line(flaw.get("lowest_fixed_version"))
    draft["fingerprints"] = []
    return draft
