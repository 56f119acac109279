"""Which context records are too old to be believed, and what says so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.parameters import Parameters
from streams.correlation.context import Context
from streams.correlation.exploitability import reach
from streams.correlation.facts import Facts
from streams.correlation.freshness import Freshness
from streams.correlation.rows import SignalRow
from streams.correlation.table import Table

DAY = 86_400_000
NOON = round(datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp() * 1000)
PAST = "2026-03-01T12:00:00Z"


def stale(kind: str, record: dict[str, Any], days: float, *feeds: tuple[str, str, dict[str, Any]]) -> str | None:
    """What is said of a record so many days after it was put at noon of March 2."""
    context = Context(Table("context", []))
    context.put(kind, "k", record, NOON, 1)
    for offset, (feed, key, said) in enumerate(feeds):
        context.put(feed, key, said, NOON, offset + 2)
    time = NOON + round(days * DAY)
    fact = context.at(kind, "k", time)
    assert fact is not None
    return Freshness(context, Parameters()).stale(fact, time)


@pytest.mark.parametrize(
    ("kind", "record", "days"),
    [
        ("catalog", {"tags": []}, 30),
        ("epss", {"date": "2026-03-02T12:00:00Z", "epss": 0.1}, 2),
        ("on_call", {"from": "2026-03-02T12:00:00Z", "person": "al"}, 1),
        ("vex", {"timestamp": "2026-03-02T12:00:00Z", "status": "fixed"}, 180),
    ],
)
def test_a_record_is_stale_beyond_the_age_of_its_kind(kind: str, record: dict[str, Any], days: int) -> None:
    """At the limit it is good, beyond it is not; that all was read anew in between makes it good again."""
    assert stale(kind, record, days) is None
    said = stale(kind, record, days + 0.01) or ""
    assert said.startswith("stale: said ")
    read = {"read_at": datetime.fromtimestamp((NOON + days * DAY) / 1000, UTC).isoformat()}
    assert stale(kind, record, days + 0.01, ("feed", kind, read)) is None
    assert stale(kind, record, days + 0.01, ("feed", "other", read)) is not None


@pytest.mark.parametrize("kind", ["kev", "policy_exception", "freeze", "deployment_window", "case", "alias"])
def test_what_holds_until_revoked_is_not_stale_by_its_own_date(kind: str) -> None:
    """A listing of years ago is as good as ever, unless the catalogue is old in which it stands."""
    record = {"added": "2020-01-01", "created_at": "2020-01-01", "closed_at": "2020-01-01"}
    assert stale(kind, record, 400) is None
    old = stale(kind, record, 400, ("feed", kind, {"read_at": PAST}))
    assert (old is None) is (kind in ("case", "alias"))


def test_the_release_of_kev_counts() -> None:
    """Four days after its release the catalogue is old, unless it was read since."""
    feed = ("kev", "feed", {"version": "1", "released": "2026-03-02T12:00:00Z"})
    assert stale("kev", {"added": "2026-01-01"}, 4, feed) is None
    assert stale("kev", {"added": "2026-01-01"}, 4.1, feed) == "stale: said 4 days before, at most 4 days"
    assert stale("kev", {"added": "2026-01-01"}, 4.1, feed, ("feed", "kev", {"read_at": "2026-03-05"})) is None


def test_a_duty_with_an_end_is_good_until_then() -> None:
    """A week of duty, as it was planned, does not get old by itself."""
    assert stale("on_call", {"from": PAST, "to": "2026-03-09", "person": "al"}, 6) is None


def test_evidence_says_that_it_is_stale() -> None:
    """In the text and as a mark; the limits are parameters."""
    context = Context(Table("context", []))
    context.put("catalog", "component:default/pay", {"tags": ["internet-facing"]}, NOON, 3)
    row = SignalRow("trivy", "f", "vulnerability", NOON, NOON, 1, "t", 4, 0.7, (), (), "pay", "00", rule="CVE-2026-1")

    def said(days: int, **limits: int) -> tuple[str, bool]:
        found = reach([row], {"pay": Facts(ref="component:default/pay")}.get, context, NOON + days * DAY,
                      Parameters(**limits))  # fmt: skip
        (fact,) = found.summary.evidence
        return fact.text, fact.stale

    text, old = said(45)
    assert (text.endswith("45 days old; stale: said 45 days before, at most 30 days]"), old) == (True, True)
    assert said(45, stale_catalog_ms=60 * DAY)[1] is False
    assert said(20)[1] is False
