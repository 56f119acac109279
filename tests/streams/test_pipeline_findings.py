"""Findings in the fold: several reports of one weakness are one signal; what is fixed ends, what comes back reopens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.pipeline import Pipeline
from streams.sources.registry import recognise
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    T0,
    Doc,
    final,
    finding,
    fold,
    iso,
    letters,
    record,
    restored,
    tables,
    tick,
    timeline,
    units,
)

IMAGE = "image ghcr.io/acme/pay:1.4"
DIGEST = "sha256:" + "0a" * 32
PLACE = (("image", "ghcr.io/acme/pay:1.4"), ("image", f"ghcr.io/acme/pay@{DIGEST}"))
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def weak(name: str, at: int, rule: str, reporter: str = "trivy", scan: str = "s1", **more: Any) -> Doc:
    """A vulnerability of musl in one image, of a scan at ``at``."""
    fixed = {"kind": "vulnerability", "rule": rule, "reporter": reporter, "title": rule, "scan": scan, "target": IMAGE}
    entities = (*PLACE, ("package", "pkg:apk/alpine/musl@1.1.22-r3"))
    return finding(name, at, *entities, **{"source": reporter, **fixed, **more})


def scanned(scan: str, at: int, findings: int, reporter: str = "trivy") -> Doc:
    """The event that ends a scan."""
    return {
        "type": "scan",
        "source": reporter,
        "source_id": f"{reporter}/{scan}",
        "time": iso(T0 + at),
        "domain": DOMAIN,
        "entities": [],
        "title": "",
        "origin": ["raw", 0, 0, 0],
        "reporter": reporter,
        "target": IMAGE,
        "scan": scan,
        "findings": findings,
    }


A, B = "CVE-2024-0001", "CVE-2024-0002"


def test_two_reporters_of_one_weakness_are_one_signal() -> None:
    """Found under an alias by another tool two days later, it is in the same unit, one signal, with the reason."""
    events = (
        (0, [weak("a", 0, A, severity=3, cvss=5.0)]),
        (
            2 * DAY,
            [
                weak("b", 2 * DAY, "GHSA-aaaa-bbbb-cccc", "grype", aliases=[A], severity=5),
                weak("c", 2 * DAY, B, "grype"),
            ],
        ),
        (2 * DAY + HOUR, [tick()]),
    )
    (unit,) = final(units(fold(timeline(*events)))).values()
    assert unit.signal_count == 3
    assert len(unit.signals) == 2
    one = next(signal for signal in unit.signals if signal.count == 2)
    assert one.reporters == ("grype", "trivy")
    assert len(one.same) == 1
    assert one.same[0].startswith(f"{A} in musl of image ")
    assert (one.source_id, one.severity, one.status) == ("a", 5, "open")
    other = next(signal for signal in unit.signals if signal.count == 1)
    assert (other.reporters, other.same) == (("grype",), ())


def test_one_weakness_counts_once() -> None:
    """That three tools report it makes the unit no surer, and no riskier but for the number of reports."""
    alone = units(fold(timeline((0, [weak("a", 0, A)]), (HOUR, [tick()]))))[-1]
    reports = [weak(name, 0, A, reporter) for name, reporter in (("a", "trivy"), ("b", "grype"), ("c", "syft"))]
    three = units(fold(timeline((0, reports), (HOUR, [tick()]))))[-1]
    assert three.signals[0].reporters == ("grype", "syft", "trivy")
    assert three.confidence == alone.confidence
    named = {factor.name: factor.value for factor in three.risk.factors}
    assert {k: v for k, v in named.items() if k != "volume"} == {f.name: f.value for f in alone.risk.factors}


def test_two_weaknesses_of_one_title_stay_two_signals() -> None:
    """A tool that calls two weaknesses of a package the same has still reported two."""
    events = [weak("a", 0, A, title="out of bounds"), weak("b", 0, B, title="out of bounds")]
    (unit,) = final(units(fold(timeline((0, events), (HOUR, [tick()]))))).values()
    assert len(unit.signals) == 2


NEXT = [weak("b2", DAY, B, scan="s2"), scanned("s2", DAY, 1)]
FIRST = [weak("a1", 0, A, severity=5, scan="s1"), weak("b1", 0, B, severity=2, scan="s1"), scanned("s1", 0, 2)]


def test_what_a_later_scan_misses_is_fixed_and_lowers_the_risk() -> None:
    """One of two is gone in the next complete scan: it is fixed, the other stays open, and so does the unit."""
    revisions = units(fold(timeline((0, FIRST), (HOUR, [tick()]), (DAY, NEXT), (DAY + HOUR, [tick()]))))
    before, after = revisions[0], revisions[-1]
    assert {signal.title: signal.status for signal in before.signals} == {A: "open", B: "open"}
    assert {signal.title: signal.status for signal in after.signals} == {A: "fixed", B: "open"}
    assert after.status == "open"
    assert after.risk.score < before.risk.score
    assert (before.severity, after.severity, after.diff and after.diff.severity) == (5, 4, -1)
    assert A in before.title
    assert B in after.title


def test_a_unit_closes_when_all_of_it_is_fixed_and_opens_when_it_comes_back() -> None:
    """An empty scan closes the unit; a scan that has it again within the time reopens the same unit."""
    log = timeline(
        (0, FIRST),
        (HOUR, [tick()]),
        (DAY, [scanned("s2", DAY, 0)]),
        (DAY + MINUTE, [tick()]),
        (DAY + HOUR, [weak("a3", DAY + HOUR, A, scan="s3", severity=5), scanned("s3", DAY + HOUR, 1)]),
        (DAY + 2 * HOUR, [tick()]),
    )
    revisions = units(fold(log))
    assert len({unit.unit_id for unit in revisions}) == 1
    assert [(unit.reason, unit.status) for unit in revisions] == [
        ("opened", "open"),
        ("closed", "closed"),
        ("reopened", "open"),
    ]
    closed, back = revisions[1:]
    assert closed.risk.score < revisions[0].risk.score
    assert {signal.title: signal.status for signal in back.signals} == {A: "open", B: "fixed"}


def test_severity_falls_with_what_is_fixed_and_rises_with_what_comes_back() -> None:
    """As severe as the worst that is open; a closed unit as it last was when open; a late report of what is known to be
    fixed raises nothing."""
    log = timeline(
        (0, FIRST),
        (HOUR, [tick()]),
        (DAY, NEXT),
        (DAY + HOUR, [weak("a0", HOUR, A, severity=5, scan="s1b"), tick()]),
        (2 * DAY, [scanned("s3", 2 * DAY, 0)]),
        (2 * DAY + MINUTE, [tick()]),
        (2 * DAY + HOUR, [weak("a4", 2 * DAY + HOUR, A, scan="s4", severity=3), scanned("s4", 2 * DAY + HOUR, 1)]),
        (2 * DAY + 2 * HOUR, [tick()]),
    )
    revisions = units(fold(log))
    shown = [(unit.status, unit.severity) for unit in revisions]
    assert shown[0] == ("open", 5)
    assert set(shown[1:-2]) == {("open", 4)}
    assert shown[-2:] == [("closed", 4), ("open", 5)]  # the session that came back has been as severe before


@pytest.mark.parametrize("named", [0, 1])
def test_a_split_takes_all_reports_of_a_weakness(named: int) -> None:
    """Whichever of its reports the reviewer names, the whole signal leaves, and its next report goes to where it is."""
    one = [weak("a1", 0, A), weak("a2", MINUTE, A, "grype"), weak("b1", 0, B)]
    pipeline = Pipeline(0)
    (unit,) = final(units(fold([record(0, HOUR, *one), record(1, 2 * HOUR, tick())], pipeline))).values()
    assert [(signal.title, signal.count) for signal in unit.signals] == [(A, 2), (B, 1)]
    rows = pipeline.state.domains[DOMAIN].signals
    reports = sorted((row[1], key.split("\x1f")[1]) for key, row in rows.items() if row[6] == A)
    said = {"type": "review", "source_id": "r", "time": iso(T0), "domain": DOMAIN, "reviewer": "ann", "kind": "split"}
    split = said | {"unit_id": unit.unit_id, "signals": [reports[named][1]]}
    more = weak("a3", 2 * HOUR, A, "snyk")
    out = fold([record(2, 3 * HOUR, split), record(3, 4 * HOUR, more), record(4, 5 * HOUR, tick())], pipeline)
    assert letters(out) == []
    found = sorted([(s.title, s.count, len(s.reporters)) for s in each.signals] for each in final(units(out)).values())
    assert found == [[(A, 3, 3)], [(B, 1, 1)]]


def test_another_reporter_keeps_it_open() -> None:
    """What one tool no longer sees and another still reports is open."""
    log = timeline(
        (0, [weak("a1", 0, A), scanned("s1", 0, 1), weak("g1", 0, A, "grype"), scanned("s1", 0, 1, "grype")]),
        (DAY, [scanned("s2", DAY, 0)]),
        (DAY + HOUR, [tick()]),
    )
    unit = units(fold(log))[-1]
    assert (unit.status, unit.signals[0].status, unit.signals[0].reporters) == ("open", "open", ("grype", "trivy"))


def test_a_finding_reported_as_fixed_closes() -> None:
    """A report that gives the state itself needs no scans; an older open report that comes later changes nothing."""
    log = timeline(
        (0, [weak("a1", 0, A, scan=None, target=None)]),
        (HOUR, [tick()]),
        (2 * HOUR, [weak("a2", 2 * HOUR, A, scan=None, target=None, status="fixed")]),
        (2 * HOUR + MINUTE, [weak("a0", -HOUR, A, scan=None, target=None)]),
        (3 * HOUR, [tick()]),
    )
    revisions = units(fold(log))
    assert revisions[1].reason == "closed"
    assert (revisions[-1].status, revisions[-1].signals[0].status) == ("closed", "fixed")


def test_what_comes_back_late_names_the_earlier_unit() -> None:
    """After the unit is forgotten the same weakness opens a new one, which names the old."""
    log = timeline(
        (0, FIRST),
        (DAY, [scanned("s2", DAY, 0)]),
        (2 * DAY, [tick()]),
        (3 * DAY, [weak("a3", 3 * DAY, A, scan="s3")]),
        (3 * DAY + HOUR, [tick()]),
    )
    found = final(units(fold(log)))
    old, new = found.values()
    assert (old.status, new.status) == ("closed", "open")
    assert [(r.relation, r.unit_id) for r in new.related] == [("earlier", old.unit_id)]


def test_a_unit_that_was_never_told_of_is_told_of_before_it_ends() -> None:
    """Fixed before its first revision, a unit has one that opens it and one that closes it, in a replay's end, too."""
    pipeline = Pipeline(0)
    pipeline.step(record(0, 0, *FIRST, scanned("s2", HOUR, 0)))
    outputs: list[Any] = []
    pipeline.flush(outputs)
    assert [unit.reason for unit in units(outputs)] == ["opened", "closed"]


@pytest.mark.parametrize("cut", range(1, 5))
def test_fixed_and_reopened_across_a_restore(cut: int) -> None:
    """Wherever the state is written and read again, the outputs and the state are the same."""
    log = timeline(
        (0, FIRST),
        (DAY, NEXT),
        (DAY + HOUR, [scanned("s3", DAY + HOUR, 0)]),
        (DAY + 2 * HOUR, [weak("a4", DAY + 2 * HOUR, A, scan="s4"), scanned("s4", DAY + 2 * HOUR, 1)]),
        (DAY + 3 * HOUR, [tick()]),
    )
    whole = Pipeline(0)
    expected = fold(log, whole)
    parts = Pipeline(0)
    outputs = fold(log[:cut], parts)
    changelog = dict(parts.drain())
    parts = restored(changelog, sorted(changelog, reverse=True))
    outputs += fold(log[cut:], parts)
    assert outputs == expected
    assert tables(parts) == tables(whole)


def _read(name: str, received: int) -> list[Doc]:
    """What the source that recognises a recorded report makes of it, in one domain, received at a time."""
    document = orjson.loads((SHARED / name).read_bytes())
    headers = {"x-weir-received": iso(received)}
    source = recognise(document, headers)
    assert source is not None, name
    drafts: list[Any] = [draft for _, draft in source.read(document, headers) if isinstance(draft, dict)]
    return [{**draft, "source": source.name, "domain": DOMAIN, "origin": ["raw", 0, 0, 0]} for draft in drafts]


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")
def test_one_image_in_several_formats_is_one_unit() -> None:
    """Four weaknesses of one image, told in five formats, are one unit of four signals."""
    names = [f"scanner-trivy/alpine-310.{form}" for form in ("json", "sarif", "asff", "gitlab", "gitlab-codequality")]
    at = 700 * DAY
    records = [record(n, at + n * HOUR, *_read(name, T0 + at)) for n, name in enumerate(names)]
    outputs = fold([*records, record(9, at + DAY, tick())])
    found = final(units(outputs))
    (unit,) = found.values()
    assert len({draft["source"] for name in names for draft in _read(name, T0 + at)}) == 5
    assert unit.signal_count == 20
    assert [(signal.count, signal.reporters, len(signal.same)) for signal in unit.signals] == [(5, ("trivy",), 1)] * 4
    assert {signal.same[0].partition(" of ")[0] for signal in unit.signals} == {
        f"{cve} in {package}" for cve in ("CVE-2019-1549", "CVE-2019-1551") for package in ("libssl1.1", "libcrypto1.1")
    }
