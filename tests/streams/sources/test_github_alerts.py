"""GitHub's code and secret scanning alerts are findings, runs of workflows activities."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from schemas.events import EVENT
from streams.correlation.finding_identity import keys
from streams.sources.base import Ignored, Malformed
from streams.sources.github_webhook import GitHubWebhook

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/github_webhook.py")
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = GitHubWebhook()


def read(event: str, payload: object, **headers: str) -> Any:
    ((_, content),) = SOURCE.read(payload, {"x-github-event": event, "x-github-delivery": "d-1", **headers})
    return content


def test_a_code_scanning_alert_is_a_weakness() -> None:
    """Rule, tool, place and commit; the security level comes before the rule's own."""
    assert read("code_scanning_alert", samples.scanned()) == {
        "type": "finding",
        "kind": "weakness",
        "source_id": "d-1",
        "time": "2026-03-02T08:00:05Z",
        "domain": "github:acme/invoices",
        "entities": [
            ("repository", "acme/invoices"),
            ("resource", "github:acme/invoices/code-scanning/10"),
            ("file", "src/db.py"),
            ("commit", samples.SHA),
        ],
        "title": "py/sql-injection: Query built from user-controlled sources",
        "rule": "py/sql-injection",
        "severity": 5,
        "status": "open",
        "reporter": "codeql",
        "location": "src/db.py:84",
        "evidence": "This query depends on a value of the request.",
        "fingerprints": ["github-alert=acme/invoices/code-scanning/10"],
    }


def test_a_rule_that_is_a_vulnerability_makes_one() -> None:
    """Scanners of packages upload their findings as code scanning; the CVE joins them with others."""
    rule = {"id": "VULN_CVE-2026-1111_openssl", "severity": "warning"}
    draft = read("code_scanning_alert", samples.scanned(rule=rule))
    assert (draft["kind"], draft["rule"], draft["severity"]) == ("vulnerability", "CVE-2026-1111", 3)
    assert ("vulnerability", "CVE-2026-1111") in draft["entities"]


@pytest.mark.parametrize(
    ("state", "status"), [("open", "open"), ("fixed", "fixed"), ("dismissed", "suppressed"), ("closed", "suppressed")]
)
def test_states_of_an_alert(state: str, status: str) -> None:
    """What somebody dismissed is suppressed, what is gone fixed."""
    assert read("code_scanning_alert", samples.scanned(state=state))["status"] == status


@pytest.mark.parametrize(
    ("event", "first", "later"),
    [
        ("code_scanning_alert", samples.scanned(), samples.scanned("fixed", state="fixed")),
        ("secret_scanning_alert", samples.leaked(), samples.leaked("resolved", resolution="revoked")),
    ],
)
def test_an_alert_is_one_finding_throughout(event: str, first: object, later: object) -> None:
    """What becomes of an alert is about the finding that it opened: they share a key."""
    both = [
        EVENT.validate_python({**read(event, each), "source": "github.webhook", "origin": ("raw", 0, 0, 0)})
        for each in (first, later)
    ]
    spelt = [{key.line for key in keys(finding)} for finding in both]  # type: ignore[arg-type]  # both are findings
    assert spelt[0] & spelt[1]
    assert both[1].status == "fixed"  # type: ignore[union-attr]  # a finding


@pytest.mark.parametrize(
    ("fields", "severity", "status"),
    [
        ({}, 4, "open"),
        ({"validity": "active"}, 5, "open"),
        ({"publicly_leaked": True}, 5, "open"),
        ({"validity": "inactive"}, 3, "open"),
        ({"resolution": "revoked"}, 4, "fixed"),
        ({"resolution": "used_in_tests"}, 4, "suppressed"),
    ],
)
def test_a_leaked_secret(fields: dict[str, object], severity: int, status: str) -> None:
    """A secret that works is the worst; only revoking it removes it."""
    draft = read("secret_scanning_alert", samples.leaked(**fields))
    assert (draft["kind"], draft["rule"], draft["severity"], draft["status"]) == (
        "secret", "acme_api_key", severity, status,
    )  # fmt: skip
    assert draft["title"] == "Acme API key in acme/invoices"


@pytest.mark.parametrize(
    ("action", "fields", "time"),
    [
        ("created", {}, "2026-03-02T08:00:00Z"),
        ("fixed", {"fixed_at": "2026-03-02T08:30:00Z"}, "2026-03-02T08:30:00Z"),
        ("reopened", {}, "2026-03-02T09:13:00Z"),
    ],
)
def test_times_of_older_payloads(action: str, fields: dict[str, object], time: str) -> None:
    """Without ``updated_at`` the creation is the time of an alert's creation only."""
    payload = samples.scanned(action, updated_at=None, **fields)
    assert read("code_scanning_alert", payload, **{"x-weir-received": "2026-03-02T09:13:00Z"})["time"] == time


def test_a_run_is_an_activity() -> None:
    """Repository, commit, workflow and run, by whom and how it ended."""
    assert read("workflow_run", samples.run()) == {
        "type": "activity",
        "source_id": "d-1",
        "time": "2026-03-02T09:05:05Z",
        "domain": "github:acme/invoices",
        "entities": [
            ("repository", "acme/invoices"),
            ("commit", samples.SHA),
            ("file", ".github/workflows/ci.yml"),
            ("resource", "github:acme/invoices/actions/runs/30433642"),
            ("principal", "github:octo-dev"),
        ],
        "title": "run of CI in acme/invoices on main completed: success",
        "action": "github:workflow_run.completed",
        "actor": "github:octo-dev",
        "outcome": "success",
        "read_only": None,
    }


@pytest.mark.parametrize(
    ("action", "conclusion", "outcome", "error"),
    [
        ("completed", "timed_out", "failure", "timed_out"),
        ("completed", "cancelled", "unknown", None),
        ("requested", None, "unknown", None),
        ("requested", "action_required", "unknown", None),
        ("requested", "failure", "unknown", None),
    ],
)
def test_outcomes_of_runs(action: str, conclusion: str | None, outcome: str, error: str | None) -> None:
    """A run that did not end has no outcome, and one that was cancelled did not fail."""
    draft = read("workflow_run", samples.run(action, conclusion))
    assert (draft["outcome"], draft.get("error")) == (outcome, error)


def test_a_fork_is_named() -> None:
    """A run for a fork's pull request runs the fork's code."""
    draft = read("workflow_run", samples.run(head_repository={"full_name": "Mallory/invoices"}))
    assert draft["entities"][:2] == [("repository", "acme/invoices"), ("repository", "mallory/invoices")]


@pytest.mark.parametrize(
    ("event", "payload", "content"),
    [
        ("workflow_run", samples.run("renamed"), Ignored("workflow_run of another action not read")),
        (
            "workflow_run",
            samples.run(updated_at="now"),
            Malformed("workflow_run.updated_at", "not an RFC 3339 time with an offset"),
        ),
        ("code_scanning_alert", samples.scanned(rule={}), Malformed("alert.rule.id", "missing")),
        ("code_scanning_alert", samples.scanned(number="7"), Malformed("alert.number", "not a number")),
        ("secret_scanning_alert", samples.leaked(secret_type=None), Malformed("alert.secret_type", "missing")),
        (
            "secret_scanning_alert",
            samples.leaked("reopened", created_at=None, updated_at=None),
            Malformed("alert.updated_at", "no time of the alert, and no time of arrival either"),
        ),
    ],
)
def test_refusals(event: str, payload: object, content: object) -> None:
    """What an alert or a run cannot do without is refused where it should have been."""
    assert read(event, payload) == content
