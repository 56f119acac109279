"""Reports of the Trivy operator: custom resources of ``aquasecurity.github.io`` on each workload of a cluster.

Read: ``VulnerabilityReport``, ``ExposedSecretReport``, ``ConfigAuditReport``, ``RbacAssessmentReport``,
``InfraAssessmentReport`` and the ``Cluster…`` form of each, as objects, lists, watches and webhook bodies (bare, or
``{"verb", "operatorObject"}``). Compliance and SBOM reports are ignored.

- A report is complete for its kind, workload and container: a finding that is gone from the next one is fixed. What
  was scanned is named by the workload, not by the replica set, so that the next rollout is compared with this one; and
  by the kind of report, since each holds only its kind of findings.
- Reporter "trivy-operator". Severity: the report's word. CVSS: ``score``. A check that passed is ignored, and so is a
  report that was deleted: it was outdated, or its workload is gone.
- Natural key: the report's ``metadata.uid`` and time, with what was found where.
- Time: ``report.updateTimestamp``; an RBAC assessment has none, then ``creationTimestamp``, else ``x-weir-received``.
- Lateness: an hour, as that of other reports.
- A matched secret is never carried.

Sources: Trivy operator documentation, "Webhook integration"; its API types (``v1alpha1``) and webhook reporter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.events import FindingKind
from streams.sources.base import EntityDraft, IdentityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import Image, image, purl, vulnerability
from streams.sources.document import line, mapping, number, sequence, texts
from streams.sources.fields import dig, instant, text
from streams.sources.identity import tag_of
from streams.sources.kubernetes_objects import Found, domain_of, entity, head, owned, plural, unwrap
from streams.sources.packages import package_url
from streams.sources.scan import RECEIVED, ScannedDraft, scan_draft, scan_id
from streams.sources.severity import severity_of_word

_GROUP = "aquasecurity.github.io/"
_KINDS: dict[str, tuple[str, FindingKind]] = {
    "VulnerabilityReport": ("vulnerabilities", "vulnerability"),
    "ExposedSecretReport": ("secrets", "secret"),
    "ConfigAuditReport": ("checks", "misconfiguration"),
    "RbacAssessmentReport": ("checks", "misconfiguration"),
    "InfraAssessmentReport": ("checks", "misconfiguration"),
}
_KINDS |= {f"Cluster{kind}": found for kind, found in _KINDS.items()}
_LABEL = "trivy-operator."


class _Report(NamedTuple):
    """What all findings of one report share."""

    id: str
    time: str
    domain: str
    target: str
    kind: FindingKind
    entities: tuple[EntityDraft, ...]
    identities: tuple[IdentityDraft, ...]


class TrivyOperator:
    """The source ``trivy.operator``."""

    name = "trivy.operator"
    lateness = timedelta(hours=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By group and kind of the first object."""
        wrapped = dig(document, "operatorObject")
        first = wrapped if isinstance(wrapped, dict) else head(document)
        version, kind = first.get("apiVersion"), first.get("kind")
        if not isinstance(version, str) or not version.startswith(_GROUP) or not isinstance(kind, str):
            return False
        return kind.endswith("Report")

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every finding of every report, and after each report the scan, unless something in it was malformed."""
        gone = isinstance(document, dict) and "operatorObject" in document and document.get("verb") == "delete"
        found = unwrap(document)
        if isinstance(document, dict) and "operatorObject" in document:
            found = [Found("operatorObject", document["operatorObject"])]
        item = -1
        for place, value, change in found:
            if gone or change in ("DELETED", "BOOKMARK"):
                item += 1
                yield item, Ignored("bookmark of a watch" if change == "BOOKMARK" else "report was deleted")
                continue
            for reading in _readings(value, place, headers):
                item += 1
                yield item, reading


def _readings(value: object, place: str, headers: Mapping[str, str]) -> Iterator[Any]:
    def at(field: str) -> str:
        return f"{place}.{field}" if place else field

    if not isinstance(value, dict):
        yield Malformed(place, "not an object")
        return
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        yield Ignored("report of a kind that is not read")
        return
    report = _report(value, kind, headers)
    if report is None:
        yield Malformed(at("report.updateTimestamp"), "no time, and no time of arrival either")
        return
    field = _KINDS[kind][0]
    given = dig(value, "report", field)
    if given is not None and not isinstance(given, list):
        yield Malformed(at(f"report.{field}"), "not an array")
        return
    seen: dict[str, int] = {}
    whole = isinstance(value.get("report"), dict)
    if not whole:
        yield Malformed(at("report"), "missing")
        return
    for index, finding in enumerate(given or []):
        reading = _finding(report, at(f"report.{field}[{index}]"), finding)
        if isinstance(reading, Malformed):
            whole = False
        elif not isinstance(reading, Ignored):
            again = seen[reading["source_id"]] = seen.get(reading["source_id"], -1) + 1
            if again:  # alike in all that is read
                reading["source_id"] += f"/{again}"
        yield reading
    if whole:
        yield scan_draft(
            reporter="trivy-operator",
            target=report.target,
            scan=report.id,
            time=report.time,
            domain=report.domain,
            entities=report.entities,
            findings=sum(again + 1 for again in seen.values()),
            identities=report.identities,
        )


def _report(value: dict[str, Any], kind: str, headers: Mapping[str, str]) -> _Report | None:
    metadata = mapping(value.get("metadata"))
    time = instant(dig(value, "report", "updateTimestamp")) or instant(metadata.get("creationTimestamp"))
    time = time or instant(headers.get(RECEIVED))
    if time is None:
        return None
    labels = mapping(metadata.get("labels"))
    owner = mapping(next(iter(sequence(metadata.get("ownerReferences"))), None))
    of = text(labels.get(f"{_LABEL}resource.kind"), 64) or text(owner.get("kind"), 64) or ""
    name = text(labels.get(f"{_LABEL}resource.name"), 253) or text(owner.get("name"), 253)
    name = name or text(metadata.get("name"), 253) or "unnamed"
    space = text(labels.get(f"{_LABEL}resource.namespace"), 253) or text(metadata.get("namespace"), 253)
    container = text(labels.get(f"{_LABEL}container.name"), 253)
    resource = plural(of) if of else "objects"
    entities: list[EntityDraft] = []
    said = owned(resource, space, name)
    if thing := entity(resource, space, name):
        entities.append(thing)
    if space and ("namespace", space) not in entities:
        entities.append(("namespace", space))
    if found := _image(value):
        entities.append(("image", found.id))
        said += tag_of(found)
    whose = said[0][3] if said and said[0][0] == "workload" else f"{space}/{name}" if space else name
    parts = (kind, resource if not owned(resource, space, name) else "", whose, container or "")
    target = " ".join(part for part in parts if part)
    uid = text(metadata.get("uid"), 128)
    report_id = scan_id(kind, uid or f"{space}/{name}/{container}", time)
    return _Report(report_id, time, domain_of(headers), target[:1024], _KINDS[kind][1], tuple(entities), tuple(said))


def _image(value: dict[str, Any]) -> Image | None:
    """The image that was scanned, by registry, repository, tag and digest."""
    repository = text(dig(value, "report", "artifact", "repository"), 300)
    if repository is None:
        return None
    server = text(dig(value, "report", "registry", "server"), 253)
    tag = text(dig(value, "report", "artifact", "tag"), 128)
    exact = text(dig(value, "report", "artifact", "digest"), 160)
    path = f"{server}/{repository}" if server else repository
    return image(f"{path}{f':{tag}' if tag else ''}{f'@{exact}' if exact else ''}")


def _finding(report: _Report, place: str, finding: object) -> ScannedDraft | Malformed | Ignored:
    if not isinstance(finding, dict):
        return Malformed(place, "not an object")
    if report.kind == "vulnerability":
        return _vulnerability(report, place, finding)
    return _secret(report, place, finding) if report.kind == "secret" else _check(report, place, finding)


def _vulnerability(report: _Report, place: str, finding: dict[str, Any]) -> ScannedDraft | Malformed:
    given = text(finding.get("vulnerabilityID"), 256)
    if given is None:
        return Malformed(f"{place}.vulnerabilityID", "missing")
    rule = vulnerability(given)
    name, version = text(finding.get("resource"), 256) or "", text(finding.get("installedVersion"), 256) or ""
    path, where = text(finding.get("packagePath"), 1024), text(finding.get("target"), 1024)
    package = purl(text(finding.get("packagePURL"), 1024) or "")
    if package is None and name:
        package = package_url(text(finding.get("packageType"), 64), name, version)
    draft = _draft(report, finding, rule, (rule, name, version, path, where, package))
    draft["entities"].insert(0, ("vulnerability", rule))
    if package:
        draft["entities"].insert(1, ("package", package))
    if path:
        draft["entities"].append(("file", path))
    about = f"{rule} in {name} {version}".strip() if name else rule
    draft["title"] = line(f"{about}: {line(finding.get('title')) or 'no title'}") or rule
    score = number(finding.get("score"))
    draft["cvss"] = score if score is not None and 0 < score <= 10 else None
    draft["fix"] = line(finding.get("fixedVersion"))
    draft["location"] = line(path or where, 1024)
    return draft


def _secret(report: _Report, place: str, finding: dict[str, Any]) -> ScannedDraft | Malformed:
    rule = text(finding.get("ruleID"), 256)
    if rule is None:
        return Malformed(f"{place}.ruleID", "missing")
    file = text(finding.get("target"), 1024)
    draft = _draft(report, finding, rule, (rule, file))
    if file:
        draft["entities"].append(("file", file))
    draft["title"] = line(f"{line(finding.get('title'), 256) or rule} in {file or 'the image'}") or rule
    draft["location"] = line(file, 1024)
    return draft


def _check(report: _Report, place: str, finding: dict[str, Any]) -> ScannedDraft | Malformed | Ignored:
    rule = text(finding.get("checkID"), 256)
    if rule is None:
        return Malformed(f"{place}.checkID", "missing")
    if finding.get("success") is True:
        return Ignored("check passed")
    scope = text(dig(finding, "scope", "value"), 512)
    messages = texts(finding.get("messages"), 2048)
    draft = _draft(report, finding, rule, (rule, scope, *messages[:8]))
    draft["title"] = line(f"{rule}: {line(finding.get('title')) or (messages or ['no title'])[0]}") or rule
    draft["fix"] = line(finding.get("remediation"))
    draft["location"] = line(scope or report.target, 1024)
    draft["evidence"] = line("; ".join(messages[:8]), 2048)
    return draft


def _draft(report: _Report, finding: dict[str, Any], rule: str, what: tuple[str | None, ...]) -> ScannedDraft:
    draft: ScannedDraft = {
        "type": "finding",
        "kind": report.kind,
        "source_id": f"{report.id}/{scan_id(*what)}",
        "time": report.time,
        "domain": report.domain,
        "entities": list(report.entities),
        "title": rule,
        "rule": rule,
        "severity": severity_of_word(finding.get("severity")),
        "reporter": "trivy-operator",
        "scan": report.id,
        "target": report.target,
    }
    if report.identities:
        draft["identities"] = list(report.identities)
    return draft
