"""What reviews say of kinds of change, and what a silence of a source is worth."""

from __future__ import annotations

from math import log

import pytest

from streams.correlation.change_history import FULL, UNITS, History
from streams.correlation.change_score import score
from streams.correlation.change_sources import GAPS, LEAST_MS, freshness, hear
from streams.correlation.changes import Own
from tests.streams.correlation.build import DAY, HOUR, MINUTE, T0
from tests.streams.correlation.change_build import HOST, changes, row, subject, table


def empty() -> History:
    return History(table("change_history"), table("change_verdicts"), table("gone"))


def test_verdicts_move_the_score_a_little_at_first() -> None:
    """One confirmation adds ln(5/4), many at most one; rejections the same the other way."""
    verdicts = empty()
    assert verdicts.history("deploy") == (0.0, 0, 0)
    verdicts.note(["deploy", "deploy", "access"], confirmed=True)
    assert verdicts.history("deploy") == (round(log(5 / 4), 6), 1, 0)
    for _ in range(50):
        verdicts.note(["deploy"], confirmed=True)
        verdicts.note(["code"], confirmed=False)
    assert verdicts.history("deploy")[0] == 1.0
    assert verdicts.history("code")[0] == -1.0
    assert verdicts.history("access")[0] == round(log(5 / 4), 6)


def test_old_verdicts_fade() -> None:
    """From so many on all count half, so that a kind can lose its name again."""
    verdicts = empty()
    for _ in range(3 * FULL):
        verdicts.note(["deploy"], confirmed=True)
    assert sum(verdicts.history("deploy")[1:]) < FULL
    for _ in range(FULL):
        verdicts.note(["deploy"], confirmed=False)
    assert verdicts.history("deploy")[0] < 0


def test_a_unit_counts_once_as_its_last_verdict_says() -> None:
    """The same again adds nothing; another takes the one before back, with the kinds that it counted for."""
    verdicts = empty()
    verdicts.judge("wu-1", ["deploy", "code"], "true_positive", 1)
    verdicts.judge("wu-1", ["access"], "true_positive", 2)
    assert dict(verdicts.table) == {"code": (1, 0), "deploy": (1, 0)}
    verdicts.judge("wu-1", ["deploy"], "benign", 3)
    assert dict(verdicts.table) == {"code": (0, 0), "deploy": (0, 1)}
    verdicts.judge("wu-1", ["deploy"], "false_positive", 4)
    assert verdicts.history("deploy")[1:] == (0, 1)
    verdicts.judge("wu-1", ["deploy"], "undecided", 5)
    assert verdicts.history("deploy")[1:] == (0, 0)
    assert not verdicts.judged


def test_judged_units_are_bounded() -> None:
    """Those judged longest ago are no longer known by name; what they counted for stays until it fades."""
    verdicts = empty()
    for n in range(UNITS + 5):
        verdicts.judge(f"wu-{n}", ["deploy" if n else "code"], "benign", n)
    assert len(verdicts.judged) == UNITS
    assert verdicts.gone["change_verdicts"] == (5,)
    assert "wu-4" not in verdicts.judged
    assert verdicts.history("code")[1:] == (0, 1)


def test_a_confirmed_kind_scores_higher_and_says_why() -> None:
    """The factor is in the score of the search, in words."""
    kept = changes(row("c", T0 - MINUTE, HOST))
    (before,) = kept.search(subject(HOST), Own(), 5).best
    for _ in range(4):
        kept.verdicts.note(["deploy"], confirmed=True)
    (after,) = kept.search(subject(HOST), Own(), 5).best
    assert after.score > before.score
    assert [f.text for f in after.factors if f.name == "history"] == [
        "deploy changes were shown on 4 confirmed and 0 rejected units of the domain"
    ]
    assert after.score == score(subject(HOST), row("c", T0 - MINUTE, HOST), kept)


def heard(*times: int, source: str = "argo") -> object:
    rows = table("heard")
    for time in times:
        hear(rows, source, time)
    return rows


@pytest.mark.parametrize(
    ("gap", "silence", "silent"), [(MINUTE, HOUR, True), (HOUR, HOUR, False), (HOUR, 6 * HOUR, True)]
)
def test_silence_is_judged_against_the_sources_own_gaps(gap: int, silence: int, silent: bool) -> None:
    """An hour is long for who speaks every minute, and nothing for who speaks every hour."""
    times = [T0 - silence - n * gap for n in range(30, -1, -1)]
    (found,) = freshness(heard(*times), T0, {})  # type: ignore[arg-type] # a table
    assert (found.newest, found.silent_ms, found.silent) == (T0 - silence, silence, silent)
    assert found.usual_ms is not None
    assert found.usual_ms >= max(gap, LEAST_MS)


def test_bursts_widen_what_is_usual() -> None:
    """Five changes in a minute, then three hours: two hours of silence are nothing unusual, two days are."""
    times = [T0 - DAY + burst * 3 * HOUR + n * 10_000 for burst in range(8) for n in range(5)]
    end = max(times)
    (found,) = freshness(heard(*times), end + 2 * HOUR, {})  # type: ignore[arg-type] # a table
    assert not found.silent
    (found,) = freshness(heard(*times), end + 2 * DAY, {})  # type: ignore[arg-type] # a table
    assert found.silent
    assert found.words() == "argo silent for 2.0 d"


def test_a_source_that_is_hardly_known_is_not_called_silent() -> None:
    """Until a few of its gaps are known; and who came later than the search was not heard by then."""
    times = [T0 - DAY - n for n in range(GAPS)]
    (found,) = freshness(heard(*times), T0, {})  # type: ignore[arg-type] # a table
    assert (found.usual_ms, found.silent) == (None, False)
    assert freshness(heard(T0 + 1), T0, {}) == ()  # type: ignore[arg-type] # a table


def test_a_source_that_tells_of_other_things_is_not_silent() -> None:
    """No change for long, but an event a minute ago: it would have told."""
    times = [T0 - HOUR - n * MINUTE for n in range(30, -1, -1)]
    (found,) = freshness(heard(*times), T0, {"argo": T0 - MINUTE})  # type: ignore[arg-type] # a table
    assert (found.newest, found.silent_ms, found.silent) == (T0 - HOUR, MINUTE, False)


def test_late_changes_leave_no_gap() -> None:
    """Only what comes after the newest measures one."""
    rows = heard(T0, T0 + MINUTE)
    hear(rows, "argo", T0 - DAY)  # type: ignore[arg-type] # a table
    assert tuple(rows["argo"])[:4] == (T0 - DAY, T0 + MINUTE, 1, MINUTE)  # type: ignore[index] # a table


def test_the_outcome_is_said_in_a_line() -> None:
    """What was found, and which sources are fresh and which silent."""
    rows = [row(f"{n}", T0 - 6 * HOUR - n * MINUTE, source="argo") for n in range(30)][::-1]
    kept = changes(*rows, row("g", T0 - MINUTE, source="github"))
    found = kept.search(subject(HOST, first=T0 + 1), Own(), 5)
    assert found.words() == "no suspect among 31 changes; github heard 1 min before, argo silent for 6.0 h"
    assert changes().search(subject(HOST), Own(), 5).words() == "no change found; no source of changes was heard yet"
