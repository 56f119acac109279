"""GitLab Code Quality reports: a JSON array of issues, or one of them; a subset of the Code Climate engine's.

There is no time (the header ``x-weir-received`` counts, else malformed), no tool, no scan and no project: an issue is
its fingerprint in its file. So a report that is delivered again has the same ids, and no scan says what is fixed.

Trivy's template (``contrib/gitlab-codequality.tpl``) writes vulnerabilities as issues of the check
``container_scanning`` with ``id - package - version - title`` as description, and misconfigurations as ``id: title``:
these are read as what they are, reporter "trivy". Its fingerprints hold the version or no line, so they are not used.
Severity: the words of the specification; the template's four are turned back into Trivy's (its ``info`` is low).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from schemas.events import FindingKind
from streams.sources.base import EntityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image, vulnerability
from streams.sources.document import digest, line, mapping, number
from streams.sources.fields import dig, instant, text
from streams.sources.packages import is_aggregate, kind_of_file, kind_of_name, of_target, package_url
from streams.sources.scan import RECEIVED, ScannedDraft, image_target
from streams.sources.severity import severity_of_word

_TEMPLATE = "container_scanning"
_VULNERABILITY = re.compile(r"([A-Za-z][A-Za-z0-9]{1,15}-\S{3,60}) - (\S{1,256}) - (\S{1,128})(?: - (.*))?", re.DOTALL)
_CHECK = re.compile(r"([A-Z][A-Z0-9-]{2,31}): (.*)", re.DOTALL)
_TEMPLATE_WORDS = {"info": 2, "minor": 3, "major": 4, "critical": 5}


class GitLabCodeQuality:
    """Issues of a Code Quality report; ``reporter`` is ``engine_name``, else "codequality"."""

    name = "gitlab.codequality"
    lateness = timedelta(hours=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``fingerprint``, ``description`` and a ``location`` with a ``path`` in the first issue."""
        first = document[0] if isinstance(document, list) and document else document
        return (
            isinstance(first, dict)
            and "fingerprint" in first
            and "description" in first
            and isinstance(dig(first, "location", "path"), str)
        )

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every issue; an empty array is one ignored item."""
        issues = [document] if isinstance(document, dict) else document
        if not isinstance(issues, list):
            yield 0, Malformed("", "neither an issue nor an array of them")
            return
        time = instant(headers.get(RECEIVED))
        for item, issue in enumerate(issues):
            if time is None:
                yield item, Malformed(f"[{item}]", "the format has no time, and there is no time of arrival either")
            elif not isinstance(issue, dict):
                yield item, Malformed(f"[{item}]", "not an object")
            elif issue.get("type", "issue") != "issue":
                yield item, Ignored("no issue, but a measurement")
            else:
                yield item, _read(f"[{item}]", issue, time)
        if not issues:
            yield 0, Ignored("report without findings")


def _read(place: str, issue: dict[str, Any], time: str) -> ScannedDraft | Malformed:
    fingerprint, path = text(issue.get("fingerprint")), text(dig(issue, "location", "path"), 1024)
    if fingerprint is None or path is None:
        return Malformed(f"{place}.{'location.path' if fingerprint else 'fingerprint'}", "missing")
    start = number(dig(issue, "location", "lines", "begin"))
    if start is None:
        start = number(dig(issue, "location", "positions", "begin", "line"))
    check = text(issue.get("check_name")) or "unspecified"
    description = line(issue.get("description")) or check
    if check == _TEMPLATE and (found := _VULNERABILITY.fullmatch(description)):
        return _vulnerability(issue, time, found, fingerprint, path)
    rule, reporter = check, text(issue.get("engine_name"), 128) or "codequality"
    kind: FindingKind = "weakness"
    prints = [f"fingerprint={fingerprint}"]
    severity = severity_of_word(issue.get("severity"))
    if check == _TEMPLATE and (found := _CHECK.fullmatch(description)):
        rule, kind, reporter, prints = found[1], "misconfiguration", "trivy", []
        description = found[2]
        severity = _TEMPLATE_WORDS.get(str(issue.get("severity")), severity)
    file = path.removeprefix("./") or path
    draft = _draft(issue, time, rule, kind, fingerprint, path, start)
    draft["entities"] = [("file", file)]
    draft["title"] = line(f"{rule}: {description}") or rule
    draft["severity"] = severity
    draft["reporter"] = reporter.lower()
    draft["fingerprints"] = prints
    draft["location"] = line(f"{file}:{start:.0f}" if start and start > 0 else file, 1024)
    return draft


def _vulnerability(issue: dict[str, Any], time: str, found: re.Match[str], fingerprint: str, path: str) -> ScannedDraft:
    rule, name, version = vulnerability(found[1]), found[2], found[3]
    artifact, family = of_target(path)
    draft = _draft(issue, time, rule, "vulnerability", fingerprint, path, None)
    entities: list[EntityDraft] = [("vulnerability", rule)]
    if url := package_url(family or kind_of_name(name), name, version):
        entities.append(("package", url))
    if kind_of_file(artifact):
        entities.append(("file", artifact))
    elif not is_aggregate(artifact):
        scanned = image(artifact)
        if scanned and (scanned.tag or scanned.digest):
            entities.append(("image", scanned.id))
        if scanned:
            draft["domain"] = f"image:{scanned.repository}"[:256]
        draft["target"] = image_target(artifact)
    draft["entities"] = entities
    draft["title"] = line(f"{rule} in {name} {version}: {found[4] or 'no title'}") or rule
    draft["severity"] = _TEMPLATE_WORDS.get(str(issue.get("severity")), severity_of_word(issue.get("severity")))
    draft["reporter"] = "trivy"
    draft["location"] = line(path, 1024)
    return draft


def _draft(
    issue: dict[str, Any],
    time: str,
    rule: str,
    kind: FindingKind,
    fingerprint: str,
    path: str,
    start: float | None,
) -> ScannedDraft:
    content = mapping(issue.get("content")).get("body", issue.get("content"))
    return {
        "type": "finding",
        "kind": kind,
        "source_id": digest((fingerprint, rule, path, str(start), line(issue.get("description")))),
        "time": time,
        "domain": "gitlab:codequality",
        "entities": [],
        "title": rule,
        "rule": rule,
        "severity": 0,
        "status": "open",
        "reporter": "codequality",
        "evidence": line(content, 2048),
    }
