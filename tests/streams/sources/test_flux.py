"""Flux: what Kustomizations and HelmReleases bring is deployed, everything else is activity."""

import importlib.util
from pathlib import Path

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.flux import Flux

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/flux.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Flux()
event, SHA = samples.event, samples.SHA


def read(document, headers=None):
    ((_, content),) = SOURCE.read(document, headers or {})
    return content


def test_what_is_applied_is_a_deploy_that_started():
    """The workloads that the message lists as changed, and the commit they come from."""
    draft = read(samples.APPLIED, {"x-weir-cluster": "prod-us"})
    assert len(draft.pop("source_id")) == 32
    assert draft == {
        "type": "change",
        "time": "2026-03-02T09:13:00Z",
        "domain": "kubernetes:prod-us",
        "entities": [
            ("workload", "shop/pay-api"),
            ("resource", "k8s:kustomizations.kustomize.toolkit.fluxcd.io/shop/pay"),
            ("namespace", "shop"),
            ("commit", SHA),
        ],
        "title": "Progressing of Kustomization shop/pay: Deployment/shop/pay-api configured Service/shop/pay created"
        " HorizontalPodAutoscaler/shop/pay unchanged",
        "kind": "deploy",
        "actor": None,
        "status": "started",
        "revision": f"main@sha1:{SHA}",
        "action": "flux:Progressing",
    }


@pytest.mark.parametrize(
    ("reason", "severity", "kind", "expected"),
    [
        ("ReconciliationSucceeded", "info", "Kustomization", ("deploy", "succeeded")),
        ("HealthCheckFailed", "error", "Kustomization", ("deploy", "failed")),
        ("DependencyNotReady", "error", "Kustomization", None),
        ("InstallSucceeded", "info", "HelmRelease", ("deploy", "succeeded")),
        ("UpgradeFailed", "error", "HelmRelease", ("deploy", "failed")),
        ("RollbackSucceeded", "info", "HelmRelease", ("rollback", "succeeded")),
        ("UninstallFailed", "error", "HelmRelease", ("deploy", "failed")),
        ("TestFailed", "error", "HelmRelease", None),
        ("NewArtifact", "info", "GitRepository", None),
    ],
)
def test_each_reason_is_a_change_or_an_activity(reason, severity, kind, expected):
    """Installed, upgraded, rolled back, applied; a failed activity has the reason as its error."""
    draft = read(event(reason, severity, kind))
    if expected:
        assert (draft["kind"], draft["status"]) == expected
    else:
        assert (draft["type"], draft["action"]) == ("activity", f"flux:{reason}")
        assert draft["outcome"] == ("failure" if severity == "error" else "success")


def test_the_alert_may_name_the_cluster():
    """Metadata that an Alert adds goes before the header; keys may have their group or not."""
    draft = read(samples.UPGRADED, {"x-weir-cluster": "other"})
    assert (draft["domain"], draft["revision"]) == ("kubernetes:prod-eu", "1.4.0")


def test_a_trace_is_ignored():
    """What a controller only did is no news."""
    assert read(event("Progressing", "trace")) == Ignored("trace event")


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (event("Progressing", timestamp="x"), "timestamp"),
        (event("Progressing", "warning"), "severity"),
        (event(""), "reason"),
        (event("Progressing", involvedObject={"name": "x"}), "involvedObject.kind"),
        ([7], "[0]"),
    ],
)
def test_an_event_is_refused_with_its_place(document, place):
    """Object, severity, reason and time are required."""
    refused = read(document)
    assert isinstance(refused, Malformed)
    assert refused.place == place
