"""The change that ended an earlier unit like this one."""

from __future__ import annotations

import pytest

from streams.correlation.change_content import about
from streams.correlation.change_fixes import FIXES, MOST, WITHIN_MS, Fixes, statements
from streams.correlation.rows import ChangeRow, SignalRow
from tests.streams.correlation.build import DAY, HOUR, MINUTE, T0
from tests.streams.correlation.change_build import HOST, IMAGES, changes, row, signal, table

WEAK = signal(
    "v",
    T0,
    ("package", "pkg:npm/lodash@4.17.20"),
    ("vulnerability", "CVE-2021-23337"),
    IMAGES[0],
    kind="vulnerability",
    rule="CVE-2021-23337",
    component="pay",
)
BUMP = row("bump", T0 + HOUR, kind="dependency", title="Bump lodash from 4.17.20 to 4.17.21", component="pay")

LATER = T0 + 60 * DAY


def ended(signals: list[SignalRow], *after: ChangeRow, until: int = T0 + DAY) -> tuple[Fixes, object]:
    fixes = Fixes(table("fixes"), table("gone"))
    of = about(min(s.first for s in signals), max(s.last for s in signals), signals, {})
    return fixes, fixes.remember("wu-1", statements(signals), of, changes(*after), until, lambda c: f"team-{c}")


def test_the_update_that_ended_a_weakness_is_found_for_the_next() -> None:
    """The same CVE in the same component, another image: shown with its unit, its time and what it did."""
    fixes, _ = ended([WEAK], BUMP, row("other", T0 + MINUTE, component="web"))
    (fix,) = fixes.find(statements([WEAK._replace(source_id="w", entities=(IMAGES[1],))]), T0 + 3 * DAY)
    assert (fix.unit_id, fix.source_id, fix.time) == ("wu-1", "bump", T0 + HOUR)
    assert fix.text == "1.0 h after its last signal, took lodash@4.17.20 away, on pay"
    assert fix.statement == "vulnerability CVE-2021-23337 in pay"
    assert fix.words(T0 + 3 * DAY + HOUR) == (
        "vulnerability CVE-2021-23337 in pay: ended 3.0 d before by a change of team-pay, "
        "1.0 h after its last signal, took lodash@4.17.20 away, on pay"
    )


def test_another_weakness_or_component_is_another_statement() -> None:
    """What ended one CVE in one component ended no other."""
    fixes, _ = ended([WEAK], BUMP)
    assert fixes.find(statements([WEAK._replace(rule="CVE-2020-8203")]), LATER) == ()
    assert fixes.find(statements([WEAK._replace(component="web")]), LATER) == ()


def test_titles_are_the_same_but_for_their_numbers() -> None:
    """Where no rule is known; of anomalies the call counts."""
    one = signal("a", title="Pod 7f3c2aa91 restarted 12 times at 10.1.2.3")
    two = signal("b", title="Pod 99e0ffa12 restarted 3 times at 10.9.8.7")
    assert statements([one]) == statements([two])
    assert statements([one]) != statements([one._replace(title="Pod deleted 12 times")])
    call = signal("c", kind="anomaly", action="iam:CreateUser", title="unusual iam:CreateUser by a")
    assert statements([call]) == statements([call._replace(title="unusual iam:CreateUser by b")])


@pytest.mark.parametrize(
    "change",
    [
        BUMP._replace(time=T0),
        BUMP._replace(time=T0 + DAY),
        BUMP._replace(time=T0 - HOUR),
        BUMP._replace(status="failed"),
        BUMP._replace(kind="code"),
        BUMP._replace(component="web", title="Bump lodash from 4.17.21 to 4.17.22"),
    ],
    ids=["with the last signal", "too late", "before", "failed", "runs nowhere", "elsewhere"],
)
def test_what_ended_nothing_is_not_remembered(change: ChangeRow) -> None:
    """It must come after the last signal, in time, have happened, and have touched something of the unit."""
    fixes, found = ended([WEAK], change)
    assert found is None
    assert not fixes.table


def test_the_best_change_counts_not_the_first() -> None:
    """A rollback of the host goes before a deploy of the component that came sooner."""
    alarm = signal("s", T0, HOST, component="pay")
    deploy = row("deploy", T0 + MINUTE, component="pay")
    rollback = row("rollback", T0 + 2 * HOUR, HOST, component="pay", kind="rollback")
    fixes, _ = ended([alarm], deploy, rollback)
    assert [fix.source_id for fix in fixes.find(statements([alarm]), LATER)] == ["rollback"]
    fixes, _ = ended([alarm], deploy)
    assert [fix.source_id for fix in fixes.find(statements([alarm]), LATER)] == ["deploy"]


def test_what_took_the_weak_version_away_goes_before_what_came_sooner() -> None:
    """A deploy of the component minutes after, and one that touched a thing of the unit, took nothing away."""
    sooner = row("deploy", T0 + MINUTE, IMAGES[0], component="pay")
    fixes, _ = ended([WEAK], sooner, BUMP)
    assert [fix.source_id for fix in fixes.find(statements([WEAK]), LATER)] == ["bump"]


def test_a_unit_is_not_its_own_predecessor() -> None:
    """One that was opened again is not shown what ended itself."""
    fixes, _ = ended([WEAK], BUMP)
    assert fixes.find(statements([WEAK]), LATER, {"wu-1"}) == ()


def test_only_what_came_before_is_earlier() -> None:
    """A unit that began before the change was not there to learn from it."""
    fixes, _ = ended([WEAK], BUMP)
    assert fixes.find(statements([WEAK]), BUMP.time) == ()
    assert fixes.find(statements([WEAK]), BUMP.time + 1) != ()


def test_a_unit_that_has_ended_still_shows_the_one_before_it() -> None:
    """Of one statement the last two units are known; that which comes back is withdrawn."""
    fixes, _ = ended([WEAK], BUMP)
    again = WEAK._replace(first=T0 + 2 * DAY, last=T0 + 2 * DAY)
    second = BUMP._replace(source_id="bump2", time=T0 + 2 * DAY + HOUR)
    of = about(again.first, again.last, [again], {})
    fixes.remember("wu-2", statements([again]), of, changes(second), T0 + 3 * DAY)
    assert [f.source_id for f in fixes.find(statements([WEAK]), again.first, {"wu-2"})] == ["bump"]
    assert [f.source_id for f in fixes.find(statements([WEAK]), LATER)] == ["bump2"]
    fixes.withdraw("wu-2", statements([WEAK]))
    assert [f.source_id for f in fixes.find(statements([WEAK]), LATER)] == ["bump"]
    fixes.withdraw("wu-1", statements([WEAK]))
    assert not fixes.table


def test_what_is_remembered_is_bounded() -> None:
    """The oldest change goes; and the window after the last signal has an end."""
    fixes = Fixes(table("fixes"), table("gone"))
    for n in range(MOST + 20):
        weak = WEAK._replace(rule=f"CVE-2024-{n:05}", first=T0 + n, last=T0 + n)
        fix = BUMP._replace(time=T0 + n + MINUTE)
        fixes.remember("wu", statements([weak]), about(weak.first, weak.last, [weak], {}), changes(fix), T0 + DAY)
    assert len(fixes.table) == MOST
    assert fixes.gone[FIXES] == (20,)
    assert fixes.find(statements([WEAK._replace(rule="CVE-2024-00019")]), LATER) == ()
    assert fixes.find(statements([WEAK._replace(rule="CVE-2024-00020")]), LATER) != ()
    _, found = ended([WEAK], BUMP._replace(time=T0 + WITHIN_MS + 1), until=T0 + 30 * DAY)
    assert found is None
