"""Events of GitHub's audit log, written after "Audit log events for your organization" and its streaming format."""

from typing import Any

SHA = "5b1f0c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"
TOKEN = "j7TxdJbRhfNhkIOs67EXYceuX0EXL+du673X+6QYSow="


def event(action: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    """What Octo did in the organisation; a field that is None is left out."""
    given = {
        "@timestamp": 1772442780123,
        "_document_id": f"Xp9dR2nB1sK4vW7yQ0{number:04d}",
        "action": action,
        "actor": "Octo-Dev",
        "actor_id": 4711,
        "actor_ip": "203.0.113.7",
        "actor_is_bot": False,
        "actor_location": {"country_code": "AT"},
        "business": "acme-group",
        "business_id": 12,
        "created_at": 1772442780123,
        "operation_type": "modify",
        "org": "Acme",
        "org_id": 34,
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
    } | fields
    return {name: value for name, value in given.items() if value is not None}


ADDED = event("org.add_member", 1, user="New-Hire", user_id=99, permission="admin", operation_type="create")
UNPROTECTED = event("protected_branch.destroy", 2, repo="Acme/Invoices", name="main", operation_type="remove")
ROTATED = event("repo.update_actions_secret", 3, repo="acme/invoices", key="DB_PASSWORD")
CLONED = event(
    "git.clone",
    4,
    created_at=None,
    operation_type=None,
    repository="acme/invoices",
    repo="acme/invoices",
    hashed_token=TOKEN,
    programmatic_access_type="Personal access token (classic)",
    token_id=81,
    transport_protocol_name="http",
    external_identity_nameid="Octo@Acme.example",
    user="",
    user_agent="git/2.43.0",
)
FAILED = event(
    "workflows.completed_workflow_run",
    5,
    actor="github-actions[bot]",
    conclusion="failure",
    head_sha=SHA,
    repo="acme/invoices",
    programmatic_access_type="GitHub App server-to-server token",
    hashed_token="EJmtcbNI26UXIHgh0fnmlmRsDcqsW6y9zLP4xwk9S+s=",
)
BARE = {
    "actor": "octo-dev",
    "action": "repo.access",
    "created_at": 1772442780123,
    "org": "acme",
    "visibility": "public",
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "member": (ADDED, {}),
    "answer of the API": ([UNPROTECTED, ROTATED, FAILED], {}),
    "git": (CLONED, {}),
    "without id": (BARE, {}),
}
