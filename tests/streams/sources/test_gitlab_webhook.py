"""GitLab's webhooks: deployments, pushes and flags are changes, pipelines activities."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.gitlab_webhook import GitLabWebhook

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/gitlab_webhook.py")
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = GitLabWebhook()
RECEIVED = samples.RECEIVED


def read(document: object, headers: dict[str, str] | None = None) -> Any:
    ((_, content),) = SOURCE.read(document, RECEIVED if headers is None else headers)
    return content


def test_a_deployment_is_a_deploy() -> None:
    """Project, commit, environment and who did it; the short hash and the address stand for what they are."""
    draft = read(samples.deployment())
    assert len(draft.pop("source_id")) == 32
    assert draft == {
        "type": "change",
        "time": "2026-03-02T10:13:00+01:00",
        "domain": "repository:shop/backend/pay",
        "entities": [
            ("repository", "shop/backend/pay"),
            ("commit", samples.SHA),
            ("environment", "staging"),
            ("principal", "gitlab:ann"),
        ],
        "identities": [
            ("principal", "gitlab:ann", "principal", "ann@acme.example"),
            ("commit", samples.SHA[:8], "commit", samples.SHA),
        ],
        "title": "deploy of shop/backend/pay@5b1f0c2d9e8a to staging: success",
        "kind": "deploy",
        "actor": "gitlab:ann",
        "status": "succeeded",
        "revision": samples.SHA,
    }


@pytest.mark.parametrize(
    ("state", "status"),
    [("running", "started"), ("success", "succeeded"), ("failed", "failed"), ("canceled", "unknown"), ("", "unknown")],
)
def test_states_of_a_deployment(state: str, status: str) -> None:
    """Each state is an event of its own; a cancelled deployment may have got anywhere."""
    draft = read(samples.deployment(state))
    assert draft["status"] == status
    assert (draft["source_id"] == read(samples.deployment())["source_id"]) is (state == "success")


def test_a_push_is_code_when_it_arrived() -> None:
    """Commits carry their authors' clocks, the push none; its key is what it moved, whenever it comes again."""
    draft = read(samples.PUSH)
    assert (draft["kind"], draft["time"], draft["revision"]) == ("code", "2026-03-02T09:13:00Z", samples.SHA)
    assert draft["title"] == "push to main of shop/backend/pay: Round totals half to even"
    assert read(samples.PUSH, {"x-weir-received": "2026-03-02T10:00:00Z"})["source_id"] == draft["source_id"]
    assert read(samples.PUSH | {"after": "0" * 40}) == Ignored("push deletes a branch")


@pytest.mark.parametrize(
    ("state", "outcome", "action"),
    [
        ("success", "success", "gitlab:pipeline.success"),
        ("failed", "failure", "gitlab:pipeline.failed"),
        ("canceled", "unknown", "gitlab:pipeline.canceled"),
        ("mine", "unknown", "gitlab:pipeline.unknown"),
    ],
)
def test_a_pipeline_is_an_activity(state: str, outcome: str, action: str) -> None:
    """It builds and tests; what it deploys is told by the deployment."""
    draft = read(samples.pipeline(state))
    assert (draft["type"], draft["outcome"], draft["action"]) == ("activity", outcome, action)
    assert draft["time"] == "2026-03-02T09:13:00Z"
    assert ("resource", "gitlab:shop/backend/pay/pipelines/31") in draft["entities"]


def test_a_feature_flag_is_a_change() -> None:
    """On or off, by whom; GitLab's key for repetitions is the only one that an event of a flag has."""
    draft = read(samples.FLAG)
    assert (draft["kind"], draft["title"]) == (
        "feature_flag",
        "feature flag new-checkout of shop/backend/pay turned on",
    )
    assert ("resource", "gitlab:shop/backend/pay/feature_flags/new-checkout") in draft["entities"]
    once, again = (
        read(samples.FLAG, {"x-weir-received": f"2026-03-02T09:13:0{second}Z", "idempotency-key": "k-1"})
        for second in (0, 9)
    )
    assert once["source_id"] == again["source_id"]
    assert draft["source_id"] != read(samples.FLAG, {"x-weir-received": "2026-03-02T10:13:00Z"})["source_id"]


@pytest.mark.parametrize(
    ("document", "headers", "content"),
    [
        (samples.SAMPLES["merge request"][0], None, Ignored("event merge_request not read")),
        ({"object_kind": "mine"}, None, Ignored("event of unknown name not read")),
        (
            samples.deployment(status_changed_at="now"),
            None,
            Malformed("status_changed_at", "not a time with an offset"),
        ),
        (samples.deployment(project={}), None, Malformed("project.path_with_namespace", "not of the form group/name")),
        (
            samples.PUSH,
            {},
            Malformed("commits", "a push has no time of its own, and there is no time of arrival either"),
        ),
        (
            samples.pipeline(created_at=None, finished_at=None),
            None,
            Malformed("object_attributes.created_at", "not a time with an offset"),
        ),
        (samples.FLAG | {"object_attributes": {}}, None, Malformed("object_attributes.name", "missing")),
    ],
)
def test_refusals(document: object, headers: dict[str, str] | None, content: object) -> None:
    """What an event cannot do without is refused where it should have been; other kinds are counted."""
    assert read(document, headers) == content
