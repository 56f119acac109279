"""Trivy reports: what becomes a finding, about what, and with which identity."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from schemas.events import EVENT
from streams.sources.base import Ignored, Malformed
from streams.sources.parse import parse
from streams.sources.trivy import Trivy

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
DIGEST = "sha256:" + "4a" * 32


def report(**result: Any) -> dict[str, Any]:
    """An image report with one result."""
    return {
        "SchemaVersion": 2,
        "ReportID": "0197f1a2-0000-7000-8000-000000000001",
        "CreatedAt": "2026-03-01T10:00:00.123456789Z",
        "ArtifactID": "sha256:" + "1b" * 32,
        "ArtifactName": "ghcr.io/acme/pay:1.4",
        "ArtifactType": "container_image",
        "Metadata": {
            "ImageID": "sha256:" + "2c" * 32,
            "RepoTags": ["ghcr.io/acme/pay:1.4"],
            "RepoDigests": [f"ghcr.io/acme/pay@{DIGEST}"],
        },
        "Results": [{"Target": "ghcr.io/acme/pay:1.4 (debian 12.5)", "Class": "os-pkgs", "Type": "debian", **result}],
    }


def vulnerability(**fields: Any) -> dict[str, Any]:
    return {
        "VulnerabilityID": "CVE-2026-1111",
        "PkgID": "libexample1@1.0-1",
        "PkgName": "libexample1",
        "PkgIdentifier": {"PURL": "pkg:deb/debian/libexample1@1.0-1?arch=amd64&distro=debian-12.5"},
        "InstalledVersion": "1.0-1",
        "FixedVersion": "1.0-2",
        "Status": "fixed",
        "SeveritySource": "debian",
        "Title": "libexample: overflow",
        "Severity": "HIGH",
        "CVSS": {"nvd": {"V2Score": 9.9, "V3Score": 7.5}, "redhat": {"V3Score": 8.1}},
        **fields,
    }


def drafts(document: object) -> list[dict[str, Any]]:
    """The findings of a document, each of which the event contract accepts, and the scan after them."""
    found: list[dict[str, Any]] = []
    for item, reading in Trivy().read(document, {}):
        assert isinstance(reading, dict), reading
        EVENT.validate_python({**reading, "source": "trivy", "origin": ("raw", 0, 0, item)})
        found.append({**reading})
    scan = found.pop()
    assert scan["type"] == "scan"
    assert scan["findings"] == len(found)
    assert all((draft["scan"], draft["target"]) == (scan["scan"], scan["target"]) for draft in found)
    return found


def is_scan(reading: object) -> bool:
    return isinstance(reading, dict) and reading["type"] == "scan"


def only(document: object) -> Any:
    (reading,) = [reading for _, reading in Trivy().read(document, {}) if not is_scan(reading)]
    return reading


def test_a_vulnerability_becomes_a_finding_about_cve_package_and_image() -> None:
    """Rule, severity, fix, score and entities come from the documented fields, spelt canonically."""
    (draft,) = drafts(report(Vulnerabilities=[vulnerability()]))
    assert draft["kind"] == "vulnerability"
    assert draft["rule"] == "CVE-2026-1111"
    assert draft["severity"] == 4
    assert draft["status"] == "open"
    assert draft["reporter"] == "trivy"
    assert draft["fix"] == "1.0-2"
    assert draft["time"] == "2026-03-01T10:00:00.123456789Z"
    assert draft["domain"] == "image:ghcr.io/acme/pay"
    assert draft["title"] == "CVE-2026-1111 in libexample1 1.0-1: libexample: overflow"
    assert draft["entities"] == [
        ("vulnerability", "CVE-2026-1111"),
        ("package", "pkg:deb/debian/libexample1@1.0-1"),
        ("image", f"ghcr.io/acme/pay@{DIGEST}"),
    ]


@pytest.mark.parametrize(
    ("scores", "source", "expected"),
    [
        ({"nvd": {"V3Score": 7.5}, "redhat": {"V3Score": 8.1}}, "redhat", 8.1),
        ({"nvd": {"V3Score": 7.5}, "redhat": {"V3Score": 8.1}}, "debian", 7.5),
        ({"ghsa": {"V3Score": 6.1}, "redhat": {"V3Score": 8.1}}, "debian", 8.1),
        ({"nvd": {"V2Score": 9.0}}, "nvd", None),
        ({"nvd": {"V3Score": "high"}}, "nvd", None),
    ],
)
def test_the_score_is_the_one_of_the_vendor_that_gave_the_severity(
    scores: dict[str, Any], source: str, expected: float | None
) -> None:
    """CVSS 3 of the severity's source, else of NVD, else the highest; CVSS 2 never."""
    (draft,) = drafts(report(Vulnerabilities=[vulnerability(CVSS=scores, SeveritySource=source)]))
    assert draft["cvss"] == expected


def test_the_same_report_delivered_again_has_the_same_ids_and_a_later_scan_has_others() -> None:
    """A finding's id names the observation, though Trivy's fingerprint names the finding over all scans."""
    document = report(Vulnerabilities=[vulnerability(Fingerprint="sha256:" + "9e" * 32)])
    (first,) = drafts(document)
    (again,) = drafts(copy.deepcopy(document))
    (later,) = drafts({**document, "ReportID": "0197f1a2-0000-7000-8000-000000000002"})
    assert first["source_id"] == again["source_id"]
    assert "9e" * 32 in first["source_id"]
    assert first["source_id"] != later["source_id"]


def test_without_report_id_and_fingerprint_ids_still_tell_scans_and_findings_apart() -> None:
    """Reports from before these fields are keyed by artifact, time, target, package and vulnerability."""

    def ids(created: str) -> list[str]:
        document = report(
            Vulnerabilities=[vulnerability(), vulnerability(VulnerabilityID="CVE-2026-2"), vulnerability(PkgID="b@1")]
        )
        del document["ReportID"]
        return [draft["source_id"] for draft in drafts({**document, "CreatedAt": created})]

    early, late = ids("2026-03-01T10:00:00Z"), ids("2026-03-02T10:00:00Z")
    assert len(set(early + late)) == 6
    assert ids("2026-03-01T10:00:00Z") == early


@pytest.mark.parametrize(
    ("status", "expected"),
    [("fixed", "open"), ("will_not_fix", "open"), (None, "open"), ("not_affected", "suppressed")],
)
def test_the_vendor_s_status_is_about_the_fix_and_not_about_the_finding(status: object, expected: str) -> None:
    """ "fixed" means that a fixed version exists; only "not_affected" closes the matter."""
    (draft,) = drafts(report(Vulnerabilities=[vulnerability(Status=status)]))
    assert draft["status"] == expected


def test_one_jar_in_two_places_is_two_findings() -> None:
    """The fingerprint does not hold the package's path, so the id adds it."""
    twice = [vulnerability(Fingerprint="sha256:" + "9e" * 32, PkgPath=path) for path in ("app/a.jar", "app/b.jar")]
    found = drafts(report(Class="lang-pkgs", Type="jar", Target="Java", Vulnerabilities=twice))
    assert len({draft["source_id"] for draft in found}) == 2
    assert [("file", "app/a.jar") in draft["entities"] for draft in found] == [True, False]


def test_a_report_without_time_is_malformed_and_says_which_trivy_writes_one() -> None:
    """Old reports lack CreatedAt: the reason tells the operator what to do."""
    document = report(Vulnerabilities=[vulnerability()])
    del document["CreatedAt"]
    reading = only(document)
    assert isinstance(reading, Malformed)
    assert reading.place == "CreatedAt"
    assert "0.48" in reading.reason


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00Z", "2026-03-01T10:00:00", "yesterday", 1772359200])
def test_a_time_that_names_no_instant_is_malformed(created: object) -> None:
    """Go's zero time, a time without offset, words and numbers are refused with their place."""
    reading = only({**report(Vulnerabilities=[vulnerability()]), "CreatedAt": created})
    assert isinstance(reading, Malformed)
    assert reading.place == "CreatedAt"


def test_vendor_ids_are_aliases_and_advisories_of_cve_kind_also_entities() -> None:
    """Vendor advisories stay aliases; only ids that other tools use link."""
    ids = ["DSA-5000-1", "ghsa-AAAA-bbbb-cccc"]
    (draft,) = drafts(report(Vulnerabilities=[vulnerability(VendorIDs=ids)]))
    assert draft["aliases"] == ["DSA-5000-1", "GHSA-aaaa-bbbb-cccc"]
    assert ("vulnerability", "GHSA-aaaa-bbbb-cccc") in draft["entities"]
    assert ("vulnerability", "DSA-5000-1") not in draft["entities"]


@pytest.mark.parametrize(
    ("digests", "tags", "image_id", "expected"),
    [
        ([f"docker.io/library/nginx@{DIGEST}"], ["nginx:1"], DIGEST, [("image", f"nginx@{DIGEST}")]),
        ([], ["nginx:1", "acme/web:2"], DIGEST, [("image", "nginx:1"), ("image", "acme/web:2")]),
        ([""], [""], DIGEST, [("image", DIGEST)]),
        (None, None, None, []),
    ],
)
def test_an_image_is_named_by_digest_else_by_tag_else_by_its_id(
    digests: object, tags: object, image_id: object, expected: list[tuple[str, str]]
) -> None:
    """What identifies the image best is its entity."""
    document = report(Vulnerabilities=[vulnerability()])
    document["Metadata"] = {"RepoDigests": digests, "RepoTags": tags, "ImageID": image_id}
    (draft,) = drafts(document)
    assert [entity for entity in draft["entities"] if entity[0] == "image"] == expected


def test_a_repository_scan_is_about_its_repository_commit_and_lock_file() -> None:
    """The URL's credentials never reach the event."""
    document = report(Class="lang-pkgs", Type="npm", Target="web/package-lock.json", Vulnerabilities=[vulnerability()])
    document["ArtifactType"] = "repository"
    document["Metadata"] = {"RepoURL": "https://ci:secret@github.com/acme/pay.git", "Commit": "AB" * 20}
    (draft,) = drafts(document)
    assert draft["domain"] == "github:acme/pay"
    assert draft["entities"][2:] == [
        ("repository", "acme/pay"),
        ("commit", "ab" * 20),
        ("file", "web/package-lock.json"),
    ]
    assert "secret" not in json.dumps(draft)


def test_a_package_without_url_gets_one_from_its_kind() -> None:
    """Reports from before PkgIdentifier link by a package URL that is built."""
    fields = vulnerability(PkgName="org.example:core", InstalledVersion="2.1")
    del fields["PkgIdentifier"]
    (draft,) = drafts(report(Class="lang-pkgs", Type="jar", Target="Java", Vulnerabilities=[fields]))
    assert ("package", "pkg:maven/org.example/core@2.1") in draft["entities"]


def test_a_failed_check_is_a_misconfiguration_and_a_passed_one_is_ignored() -> None:
    """PASS says that nothing is wrong; an exception is a suppressed finding."""
    check = {
        "ID": "DS-0002",
        "Title": "Image user should not be root",
        "Message": "Add a USER command",
        "Resolution": "Add USER",
        "Severity": "HIGH",
        "CauseMetadata": {"StartLine": 3, "EndLine": 3, "Resource": "arn:aws:s3:::acme-logs"},
    }
    statuses = [{**check, "Status": status} for status in ("FAIL", "PASS", "EXCEPTION")]
    document = report(Class="config", Type="dockerfile", Target="Dockerfile", Misconfigurations=statuses)
    failed, passed, waived, _scan = (reading for _, reading in Trivy().read(document, {}))
    assert passed == Ignored("check passed")
    assert isinstance(failed, dict)
    assert failed["type"] == "finding"
    assert (failed["kind"], failed["rule"], failed["location"]) == ("misconfiguration", "DS-0002", "Dockerfile:3")
    assert failed["entities"][-2:] == [("file", "Dockerfile"), ("resource", "arn:aws:s3:::acme-logs")]
    assert failed["status"] == "open"
    assert isinstance(waived, dict)
    assert waived["type"] == "finding"
    assert waived["status"] == "suppressed"


def test_a_secret_is_reported_without_any_of_its_text() -> None:
    """Title, evidence and location never carry the match, redacted or not."""
    secret = {
        "RuleID": "aws-access-key-id",
        "Category": "AWS",
        "Severity": "CRITICAL",
        "Title": "AWS Access Key ID",
        "StartLine": 7,
        "EndLine": 7,
        "Match": "export KEY=hunter2hunter2",
        "Code": {"Lines": [{"Number": 7, "Content": "export KEY=hunter2hunter2"}]},
    }
    (draft,) = drafts(report(Class="secret", Target="deploy.sh", Secrets=[secret]))
    assert (draft["kind"], draft["severity"], draft["location"]) == ("secret", 5, "deploy.sh:7")
    assert draft["title"] == "AWS Access Key ID in deploy.sh"
    assert "hunter2" not in json.dumps(draft)


def test_a_license_is_a_finding_of_its_package() -> None:
    """License findings carry the license as rule and its category in the title."""
    found = {"Severity": "HIGH", "Category": "restricted", "PkgName": "libfoo", "Name": "GPL-3.0-only"}
    (draft,) = drafts(report(Class="license", Target="OS Packages", Licenses=[found]))
    assert (draft["kind"], draft["rule"]) == ("license", "GPL-3.0-only")
    assert draft["title"] == "License GPL-3.0-only (restricted) of libfoo"


@pytest.mark.parametrize(
    ("status", "expected"),
    [("ignored", "suppressed"), ("not_affected", "suppressed"), ("fixed", "fixed"), ("x", "open")],
)
def test_modified_findings_keep_what_was_decided_about_them(status: str, expected: str) -> None:
    """Findings that an ignore file or VEX took out are reported with that status."""
    modified = {"Type": "vulnerability", "Status": status, "Source": ".trivyignore", "Finding": vulnerability()}
    (draft,) = drafts(report(ExperimentalModifiedFindings=[modified]))
    assert draft["status"] == expected


def test_every_broken_part_is_malformed_at_its_place_and_the_rest_is_read() -> None:
    """One bad finding costs that finding; items count on."""
    document = report(Vulnerabilities=["?", {"PkgName": "x"}, vulnerability()], Secrets={"RuleID": "no array"})
    document["Results"].append(7)
    readings = list(Trivy().read(document, {}))
    assert [item for item, _ in readings] == [0, 1, 2, 3, 4]
    assert [reading.place for _, reading in readings if isinstance(reading, Malformed)] == [
        "Results[0].Vulnerabilities[0]",
        "Results[0].Vulnerabilities[1].VulnerabilityID",
        "Results[0].Secrets",
        "Results[1]",
    ]


@pytest.mark.parametrize("results", [None, [], [{"Target": "x"}], [{"Target": "x", "Vulnerabilities": None}]])
def test_a_clean_report_is_a_scan_that_found_nothing(results: object) -> None:
    """Nothing found is said, so that what was there before is fixed."""
    ((item, scan),) = Trivy().read({**report(), "Results": results}, {})
    assert item == 0
    assert is_scan(scan)
    assert isinstance(scan, dict)
    assert scan["title"] == "trivy scanned image ghcr.io/acme/pay:1.4: 0 findings"


def test_a_report_with_a_malformed_item_is_no_complete_scan() -> None:
    """What could not be read may have been there: no scan says that it is gone."""
    document = report(Vulnerabilities=[vulnerability(), {"PkgName": "x"}])
    assert not any(is_scan(reading) for _, reading in Trivy().read(document, {}))


def test_the_target_is_the_same_for_every_build_of_a_tag() -> None:
    """Rescanned under its name with another digest, an image is one target; so is a repository, however cloned."""
    document = report(Vulnerabilities=[vulnerability()])
    again = copy.deepcopy(document)
    again["Metadata"]["RepoDigests"] = ["ghcr.io/acme/pay@sha256:" + "5b" * 32]
    again["ReportID"] = "0197f1a2-0000-7000-8000-000000000002"
    assert drafts(document)[0]["target"] == drafts(again)[0]["target"] == "image ghcr.io/acme/pay:1.4"
    assert drafts(document)[0]["scan"] != drafts(again)[0]["scan"]
    repository = {**document, "ArtifactType": "repository", "ArtifactName": "https://github.com/acme/pay.git"}
    assert drafts(repository)[0]["target"] == "repository acme/pay"


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
def test_real_reports_are_read_whole() -> None:
    """Trivy's own golden reports: all 78 findings, valid, no two of one report with one id, nothing malformed."""
    kinds: Counter[str] = Counter()
    for path in sorted((DATA / "scanner-trivy").glob("*.json")):
        document = parse(path.read_bytes())
        if not Trivy().recognise(document, {}):
            assert path.name in {"SOURCE.json", "conda-cyclonedx.json", "pom-cyclonedx.json"}
            continue
        if path.name == "alpine-39-skip.json":
            assert drafts(document) == []
            continue
        found = drafts(document)
        assert len({draft["source_id"] for draft in found}) == len(found), path.name
        kinds.update(draft["kind"] for draft in found)
    assert kinds == {"vulnerability": 60, "misconfiguration": 16, "secret": 2}


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
def test_real_reports_of_old_versions_are_refused_for_their_missing_time() -> None:
    """Reports from before CreatedAt become dead letters that say so; one with it is read with all statuses."""
    folder = DATA / "scanner-reports" / "trivy"
    for name in ("cvss_severity_source.json", "scheme_2_many_vulns.json"):
        assert isinstance(only(parse((folder / name).read_bytes())), Malformed)
    statuses = Counter(draft["status"] for draft in drafts(parse((folder / "all_statuses.json").read_bytes())))
    assert statuses == {"open": 7, "suppressed": 1}
