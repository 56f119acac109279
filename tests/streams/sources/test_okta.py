"""Okta's System Log: who did what to whom, by which session or token, and what of it is a change."""

import importlib.util
from pathlib import Path

import pytest

from streams.sources.base import Malformed
from streams.sources.okta import Okta
from streams.sources.okta_changes import change_of

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/okta.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Okta()
event = samples.event


def read(document, headers=None):
    return [content for _, content in SOURCE.read(document, headers or {})]


def test_a_sign_in_is_an_activity():
    """The login in lower case is the actor; its id and the session stand for it; address and client are entities."""
    (draft,) = read(event(), {"x-weir-org": "acme"})
    assert draft == {
        "type": "activity",
        "source_id": "dc9fd3c0-598c-11ef-8478-000000000001",
        "time": "2026-03-02T09:13:00.123Z",
        "domain": "okta:acme",
        "entities": [
            ("principal", "ann.lee@acme.example"),
            ("session", "102abcDEFghiJKLmnoPQRstu1"),
            ("ip", "203.0.113.7"),
            ("user_agent", "mozilla"),
        ],
        "title": "ann.lee@acme.example: User login to Okta",
        "action": "okta:user.session.start",
        "actor": "ann.lee@acme.example",
        "outcome": "success",
        "severity": 1,
        "identities": [
            ("principal", "okta:00uAnn0000000000001", "principal", "ann.lee@acme.example"),
            ("session", "102abcDEFghiJKLmnoPQRstu1", "principal", "ann.lee@acme.example"),
        ],
    }


def test_a_refused_sign_in_has_no_session():
    """The reason is the error, and "unknown" is no session."""
    (draft,) = read(samples.FAILED)
    assert (draft["outcome"], draft["error"], draft["severity"]) == ("failure", "INVALID_CREDENTIALS", 3)
    assert "session" not in {kind for kind, _ in draft["entities"]}
    assert draft["domain"] == "okta:unnamed"


def test_a_grant_is_a_change_of_access():
    """An event that gives rights is told twice under one key, with whom it was given to."""
    activity, change = read(samples.GRANTED)
    assert (activity["type"], change["type"], change["kind"]) == ("activity", "change", "access")
    assert activity["source_id"] == change["source_id"]
    assert ("principal", "bob@acme.example") in change["entities"]
    assert change["title"] == "ann.lee@acme.example: Grant user privilege (Bob)"


def test_a_new_token_stands_for_who_made_it():
    """The id of an API token is an access key; the user who creates it is who it acts as."""
    _, change = read(samples.TOKEN)
    assert ("access_key", "00TNewToken00000005") in change["entities"]
    assert ("access_key", "00TNewToken00000005", "principal", "ann.lee@acme.example") in change["identities"]


def test_a_token_that_acts_stands_for_its_user():
    """The id of the token that a request came with is in the transaction."""
    activity, _ = read(samples.BY_TOKEN)
    assert ("access_key", "00TCi000000000006", "principal", "ann.lee@acme.example") in activity["identities"]


def test_a_client_of_its_own_is_no_user():
    """A service application acts under its id, and its session and token stand for nobody."""
    client = {"id": "0oaSvc00000000008", "type": "PublicClientApp", "alternateId": "0oaSvc00000000008"}
    (draft,) = read(event("app.oauth2.token.grant.access_token", actor=client))
    assert draft["actor"] == "okta:0oaSvc00000000008"
    assert "identities" not in draft


def test_groups_and_applications_are_resources():
    """What is acted on is named by Okta's id; a user in an application by the login there."""
    activity, change = read(samples.ASSIGNED)
    assert ("resource", "okta:0oaPay0000000000004") in activity["entities"]
    assert activity["entities"].count(("principal", "bob@acme.example")) == 1
    assert change["kind"] == "access"
    assert ("principal", "okta:0uaBob000000007", "principal", "bob@acme.example") not in activity["identities"]


def test_a_hook_names_its_organisation():
    """Each event of a hook is an item, and the hook's address says the organisation."""
    readings = list(SOURCE.read(samples.HOOK, {}))
    assert [item for item, _ in readings] == [0, 0, 1, 1]
    assert {content["domain"] for _, content in readings} == {"okta:acme"}


@pytest.mark.parametrize(
    ("source", "domain"),
    [
        ("https://login.acme.example/api", "okta:login.acme.example"),
        ("https://acme.oktapreview.com/api", "okta:acme"),
        ("https://[", "okta:unnamed"),
        (None, "okta:unnamed"),
    ],
)
def test_domains_of_hooks(source, domain):
    """A domain of the customer's own is kept; what is no address leaves the organisation unnamed."""
    assert read(samples.HOOK | {"source": source})[0]["domain"] == domain


def test_a_log_stream_is_opened():
    """The envelope of EventBridge gives the organisation, the detail is the event."""
    (draft,) = read(samples.STREAMED)
    assert (draft["domain"], draft["source_id"]) == ("okta:acme", samples.FAILED["uuid"])
    assert SOURCE.recognise(samples.STREAMED, {})


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("user.mfa.factor.deactivate", "access"),
        ("user.mfa.factor.reset_all", "access"),
        ("user.account.reset_password", "access"),
        ("policy.rule.update", "access"),
        ("zone.update", "configuration"),
        ("event_hook.deleted", "configuration"),
        ("application.lifecycle.update", "configuration"),
        ("app.oauth2.as.key.rollover", "secret_rotation"),
        ("app.keys.rotate_legacy", "secret_rotation"),
        ("app.oauth2.as.token.revoke", None),
        ("app.oauth2.as.lifecycle.update", "access"),
        ("user.account.lock", None),
        ("user.authentication.sso", None),
        ("policy.evaluate_sign_on", None),
        ("update", None),
    ],
)
def test_kinds_of_changes(kind, change):
    """Thing and verb decide."""
    assert change_of(kind) == change


def test_a_failed_change_changed_nothing():
    """Only what succeeded is a change; a challenge has neither succeeded nor failed."""
    assert [draft["type"] for draft in read(event("zone.update", outcome={"result": "FAILURE"}))] == ["activity"]
    (draft,) = read(event("zone.update", outcome={"result": "CHALLENGE"}))
    assert draft["outcome"] == "unknown"


@pytest.mark.parametrize(
    ("fields", "place"),
    [({"uuid": ""}, "uuid"), ({"published": "yesterday"}, "published"), ({"eventType": 7}, "eventType")],
)
def test_refusals_name_their_place(fields, place):
    """What an event cannot be read without is named, with the item it is missing in."""
    (refused,) = read(event(**fields))
    assert isinstance(refused, Malformed)
    assert refused.place == place
    (refused,) = read([event(**fields)])
    assert refused.place == f"[0].{place}"
    assert read({"eventType": "com.okta.event_hook", "data": 7})[0].place == "data.events"
