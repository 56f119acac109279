"""Fixed and reopened: what complete scans of one target say of each other, in whatever order they come."""

from __future__ import annotations

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.correlation.scans import HISTORY, Scans, Verdict
from streams.correlation.table import Table, Undo, undo

IMAGE = "image ghcr.io/acme/pay:1.4"


def fold(limit: int = 50_000) -> Scans:
    journal: Undo = []
    return Scans(Table("scans", journal), Table("scanned", journal), limit)


def finding(scans: Scans, time: int, name: str, *also: str, target: str = IMAGE, scan: str = "") -> list[Verdict]:
    """One finding of the scan at that time, named by the texts that say what it is."""
    number = scan or f"scan-{time}"
    inside = (name, *also)
    return scans.note_finding("trivy", target, number, time, "trivy", f"{number}/{name}", inside, [f"key-{name}"])


def complete(scans: Scans, time: int, *names: str, target: str = IMAGE) -> list[Verdict]:
    """A whole scan: its findings, then its event."""
    found = [verdict for name in names for verdict in finding(scans, time, name, target=target)]
    return found + scans.note_scan("trivy", target, f"scan-{time}", time, len(names))


def states(scans: Scans) -> dict[str, bool]:
    """Of each finding held, whether it is fixed."""
    return {key.partition("/")[2]: row[-1] for key, row in scans.findings.items()}


def test_what_a_newer_scan_does_not_report_is_fixed() -> None:
    """Of two findings, the one that the next complete scan leaves out is fixed, with the last report's id and keys."""
    scans = fold()
    assert complete(scans, 1, "a", "b") == []
    assert complete(scans, 2, "a") == [Verdict("fixed", "trivy", "scan-1/b", ("key-b",), "scan-2")]
    assert complete(scans, 3, "a") == []


def test_seen_again_it_came_back() -> None:
    """A finding that was fixed and is reported again is reopened, as soon as it is reported."""
    scans = fold()
    complete(scans, 1, "a")
    complete(scans, 2)
    assert finding(scans, 3, "a") == [Verdict("reopened", "trivy", "scan-3/a", ("key-a",), "scan-3")]


def test_nothing_is_fixed_before_all_of_the_scan_is_in() -> None:
    """A scan whose event came first fixes only when the last of its findings has come."""
    scans = fold()
    complete(scans, 1, "a", "b")
    assert scans.note_scan("trivy", IMAGE, "scan-2", 2, 2) == []
    assert finding(scans, 2, "c") == []
    assert [v.source_id for v in finding(scans, 2, "a")] == ["scan-1/b"]


def test_an_older_scan_that_comes_late_changes_nothing_of_the_newer() -> None:
    """What only the late scan reported is fixed at once, and what the newer one reports stays as it is."""
    scans = fold()
    complete(scans, 2, "a")
    assert finding(scans, 1, "a") == []
    assert [v.source_id for v in finding(scans, 1, "b")] == ["scan-1/b"]
    assert scans.note_scan("trivy", IMAGE, "scan-1", 1, 2) == []
    assert states(scans) == {"a": False, "b": True}


def test_an_id_that_is_learnt_fixes_nothing() -> None:
    """Reported under a GHSA id, then under its CVE with the GHSA as alias, then under the CVE alone: one finding."""
    scans = fold()
    complete(scans, 1, "ghsa")
    assert finding(scans, 2, "cve", "ghsa") == []
    assert scans.note_scan("trivy", IMAGE, "scan-2", 2, 1) == []
    assert complete(scans, 3, "cve") == []
    assert {v.source_id for v in complete(scans, 4)} == {"scan-2/cve", "scan-3/cve"}


def test_targets_and_reporters_do_not_meet() -> None:
    """A scan of another target, or by another reporter, fixes nothing here."""
    scans = fold()
    complete(scans, 1, "a")
    assert complete(scans, 2, target="image ghcr.io/acme/web:1") == []
    assert scans.note_scan("grype", IMAGE, "g", 3, 0) == []


def test_a_finding_reported_as_fixed_counts_for_its_scan_alone() -> None:
    """Without texts it makes the scan complete and is not there: the open one of before is fixed."""
    scans = fold()
    complete(scans, 1, "a")
    scans.note_scan("trivy", IMAGE, "scan-2", 2, 1)
    told = scans.note_finding("trivy", IMAGE, "scan-2", 2, "trivy", "scan-2/a", (), ())
    assert [v.state for v in told] == ["fixed"]


def test_memory_is_bounded() -> None:
    """Findings that are in none of the last scans are forgotten, and of many targets the oldest, counted."""
    scans = fold(limit=100)
    for time in range(1, 60):
        complete(scans, time, *(f"{time}-{n}" for n in range(5)))
    assert len(scans.findings) <= 5 * (HISTORY + 1)
    for time in range(60, 160):
        complete(scans, time, "a", "b", "c", target=f"image {time}")
    assert len(scans.findings) <= 100
    assert scans.evicted > 0
    assert scans.targets[""][0] == len(scans.findings)
    assert len(scans.targets) <= 60


def test_scans_that_never_become_complete_are_bounded_too() -> None:
    """Findings of scans without an event leave with their scan."""
    scans = fold()
    for time in range(1, 200):
        finding(scans, time, f"only-{time}")
    assert len(scans.findings) <= HISTORY


NAMES = st.sets(st.sampled_from("abcd"), max_size=4)


@given(st.lists(NAMES, min_size=1, max_size=HISTORY), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_state_does_not_depend_on_the_order(runs: list[set[str]], rng: random.Random, first: bool) -> None:
    """Whatever the order of findings and scan events, the last scan decides, and telling it in order is the same."""
    events = [(time, name) for time, names in enumerate(runs, 1) for name in sorted(names)]
    events += [(time, "") for time in range(1, len(runs) + 1)]
    shuffled = list(events)
    rng.shuffle(shuffled)
    results = []
    for order in (events, shuffled):
        scans = fold()
        for time, name in order:
            if name:
                finding(scans, time, name, "alias" if first and name == "a" else name)
            else:
                scans.note_scan("trivy", IMAGE, f"scan-{time}", time, len(runs[time - 1]))
        results.append(states(scans))
    assert results[0] == results[1]
    assert {name for name, fixed in results[0].items() if not fixed} - {"alias"} == runs[-1]


@given(st.lists(NAMES, min_size=1, max_size=6), st.integers(0, 20))
@settings(max_examples=100, deadline=None)
def test_state_survives_undo_and_json(runs: list[set[str]], cut: int) -> None:
    """After an undo, or dumped to JSON and loaded, the fold goes on as if nothing had been."""
    journal: Undo = []
    scans = Scans(Table("scans", journal), Table("scanned", journal))
    plain = fold()
    for time, names in enumerate(runs, 1):
        journal.clear()
        complete(scans, time, *sorted(names))
        undo(journal)
        assert complete(scans, time, *sorted(names)) == complete(plain, time, *sorted(names))
        if cut % 3 == time % 3:
            for table in (scans.targets, scans.findings):
                for key, row in table.items():
                    table.load(key, tuple_of(json.loads(json.dumps(row))))
    assert states(scans) == states(plain)


def tuple_of(value: object) -> object:
    """Arrays as tuples, at any depth."""
    return tuple(map(tuple_of, value)) if isinstance(value, list) else value
