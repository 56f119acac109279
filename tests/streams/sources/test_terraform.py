"""Terraform: what a run altered is a change, what it only looked at an activity."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.terraform import Terraform

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/terraform.py")
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Terraform()
NAMED = {"x-weir-repository": "acme/infra"}


def read(document: object, headers: dict[str, str] | None = None) -> Any:
    contents = [content for _, content in SOURCE.read(document, headers or {})]
    return contents[0] if len(contents) == 1 else contents


def test_an_applied_run_is_a_change() -> None:
    """Workspace, run, who applied and who asked; the reason is in the title."""
    draft = read(samples.run())
    assert len(draft.pop("source_id")) == 32
    assert draft == {
        "type": "change",
        "time": "2026-03-02T09:04:00.000Z",
        "domain": "terraform:acme/network",
        "entities": [
            ("resource", "terraform:acme/network"),
            ("resource", "terraform:run-FwnENkvDnrpyFC7M"),
            ("principal", "terraform:bob"),
            ("principal", "terraform:ann"),
        ],
        "title": "run of acme/network: Run Applied (Open port 8443 to the partner)",
        "kind": "infrastructure",
        "actor": "terraform:bob",
        "status": "succeeded",
        "revision": "run-FwnENkvDnrpyFC7M",
        "action": "terraform:completed",
    }


@pytest.mark.parametrize(
    ("trigger", "status", "kind", "end"),
    [
        ("run:created", "pending", "activity", "unknown"),
        ("run:needs_attention", "planned", "activity", "unknown"),
        ("run:applying", "applying", "change", "started"),
        ("run:completed", "applied", "change", "succeeded"),
        ("run:completed", "planned_and_finished", "activity", "success"),
        ("run:errored", "errored", "change", "failed"),
        ("run:errored", "canceled", "change", "unknown"),
        ("run:errored", "discarded", "activity", "failure"),
    ],
)
def test_what_a_run_altered(trigger: str, status: str, kind: str, end: str) -> None:
    """A plan without changes, or one that was discarded, altered nothing; an error may have come half-way."""
    draft = read(samples.run(trigger, status))
    assert (draft["type"], draft.get("status") or draft.get("outcome")) == (kind, end)


def test_states_of_a_run_are_events_of_their_own() -> None:
    """A second delivery is the same event, another state of the run another one."""
    assert read(samples.run())["source_id"] == read(samples.run())["source_id"]
    assert read(samples.run("run:applying", "applying"))["source_id"] != read(samples.run())["source_id"]


def test_drift_is_a_misconfiguration_of_the_workspace() -> None:
    """Until an assessment finds none; nobody states how bad it is."""
    draft = read(samples.assessment())
    assert (draft["kind"], draft["rule"], draft["severity"], draft["status"]) == (
        "misconfiguration", "drifted", 0, "open",
    )  # fmt: skip
    assert draft["title"] == "4 resources drifted from their configuration in acme/network"
    assert read(samples.assessment(drifted=False))["status"] == "fixed"
    checks = samples.assessment("assessment:check_failure", all_checks_succeeded=False, checks_failed=2)
    assert (read(checks)["rule"], read(checks)["status"]) == ("check_failure", "open")


def test_lines_of_an_apply_tell_resource_by_resource() -> None:
    """Only what was applied, or failed to be, is a change; an id that is unique everywhere is an entity."""
    version, start, role, failed, looked = read(samples.LINES, NAMED)
    assert {version, start, looked} == {Ignored("line that tells of no change")}
    assert (role["status"], role["title"], role["domain"]) == (
        "succeeded", "create aws_s3_bucket.logs", "github:acme/infra",
    )  # fmt: skip
    assert role["entities"] == [("repository", "acme/infra"), ("principal", "arn:aws:iam::111122223333:role/pay")]
    assert (failed["status"], failed["title"]) == ("failed", "update aws_s3_bucket.logs: failed")
    assert failed["entities"] == [("repository", "acme/infra")]


def test_opentofu_says_the_same() -> None:
    """Its lines differ in the module's name."""
    line = samples.said("apply_complete") | {"@module": "tofu.ui"}
    assert SOURCE.recognise(line, {})
    assert read(line)["type"] == "change"


def test_a_plan_is_no_change() -> None:
    """It says what would be: numbers, and what exists already of what it would alter."""
    draft = read(samples.PLAN, NAMED)
    assert (draft["type"], draft["action"], draft["read_only"]) == ("activity", "terraform:plan", True)
    assert draft["title"] == "plan of acme/infra: 2 to create, 1 to update, 1 to delete"
    assert ("principal", "arn:aws:iam::111122223333:role/pay") in draft["entities"]


@pytest.mark.parametrize(
    ("document", "content"),
    [
        (samples.SAMPLES["verification"][0], Ignored("verification of a notification")),
        (samples.run("run:mine"), Ignored("trigger not read")),
        (samples.run(notifications=[]), Malformed("notifications", "missing or empty")),
        (samples.run(run_id=7), Malformed("run_id", "missing")),
        (samples.run(notifications=[{}]), Malformed("notifications[0].trigger", "missing")),
        (samples.assessment("assessment:failed"), Ignored("event of a workspace not read")),
        (samples.PLAN | {"timestamp": None}, Malformed("timestamp", "no time, and no time of arrival either")),
        (samples.PLAN | {"resource_changes": None}, Malformed("resource_changes", "not an array")),
        (
            samples.said("apply_complete") | {"@timestamp": "now"},
            Malformed("@timestamp", "not an RFC 3339 time with an offset"),
        ),
    ],
)
def test_refusals(document: object, content: object) -> None:
    """What a run, a line or a plan cannot do without is refused where it should have been."""
    assert read(document) == content
