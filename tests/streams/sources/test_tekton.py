"""Tekton: how runs of pipelines and tasks go is activity, with what they built."""

import importlib.util
from pathlib import Path

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.tekton import Tekton

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/tekton.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Tekton()
attributes, structured = samples.attributes, samples.structured


def read(document, headers=None):
    ((_, content),) = SOURCE.read(document, headers or {})
    return content


def test_a_run_is_an_activity_with_what_it_built():
    """The run, its service account, image and commit; of the cluster that the header names."""
    draft = read(samples.PIPELINE, attributes("pipelinerun.successful") | {"x-weir-cluster": "prod-eu"})
    assert len(draft.pop("source_id")) == 32
    assert draft == {
        "type": "activity",
        "time": "2026-03-02T09:13:00.157819Z",
        "domain": "kubernetes:prod-eu",
        "entities": [
            ("resource", "k8s:pipelineruns.tekton.dev/ci/pay-build-7"),
            ("namespace", "ci"),
            ("principal", "system:serviceaccount:ci:builder"),
            ("image", f"ghcr.io/acme/pay@{samples.EXACT}"),
            ("commit", samples.SHA),
        ],
        "title": "pipelinerun ci/pay-build-7 successful",
        "action": "tekton:pipelinerun.successful",
        "actor": "system:serviceaccount:ci:builder",
        "outcome": "success",
        "read_only": None,
    }


def test_both_modes_are_read_alike():
    """Binary and structured mode carry the same event."""
    headers = attributes("taskrun.failed", 2)
    assert read(samples.TASK, headers) == read(structured("taskrun.failed", samples.TASK, 2))


def test_a_failed_run_says_why():
    """The reason of the condition is the error; the pod is named."""
    draft = read(structured("taskrun.failed", samples.TASK))
    assert (draft["outcome"], draft["error"]) == ("failure", "TaskRunTimeout")
    assert ("workload", "ci/pay-test-7-pod") in draft["entities"]


def test_without_a_time_the_run_has_one():
    """The attribute is optional in CloudEvents; then the run's own time counts."""
    event = structured("pipelinerun.successful", samples.PIPELINE)
    del event["time"]
    assert read(event)["time"] == "2026-03-02T09:13:00Z"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("taskrun.unknown", "condition of a run changed"), ("triggers.done", "event of a type that is not read")],
)
def test_other_events_are_ignored(kind, reason):
    """Conditions that change while a run goes on, and types that are no run's."""
    assert read(structured(kind, samples.TASK)) == Ignored(reason)


@pytest.mark.parametrize("field", ["id", "source", "time"])
def test_an_event_is_refused_with_its_place(field):
    """Id, source and a time are required."""
    event = structured("taskrun.started", {}) | {field: None}
    refused = read(event)
    assert isinstance(refused, Malformed)
    assert refused.place == field
