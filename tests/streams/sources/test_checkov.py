"""Checkov: failed checks are open findings, skipped ones suppressed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.checkov import Checkov
from streams.sources.parse import parse

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data" / "scanner-reports" / "checkov" / "checkov-report-severity.json"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/checkov.py")
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Checkov()


def read(document: object, headers: dict[str, str] | None = None) -> list[Any]:
    return [content for _, content in SOURCE.read(document, samples.RECEIVED if headers is None else headers)]


def test_a_failed_check_is_a_misconfiguration() -> None:
    """Check, file, line and the resource that keeps its name; without a platform key no severity is stated."""
    draft = read(samples.ONE)[0]
    assert len(draft.pop("source_id")) == 32
    assert draft == {
        "type": "finding",
        "kind": "misconfiguration",
        "time": "2026-03-02T09:13:00Z",
        "domain": "checkov",
        "entities": [("file", "infra/main.tf")],
        "title": "CKV_AWS_18: Ensure the bucket has access logging (aws_s3_bucket.logs)",
        "rule": "CKV_AWS_18",
        "severity": 0,
        "status": "open",
        "reporter": "checkov",
        "aliases": ["BC_AWS_S3_13"],
        "fix": "https://docs.example.com/s3-13",
        "location": "infra/main.tf:1",
        "evidence": None,
        "fingerprints": ["resource=aws_s3_bucket.logs"],
        "scan": None,
        "target": None,
    }


def test_skipped_is_suppressed_and_passed_ignored() -> None:
    """A skip has a reason, which is its evidence."""
    _, high, skipped, *passed = read(samples.ONE)
    assert high["severity"] == 4
    assert (skipped["status"], skipped["evidence"]) == ("suppressed", "kept for a day only")
    assert passed == [Ignored("check passed"), Ignored("check passed")]


def test_runs_are_what_their_framework_finds() -> None:
    """Secrets carry no resource (it is the secret's hash), packages their vulnerability, code weaknesses."""
    secret, package, weakness = read(samples.SEVERAL)
    assert (secret["kind"], secret["fingerprints"], secret["title"]) == ("secret", [], "CKV_SECRET_2: AWS Access Key")
    assert (package["kind"], package["rule"], package["severity"], package["cvss"], package["fix"]) == (
        "vulnerability", "CVE-2026-4444", 5, 9.8, "2.2.24",
    )  # fmt: skip
    assert package["entities"][:2] == [("vulnerability", "CVE-2026-4444"), ("package", "pkg:pypi/django@1.2")]
    assert weakness["kind"] == "weakness"


def test_a_named_repository_makes_it_a_scan() -> None:
    """Findings are of the repository; a report that cannot be read whole is no scan."""
    *_, scan = read(samples.ONE, samples.NAMED)
    assert (scan["type"], scan["target"], scan["findings"], scan["domain"]) == (
        "scan", "repository acme/infra", 3, "github:acme/infra",
    )  # fmt: skip
    damaged = samples.run("terraform", [samples.check(), {"check_id": "x"}])
    assert read(damaged, samples.NAMED)[-1] == Malformed("results.failed_checks[1].file_path", "missing")


def test_a_report_is_told_by_its_content() -> None:
    """The same report has the same keys; the finding that stays is another observation in another report."""
    first, again = read(samples.ONE, samples.NAMED), read(samples.ONE, samples.NAMED)
    assert [draft["source_id"] for draft in first[:3]] == [draft["source_id"] for draft in again[:3]]
    later = read(samples.run("terraform", [samples.check()]), samples.NAMED)
    assert later[0]["source_id"] != first[0]["source_id"]


@pytest.mark.parametrize(
    ("document", "content"),
    [
        (samples.NOTHING, Ignored("report without findings")),
        ([7], Malformed("", "not an object")),
        (samples.run("terraform", [7]), Malformed("results.failed_checks[0]", "not an object")),
    ],
)
def test_refusals_and_nothing(document: object, content: object) -> None:
    """A run with nothing to check is ignored, what is no check refused with its place."""
    assert read(document) == [content]


@pytest.mark.skipif(not SHARED.is_file(), reason="needs the sample data in ../shared")
def test_a_recorded_report_is_read_whole() -> None:
    """Four failed checks of two resources, with the platform's severities."""
    document = parse(SHARED.read_bytes())
    assert SOURCE.recognise(document, {})
    found = read(document)
    assert len(found) == 4
    assert [draft["severity"] for draft in found].count(0) == 0
    assert {draft["location"].partition(":")[0] for draft in found} == {"gcs.tf"}
