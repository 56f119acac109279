"""VEX documents: which statement about which product, and what is refused where."""

from __future__ import annotations

from typing import Any

import pytest

from streams.sources.base import Ignored, Malformed
from streams.sources.cyclonedx_vex import CycloneDxVex
from streams.sources.openvex import OpenVex

DIGEST = "sha256:" + "0" * 64


def openvex(*statements: Any, **fields: Any) -> dict[str, Any]:
    return {"@context": "https://openvex.dev/ns/v0.2.0", "author": "acme", "timestamp": "2026-03-01T09:00:00Z",
            "statements": list(statements)} | fields  # fmt: skip


def said(*products: Any, **fields: Any) -> dict[str, Any]:
    return {"vulnerability": {"name": "CVE-2026-10001"}, "products": list(products), "status": "fixed"} | fields


def cyclonedx(*vulnerabilities: Any, **metadata: Any) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "vulnerabilities": list(vulnerabilities),
            "metadata": {"timestamp": "2026-03-01T09:00:00Z"} | metadata}  # fmt: skip


def read(source: Any, document: object) -> list[Any]:
    return [content for _, content in source.read(document, {})]


@pytest.mark.parametrize(
    ("product", "field", "name"),
    [
        (f"pkg:oci/pay@{DIGEST}?repository_url=ghcr.io/acme/pay", "image", f"ghcr.io/acme/pay@{DIGEST}"),
        ("pkg:docker/library/nginx@1.27", "image", "nginx:1.27"),
        ("pkg:npm/%40acme/gateway@2.1.0?vcs_url=x", "package", "pkg:npm/%40acme/gateway@2.1.0"),
        (f"ghcr.io/acme/pay@{DIGEST}", "image", f"ghcr.io/acme/pay@{DIGEST}"),
        ("component:default/pay", "component", "component:default/pay"),
    ],
)
def test_a_product_is_what_its_reference_says(product: str, field: str, name: str) -> None:
    """An image, a package, or a component's name, in the spelling that findings have."""
    for given in (product, {"@id": product}, {"@id": "urn:x", "identifiers": {"purl": product}}):
        (draft,) = read(OpenVex(), openvex(said(given)))
        assert draft["record"][field] == name


def test_a_statement_is_a_record_for_each_product() -> None:
    """With its parts, its time before the document's, and one key for one vulnerability and product."""
    one = said("pkg:npm/a@1", "pkg:npm/b@1", status="not_affected", justification="component_not_present",
               subcomponents=["pkg:npm/left-pad@1.0"], last_updated="2026-03-02T09:00:00Z")  # fmt: skip
    first, second = read(OpenVex(), openvex(one))
    assert first["record"] == {
        "vulnerability": "CVE-2026-10001", "aliases": [], "package": "pkg:npm/a@1",
        "packages": ["pkg:npm/left-pad@1.0"], "status": "not_affected", "justification": "component_not_present",
        "statement": None, "timestamp": "2026-03-02T09:00:00Z", "author": "acme",
    }  # fmt: skip
    later = read(OpenVex(), openvex(one | {"status": "affected"}, timestamp="2026-04-01T09:00:00Z"))
    assert [draft["key"] for draft in later] == [first["key"], second["key"]]
    assert first["key"] != second["key"]


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("x", "statements[0]"),
        (said("pkg:npm/a@1", vulnerability={}), "statements[0].vulnerability"),
        (said("pkg:npm/a@1", status="safe"), "statements[0].status"),
        (said(), "statements[0].products"),
        (said({}), "statements[0].products[0]"),
    ],
)
def test_what_openvex_does_not_allow_is_malformed(statement: Any, place: str) -> None:
    """One statement is refused with its place, the others are read."""
    refused, good = read(OpenVex(), openvex(statement, said("pkg:npm/b@1")))
    assert isinstance(refused, Malformed)
    assert refused.place == place
    assert good["record"]["package"] == "pkg:npm/b@1"


def test_cyclonedx_states_are_those_of_vex() -> None:
    """Each state of an analysis as a status; what has none is ignored, what names no product malformed."""
    states = ["false_positive", "exploitable", "in_triage", "resolved_with_pedigree", "unheard"]
    given = [{"id": f"CVE-2026-1000{n}", "analysis": {"state": state}} for n, state in enumerate(states)]
    found = read(CycloneDxVex(), cyclonedx(*given, component={"name": "pay"}))
    assert [draft["record"]["status"] for draft in found[:-1]] == [
        "not_affected", "affected", "under_investigation", "fixed",
    ]  # fmt: skip
    assert isinstance(found[-1], Ignored)
    assert {draft["record"]["component"] for draft in found[:-1]} == {"pay"}
    (refused,) = read(CycloneDxVex(), cyclonedx(given[0]))
    assert isinstance(refused, Malformed)


def test_a_bill_of_materials_with_remarks_is_no_vex_document() -> None:
    """With components it is a scan, whatever its vulnerabilities' analysis says."""
    document = cyclonedx({"id": "CVE-2026-1", "analysis": {"state": "not_affected"}})
    assert CycloneDxVex().recognise(document, {})
    assert not CycloneDxVex().recognise(document | {"components": [{"name": "a"}]}, {})
    assert not CycloneDxVex().recognise(cyclonedx({"id": "CVE-2026-1"}), {})
