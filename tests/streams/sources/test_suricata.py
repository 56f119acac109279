"""Suricata's EVE JSON: alerts are detections, what is seen beside them activities."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.suricata import Suricata

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/suricata.py")
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Suricata()


def read(document: object) -> Any:
    ((_, content),) = SOURCE.read(document, {})
    return content


def test_an_alert_is_a_detection() -> None:
    """Rule, priority, both ends, host and address of the request; the time with its offset as RFC 3339 has it."""
    draft = read(samples.ALERT)
    assert len(draft.pop("source_id")) == 32
    assert draft == {
        "type": "finding",
        "kind": "detection",
        "time": "2026-03-02T09:13:00.123456+00:00",
        "domain": "suricata:sensor-1",
        "entities": [
            ("ip", "203.0.113.9"),
            ("ip", "10.0.0.4"),
            ("host", "shop.example.com"),
            ("url", "http://shop.example.com/login"),
        ],
        "title": "ET HUNTING Suspicious POST: 203.0.113.9:50096 to 10.0.0.4:80 TCP",
        "rule": "2018358",
        "severity": 3,
        "reporter": "suricata",
        "location": "203.0.113.9:50096 to 10.0.0.4:80 TCP",
        "evidence": "Potentially Bad Traffic, POST http://shop.example.com/login",
    }


def test_an_authors_severity_comes_before_the_priority() -> None:
    """``signature_severity`` is the rule's own word; generator, technique, file hash and blocking are kept."""
    draft = read(samples.STATED)
    assert (draft["severity"], draft["rule"]) == (5, "3:2018358")
    assert draft["evidence"] == "Potentially Bad Traffic, blocked, ATT&CK: T1190"
    assert ("file", "ab" * 32) in draft["entities"]


@pytest.mark.parametrize(("priority", "severity"), [(1, 4), (2, 3), (3, 2), (4, 1), (255, 1), ("2", 3), (None, 1)])
def test_priority_one_is_the_highest(priority: object, severity: int) -> None:
    """Priorities fall: 1 is high, and what is below 3 or unknown is informational."""
    assert read(samples.event(alert=samples.SIGNATURE | {"severity": priority}))["severity"] == severity


def test_an_alert_names_what_was_asked_for() -> None:
    """The queries of a DNS alert are hosts, in one spelling; loopback is nobody's address."""
    assert ("host", "evil.example") in read(samples.ASKED)["entities"]
    assert read(samples.NUMBERS_AS_TEXT)["entities"] == [("ip", "10.0.0.4")]


@pytest.mark.parametrize(
    ("document", "action", "outcome", "error"),
    [
        (samples.FLOW, "suricata:flow", "unknown", None),
        (samples.LOOKED_UP, "suricata:dns", "failure", "NXDOMAIN"),
        (samples.REFUSED, "suricata:http", "failure", "403"),
        (samples.event("http", http=samples.HTTP), "suricata:http", "success", None),
        (samples.TLS, "suricata:tls", "unknown", None),
        (samples.SSH, "suricata:ssh", "unknown", None),
    ],
)
def test_what_is_seen_is_an_activity(document: object, action: str, outcome: str, error: str | None) -> None:
    """Flows, lookups, requests and handshakes; an answer's code says whether it failed."""
    draft = read(document)
    assert (draft["type"], draft["action"], draft["outcome"], draft.get("error")) == (
        "activity",
        action,
        outcome,
        error,
    )


def test_a_flow_has_the_time_of_its_end() -> None:
    """It is written when it timed out, which says nothing of when its last packet came."""
    assert read(samples.FLOW)["time"] == "2026-03-02T09:12:59.000000+00:00"


def test_versions_of_dns_read_alike() -> None:
    """Version 3 has a list of queries where version 2 has the name itself."""
    assert ("host", "shop.example.com") in read(samples.QUERIES)["entities"]
    assert ("host", "shop.example.com") in read(samples.LOOKED_UP)["entities"]


def test_keys_part_events_of_a_flow() -> None:
    """The same event has the same key, whatever the order of its fields; another one of the flow has another."""
    again = dict(reversed(samples.ALERT.items()))
    assert read(again)["source_id"] == read(samples.ALERT)["source_id"]
    assert read(samples.ALERT | {"tx_id": 5})["source_id"] != read(samples.ALERT)["source_id"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [(samples.STATS, "event type stats not read"), (samples.event("of mine"), "event type of unknown name not read")],
)
def test_other_events_are_ignored_by_name(document: object, reason: str) -> None:
    """A type that Suricata has is named; any other text would be a label without bounds."""
    assert read(document) == Ignored(reason)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (7, ""),
        ({}, "event_type"),
        (samples.ALERT | {"timestamp": "2026-03-02T09:13:00.123456"}, "timestamp"),
        (samples.event(alert={}), "alert.signature_id"),
    ],
)
def test_an_event_is_refused_with_its_place(document: object, place: str) -> None:
    """A time without an offset could be any of a day's hours; a signature is what an alert is."""
    refused = read(document)
    assert isinstance(refused, Malformed)
    assert refused.place == place
