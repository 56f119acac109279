"""GitLab's two report formats: security reports and Code Quality."""

from __future__ import annotations

from schemas.events import Finding, Scan
from streams.correlation.finding_identity import same
from streams.sources.base import Ignored, Malformed
from streams.sources.gitlab_codequality import GitLabCodeQuality
from streams.sources.gitlab_report import GitLabReport
from tests.contract.samples import gitlab_codequality as quality
from tests.contract.samples import gitlab_report as security
from tests.streams.sources.reading import events, findings


def test_an_image_report_has_packages_image_and_time() -> None:
    """The distribution types the package, the end of the scan is UTC, the solution is the fix."""
    first = findings(GitLabReport(), security.IMAGE)[0]
    assert first.time.isoformat() == "2026-03-02T09:12:30+00:00"
    assert (first.rule, first.aliases, first.severity) == ("CVE-2026-1111", (), 4)
    assert (first.reporter, first.target) == ("trivy", "image ghcr.io/acme/pay:1.4")
    assert {("package", "pkg:deb/debian/openssl@3.0.15-1"), ("image", "ghcr.io/acme/pay:1.4")} <= set(first.entities)
    assert first.fix == "Upgrade to 3.0.16-1"


def test_repeated_ids_are_told_apart_by_their_package() -> None:
    """Trivy's template gives the CVE as id of every package that it hits."""
    found = findings(GitLabReport(), security.IMAGE)
    assert len({f.source_id for f in found}) == 3
    assert same(found[0], found[1]) is None


def test_the_scan_is_told_for_each_image_alone() -> None:
    """What names no image belongs to no target; code has none, so nothing says what is gone."""
    *_, scan = events(GitLabReport(), security.IMAGE)
    assert isinstance(scan, Scan)
    assert (scan.target, scan.findings) == ("image ghcr.io/acme/pay:1.4", 2)
    assert [type(event) for event in events(GitLabReport(), security.CODE)] == [Finding]
    failed = security.report("container_scanning", security.IMAGE["vulnerabilities"][0])
    failed["scan"]["status"] = "failure"
    assert [type(event) for event in events(GitLabReport(), failed)] == [Finding]
    assert events(GitLabReport(), security.report("sast")) == [Ignored("report without findings")]


def test_tracking_signatures_are_fingerprints_but_for_the_line() -> None:
    """The scope survives a move, the algorithm "location" does not; the rule is the analyser's own."""
    (found,) = findings(GitLabReport(), security.CODE)
    assert found.fingerprints == ("scope_offset=src/db.py|load[0]|query[0]:3",)
    assert (found.kind, found.rule, found.aliases) == ("weakness", "python.lang.sql-injection", ())
    assert found.location == "src/db.py:12"


def test_a_lock_file_types_its_packages() -> None:
    """A dependency report says neither ecosystem nor image: the file's name does the first."""
    (found,) = findings(GitLabReport(), security.LOCK_FILE)
    assert found.entities[1:] == (("package", "pkg:npm/minimist@1.2.0"), ("file", "web/yarn.lock"))


def test_a_secret_is_reported_without_its_text() -> None:
    """Neither the description nor the source extract is carried."""
    (found,) = findings(GitLabReport(), security.SECRET)
    assert (found.kind, found.evidence) == ("secret", None)


def test_broken_reports_are_malformed_at_their_place() -> None:
    """Without any time, without ids, with something else than an object."""
    ((_, reading),) = GitLabReport().read(security.OLD, {})
    assert isinstance(reading, Malformed)
    assert reading.place == "scan.end_time"
    found = events(GitLabReport(), security.report("sast", {"location": {}}, {"id": "x"}) | {"version": "15"})
    assert isinstance(found[0], Malformed)
    assert found[0].place == "vulnerabilities[0].identifiers"


def test_a_linter_s_issue_is_a_weakness_with_a_fingerprint() -> None:
    """Check, file and line, also by position; a measurement is ignored."""
    first, second, other = events(GitLabCodeQuality(), quality.LINTER)
    assert (first.rule, first.location) == ("no-unused-vars", "lib/index.js:12")
    assert first.fingerprints == ("fingerprint=7815696ecbf1c96e6894b779456d330e",)
    assert (second.reporter, second.location) == ("phpstan", "src/A.php:3")
    assert other == Ignored("no issue, but a measurement")


def test_trivy_s_issues_are_read_as_what_they_are() -> None:
    """The description holds id, package and version; the template's severities are turned back into Trivy's."""
    first, second = findings(GitLabCodeQuality(), quality.IMAGE)
    assert (first.kind, first.rule, first.severity, first.reporter) == ("vulnerability", "CVE-2026-1111", 4, "trivy")
    assert ("package", "pkg:deb/debian/openssl@3.0.15-1") in first.entities
    assert first.target == "image ghcr.io/acme/pay:1.4"
    assert same(first, second) is None
    assert same(first, findings(GitLabReport(), security.IMAGE)[0])
    lock, check = findings(GitLabCodeQuality(), quality.MORE)
    assert ("file", "web/package-lock.json") in lock.entities
    assert (check.kind, check.rule, check.fingerprints) == ("misconfiguration", "DS002", ())


def test_issues_without_a_time_of_arrival_are_malformed() -> None:
    """The format has no time of its own."""
    readings = [reading for _, reading in GitLabCodeQuality().read(quality.MORE, {})]
    assert all(isinstance(reading, Malformed) for reading in readings)
