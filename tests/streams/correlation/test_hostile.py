"""A stream made to fill the memory: ever other entities, and one of them on nine events in ten."""

from __future__ import annotations

from streams.pipeline import Pipeline
from tests.streams.correlation.build import DOMAIN, HOUR, MINUTE, T0, Doc, config, finding, record, tables, tick

EVENTS = 2_400
SHARED = ("principal", "role/ci")
KEPT_LONGER = {"spread", "density", "active"}
"""By hundreds of thousands, or a week: their own tests reach these limits."""


def flood() -> list[Doc]:
    """Of a day and a half: of each ten, nine with the one entity, all with a host and a title of their own."""
    apart = 36 * HOUR // EVENTS
    return [
        finding(f"f{n}", n * apart, ("host", f"i-{n}"), *([SHARED] if n % 10 else []), title=f"t{n}", kind="detection")
        for n in range(EVENTS)
    ]


def test_rows_stop_growing_and_everything_is_counted() -> None:
    """After the caps are reached, twice the events take no more rows; who shared too much links nothing."""
    pipeline = Pipeline(0)
    settings = {"max_units": 100, "max_seen": 1_000, "scoring": False, "idle_close_ms": 2 * HOUR, "reopen_ms": MINUTE}
    pipeline.step(record(0, T0, config(**settings)))
    sizes: list[dict[str, int]] = []
    for number, document in enumerate(flood()):
        pipeline.step(record(number + 1, number * 36 * HOUR // EVENTS + MINUTE, document))
        if number % (EVENTS // 4) == EVENTS // 4 - 1:
            sizes.append({table: len(rows) for (_, table), rows in tables(pipeline).items()})
            pipeline.drain()
    pipeline.step(record(EVENTS + 1, 37 * HOUR, tick()))
    domain = pipeline.state.domains[DOMAIN]
    assert pipeline.counts["member"] == EVENTS
    assert len(domain.units) <= 100 + len(domain.leaving)
    early, late = sizes[1], sizes[3]
    grown = {table: rows for table, rows in late.items() if rows > 1.3 * early.get(table, 0) + 50}
    assert grown.keys() <= KEPT_LONGER
