"""Semgrep's JSON: fingerprints, severities, dependencies, and secrets that are not carried."""

from __future__ import annotations

import json

from streams.correlation.finding_identity import same
from streams.sources.base import Ignored, Malformed
from streams.sources.semgrep import Semgrep
from tests.contract.samples.semgrep import DEPENDENCY, PLAIN, report, result
from tests.streams.sources.reading import events, findings


def test_a_result_is_a_weakness_with_its_match_based_id() -> None:
    """Level, place and fingerprint; an ignored line is suppressed."""
    first, ignored, secret = findings(Semgrep(), PLAIN)
    assert (first.kind, first.severity, first.location) == ("weakness", 4, "src/db.py:12")
    assert first.fingerprints == ("fingerprint=1d0cfd65fc17a97773e848ec31ddd8a5_0",)
    assert (ignored.status, secret.kind, secret.severity) == ("suppressed", "secret", 3)
    assert "A key" not in json.dumps(secret.model_dump(mode="json"))


def test_without_a_login_there_is_no_fingerprint() -> None:
    """All results would share the words that stand in its place."""
    one, two = (findings(Semgrep(), report(result("r", line, fingerprint="requires login")))[0] for line in (3, 9))
    assert one.fingerprints == ()
    assert same(one, two) is None


def test_a_dependency_s_result_is_a_vulnerability_of_a_package() -> None:
    """The advisory's id is the rule, Semgrep's own an alias."""
    (found,) = findings(Semgrep(), DEPENDENCY)
    assert (found.kind, found.rule, found.aliases) == ("vulnerability", "CVE-2026-3333", ("ssc-0f9a",))
    assert ("package", "pkg:npm/lodash@4.17.4") in found.entities


def test_what_is_broken_is_malformed_and_nothing_found_is_ignored() -> None:
    """Each result costs only itself."""
    found = events(Semgrep(), report({"check_id": "x"}, {"path": "p"}))
    assert [reading.place for reading in found if isinstance(reading, Malformed)] == [
        "results[0].path",
        "results[1].check_id",
    ]
    assert events(Semgrep(), report()) == [Ignored("report without findings")]
    ((_, reading),) = Semgrep().read(DEPENDENCY, {})
    assert isinstance(reading, Malformed)
