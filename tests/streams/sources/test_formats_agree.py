"""One scan in several formats, and one finding in several scans, on the tools' own published reports."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.events import EVENT, Finding, Scan
from streams.correlation.finding_identity import Group, collapse, keys, same
from streams.sources.base import Malformed
from streams.sources.registry import recognise

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data")


def document(name: str) -> Any:
    """The document in a file of the shared data."""
    content = (DATA / name).read_bytes()
    return orjson.loads(gzip.decompress(content) if name.endswith(".gz") else content)


def events(name: str) -> list[Any]:
    """What the source that recognises a file makes of it, checked against the contract; nothing may be malformed."""
    source = recognise(document(name), RECEIVED)
    assert source is not None, name
    found = []
    for item, reading in source.read(document(name), RECEIVED):
        assert not isinstance(reading, Malformed), reading
        if isinstance(reading, dict):
            found.append(EVENT.validate_python({**reading, "source": source.name, "origin": ("raw", 0, 0, item)}))
    return found


def findings(name: str) -> list[Finding]:
    """The findings of a file."""
    return [event for event in events(name) if isinstance(event, Finding)]


def groups(folder: str, names: list[str]) -> tuple[Group, ...]:
    """The findings of several reports as groups of one weakness; members are named by their report."""
    return collapse((f"{name} {n}", keys(f)) for name in names for n, f in enumerate(findings(f"{folder}/{name}")))


TRIVY = [f"alpine-310.{form}" for form in ("json", "sarif", "asff", "gitlab", "gitlab-codequality")]


@pytest.mark.parametrize(
    ("folder", "names", "expected"),
    [
        ("scanner-trivy", TRIVY, 4),
        ("scanner-grype", ["image.json", "image.sarif", "image.cyclonedx.xml"], 2),
        ("scanner-grype", ["directory.json", "directory.sarif", "directory.cyclonedx.xml"], 2),
    ],
)
def test_every_weakness_is_reported_by_every_format(folder: str, names: list[str], expected: int) -> None:
    """Equal finding sets: every group has each report once, none is left over, and each says why.

    The directory's CycloneDX was written of another folder than its JSON and SARIF: the path inside joins it.
    """
    found = groups(folder, names)
    assert len(found) == expected
    for group in found:
        assert sorted(member.partition(" ")[0] for member in group.members) == sorted(names)
        assert group.reasons
        assert all("CVE-" in reason for reason in group.reasons)


def test_the_five_formats_agree_on_all_that_all_of_them_carry() -> None:
    """Rule, kind, severity, fixed version and title of Trivy's report come out equal, but for what a format lacks.

    Code Quality has neither a fix nor a score; ASFF and Code Quality have neither digest nor tag of the image, GitLab
    only the name that was scanned; SARIF has no type of package.
    """
    every = {name: findings(f"scanner-trivy/{name}") for name in TRIVY}
    for rows in zip(*every.values(), strict=True):
        assert len({(row.rule, row.kind, row.severity, row.status, row.reporter) for row in rows}) == 1
        assert len({row.title for row in rows if row.source != "gitlab.report"}) == 1
        versions = {row.fix.rpartition(" ")[2] for row in rows if row.fix}
        assert len(versions) == 1
        assert [row.source for row in rows if not row.fix] == ["gitlab.codequality"]
        assert {row.target for row in rows} == {"image testdata/fixtures/images/alpine-310.tar.gz"}


def test_another_image_s_findings_do_not_join() -> None:
    """The same distribution scanned in another image shares CVEs and packages, and no identity."""
    ours, other = findings("scanner-trivy/alpine-310.json"), findings("scanner-trivy/alpine-39-high-critical.json")
    distroless = findings("scanner-trivy/alpine-distroless.json")
    assert not [reason for a in ours for b in (*other, *distroless) if (reason := same(a, b))]


def test_no_report_s_findings_collapse_but_copies_of_one_package() -> None:
    """Over all reports of Trivy and Grype, what collapses inside one report is one id in one package of one place."""
    folders = ("scanner-trivy", "scanner-grype", "scanner-reports/anchore_grype")
    paths = [path for folder in folders for path in sorted((DATA / folder).iterdir()) if "json" in path.suffixes[0]]
    several = []
    for path in paths:
        name = str(path.relative_to(DATA))
        if recognise(document(name), {}) is None:
            continue
        found = findings(name)
        for group in collapse((str(n), keys(f)) for n, f in enumerate(found)):
            rows = [found[int(member)] for member in group.members]
            if len(rows) > 1:
                several.append(f"{path.name} {len(rows)}")
                assert len({row.rule for row in rows}) == 1, group
                packages = [e[1].rpartition("@")[0] for row in rows for e in row.entities if e[0] == "package"]
                assert len(set(packages)) <= 1, group
    assert len(several) <= 40


BASELINES = sorted({path.name.split("_")[1].split(".")[0] for path in (DATA / "sarif-sdk/baseline").glob("*_TEST*")})


@pytest.mark.parametrize("case", BASELINES)
def test_baseline_states_are_right(case: str) -> None:
    """All eight cases: absent is fixed, all else open; a result stays itself through an update that moved its lines.

    ``new`` shares its identity with nothing that the baseline held, except in the first two cases, whose tool did not
    compare although rule, place and message are equal.
    """
    folder = DATA / "sarif-sdk/baseline"
    (before,) = folder.glob(f"Inputs_{case}.*")
    (after,) = folder.glob(f"ExpectedOutputs_{case}.*")
    states = [r["baselineState"] for r in document(f"sarif-sdk/baseline/{after.name}")["runs"][0]["results"]]
    old = [f for f in findings(f"sarif-sdk/baseline/{before.name}") if f.status == "open"]
    held = {key.line for f in old for key in keys(f)}
    found = findings(f"sarif-sdk/baseline/{after.name}")
    assert [f.status for f in found] == ["fixed" if state == "absent" else "open" for state in states]
    assert len({f.source_id for f in found}) >= len(found) - 1
    for state, f in zip(states, found, strict=True):
        known = any(key.line in held for key in keys(f))
        if state in ("unchanged", "updated", "absent"):
            assert known, (state, f.title)
        elif case not in ("TEST1001", "TEST1002"):
            assert not known, (state, f.title)


def test_semgrep_s_fingerprint_decides_what_is_new() -> None:
    """Three runs: moved from line 31 to 24 is the same finding, another fingerprint in line 24 is a new one."""
    folder = "scanner-reports/semgrep/close_old_findings_report"
    (first,) = findings(f"{folder}_line31.json")
    (second,) = findings(f"{folder}_second_run_line24.json")
    (third,) = findings(f"{folder}_third_run_different_unique_id.json")
    assert (first.location, second.location, third.location) == (
        "sample/brute.py:31",
        "sample/brute.py:24",
        "sample/brute.py:24",
    )
    assert same(first, second)
    assert same(second, third) is None


def test_two_equal_runs_bring_nothing_new() -> None:
    """Every finding of one Semgrep run is in the other, one to one."""
    names = [f"semgrep_version_1_30_0_line_{line}.json" for line in (26, 27)]
    found = groups("scanner-reports/semgrep", names)
    assert len(found) == 5
    assert {tuple(member.partition(" ")[0] for member in group.members) for group in found} == {tuple(names)}


def test_real_reports_of_every_new_format_are_read_whole() -> None:
    """Grype, Security Hub, CycloneDX and Semgrep reports of real runs: valid, none malformed, and who reported what."""
    folders = ("anchore_grype", "asff", "awssecurityhub", "semgrep")
    names = [f"scanner-reports/{f}/{p.name}" for f in folders for p in sorted((DATA / "scanner-reports" / f).iterdir())]
    names += [f"scanner-trivy/{name}-cyclonedx.json" for name in ("conda", "pom")]
    counts: Counter[str] = Counter()
    scans: Counter[str] = Counter()
    for name in names:
        found = events(name)
        counts.update(f"{e.reporter} {e.kind} {e.status}" for e in found if isinstance(e, Finding))
        for scan in (event for event in found if isinstance(event, Scan)):
            scans[scan.reporter] += 1
            assert scan.findings == len({e.source_id for e in found if isinstance(e, Finding)}), name
    assert scans == {"grype": 4, "trivy": 2}
    assert counts["guardduty detection open"] > 0
    assert counts["inspector vulnerability open"] > 0
    assert counts["security hub misconfiguration fixed"] > 0
    assert counts["trivy vulnerability open"] == 2


def test_real_controls_are_misconfigurations_of_their_resource() -> None:
    """Security Hub's controls: all 55 are read, each failed one has an identity; PASSED closes."""
    counts: Counter[str] = Counter()
    for row in gzip.decompress((DATA / "securityhub-controls/events.ndjson.gz").read_bytes()).splitlines():
        event = orjson.loads(row)["event"]
        source = recognise(event, {})
        assert source is not None
        assert source.name == "asff"
        for item, reading in source.read(event, {}):
            assert isinstance(reading, dict), reading
            draft = EVENT.validate_python({**reading, "source": "asff", "origin": ("raw", 0, 0, item)})
            assert isinstance(draft, Finding)
            assert keys(draft), draft
            counts[f"{draft.kind} {draft.status}"] += 1
    assert counts == {"misconfiguration open": 52, "misconfiguration fixed": 3}
