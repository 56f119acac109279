"""AWS Security Finding Format (Security Hub CSPM, ``SchemaVersion`` 2018-10-08): of AWS's services and of any product.

A document is one finding, an array of them, the result of GetFindings (``Findings``), or EventBridge's envelope with
``detail.findings``. Each finding is an item; one about vulnerable packages gives a draft for each of them.

- Time: ``UpdatedAt``, when the provider last said so, else ``LastObservedAt``, else ``CreatedAt``.
- Identity: product, id and time; the id stays through updates, and some products give one id to several packages, so
  the vulnerability, the package and the status are added.
- Status: ``RecordState`` ARCHIVED, ``Workflow`` RESOLVED and ``Compliance`` PASSED are fixed: such a record closes what
  was said before. ``Workflow`` SUPPRESSED is suppressed.
- Severity: ``Severity.Label``, else ``Normalized``.
- Kind: ``Compliance`` or a configuration check is a misconfiguration, a vulnerability has an id of one, all else is a
  detection. A control's rule is ``SecurityControlId``, the same in every standard, else the standard's own.
- Trivy's template (``contrib/asff.tpl``) has its data in ``Details.Other`` and the scanned target as the resource, of a
  language's packages only the lock file or the language: then the image is not known.

Wrong for Security Hub's new findings, which are OCSF, and for whole scans: Security Hub sends changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.events import FindingKind, FindingStatus
from streams.sources.asff_resources import Resources, resources
from streams.sources.base import EntityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import vulnerability
from streams.sources.document import digest, line, mapping, number, sequence, texts
from streams.sources.fields import dig, instant, text
from streams.sources.packages import kind_of_file, kind_of_name, package_url
from streams.sources.sarif_scanners import VULNERABILITY
from streams.sources.scan import ScannedDraft
from streams.sources.severity import severity_of_normalized, severity_of_word

_PRODUCT = "aws/securityhub/ProductName"
_ENTITIES = 64
_PACKAGES = 64


class _Finding(NamedTuple):
    """What all drafts of one finding share."""

    id: str
    product: str
    time: str
    domain: str
    reporter: str
    status: FindingStatus
    severity: int
    title: str
    about: Resources
    given: dict[str, Any]


class Asff:
    """Findings of Security Hub; ``reporter`` is the product's name in lower case, for example "inspector"."""

    name = "asff"
    lateness = timedelta(hours=1)
    """Security Hub takes findings on from services that look every few minutes to hours."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``ProductArn`` and ``AwsAccountId`` in the first finding."""
        found = _findings(document)
        first = found[0] if found else None
        return isinstance(first, dict) and "ProductArn" in first and "AwsAccountId" in first

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every finding; an empty array is one ignored item."""
        found = _findings(document)
        if found is None:
            yield 0, Malformed("", "neither a finding nor an array of them")
            return
        for item, given in enumerate(found):
            for reading in _read(f"[{item}]." if len(found) > 1 else "", given):
                yield item, reading
        if not found:
            yield 0, Ignored("no findings")


def _findings(document: object) -> list[Any] | None:
    if isinstance(document, dict):
        for given in (dig(document, "detail", "findings"), document.get("Findings"), document.get("findings")):
            if isinstance(given, list):
                return given
        return [document]
    return document if isinstance(document, list) else None


def _read(place: str, given: object) -> Iterator[ScannedDraft | Malformed]:
    if not isinstance(given, dict):
        yield Malformed(place.rstrip("."), "not an object")
        return
    finding = _shared(place, given)
    if isinstance(finding, Malformed):
        yield finding
        return
    weak = [mapping(v) for v in sequence(given.get("Vulnerabilities"))[:_PACKAGES] if text(mapping(v).get("Id"))]
    if weak:
        yield from _vulnerabilities(finding, weak)
    elif rule := _vulnerability_id(finding):
        yield _of_template(finding, rule)
    else:
        yield _other(finding)


def _shared(place: str, given: dict[str, Any]) -> _Finding | Malformed:
    identity = text(given.get("Id"), 1024)
    if identity is None:
        return Malformed(f"{place}Id", "missing, or longer than 1024 characters")
    times = (instant(given.get(field)) for field in ("UpdatedAt", "LastObservedAt", "CreatedAt"))
    time = next(filter(None, times), None)
    if time is None:
        return Malformed(f"{place}UpdatedAt", "no time: not RFC 3339 with an offset")
    fields = mapping(given.get("ProductFields"))
    product = text(given.get("ProductArn"), 256) or ""
    names = (given.get("ProductName"), fields.get(_PRODUCT), fields.get("Product Name"), product.rpartition("/")[2])
    reporter = next((name for n in names if (name := text(n, 128))), "unspecified").lower()
    severity = mapping(given.get("Severity"))
    about = resources(given)
    account = text(given.get("AwsAccountId"), 64)
    domain = about.domain or (f"aws:{account}" if account else "asff")
    word = severity.get("Label")
    level = severity_of_word(word) if isinstance(word, str) else severity_of_normalized(severity.get("Normalized"))
    title = line(given.get("Title")) or line(given.get("Description")) or "no title"
    return _Finding(identity, product, time, domain[:256], reporter, _status(given), level, title, about, given)


def _status(given: dict[str, Any]) -> FindingStatus:
    workflow = dig(given, "Workflow", "Status")
    if given.get("RecordState") == "ARCHIVED" or workflow == "RESOLVED":
        return "fixed"
    if dig(given, "Compliance", "Status") == "PASSED":
        return "fixed"
    return "suppressed" if workflow == "SUPPRESSED" else "open"


# Vulnerabilities


def _vulnerabilities(finding: _Finding, weak: list[dict[str, Any]]) -> Iterator[ScannedDraft]:
    left = _PACKAGES
    for entry in weak:
        rule = vulnerability(text(entry.get("Id")) or "")
        packages = [mapping(p) for p in sequence(entry.get("VulnerablePackages"))][:left] or [{}]
        left = max(1, left - len(packages))
        for package in packages:
            yield _vulnerable(finding, rule, entry, package)


def _vulnerable(finding: _Finding, rule: str, entry: dict[str, Any], package: dict[str, Any]) -> ScannedDraft:
    name = text(package.get("Name"), 256)
    parts = [text(package.get("Version"), 128), text(package.get("Release"), 128)]
    version = "-".join(part for part in parts if part)
    path = text(package.get("FilePath"), 1024)
    manager = (text(package.get("PackageManager"), 32) or "").lower()
    command = (text(package.get("Remediation")) or "").partition(" ")[0].lower()
    kind = command if manager in ("os", "") else manager  # "yum update kernel" tells the type that OS does not
    kinds = (kind, kind_of_file(path or ""), kind_of_name(name or ""))
    url = next((u for k in kinds if k and (u := _url(k, name, version)) and not u.startswith("pkg:generic/")), None)
    url = url or _url(None, name, version)
    draft = _draft(finding, "vulnerability", rule, (rule, name, version, path))
    entities: list[EntityDraft] = [("vulnerability", rule)]
    if url:
        entities.append(("package", url))
    entities += finding.about.entities
    if path and manager != "os":
        entities.append(("file", path))
    draft["entities"] = list(dict.fromkeys(entities))[:_ENTITIES]
    related = texts(entry.get("RelatedVulnerabilities"), 128)[:32]
    draft["aliases"] = [a for a in dict.fromkeys(map(vulnerability, related)) if a != rule]
    draft["cvss"] = _cvss(entry)
    epss = number(entry.get("EpssScore"))
    draft["epss"] = epss if epss is not None and 0 <= epss <= 1 else None
    fix = text(package.get("FixedInVersion"))
    draft["fix"] = line(fix) if fix and fix != "NotAvailable" else None
    draft["location"] = line(path, 1024) or draft.get("location")
    if name:
        draft["title"] = line(f"{rule} in {name} {version}: {finding.title}") or rule
    return draft


def _url(kind: str | None, name: str | None, version: str) -> str | None:
    return package_url(kind, name, version or None) if name else None


def _vulnerability_id(finding: _Finding) -> str | None:
    """The id where the finding has no ``Vulnerabilities``: Trivy's template, or a product's generator."""
    for given in (finding.about.other.get("CVE ID"), (text(finding.given.get("GeneratorId")) or "").rpartition("/")[2]):
        if isinstance(given, str) and VULNERABILITY.fullmatch(given):
            return vulnerability(given)
    return None


def _of_template(finding: _Finding, rule: str) -> ScannedDraft:
    other, about = finding.about.other, finding.about
    name, version = text(other.get("PkgName"), 256), text(other.get("Installed Package"), 128) or ""
    draft = _draft(finding, "vulnerability", rule, (rule, name, version))
    url = _url(about.family or kind_of_name(name or ""), name, version)
    entities: list[EntityDraft] = [("vulnerability", rule)]
    if url:
        entities.append(("package", url))
    draft["entities"] = list(dict.fromkeys([*entities, *about.entities]))[:_ENTITIES]
    score = number(other.get("NvdCvssScoreV3"))
    draft["cvss"] = score if score and 0 < score <= 10 else None
    draft["fix"] = line(other.get("Patched Package"))
    title = line(other.get("CVE Title")) or finding.title
    draft["title"] = line(f"{rule} in {name} {version}: {title}" if name else f"{rule}: {title}") or rule
    return draft


def _cvss(entry: dict[str, Any]) -> float | None:
    """The base score of the newest CVSS version, the highest of several."""
    scores = [mapping(score) for score in sequence(entry.get("Cvss"))]
    known = [
        (str(score.get("Version", ""))[:8], base)
        for score in scores
        if (base := number(score.get("BaseScore"))) is not None and 0 <= base <= 10
    ]
    return max(known)[1] if known else None


# All else


def _other(finding: _Finding) -> ScannedDraft:
    given = finding.given
    types = texts(given.get("Types"))
    if isinstance(given.get("Compliance"), dict) or any(
        kind.startswith("Software and Configuration Checks") for kind in types
    ):
        control = text(dig(given, "Compliance", "SecurityControlId"), 128)
        control = control or text(dig(given, "ProductFields", "ControlId"), 128)
        draft = _draft(finding, "misconfiguration", control or _generator(given, types), ())
        start = number(finding.about.other.get("StartLine"))
        if finding.about.file:
            draft["location"] = line(f"{finding.about.file}:{start:.0f}" if start else finding.about.file, 1024)
        return draft
    draft = _draft(finding, "detection", types[0].rpartition("/")[2] if types else _generator(given, types), ())
    draft["fingerprints"] = [f"finding={finding.id}"[:512]]
    return draft


def _generator(given: dict[str, Any], types: list[str]) -> str:
    """The rule in ``GeneratorId``: a product's own text, or an ARN whose account and region say nothing of it."""
    generator = text(given.get("GeneratorId")) or (types[0] if types else "unspecified")
    if generator.startswith("arn:"):
        generator = generator.split(":", 5)[-1].removeprefix("ruleset/")
    return generator.removeprefix("Trivy/")


def _draft(finding: _Finding, kind: FindingKind, rule: str, parts: tuple[str | None, ...]) -> ScannedDraft:
    about = finding.about
    identity = digest((finding.product, finding.id, finding.time, finding.status, *parts))
    short = f"{finding.id}/{identity}"
    return {
        "type": "finding",
        "kind": kind,
        "source_id": short if len(short) <= 512 else identity,
        "time": finding.time,
        "domain": finding.domain,
        "entities": list(about.entities)[:_ENTITIES],
        "title": line(f"{finding.title}") or rule,
        "rule": rule or "unspecified",
        "severity": finding.severity,
        "status": finding.status,
        "reporter": finding.reporter,
        "location": about.location,
        "evidence": line(finding.given.get("Description"), 2048),
        "fix": line(dig(finding.given, "Remediation", "Recommendation", "Text")),
        "target": about.target,
    }
