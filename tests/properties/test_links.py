"""Laws of linking over domains: same log, same bytes; order decides nothing; the state is bounded."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.linking.links import Bounds, Links
from streams.records import LogRecord, Output
from tests.streams.linking.build import DAY, T0, fold, related, restored, seen, state, withdrawn

SMALL = Bounds(window_ms=DAY, units=4, domains=3, indicators=3)
UNITS = [(f"d{n % 4}", f"wu-{n}") for n in range(8)]
IDS = [f"8.8.4.{n}" for n in range(1, 6)]


@st.composite
def logs(draw: st.DrawFn) -> list[LogRecord]:
    """Indicators, withdrawals, merges, broken records and steps of the clock, any way round."""
    records = []
    now = T0
    for number in range(draw(st.integers(1, 40))):
        now += draw(st.sampled_from([0, 0, 1, 1_000, DAY // 3, DAY + 1, -5_000]))
        domain, unit_id = draw(st.sampled_from(UNITS))
        id_ = draw(st.sampled_from(IDS))
        kind = draw(st.sampled_from(["seen", "seen", "seen", "withdrawn", "merged", "broken"]))
        if kind == "seen":
            value = seen(domain, unit_id, id_=id_)
        elif kind == "broken":
            value = b"{}"
        else:
            others = [other for where, other in UNITS if where == domain and other != unit_id]
            into = draw(st.sampled_from(others)) if kind == "merged" else None
            value = withdrawn(domain, unit_id, into, id_=id_)
        records.append(LogRecord(0, number, now, value))
    return records


@given(logs(), st.data())
@settings(deadline=None, max_examples=150)
def test_a_restart_anywhere_changes_no_byte(log: list[LogRecord], data: st.DataObject) -> None:
    """Outputs and state are those of an uninterrupted fold, wherever state was saved and taken back."""
    whole, cut = Links(0, SMALL), Links(0, SMALL)
    rows: list[tuple[bytes, bytes | None]] = []
    expected: list[Output] = []
    found: list[Output] = []
    for record in log:
        expected += whole.step(record)
        found += cut.step(record)
        if data.draw(st.booleans()):
            rows += cut.drain()
            cut = restored(rows, Links(0, SMALL))
    assert found == expected
    assert state(cut) == state(whole)


@given(logs())
@settings(deadline=None, max_examples=150)
def test_everything_is_bounded_and_counted(log: list[LogRecord]) -> None:
    """Rows, holders and domains stay under their caps; each record has one outcome; told are pairs, both ways."""
    links = Links(0, SMALL)
    outputs = fold(links, log)
    assert links.counts.total() == len(log)
    assert links.held <= SMALL.indicators
    for _, shared, holders in (row for key, row in state(links).items() if key.startswith("indicators")):
        assert len(holders) <= SMALL.units
        assert len({domain for domain, _, _ in holders}) <= SMALL.domains
        assert bool(shared) != bool(holders)
    told = related(outputs)
    assert len(told) == 2 * links.told["pairs"]
    assert all(each.domain != each.other_domain for each in told)
    both = sorted((each.unit_id, each.other_unit_id, each.indicator) for each in told)
    assert both == sorted((each.other_unit_id, each.unit_id, each.indicator) for each in told)


@given(st.lists(st.tuples(st.sampled_from(UNITS), st.sampled_from(IDS)), unique=True, max_size=20), st.randoms())
@settings(deadline=None, max_examples=150)
def test_order_does_not_decide_who_is_linked(said: list[tuple[tuple[str, str], str]], chance: object) -> None:
    """Within window and caps, in whatever order units say what they have, the same are linked, each pair once."""
    roomy = Bounds(units=99, domains=99)
    shuffled = list(said)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    outcomes = []
    for order in (said, shuffled):
        records = [LogRecord(0, n, T0 + n, seen(*unit, id_=id_)) for n, (unit, id_) in enumerate(order)]
        told = related(fold(Links(0, roomy), records))
        outcomes.append(sorted((each.unit_id, each.other_unit_id, each.indicator.id) for each in told))
    expected = [
        (one[1], other[1], id_)
        for id_ in IDS
        for one, other in itertools.permutations([unit for unit, with_id in said if with_id == id_], 2)
        if one[0] != other[0]
    ]
    assert outcomes[0] == outcomes[1] == sorted(expected)
