"""The Trivy operator's reports: findings on a workload, complete for each kind of report."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from schemas.events import Finding, Scan
from streams.correlation.scans import Scans
from streams.correlation.table import Table
from streams.sources.base import Ignored, Malformed
from streams.sources.parse import parse
from streams.sources.trivy_operator import TrivyOperator
from tests.streams.sources.reading import events, findings, fold

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data" / "scanner-reports" / "trivy_operator"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/trivy_operator.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = TrivyOperator()
IMAGE = f"ghcr.io/acme/pay@{samples.EXACT}"


def test_a_vulnerability_is_of_a_package_in_the_image_of_a_workload():
    """Package, image and workload; the replica set stands for the deployment, the tag for the digest."""
    first, second = findings(SOURCE, samples.VULNERABLE)
    assert first.entities == (
        ("vulnerability", "CVE-2026-10001"),
        ("package", "pkg:apk/alpine/libssl3@3.3.1-r0"),
        ("workload", "shop/pay-api-7d9c6b5f4d"),
        ("namespace", "shop"),
        ("image", IMAGE),
    )
    assert first.identities == (
        ("workload", "shop/pay-api-7d9c6b5f4d", "workload", "shop/pay-api"),
        ("image", "ghcr.io/acme/pay:1.4", "image", IMAGE),
    )
    assert (first.severity, first.cvss, first.fix, first.kind) == (4, 7.5, "3.3.1-r3", "vulnerability")
    assert first.title == "CVE-2026-10001 in libssl3 3.3.1-r0: out-of-bounds read"
    assert ("package", "pkg:pypi/jinja2@3.1.0") in second.entities
    assert second.location == "app/Jinja2-3.1.0.dist-info/METADATA"


def test_a_report_is_a_scan_of_its_kind_of_the_workload():
    """What was scanned keeps its name over rollouts, and differs between the kinds of report."""
    scans = [each for each in events(SOURCE, samples.VULNERABLE) if isinstance(each, Scan)]
    assert [(scan.target, scan.findings) for scan in scans] == [("VulnerabilityReport shop/pay-api api", 2)]
    (other,) = [each for each in events(SOURCE, samples.EXPOSED) if isinstance(each, Scan)]
    assert other.target == "ExposedSecretReport shop/pay-api api"


def test_what_the_next_rollout_no_longer_has_is_fixed():
    """The report on the next replica set is compared with that on this one."""
    scans = Scans(Table("scans", []), Table("scanned", []))
    fold(scans, SOURCE, samples.VULNERABLE)
    left = samples.VULNERABILITIES[1:]
    following = samples.report("VulnerabilityReport", 9, vulnerabilities=left, **samples.ARTIFACT)
    following["metadata"]["labels"]["trivy-operator.resource.name"] = "pay-api-5b5b5b5b5b"
    following["report"]["updateTimestamp"] = "2026-03-03T09:13:00Z"
    (verdict,) = fold(scans, SOURCE, following)
    assert verdict.state == "fixed"
    assert verdict.source_id == findings(SOURCE, samples.VULNERABLE)[0].source_id


def test_failed_checks_are_misconfigurations():
    """A check that passed is ignored; the messages are the evidence."""
    read = events(SOURCE, samples.CONFIGURED)
    assert read[1] == Ignored("check passed")
    (finding,) = findings(SOURCE, samples.CONFIGURED)
    assert (finding.rule, finding.kind, finding.severity) == ("KSV014", "misconfiguration", 4)
    assert "readOnlyRootFilesystem" in finding.evidence


def test_a_role_of_the_cluster_is_a_resource():
    """An RBAC assessment has no time of its own but that of its making, and no namespace."""
    (finding,) = findings(SOURCE, samples.ALLOWED)
    assert finding.entities == (("resource", "k8s:clusterroles/pay-admin"),)
    assert finding.severity == 5


def test_a_secret_is_named_and_never_carried():
    """Rule and file, not the match."""
    (finding,) = findings(SOURCE, samples.EXPOSED)
    assert (finding.kind, finding.location) == ("secret", "app/.env")
    assert "AWS_KEY" not in finding.model_dump_json()


def test_deleted_and_other_reports_are_ignored():
    """A report is deleted when it is outdated, which fixes nothing."""
    assert events(SOURCE, {"verb": "delete", "operatorObject": samples.EXPOSED}) == [Ignored("report was deleted")]
    assert events(SOURCE, samples.SBOM) == [Ignored("report of a kind that is not read")]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ({"vulnerabilities": 7}, "report.vulnerabilities"),
        ({"vulnerabilities": [{}]}, "report.vulnerabilities[0].vulnerabilityID"),
        ({"vulnerabilities": [7]}, "report.vulnerabilities[0]"),
    ],
)
def test_a_report_is_refused_with_its_place_and_is_then_no_scan(content, place):
    """What is incomplete fixes nothing."""
    readings = [each for _, each in SOURCE.read(samples.report("VulnerabilityReport", **content), {})]
    assert [each.place for each in readings if isinstance(each, Malformed)] == [place]
    assert not [each for each in readings if isinstance(each, dict) and each["type"] == "scan"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the sample data in ../shared")
def test_recorded_reports_are_read_whole():
    """Each recorded report gives what its own summary counts, and one scan."""
    counts = Counter()
    for path in sorted(SHARED.glob("*.json")):
        document = parse(path.read_bytes())
        assert SOURCE.recognise(document, {})
        for event in events(SOURCE, document):
            assert not isinstance(event, Malformed)
            if isinstance(event, Finding):
                counts[event.kind, event.severity] += 1
            counts[type(event).__name__] += 1
        summary = document["report"]["summary"]
        kind = {"V": "vulnerability", "C": "misconfiguration", "E": "secret"}[document["kind"][0]]
        for word, severity in (("critical", 5), ("high", 4), ("medium", 3), ("low", 2)):
            assert counts[kind, severity] == summary[f"{word}Count"]
    assert counts["Scan"] == 3
