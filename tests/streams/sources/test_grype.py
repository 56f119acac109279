"""Grype's JSON: what becomes a finding, about what, and what one scan says of the one before."""

from __future__ import annotations

import copy
from typing import Any

from schemas.events import Scan
from streams.correlation.scans import Scans
from streams.correlation.table import Table
from streams.sources.base import Malformed
from streams.sources.grype import Grype
from tests.contract.samples.grype import DIGEST, DIRECTORY, IMAGE, OLD, match
from tests.streams.sources.reading import events, findings, fold


def test_a_match_becomes_a_finding_about_cve_package_and_image() -> None:
    """Ids, fix, scores and entities come from the documented fields; CVSS is the newest version's."""
    first, second, ignored = findings(Grype(), IMAGE)
    assert (first.rule, first.severity, first.cvss, first.fix) == ("CVE-2026-1111", 4, 8.1, "3.0.16-1")
    assert (first.epss, first.kev) == (0.42, True)
    assert first.entities == (
        ("vulnerability", "CVE-2026-1111"),
        ("package", "pkg:deb/debian/openssl@3.0.15-1"),
        ("image", f"ghcr.io/acme/pay@{DIGEST}"),
        ("image", "ghcr.io/acme/pay:1.4"),
    )
    assert (first.domain, first.target) == ("image:ghcr.io/acme/pay", "image ghcr.io/acme/pay:1.4")
    assert (second.severity, ignored.status) == (1, "suppressed")


def test_a_ghsa_brings_its_cve_and_a_jar_its_path() -> None:
    """Related vulnerabilities are aliases and lend their score; below a directory both paths are the place."""
    (found,) = findings(Grype(), DIRECTORY)
    assert (found.rule, found.aliases, found.cvss) == ("GHSA-jfh8-c2jp-5v3q", ("CVE-2021-44228",), 10)
    assert [name for kind, name in found.entities if kind == "file"] == [
        "/lib/log4j-core-2.14.0.jar",
        "/builds/acme/pay/lib/log4j-core-2.14.0.jar",
    ]


def test_a_report_without_time_is_known_by_its_content() -> None:
    """Delivered twice it is one scan, with another match another; without any time it is malformed."""
    scan, other = events(Grype(), OLD)[-1], events(Grype(), {**OLD, "matches": [match("a", "1"), match("b", "1")]})[-1]
    assert events(Grype(), copy.deepcopy(OLD))[-1].source_id == scan.source_id != other.source_id
    ((_, malformed),) = Grype().read(OLD, {})
    assert isinstance(malformed, Malformed)
    assert malformed.place == "descriptor.timestamp"


def test_a_malformed_match_costs_the_scan_its_end() -> None:
    """One match without an id: the others are read, and nothing is told to be gone."""
    document = {**IMAGE, "matches": [{"vulnerability": {}}, match("openssl", "1")], "ignoredMatches": None}
    found = events(Grype(), document)
    assert isinstance(found[0], Malformed)
    assert found[0].place == "matches[0].vulnerability.id"
    assert not any(isinstance(event, Scan) for event in found)


def test_scans_of_one_tag_fix_and_reopen() -> None:
    """Rebuilt with another digest, without openssl's weakness, then with it again: fixed, then reopened."""

    def build(time: str, digit: str, *matches: Any) -> dict[str, Any]:
        document = copy.deepcopy({**IMAGE, "matches": list(matches), "ignoredMatches": []})
        document["source"]["target"]["manifestDigest"] = "sha256:" + digit * 64
        document["source"]["target"]["repoDigests"] = ["ghcr.io/acme/pay@sha256:" + digit * 64]
        document["descriptor"]["timestamp"] = time
        return document

    scans = Scans(Table("scans", []), Table("scanned", []))
    both = match("openssl", "3.0.15-1"), match("zlib1g", "1.2", id="CVE-2026-3333")
    assert fold(scans, Grype(), build("2026-03-01T00:00:00Z", "1", *both)) == []
    fixed = fold(scans, Grype(), build("2026-03-02T00:00:00Z", "2", both[1]))
    assert [v.state for v in fixed] == ["fixed"]
    again = fold(scans, Grype(), build("2026-03-03T00:00:00Z", "3", match("openssl", "3.0.15-2"), both[1]))
    assert [v.state for v in again] == ["reopened"]
    assert set(fixed[0].keys) & set(again[0].keys), "the keys that a signal is known by"
