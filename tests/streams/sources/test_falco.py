"""Falco: alerts are detections with what they name, flat fields or nested."""

import importlib.util
from pathlib import Path

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.falco import Falco
from streams.sources.parse import parse

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data" / "runtime-fixtures" / "falco_alert.json"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/falco.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Falco()
alert, POD = samples.alert, samples.POD
EXACT = "ghcr.io/acme/pay@sha256:" + "0123456789abcdef" * 4


def read(document, headers=None):
    ((_, content),) = SOURCE.read(document, headers or {})
    return content


def test_an_alert_is_a_detection():
    """Rule, severity, pod, image, user and host; ATT&CK in the evidence; pod and tag stand for what they are."""
    draft = read(alert(), {"x-weir-cluster": "prod-eu"})
    assert len(draft.pop("source_id")) == 32
    assert draft == {
        "type": "finding",
        "kind": "detection",
        "time": "2026-03-02T09:13:00.123456789Z",
        "domain": "kubernetes:prod-eu",
        "entities": [
            ("workload", f"shop/{POD}"),
            ("namespace", "shop"),
            ("image", EXACT),
            ("principal", "app"),
            ("host", "worker-1"),
        ],
        "identities": [
            ("workload", f"shop/{POD}", "workload", "shop/pay-api"),
            ("image", "ghcr.io/acme/pay:1.4", "image", EXACT),
        ],
        "title": "Terminal shell in container: Shell in a container",
        "rule": "Terminal shell in container",
        "severity": 5,
        "reporter": "falco",
        "location": "api",
        "evidence": f"Shell in a container (user=app command=sh -i pod={POD}) ATT&CK: T1059, execution",
    }


@pytest.mark.parametrize(
    ("priority", "severity"),
    [("Emergency", 6), ("Alert", 5), ("Critical", 5), ("Error", 4), ("Warning", 3), ("Notice", 2),
     ("Informational", 1), ("Debug", 1), ("odd", 0), (None, 0)],
)  # fmt: skip
def test_each_priority_has_its_severity(priority, severity):
    """All eight priorities of Falco, and 0 for what is none."""
    assert read(alert(priority=priority))["severity"] == severity


def test_nested_fields_are_the_same_fields():
    """A pipeline that nests ``k8s.pod.name`` changes nothing; root is no entity, a file is one."""
    draft = read(samples.NESTED)
    assert draft["entities"] == [
        ("workload", f"shop/{POD}"),
        ("namespace", "shop"),
        ("image", "nginx:latest"),
        ("file", "/etc/shadow"),
        ("host", "worker-1"),
    ]


def test_an_alert_outside_containers_is_of_its_host():
    """What Falco could not tell (``<NA>``, null) is absent, and a connection's ends are no file."""
    draft = read(samples.ON_HOST)
    assert draft["domain"] == "host:worker-1"
    assert draft["entities"] == [("ip", "203.0.113.9"), ("host", "worker-1")]


@pytest.mark.parametrize(
    ("fields", "headers", "domain"),
    [
        ({"ka.user.name": "ann", "ka.target.namespace": "shop"}, {}, "kubernetes:unnamed"),
        ({"k8s.cluster.name": "prod-eu"}, {}, "kubernetes:prod-eu"),
        ({"k8s.cluster.name": "prod-eu"}, {"x-weir-cluster": "prod"}, "kubernetes:prod"),
        ({"user.name": "ann"}, {"x-weir-cluster": "prod"}, "kubernetes:prod"),
        ({"user.name": "ann"}, {}, "host:worker-1"),
    ],
)
def test_the_domain_is_the_cluster_or_the_host(fields, headers, domain):
    """An alert on the audit log is of the cluster, too; the header decides, then the field, then the host."""
    assert read(alert(output_fields=fields), headers)["domain"] == domain


def test_keys_part_alerts_and_join_deliveries():
    """The same alert has one key however its fields are ordered; another nanosecond is another alert."""
    fields = dict(reversed(alert()["output_fields"].items()))
    key = read(alert())["source_id"]
    assert read(alert(output_fields=fields))["source_id"] == key
    assert read(alert(time="2026-03-02T09:13:00.123456788Z"))["source_id"] != key
    assert read(alert(uuid="u-1"))["source_id"] == "u-1"


def test_falcos_word_on_itself_is_ignored():
    """Dropped events are no detection."""
    assert read(samples.DROPPED) == Ignored("Falco's word on itself")


@pytest.mark.parametrize(
    ("document", "place"), [(alert(time="now"), "time"), (alert(rule=""), "rule"), ([7], "[0]"), (7, "")]
)
def test_an_alert_is_refused_with_its_place(document, place):
    """An alert needs rule and time."""
    refused = read(document)
    assert isinstance(refused, Malformed)
    assert refused.place == place


@pytest.mark.skipif(not SHARED.is_file(), reason="needs the sample data in ../shared")
def test_a_recorded_alert_is_read():
    """Rule, technique, file and workload of the recorded alert."""
    document = parse(SHARED.read_bytes())
    assert SOURCE.recognise(document, {})
    draft = read(document)
    assert (draft["rule"], draft["severity"]) == ("Read sensitive file untrusted", 3)
    assert draft["evidence"].endswith("ATT&CK: T1555, credential access")
    assert ("file", "/etc/shadow") in draft["entities"]
    assert draft["identities"] == [("workload", "default/nginx-7854ff8877-vrlrs", "workload", "default/nginx")]
