"""What a review is made of, and what the list of suppressions says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer

from schemas.unit import Factor, Provenance, Risk, Signal, Suppression, Unit
from streams.cli import suppressed
from streams.cli.reviewing import make, reviewer, until, words
from streams.correlation.suppression.shown import PATTERN

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("12h", NOW + timedelta(hours=12)),
        ("30D", NOW + timedelta(days=30)),
        ("2w", NOW + timedelta(weeks=2)),
        ("2026-03-02", datetime(2026, 3, 3, tzinfo=UTC)),
        ("2026-03-02T10:00:00+01:00", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("2026-03-02T09:00", datetime(2026, 3, 2, 9, tzinfo=UTC)),
    ],
)
def test_an_end_is_a_span_a_date_or_an_instant(text: str, end: datetime) -> None:
    """A date ends with its day; what has no zone is UTC."""
    assert until(text, NOW) == end


@pytest.mark.parametrize("text", ["soon", "", "2026-03-01", "-3d", "99999999999w", "2026-02-30"])
def test_an_end_that_is_none_or_past_is_refused(text: str) -> None:
    """Nothing is suppressed until a date that was not understood."""
    with pytest.raises(typer.Exit) as refused:
        until(text, NOW)
    assert refused.value.exit_code == 2


def test_a_reviewer_is_never_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag, then the variable, then git, then the login; else the command ends."""
    monkeypatch.setenv("WEIR_REVIEWER", "ada")
    assert reviewer("ben") == "ben"
    assert reviewer(None) == "ada"
    monkeypatch.delenv("WEIR_REVIEWER")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("LOGNAME", "carla")
    assert reviewer(None) == "carla"


def test_words_and_ids() -> None:
    """Two reviews never share an id, and one that is too long is refused before it is written."""
    one = make("system:shop", "wu-1", "ada", NOW, {"kind": "verdict", "verdict": "benign", "comment": "x\x1b[2J"})
    assert one.source_id != make("system:shop", "wu-1", "ada", NOW, {"kind": "comment"}).source_id
    assert words(one).startswith("verdict benign on wu-1 in system:shop by ada (")
    assert "\x1b" not in words(one)
    with pytest.raises(typer.Exit):
        make("system:shop", "wu-1", "ada", NOW, {"kind": "comment", "comment": "x" * 5_000})


def hiding(*patterns: str, sampled: bool = False, owner: str = "ada") -> Suppression:
    return Suppression(
        pattern=patterns[0], title=f"title {patterns[0]}", owner=owner, reason="the nightly scan", since=NOW,
        evidence=tuple(Factor(name=PATTERN + name, value=1, text=f"title {name}") for name in patterns),
        expires=NOW + timedelta(days=30), sampled=sampled,
    )  # fmt: skip


def unit(unit_id: str, revision: int, suppression: Suppression | None, **fields: Any) -> Unit:
    signal = Signal(
        id="s", source_id="1", source="ids", kind="detection", time=NOW, last=NOW, count=4, title="Port scan",
        severity=3, score=0.6, why=(),
    )  # fmt: skip
    return Unit.model_validate(
        {
            "unit_id": unit_id, "revision": revision, "reason": "signal", "status": "open", "severity": 3,
            "confidence": 0.5, "title": "web: Port scan", "domain": "system:shop", "opened_at": NOW,
            "updated_at": NOW + timedelta(minutes=revision), "risk": Risk(score=30), "exploitability": {},
            "signal_count": 10 * revision, "signals": (signal,), "entities": (), "first_at": NOW, "last_at": NOW,
            "provenance": Provenance(engine="e", config="c", rules="", models=(), context="", log=None), "digest": "00",
            "suppression": suppression,
        }
        | fields
    )  # fmt: skip


REVISIONS = (
    unit("wu-1", 1, None),
    unit("wu-1", 2, hiding("aa")),
    unit("wu-2", 1, hiding("bb", "aa", owner="weir")),
    unit("wu-3", 1, hiding("aa", sampled=True)),
    unit("wu-4", 1, hiding("aa")),
    unit("wu-4", 2, None),
    unit("wu-5", 1, hiding("aa"), domain="system:pay"),
)


@pytest.mark.parametrize("order", [1, -1])
def test_patterns_are_listed_with_what_they_hide(order: int) -> None:
    """By pattern and domain: hidden now and ever, the sample apart, each pattern of a unit counted."""
    found = {(hidden.pattern, hidden.domain): hidden for hidden in suppressed.by_pattern(REVISIONS[::order])}
    assert set(found) == {("aa", "system:shop"), ("bb", "system:shop"), ("aa", "system:pay")}
    main = found["aa", "system:shop"]
    assert (main.now, main.ever, main.sampled) == ({"wu-1", "wu-2"}, {"wu-1", "wu-2", "wu-4"}, {"wu-3"})
    assert main.signals == 30
    assert (main.title, main.owner) == ("title aa", "ada")
    assert found["bb", "system:shop"].owner == "weir"
    assert main.row()["expires"] == "2026-04-01T08:00:00+00:00"
    lines = [line.plain for line in suppressed.rows(found.values(), 100)]
    assert len(lines) == 7
    assert all(len(line) <= 100 for line in lines)


def test_a_pattern_tells_every_unit_that_it_hid() -> None:
    """Also those that came back since, with where they are now."""
    where = {unit.unit_id: where for unit, where in suppressed.hidden_by("aa", REVISIONS)}
    assert where == {"wu-1": "hidden", "wu-2": "hidden", "wu-3": "sampled", "wu-4": "came back", "wu-5": "hidden"}
    assert suppressed.hidden_by("cc", REVISIONS) == []
    for line in suppressed.unit_rows(suppressed.hidden_by("aa", REVISIONS), 80):
        assert len(line.plain) <= 80
