"""Every message that is not broken on purpose is what its format says. Required fields: see the writers' sources."""

from __future__ import annotations

import re
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

import orjson
import pytest

from streams.simulate import Delivery, Message

DOCUMENTATION = [ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8")]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


@pytest.fixture(scope="module")
def good(deliveries: list[Delivery]) -> list[tuple[Message, Any]]:
    return [
        (delivery.message, orjson.loads(delivery.message.value))
        for delivery in deliveries
        if delivery.slot in ("ordinary", "duplicate", "far_late")
    ]


def _of(good: list[tuple[Message, Any]], source: str) -> list[tuple[Message, Any]]:
    found = [(message, document) for message, document in good if message.source == source]
    assert found
    return found


def _records(document: Any) -> list[dict[str, Any]]:
    if "Records" in document:
        return list(document["Records"])
    return [document.get("detail", document)]


def test_cloudtrail_records_have_the_fields_of_the_format(good: list[tuple[Message, Any]]):
    """Every field that is not optional is there, times are whole seconds in UTC, ids are UUIDs, addresses nobody's."""
    shapes = set()
    for _, document in _of(good, "cloudtrail"):
        shapes.add("Records" in document or ("detail" in document and "envelope"))
        for record in _records(document):
            assert record["eventVersion"].startswith("1.")
            assert datetime.strptime(record["eventTime"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - Z is in the form
            assert re.fullmatch(r"[a-z0-9-]+\.amazonaws\.com", record["eventSource"])
            assert record["eventName"][0].isupper()
            assert record["eventType"] == "AwsApiCall"
            assert record["eventCategory"] == "Management"
            assert record["managementEvent"] is True
            assert isinstance(record["readOnly"], bool)
            assert {"awsRegion", "userAgent", "requestParameters", "responseElements"} <= record.keys()
            assert UUID.fullmatch(record["eventID"])
            assert UUID.fullmatch(record["requestID"])
            assert record["recipientAccountId"] == record["userIdentity"]["accountId"] == "111122223333"
            assert ("errorCode" in record) == ("errorMessage" in record)
            assert any(ip_address(record["sourceIPAddress"]) in network for network in DOCUMENTATION)
            assert b"@@" not in orjson.dumps(record)
    assert shapes == {False, True, "envelope"}


def test_the_identity_of_a_caller_is_whole(good: list[tuple[Message, Any]]):
    """A role session names its issuer and a temporary key from before the call, a user has a long-lived key."""
    kinds = set()
    for _, document in _of(good, "cloudtrail"):
        for record in _records(document):
            identity = record["userIdentity"]
            kinds.add(identity["type"])
            if identity["type"] == "IAMUser":
                assert identity["accessKeyId"].startswith("AKIA")
                assert identity["arn"].endswith(f":user/{identity['userName']}")
                continue
            issuer = identity["sessionContext"]["sessionIssuer"]
            _, role, session = identity["arn"].split("/")
            assert identity["accessKeyId"].startswith("ASIA")
            assert identity["principalId"] == f"{issuer['principalId']}:{session}"
            assert issuer["arn"].endswith(f":role/{role}")
            assert issuer["userName"] == role
            assert identity["sessionContext"]["attributes"]["creationDate"] <= record["eventTime"]
    assert kinds == {"IAMUser", "AssumedRole"}


def test_cloudtrail_records_have_their_usual_size(good: list[tuple[Message, Any]]):
    """A record is about 1.3 kB."""
    sizes = [len(message.value) for message, document in _of(good, "cloudtrail") if "eventID" in document]
    assert 1200 < sum(sizes) / len(sizes) < 1400


def test_few_calls_fail(good: list[tuple[Message, Any]]):
    """Between 0.3 and 6 % of the calls are refused, as there are incidents among them."""
    records = [record for _, document in _of(good, "cloudtrail") for record in _records(document)]
    assert 0.003 < sum("errorCode" in record for record in records) / len(records) < 0.06


def test_github_deliveries_carry_their_headers(good: list[tuple[Message, Any]]):
    """Event and delivery id are headers, the key is the repository, and the body has what the event is about."""
    body = {
        "push": {"ref", "before", "after", "commits", "head_commit", "pusher"},
        "deployment": {"action", "deployment"},
        "deployment_status": {"action", "deployment", "deployment_status"},
        "dependabot_alert": {"action", "alert"},
    }
    events = set()
    for message, document in _of(good, "github"):
        headers = dict(message.headers)
        event = headers["X-GitHub-Event"].decode()
        events.add(event)
        assert UUID.fullmatch(headers["X-GitHub-Delivery"].decode())
        assert body[event] | {"repository", "sender", "organization"} <= document.keys()
        assert message.key == document["repository"]["full_name"].encode()
        if event == "push":
            assert document["after"] == document["head_commit"]["id"]
            assert isinstance(document["repository"]["pushed_at"], int)
        if event == "deployment_status":
            assert document["deployment_status"]["state"] in ("in_progress", "success")
            assert SHA256.search(document["deployment"]["payload"]["image"])
    assert events == set(body)


def test_cdevents_come_in_both_modes(good: list[tuple[Message, Any]]):
    """Binary mode repeats the context in headers, structured mode in an envelope; the data is the whole CDEvent."""
    modes = set()
    for message, document in _of(good, "cdevents"):
        headers = {name: value.decode() for name, value in message.headers}
        structured = headers["content-type"].startswith("application/cloudevents")
        modes.add(structured)
        event = document["data"] if structured else document
        context = event["context"]
        assert event["subject"].keys() == {"id", "source", "type", "content"}
        assert re.fullmatch(r"dev\.cdevents\.(service|environment)\.[a-z]+\.0\.2\.0", context["type"])
        assert datetime.fromisoformat(context["timestamp"]).utcoffset() is not None
        attributes = (
            document if structured else {name[3:]: value for name, value in headers.items() if name[:3] == "ce_"}
        )
        assert attributes["specversion"] == "1.0"
        assert (attributes["id"], attributes["source"], attributes["type"]) == (
            context["id"],
            context["source"],
            context["type"],
        )
        assert attributes["time"] == context["timestamp"]
        assert attributes["subject"] == event["subject"]["id"]
    assert modes == {True, False}


def test_trivy_reports_name_image_and_packages(good: list[tuple[Message, Any]]):
    """A report has its time, its id and a repository digest; each vulnerability its package URL and severity."""
    for _, document in _of(good, "trivy"):
        assert document["SchemaVersion"] == 2
        assert UUID.fullmatch(document["ReportID"])
        assert datetime.fromisoformat(document["CreatedAt"]).utcoffset() is not None
        (reference,) = document["Metadata"]["RepoDigests"]
        assert SHA256.fullmatch(reference.partition("@")[2])
        for result in document["Results"]:
            for item in result["Vulnerabilities"]:
                assert re.match(r"(CVE-\d{4}-\d+|GHSA(-[a-z0-9]{4}){3})$", item["VulnerabilityID"])
                assert item["PkgIdentifier"]["PURL"].startswith("pkg:")
                assert item["Severity"] in ("LOW", "MEDIUM", "HIGH", "CRITICAL")
                assert SHA256.fullmatch(item["Fingerprint"])


def test_sarif_logs_say_what_they_scanned(good: list[tuple[Message, Any]]):
    """A run has its revision and end, a result its rule, place and guid."""
    for _, document in _of(good, "sarif"):
        assert document["version"] == "2.1.0"
        (run,) = document["runs"]
        rules = run["tool"]["driver"]["rules"]
        (revision,) = run["versionControlProvenance"]
        assert re.fullmatch(r"[0-9a-f]{40}", revision["revisionId"])
        assert datetime.fromisoformat(run["invocations"][0]["endTimeUtc"]).utcoffset() is not None
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert UUID.fullmatch(result["guid"])
            assert result["level"] in ("error", "warning", "note")


def test_ocsf_findings_have_the_required_attributes(good: list[tuple[Message, Any]]):
    """A Detection Finding has every attribute that 1.6.0 requires, and evidence of a kind that it accepts."""
    kinds = {"actor", "api", "connection_info", "device", "dst_endpoint", "process", "src_endpoint"}
    for _, document in _of(good, "ocsf"):
        assert (document["class_uid"], document["category_uid"], document["type_uid"]) == (2004, 2, 200401)
        assert document["activity_id"] == 1
        assert 0 <= document["severity_id"] <= 6
        assert isinstance(document["time"], int)
        assert document["finding_info"]["uid"]
        assert document["metadata"]["version"] == "1.6.0"
        assert document["metadata"]["product"]["name"]
        assert document["cloud"]["provider"]
        assert document["resources"]
        (evidence,) = document["evidences"]
        assert kinds & evidence.keys()
        assert ("container" in evidence) <= ("container" in document["metadata"]["profiles"])


def test_broken_messages_are_broken(deliveries: list[Delivery]):
    """Each defect shows in the bytes: none of them would pass as a CloudTrail record of usual size with id and time."""
    seen = 0
    for delivery in deliveries:
        if delivery.slot in ("ordinary", "duplicate", "far_late"):
            continue
        seen += 1
        value = delivery.message.value
        try:
            document = orjson.loads(value)
        except orjson.JSONDecodeError:
            assert delivery.slot in ("truncated", "not_utf8", "empty")
            continue
        known = isinstance(document.get("eventTime"), str) and isinstance(document.get("eventID"), str)
        assert not known or len(value) > 1024 * 1024
    assert seen
