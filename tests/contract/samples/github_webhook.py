"""GitHub deliveries, written after GitHub's "Webhook events and payloads": one of each event that the source reads."""

from typing import Any

SHA = "5b1f0c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"
BEFORE = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"
OCTO = {"login": "octo-dev", "id": 4711, "type": "User", "site_admin": False}
BOT = {"login": "dependabot[bot]", "id": 49699333, "type": "Bot", "site_admin": False}


def repository(pushed_at: object = "2026-03-02T09:01:00Z") -> dict[str, Any]:
    """A repository as events carry it; ``pushed_at`` is epoch seconds in push events."""
    return {
        "id": 815,
        "name": "invoices",
        "full_name": "acme/invoices",
        "private": True,
        "owner": {"login": "acme", "type": "Organization"},
        "html_url": "https://github.com/acme/invoices",
        "default_branch": "main",
        "pushed_at": pushed_at,
    }


DEPLOYMENT = {
    "url": "https://api.github.com/repos/acme/invoices/deployments/9001",
    "id": 9001,
    "sha": SHA,
    "ref": "main",
    "task": "deploy",
    "payload": {"image": "ghcr.io/acme/invoices:1.42.0"},
    "original_environment": "production",
    "environment": "production",
    "description": "",
    "creator": OCTO,
    "created_at": "2026-03-02T09:10:00Z",
    "updated_at": "2026-03-02T09:12:00Z",
    "transient_environment": False,
    "production_environment": True,
}
DEPLOYMENT_CREATED = {
    "action": "created",
    "deployment": DEPLOYMENT,
    "workflow": None,
    "workflow_run": None,
    "repository": repository(),
    "sender": OCTO,
}


def status(state: object = "success", **deployment: Any) -> dict[str, Any]:
    """A ``deployment_status`` payload."""
    return {
        "action": "created",
        "deployment_status": {
            "id": 9101,
            "state": state,
            "creator": BOT,
            "environment": "production",
            "created_at": "2026-03-02T09:12:00Z",
            "updated_at": "2026-03-02T09:12:00Z",
        },
        "deployment": DEPLOYMENT | deployment,
        "repository": repository(),
        "sender": BOT,
    }


def push(sender: dict[str, Any] | None = None, modified: list[str] | None = None, **fields: Any) -> dict[str, Any]:
    """A ``push`` payload with one commit."""
    commit = {
        "id": SHA,
        "tree_id": BEFORE,
        "distinct": True,
        "message": "Round totals half to even\n\nThe old way lost cents.",
        "timestamp": "2026-03-02T10:55:00+02:00",
        "author": {"name": "Octo", "email": "octo@acme.example", "username": "octo-dev"},
        "added": [],
        "removed": [],
        "modified": modified or ["src/totals.py"],
    }
    return {
        "ref": "refs/heads/main",
        "before": BEFORE,
        "after": SHA,
        "created": False,
        "deleted": False,
        "forced": False,
        "commits": [commit],
        "head_commit": commit,
        "repository": repository(1772442060),
        "pusher": {"name": "octo-dev", "email": "octo@acme.example"},
        "sender": sender or OCTO,
    } | fields


def alert(state: str = "open") -> dict[str, Any]:
    """A ``dependabot_alert`` payload."""
    return {
        "action": "created",
        "alert": {
            "number": 7,
            "state": state,
            "dependency": {
                "package": {"ecosystem": "pip", "name": "Jinja2"},
                "manifest_path": "services/render/requirements.txt",
                "scope": "runtime",
            },
            "security_advisory": {
                "ghsa_id": "GHSA-aaaa-bbbb-cccc",
                "cve_id": "CVE-2026-10001",
                "summary": "Sandbox escape in a template filter",
                "severity": "high",
                "cvss": {"vector_string": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "score": 7.5},
                "identifiers": [{"type": "GHSA", "value": "GHSA-aaaa-bbbb-cccc"}],
            },
            "security_vulnerability": {
                "package": {"ecosystem": "pip", "name": "Jinja2"},
                "severity": "high",
                "vulnerable_version_range": "< 3.2.1",
                "first_patched_version": {"identifier": "3.2.1"},
            },
            "html_url": "https://github.com/acme/invoices/security/dependabot/7",
            "created_at": "2026-03-02T08:00:00Z",
            "updated_at": "2026-03-02T08:00:05Z",
        },
        "repository": repository(),
        "sender": {"login": "github", "id": 9919, "type": "Organization"},
    }


def run(action: str = "completed", conclusion: str | None = "success", **fields: Any) -> dict[str, Any]:
    """A ``workflow_run`` payload."""
    return {
        "action": action,
        "workflow_run": {
            "id": 30433642,
            "name": "CI",
            "path": ".github/workflows/ci.yml@main",
            "head_branch": "main",
            "head_sha": SHA,
            "run_number": 562,
            "run_attempt": 1,
            "event": "push",
            "status": "completed" if conclusion else "queued",
            "conclusion": conclusion,
            "actor": OCTO,
            "triggering_actor": OCTO,
            "head_repository": {"full_name": "acme/invoices"},
            "created_at": "2026-03-02T09:01:05Z",
            "updated_at": "2026-03-02T09:05:05Z",
            **fields,
        },
        "workflow": {"id": 161335, "name": "CI"},
        "repository": repository(),
        "sender": OCTO,
    }


def scanned(action: str = "created", **fields: Any) -> dict[str, Any]:
    """A ``code_scanning_alert`` payload."""
    return {
        "action": action,
        "alert": {
            "number": 10,
            "state": "open",
            "created_at": "2026-03-02T08:00:00Z",
            "updated_at": "2026-03-02T08:00:05Z",
            "rule": {
                "id": "py/sql-injection",
                "severity": "error",
                "security_severity_level": "critical",
                "description": "Query built from user-controlled sources",
            },
            "tool": {"name": "CodeQL", "version": "2.20.0"},
            "most_recent_instance": {
                "ref": "refs/heads/main",
                "state": "open",
                "commit_sha": BEFORE,
                "message": {"text": "This query depends on a value of the request."},
                "location": {"path": "src/db.py", "start_line": 84, "end_line": 84},
            },
            **fields,
        },
        "ref": "refs/heads/main",
        "commit_oid": SHA,
        "repository": repository(),
        "sender": {"login": "github", "id": 9919, "type": "Organization"},
    }


def leaked(action: str = "created", **fields: Any) -> dict[str, Any]:
    """A ``secret_scanning_alert`` payload."""
    return {
        "action": action,
        "alert": {
            "number": 191,
            "secret_type": "acme_api_key",
            "secret_type_display_name": "Acme API key",
            "validity": "unknown",
            "resolution": None,
            "created_at": "2026-03-02T08:00:00Z",
            "updated_at": "2026-03-02T08:00:05Z",
            **fields,
        },
        "repository": repository(),
        "sender": OCTO,
    }


def headers(event: str, number: int = 1) -> dict[str, str]:
    """The record headers of a delivery, names in lower case."""
    return {"x-github-event": event, "x-github-delivery": f"72d3162e-cc78-11e3-81ab-4c9367dc09{number:02d}"}


SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "deployment": (DEPLOYMENT_CREATED, headers("deployment", 1)),
    "deployment_status": (status(), headers("deployment_status", 2)),
    "push": (push(), headers("push", 3)),
    "dependabot_alert": (alert(), headers("dependabot_alert", 4)),
    "workflow_run": (run(), headers("workflow_run", 8)),
    "code_scanning_alert": (scanned(), headers("code_scanning_alert", 9)),
    "secret_scanning_alert": (leaked(), headers("secret_scanning_alert", 10)),
    "ping": ({"zen": "Keep it logically awesome.", "hook_id": 1, "hook": {"type": "Repository"}}, headers("ping", 5)),
    "capture": ({"event": "push", "delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0906", "payload": push()}, {}),
    "capture of another event": (
        {"event": "star", "delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0907", "payload": {"action": "created"}},
        {},
    ),
}
