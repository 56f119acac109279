"""Kubernetes Events: what is broken is a detection, what is rolled out or scaled a change, the rest is activity."""

import importlib.util
from pathlib import Path

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.kubernetes_events import KubernetesEvents
from streams.sources.parse import parse

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data" / "runtime-fixtures" / "kubernetes_event_metricbeat.json"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/kubernetes_events.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = KubernetesEvents()
event, POD = samples.event, samples.POD


def read(document, headers=None):
    ((_, content),) = SOURCE.read(document, headers or {})
    return content


def test_out_of_memory_is_a_detection_on_the_node():
    """A warning about something broken is a finding of the cluster, with the message as evidence."""
    assert read(samples.OOM, {"x-weir-cluster": "prod-eu"}) == {
        "type": "finding",
        "kind": "detection",
        "source_id": "0c0f3b7e-9d53-4be2-8a5b-6d1f00000001/3",
        "time": "2026-03-02T09:13:00Z",
        "domain": "kubernetes:prod-eu",
        "entities": [("host", "worker-1")],
        "title": "OOMKilling of Node worker-1: Memory cgroup out of memory: Killed process 4711 (java)",
        "rule": "OOMKilling",
        "severity": 3,
        "reporter": "kubernetes",
        "location": "Node worker-1",
        "evidence": "Memory cgroup out of memory: Killed process 4711 (java)",
    }


def test_a_failed_pull_names_pod_workload_and_image():
    """The pod stands for its workload, and the image is what the message quotes."""
    draft = read(samples.PULL)
    assert (draft["type"], draft["rule"], draft["severity"]) == ("finding", "Failed", 3)
    assert draft["entities"] == [
        ("workload", f"shop/{POD}"),
        ("namespace", "shop"),
        ("image", "ghcr.io/acme/pay:1.5"),
        ("host", "worker-1"),
    ]
    assert draft["identities"] == [("workload", f"shop/{POD}", "workload", "shop/pay-api")]


@pytest.mark.parametrize(
    ("reason", "message", "kind", "expected"),
    [
        ("ScalingReplicaSet", "Scaled up replica set pay-7d9 from 0 to 1", "Deployment", ("deploy", "started")),
        ("ScalingReplicaSet", "Scaled up replica set pay-7d9 to 1", "Deployment", ("deploy", "started")),
        ("ScalingReplicaSet", "Scaled up replica set pay-7d9 from 2 to 5", "Deployment",
         ("configuration", "succeeded")),
        ("ScalingReplicaSet", "Scaled down replica set pay-7d9 from 2 to 0", "Deployment", None),
        ("SuccessfulRescale", "New size: 5", "HorizontalPodAutoscaler", ("configuration", "succeeded")),
        ("DeploymentRollback", 'Rolled back deployment "pay" to revision 2', "Deployment", ("rollback", "started")),
        ("Killing", "Container api definition changed, will be restarted", "Pod", ("deploy", "started")),
        ("Killing", "Stopping container api", "Pod", None),
        ("Pulled", 'Successfully pulled image "nginx:1.27" in 1s', "Pod", None),
    ],
)  # fmt: skip
def test_rollouts_and_scalings_are_changes(reason, message, kind, expected):
    """A replica set that is scaled up from nothing is a rollout; what it replaces is no change of its own."""
    draft = read(event(reason, message, kind, "pay"))
    assert (expected is not None) is (draft["type"] == "change")
    if expected:
        assert (draft["kind"], draft["status"]) == expected


def test_an_image_that_was_pulled_is_an_activity_with_its_digest():
    """The tag stands for the digest where the message says both."""
    exact = "sha256:" + "0123456789abcdef" * 4
    draft = read(event("Pulled", f'Successfully pulled image "nginx:1.27" with digest "nginx@{exact}"'))
    assert (draft["type"], draft["action"], draft["outcome"]) == ("activity", "k8s-event:Pulled", "success")
    assert ("image", "nginx:1.27", "image", f"nginx@{exact}") in draft["identities"]


def test_other_warnings_are_failed_activities():
    """A warning that is not about something broken is an activity that failed; a repeat has a key of its own."""
    draft = read(samples.BEAT)
    assert (draft["action"], draft["outcome"], draft["error"]) == ("k8s-event:Unhealthy", "failure", "Unhealthy")
    assert draft["source_id"].endswith("/1")


def test_the_newer_version_is_read_alike():
    """``regarding``, ``note`` and ``series`` are the newer names; the time is that of the last occurrence."""
    draft = read(samples.NEWER)
    assert (draft["kind"], draft["time"]) == ("configuration", "2026-03-02T09:14:00.000001Z")
    assert draft["source_id"] == "0c0f3b7e-0000-4be2-8a5b-6d1f00000002/5"


def test_what_expires_or_elects_is_ignored():
    """An Event that is deleted after its hour did not happen again."""
    assert read({"type": "DELETED", "object": samples.SCALED}) == Ignored("event that expired")
    assert read(event("LeaderElection", "x became leader", "Lease", "x")) == Ignored("election of a leader")


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (event("Killing", "x", involvedObject={"name": "x"}), "involvedObject.kind"),
        (event("", "x"), "reason"),
        (event("Killing", "x", lastTimestamp=None, firstTimestamp=None, metadata={}), "lastTimestamp"),
        ({"kind": "EventList", "items": [7]}, "items[0]"),
        ({"type": "ADDED", "object": event("", "x")}, "object.reason"),
    ],
)
def test_an_event_is_refused_with_its_place(document, place):
    """What an Event can't do without is refused where it should have been."""
    refused = read(document)
    assert isinstance(refused, Malformed)
    assert refused.place == place


@pytest.mark.skipif(not SHARED.is_file(), reason="needs the sample data in ../shared")
def test_an_event_as_metricbeat_ships_it_is_read():
    """The recorded document is an activity of its replica set, and the pod it made stands for none: the hash is old."""
    document = parse(SHARED.read_bytes())
    assert SOURCE.recognise(document, {})
    draft = read(document)
    assert (draft["action"], draft["time"]) == ("k8s-event:SuccessfulCreate", "2017-05-16T17:30:09Z")
    assert ("workload", "default/prometheus-2552087900") in draft["entities"]
    assert ("workload", "default/prometheus-2552087900-9fxh6") in draft["entities"]
