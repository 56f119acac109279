"""ECS: alerts are findings, events activities, and what alters people, settings or packages a change."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.ecs import Ecs
from streams.sources.ecs_fields import flat, one

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/ecs.py")
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Ecs()


def read(document: object) -> Any:
    contents = [content for _, content in SOURCE.read(document, {})]
    return contents[0] if len(contents) == 1 else contents


def test_an_event_is_an_activity() -> None:
    """Action, actor, outcome; of the host its name, since its addresses are all it has, bridges included."""
    draft = read(samples.event())
    assert len(draft.pop("source_id")) == 32
    assert draft == {
        "type": "activity",
        "time": "2026-03-02T09:13:00.123Z",
        "domain": "ecs:prod",
        "entities": [("principal", "ann"), ("ip", "203.0.113.9"), ("host", "web-1.example.com")],
        "title": "Accepted publickey for ann from 203.0.113.9 port 4022",
        "action": "system.auth:user_login",
        "actor": "ann",
        "outcome": "success",
    }


def test_a_failure_says_why() -> None:
    """Root and loopback tell no one apart: every machine has them."""
    draft = read(samples.FAILED)
    assert (draft["outcome"], draft["error"], draft["actor"], draft["action"]) == (
        "failure", "bad password", None, "system:start",
    )  # fmt: skip
    assert draft["entities"] == [("host", "web-1.example.com")]


def test_an_event_that_alters_is_a_change_as_well() -> None:
    """Category says what of, type that it was altered; both have one key, and the account is the domain."""
    activity, change = read(samples.ROLE)
    assert (activity["action"], change["kind"], change["status"]) == (
        "aws.cloudtrail:AttachUserPolicy", "access", "succeeded",
    )  # fmt: skip
    assert change["source_id"] == activity["source_id"]
    assert change["domain"] == "aws:111122223333"
    assert activity["entities"] == [
        ("principal", "arn:aws:iam::111122223333:user/ann"),
        ("principal", "bob"),
        ("ip", "203.0.113.9"),
        ("account", "111122223333"),
        ("user_agent", "aws-cli"),
    ]


@pytest.mark.parametrize(
    ("outcome", "types", "kinds"),
    [
        ("success", ["change"], ["activity", "change"]),
        (None, ["creation"], ["activity", "change"]),
        ("failure", ["change"], ["activity"]),
        ("success", ["info"], ["activity"]),
    ],
)
def test_what_failed_or_only_looked_altered_nothing(outcome: str | None, types: list[str], kinds: list[str]) -> None:
    """A change needs a type that alters, and no failure."""
    given = {"kind": "event", "category": ["configuration"], "type": types, "outcome": outcome, "action": "set"}
    drafts = [content for _, content in SOURCE.read(samples.event(event=given), {}) if isinstance(content, dict)]
    assert [draft["type"] for draft in drafts] == kinds


def test_an_alert_of_elastic_security_is_a_detection() -> None:
    """Names with dots are read as nested ones; its word is the severity."""
    draft = read(samples.ALERT)
    assert (draft["rule"], draft["severity"], draft["reporter"], draft["status"]) == ("r-7", 4, "elastic", "open")
    assert draft["title"] == "Shell from a web server: process event with sh by www-data on web-1"
    assert draft["evidence"].endswith("ATT&CK: T1059")
    assert draft["entities"] == [("principal", "www-data"), ("host", "web-1"), ("file", "ab" * 32)]
    assert read(samples.ALERT | {"kibana.alert.workflow_status": "closed"})["status"] == "suppressed"


def test_an_alert_of_another_detector_is_one() -> None:
    """The normalised risk counts, the number without a scale does not; pod and tag stand for what they are."""
    draft = read(samples.DETECTED)
    assert (draft["rule"], draft["severity"], draft["reporter"], draft["domain"]) == (
        "2018358", 3, "ids", "kubernetes:prod-eu",
    )  # fmt: skip
    assert draft["identities"] == [
        ("image", "ghcr.io/acme/pay:1.4", "image", "ghcr.io/acme/pay@sha256:" + "0" * 64),
        ("workload", "shop/pay-api-7d9c6b5f4d-x2x7k", "workload", "shop/pay-api"),
    ]


@pytest.mark.parametrize(
    ("given", "severity"),
    [
        ({"risk_score_norm": 21}, 2),
        ({"risk_score_norm": 74.5}, 5),
        ({"risk_score_norm": 101}, 0),
        ({"severity": 73}, 4),
        ({"severity": 3}, 0),
        ({}, 0),
    ],
)
def test_only_scales_that_are_stated_count(given: dict[str, object], severity: int) -> None:
    """``event.severity`` has no scale of its own: of one producer 1 is the worst, of another the least."""
    assert read(samples.event(event={"kind": "alert", **given}))["severity"] == severity


def test_a_vulnerability_is_one() -> None:
    """Id, word, score and package of the field sets."""
    draft = read(samples.VULNERABLE)
    assert (draft["kind"], draft["rule"], draft["severity"], draft["cvss"]) == (
        "vulnerability",
        "CVE-2026-1111",
        5,
        9.8,
    )
    assert ("package", "pkg:deb/openssl@3.0.2") in draft["entities"]


def test_posture_is_a_misconfiguration_where_it_failed() -> None:
    """The resource is what it is about."""
    failed, passed = read([samples.POSTURE, samples.POSTURE | {"result": {"evaluation": "passed"}}])
    assert (failed["kind"], failed["rule"], failed["location"]) == ("misconfiguration", "cis-2.1.1", "acme-logs")
    assert ("resource", "arn:aws:s3:::acme-logs") in failed["entities"]
    assert passed == Ignored("check passed")


def test_an_envelope_around_a_line_is_not_claimed() -> None:
    """Filebeat writes ``ecs.version`` around any line: whoever reads the line does."""
    envelope = {
        "@timestamp": "2026-03-02T09:13:00Z",
        "ecs": {"version": "8.0.0"},
        "message": "{}",
        "event": {"dataset": "x"},
    }
    assert not SOURCE.recognise(envelope, {})
    assert SOURCE.recognise(samples.event(), {})


def test_fields_nest_or_have_dots() -> None:
    """Any mix of both names the same field, and of an array the first counts."""
    for document in ({"a": {"b": {"c": "x"}}}, {"a.b.c": "x"}, {"a": {"b.c": "x"}}, {"a.b": {"c": ["x", "y"]}}):
        assert one(flat(document), "a.b.c") == "x"
    assert flat({"a": 7, "b": None}) == {"a": 7}


def test_a_document_without_end_is_cut() -> None:
    """Neither depth nor number of fields is the sender's to choose."""
    deep: dict[str, object] = {"x": 1}
    for _ in range(50):
        deep = {"a": deep}
    assert flat(deep) == {}
    assert len(flat({str(number): 1 for number in range(10_000)})) == 4096


@pytest.mark.parametrize(
    ("document", "content"),
    [
        (samples.METRIC, Ignored("event of kind metric not read")),
        (samples.event(event={"kind": "mine"}), Ignored("event of unknown kind not read")),
        (
            samples.event() | {"@timestamp": "2026-03-02"},
            Malformed("@timestamp", "neither a time with an offset nor milliseconds"),
        ),
        ("text", Malformed("", "not an object")),
    ],
)
def test_other_kinds_are_ignored_and_times_needed(document: object, content: object) -> None:
    """Kinds of the schema are named; a document without a time is refused."""
    assert read(document) == content
