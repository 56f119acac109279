"""SARIF logs: identity, time, severity, status and place of results, and what scanners hide in messages."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from schemas.events import EVENT
from streams.sources.base import Ignored, Malformed
from streams.sources.parse import parse
from streams.sources.sarif import Sarif
from streams.sources.trivy import Trivy

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
RECEIVED = {"x-weir-received": "2026-03-01T12:00:00Z"}


def log(*results: Any, tool: str = "CodeCheck", rules: Any = (), **run: Any) -> dict[str, Any]:
    driver = {"name": tool, "rules": list(rules)}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results), **run}]}


def result(**fields: Any) -> dict[str, Any]:
    return {
        "ruleId": "cc/sql-injection",
        "message": {"text": "Query built from user input."},
        "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": "src/db%20x.py"}, "region": {"startLine": 12}}},
        ],
        **fields,
    }


def drafts(document: object, headers: dict[str, str] = RECEIVED) -> list[dict[str, Any]]:
    """The drafts of a log, each of which the event contract accepts."""
    found = []
    for item, reading in Sarif().read(document, headers):
        assert isinstance(reading, dict), reading
        EVENT.validate_python({**reading, "source": "sarif", "origin": ("raw", 0, 0, item)})
        found.append(reading)
    return found


def only(document: object, headers: dict[str, str] = RECEIVED) -> Any:
    (reading,) = [reading for _, reading in Sarif().read(document, headers)]
    return reading


def test_a_result_becomes_a_weakness_at_its_place_in_its_repository() -> None:
    """Tool, rule, place, repository and commit come from where the standard has them."""
    provenance = {"repositoryUri": "https://github.com/acme/pay", "revisionId": "AB" * 20}
    rule = {"id": "cc/sql-injection", "shortDescription": {"text": "SQL injection"}}
    (draft,) = drafts(log(result(), rules=[rule], versionControlProvenance=[provenance]))
    assert (draft["kind"], draft["rule"], draft["reporter"]) == ("weakness", "cc/sql-injection", "codecheck")
    assert draft["title"] == "cc/sql-injection: SQL injection"
    assert draft["evidence"] == "Query built from user input."
    assert draft["location"] == "src/db x.py:12"
    assert draft["domain"] == "github:acme/pay"
    assert draft["entities"] == [("repository", "acme/pay"), ("commit", "ab" * 20), ("file", "src/db x.py")]


def test_the_time_is_the_end_of_the_last_invocation_else_the_arrival() -> None:
    """Own time wins over the broker's; with neither the run is malformed."""
    invocations = [{"endTimeUtc": "2026-02-01T00:00:00Z"}, {"endTimeUtc": "2026-02-01T00:05:00.5Z"}]
    assert only(log(result(), invocations=invocations))["time"] == "2026-02-01T00:05:00.5Z"
    assert only(log(result()))["time"] == "2026-03-01T12:00:00Z"
    refused = only(log(result()), headers={})
    assert isinstance(refused, Malformed)
    assert "no time" in refused.reason


def test_a_log_without_time_delivered_twice_is_one_observation() -> None:
    """The broker's timestamp gives the event time but never the identity."""
    (first,) = drafts(log(result()))
    (again,) = drafts(log(result()), {"x-weir-received": "2026-03-01T12:00:09Z"})
    assert first["source_id"] == again["source_id"]
    assert first["time"] != again["time"]


def test_two_runs_that_say_when_they_were_are_two_observations() -> None:
    """Fingerprints are stable over runs, so the run's time is part of the id."""
    ids = {
        only(log(result(partialFingerprints={"h": "1"}), invocations=[{"endTimeUtc": time}]))["source_id"]
        for time in ("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")
    }
    assert len(ids) == 2


def test_a_guid_is_the_id_until_a_baseline_says_more() -> None:
    """The producer's own id is kept as it is; a later state of the same result is another observation."""
    guid = "7b2f0c1e-1111-4222-8333-444455556666"
    run = {"invocations": [{"endTimeUtc": "2026-02-01T00:00:00Z"}]}
    assert only(log(result(guid=guid), **run))["source_id"] == guid
    assert only(log(result(guid=guid, baselineState="new"), **run))["source_id"] == guid
    gone = only(log(result(guid=guid, baselineState="absent"), **run))
    assert gone["source_id"] != guid
    assert gone["status"] == "fixed"


def test_results_that_differ_in_place_or_fingerprint_have_different_ids() -> None:
    """Everything that tells two results of a run apart is in the hash."""
    other = result()
    other["locations"][0]["physicalLocation"]["region"] = {"startLine": 12, "startColumn": 9}
    found = drafts(log(result(), other, result(fingerprints={"v1": "a"}), result(message={"text": "b"})))
    assert len({draft["source_id"] for draft in found}) == 4


@pytest.mark.parametrize(
    ("fields", "rule", "expected"),
    [
        ({"level": "error"}, {}, 4),
        ({"level": "note"}, {}, 2),
        ({}, {}, 3),
        ({}, {"defaultConfiguration": {"level": "error"}}, 4),
        ({"level": "warning"}, {"properties": {"security-severity": "9.8"}}, 5),
        (
            {"level": "error", "properties": {"security-severity": "3.1"}},
            {"properties": {"security-severity": "9.8"}},
            2,
        ),
        ({"kind": "review"}, {}, 1),
    ],
)
def test_severity_is_the_security_severity_else_the_level(
    fields: dict[str, Any], rule: dict[str, Any], expected: int
) -> None:
    """The result's own statement goes before its rule's, a score before a level, "warning" is the default."""
    assert only(log(result(**fields), rules=[{"id": "cc/sql-injection", **rule}]))["severity"] == expected


@pytest.mark.parametrize(
    ("suppressions", "expected"),
    [
        ([{"kind": "external"}], "suppressed"),
        ([{"kind": "inSource", "status": "accepted"}], "suppressed"),
        ([{"kind": "external", "status": "underReview"}], "open"),
        ([{"kind": "external"}, {"kind": "external", "status": "rejected"}], "open"),
        ([], "open"),
    ],
)
def test_a_result_is_suppressed_only_if_no_suppression_is_open_or_rejected(
    suppressions: list[Any], expected: str
) -> None:
    """Section 3.27.23: an undecided or rejected suppression suppresses nothing."""
    assert only(log(result(suppressions=suppressions)))["status"] == expected


@pytest.mark.parametrize("kind", ["pass", "notApplicable", "informational"])
def test_results_that_found_nothing_are_ignored(kind: str) -> None:
    """A rule that passed is no finding."""
    assert only(log(result(kind=kind))) == Ignored(f"result kind {kind}")


def test_messages_by_id_are_filled_in_and_cannot_grow_without_bound() -> None:
    """Arguments go into the rule's template; a hostile template stays small."""
    rule = {"id": "cc/sql-injection", "messageStrings": {"m": {"text": "Table {0} in {1}."}}}
    message = {"id": "m", "arguments": ["users", "db"]}
    assert only(log(result(message=message), rules=[rule]))["evidence"] == "Table users in db."
    bomb = {"text": "{0}" * 100_000, "arguments": ["x" * 100_000]}
    assert len(only(log(result(message=bomb)))["evidence"]) == 2048


def test_rules_are_found_by_index_by_id_in_extensions_and_by_parent() -> None:
    """All four ways in which a result may name its rule lead to its title."""
    named = {"id": "X1", "shortDescription": {"text": "found"}}
    by_index = log({"ruleIndex": 0, "message": {"text": "m"}}, rules=[named])
    by_parent = log(result(ruleId="X1/sub"), rules=[named])
    extension = log({"rule": {"index": 0, "toolComponent": {"index": 0}}, "message": {"text": "m"}})
    extension["runs"][0]["tool"]["extensions"] = [{"name": "pack", "rules": [named]}]
    assert only(by_index)["title"] == "X1: found"
    assert only(by_parent)["title"] == "X1/sub: found"
    assert only(extension)["title"] == "X1: found"


def test_a_location_may_name_its_file_by_index() -> None:
    """artifactLocation.index leads to the run's artifacts."""
    where = {"physicalLocation": {"artifactLocation": {"index": 1}, "region": {"startLine": 3}}}
    document = log(result(locations=[where]), artifacts=[{}, {"location": {"uri": "file:///srv/app/x.c"}}])
    assert only(document)["location"] == "/srv/app/x.c:3"


def test_an_image_scanner_s_result_is_a_vulnerability_of_a_package_in_an_image() -> None:
    """Trivy's message template and run properties give package, fix, severity and image."""
    rule = {
        "id": "CVE-2026-1111",
        "name": "OsPackageVulnerability",
        "shortDescription": {"text": "libexample: overflow"},
        "properties": {"tags": ["vulnerability", "security", "HIGH"], "security-severity": "5.0"},
    }
    text = "Package: libexample1\nInstalled Version: 1.0-1\nVulnerability CVE-2026-1111\nSeverity: HIGH\n"
    text += "Fixed Version: 1.0-2\n"
    document = log(
        result(ruleId="CVE-2026-1111", message={"text": text}),
        tool="Trivy",
        rules=[rule],
        properties={"repoTags": ["ghcr.io/acme/pay:1.4"], "repoDigests": None},
    )
    (draft,) = drafts(document)
    assert (draft["kind"], draft["severity"], draft["cvss"], draft["fix"]) == ("vulnerability", 4, 5.0, "1.0-2")
    assert draft["title"] == "CVE-2026-1111 in libexample1 1.0-1: libexample: overflow"
    assert draft["domain"] == "image:ghcr.io/acme/pay"
    assert draft["entities"] == [
        ("vulnerability", "CVE-2026-1111"),
        ("package", "pkg:generic/libexample1@1.0-1"),
        ("image", "ghcr.io/acme/pay:1.4"),
    ]


def test_a_rule_id_with_the_package_s_name_behind_gives_the_bare_vulnerability() -> None:
    """Grype writes CVE and package into one rule id, and the package into a sentence."""
    help_text = {"text": "Severity: critical\nPackage: libz\nFix Version: 1.3\nType: deb\n"}
    message = {"text": "A critical vulnerability in deb package: libz, version 1.2 was found in image x at: y"}
    (draft,) = drafts(
        log(
            result(ruleId="CVE-2026-2222-libz", message=message),
            tool="grype",
            rules=[{"id": "CVE-2026-2222-libz", "help": help_text}],
        )
    )
    assert (draft["rule"], draft["severity"], draft["fix"]) == ("CVE-2026-2222", 5, "1.3")
    assert ("package", "pkg:deb/libz@1.2") in draft["entities"]


def test_a_secret_scanner_s_message_is_not_carried() -> None:
    """The message may quote the secret; title and place do without it."""
    rule = {"id": "generic-key", "fullDescription": {"text": "KEY=hunter2hunter2"}}
    message = {"text": "Match: hunter2hunter2"}
    document = log(result(ruleId="generic-key", message=message), tool="gitleaks", rules=[rule])
    (draft,) = drafts(document)
    assert draft["kind"] == "secret"
    assert draft["title"] == "generic-key in src/db x.py"
    assert "hunter2" not in json.dumps(draft)


def test_runs_and_results_that_are_broken_are_malformed_at_their_place() -> None:
    """Each costs only itself, and items count on over runs."""
    document = log("?", result())
    document["runs"] += [7, {"tool": {}}, {"tool": {"driver": {"name": "t"}}, "results": {}}]
    document["runs"].append({"tool": {"driver": {"name": "t"}}, "results": []})
    readings = list(Sarif().read(document, RECEIVED))
    assert [item for item, _ in readings] == [0, 1, 2, 3, 4, 5]
    assert [reading.place for _, reading in readings if isinstance(reading, Malformed)] == [
        "runs[0].results[0]",
        "runs[1]",
        "runs[2].tool.driver.name",
        "runs[3].results",
    ]
    assert readings[-1] == (5, Ignored("run without results"))


def test_a_log_without_runs_is_one_ignored_item() -> None:
    """An empty log is well-formed (3.13.4)."""
    assert only({"version": "2.1.0", "runs": []}) == Ignored("log without runs")
    assert only({"version": "2.1.0", "runs": None}) == Ignored("log without runs")


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
def test_one_real_scan_in_trivy_s_json_and_in_sarif_gives_the_same_findings() -> None:
    """Same rule, kind, severity, score, fix, title, domain, vulnerability and image; the package up to its type.

    Trivy's SARIF names the package but not its type, so the package URL's type is ``generic`` there.
    """

    def comparable(draft: Any) -> Any:
        fields = [draft[name] for name in ("rule", "kind", "severity", "cvss", "fix", "title", "domain", "status")]
        packages = [name.rpartition("/")[2] for kind, name in draft["entities"] if kind == "package"]
        return fields, packages, [entity for entity in draft["entities"] if entity[0] != "package"]

    folder = DATA / "scanner-trivy"
    native = Trivy().read(parse((folder / "alpine-310.json").read_bytes()), {})
    sarif = Sarif().read(parse((folder / "alpine-310.sarif").read_bytes()), RECEIVED)
    expected = [comparable(draft) for _, draft in native if isinstance(draft, dict) and draft["type"] == "finding"]
    assert len(expected) == 4
    assert [comparable(draft) for _, draft in sarif] == expected


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
def test_real_logs_of_many_tools_are_read_whole() -> None:
    """Trivy, Grype, CodeQL, CppCheck, Dockle and others: every result is a valid finding, none malformed."""
    paths = [
        *(DATA / "scanner-trivy").glob("*.sarif"),
        *(DATA / "scanner-grype").glob("*.sarif"),
        *(DATA / "scanner-reports" / "sarif").iterdir(),
        *(DATA / "sarif-sdk").rglob("*.sarif*"),
    ]
    outcomes: Counter[str] = Counter()
    for path in paths:
        document = parse(path.read_bytes())
        assert Sarif().recognise(document, {}), path.name
        for item, reading in Sarif().read(document, RECEIVED):
            if isinstance(reading, dict):
                EVENT.validate_python({**reading, "source": "sarif", "origin": ("raw", 0, 0, item)})
                assert reading["type"] == "finding"
                outcomes[f"{reading['kind']} {reading['status']}"] += 1
            else:
                outcomes[str(reading)] += 1
    assert outcomes == {
        "weakness open": 688,
        "weakness fixed": 8,
        "weakness suppressed": 4,
        "vulnerability open": 8,
        "misconfiguration open": 4,
        "Ignored(reason='log without runs')": 1,
    }


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")
def test_real_results_share_an_id_only_if_they_are_the_same_text() -> None:
    """Some tools list one result several times over; nothing else collides."""
    for path in sorted((DATA / "sarif-sdk").rglob("*.sarif*")) + sorted((DATA / "scanner-reports/sarif").iterdir()):
        document: Any = parse(path.read_bytes())
        given = [result_ for run in document["runs"] for result_ in run["results"]]
        seen: dict[str, str] = {}
        for item, reading in Sarif().read(copy.deepcopy(document), RECEIVED):
            if isinstance(reading, dict):
                assert reading["type"] == "finding"
                written = json.dumps(given[item], sort_keys=True)
                assert seen.setdefault(reading["source_id"], written) == written, path.name
