"""OSV-Scanner: a group of advisories is one finding of a package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from schemas.events import EVENT, Finding
from streams.sources.base import Ignored, Malformed
from streams.sources.osv import Osv
from streams.sources.parse import parse

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data" / "scanner-reports" / "osv_scanner" / "many_findings.json.gz"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/osv.py")
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Osv()


def read(document: object, headers: dict[str, str] | None = None) -> list[Any]:
    return [content for _, content in SOURCE.read(document, samples.RECEIVED if headers is None else headers)]


def test_a_group_is_one_finding() -> None:
    """Two advisories of one weakness are one rule and its aliases; of the fixes only this package's versions."""
    draft = read(samples.REPORT)[0]
    assert len(draft.pop("source_id")) == 65
    assert draft == {
        "type": "finding",
        "kind": "vulnerability",
        "time": "2026-03-02T09:13:00Z",
        "domain": "osv-scanner",
        "entities": [
            ("vulnerability", "GHSA-jfh8-c2jp-5v3q"),
            ("vulnerability", "CVE-2026-2222"),
            ("package", "pkg:pypi/jinja2@3.0.3"),
            ("file", "/src/requirements.txt"),
        ],
        "identities": [("vulnerability", "GHSA-jfh8-c2jp-5v3q", "vulnerability", "CVE-2026-2222")],
        "title": "GHSA-jfh8-c2jp-5v3q in jinja2 3.0.3: Templates can call what they should not",
        "rule": "GHSA-jfh8-c2jp-5v3q",
        "severity": 3,
        "status": "open",
        "reporter": "osv-scanner",
        "aliases": ["PYSEC-2026-7", "CVE-2026-2222"],
        "cvss": 6.1,
        "fix": "3.1.3",
        "location": "/src/requirements.txt",
        "target": None,
        "scan": None,
    }


def test_what_is_not_called_is_suppressed() -> None:
    """Call analysis says so; without the database's word the score is the severity, and Go's version has its v."""
    draft = read(samples.REPORT)[1]
    assert (draft["status"], draft["severity"], draft["cvss"]) == ("suppressed", 5, 9.8)
    assert ("package", "pkg:golang/github.com/gogo/protobuf@v1.3.1") in draft["entities"]


def test_an_advisory_without_a_group_is_a_finding() -> None:
    """Older reports have none; a commit is what it is about."""
    draft = read(samples.REPORT)[2]
    assert (draft["rule"], draft["severity"]) == ("CVE-2026-3333", 0)
    assert draft["entities"] == [("vulnerability", "CVE-2026-3333"), ("commit", "ab" * 20)]


def test_a_named_repository_makes_it_a_scan() -> None:
    """Findings are of the repository, and the last event says how many a complete report has."""
    *findings, scan = read(samples.REPORT, samples.NAMED)
    assert {draft["domain"] for draft in findings} == {"github:acme/pay"}
    assert all(("repository", "acme/pay") in draft["entities"] for draft in findings)
    assert (scan["type"], scan["target"], scan["findings"]) == ("scan", "repository acme/pay", 3)
    assert {draft["scan"] for draft in findings} == {scan["scan"]}
    (clean,) = read(samples.CLEAN, samples.NAMED)
    assert (clean["target"], clean["findings"]) == ("repository acme/pay", 0)


def test_a_damaged_report_is_no_scan() -> None:
    """What could not be read may be there still: nothing counts as fixed."""
    damaged = {"results": [*samples.REPORT["results"], {"source": {"path": "x"}, "packages": None}]}
    contents = read(damaged, samples.NAMED)
    assert contents[-1] == Malformed("results[3].packages", "not an array")
    assert not [content for content in contents if isinstance(content, dict) and content["type"] == "scan"]


def test_the_same_report_is_one() -> None:
    """Delivered again it has the same keys, at whatever time; another version of a package is another report."""
    again = read(samples.REPORT, {"x-weir-received": "2026-03-03T09:13:00Z"})
    assert [draft["source_id"] for draft in again] == [draft["source_id"] for draft in read(samples.REPORT)]
    entry = samples.JINJA | {"package": samples.JINJA["package"] | {"version": "3.0.4"}}
    other = {"results": [{"source": {"path": "/src/requirements.txt", "type": "lockfile"}, "packages": [entry]}]}
    assert read(other)[0]["source_id"] != again[0]["source_id"]


@pytest.mark.parametrize(
    ("document", "headers", "content"),
    [
        (samples.CLEAN, None, Ignored("report without findings")),
        ({}, None, Malformed("results", "not an array")),
        (
            {"results": [{"source": {"path": "x"}, "packages": [{"groups": [{"ids": []}]}]}]},
            None,
            Malformed("results[0].packages[0].groups[0].ids", "missing or empty"),
        ),
    ],
)
def test_refusals_and_nothing(document: object, headers: dict[str, str] | None, content: object) -> None:
    """An empty report is ignored, a damaged one refused with its place."""
    assert read(document, headers) == [content]


def test_without_a_time_of_arrival_there_is_none() -> None:
    """The format has no time of its own."""
    assert {content.reason for content in read(samples.REPORT, {})} == {
        "the format has no time, and there is no time of arrival either"
    }


@pytest.mark.skipif(not SHARED.is_file(), reason="needs the sample data in ../shared")
def test_a_recorded_report_is_read_whole() -> None:
    """Every group of the recorded report is a finding that the contract accepts; those of packages have a fix."""
    document = parse(SHARED.read_bytes())
    assert SOURCE.recognise(document, {})
    found = [
        EVENT.validate_python({**content, "source": "osv", "origin": ("raw", 0, 0, item)})
        for item, content in SOURCE.read(document, samples.RECEIVED)
        if isinstance(content, dict)
    ]
    findings = [event for event in found if isinstance(event, Finding)]
    assert isinstance(document, dict)
    groups = [group for result in document["results"] for entry in result["packages"] for group in entry["groups"]]
    assert len(findings) == len(list(SOURCE.read(document, samples.RECEIVED))) == len(groups)
    assert len({finding.source_id for finding in findings}) == len(groups)
    assert sum(finding.fix is None for finding in findings) == 1
    assert all(finding.severity for finding in findings if finding.rule.startswith("GHSA-"))
