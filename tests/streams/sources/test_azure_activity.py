"""The Azure activity log: who did what to which resource, what of it is a change, and what only says that it began."""

import gzip
import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from streams.sources.azure_activity import AzureActivity
from streams.sources.azure_changes import change_of
from streams.sources.base import Ignored, Malformed

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data" / "rule-tests-panther" / "azure_activity_rules.ndjson.gz"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/azure_activity.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = AzureActivity()
record = samples.record


def read(document):
    return [content for _, content in SOURCE.read(document, {})]


def test_an_operation_is_an_activity_and_a_change():
    """Names in lower case; the object id and the token stand for the user; the subscription is account and domain."""
    activity, change = read(record("Microsoft.Compute/virtualMachines/deallocate/action"))
    assert len(activity.pop("source_id")) == 32
    assert activity == {
        "type": "activity",
        "time": "2026-03-02T09:13:00.1234567Z",
        "domain": f"azure:{samples.SUBSCRIPTION.lower()}",
        "entities": [
            ("principal", "ann@acme.example"),
            ("session", "IdP3SUJGtkGlt7dDQVRPAA"),
            ("resource", samples.SERVER.lower()),
            ("ip", "203.0.113.7"),
            ("account", samples.SUBSCRIPTION.lower()),
        ],
        "title": "ann@acme.example: microsoft.compute/virtualmachines/deallocate/action of web-1",
        "action": "azure:microsoft.compute/virtualmachines/deallocate/action",
        "actor": "ann@acme.example",
        "outcome": "success",
        "read_only": None,
        "identities": [
            ("principal", samples.ANN, "principal", "ann@acme.example"),
            ("session", "IdP3SUJGtkGlt7dDQVRPAA", "principal", "ann@acme.example"),
        ],
    }
    assert (change["kind"], change["status"]) == ("infrastructure", "succeeded")


def test_case_parts_nothing():
    """The same operation in other letters is the same event."""
    lower = record("microsoft.compute/virtualmachines/deallocate/action")
    lower |= {"operationName": lower["operationName"].lower(), "resourceId": samples.SERVER.lower()}
    assert read(lower) == read(record("Microsoft.Compute/virtualMachines/deallocate/action"))


def test_a_role_names_who_got_it():
    """The principal of a role assignment stands in the body of the request."""
    activity, change = read(samples.ASSIGNMENT)
    assert change["kind"] == "access"
    assert ("principal", samples.ROBOT) in activity["entities"]


def test_a_long_operation_is_one_activity():
    """The begin is ignored, the acceptance is a change that started, the end is activity and change."""
    assert read(samples.BEGUN) == [Ignored("begin of an operation whose end is read")]
    (started,) = read(samples.ACCEPTED)
    activity, done = read(samples.ENDED)
    assert [(each["type"], each["status"]) for each in (started, done)] == [
        ("change", "started"),
        ("change", "succeeded"),
    ]
    assert started["source_id"] != done["source_id"] == activity["source_id"]
    read_only = read(record("Microsoft.Compute/virtualMachines/runCommand/action", "Accepted"))
    assert read_only == [Ignored("acceptance of an operation whose end is read")]


def test_what_failed_changed_nothing():
    """The sub-status says why."""
    (activity,) = read(samples.REFUSED)
    assert (activity["outcome"], activity["error"], activity["severity"]) == ("failure", "Failed.Forbidden", 1)


def test_an_application_acts_under_its_object_id():
    """Without a user the service principal acts, and its application is named beside it."""
    activity, change = read(samples.BY_APP)
    assert activity["actor"] == samples.ROBOT
    assert activity["entities"][:2] == [("principal", samples.ROBOT), ("principal", samples.APP)]
    assert activity["identities"] == [("session", "k9Zx0000000000000000AA", "principal", samples.ROBOT)]
    assert change["kind"] == "secret_rotation"


def test_a_resource_log_is_an_activity():
    """The port of an address goes, the status of HTTP is the outcome, and nothing is a change."""
    (activity,) = read([samples.BLOB])
    assert ("ip", "198.51.100.9") in activity["entities"]
    assert ("user_agent", "azsdk-python-storage-blob") in activity["entities"]
    assert (activity["outcome"], activity["actor"]) == ("success", None)


def test_an_event_of_the_api():
    """The REST API's event has its own id, and its caller where there are no claims."""
    activity, change = read(samples.REST)
    assert activity["source_id"] == change["source_id"] == "f0000000-0000-4000-8000-000000000001"
    assert activity["actor"] == "bob@acme.example"
    assert ("ip", "203.0.113.8") in activity["entities"]


def test_an_alert_is_a_detection():
    """Defender's alerts are findings with their own severity."""
    (finding,) = read(samples.ALERT)
    assert (finding["type"], finding["kind"], finding["severity"], finding["status"]) == (
        "finding",
        "detection",
        4,
        "open",
    )
    assert finding["rule"] == "Suspicious double extension file executed"
    assert finding["evidence"] == "Machine logs indicate that a process ran from a file with two extensions."
    dismissed = samples.ALERT | {"operationName": "Microsoft.Security/locations/alerts/dismiss/action"}
    assert read(dismissed)[0]["status"] == "suppressed"


@pytest.mark.parametrize("category", ["ServiceHealth", "Service Health", "ResourceHealth", "Recommendation"])
def test_health_and_advice_are_ignored(category):
    """What nobody did is no activity."""
    (content,) = read(record("x/y/action", category=category, properties=None))
    assert isinstance(content, Ignored)


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("microsoft.authorization/policyexemptions/write", "policy_exception"),
        ("microsoft.authorization/policies/deny/action", None),
        ("microsoft.authorization/locks/delete", "access"),
        ("microsoft.authorization/elevateaccess/action", "access"),
        ("microsoft.containerservice/managedclusters/rbac.authorization.k8s.io/rolebindings/write", "access"),
        (
            "microsoft.network/networksecuritygroups/providers/microsoft.insights/diagnosticsettings/write",
            "configuration",
        ),
        ("microsoft.insights/actiongroups/delete", "configuration"),
        ("microsoft.storage/storageaccounts/regeneratekey/action", "secret_rotation"),
        ("microsoft.storage/storageaccounts/listkeys/action", None),
        ("microsoft.keyvault/vaults/secrets/delete", "configuration"),
        ("microsoft.web/sites/slots/slotsswap/action", "deploy"),
        ("microsoft.app/containerapps/write", "deploy"),
        ("microsoft.appconfiguration/configurationstores/keyvalues/write", "feature_flag"),
        ("microsoft.compute/virtualmachines/runcommand/action", None),
        ("microsoft.automation/automationaccounts/jobs/write", None),
        ("microsoft.resources/tags/write", None),
        ("microsoft.resources/deployments/write", "infrastructure"),
        ("microsoft.resources/deployments/validate/action", None),
        ("putblob", None),
    ],
)
def test_kinds_of_changes(operation, kind):
    """Provider, type and verb decide."""
    assert change_of(operation) == kind


def test_records_of_entra_are_left_to_their_source():
    """A record of the directory among others is ignored, and a document that begins with one is not claimed."""
    directory = record("Add member to role", category="AuditLogs")
    assert not SOURCE.recognise(directory, {})
    assert read(directory) == [Ignored("record of Microsoft Entra")]


def test_refusals_name_their_place():
    """A record needs a time and an operation."""
    contents = read({"records": [record("x", time="soon"), record("x") | {"operationName": {}}, 7]})
    assert [each.place for each in contents] == ["records[0].time", "records[1].operationName", "records[2]"]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared recordings are not here")
def test_recorded_events_are_read():
    """Sample logs of a rule set: each is recognised and read, or ignored for a stated reason."""
    told = Counter()
    with gzip.open(SHARED, "rt") as lines:
        for line in lines:
            log = json.loads(line)["log"]
            assert SOURCE.recognise(log, {})
            for content in read(log):
                assert not isinstance(content, Malformed)
                told[content["type"] if isinstance(content, dict) else content.reason] += 1
    assert told["activity"] >= 115
    assert told["change"] >= 70
    assert set(told) == {"activity", "change", "recommendation of Advisor"}
