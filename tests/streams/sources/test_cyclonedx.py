"""CycloneDX: vulnerabilities of components, and the scan that a document with them is."""

from __future__ import annotations

from schemas.events import Scan
from streams.sources.base import Ignored, Malformed
from streams.sources.cyclonedx import CycloneDX
from tests.contract.samples.cyclonedx import CLEAN, CONTAINER, DIGEST, OLD, REPOSITORY, bom
from tests.streams.sources.reading import events, findings


def test_each_affected_component_is_a_finding() -> None:
    """Package, place and scores: a package manager's list is no place, FIRST's rating is EPSS, CISA's says KEV."""
    first, second, third = findings(CycloneDX(), CONTAINER)
    assert (first.rule, first.severity, first.cvss, first.epss, first.kev) == ("CVE-2026-1111", 4, 8.1, 0.42, True)
    assert first.entities == (
        ("vulnerability", "CVE-2026-1111"),
        ("package", "pkg:deb/debian/openssl@3.0.15-1"),
        ("image", f"ghcr.io/acme/pay@{DIGEST}"),
    )
    assert {("package", "pkg:maven/org.example/core@1.2"), ("file", "/opt/app/core-1.2.jar")} <= set(second.entities)
    assert (third.rule, third.status) == ("CVE-2026-2222", "suppressed")
    assert first.target == "image ghcr.io/acme/pay:1.4"


def test_the_rating_of_its_own_source_decides() -> None:
    """GitHub's word before NVD's for a GHSA; its reference is an alias; the lock file comes from the graph."""
    (found,) = findings(CycloneDX(), REPOSITORY)
    assert (found.severity, found.aliases, found.fix) == (
        5,
        ("CVE-2026-3333",),
        "Upgrade lodash to version 4.17.21",
    )
    assert ("file", "web/package-lock.json") in found.entities
    assert (found.domain, found.target) == ("github:acme/pay", "repository acme/pay")


def test_a_component_of_another_document_is_known_by_its_reference() -> None:
    """A BOM-Link's fragment may be a package URL."""
    (found,) = findings(CycloneDX(), OLD)
    assert ("package", "pkg:npm/x@1") in found.entities
    assert (found.reporter, found.target) == ("scan", "directory /src")


def test_clean_is_a_scan_and_an_inventory_is_not() -> None:
    """An empty array says that nothing was found; without the field nothing was looked for."""
    (scan,) = events(CycloneDX(), CLEAN)
    assert isinstance(scan, Scan)
    assert (scan.target, scan.findings) == ("image acme/web", 0)
    assert events(CycloneDX(), bom({}, [])) == [Ignored("inventory without vulnerabilities")]


def test_what_is_broken_is_malformed_at_its_place() -> None:
    """And then no scan says that the rest is gone."""
    found = events(CycloneDX(), bom({}, [], vulnerabilities=[7, {}, {"id": "CVE-1-1"}]))
    assert [reading.place for reading in found if isinstance(reading, Malformed)] == [
        "vulnerabilities[0]",
        "vulnerabilities[1].id",
    ]
    assert not any(isinstance(event, Scan) for event in found)
    ((_, reading),) = CycloneDX().read({**OLD, "metadata": {}}, {})
    assert isinstance(reading, Malformed)
