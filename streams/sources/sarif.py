"""SARIF 2.1.0 logs (OASIS Standard, 27 March 2020), of any tool.

Every result of every run is an item; sections of the standard:

- Time (3.20.8): the latest ``invocations[].endTimeUtc``, else ``startTimeUtc``. Many tools write neither: then the
  header ``x-weir-received``, which the caller sets to the broker's timestamp. Without that either, malformed.
- Identity: ``guid`` (3.27.3), which stays while the result does, so a later ``baselineState`` adds itself and the run;
  else a hash of run, tool, rule, fingerprints (3.27.16, 3.27.17), revision, place and message. The run is its
  ``automationDetails.guid``, else its time; the broker's timestamp does not count: a log without time that is
  delivered twice is one observation.
- Severity: the tool's own word where it is known (``sarif_scanners``), else ``security-severity`` of the result or the
  rule (GitHub code scanning), else ``level`` (3.27.10), by default the rule's, by default "warning".
- Fingerprints: each of ``fingerprints`` (an identity by itself, 3.27.16); ``partialFingerprints`` (parts of one,
  3.27.17) as one hash, or GitHub's ``primaryLocationLineHash`` alone; ``correlationGuid`` (3.27.4). A weakness in code
  without any gets its message, counted over equal ones of a file, so that it survives a move of lines.
- Status: ``baselineState`` "absent" is fixed (3.27.24); suppressions, none of them under review or rejected, are
  suppressed (3.27.23, 3.35.3).
- ``kind`` (3.27.9) "pass", "notApplicable" and "informational" are no findings.

Messages of secret scanners are not carried: they may quote the secret.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote

from schemas.events import FindingKind, FindingStatus
from streams.sources.base import EntityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image, repository, vulnerability
from streams.sources.document import digest, line, mapping, number, sequence, texts
from streams.sources.fields import dig, instant, text
from streams.sources.sarif_scanners import TAG_KINDS, TOOL_KINDS, VULNERABILITY, package
from streams.sources.scan import ScannedDraft, image_target
from streams.sources.severity import cvss_of_text, severity_of_cvss, severity_of_word

RECEIVED = "x-weir-received"
"""Header in which the caller gives the broker's timestamp as RFC 3339 text."""

_NO_FINDING = frozenset({"pass", "notApplicable", "informational"})
_PLACEHOLDER = re.compile(r"\{(\d{1,3})\}")
_LINE_HASH = "primaryLocationLineHash"
_FILES = 8
_PRINTS, _PRINT = 8, 512
_TEMPLATE = 4096
_ARGUMENT = 512
"""Characters of a template and of one argument: repeated placeholders must not blow a message up."""


class _Run(NamedTuple):
    """What all results of one run share."""

    place: str
    time: str
    key: str | None
    tool: str
    domain: str
    entities: tuple[EntityDraft, ...]
    target: str | None
    revision: str | None
    rules: list[Any]
    by_id: dict[str, dict[str, Any]]
    extensions: list[Any]
    artifacts: list[Any]


class Sarif:
    """Results of static analysers and scanners; ``reporter`` is the tool's name in lower case."""

    name = "sarif"
    lateness = timedelta(hours=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``version`` 2.1.0 beside ``runs``."""
        return isinstance(document, dict) and "runs" in document and str(document.get("version", "")).startswith("2.1")

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every result; a run (or log) without results is one ignored item."""
        runs = document.get("runs") if isinstance(document, dict) else None
        if not isinstance(runs, list):
            yield 0, Ignored("log without runs") if isinstance(document, dict) else Malformed("", "not an object")
            return
        item = 0
        for index, given in enumerate(runs):
            run = _run(f"runs[{index}]", given, headers)
            results = given.get("results") if isinstance(given, dict) else None
            if isinstance(run, Malformed):
                yield item, run
            elif results is not None and not isinstance(results, list):
                yield item, Malformed(f"{run.place}.results", "not an array")
            elif not results:
                yield item, Ignored("run without results")
            else:
                met: Counter[str] = Counter()
                for number_, result in enumerate(results):
                    yield item + number_, _read(run, f"{run.place}.results[{number_}]", result, met)
                item += len(results) - 1
            item += 1
        if not runs:
            yield 0, Ignored("log without runs")


def _run(place: str, run: object, headers: Mapping[str, str]) -> _Run | Malformed:
    if not isinstance(run, dict):
        return Malformed(place, "not an object")
    driver = mapping(dig(run, "tool", "driver"))
    tool = text(driver.get("name"))
    if tool is None:
        return Malformed(f"{place}.tool.driver.name", "missing")
    tool = tool.lower()
    invocations = [mapping(invocation) for invocation in sequence(run.get("invocations"))]
    ended = [found for i in invocations if (found := instant(i.get("endTimeUtc")))]
    ended = ended or [found for i in invocations if (found := instant(i.get("startTimeUtc")))]
    own = max(ended, default=None)
    time = own or instant(headers.get(RECEIVED))
    if time is None:
        return Malformed(f"{place}.invocations", "no time, and no time of arrival either")
    domain = None
    entities: list[EntityDraft] = []
    revision = None
    properties = mapping(run.get("properties"))
    images = [i for i in map(image, texts(properties.get("repoDigests"))) if i and i.digest]
    images = images or [i for i in map(image, texts(properties.get("repoTags"))) if i]
    if images:
        domain = f"image:{images[0].repository}"
        entities += [("image", i.id) for i in images]
    elif bare := image(text(properties.get("imageID")) or ""):
        entities.append(("image", bare.id))
    if not images and (named := image(text(properties.get("imageName")) or "")):
        domain = f"image:{named.repository}"
    for provenance in map(mapping, sequence(run.get("versionControlProvenance"))):
        if source := repository(text(provenance.get("repositoryUri"), 2048) or ""):
            entities.append(("repository", source.path))
            domain = domain or source.domain
        if commit := text(provenance.get("revisionId"), 64):
            entities.append(("commit", commit.lower()))
            revision = revision or commit
    extensions = sequence(dig(run, "tool", "extensions"))
    rules = sequence(driver.get("rules"))
    every = [*rules, *(rule for e in extensions for rule in sequence(mapping(e).get("rules")))]
    by_id = {i: rule for rule in reversed(every) if isinstance(rule, dict) and (i := text(rule.get("id")))}
    key = text(dig(run, "automationDetails", "guid")) or own
    artifacts = sequence(run.get("artifacts"))
    domain = (domain or f"sarif:{tool}")[:256]
    target = image_target(text(properties.get("imageName")) or (images[0].id if images else ""))
    return _Run(place, time, key, tool, domain, tuple(entities), target, revision, rules, by_id, extensions, artifacts)


def _read(run: _Run, place: str, result: object, met: Counter[str]) -> ScannedDraft | Malformed | Ignored:
    if not isinstance(result, dict):
        return Malformed(place, "not an object")
    outcome = result.get("kind", "fail")
    if isinstance(outcome, str) and outcome in _NO_FINDING:
        return Ignored(f"result kind {outcome}")
    rule, rule_id = _rule(run, result)
    bag = mapping(rule.get("properties"))
    properties = mapping(result.get("properties"))
    message = _message(result, rule)
    kind = _kind(run, rule_id, texts(bag.get("tags")))
    where = _places(run, result)
    about = package(message, rule, properties, [file for file, _ in where])
    cvss = _cvss(properties, bag) if kind == "vulnerability" else None
    entities: list[EntityDraft] = []
    if kind == "vulnerability":
        head = VULNERABILITY.match(rule_id)
        rule_id = vulnerability(head[1] if head else rule_id)
        entities.append(("vulnerability", rule_id))
        if about.url:
            entities.append(("package", about.url))
    entities += run.entities
    domain = run.domain
    scanned = image(about.image or "")
    if scanned is not None:  # Grype's image, which its files are told to be in
        domain = f"image:{scanned.repository}"[:256]
        if scanned.tag or scanned.digest:
            entities.append(("image", scanned.id))
        where = [(file.removeprefix(f"{about.image}/"), at.removeprefix(f"{about.image}/")) for file, at in where]
    if rule.get("name") != "OsPackageVulnerability":  # Trivy then gives the image's name as the file
        entities += [("file", file) for file in dict.fromkeys(file for file, _ in where[:_FILES])]
    short = line(dig(rule, "shortDescription", "text"), 400)
    if kind != "secret":  # Trivy's full description of a secret's rule is the match
        short = short or line(dig(rule, "fullDescription", "text"), 400)
    if kind == "secret":
        title = f"{short or rule_id} in {where[0][0] if where else 'the scanned source'}"
    elif about.label and kind == "vulnerability":
        title = f"{rule_id} in {about.label}: {short or 'no title'}"
    else:
        title = f"{rule_id}: {short or message or 'no title'}"
    return {
        "type": "finding",
        "kind": kind,
        "source_id": _identity(run, result, rule_id, message),
        "time": run.time,
        "domain": domain,
        "entities": entities,
        "title": line(title) or rule_id,
        "rule": rule_id,
        "severity": _severity(result, rule, about.severity, properties, bag),
        "status": _status(result),
        "reporter": run.tool,
        "cvss": cvss,
        "fix": about.fix,
        "location": line(where[0][1], 1024) if where else None,
        "evidence": line(message, 2048) if kind != "secret" else None,
        "fingerprints": _fingerprints(result, kind, (rule_id, where[0][0] if where else None, message), met),
        "target": image_target(about.image) if about.image else run.target,
    }


def _rule(run: _Run, result: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The rule's descriptor (empty if there is none) and its id: sections 3.27.5 to 3.27.7 and 3.52."""
    reference = mapping(result.get("rule"))
    rule_id = text(result.get("ruleId")) or text(reference.get("id"))
    component = dig(reference, "toolComponent", "index")
    rules = run.rules
    if isinstance(component, int) and 0 <= component < len(run.extensions):
        rules = sequence(mapping(run.extensions[component]).get("rules"))
    index = result.get("ruleIndex", reference.get("index"))
    rule: dict[str, Any] = {}
    if isinstance(index, int) and 0 <= index < len(rules):
        rule = mapping(rules[index])
    elif rule_id:
        rule = run.by_id.get(rule_id) or run.by_id.get(rule_id.rpartition("/")[0]) or {}
    return rule, rule_id or text(rule.get("id")) or "unspecified"


def _message(result: dict[str, Any], rule: dict[str, Any]) -> str:
    """The result's text; a message given by id is looked up in the rule and filled in (3.11.5 to 3.11.7)."""
    message = mapping(result.get("message"))
    found = message.get("text")
    name = message.get("id")
    if not isinstance(found, str) and isinstance(name, str):
        found = dig(rule, "messageStrings", name, "text")
    if not isinstance(found, str):
        return ""
    arguments = sequence(message.get("arguments"))
    if not arguments:
        return found

    def fill(match: re.Match[str]) -> str:
        position = int(match[1])
        given = arguments[position] if position < len(arguments) else match[0]
        return given[:_ARGUMENT] if isinstance(given, str) else match[0]

    return _PLACEHOLDER.sub(fill, found[:_TEMPLATE])


def _kind(run: _Run, rule_id: str, tags: list[str]) -> FindingKind:
    for tag in tags:
        if tag in TAG_KINDS:
            return TAG_KINDS[tag]
    if VULNERABILITY.match(rule_id):
        return "vulnerability"
    return TOOL_KINDS.get(run.tool, "weakness")


def _places(run: _Run, result: dict[str, Any]) -> list[tuple[str, str]]:
    """File and ``file:line`` of each physical location (3.29), scheme and leading ``./`` left out."""
    found = []
    for location in sequence(result.get("locations")):
        physical = mapping(mapping(location).get("physicalLocation"))
        artifact = mapping(physical.get("artifactLocation"))
        index = artifact.get("index")
        if not isinstance(artifact.get("uri"), str) and isinstance(index, int) and 0 <= index < len(run.artifacts):
            artifact = mapping(mapping(run.artifacts[index]).get("location"))
        uri = text(artifact.get("uri"), 1024)
        if uri is None:
            continue
        file = unquote(uri.removeprefix("file://")).removeprefix("./") or uri
        start = number(dig(physical, "region", "startLine"))
        found.append((file, f"{file}:{start:.0f}" if start and start > 0 else file))
    return found


def _identity(run: _Run, result: dict[str, Any], rule_id: str, message: str) -> str:
    if guid := text(result.get("guid"), 64):
        state = result.get("baselineState")
        return guid if state in (None, "new") else "/".join((guid, str(state)[:16], run.key or ""))
    prints = [
        f"{field}.{name}={value}"
        for field in ("fingerprints", "partialFingerprints")
        for name, value in sorted(mapping(result.get(field)).items())
        if isinstance(value, str)
    ]
    physical = [mapping(mapping(p).get("physicalLocation")) for p in sequence(result.get("locations"))]
    regions = [f"{p.get('artifactLocation')} {p.get('region')}" for p in physical]
    state = f"{result.get('baselineState')} {_status(result)}"
    return digest((run.tool, run.key, run.revision, run.domain, rule_id, state, message, *prints, "", *regions))


def _fingerprints(
    result: dict[str, Any], kind: FindingKind, otherwise: tuple[str | None, ...], met: Counter[str]
) -> list[str]:
    """As ``name=value``; ``met`` counts the hashes of ``otherwise`` over a run."""
    found = [f"{name}={value}" for name, value in _values(result.get("fingerprints"))]
    parts = dict(_values(result.get("partialFingerprints")))
    if line_hash := parts.get(_LINE_HASH):
        found.append(f"{_LINE_HASH}={line_hash}")
    elif parts:
        found.append(f"partialFingerprints={digest(f'{name}={value}' for name, value in parts.items())}")
    if not found and kind == "weakness":
        hashed = digest(otherwise)
        met[hashed] += 1
        found.append(f"message={hashed}:{met[hashed]}")
    if correlation := text(result.get("correlationGuid"), 64):
        found.append(f"correlationGuid={correlation.lower()}")
    return [text_ for text_ in found[:_PRINTS] if len(text_) <= _PRINT]


def _values(given: object) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in mapping(given).items() if isinstance(value, str) and value)


def _severity(
    result: dict[str, Any], rule: dict[str, Any], word: str | None, properties: dict[str, Any], bag: dict[str, Any]
) -> int:
    if word is not None:
        return severity_of_word(word)
    for given in (properties.get("security-severity"), bag.get("security-severity")):
        score = cvss_of_text(given) if isinstance(given, str) else number(given)
        if score is not None:
            return severity_of_cvss(score)
    if result.get("kind", "fail") != "fail":
        return severity_of_word(result.get("level", "none"))
    level = result.get("level")
    if level is None:
        level = dig(rule, "defaultConfiguration", "level") or "warning"
    return severity_of_word(level)


def _cvss(properties: dict[str, Any], bag: dict[str, Any]) -> float | None:
    for given in (bag.get("cvssv3_baseScore"), properties.get("security-severity"), bag.get("security-severity")):
        score = number(given)
        if score is not None and 0 < score <= 10:
            return score
    return None


def _status(result: dict[str, Any]) -> FindingStatus:
    if result.get("baselineState") == "absent":
        return "fixed"
    suppressions = [mapping(suppression) for suppression in sequence(result.get("suppressions"))]
    if suppressions and all(s.get("status", "accepted") == "accepted" for s in suppressions):
        return "suppressed"
    return "open"
