"""ASFF: packages, controls, detections and Trivy's template; what closes a finding."""

from __future__ import annotations

import pytest

from streams.correlation.finding_identity import keys, same
from streams.sources.asff import Asff
from streams.sources.base import Ignored, Malformed
from tests.contract.samples.asff import (
    ACCOUNT,
    DEBIAN,
    DETECTION,
    INSTANCE,
    PACKAGES,
    REGION,
    REGISTRY,
    control,
    finding,
    template,
)
from tests.streams.sources.reading import events, findings

DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_each_vulnerable_package_is_a_finding() -> None:
    """The type of an OS package comes from its remediation, a jar has its path, and NotAvailable is no fix."""
    kernel, jar = findings(Asff(), PACKAGES)
    assert ("package", "pkg:rpm/kernel@5.10.1-1.amzn2") in kernel.entities
    assert (kernel.cvss, kernel.epss, kernel.fix) == (7.5, 0.31, "0:5.10.2-1.amzn2")
    assert kernel.aliases == ("GHSA-jfh8-c2jp-5v3q",)
    assert {("resource", INSTANCE), ("host", "i-0123456789abcdef0"), ("account", ACCOUNT)} <= set(kernel.entities)
    assert ("package", "pkg:maven/org.example/core@1.2") in jar.entities
    assert (jar.fix, jar.location) == (None, "/opt/app/core-1.2.jar")
    assert kernel.source_id != jar.source_id
    assert same(kernel, jar) is None


def test_an_image_in_the_registry_is_named_as_docker_does() -> None:
    """Repository ARN and digest become the reference that other scanners use."""
    (found,) = findings(Asff(), REGISTRY)
    repository = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/acme/pay"
    assert {("image", f"{repository}@{DIGEST}"), ("image", f"{repository}:1.4")} <= set(found.entities)
    assert (found.domain, found.target) == (f"image:{repository}", f"image {repository}:1.4")


@pytest.mark.parametrize(
    ("status", "fields", "expected"),
    [
        ("FAILED", {}, "open"),
        ("WARNING", {}, "open"),
        ("PASSED", {}, "fixed"),
        ("FAILED", {"RecordState": "ARCHIVED"}, "fixed"),
        ("FAILED", {"Workflow": {"Status": "RESOLVED"}}, "fixed"),
        ("FAILED", {"Workflow": {"Status": "SUPPRESSED"}}, "suppressed"),
        ("FAILED", {"Workflow": {"Status": "NOTIFIED"}}, "open"),
    ],
)
def test_what_closes_a_control(status: str, fields: dict[str, object], expected: str) -> None:
    """Passing, archiving and resolving fix, suppressing suppresses; each is an observation of its own."""
    (found,) = findings(Asff(), control(status, **fields))
    assert (found.kind, found.rule, found.status) == ("misconfiguration", "S3.8", expected)
    (first,) = findings(Asff(), control("FAILED"))
    assert same(found, first) == "S3.8 of resource arn:aws:s3:::acme-exports"
    assert (found.source_id == first.source_id) == (expected == "open")


def test_a_control_is_one_in_every_standard() -> None:
    """The same control of another standard, told by its ControlId, on the same bucket is the same finding."""
    old = finding(
        "arn:other",
        "Security Hub",
        GeneratorId="aws-foundational-security-best-practices/v/1.0.0/S3.8",
        Compliance={"Status": "FAILED"},
        ProductFields={"ControlId": "S3.8"},
        Resources=[{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::acme-exports"}],
    )
    assert same(findings(Asff(), old)[0], findings(Asff(), control("FAILED"))[0])


def test_what_is_about_an_account_is_one_for_each_region() -> None:
    """An account has no resource: account and region are the place."""

    def about(region: str) -> object:
        resource = {"Type": "AwsAccount", "Id": f"AWS::::Account:{ACCOUNT}", "Region": region}
        return control("FAILED") | {"Resources": [resource]}

    here, there = findings(Asff(), about(REGION)) + findings(Asff(), about("us-east-1"))
    assert [key.words for key in keys(here)] == [f"S3.8 of account {ACCOUNT} {REGION}"]
    assert same(here, there) is None


def test_a_detection_is_known_by_its_own_id() -> None:
    """Severity comes from Normalized, the rule from the type, and the identity from the finding's id."""
    (found,) = findings(Asff(), DETECTION)
    assert (found.kind, found.severity, found.reporter) == ("detection", 3, "guardduty")
    assert found.rule == "UnauthorizedAccess:IAMUser-ConsoleLogin"
    assert {("access_key", "AKIAIOSFODNN7EXAMPLE"), ("principal", "ops")} <= set(found.entities)
    assert len(keys(found)) == 1


def test_trivy_s_template_gives_one_id_to_several_packages() -> None:
    """They are told apart, the type comes from the distribution in brackets, the image from what is before it."""
    found = findings(Asff(), {"Findings": [template(DEBIAN, "openssl"), template(DEBIAN, "libssl3")]})
    assert len({f.source_id for f in found}) == 2
    assert [f.target for f in found] == ["image ghcr.io/acme/pay:1.4"] * 2
    assert ("package", "pkg:deb/debian/openssl@3.0.15-1") in found[0].entities
    assert (found[0].fix, found[0].cvss, found[0].domain) == ("3.0.16-1", 8.1, "image:ghcr.io/acme/pay")


def test_trivy_s_template_does_not_say_the_image_of_a_language_s_packages() -> None:
    """A lock file is a file; "Java" is no place at all."""
    (lock,) = findings(Asff(), template("web/package-lock.json", "lodash"))
    (java,) = findings(Asff(), template("Java", "org.example:core"))
    assert {("file", "web/package-lock.json"), ("package", "pkg:npm/lodash@3.0.15-1")} <= set(lock.entities)
    assert (lock.target, java.target) == (None, None)
    assert ("package", "pkg:maven/org.example/core@3.0.15-1") in java.entities


def test_what_is_broken_is_malformed_at_its_place() -> None:
    """Each finding costs only itself; an empty result is ignored."""
    read = events(Asff(), {"Findings": [7, {"ProductArn": "a"}, {**PACKAGES, "UpdatedAt": "", "CreatedAt": 1}]})
    assert [reading.place for reading in read if isinstance(reading, Malformed)] == ["[0]", "[1].Id", "[2].UpdatedAt"]
    assert events(Asff(), {"Findings": []}) == [Ignored("no findings")]
