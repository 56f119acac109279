"""Wazuh: alerts are detections, and its scanners' results what they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.wazuh import Wazuh

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/wazuh.py")
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Wazuh()
alert = samples.alert


def read(document: object) -> Any:
    ((_, content),) = SOURCE.read(document, {})
    return content


def test_an_alert_is_a_detection() -> None:
    """Rule, level, agent, the address and user of the line; the technique in the evidence."""
    draft = read(alert())
    assert len(draft.pop("source_id")) == 32
    assert draft == {
        "type": "finding",
        "kind": "detection",
        "time": "2026-03-02T09:13:00.123+00:00",
        "domain": "wazuh:wazuh",
        "entities": [("host", "web-1"), ("ip", "10.0.0.4"), ("ip", "203.0.113.9"), ("principal", "ann")],
        "title": "sshd: Attempt to login using a non-existent user on web-1",
        "rule": "5710",
        "severity": 2,
        "reporter": "wazuh",
        "location": "/var/log/auth.log",
        "evidence": "Mar 2 09:13:00 web-1 sshd[11]: Invalid user ann from 203.0.113.9 port 4022 ATT&CK: T1110.001",
    }


@pytest.mark.parametrize(
    ("level", "severity"),
    [(0, 1), (3, 1), (4, 2), (6, 2), (7, 3), (11, 3), (12, 4), (14, 4), (15, 5), (16, 5)],
)
def test_levels_are_severities(level: int, severity: int) -> None:
    """The dashboard's bands, the lowest parted where rules stop to tell of what was allowed."""
    assert read(alert(level=level))["severity"] == severity


def test_a_changed_file_is_an_entity() -> None:
    """So is who changed it, where the audit says it."""
    draft = read(samples.FILE)
    assert draft["severity"] == 3
    assert draft["entities"][-2:] == [("principal", "bob"), ("file", "/etc/passwd")]


def test_a_vulnerability_is_one() -> None:
    """The CVE is the rule, its own word the severity; solved is fixed."""
    draft = read(samples.VULNERABLE)
    assert (draft["kind"], draft["rule"], draft["severity"], draft["status"]) == (
        "vulnerability", "CVE-2026-1111", 4, "open",
    )  # fmt: skip
    assert draft["entities"][:3] == [
        ("vulnerability", "CVE-2026-1111"), ("package", "pkg:generic/openssl@3.0.2"), ("host", "web-1"),
    ]  # fmt: skip
    assert draft["cvss"] == 7.5
    assert read(samples.SOLVED)["status"] == "fixed"


def test_a_check_is_a_misconfiguration() -> None:
    """Failed is open, passed fixed; the summary of a policy says nothing of one check."""
    (_, failed), (_, summary) = SOURCE.read([samples.FAILED, samples.SUMMARY], {})
    assert isinstance(failed, dict)
    assert failed["type"] == "finding"
    assert (failed["kind"], failed["rule"], failed.get("status")) == ("misconfiguration", "sca-28501", "open")
    assert summary == Ignored("assessment without a result of a check")
    passed = alert("19008", 3, data={"sca": {"check": samples.CHECK | {"result": "passed"}}})
    assert read(passed)["status"] == "fixed"


def test_the_manager_and_machine_accounts_are_nobody() -> None:
    """The manager reads what others send, and a machine's account or loopback tells no one apart."""
    assert read(samples.WINDOWS)["entities"] == [("principal", "ann")]


def test_a_hit_of_the_indexer_is_the_alert_in_it() -> None:
    """Its time may be ``@timestamp``; without an id the whole alert is its key."""
    draft = read(samples.INDEXED)
    assert (draft["domain"], draft["time"], draft["severity"]) == ("wazuh:wazuh.manager", "2026-03-02T09:13:00.123Z", 1)
    assert read(samples.INDEXED["_source"]) == draft


def test_ids_are_of_a_manager() -> None:
    """Two managers number their alerts alike."""
    assert read(alert())["source_id"] != read(alert(manager={"name": "other"}))["source_id"]
    assert read(alert(full_log="again"))["source_id"] == read(alert())["source_id"]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (7, ""),
        (alert(timestamp="2026 Mar 02 09:13:00"), "timestamp"),
        (alert() | {"rule": {"level": 3}}, "rule.id"),
        (alert() | {"rule": {"id": "1"}}, "rule.level"),
        (alert(data={"vulnerability": {}}), "data.vulnerability.cve"),
    ],
)
def test_an_alert_is_refused_with_its_place(document: object, place: str) -> None:
    """An alert needs a rule, a level and a time with an offset."""
    refused = read(document)
    assert isinstance(refused, Malformed)
    assert refused.place == place
