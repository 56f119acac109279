"""How units look on a terminal and as lines, and which unit an id names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.unit import ChangeSearch, Factor, Provenance, Risk, Signal, SuspectChange, Unit, UnitEntity
from streams.cli import table, unit_page
from streams.edge.outcome import ranked
from streams.edge.units import Latest, Revision

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOSTILE = "a\x1b[2J\x1b]8;;http://x\x07b\u202ec\x9b31m[bold red]d[/bold red]\ne"


def unit(unit_id: str = "wu-1", revision: int = 1, **changes: Any) -> Unit:
    signal = Signal(
        id="s", source_id="raw/1", source="ocsf", kind="detection", time=AT, last=AT + timedelta(minutes=3), count=4,
        title="Shell in a container", severity=4, score=0.8, why=("the rule says so",),
    )  # fmt: skip
    change = SuspectChange(
        id="c", source_id="d/1", source="cdevents", kind="deploy", time=AT - timedelta(minutes=12), actor="github:ada",
        title="checkout upgraded", score=0.91, factors=(Factor(name="time", value=1.5, text="12 min before"),),
    )  # fmt: skip
    fields: dict[str, Any] = {
        "unit_id": unit_id, "revision": revision, "reason": "opened", "status": "open", "severity": 4,
        "confidence": 0.8, "title": "checkout: Shell in a container", "domain": "system:shop", "opened_at": AT,
        "updated_at": AT, "components": ("checkout",), "risk": Risk(score=71, factors=()), "exploitability": {},
        "signal_count": 4, "signals": (signal,), "entities": (UnitEntity(kind="ip", id="203.0.113.9", weight=0.4),),
        "changes": (change,), "change_count": 1,
        "change_search": ChangeSearch.model_validate(
            {"from": AT - timedelta(days=7), "to": AT, "searched": 9, "silent_sources": ("github.webhook",)}
        ),
        "first_at": AT, "last_at": AT + timedelta(minutes=3),
        "provenance": Provenance(
            engine="weir/0.1.0", config="c", rules="", models=("burst@1",), context="x", log=(2, 5, 9)
        ),
        "digest": "00",
    }  # fmt: skip
    return Unit.model_validate(fields | changes)


def lines(given: Unit) -> str:
    return "\n".join(line.plain for line in unit_page.page(given))


def test_row_shows_what_is_decided_on() -> None:
    """Severity, risk, confidence, signals, domain, title; then the id and the suspect with its score."""
    first, second = (line.plain for line in table.opened(unit(), 120))
    assert first.split() == ["high", "71", "0.80", "4", "system:shop", "checkout:", "Shell", "in", "a", "container"]
    assert second.split("  ")[0] == "wu-1"
    assert "suspect 0.91  checkout upgraded" in second
    assert first.index("checkout") == table.head().plain.index("UNIT") == second.index("suspect")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_rows_fit_the_width(width: int) -> None:
    """Long texts are cut, and show it."""
    long = unit(title="t" * 500, changes=())
    for line in table.opened(long, width):
        assert len(line.plain) <= width
    assert sum(line.plain.endswith("…") for line in table.opened(long, width)) == 1


def test_no_terminal_obeys_text_from_outside() -> None:
    """Escapes, control characters, direction overrides and markup in any field are shown, not obeyed."""
    hostile = unit(
        title=HOSTILE,
        domain=HOSTILE,
        signals=(unit().signals[0].model_copy(update={"title": HOSTILE, "why": (HOSTILE,), "source_id": HOSTILE}),),
        changes=(unit().changes[0].model_copy(update={"title": HOSTILE, "actor": HOSTILE}),),
        entities=(UnitEntity(kind="host", id=HOSTILE, weight=1),),
        owner=HOSTILE,
        aliases=(HOSTILE,),
        components=(HOSTILE,),
    )
    shown = [line.plain for line in (*table.opened(hostile, 400), *unit_page.page(hostile))]
    news = table.updated(hostile.model_copy(update={"signal_count": 5}), unit(changes=()), 400)
    assert news is not None
    for line in [*shown, news.plain]:
        assert line.isprintable(), ascii(line)
    assert "[bold red]d[/bold red]" in shown[0]


def test_revision_that_shows_nothing_new_is_no_line() -> None:
    """A revision is worth a line if severity, risk, signals, status or the first suspect differ."""
    before = unit()
    assert table.updated(unit(revision=2), before, 120) is None
    news = table.updated(unit(revision=2, signal_count=9, severity=5), before, 120)
    assert news is not None
    assert "severity high -> critical, signals 4 -> 9" in news.plain
    closed = table.updated(unit(revision=3, status="merged", merged_into="wu-2"), before, 120)
    assert closed is not None
    assert "merged into wu-2" in closed.plain


def test_page_says_why_and_where_was_looked() -> None:
    """The page has the sentence, each signal's why, each change's factors, and the search with the silent sources."""
    page = lines(unit())
    assert (
        "4 signals within 3 min from 2026-03-02 08:00:00Z on about checkout (system:shop); "
        "the first suspect is checkout upgraded by github:ada, 12 min before the first signal." in page
    )
    assert "- the rule says so" in page
    assert "+1.50  time: 12 min before" in page
    assert "9 changes in the domain. Silent in that time, though heard before: github.webhook." in page
    assert "log partition 2, offsets 5 to 9" in page


def test_page_tells_the_outcome_of_the_search_in_words() -> None:
    """What was found among how many, and which sources were silent."""
    search = {"from": AT, "to": AT, "searched": 9, "text": "no suspect among 9 changes; argo silent for 6.0 h"}
    page = lines(unit(changes=(), change_search=ChangeSearch.model_validate(search)))
    assert "9 changes in the domain. No suspect among 9 changes; argo silent for 6.0 h." in page


def test_page_without_a_suspect_says_how_many_were_looked_at() -> None:
    """No suspect is said with the number of changes that were looked at."""
    assert "of 9 changes looked at, none is a suspect." in lines(unit(changes=()))


def test_latest_keeps_the_last_revision_and_follows_merges() -> None:
    """Revisions come in any order over partitions; an alias and a merged id lead to the survivor."""
    units = Latest()
    for given in (
        unit("wu-a", 2, signal_count=5),
        unit("wu-a", 1),
        unit("wu-b", 3, status="merged", merged_into="wu-a"),
        unit("wu-c", 1, aliases=("wu-old",)),
    ):
        units.take(Revision(given, given.model_dump_json(by_alias=True).encode()))
    assert [found.unit.signal_count for found in units.find("wu-a")] == [5]
    assert [found.unit.unit_id for found in units.find("wu-b")] == ["wu-a"]
    assert [found.unit.unit_id for found in units.find("wu-old")] == ["wu-c"]
    assert [found.unit.unit_id for found in units.find("wu-")] == ["wu-a", "wu-c"]
    assert units.find("nothing") == []


def test_alias_circles_end() -> None:
    """Two units that name each other as survivor do not hang the search."""
    units = Latest()
    units.take(Revision(unit("wu-a", merged_into="wu-b", status="merged"), b"{}"))
    units.take(Revision(unit("wu-b", merged_into="wu-a", status="merged"), b"{}"))
    assert len(units.find("wu-a")) == 1


def test_ranked_by_risk_then_severity_then_id() -> None:
    """The riskiest first; equal ones in an order that does not change."""
    given = [unit("wu-c"), unit("wu-a"), unit("wu-b", severity=5), unit("wu-d", risk=Risk(score=90))]
    assert [each.unit_id for each in ranked(given)] == ["wu-d", "wu-b", "wu-a", "wu-c"]
