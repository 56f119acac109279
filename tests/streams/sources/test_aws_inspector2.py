"""Inspector: packages, images, ports and code, and what closes a finding."""

from __future__ import annotations

import pytest

from streams.correlation.finding_identity import same
from streams.sources.asff import Asff
from streams.sources.aws_inspector2 import Inspector2
from streams.sources.aws_times import when
from streams.sources.base import Ignored, Malformed
from tests.contract.samples.asff import PACKAGES
from tests.contract.samples.aws_inspector2 import (
    ACCOUNT,
    CLOSED,
    CODE,
    DIGEST,
    HOST,
    IMAGE,
    JAR,
    PORT,
    REGION,
    event,
    finding,
    package,
    vulnerable,
)
from tests.streams.sources.reading import events, findings

REPOSITORY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/acme/pay"
INSTANCE = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-0123456789abcdef0"


def test_each_package_of_an_image_is_a_finding() -> None:
    """A package listed twice counts once; the image is named by digest and tag, the tag is said to be the digest."""
    first, second = findings(Inspector2(), event(IMAGE))
    assert ("package", "pkg:deb/openssl@3.0.13-1") in first.entities
    assert ("package", "pkg:deb/libssl3@3.0.13-1") in second.entities
    assert {("image", f"{REPOSITORY}@{DIGEST}"), ("image", f"{REPOSITORY}:1.4")} <= set(first.entities)
    assert first.identities == (("image", f"{REPOSITORY}:1.4", "image", f"{REPOSITORY}@{DIGEST}"),)
    assert (first.domain, first.target) == (f"image:{REPOSITORY}", f"image {REPOSITORY}:1.4")
    assert (first.rule, first.aliases, first.cvss, first.epss) == ("CVE-2026-1111", ("DSA-9999-1",), 7.5, 0.31)
    assert (first.fix, first.severity, first.status) == ("0:3.0.14-1", 4, "open")
    assert (first.evidence or "").startswith("An exploit is available. ")


def test_a_closed_finding_is_fixed_and_the_same_weakness() -> None:
    """CLOSED says that the weakness is gone; it is known again by vulnerability, package and instance."""
    (closed,) = findings(Inspector2(), event(CLOSED))
    (active,) = findings(Inspector2(), event({**CLOSED, "status": "ACTIVE"}))
    assert (closed.status, active.status) == ("fixed", "open")
    assert closed.source_id != active.source_id
    assert same(closed, active)
    assert {("resource", INSTANCE), ("host", "i-0123456789abcdef0"), ("ip", "198.51.100.7")} <= set(closed.entities)


def test_security_hub_tells_of_the_same_weakness() -> None:
    """The same id in the same package on the same instance, as Security Hub has it, is the same finding."""
    hub = findings(Asff(), PACKAGES)[0]
    kernel = package("kernel", version="5.10.1", release="1.amzn2", remediation="yum update kernel")
    (own,) = findings(Inspector2(), finding("0b", "PACKAGE_VULNERABILITY", HOST, **vulnerable(kernel)))
    assert same(hub, own)


def test_a_reachable_port_is_a_misconfiguration() -> None:
    """The rule is protocol and ports, the security group on the way is there, the recommendation is the fix."""
    (found,) = findings(Inspector2(), event(PORT))
    assert (found.kind, found.rule) == ("misconfiguration", "network-reachability:tcp:22-22")
    assert ("resource", f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/sg-0123456789abcdef0") in found.entities
    assert found.fix == "Restrict the security group."


def test_code_and_a_suppressed_library() -> None:
    """A weakness in code has its file and line; a jar its path and no fix; the function has no version."""
    code, jar = findings(Inspector2(), {"findings": [CODE, JAR]})
    assert (code.kind, code.location, code.aliases) == ("weakness", "app/main.py:12", ("CWE-798",))
    assert code.time.isoformat() == "2026-03-02T09:12:30.250000+00:00"
    assert ("resource", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:export") in jar.entities
    assert ("package", "pkg:maven/org.example/core@1.2") in jar.entities
    assert (jar.status, jar.fix, jar.location) == ("suppressed", None, "lib/core-1.2.jar")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Wed Sep 04 16:59:44.356 UTC 2024", "2024-09-04T16:59:44.356Z"),
        ("2024-09-04T16:59:44Z", "2024-09-04T16:59:44Z"),
        ("2024-09-04 16:59:44.123456+02:00", "2024-09-04T16:59:44.123456+02:00"),
        ("2024-09-04 16:59:44", None),
        ("2024-09-04T16:59:44+0200", "2024-09-04T16:59:44+02:00"),
        ("Sep 4, 2024, 4:59:44 PM", None),
        ("Wed Sep 34 16:59:44 UTC 2024", None),
        ("Wed Xyz 04 16:59:44 UTC 2024", None),
        (12, None),
    ],
)
def test_times(given: object, expected: str | None) -> None:
    """RFC 3339, its forms with a space or without a colon, and Java's are read; a local time is none."""
    assert when(given) == expected


def test_without_a_readable_time_the_envelope_says_it() -> None:
    """Older events have local times inside; then the envelope's time counts, and a bare finding is refused."""
    old = {**PORT, "updatedAt": "Mar 2, 2026, 9:12:30 AM", "lastObservedAt": "Mar 2, 2026, 9:12:30 AM"}
    (found,) = findings(Inspector2(), event(old))
    assert found.time.isoformat() == "2026-03-02T09:12:31+00:00"
    (refused,) = events(Inspector2(), old)
    assert isinstance(refused, Malformed)
    assert refused.place == "updatedAt"


def test_what_cannot_be_read_is_told_with_its_place() -> None:
    """A finding without ARN, id of the vulnerability or details is refused; no findings at all are ignored."""
    bad_id = {**CLOSED, "packageVulnerabilityDetails": {"vulnerabilityId": 7}}
    refused = events(Inspector2(), [{**CODE, "findingArn": None}, bad_id, finding("0c", "OTHER", {"id": "x"})])
    assert [each.place for each in refused] == [
        "[0].findingArn",
        "[1].packageVulnerabilityDetails.vulnerabilityId",
        "[2].type",
    ]
    assert events(Inspector2(), {"findings": []}) == [Ignored("no findings")]
