"""GitLab deliveries, written after its "Webhook events": one of each event that the source reads, and another."""

from typing import Any

SHA = "5b1f0c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"
BEFORE = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"
PROJECT = {
    "id": 30,
    "name": "Pay",
    "web_url": "https://gitlab.acme.example/shop/backend/pay",
    "namespace": "Backend",
    "path_with_namespace": "Shop/backend/pay",
    "default_branch": "main",
}
ANN = {"id": 1, "name": "Ann Lee", "username": "Ann", "email": "ann@acme.example"}


def deployment(status: str = "success", **fields: Any) -> dict[str, Any]:
    """A deployment to staging."""
    return {
        "object_kind": "deployment",
        "status": status,
        "status_changed_at": "2026-03-02 10:13:00 +0100",
        "deployment_id": 15,
        "deployable_id": 796,
        "environment": "staging",
        "environment_tier": "staging",
        "project": PROJECT,
        "short_sha": SHA[:8],
        "user": ANN,
        "commit_url": f"https://gitlab.acme.example/shop/backend/pay/-/commit/{SHA}",
        "commit_title": "Round totals half to even",
        **fields,
    }


PUSH = {
    "object_kind": "push",
    "event_name": "push",
    "before": BEFORE,
    "after": SHA,
    "ref": "refs/heads/main",
    "user_username": "ann",
    "user_email": "",
    "project_id": 30,
    "project": PROJECT,
    "commits": [{"id": SHA, "title": "Round totals half to even", "timestamp": "2026-03-02T08:00:00Z"}],
}


def pipeline(status: str = "failed", **fields: Any) -> dict[str, Any]:
    """A pipeline on the main branch."""
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": 31,
            "iid": 3,
            "name": None,
            "ref": "main",
            "sha": SHA,
            "status": status,
            "created_at": "2026-03-02 09:10:00 UTC",
            "finished_at": "2026-03-02 09:13:00 UTC",
            **fields,
        },
        "user": ANN,
        "project": PROJECT,
        "builds": [],
    }


FLAG = {
    "object_kind": "feature_flag",
    "project": PROJECT,
    "user": ANN,
    "object_attributes": {"id": 6, "name": "new-checkout", "description": "", "active": True},
}
RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "deployment": (deployment(), {"x-gitlab-event": "Deployment Hook"}),
    "push": (PUSH, RECEIVED | {"x-gitlab-event": "Push Hook"}),
    "pipeline": (pipeline(), {}),
    "feature flag": (FLAG, RECEIVED | {"idempotency-key": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f"}),
    "merge request": ({"object_kind": "merge_request", "project": PROJECT, "object_attributes": {"id": 99}}, {}),
}
