"""Cloud Audit Logs: who called what of which project, on whose behalf, and what of it is a change."""

import gzip
import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from streams.sources.base import Malformed
from streams.sources.gcp_audit import GcpAudit
from streams.sources.gcp_changes import change_of, object_of

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data" / "rule-tests-panther"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/gcp_audit.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = GcpAudit()
entry, pushed, ROBOT, PROJECT = samples.entry, samples.pushed, samples.ROBOT, samples.PROJECT


def read(document):
    return [content for _, content in SOURCE.read(document, {})]


def test_a_deploy_is_an_activity_and_a_change():
    """The caller, the resource by its full name, the address, the client and the project; the deploy has begun."""
    activity, change = read(samples.DEPLOYED)
    assert len(activity.pop("source_id")) == 32
    assert activity == {
        "type": "activity",
        "time": "2026-03-02T09:13:00.123456789Z",
        "domain": f"gcp:{PROJECT}",
        "entities": [
            ("principal", "ann@acme.example"),
            ("resource", f"//run.googleapis.com/{samples.SERVICE}"),
            ("ip", "203.0.113.7"),
            ("user_agent", "google-cloud-sdk"),
            ("account", PROJECT),
        ],
        "title": "ann@acme.example: run UpdateService pay",
        "action": "gcp.run:google.cloud.run.v2.Services.UpdateService",
        "actor": "ann@acme.example",
        "outcome": "success",
        "read_only": False,
    }
    assert (change["kind"], change["status"], change["action"]) == ("deploy", "started", activity["action"])


def test_a_policy_names_who_was_given_a_role():
    """Members of the delta are principals of the event; everybody is not one."""
    activity, change = read(samples.POLICY)
    assert change["kind"] == "access"
    assert ("principal", "eve@evil.example") in activity["entities"]
    assert not any("allUsers" in name for _, name in activity["entities"])
    assert not any(kind == "resource" for kind, _ in activity["entities"])


def test_a_new_key_stands_for_its_account():
    """The key that a call made is known by its id, and belongs to the service account in its name."""
    activity, change = read(samples.NEW_KEY)
    number = samples.KEY_NAME.rpartition("/")[2]
    assert change["kind"] == "access"
    assert activity["identities"] == [("access_key", number, "principal", ROBOT)]
    assert ("principal", ROBOT) in activity["entities"]


def test_a_key_that_acts_stands_for_its_account():
    """A call with a key names it; reading an object is no change."""
    (activity,) = read(samples.BY_KEY)
    assert activity["read_only"] is True
    assert activity["identities"] == [("access_key", samples.KEY_NAME.rpartition("/")[2], "principal", ROBOT)]


def test_who_delegated_is_linked_and_not_equated():
    """Those on whose behalf a service account acts are principals; the account stands for none of them."""
    activity, change = read(samples.IMPERSONATED)
    assert activity["actor"] == ROBOT
    assert activity["entities"][:3] == [
        ("principal", ROBOT),
        ("principal", f"ci@{PROJECT}.iam.gserviceaccount.com"),
        ("principal", "bob@acme.example"),
    ]
    assert "identities" not in activity
    assert (change["kind"], change["status"]) == ("infrastructure", "started")


def test_the_end_of_an_operation():
    """The last entry says that the change is done."""
    assert read(samples.ENDED)[1]["status"] == "succeeded"


def test_a_refused_call_changes_nothing():
    """The code's name is the error, and the message stays out."""
    (activity,) = read(samples.REFUSED)
    assert (activity["outcome"], activity["error"], activity["severity"]) == ("failure", "PERMISSION_DENIED", 1)
    assert "Permission denied on" not in str(activity)


def test_a_denial_by_policy_is_a_failure():
    """An entry of the policy log says that a perimeter stopped the call."""
    (activity,) = read(samples.PERIMETER)
    assert (activity["outcome"], activity["error"]) == ("failure", "DENIED")


def test_a_system_event_is_nobodys_change():
    """What Google does by itself is an activity."""
    (activity,) = read(samples.MOVED)
    assert (activity["type"], activity["read_only"]) == ("activity", False)


def test_a_call_to_a_cluster_is_named_as_its_audit_log_names_it():
    """Calls through GKE have the workload and namespace as entities, and the change is a rollout."""
    activity, change = read(samples.CLUSTER)
    assert activity["action"] == "k8s:patch deployments"
    assert ("workload", "shop/pay-api") in activity["entities"]
    assert (change["kind"], change["status"]) == ("deploy", "started")


@pytest.mark.parametrize(
    "who", ["system:serviceaccount:kube-system:replicaset-controller", "system:serviceaccount:shop:operator"]
)
def test_the_work_of_controllers_is_no_change(who):
    """Pods made by the control plane or by a service account carry out what was decided before."""
    call = entry("k8s.io", "io.k8s.core.v1.pods.create", "core/v1/namespaces/shop/pods/pay-1")
    call["protoPayload"]["authenticationInfo"] = {"principalEmail": who}
    (activity,) = read(call)
    assert activity["actor"] == who


def test_a_federated_identity_and_an_organisation():
    """Without an e-mail address the subject is the principal; an organisation's log is its own domain."""
    activity, _ = read(samples.FEDERATED)
    assert activity["actor"].startswith("principal://iam.googleapis.com/")
    assert activity["domain"] == "gcp:organizations/4711"


def test_a_pushed_message_is_the_same_event():
    """What Pub/Sub pushes in base64 reads as the bare entry; what is none is refused."""
    assert read(pushed(samples.DEPLOYED)) == read(samples.DEPLOYED)
    broken = pushed(samples.DEPLOYED)
    broken["message"]["data"] = "no base64"
    assert not SOURCE.recognise(broken, {})
    assert read(broken) == [Malformed("message.data", "not a log entry")]


def test_duplicates_have_one_key_and_others_their_own():
    """Log name, time and insertId part events; an entry without id has a digest of its own."""
    again = dict(samples.DEPLOYED, receiveTimestamp="2026-03-02T10:00:00Z")
    assert read(again)[0]["source_id"] == read(samples.DEPLOYED)[0]["source_id"]
    other = dict(samples.DEPLOYED, insertId="other")
    bare = {name: value for name, value in other.items() if name != "insertId"}
    assert len({read(each)[0]["source_id"] for each in (samples.DEPLOYED, other, bare)}) == 3


@pytest.mark.parametrize(
    ("service", "method", "log", "kind"),
    [
        ("secretmanager", "google.cloud.secretmanager.v1.Service.AddSecretVersion", "activity", "secret_rotation"),
        ("secretmanager", "google.cloud.secretmanager.v1.Service.CreateSecret", "activity", "configuration"),
        ("cloudkms", "DestroyCryptoKeyVersion", "activity", "secret_rotation"),
        ("logging", "google.logging.v2.ConfigServiceV2.DeleteSink", "activity", "configuration"),
        ("logging", "google.logging.v2.ConfigServiceV2.ListSinks", "activity", None),
        ("storage", "storage.setIamPermissions", "activity", "access"),
        ("storage", "storage.buckets.update", "activity", "configuration"),
        ("storage", "storage.buckets.create", "activity", "infrastructure"),
        ("storage", "storage.objects.delete", "data_access", None),
        ("storage", "storage.objects.delete", "", None),
        ("compute", "v1.compute.instances.setMetadata", "activity", "configuration"),
        ("compute", "v1.compute.instances.aggregatedList", "activity", None),
        ("compute", "v1.compute.disks.getIamPolicy", "", None),
        ("clouddeploy", "google.cloud.deploy.v1.CloudDeploy.RollbackTarget", "activity", "rollback"),
        ("cloudbuild", "google.devtools.cloudbuild.v1.CloudBuild.CreateBuild", "activity", "code"),
        ("sqladmin", "cloudsql.instances.update", "", "infrastructure"),
        ("login", "google.login.LoginService.loginSuccess", "activity", None),
        ("whatever", "x.y.Frobnicate", "", None),
    ],
)  # fmt: skip
def test_kinds_of_changes(service, method, log, kind):
    """Service and call decide; without the log's name only verbs that plainly write count."""
    made = change_of(service, method, log)
    assert (made and made.kind) == kind


def test_cluster_wide_objects_have_no_namespace():
    """A namespace is an object itself where nothing follows it."""
    assert object_of("io.k8s.core.v1.namespaces.create", "core/v1/namespaces/shop")[2:5] == ("namespaces", "", "shop")
    assert object_of("io.k8s.core.v1.nodes.list", "core/v1/nodes")[2:5] == ("nodes", "", "")
    assert object_of("io.k8s.x", "core") is None


def test_refusals_name_their_place():
    """An entry needs a time and the name of a method."""
    without = [
        dict(samples.DEPLOYED, timestamp=None, receiveTimestamp=7),
        dict(samples.DEPLOYED, protoPayload={"a": 1}),
    ]
    assert [each.place for each in read(without)] == ["[0].timestamp", "[1].protoPayload.methodName"]
    assert read({"entries": 7})[0].place == "entries"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared recordings are not here")
def test_recorded_entries_are_read():
    """Sample entries of a rule set: all that have a time and a method are read, and what is not says why."""
    told, refused = Counter(), Counter()
    for name, opener in (("gcp_audit_rules.ndjson.gz", gzip.open), ("gcp_k8s_rules.ndjson", open)):
        with opener(SHARED / name, "rt") as lines:
            for line in lines:
                log = json.loads(line)["log"]
                if not SOURCE.recognise(log, {}):
                    told["not recognised"] += 1
                    continue
                for content in read(log):
                    told[content["type"] if isinstance(content, dict) else "malformed"] += 1
                    if isinstance(content, Malformed):
                        refused[content.place] += 1
    assert set(refused) <= {"timestamp", "protoPayload.methodName"}
    assert told["activity"] >= 55
    assert told["change"] >= 30
