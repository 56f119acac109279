"""One report over several domains: each is told how much of it to expect, and a part fixes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest

from schemas.unit import Unit
from streams.catalog import Catalog
from streams.ingest import Ingest, Placed, RawRecord
from streams.pipeline import Pipeline
from streams.records import LogRecord, Output
from streams.redaction import Redactor
from streams.sources.base import Reading
from tests.streams.correlation.build import DAY, HOUR, T0, Doc, final, iso, tables, units

REPOSITORY, IMAGE = "repository acme/all", "image acme/pay:1"
SHOP, TILL, NOBODY = "system:shop", "system:till", "github:acme/all"


class Report:
    """A source whose documents are lists of drafts."""

    name = "report"
    lateness = timedelta(0)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        return True

    def read(self, document: Any, headers: Mapping[str, str]) -> Iterator[Reading]:
        for item, draft in enumerate(document):
            yield item, {**draft, "entities": [tuple(pair) for pair in draft["entities"]]}


def catalog() -> Catalog:
    """pay is of the shop, till of the till."""
    made = Catalog()
    for name, system in (("pay", "shop"), ("till", "till")):
        made.apply(f"component:default/{name}", {"system": f"system:default/{system}"})
    return made


def report(day: int, *found: tuple[str, str], target: str = REPOSITORY, told: int | None = None) -> list[Doc]:
    """A scan at noon of a day: rule and component of each finding, then the scan; ``told``: what it says it found."""
    scan = f"scan-{day}"
    shared = {"time": iso(T0 + day * DAY), "domain": NOBODY, "title": "x", "reporter": "semgrep", "target": target}
    shared |= {"scan": scan}
    drafts = [
        {
            **shared,
            "type": "finding",
            "kind": "weakness",
            "source_id": f"{scan}/{rule}/{component}",
            "entities": [["repository", "acme/all"], ["component", component], ["file", f"{component}.py"]],
            "rule": rule,
            "title": rule,
            "severity": 4,
            "location": f"{component}.py:1",
            "fingerprints": [f"place={rule}/{component}"],
        }
        for rule, component in found
    ]
    count = len(found) if told is None else told
    over = {"type": "scan", "source_id": scan, "entities": [["repository", "acme/all"]], "findings": count}
    return [*drafts, {**shared, **over}]


def placed(documents: Sequence[list[Doc]], partitions: int = 1) -> list[list[Placed]]:
    """What ingest makes of documents, one list a document."""
    ingest = Ingest(catalog(), Redactor(b"0123456789abcdef"), partitions)
    out = []
    for offset, document in enumerate(documents):
        raw = RawRecord("raw", 0, offset, T0, None, (), orjson.dumps(document), Report())
        events, dead = ingest.read(raw)
        assert not dead
        assert sum(ingest.counts[kind] for kind in ("finding", "scan", "copies", "broadcasts")) >= len(events)
        assert all(event.fault is None for event in events)
        out.append(events)
    return out


def told(events: Sequence[Placed]) -> list[tuple[str, int, list[str] | None]]:
    """Of each scan event the domain, the findings, and the domains besides which it is."""
    found = [orjson.loads(event.value) for event in events]
    return [(each["domain"], each["findings"], each.get("elsewhere")) for each in found if each["type"] == "scan"]


def folded(*documents: list[Doc], partitions: int = 1, drop: Sequence[int] = ()) -> dict[str, list[Unit]]:
    """The units of each domain, an hour after the last document. ``drop``: events that get lost, by number."""
    pipelines = [Pipeline(n) for n in range(partitions)]
    out: list[Output] = []
    number = 0
    for day, events in enumerate(placed(documents, partitions)):
        for pipeline in pipelines:
            kept = []
            for n, event in enumerate(events, number):
                if n not in drop and event.partition in (None, pipeline.partition):
                    kept.append(event.value)
            value = b"[" + b",".join(kept) + b"]"
            out += pipeline.step(LogRecord(pipeline.partition or 0, day, T0 + day * DAY, value))
            out += pipeline.step(LogRecord(pipeline.partition or 0, day, T0 + day * DAY + HOUR, b'[{"type":"tick"}]'))
        number += len(events)
    found: dict[str, list[Unit]] = {}
    for unit in final(units(out)).values():
        found.setdefault(unit.domain, []).append(unit)
    return found


def states(found: list[Unit]) -> dict[str, str]:
    return {signal.title: signal.status for unit in found for signal in unit.signals}


BOTH = report(0, ("A", "pay"), ("B", "pay"), ("C", "till"))


def test_each_domain_is_told_what_to_expect() -> None:
    """Two findings of one system and one of another; the scan's own domain has none, and all others are told so."""
    (events,) = placed([BOTH])
    assert told(events) == [(NOBODY, 0, None), (SHOP, 2, None), (TILL, 1, None), (NOBODY, 0, [NOBODY, SHOP, TILL])]


def test_what_ingest_did_not_see_is_missed_in_the_scans_own_domain() -> None:
    """A report that says five and holds three is complete in the two systems and never where the rest may be."""
    (events,) = placed([report(0, ("A", "pay"), ("B", "pay"), ("C", "till"), told=5)])
    assert told(events)[:3] == [(NOBODY, 2, None), (SHOP, 2, None), (TILL, 1, None)]


def test_a_finding_that_is_there_twice_is_expected_once() -> None:
    """A report that repeats a finding, under one id, is complete all the same, and what is gone from it is fixed."""
    again = report(1, ("A", "pay"), ("A", "pay"), told=1)
    (events,) = placed([again])
    assert told(events)[:2] == [(NOBODY, 0, None), (SHOP, 1, None)]
    assert states(folded(BOTH, again)[SHOP]) == {"A": "open", "B": "fixed"}


def test_the_scan_of_an_image_is_for_its_domain_alone() -> None:
    """All of an image is in one domain; no other partition is bothered."""
    ingest = Ingest(catalog(), Redactor(b"0123456789abcdef"), 4)
    document = report(0, ("A", "pay"), target=IMAGE)
    for draft in document:
        draft["entities"] = [["component", "pay"]]
    events, _ = ingest.read(RawRecord("raw", 0, 0, T0, None, (), orjson.dumps(document), Report()))
    assert told(events) == [(SHOP, 1, None)]
    assert len({event.partition for event in events}) == 1


@pytest.mark.parametrize("partitions", [1, 2, 5])
def test_what_one_report_misses_is_fixed_in_every_domain(partitions: int) -> None:
    """B and C are gone from the next report: one of two of the shop is fixed, and the till's only one closes its unit,
    though the second report says nothing of the till."""
    found = folded(BOTH, report(1, ("A", "pay")), partitions=partitions)
    assert states(found[SHOP]) == {"A": "open", "B": "fixed"}
    assert ([unit.status for unit in found[TILL]], states(found[TILL])) == (["closed"], {"C": "fixed"})


def test_what_comes_back_in_one_domain_is_open_there() -> None:
    """Fixed by the second report and back in the third."""
    found = folded(BOTH, report(1, ("A", "pay")), report(2, ("A", "pay"), ("C", "till")))
    assert states(found[SHOP]) == {"A": "open", "B": "fixed"}
    assert states(found[TILL]) == {"C": "open"}


@pytest.mark.parametrize("lost", [7, 8])
def test_a_part_of_a_scan_fixes_nothing_where_it_is_a_part(lost: int) -> None:
    """One of two findings of the second report does not arrive at the shop: nothing there is fixed; the till's is."""
    assert len(placed([BOTH])[0]) == 7  # then those of the second: D, E, and the scans
    found = folded(BOTH, report(1, ("D", "pay"), ("E", "pay")), drop=[lost])
    assert states(found[SHOP])["A"] == states(found[SHOP])["B"] == "open"
    assert states(found[TILL]) == {"C": "fixed"}


def test_an_unreadable_report_fixes_nothing_in_the_systems_that_it_names() -> None:
    """A scan event that says more than came, in its own domain, leaves what that domain had open."""
    first = report(0, ("A", "nobody"), ("B", "pay"))
    found = folded(first, report(1, ("B", "pay"), told=2))
    assert states(found[NOBODY]) == {"A": "open"}
    assert states(found[SHOP]) == {"B": "open"}


def test_a_domain_that_never_saw_the_target_is_left_alone() -> None:
    """The broadcast makes no rows where nothing is known of the target, and counts as steering."""
    pipeline = Pipeline(0)
    (events,) = placed([BOTH])
    pipeline.step(LogRecord(0, 0, T0, b"[" + events[-1].value + b"]"))
    assert dict(pipeline.counts) == {"steering": 1}
    assert not [at for at in tables(pipeline) if at[0]]


def test_a_report_that_comes_twice_changes_nothing() -> None:
    """The copies and the broadcast of a second delivery are duplicates."""
    assert folded(BOTH, report(1, ("A", "pay")), report(1, ("A", "pay")))[SHOP][0].signal_count == 3
