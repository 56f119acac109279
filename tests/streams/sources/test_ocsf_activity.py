"""OCSF classes that are no findings are activities, and what alters something a change as well."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from streams.sources.base import Malformed
from streams.sources.ocsf import Ocsf

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/ocsf.py")
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Ocsf()
happened = samples.happened


def read(document: object) -> Any:
    contents = [content for _, content in SOURCE.read(document, {})]
    return contents[0] if len(contents) == 1 else contents


def test_a_call_is_named_as_cloudtrail_names_it() -> None:
    """One rule about ``iam:CreateUser`` finds it by whichever way it came; it is a change as it is there."""
    activity, change = read(samples.CALL)
    assert activity == {
        "type": "activity",
        "source_id": "evt-10",
        "time": "2026-03-02T09:13:00.250000Z",
        "domain": "aws:111122223333",
        "entities": [
            ("principal", "arn:aws:iam::111122223333:user/ann"),
            ("ip", "198.51.100.7"),
            ("account", "111122223333"),
            ("user_agent", "aws-cli"),
        ],
        "title": "iam:CreateUser by arn:aws:iam::111122223333:user/ann",
        "action": "iam:CreateUser",
        "actor": "arn:aws:iam::111122223333:user/ann",
        "outcome": "success",
        "read_only": False,
        "severity": 1,
    }
    assert (change["kind"], change["status"], change["action"]) == ("access", "succeeded", "iam:CreateUser")


def test_who_logs_on_acts() -> None:
    """Of an authentication the user is the actor; a failure says why and is no change."""
    draft = read(samples.LOGON)
    assert (draft["action"], draft["actor"], draft["outcome"], draft["error"]) == (
        "ocsf:authentication.logon", "ann", "failure", "Invalid password",
    )  # fmt: skip
    assert draft["identities"] == [("principal", "ann", "principal", "ann@acme.example")]


@pytest.mark.parametrize(
    ("kind", "done", "fields", "change"),
    [
        (3001, 7, {}, "access"),
        (3001, 0, {}, None),
        (3006, 3, {}, "access"),
        (3004, 3, {}, "configuration"),
        (3004, 2, {}, None),
        (1007, 1, {}, None),
        (4001, 1, {}, None),
        (6003, 2, {"cloud": {"provider": "GCP"}}, None),
        (6003, 4, {"cloud": {"provider": "GCP"}}, "infrastructure"),
        (6003, 4, {"cloud": None}, None),
        (6003, 4, {"cloud": {"provider": "GCP"}, "status_id": 2}, None),
        (6003, 1, {"api": {"operation": "PutObject", "service": {"name": "s3.amazonaws.com"}}}, None),
    ],
)
def test_what_is_a_change(kind: int, done: int, fields: dict[str, Any], change: str | None) -> None:
    """By class and activity; a call outside a cloud, one that read or failed, or one on data, altered nothing."""
    drafts = [
        content for _, content in SOURCE.read(happened(kind, "e", done, **fields), {}) if isinstance(content, dict)
    ]
    assert [draft["type"] for draft in drafts] == (["activity", "change"] if change else ["activity"])
    if change:
        assert drafts[1].get("kind") == change


def test_a_class_without_its_name_is_named_by_number() -> None:
    """Also one of an extension; what was looked up is a host, and without an id the whole event is the key."""
    assert read(samples.PROCESS)["action"] == "ocsf:class_1007.1"
    assert read(samples.PROCESS)["title"] == "sh -i was started"
    assert read(happened(201_001, "e"))["action"] == "ocsf:class_201001.1"
    draft = read(samples.LOOKUP)
    assert ("host", "evil.example") in draft["entities"]
    assert len(draft["source_id"]) == 32


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (2001, "detection"),
        (2003, "misconfiguration"),
        (2006, "detection"),
        (2007, "weakness"),
        (2008, "misconfiguration"),
    ],
)
def test_other_findings_are_findings(kind: int, found: str) -> None:
    """Each class of findings is of a kind; of a compliance finding the control is the rule."""
    draft = read(samples.event(kind, "e"))
    assert (draft["type"], draft["kind"]) == ("finding", found)
    assert read(samples.COMPLIANCE)["rule"] == "S3.5"


def test_an_application_finding_with_vulnerabilities_is_those() -> None:
    """The old Security Finding and the posture of applications may carry them."""
    draft = read(samples.event(2007, "e", vulnerabilities=[{"cve": {"uid": "CVE-2026-1111"}}]))
    assert (draft["kind"], draft["rule"]) == ("vulnerability", "CVE-2026-1111")


def test_an_activity_needs_a_time() -> None:
    """As every event does."""
    assert read(happened(1007, "e") | {"time": 0}) == Malformed(
        "time", "neither time in milliseconds nor time_dt with an offset"
    )
