"""Microsoft Entra: who signed in with which token, what was changed in the directory, and what is held to be risky."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from streams.sources.azure_changes import change_of_directory
from streams.sources.azure_signin import AzureSignIn
from streams.sources.base import Ignored, Malformed
from streams.sources.family import AZURE

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data" / "rule-tests-panther" / "azure_signin_rules.ndjson"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/azure_signin.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = AzureSignIn()
envelope, signed_in, audited = samples.envelope, samples.signed_in, samples.audited


def read(document):
    return [content for _, content in SOURCE.read(document, {})]


def test_a_sign_in_is_an_activity():
    """User, token and session, application, device, address and tenant; the ids stand for the user."""
    (draft,) = read(samples.SIGN_IN)
    who = ("principal", "ann@acme.example")
    token, session = "IdP3SUJGtkGlt7dDQVRPAA", "00aa11bb-0000-4000-8000-000000000002"
    assert draft == {
        "type": "activity",
        "source_id": "66ea54eb-6301-4ee5-be62-000000000001",
        "time": "2026-03-02T09:13:00.1234567Z",
        "domain": f"azure:{samples.TENANT}",
        "entities": [
            who,
            ("session", token),
            ("session", session),
            ("resource", f"entra:app/{samples.APP}"),
            ("host", "laptop-7"),
            ("ip", "203.0.113.7"),
            ("user_agent", "mozilla"),
            ("account", samples.TENANT),
        ],
        "title": "ann@acme.example: SignIn to Azure Portal",
        "action": "entra:SignIn",
        "actor": "ann@acme.example",
        "outcome": "success",
        "severity": 0,
        "identities": [
            ("principal", samples.ANN, *who),
            ("session", token, *who),
            ("session", session, *who),
        ],
    }


def test_a_wrong_password_is_a_failure():
    """The code is the error, and the risk that Entra saw is the severity."""
    (draft,) = read(samples.WRONG)
    assert (draft["outcome"], draft["error"], draft["severity"]) == ("failure", "50126", 3)
    assert draft["title"] == "ann@acme.example: SignIn to Azure Portal: 50126"


def test_an_interrupt_is_neither():
    """Where Entra asks for a second factor, nothing has succeeded or failed yet."""
    (draft,) = read(envelope("SignInLogs", "x", signed_in(9, 50074)))
    assert (draft["outcome"], draft["severity"]) == ("unknown", 0)
    assert "error" not in draft


def test_an_applications_sign_in_names_its_credential():
    """A service principal acts under its object id, and the credential that it used stands for it."""
    (draft,) = read(samples.ROBOTS)
    assert (draft["action"], draft["actor"]) == ("entra:ServicePrincipalSignIn", samples.ROBOT)
    assert ("principal", samples.APP) in draft["entities"]
    key = "f0000000-0000-4000-8000-000000000004"
    assert ("access_key", key, "principal", samples.ROBOT) in draft["identities"]
    assert not any(of == samples.APP for *_, of in draft["identities"])


@pytest.mark.parametrize(
    ("fields", "outcome", "error"),
    [
        ({"resultType": "0"}, "success", None),
        ({"resultType": "Success"}, "success", None),
        ({"resultType": "Failure"}, "failure", "failure"),
        ({"resultType": "530003"}, "failure", "530003"),
        ({"resultType": "9" * 40}, "unknown", None),
        ({"resultType": None}, "unknown", None),
    ],
)
def test_outcomes_without_a_status(fields, outcome, error):
    """Where the properties have no status, the record's result type counts: a code or a word."""
    (draft,) = read(envelope("SignInLogs", "x", signed_in(status=None), **fields))
    assert (draft["outcome"], draft.get("error")) == (outcome, error)


def test_a_role_is_a_change_of_access():
    """Who was given it is a principal, the role a resource of the directory."""
    activity, change = read(samples.GRANTED)
    assert (change["kind"], change["action"]) == ("access", "entra:Add member to role")
    assert activity["entities"][:3] == [
        ("principal", "ann@acme.example"),
        ("principal", "bob@acme.example"),
        ("resource", f"entra:{samples.ROLE}"),
    ]
    assert ("principal", samples.BOB, "principal", "bob@acme.example") in activity["identities"]
    assert activity["title"] == "ann@acme.example: Add member to role (Global Administrator)"


def test_a_new_credential_of_an_application():
    """What an application does is done by its service principal."""
    activity, change = read(samples.SECRET)
    assert (activity["actor"], change["kind"]) == (samples.ROBOT, "secret_rotation")


def test_a_failed_activity_changes_nothing():
    """The reason is the error."""
    (activity,) = read(audited("Update policy", "Policy", result="failure", resultReason="Insufficient rights"))
    assert (activity["outcome"], activity["error"]) == ("failure", "Insufficient rights")


def test_a_risk_is_a_detection_with_attack():
    """Techniques stand in the evidence; another state of the same risk is another event."""
    (finding,) = read(samples.RISK)
    assert (finding["kind"], finding["severity"], finding["status"]) == ("detection", 3, "open")
    assert finding["evidence"] == "risk medium, atRisk ATT&CK: T1090.003, T1078"
    closed = envelope("UserRiskEvents", "x", samples.RISK["properties"] | {"riskState": "remediated"})
    (fixed,) = read(closed)
    assert fixed["status"] == "fixed"
    assert fixed["source_id"] != finding["source_id"]


def test_objects_of_graph_are_the_same_events():
    """A sign-in out of Graph has the key that the record has; its kind is told by its event types."""
    (bare,) = read(signed_in())
    (record,) = read(samples.SIGN_IN)
    assert (bare["source_id"], bare["identities"]) == (record["source_id"], record["identities"])
    (quiet,) = read(signed_in(signInEventTypes=["nonInteractiveUser"]))
    assert quiet["action"] == "entra:NonInteractiveSignIn"


@pytest.mark.parametrize(
    ("category", "operation", "name", "kind"),
    [
        ("Policy", "Delete", "Delete conditional access policy", "access"),
        ("UserManagement", "", "Reset user password", "access"),
        ("UserManagement", "", "User has elevated their access to User Access Administrator", "access"),
        ("ApplicationManagement", "", "Consent to application", "access"),
        (
            "ApplicationManagement",
            "Update",
            "Update application – Certificates and secrets management",
            "secret_rotation",
        ),
        ("DirectoryManagement", "Update", "Set company information", "configuration"),
        ("UserManagement", "Other", "Download users", None),
        ("IdentityProtection", "Update", "Update risk", None),
        ("", "", "Review app", None),
    ],
)
def test_kinds_of_changes(category, operation, name, kind):
    """Category, operation type and the first word decide."""
    assert change_of_directory(category, operation, name) == kind


def test_other_categories_are_ignored():
    """What Entra also logs and nothing is read of has a reason."""
    assert read(samples.PROVISIONED) == [Ignored("category of Entra that is not read")]


def test_refusals_name_their_place():
    """A record needs a time, and to be of a kind that is read."""
    bad = [envelope("SignInLogs", "x", {}, time="soon"), {"time": "2026-03-02T09:13:00Z", "category": "X"}, 7]
    assert [each.place for each in read({"records": bad})] == ["records[0].time", "records[1].category", "records[2]"]


def test_other_documents_are_not_taken():
    """Records of subscriptions are the activity log's."""
    assert not SOURCE.recognise({"category": "Administrative", "resourceId": "/subscriptions/x"}, {})
    assert not SOURCE.recognise({"createdDateTime": "2026-03-02T09:13:00Z"}, {})


def test_one_topic_takes_both_logs_of_azure():
    """The family tells records of a subscription from those of the directory by their content."""
    other = importlib.util.spec_from_file_location("activity", REPO / "tests/contract/samples/azure_activity.py")
    activity = importlib.util.module_from_spec(other)
    other.loader.exec_module(activity)
    assert AZURE.recognise(samples.SIGN_IN, {}).name == "azure.signin"
    assert AZURE.recognise({"records": [activity.ASSIGNMENT]}, {}).name == "azure.activity"
    assert AZURE.recognise({"records": []}, {}) is None


@pytest.mark.skipif(not SHARED.exists(), reason="the shared recordings are not here")
def test_recorded_records_are_read():
    """Sample logs of a rule set: every one is recognised and read."""
    told = Counter()
    for line in SHARED.read_text().splitlines():
        log = json.loads(line)["log"]
        assert SOURCE.recognise(log, {})
        for content in read(log):
            assert not isinstance(content, Malformed)
            told[content["type"] if isinstance(content, dict) else content.reason] += 1
    assert told["activity"] == 13
    assert told["change"] >= 6
