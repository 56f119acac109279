"""What grouping engines get wrong in practice, each as a test of the fold: order, duplicates, merges, ceilings."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from streams.pipeline import Pipeline
from streams.records import Output
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    SECOND,
    Doc,
    config,
    final,
    finding,
    fold,
    record,
    tick,
    timeline,
    units,
)

IP = ("ip", "198.51.100.7")
USER = ("principal", "arn:aws:iam::111122223333:user/ann")


def scene() -> list[Doc]:
    """Two hours of five users, three hosts and two addresses, of detections and of states."""
    chance = random.Random(7)
    documents = []
    for number in range(120):
        entities = [("principal", f"user/{chance.randrange(5)}"), ("host", f"i-{chance.randrange(3)}")]
        if chance.random() < 0.5:
            entities.append(("ip", f"198.51.100.{chance.randrange(2)}"))
        kind = chance.choice(["detection", "misconfiguration", "vulnerability"])
        title = chance.choice(["one", "two", "three"])
        at = chance.randrange(120) * MINUTE
        documents.append(finding(f"f{number}", at, *entities, kind=kind, title=title, rule=title))
    return documents


def digests(documents: list[Doc]) -> Counter[str]:
    """Of the final revisions, when the documents come one a record."""
    pipeline = Pipeline(0)
    out: list[Output] = []
    for number, document in enumerate(documents):
        out += pipeline.step(record(number, 3 * HOUR + number, document))
    pipeline.flush(out)
    return Counter(unit.digest for unit in final(units(out)).values() if unit.status == "open")


def test_twenty_shuffles_give_one_result() -> None:
    """Arrival order changes no final unit, with duplicates mixed in."""
    documents = scene()
    expected = digests(documents)
    for seed in range(20):
        mixed = documents + random.Random(seed).sample(documents, 40)
        random.Random(seed).shuffle(mixed)
        assert digests(mixed) == expected


def test_what_is_sent_three_times_is_one() -> None:
    """A duplicate is known by its natural key: no count, no revision comes of it."""
    once = finding("f1", 0, USER)
    out = fold(timeline((0, [once]), (SECOND, [once]), (2 * SECOND, [once]), (MINUTE, [tick()])))
    assert [(unit.revision, unit.signal_count) for unit in units(out)] == [(1, 1)]


def test_nineteen_days_apart_is_not_one_matter() -> None:
    """Event time decides, not arrival: two findings of one address in one record, nineteen days apart."""
    pipeline = Pipeline(0)
    out = fold(
        timeline((0, [finding("a", -19 * DAY, IP, source="old"), finding("b", 0, IP)]), (MINUTE, [tick()])), pipeline
    )
    assert sorted(unit.signal_count for unit in units(out)) == [1, 1]


def test_newest_first_and_seventeen_minutes_apart_links_nothing_of_a_burst() -> None:
    """Detections 1,000 s apart on a place, newest first, are as they would be in order."""
    documents = [finding(f"f{n}", n * 1_000 * SECOND, IP, kind="detection", title=f"t{n}") for n in range(6)]
    assert digests(documents) == digests(documents[::-1])


def test_no_result_names_an_id_that_vanished() -> None:
    """Two emitted units are joined by a later event: the victim says so, and its id resolves to the survivor."""
    host = ("host", "i-1")
    out = fold(
        timeline(
            (0, [finding("a", -MINUTE, IP), finding("b", 0, host)]),
            (MINUTE, [tick()]),
            (2 * MINUTE, [finding("c", 0, IP, host)]),
            (3 * MINUTE, [tick()]),
        )
    )
    found = units(out)
    last = final(found)
    named = {
        name for unit in found for name in (unit.unit_id, *unit.aliases, *([unit.merged_into] * bool(unit.merged_into)))
    }
    assert named <= last.keys()
    (merged,) = [unit for unit in last.values() if unit.status == "merged"]
    survivor = last[merged.merged_into or ""]
    assert merged.unit_id in survivor.aliases
    assert survivor.signal_count == 3


def test_fifteen_thousand_results_of_one_user_at_one_address_are_one_unit() -> None:
    """A ceiling counts unrelated neighbours: one user's results are related, however many, whatever they touch."""
    chance = random.Random(1)
    for entities in (
        lambda n: [USER, IP],
        lambda n: [USER, IP, ("resource", f"arn:aws:s3:::bucket-{n}")],
    ):
        storm = [
            finding(f"f{n}", n * 20, *entities(n), title=f"rule {chance.randrange(8)}", kind="detection")
            for n in range(15_000)
        ]
        out = fold(timeline((0, [config(scoring=False)]), (6 * MINUTE, storm), (7 * MINUTE, [tick()])))
        assert [unit.signal_count for unit in final(units(out)).values()] == [15_000]


def test_a_shared_address_glues_nothing_and_the_unit_says_so() -> None:
    """Sixty users behind one address translator, each with a key and an act of its own: sixty units, and the reason."""
    nat = ("ip", "203.0.113.9")
    crowd = [
        finding(
            f"f{n}", n * SECOND, nat, ("principal", f"user/{n}"), ("access_key", f"AK{n}"), kind="detection",
            title=f"act {n}", rule=f"r{n}",
        )
        for n in range(0, 60 * 7, 7)
    ]  # fmt: skip
    out = fold(timeline((HOUR, [config(link_ms=1), *crowd]), (2 * HOUR, [tick()])))
    last = final(units(out))
    assert len(last) == 60
    spoken = [reason for unit in last.values() for reason in unit.not_joined]
    assert {(reason.kind, reason.id) for reason in spoken} == {nat}
    assert "shared by 60 signals" in spoken[0].text


def test_two_clusters_with_one_namespace_name_are_two_units() -> None:
    """``kube-system`` is in every cluster, and says nothing."""
    kube = ("namespace", "kube-system")
    documents: list[Any] = [
        finding("a", 0, kube, domain="cluster:a", kind="detection"),
        finding("b", 0, kube, domain="cluster:b", kind="detection"),
        finding("c", MINUTE, kube, ("workload", "kube-system/dns"), title="c"),
        finding("d", MINUTE, kube, ("workload", "kube-system/proxy"), title="d"),
    ]
    out = fold(timeline((0, documents), (2 * MINUTE, [tick()])))
    assert sorted(unit.domain for unit in units(out)) == sorted(["cluster:a", "cluster:b", DOMAIN, DOMAIN])
