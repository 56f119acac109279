"""VEX: a statement that a product is not affected waives the vulnerability for its component."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from streams.correlation.context import Context
from streams.correlation.exploitability import reach
from streams.correlation.facts import Facts
from streams.correlation.rows import SignalRow
from streams.correlation.table import Table
from streams.sources.base import Ignored, Malformed
from streams.sources.cyclonedx import CycloneDX
from streams.sources.vex import Vex

REPO = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("samples", REPO / "tests/contract/samples/vex.py")
assert _spec is not None
assert _spec.loader is not None
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)
SOURCE = Vex()


def read(document: object, headers: dict[str, str] | None = None) -> list[Any]:
    return [content for _, content in SOURCE.read(document, headers or {})]


def test_a_statement_is_a_policy_exception() -> None:
    """Who says so, since when and why; what is exploitable withdraws the key."""
    waived, withdrawn = read(samples.OF_A_PRODUCT)
    assert waived == {
        "type": "context",
        "kind": "policy_exception",
        "key": "vex:pay:CVE-2026-1111",
        "record": {
            "control": "CVE-2026-1111",
            "component": "pay",
            "created_at": "2026-03-02T09:13:00Z",
            "valid_from": "2026-03-02T09:13:00Z",
            "valid_to": None,
            "reason": "VEX: not affected: code not reachable Pay never parses what others send.",
            "requested_by": None,
            "approved_by": "Acme",
        },
    }
    assert (withdrawn["key"], withdrawn["record"]) == ("vex:pay:CVE-2026-2222", None)


def test_the_component_is_named_by_header_document_or_product() -> None:
    """In this order; of a package URL its name."""
    keys = [
        read(samples.cyclonedx(samples.NOT_AFFECTED, component={"name": "own"}), {"x-weir-component": "ours"}),
        read(samples.cyclonedx(samples.NOT_AFFECTED, component={"name": "own"})),
        read(samples.cyclonedx(samples.NOT_AFFECTED)),
    ]
    assert [found[0]["key"].split(":")[1] for found in keys] == ["ours", "own", "pay"]


def test_the_last_statement_of_a_document_counts() -> None:
    """OpenVEX is a sequence: what comes later replaces what was said of the same product."""
    replaced, invoices, pay, fixed = read(samples.OPEN)
    assert replaced == Ignored("a later statement of the document replaces it")
    assert (invoices["key"], invoices["record"]["approved_by"]) == (
        "vex:invoices:CVE-2026-1111", "Acme Product Security",
    )  # fmt: skip
    assert (pay["key"], pay["record"]) == ("vex:pay:CVE-2026-1111", None)
    assert (fixed["record"]["valid_from"], fixed["record"]["reason"]) == ("2026-03-01T00:00:00Z", "VEX: fixed")


@pytest.mark.parametrize("state", ["not_affected", "false_positive", "resolved", "resolved_with_pedigree"])
def test_states_that_waive(state: str) -> None:
    """What is resolved in a product is no longer in it, even if a scanner sees its version only."""
    (draft,) = read(samples.cyclonedx(samples.flaw("CVE-2026-1111", state)))
    assert draft["record"] is not None


def test_a_bill_of_materials_is_not_a_statement() -> None:
    """With components it is a report, whose findings carry the analysis."""
    bom = samples.cyclonedx(samples.NOT_AFFECTED) | {"components": [{"name": "openssl", "type": "library"}]}
    assert not SOURCE.recognise(bom, {})
    assert CycloneDX().recognise(bom, {})
    assert not CycloneDX().recognise(samples.OF_A_PRODUCT, {})


@pytest.mark.parametrize(
    ("document", "content"),
    [
        (
            samples.cyclonedx(samples.flaw("CVE-2026-1111", "mine")),
            Malformed("vulnerabilities[0]", "a state that the format does not have"),
        ),
        (
            samples.cyclonedx(samples.NOT_AFFECTED | {"affects": []}),
            Malformed("vulnerabilities[0]", "no product, and no component by header either"),
        ),
        (
            samples.cyclonedx(samples.NOT_AFFECTED, timestamp=None),
            Malformed("vulnerabilities[0]", "no time, and no time of arrival either"),
        ),
        (samples.cyclonedx({"id": "CVE-2026-1111"}), Malformed("vulnerabilities[0].analysis.state", "missing")),
        (samples.openvex({"status": "fixed"}), Malformed("statements[0].vulnerability", "missing")),
        (samples.openvex(), Ignored("document without statements")),
    ],
)
def test_refusals(document: object, content: object) -> None:
    """A statement needs a vulnerability, a state, a product and a time."""
    assert read(document) == [content]


def test_a_finding_of_the_component_is_accepted_until_the_statement_is_withdrawn() -> None:
    """As of the time: before the statement, and after another one, the vulnerability counts in full."""
    noon = round(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp() * 1000)
    day = 86_400_000
    context = Context(Table("context", []))
    withdrawn = samples.cyclonedx(samples.flaw("CVE-2026-1111", "exploitable"))
    for offset, (document, time) in enumerate(
        ((samples.cyclonedx(samples.NOT_AFFECTED), noon), (withdrawn, noon + day))
    ):
        (draft,) = read(document)
        context.put(draft["kind"], draft["key"], draft["record"], time, offset)
    finding = SignalRow(
        source="trivy", source_id="f", kind="vulnerability", first=noon, last=noon, times=1, title="t", severity=4,
        score=0.5, why=(), entities=(), component="pay", members="00", rule="CVE-2026-1111",
    )  # fmt: skip
    accepted = [
        reach([finding], {"pay": Facts(ref=None)}.get, context, noon + days * day).exposed[0].accepted
        for days in (-1, 0, 2)
    ]
    assert accepted == [None, "vex:pay:CVE-2026-1111", None]
