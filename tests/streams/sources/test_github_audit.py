"""GitHub's audit log: who did what with which token, in which repository, and what of it is a change."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from streams.sources.base import Malformed
from streams.sources.github_audit import GitHubAudit
from streams.sources.github_audit_changes import change_of

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data" / "rule-tests-panther" / "github_rules.ndjson"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/github_audit.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = GitHubAudit()
event = samples.event


def read(document):
    return [content for _, content in SOURCE.read(document, {})]


def test_a_new_member_is_an_activity_and_a_change():
    """Who added whom to which organisation, from where; logins in lower case."""
    activity, change = read(samples.ADDED)
    assert activity == {
        "type": "activity",
        "source_id": "Xp9dR2nB1sK4vW7yQ00001",
        "time": "2026-03-02T09:13:00.123Z",
        "domain": "github:acme",
        "entities": [
            ("principal", "github:octo-dev"),
            ("principal", "github:new-hire"),
            ("ip", "203.0.113.7"),
            ("user_agent", "mozilla"),
            ("account", "github:acme"),
        ],
        "title": "octo-dev: org.add_member (new-hire) in Acme",
        "action": "github:org.add_member",
        "actor": "github:octo-dev",
        "outcome": "success",
        "read_only": False,
    }
    assert (change["kind"], change["source_id"]) == ("access", activity["source_id"])


def test_a_repository_is_the_domain():
    """What happens in a repository is where its webhooks are: owner and name in lower case."""
    activity, change = read(samples.UNPROTECTED)
    assert activity["domain"] == "github:acme/invoices"
    assert ("repository", "acme/invoices") in change["entities"]
    assert change["title"] == "octo-dev: protected_branch.destroy (main) in acme/invoices"


def test_a_users_token_stands_for_the_user():
    """The hash of a personal access token is an access key of its login, and sign-on says whose login that is."""
    (activity,) = read(samples.CLONED)
    assert ("access_key", samples.TOKEN) in activity["entities"]
    assert activity["identities"] == [
        ("access_key", samples.TOKEN, "principal", "github:octo-dev"),
        ("principal", "github:octo-dev", "principal", "Octo@acme.example"),
    ]


def test_an_applications_token_stands_for_nobody():
    """Installation tokens are an application's own; a failed run is a failure, with its commit."""
    (activity,) = read(samples.FAILED)
    assert (activity["outcome"], activity["error"], activity["severity"]) == ("failure", "failure", 1)
    assert ("commit", samples.SHA) in activity["entities"]
    assert "identities" not in activity


def test_a_deploy_key_is_no_login():
    """GitHub writes the words deploy_key where the login of a person would be."""
    (activity,) = read(event("git.push", actor="deploy_key", repo="acme/invoices"))
    assert activity["actor"] is None
    assert activity["title"] == "someone: git.push in acme/invoices"


def test_an_event_without_id_has_a_digest():
    """Older exports bring no id: the same event again has the same key, another one another."""
    first, again = (read(dict(samples.BARE))[0]["source_id"] for _ in range(2))
    assert first == again != read(samples.BARE | {"org": "other"})[0]["source_id"]


@pytest.mark.parametrize(
    ("fields", "time"),
    [
        ({"@timestamp": "2026-03-02T09:13:00Z"}, "2026-03-02T09:13:00Z"),
        ({"@timestamp": None, "at_sign_timestamp": "2026-03-02 09:13:00.5"}, "2026-03-02T09:13:00.5Z"),
        ({"@timestamp": True, "created_at": 1}, "1970-01-01T00:00:00.001Z"),
    ],
)
def test_times(fields, time):
    """Milliseconds or text; the first field that holds a time counts."""
    assert read(event("git.clone", **fields))[0]["time"] == time


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("org.update_member", "access"),
        ("org.invite_member", "access"),
        ("org.disable_two_factor_requirement", "access"),
        ("org.disable_saml", "access"),
        ("org.disable_oauth_app_restrictions", "access"),
        ("org.codeql_disabled", "configuration"),
        ("org.configure_self_hosted_jit_runner", "configuration"),
        ("org.create_actions_secret", "configuration"),
        ("org.update_actions_secret", "secret_rotation"),
        ("environment.update_actions_secret", "secret_rotation"),
        ("environment.add_protection_rule", "configuration"),
        ("repo.access", "access"),
        ("repo.add_member", "access"),
        ("repo.create", "configuration"),
        ("repo.archived", "configuration"),
        ("repo.transfer", "access"),
        ("repo.advanced_security_disabled", "configuration"),
        ("repo.add_topic", None),
        ("repo.download_zip", None),
        ("org.audit_log_export", None),
        ("org.sso_response", None),
        ("team.add_repository", "access"),
        ("team.destroy", "access"),
        ("protected_branch.update_name", "access"),
        ("ip_allow_list.disable", "access"),
        ("ip_allow_list_entry.create", "access"),
        ("personal_access_token.access_granted", "access"),
        ("repository_ruleset.destroy", "access"),
        ("public_key.create", "access"),
        ("hook.create", "configuration"),
        ("secret_scanning_push_protection.disable", "configuration"),
        ("repository_vulnerability_alert.dismiss", None),
        ("secret_scanning_alert.create", None),
        ("packages.package_version_published", "code"),
        ("workflows.disable_workflow", "configuration"),
        ("workflows.completed_workflow_run", None),
        ("pull_request.merge", None),
        ("issues.create", None),
        ("git.push", None),
        ("api.request", None),
    ],
)
def test_kinds_of_changes(action, kind):
    """Category and operation decide."""
    assert change_of(action) == kind


@pytest.mark.parametrize(
    "document",
    [
        {"action": "opened", "created_at": "2026-03-02T09:13:00Z", "repository": {"full_name": "acme/invoices"}},
        {"action": "a.b"},
        {"action": "a.b", "created_at": 1, "repo": {"full_name": "acme/invoices"}},
        {"action": "s3.GetObject", "created_at": 1},
        [],
        [7],
    ],
)
def test_other_documents_are_not_taken(document):
    """A webhook has one word for its action, and objects beside it; an action alone says nothing."""
    assert not SOURCE.recognise(document, {})


def test_refusals_name_their_place():
    """An event needs an action and a time."""
    without = [event("a.b", **{"@timestamp": "soon", "created_at": None}), event("no dot"), 7]
    assert [each.place for each in read(without)] == ["[0].@timestamp", "[1].action", "[2]"]


def test_a_refused_request_is_a_failure():
    """Requests to the API have a status."""
    (activity,) = read(event("api.request", status_code=404))
    assert (activity["outcome"], activity["error"]) == ("failure", "404")
    assert read(event("api.request", status_code=200))[0]["outcome"] == "success"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared recordings are not here")
def test_recorded_events_are_read():
    """Sample logs of a rule set: what has a dotted action and more is read, webhooks are not."""
    told = Counter()
    for record in SHARED.read_text().splitlines():
        log = json.loads(record)["log"]
        recognised = SOURCE.recognise(log, {})
        assert recognised == ("." in str(log.get("action")) and len(log) > 1)
        for content in read(log) if recognised else ():
            told["malformed" if isinstance(content, Malformed) else content["type"]] += 1
    assert told["malformed"] == 0
    assert told["activity"] >= 20
    assert told["change"] >= 15
