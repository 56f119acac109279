"""OCSF findings: time, identity, status, and the entities of the many places where OCSF puts them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from schemas.events import EVENT
from streams.sources.base import Ignored, Malformed
from streams.sources.ocsf import Ocsf
from streams.sources.parse import parse

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
TIME = 1_772_366_400_123  # 2026-03-01T12:00:00.123Z


def event(class_uid: int = 2004, **fields: Any) -> dict[str, Any]:
    return {
        "class_uid": class_uid,
        "activity_id": 1,
        "time": TIME,
        "severity_id": 4,
        "status_id": 1,
        "metadata": {"version": "1.5.0", "uid": "evt-1", "product": {"name": "Sentinel One", "vendor_name": "x"}},
        "finding_info": {
            "uid": "finding-1",
            "title": "Unusual login",
            "types": ["Initial Access"],
            "analytic": {"uid": "rule-7", "name": "Unusual login of a role"},
        },
        **fields,
    }


def vulnerable(*entries: Any, **fields: Any) -> dict[str, Any]:
    return event(2002, vulnerabilities=list(entries), **fields)


def drafts(document: object) -> list[dict[str, Any]]:
    """The drafts of a document, each of which the event contract accepts."""
    found = []
    for item, reading in Ocsf().read(document, {}):
        assert isinstance(reading, dict), reading
        EVENT.validate_python({**reading, "source": "ocsf", "origin": ("raw", 0, 0, item)})
        found.append(reading)
    return found


def only(document: object) -> Any:
    (reading,) = [reading for _, reading in Ocsf().read(document, {})]
    return reading


def test_a_detection_finding_becomes_a_detection_with_the_producer_s_id() -> None:
    """metadata.uid is the source id as it is; the analytic is the rule; the product reports."""
    (draft,) = drafts(event(message="Role used from a new country", remediation={"desc": "Rotate the key"}))
    assert draft["source_id"] == "evt-1"
    assert (draft["kind"], draft["rule"], draft["title"]) == ("detection", "rule-7", "Unusual login")
    assert (draft["severity"], draft["status"], draft["reporter"]) == (4, "open", "sentinel one")
    assert draft["time"] == "2026-03-01T12:00:00.123000Z"
    assert draft["domain"] == "ocsf:sentinel one"
    assert (draft["evidence"], draft["fix"]) == ("Role used from a new country", "Rotate the key")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"time": 1_772_366_400_000}, "2026-03-01T12:00:00Z"),
        ({"time": 1_772_366_400}, "2026-03-01T12:00:00Z"),
        ({"time": None, "time_dt": "2026-03-01T12:00:00Z"}, "2026-03-01T12:00:00Z"),
        ({"time": 10**18, "time_dt": "2026-03-01T12:00:00Z"}, "2026-03-01T12:00:00Z"),
    ],
)
def test_the_time_is_milliseconds_by_the_standard_and_seconds_by_mistake(fields: dict[str, Any], expected: str) -> None:
    """Some producers write seconds; no finding is of January 1970."""
    assert only(event(**fields))["time"] == expected


@pytest.mark.parametrize("time", [None, -1, 0, True, "1772366400000", 1.5, float("inf"), 10**18])
def test_an_event_without_a_usable_time_is_malformed(time: object) -> None:
    """Nothing is guessed."""
    reading = only([event(), event(time=time)][1])
    assert isinstance(reading, Malformed)
    assert reading.place == "time"


def test_without_an_event_id_the_finding_s_id_and_time_identify_it() -> None:
    """finding_info.uid names the finding over all events about it, so the time goes behind."""
    plain = event(metadata={"version": "1.5.0", "product": {"name": "x"}})
    (first,) = drafts(plain)
    (later,) = drafts({**plain, "time": TIME + 1})
    assert first["source_id"].startswith("finding-1/")
    assert first["source_id"] != later["source_id"]
    refused = only({**plain, "finding_info": {}})
    assert isinstance(refused, Malformed)


def test_updates_and_the_close_of_one_finding_are_events_of_their_own() -> None:
    """A producer that keeps metadata.uid through updates does not lose them to deduplication."""
    info = event()["finding_info"]
    created = event()
    updates = [event(activity_id=2, finding_info={**info, "modified_time": TIME + n}) for n in (1, 2)]
    closed = event(activity_id=3, status_id=None)
    found = drafts([created, *updates, closed])
    assert len({draft["source_id"] for draft in found}) == 4
    assert [draft["status"] for draft in found] == ["open", "open", "open", "fixed"]


@pytest.mark.parametrize(
    ("status_id", "expected"),
    [(1, "open"), (2, "open"), (3, "suppressed"), (4, "fixed"), (5, "suppressed"), ([], "open")],
)
def test_the_status_is_the_normalised_one(status_id: object, expected: str) -> None:
    """Suppressed and archived findings are suppressed, resolved ones fixed."""
    assert only(event(status_id=status_id))["status"] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({"severity_id": 6}, 6), ({"severity_id": 99, "severity": "High"}, 4), ({"severity_id": "4"}, 0)],
)
def test_severity_is_the_id_else_the_word(fields: dict[str, Any], expected: int) -> None:
    """99 (other) leaves it to the producer's word."""
    assert only(event(**fields))["severity"] == expected


def test_a_check_that_passed_and_classes_that_are_no_findings_are_ignored() -> None:
    """Posture tools report passes in the same class; an incident is what Weir itself makes of findings."""
    assert only(event(status_code="PASS")) == Ignored("check passed")
    assert only(event(2003, compliance={"status_id": 1, "control": "s3.5"})) == Ignored("check passed")
    assert only(event(2005)) == Ignored("incident finding not read")
    assert only(event(2999)) == Ignored("class 2999 not read")
    assert only(event(99_002_004)) == Ignored("class of an extension not read")


def test_each_vulnerability_is_a_finding_of_its_own() -> None:
    """CVE, package, fix and score come from its entry; one event with several gives several ids."""
    first = {
        "cve": {
            "uid": "cve-2026-1111",
            "cvss": [{"version": "2.0", "base_score": 9.9}, {"version": "3.1", "base_score": 7.5}],
        },
        "severity": "Critical",
        "title": "Overflow",
        "affected_packages": [{"name": "left-pad", "version": "1.0", "purl": "pkg:npm/left-pad@1.0?x=y"}],
    }
    first["affected_packages"][0]["fixed_in_version"] = "1.1"  # type: ignore[index]  # a literal of mixed types
    second = {
        "advisory": {"uid": "GHSA-aaaa-bbbb-cccc"},
        "packages": [{"name": "bash", "version": "5", "package_manager": "dpkg"}],
    }
    third = {"cwe": {"uid": "CWE-79"}}
    a, b, c = drafts(vulnerable(first, second, third))
    assert (a["rule"], a["severity"], a["cvss"], a["fix"]) == ("CVE-2026-1111", 5, 7.5, "1.1")
    assert a["title"] == "CVE-2026-1111 in left-pad 1.0: Overflow"
    assert a["entities"] == [("vulnerability", "CVE-2026-1111"), ("package", "pkg:npm/left-pad@1.0")]
    assert ("package", "pkg:deb/bash@5") in b["entities"]
    assert (c["kind"], c["rule"], c["severity"]) == ("weakness", "CWE-79", 4)
    assert len({a["source_id"], b["source_id"], c["source_id"]}) == 3
    assert only(vulnerable(first))["source_id"] == "evt-1"


def test_a_vulnerability_finding_without_vulnerabilities_is_malformed_at_its_place() -> None:
    """The rest of an array goes on, items count on, several drafts share an item."""
    entry = {"cve": {"uid": "CVE-2026-1"}}
    document = [vulnerable(), "?", vulnerable(entry, {}, entry), event("x")]  # type: ignore[arg-type]  # wrong on purpose
    readings = list(Ocsf().read(document, {}))
    assert [item for item, _ in readings] == [0, 1, 2, 2, 2, 3]
    assert [reading.place for _, reading in readings if isinstance(reading, Malformed)] == [
        "[0].vulnerabilities",
        "[1]",
        "[2].vulnerabilities[1].cve.uid",
        "[3].class_uid",
    ]


def test_entities_come_from_resources_device_actor_endpoints_and_evidence() -> None:
    """Each place gives its kind, ARNs what they name, and nothing twice."""
    given = event(
        cloud={"provider": "AWS", "account": {"uid": "111122223333"}},
        resources=[
            {"uid": "arn:aws:s3:::acme-invoices", "type": "AwsS3Bucket"},
            {"uid": "arn:aws:iam::111122223333:role/path/pay", "type": "AwsIamRole"},
            {"uid": "AKIAEXAMPLE", "type": "AwsIamAccessKey"},
            {"uid": "111122223333", "type": "AwsAccount"},
            {"name": "pay", "namespace": "shop", "type": "Deployment"},
        ],
        device={
            "hostname": "Web-1",
            "ip": "10.0.0.5",
            "container": {"image": {"name": "acme/pay", "tag": "1.4", "uid": "x"}},
        },
        actor={"user": {"name": "jo", "uid": "arn:aws:iam::111122223333:user/jo", "credential_uid": "AKIA2"}},
        evidences=[{"src_endpoint": {"ip": "198.51.100.7"}, "dst_endpoint": {"ip": "10.0.0.5", "hostname": "web-1"}}],
    )
    (draft,) = drafts(given)
    assert draft["domain"] == "aws:111122223333"
    assert draft["entities"] == [
        ("resource", "arn:aws:s3:::acme-invoices"),
        ("principal", "arn:aws:iam::111122223333:role/pay"),
        ("access_key", "AKIAEXAMPLE"),
        ("workload", "shop/pay"),
        ("namespace", "shop"),
        ("host", "web-1"),
        ("ip", "10.0.0.5"),
        ("image", "acme/pay:1.4"),
        ("principal", "arn:aws:iam::111122223333:user/jo"),
        ("access_key", "AKIA2"),
        ("ip", "198.51.100.7"),
        ("account", "111122223333"),
    ]


def test_observables_give_entities_by_their_type() -> None:
    """type_id decides; objects without a value and unknown types give nothing."""
    values = [
        (1, "Web-2"), (2, "2001:DB8::1"), (2, "not an address"), (4, "jo"), (6, "https://example.com/x"),
        (8, "AB" * 32), (10, "arn:aws:sqs:eu-west-1:111122223333:jobs"), (18, "cve-2026-3"), (20, None), (99, "x"),
    ]  # fmt: skip
    (draft,) = drafts(event(observables=[{"type_id": kind, "name": "n", "value": value} for kind, value in values]))
    assert draft["entities"] == [
        ("host", "web-2"),
        ("ip", "2001:db8::1"),
        ("principal", "jo"),
        ("url", "https://example.com/x"),
        ("file", "ab" * 32),
        ("resource", "arn:aws:sqs:eu-west-1:111122223333:jobs"),
        ("vulnerability", "CVE-2026-3"),
    ]


def test_an_event_about_very_many_things_is_cut() -> None:
    """The number of entities is bounded, whatever the event lists."""
    many = [{"type_id": 2, "value": f"10.0.{n // 250}.{n % 250}"} for n in range(2000)]
    assert len(only(event(observables=many))["entities"]) == 64


def test_an_envelope_of_eventbridge_is_opened() -> None:
    """Security Hub sends OCSF findings in detail.findings."""
    document = {"detail-type": "Findings Imported V2", "detail": {"findings": [event(), event(3002)]}}
    assert Ocsf().recognise(document, {})
    assert len(list(Ocsf().read(document, {}))) == 2


def test_only_documents_with_a_class_and_metadata_are_recognised() -> None:
    """Other JSON, empty arrays and CloudTrail's envelope are left to others."""
    assert Ocsf().recognise(event(), {})
    assert Ocsf().recognise([event()], {})
    for other in ({}, [], [1], None, {"detail": {"eventName": "x"}}, {"class_uid": 2004}, {"detail": {"findings": []}}):
        assert not Ocsf().recognise(other, {})


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
@pytest.mark.parametrize(("name", "count"), [("aws", 3), ("kubernetes", 4)])
def test_real_reports_of_prowler_are_read_whole(name: str, count: int) -> None:
    """Failed checks of a posture tool are misconfigurations, their times are of 2025 though written in seconds."""
    path = DATA / "scanner-reports" / "prowler" / f"example_output_{name}.ocsf.json"
    found = drafts(parse(path.read_bytes()))
    assert len(found) == count
    assert {draft["kind"] for draft in found} == {"misconfiguration"}
    assert {draft["time"][:10] for draft in found} == {"2025-02-14"}
    assert len({draft["rule"] for draft in found}) > 1
