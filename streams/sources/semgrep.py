"""Semgrep's JSON output (``semgrep scan --json``, ``semgrep ci --json``), documented in its ``semgrep_output_v1``.

- There is no time and no target: the header ``x-weir-received`` counts, else malformed, and no scan says what is fixed.
- Fingerprint: ``extra.fingerprint`` (the match-based id: rule, path, content and a count), which survives a move of
  lines; without a login Semgrep writes ``requires login`` there, which is none.
- Identity: rule, place and fingerprint, so a report that is delivered again is one observation.
- ``is_ignored`` (``nosemgrep``) is suppressed. Supply-chain results (``sca_info``) are vulnerabilities of a package.
- Text of a rule about secrets is not carried.

Wrong for the findings API of Semgrep's platform, which is another format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from schemas.events import FindingKind
from streams.sources.base import EntityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import vulnerability
from streams.sources.document import digest, line, mapping, number, texts
from streams.sources.fields import dig, instant, text
from streams.sources.packages import package_url
from streams.sources.scan import RECEIVED, ScannedDraft
from streams.sources.severity import severity_of_word

_LOGIN = "requires login"
_WORDS = {"error": 4, "warning": 3, "info": 2}
"""Semgrep's first three levels, as its documentation puts them: high, medium, low."""


class Semgrep:
    """Results of Semgrep, ``reporter`` "semgrep"."""

    name = "semgrep"
    lateness = timedelta(hours=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``results`` and ``errors`` with a ``check_id`` in the first result, or ``paths`` where there is none."""
        if not isinstance(document, dict) or not isinstance(document.get("results"), list) or "errors" not in document:
            return False
        first = document["results"][0] if document["results"] else None
        if first is None:
            return "paths" in document and "version" in document
        return isinstance(first, dict) and "check_id" in first and "extra" in first

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every result; a report without any is one ignored item."""
        results = document.get("results") if isinstance(document, dict) else None
        if not isinstance(results, list):
            yield 0, Malformed("results", "not an array")
            return
        time = instant(headers.get(RECEIVED))
        for item, result in enumerate(results):
            place = f"results[{item}]"
            if time is None:
                yield item, Malformed(place, "the format has no time, and there is no time of arrival either")
            else:
                yield item, _read(place, result, time)
        if not results:
            yield 0, Ignored("report without findings")


def _read(place: str, result: object, time: str) -> ScannedDraft | Malformed:
    if not isinstance(result, dict):
        return Malformed(place, "not an object")
    check, path = text(result.get("check_id")), text(result.get("path"), 1024)
    if check is None or path is None:
        return Malformed(f"{place}.{'path' if check else 'check_id'}", "missing")
    extra = mapping(result.get("extra"))
    metadata = mapping(extra.get("metadata"))
    start = number(dig(result, "start", "line"))
    given = text(extra.get("fingerprint"))
    fingerprint = None if given == _LOGIN else given
    message = line(extra.get("message"), 2048)
    file = path.removeprefix("./") or path
    entities: list[EntityDraft] = []
    kind: FindingKind = "secret" if "secrets" in texts(metadata.get("technology")) else "weakness"
    rule, aliases = check, list[str]()
    if isinstance(extra.get("sca_info"), dict):
        kind = "vulnerability"
        rule = vulnerability(text(metadata.get("sca-vuln-database-identifier"), 128) or check)
        aliases = [check] if rule != check else []
        entities = _package(rule, mapping(extra["sca_info"]))
    entities.append(("file", file))
    word = text(extra.get("severity"), 32) or ""
    where = [str(result.get(end))[:256] for end in ("start", "end")]
    return {
        "type": "finding",
        "kind": kind,
        "source_id": digest((check, path, fingerprint, *where)),
        "time": time,
        "domain": "semgrep",
        "entities": entities,
        "title": line(f"{rule}: {message or 'no message'}" if kind != "secret" else f"{rule} in {file}") or rule,
        "rule": rule,
        "severity": _WORDS.get(word.lower()) or severity_of_word(word),
        "status": "suppressed" if extra.get("is_ignored") is True else "open",
        "reporter": "semgrep",
        "aliases": aliases,
        "fix": line(extra.get("fix")) if kind != "secret" else None,
        "location": line(f"{file}:{start:.0f}" if start and start > 0 else file, 1024),
        "evidence": message if kind != "secret" else None,
        "fingerprints": [f"fingerprint={fingerprint}"[:512]] if fingerprint else [],
    }


def _package(rule: str, sca: dict[str, Any]) -> list[EntityDraft]:
    found: list[EntityDraft] = [("vulnerability", rule)]
    dependency = mapping(dig(sca, "dependency_match", "found_dependency"))
    name, ecosystem = text(dependency.get("package"), 256), text(dependency.get("ecosystem"), 32)
    if name and (url := package_url(ecosystem, name, text(dependency.get("version"), 128))):
        found.append(("package", url))
    return found
