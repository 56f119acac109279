"""The Kubernetes audit log: requests are activities, once each; what they alter on somebody's decision are changes."""

import csv
import gzip
import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.kubernetes_audit import KubernetesAudit

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data"
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/kubernetes_audit.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = KubernetesAudit()
reference = samples.reference


def read(event, **headers):
    return [content for _, content in SOURCE.read(event, {name.replace("_", "-"): v for name, v in headers.items()})]


def change(event):
    found = [content for content in read(event) if isinstance(content, dict) and content["type"] == "change"]
    return (found[0]["kind"], found[0]["status"], found[0]["revision"]) if found else None


def test_a_request_is_an_activity():
    """Who asked for what, from where and with what, in the cluster that the header names."""
    assert read(samples.event(), x_weir_cluster="prod-eu") == [
        {
            "type": "activity",
            "source_id": "6f2d1c04-58a7-4a43-9d52-000000000001",
            "time": "2026-03-02T09:13:00.123456Z",
            "domain": "kubernetes:prod-eu",
            "entities": [
                ("principal", "ann@acme.example"),
                ("resource", "k8s:secrets/shop/db"),
                ("namespace", "shop"),
                ("ip", "198.51.100.20"),
                ("user_agent", "kubectl"),
            ],
            "title": "ann@acme.example: get secrets shop/db",
            "action": "k8s:get secrets",
            "actor": "ann@acme.example",
            "outcome": "success",
            "read_only": True,
        }
    ]


def test_a_service_account_brings_its_pod_node_and_token():
    """What the token was bound to is named, the pod stands for its workload, and a refusal is a failure."""
    (draft,) = read(samples.REFUSED)
    assert draft["entities"] == [
        ("principal", samples.ROBOT),
        ("workload", f"shop/{samples.POD}"),
        ("host", "worker-1"),
        ("access_key", "JTI=0b0c"),
        ("ip", "10.4.0.9"),
        ("user_agent", "pay"),
    ]
    assert draft["identities"] == [("workload", f"shop/{samples.POD}", "workload", "shop/pay-api")]
    assert (draft["outcome"], draft["error"], draft["severity"]) == ("failure", "Forbidden", 1)
    assert draft["title"] == f"{samples.ROBOT}: list secrets: Forbidden"


def test_a_token_that_was_issued_stands_for_its_service_account():
    """The request that made a token says whose it is, so that its use leads back to who asked for it."""
    activity = read(samples.TOKEN)[0]
    assert activity["identities"] == [("access_key", "JTI=0b0c", "principal", samples.ROBOT)]
    assert change(samples.TOKEN) is None


def test_an_iam_identity_of_eks_is_named_by_arn_and_key():
    """EKS adds ARN and access key of the caller, by which the cluster's log meets CloudTrail."""
    arn = "arn:aws:sts::111122223333:assumed-role/ops/ann"
    extra = {"arn": [arn], "accessKeyId": ["ASIAEXAMPLEEXAMPLE77"], "sessionName": ["ann"]}
    (draft,) = read(samples.event(user={"username": "ops", "extra": extra}))
    assert ("session", arn) in draft["entities"]
    assert ("access_key", "ASIAEXAMPLEEXAMPLE77") in draft["entities"]


def test_an_impersonated_user_is_named_beside_the_real_one():
    """The actor is who logged in, not who he claims to be."""
    (draft,) = read(samples.event(impersonatedUser={"username": "system:admin", "groups": ["system:masters"]}))
    assert draft["actor"] == "ann@acme.example"
    assert ("principal", "system:admin") in draft["entities"]


@pytest.mark.parametrize(
    ("verb", "ref", "expected"),
    [
        ("patch", reference("deployments", "pay", apiGroup="apps"), ("deploy", "started", None)),
        ("delete", reference("statefulsets", "db", apiGroup="apps"), ("deploy", "succeeded", None)),
        ("create", reference("rolebindings", "x", apiGroup="rbac.authorization.k8s.io"), ("access", "succeeded", None)),
        ("update", reference("secrets", "db"), ("secret_rotation", "succeeded", None)),
        ("create", reference("secrets", "db"), ("configuration", "succeeded", None)),
        ("delete", reference("networkpolicies", "x", apiGroup="networking.k8s.io"),
         ("infrastructure", "succeeded", None)),
        ("patch", reference("configmaps", "flags"), ("configuration", "succeeded", None)),
        ("patch", reference("deployments", "pay", subresource="scale"), ("configuration", "succeeded", None)),
        ("create", reference("deployments", "pay", subresource="rollback"), ("rollback", "succeeded", None)),
        ("create", reference("policyexceptions", "x", apiGroup="kyverno.io"), ("policy_exception", "succeeded", None)),
        ("patch", reference("certificates", "x", apiGroup="cert-manager.io"), ("configuration", "succeeded", None)),
        ("delete", reference("pods", "pay-0"), ("deploy", "succeeded", None)),
        ("create", reference("secrets", "sh.helm.release.v1.pay.v7"), ("deploy", "started", "pay v7")),
        ("update", reference("secrets", "sh.helm.release.v1.pay.v7"), None),
        ("patch", reference("deployments", "pay", subresource="status"), None),
        ("update", reference("configmaps", "ingress-controller-leader"), None),
        ("get", reference("deployments", "pay"), None),
        ("create", reference("subjectaccessreviews", None, None, apiGroup="authorization.k8s.io"), None),
        ("create", reference("pods", "pay-0", subresource="exec"), None),
    ],
)  # fmt: skip
def test_what_a_person_alters_is_a_change(verb, ref, expected):
    """Workloads, access, secrets, network, configuration and custom resources; not reads, status, locks, questions."""
    assert change(samples.event(verb, objectRef=ref)) == expected


@pytest.mark.parametrize(
    ("user", "verb", "ref", "counts"),
    [
        ("system:serviceaccount:kube-system:deployment-controller", "create", reference("replicasets", "x"), False),
        ("system:node:worker-1", "patch", reference("nodes", "worker-1", None), False),
        ("system:kube-controller-manager", "create", reference("secrets", "x"), False),
        ("system:serviceaccount:argocd:application-controller", "patch", reference("deployments", "x"), True),
        ("system:serviceaccount:argocd:application-controller", "patch", reference("configmaps", "x"), True),
        ("system:serviceaccount:mon:operator", "update", reference("services", "x"), False),
        ("system:serviceaccount:mon:operator", "create", reference("pods", "x"), False),
        ("system:serviceaccount:mon:operator", "update", reference("clusterroles", "x", None), True),
        ("system:anonymous", "create", reference("namespaces", "x", None), True),
    ],
)
def test_the_control_plane_and_loops_change_nothing(user, verb, ref, counts):
    """Controllers carry out what was decided, and operators update what they own all day; deploy tools patch."""
    assert (change(samples.event(verb, objectRef=ref, user={"username": user})) is not None) is counts


def test_a_dry_run_or_a_failure_changes_nothing():
    """Only what was done counts."""
    ref = reference("deployments", "pay")
    assert change(samples.event("patch", objectRef=ref, requestURI="/apis/apps/v1/x?dryRun=All")) is None
    assert change(samples.event("patch", objectRef=ref, responseStatus={"code": 409, "reason": "Conflict"})) is None


def test_a_rollout_names_its_image_and_undo_is_a_rollback():
    """The image of the template is the revision; kubectl undoes a rollout by replacing template and annotations."""
    activity, altered = read(samples.ROLLOUT)
    assert altered["revision"] == "ghcr.io/acme/pay:1.4"
    assert ("image", "ghcr.io/acme/pay:1.4") in activity["entities"]
    assert ("workload", "shop/pay-api") in altered["entities"]
    patch = [
        {"op": "replace", "path": "/spec/template", "value": {}},
        {"op": "replace", "path": "/metadata/annotations", "value": {}},
    ]
    assert change(samples.ROLLOUT | {"requestObject": patch})[0] == "rollback"
    helm = {"metadata": {"labels": {"owner": "helm", "status": "pending-rollback"}}}
    assert change(samples.HELM | {"requestObject": helm}) == ("rollback", "started", "pay v7")


def test_a_binding_names_whom_it_gives_which_role():
    """Subjects and role are entities, so that what the account does next is linked to it."""
    entities = read(samples.BINDING)[1]["entities"]
    assert ("principal", samples.ROBOT) in entities
    assert ("principal", "bob@acme.example") in entities
    assert ("resource", "k8s:clusterroles/cluster-admin") in entities
    assert ("resource", "k8s:clusterrolebindings/pay-admin") in entities


def test_a_pod_stands_for_the_owner_that_its_object_names():
    """Where the name alone leaves a doubt, the owner of the logged object decides."""
    pod = {"metadata": {"name": "db-0", "ownerReferences": [{"kind": "StatefulSet", "name": "db", "controller": True}]}}
    event = samples.event("create", objectRef=reference("pods", "db-0"), responseObject=pod)
    assert read(event)[0]["identities"] == [("workload", "shop/db-0", "workload", "shop/db")]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"stage": "RequestReceived", "responseStatus": None}, "request received; its answer is read"),
        ({"stage": "ResponseStarted", "verb": "watch"}, "begin of a request whose end is read"),
        ({"objectRef": reference("leases", "x", apiGroup="coordination.k8s.io"), "verb": "update"}, "lease"),
        ({"objectRef": reference("events", "x"), "verb": "create"}, "writing of an event"),
        ({"objectRef": None, "requestURI": "/readyz?verbose"}, "health check"),
    ],
)
def test_what_says_nothing_is_ignored(fields, reason):
    """Stages that another follows, health checks, leases and the writing of events are counted."""
    assert read(samples.event(**fields)) == [Ignored(reason)]


def test_a_refused_lease_or_health_check_is_read():
    """What is routine while it succeeds is not when it is refused."""
    refused = {"code": 403, "reason": "Forbidden"}
    (draft,) = read(samples.event(objectRef=None, requestURI="/healthz", responseStatus=refused))
    assert (draft["action"], draft["outcome"]) == ("k8s:get /healthz", "failure")


def test_begin_and_end_of_an_exec_are_one_event():
    """A shell counts from its begin on; its end, hours later, has the same key."""
    begin, end = read(samples.EXEC), read(samples.EXEC | {"stage": "ResponseComplete"})
    assert begin[0]["action"] == "k8s:create pods/exec"
    assert begin[0]["source_id"] == end[0]["source_id"]
    assert begin[0]["read_only"] is False


def test_a_watch_has_the_time_of_its_end():
    """A watch is written when it ends, up to an hour after it was asked for."""
    watch = samples.event("watch", stageTimestamp="2026-03-02T09:23:00.000000Z")
    assert read(watch)[0]["time"] == "2026-03-02T09:23:00.000000Z"


def test_probing_of_paths_gives_no_end_of_actions():
    """Paths outside the API are one action; the loopback address is no entity."""
    event = samples.event(objectRef=None, requestURI="/etc/passwd", sourceIPs=["127.0.0.1"])
    (draft,) = read(event)
    assert draft["action"] == "k8s:get another path"
    assert not [each for each in draft["entities"] if each[0] == "ip"]


def test_a_row_of_a_table_is_the_event_it_was_made_of():
    """Columns are paths; namespace and group come from the URI, the name of what was made from the answer."""
    activity, altered = read(samples.ROW)
    assert ("workload", "shop/pay-api") in activity["entities"]
    assert (altered["kind"], altered["actor"]) == ("deploy", "kubernetes-admin")


@pytest.mark.parametrize(
    ("event", "place"),
    [
        (samples.event(auditID=""), "auditID"),
        (samples.event(stage="Done"), "stage"),
        (samples.event(requestReceivedTimestamp="today", stageTimestamp=None), "requestReceivedTimestamp"),
        (samples.event(verb=["get"]), "verb"),
        (samples.event(objectRef={"name": "x"}), "objectRef"),
        (samples.event(objectRef=None, requestURI=None), "requestURI"),
        ({"items": [samples.event(), 7]}, "items[1]"),
        ({"items": [samples.event(auditID=None)]}, "items[0].auditID"),
        ({"items": 7}, "items"),
    ],
)
def test_an_event_is_refused_with_its_place(event, place):
    """What an event can't do without is refused where it should have been."""
    refused = [content for content in read(event) if isinstance(content, Malformed)]
    assert [content.place for content in refused] == [place]


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the sample data in ../shared")
def test_falcos_recorded_requests_are_read():
    """Every recorded request is read; those that a person made to alter something are changes of the right kind."""
    kinds = Counter()
    for path in sorted((SHARED / "k8s-audit-falco" / "events").glob("*.json")):
        for event in filter(None, map(str.strip, path.read_text().split("\n"))):
            document = json.loads(event)
            if "auditID" not in document:  # a test of Falco's own for an event that is none
                assert not SOURCE.recognise(document, {})
                continue
            assert SOURCE.recognise(document, {})
            kinds.update(content["type"] + content.get("kind", "") for content in read(document))
    assert kinds == {
        "activity": 51,
        "changeaccess": 15,
        "changeconfiguration": 12,
        "changedeploy": 2,
        "changeinfrastructure": 8,
    }


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the sample data in ../shared")
def test_helm_installations_in_a_recorded_cluster_are_deploys():
    """Of ten thousand requests none is refused, and each installed chart is a deploy in its namespace."""
    deploys = {}
    with gzip.open(SHARED / "k8s-audit-helm" / "audit.csv.gz", "rt") as table:
        for row in csv.DictReader(table):
            assert SOURCE.recognise(row, {})
            for content in read(row):
                assert not isinstance(content, Malformed)
                if isinstance(content, dict) and content["type"] == "change" and " v" in str(content["revision"]):
                    deploys[dict(content["entities"])["namespace"]] = content["revision"]
    assert deploys == {
        "kube-prometheus-stack": "my-kube-prometheus-stack v1",
        "ingress-nginx": "my-ingress-nginx v1",
        "cert-manager": "my-cert-manager v1",
    }
