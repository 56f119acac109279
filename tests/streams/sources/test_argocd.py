"""Argo CD: operations are deploys and rollbacks, bad health is a detection, good health its end."""

import importlib.util
from pathlib import Path

import pytest

from streams.sources.argocd import ArgoCD
from streams.sources.base import Ignored, Malformed

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/argocd.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = ArgoCD()
application, operation, SHA = samples.application, samples.operation, samples.SHA


def read(document, **headers):
    return [content for _, content in SOURCE.read(document, {k.replace("_", "-"): v for k, v in headers.items()})]


def test_a_synchronisation_is_a_deploy():
    """What was applied, from which commit and repository, by whom, with which images."""
    (draft,) = read(application(operation()), x_weir_cluster="prod-eu")
    assert draft == {
        "type": "change",
        "source_id": "0c0f3b7e-9d53-4be2-8a5b-000000000001/2026-03-02T09:12:30Z/Succeeded",
        "time": "2026-03-02T09:13:00Z",
        "domain": "kubernetes:prod-eu",
        "entities": [
            ("workload", "shop/pay-api"),
            ("resource", "k8s:applications.argoproj.io/argocd/pay"),
            ("namespace", "shop"),
            ("image", "ghcr.io/acme/pay:1.4"),
            ("repository", "acme/deploy"),
            ("commit", SHA),
            ("principal", "Ann@acme.example"),
        ],
        "title": "Argo CD sync of pay to 5b1f0c2d9e8a: succeeded",
        "kind": "deploy",
        "actor": "Ann@acme.example",
        "status": "succeeded",
        "revision": SHA,
    }


@pytest.mark.parametrize(
    ("phase", "status"),
    [("Running", "started"), ("Terminating", "started"), ("Succeeded", "succeeded"), ("Failed", "failed"),
     ("Error", "failed"), ("Odd", "unknown"), (None, "unknown")],
)  # fmt: skip
def test_each_phase_has_its_status(phase, status):
    """All phases of an operation, and unknown for what is none."""
    assert read(application(operation(phase)))[0]["status"] == status


def test_an_operation_that_brings_its_own_source_is_a_rollback():
    """A synchronisation takes the source of the application."""
    draft = read(application(samples.ROLLED_BACK))[0]
    assert (draft["kind"], draft["actor"]) == ("rollback", "argocd:admin")


def test_argo_itself_is_no_actor():
    """An automated synchronisation was nobody's decision at that moment."""
    by = {"sync": {"revision": SHA}, "initiatedBy": {"automated": True, "username": "x"}}
    assert read(application(operation(operation=by)))[0]["actor"] is None


def test_health_opens_and_fixes_one_detection():
    """Degraded and healthy share the fingerprint of the application, so that the one ends the other."""
    bad, good = read(application(None, samples.DEGRADED))[0], read(application(None, samples.HEALTHY))[0]
    assert (bad["status"], bad["severity"], bad["evidence"]) == ("open", 3, "crash loop")
    assert (good["status"], good["time"]) == ("fixed", "2026-03-02T09:20:00Z")
    assert bad["fingerprints"] == good["fingerprints"]
    assert bad["source_id"] != good["source_id"]


def test_without_a_time_of_its_own_only_bad_health_counts():
    """Before 2.14 health had no time, and every refresh would say again that all is well."""
    assert read(application(None, {"status": "Degraded"}))[0]["time"] == "2026-03-02T09:15:00Z"
    assert read(application(None, {"status": "Healthy"})) == [Ignored("application without operation and health")]


def test_without_an_operation_the_last_deployment_counts():
    """The history says when what is deployed was deployed."""
    (draft,) = read(application(history=samples.HISTORY))
    assert (draft["kind"], draft["time"], draft["revision"]) == ("deploy", "2026-03-01T10:00:00Z", SHA)


@pytest.mark.parametrize(
    ("destination", "domain"),
    [
        ({"name": "prod-us"}, "kubernetes:prod-us"),
        ({"server": "https://api.prod.acme.example:6443"}, "kubernetes:api.prod.acme.example"),
        ({"server": "https://kubernetes.default.svc"}, "kubernetes:mine"),
        ({"name": "in-cluster"}, "kubernetes:mine"),
        ({"server": "https://[x"}, "kubernetes:mine"),
    ],
)
def test_the_domain_is_the_cluster_of_the_application(destination, domain):
    """The cluster that it is deployed to, by name or host; its own one has only the name that the header gives."""
    given = application(operation())
    given["spec"] = given["spec"] | {"destination": destination}
    assert read(given, x_weir_cluster="mine")[0]["domain"] == domain


def test_a_dry_run_and_a_deleted_application_are_ignored():
    """Neither deploys anything."""
    dry = operation(operation={"sync": {"dryRun": True}})
    assert read(application(dry)) == [Ignored("dry run of a synchronisation")]
    assert read({"type": "DELETED", "object": application(operation())}) == [Ignored("application was deleted")]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"app": application(operation(startedAt=None, finishedAt="x"))}, "app.status.operationState.startedAt"),
        (application(history=[{"id": 1}]), "status.history.deployedAt"),
        ({"app": {"metadata": {}, "spec": {"destination": {}}}}, "app.metadata.name"),
        ({"items": [7]}, "items[0]"),
    ],
)
def test_an_application_is_refused_with_its_place(document, place):
    """What an operation can't do without is refused where it should have been."""
    (refused,) = read(document)
    assert isinstance(refused, Malformed)
    assert refused.place == place
