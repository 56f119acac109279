"""GitHub webhooks: deployments and pushes are changes, Dependabot alerts findings, the rest is counted."""

import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.github_webhook import GitHubWebhook
from streams.sources.parse import parse

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data" / "github-webhooks"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/github_webhook.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = GitHubWebhook()
SHA = samples.SHA


def read(event, payload, delivery="d-1"):
    ((item, content),) = SOURCE.read(payload, {"x-github-event": event, "x-github-delivery": delivery})
    assert item == 0
    return content


def test_a_deployment_is_a_started_deploy():
    """A deployment names repository, commit, environment, image and who did it, at its creation."""
    assert read("deployment", samples.DEPLOYMENT_CREATED) == {
        "type": "change",
        "source_id": "d-1",
        "time": "2026-03-02T09:10:00Z",
        "domain": "github:acme/invoices",
        "entities": [
            ("repository", "acme/invoices"),
            ("commit", SHA),
            ("environment", "production"),
            ("image", "ghcr.io/acme/invoices:1.42.0"),
            ("principal", "github:octo-dev"),
        ],
        "title": "deploy of acme/invoices@5b1f0c2d9e8a to production: created",
        "kind": "deploy",
        "actor": "github:octo-dev",
        "status": "started",
        "revision": SHA,
    }


@pytest.mark.parametrize(
    ("state", "status"),
    [("success", "succeeded"), ("failure", "failed"), ("error", "failed"), ("in_progress", "started"),
     ("queued", "started"), ("pending", "started"), ("waiting", "started"), ("odd", "unknown"), (None, "unknown"),
     (["success"], "unknown")],
)  # fmt: skip
def test_the_state_of_a_deployment(state, status):
    """Each documented state has its status, an unknown one is unknown; the time is the status's own."""
    draft = read("deployment_status", samples.status(state))
    assert draft["status"] == status
    assert draft["time"] == "2026-03-02T09:12:00Z"
    assert draft["actor"] == "github:octo-dev"  # who deployed, though a bot reports it


def test_an_inactive_deployment_is_no_change():
    """A deployment that another one replaced did not change anything at that moment."""
    assert read("deployment_status", samples.status("inactive")) == Ignored("deployment became inactive")


@pytest.mark.parametrize(
    "deployment", [{"task": "rollback"}, {"payload": {"rollback": True}}, {"payload": '{"rollback": true}'}]
)
def test_a_rollback_says_so(deployment):
    """The task or the attached payload marks a rollback, also where the payload is JSON text."""
    assert read("deployment_status", samples.status(**deployment))["kind"] == "rollback"


def test_a_push_is_code_at_the_time_the_server_took_it():
    """A push has the server's time, not the author's, and its commits."""
    draft = read("push", samples.push())
    assert (draft["kind"], draft["status"], draft["revision"]) == ("code", "succeeded", SHA)
    assert draft["time"] == "2026-03-02T09:01:00Z"
    assert draft["title"] == "push to main of acme/invoices: Round totals half to even"
    assert draft["entities"] == [("repository", "acme/invoices"), ("commit", SHA), ("principal", "github:octo-dev")]


@pytest.mark.parametrize(
    ("pushed_at", "time"),
    [
        (1772442060, "2026-03-02T09:01:00Z"),
        ("2026-03-02T09:01:00Z", "2026-03-02T09:01:00Z"),
        (None, "2026-03-02T10:55:00+02:00"),
        (True, "2026-03-02T10:55:00+02:00"),
        (10**18, "2026-03-02T10:55:00+02:00"),
        (1.5, "2026-03-02T10:55:00+02:00"),
    ],
)
def test_the_time_of_a_push(pushed_at, time):
    """Epoch seconds and text are one time; only without either the author's commit time counts."""
    assert read("push", samples.push(repository=samples.repository(pushed_at)))["time"] == time


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (samples.push(modified=["services/a/package-lock.json", "package.json"]), "dependency"),
        (samples.push(modified=["go.sum", "main.go"]), "code"),
        (samples.push(sender=samples.BOT, modified=["anything"]), "dependency"),
        (samples.push(commits=[]), "code"),
    ],
)
def test_a_push_of_manifests_alone_moves_dependencies(payload, kind):
    """A push of nothing but manifests and lock files, or by a dependency bot, is a dependency change."""
    assert read("push", payload)["kind"] == kind


def test_a_deleted_branch_is_no_change():
    """The deletion of a branch or tag brings no code."""
    payload = samples.push(deleted=True, after="0" * 40, head_commit=None)
    assert read("push", payload) == Ignored("push deletes a branch or tag")


def test_a_dependabot_alert_is_a_vulnerability():
    """An alert is a finding with its CVE, package, fixed version and place."""
    assert read("dependabot_alert", samples.alert()) == {
        "type": "finding",
        "source_id": "d-1",
        "time": "2026-03-02T08:00:05Z",
        "domain": "github:acme/invoices",
        "entities": [
            ("repository", "acme/invoices"),
            ("vulnerability", "CVE-2026-10001"),
            ("vulnerability", "GHSA-aaaa-bbbb-cccc"),
            ("package", "pkg:pypi/jinja2"),
        ],
        "title": "Sandbox escape in a template filter",
        "kind": "vulnerability",
        "rule": "CVE-2026-10001",
        "severity": 4,
        "reporter": "dependabot",
        "status": "open",
        "aliases": ["GHSA-aaaa-bbbb-cccc"],
        "cvss": 7.5,
        "fix": "3.2.1",
        "location": "services/render/requirements.txt",
    }


@pytest.mark.parametrize(
    ("state", "status"),
    [("open", "open"), ("fixed", "fixed"), ("dismissed", "suppressed"), ("auto_dismissed", "suppressed")],
)
def test_the_state_of_an_alert(state, status):
    """Fixed and dismissed alerts are no open findings."""
    assert read("dependabot_alert", samples.alert(state))["status"] == status


def test_a_score_of_zero_is_not_scored():
    """GitHub writes score 0 where there is no vector; that is no CVSS."""
    payload = samples.alert()
    payload["alert"]["security_advisory"]["cvss"] = {"vector_string": None, "score": 0.0}
    assert read("dependabot_alert", payload)["cvss"] is None


@pytest.mark.parametrize(
    ("event", "reason"),
    [("ping", "event ping not read"), ("workflow_job", "event workflow_job not read"),
     ("no_such_event_4711", "event of unknown name not read")],
)  # fmt: skip
def test_other_events_are_counted(event, reason):
    """Other documented events are ignored by name, undocumented names under one label."""
    assert read(event, {"zen": "x"}) == Ignored(reason)


def test_a_redelivery_has_the_same_key_and_both_shapes_agree():
    """The delivery id is the key, whether it came in a header or in a capture."""
    captured = list(SOURCE.read({"event": "push", "delivery": "d-1", "payload": samples.push()}, {}))
    assert captured == [(0, read("push", samples.push()))]


@pytest.mark.parametrize(
    ("document", "headers", "place"),
    [
        (samples.push(), {"x-github-event": "push"}, "headers.x-github-delivery"),
        (samples.push(), {}, "headers.x-github-event"),
        ({"event": "push", "payload": samples.push()}, {}, "delivery"),
        ({"event": 7, "delivery": "d", "payload": {}}, {}, "event"),
        ({"event": "push", "delivery": "d", "payload": []}, {}, "payload"),
        ({"event": "push", "delivery": "d", "payload": {}}, {}, "payload.repository.full_name"),
        (samples.push(repository={"full_name": "no-owner"}), samples.headers("push"), "repository.full_name"),
        (samples.push(after="main"), samples.headers("push"), "after"),
        (samples.push(repository=samples.repository(None), head_commit=None), samples.headers("push"),
         "repository.pushed_at"),
        ({"repository": samples.repository()}, samples.headers("deployment"), "deployment.created_at"),
        ({"repository": samples.repository()}, samples.headers("deployment_status"), "deployment_status.created_at"),
        ({"repository": samples.repository(), "alert": {}}, samples.headers("dependabot_alert"), "alert.updated_at"),
        ([], samples.headers("push"), ""),
    ],
)  # fmt: skip
def test_a_delivery_is_refused_with_its_place(document, headers, place):
    """What a read event cannot do without is refused where it should have been."""
    ((_, content),) = SOURCE.read(document, headers)
    assert isinstance(content, Malformed)
    assert content.place == place


def test_a_bare_body_is_not_claimed():
    """A body without its headers could be anybody's."""
    assert not SOURCE.recognise(samples.push(), {})
    assert not SOURCE.recognise([], samples.headers("push"))


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the sample data in ../shared")
def test_real_payloads_are_read_or_counted():
    """Every payload that GitHub documents is read or counted under its event, none refused."""
    counts = Counter()
    for number, path in enumerate(sorted(SHARED.glob("*/*.json"))):
        event, payload = path.parent.name, parse(path.read_bytes())
        headers = {
            "x-github-event": event,
            "x-github-delivery": f"d-{number}",
            "x-weir-received": "2026-03-02T09:13:00Z",
        }
        assert SOURCE.recognise(payload, headers)
        for _, content in SOURCE.read(payload, headers):
            counts[type(content).__name__ if isinstance(content, tuple) else (event, content["type"])] += 1
    assert counts == {
        "Ignored": 85,
        ("deployment", "change"): 3,
        ("deployment_status", "change"): 3,
        ("push", "change"): 2,
        ("dependabot_alert", "finding"): 2,
        ("code_scanning_alert", "finding"): 5,
        ("secret_scanning_alert", "finding"): 1,
        ("workflow_run", "activity"): 4,
    }
