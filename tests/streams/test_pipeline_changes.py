"""Changes in the fold: what ended an earlier unit, what reviews teach, what a late change and a silence are worth."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

import pytest

from schemas.unit import Unit
from streams.correlation.endings import LIMIT, SAID
from streams.correlation.rows import UnitRow
from streams.pipeline import Pipeline
from tests.streams.correlation import build
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    T0,
    Doc,
    change,
    config,
    fold,
    iso,
    record,
    restored,
    tables,
    tick,
    timeline,
    units,
)

finding = partial(build.finding, kind="detection")
HOST, OTHER = ("host", "i-1"), ("host", "i-2")
IMAGE = "image ghcr.io/acme/pay:1.4"
CATALOG: Doc = {
    "type": "context",
    "kind": "catalog",
    "key": "component:default/pay",
    "record": {"owner": "team-pay", "system": "system:default/shop"},
    "origin": ["raw", 0, 0, 0],
}


def weak(name: str, at: int, scan: str, image: str) -> Doc:
    """A CVE of lodash in the component, of a scan at ``at``."""
    package = ("package", "pkg:npm/lodash@4.17.20")
    more = {"rule": "CVE-2021-23337", "reporter": "trivy", "source": "trivy", "title": "lodash: command injection"}
    place = ("image", image)
    fixed = {"kind": "vulnerability", "scan": scan, "target": f"image {image}", "component": "pay"}
    return finding(name, at, place, package, **more, **fixed)


def scanned(scan: str, at: int, findings: int, image: str) -> Doc:
    document = finding(scan, at, source="trivy", source_id=f"scan/{scan}", reporter="trivy", type="scan")
    for field in ("kind", "rule", "severity"):
        document.pop(field)
    return document | {"target": f"image {image}", "scan": scan, "findings": findings, "title": ""}


def bump(at: int) -> Doc:
    title = "Bump lodash from 4.17.20 to 4.17.21"
    return change("bump", at, kind="dependency", title=title, component="pay", actor="dependabot")


ENDED = timeline(
    (0, [CATALOG, weak("a", 0, "s1", "pay:1"), scanned("s1", 0, 1, "pay:1")]),
    (HOUR, [bump(HOUR)]),
    (2 * HOUR, [scanned("s2", 2 * HOUR, 0, "pay:1")]),
    (2 * HOUR + MINUTE, [tick()]),
)
AGAIN = 12 * DAY
NEXT = [
    record(10, AGAIN, weak("b", AGAIN, "t1", "pay:9"), scanned("t1", AGAIN, 1, "pay:9")),
    record(11, AGAIN + HOUR, tick()),
]


def check_fixed_before(first: Unit, later: Unit) -> None:
    assert first.unit_id != later.unit_id
    (fix,) = later.fixed_before
    assert (fix.unit_id, fix.source, fix.actor, fix.time.isoformat()) == (
        first.unit_id, "cdevents", "dependabot", iso(T0 + HOUR),
    )  # fmt: skip
    assert fix.text == (
        "vulnerability CVE-2021-23337 in pay: ended 12.0 d before by a change of team-pay, "
        "1.0 h after its last signal, took lodash@4.17.20 away, on pay"
    )


def test_the_change_that_fixed_an_earlier_unit_is_named_on_the_next() -> None:
    """Change, team and days: from a unit that closed as fixed, for one about the same weakness twelve days later."""
    revisions = units(fold([*ENDED, *NEXT]))
    first = [unit for unit in revisions if unit.status == "closed"][-1]
    assert not first.fixed_before
    check_fixed_before(first, revisions[-1])


def test_what_ended_a_unit_survives_a_restart() -> None:
    """Restored from its changelog, the fold names the same change, and has the same rows."""
    one = Pipeline(0)
    before = units(fold(ENDED, one))
    changelog = dict(one.drain())
    two = restored(changelog, sorted(changelog, reverse=True))
    later = units(fold(NEXT, two))
    check_fixed_before(before[-1], later[-1])
    assert later == units(fold(NEXT, one))
    assert tables(one) == tables(two)


def test_an_idle_unit_names_what_silenced_it() -> None:
    """Detections say nothing of being fixed: the rollback of their host before the silence is what is shown."""
    log = timeline(
        (0, [finding("a", 0, HOST, component="pay", rule="Shell in container")]),
        (HOUR, [change("back", HOUR, HOST, kind="rollback", component="pay"), tick()]),
        (15 * DAY, [tick()]),
        (20 * DAY, [finding("b", 20 * DAY, OTHER, component="pay", rule="Shell in container")]),
        (21 * DAY, [tick()]),
    )
    revisions = units(fold(log))
    assert [unit.status for unit in revisions] == ["open", "closed", "open"]
    (fix,) = revisions[-1].fixed_before
    assert (fix.unit_id, fix.title) == (revisions[0].unit_id, "about back")
    assert "a rollback, touched host i-1, on pay" in fix.text


def again(*between: Doc, at: int = 3 * DAY) -> tuple[Unit, Unit, Pipeline]:
    """The same rule in the same component, on another host and days later, while the first unit is still open."""
    pipeline = Pipeline(0)
    log = [
        (0, [CATALOG, finding("a", 0, HOST, component="pay", rule="Shell in container")]),
        (HOUR, [change("back", HOUR, HOST, kind="rollback", component="pay"), tick()]),
        (at - HOUR, [*between, tick()]),
        (at, [finding("b", at, OTHER, component="pay", rule="Shell in container")]),
        (at + HOUR, [tick()]),
    ]
    found = {unit.unit_id: unit for unit in units(fold(timeline(*log), pipeline))}
    first, second = found.values()
    assert (first.status, second.status) == ("open", "open")
    return first, second, pipeline


def test_a_unit_that_is_quiet_for_days_has_ended_for_the_next() -> None:
    """Nobody closes an alert's unit: what silenced it is named on the next one all the same, restart or not."""
    first, second, pipeline = again()
    (fix,) = second.fixed_before
    assert (fix.unit_id, fix.title) == (first.unit_id, "about back")
    assert fix.text.startswith("detection Shell in container in pay: ended 3.0 d before by a change of team-pay, 1.0 h")
    changelog = dict(pipeline.drain())
    more = [record(9, 3 * DAY + 2 * HOUR, verdict("r", 3 * DAY + 2 * HOUR, second, "benign"))]
    more.append(record(10, 3 * DAY + 3 * HOUR, tick()))
    (later,) = units(fold(more, restored(changelog, sorted(changelog))))
    assert (later.unit_id, later.reason) == (second.unit_id, "review")
    assert later.fixed_before == second.fixed_before


def test_a_pause_of_hours_is_no_end() -> None:
    """Only a unit of which nothing came for a day counts as ended while it is open."""
    _, second, _ = again(at=8 * HOUR)
    assert second.fixed_before == ()


def test_what_goes_on_after_all_had_not_ended() -> None:
    """With a signal of the first unit after the change, the later one does not say so any more."""
    first, second, pipeline = again()
    domain = pipeline.state.domain(DOMAIN)
    at = domain.cluster_of[first.unit_id]
    before = cast(UnitRow, domain.units[at])
    domain.units[at] = before._replace(last=T0 + 2 * HOUR)
    fold([record(9, 4 * DAY, verdict("r", 4 * DAY, second, "benign"))], pipeline)
    (later,) = units(fold([record(10, 5 * DAY, tick())], pipeline))
    assert (later.unit_id, later.fixed_before) == (second.unit_id, ())


def test_what_open_units_said_is_bounded() -> None:
    """Beyond the limit the tenth that was said longest ago goes, and is counted."""
    pipeline = Pipeline(0)
    domain = pipeline.state.domain(DOMAIN)
    for n in range(LIMIT):
        domain.table(SAID)[f"{n:05}"] = ("c", n)
    fold(timeline((0, [finding("a", 0, HOST)]), (HOUR, [tick()])), pipeline)
    assert len(domain.table(SAID)) == LIMIT * 9 // 10
    assert "00500" not in domain.table(SAID)
    assert domain.gone[SAID] == (LIMIT // 10 + 1,)


def test_to_have_lived_its_longest_is_no_end() -> None:
    """The unit is closed while signals go on: nothing is said to have ended it."""
    pipeline = Pipeline(0)
    log = timeline(
        (0, [config(max_life_ms=DAY), finding("a", 0, HOST, component="pay", rule="Shell in container")]),
        (HOUR, [change("back", HOUR, HOST, kind="rollback", component="pay"), tick()]),
        (2 * DAY, [tick()]),
    )
    assert [unit.status for unit in units(fold(log, pipeline))] == ["open", "closed"]
    assert not pipeline.state.domain(DOMAIN).table("fixes")


def test_what_comes_back_was_not_fixed() -> None:
    """A unit that is opened again withdraws what had ended it, until it ends again."""
    back = [weak("a3", 3 * HOUR, "s3", "pay:1"), scanned("s3", 3 * HOUR, 1, "pay:1")]
    pipeline = Pipeline(0)
    revisions = units(fold([*ENDED, record(5, 3 * HOUR, *back), record(6, 4 * HOUR, tick())], pipeline))
    assert revisions[-1].reason == "reopened"
    assert not pipeline.state.domain(DOMAIN).table("fixes")


def test_the_search_tells_where_it_was_blind() -> None:
    """Sources with how fresh they were, and the outcome in words, on the unit that shows no suspect."""
    old = [change(f"c{n}", n * MINUTE, source="argo") for n in range(30)]
    now = 7 * HOUR
    log = timeline(
        (now, [*old, change("g", now - MINUTE, source="github.webhook"), finding("f", now, HOST)]),
        (now + HOUR, [tick()]),
    )
    (unit,) = units(fold(log))
    search = unit.change_search
    assert search is not None
    assert [(s.source, s.silent, s.silent_s, s.newest.isoformat()) for s in search.sources] == [
        ("argo", True, (now - 29 * MINUTE) / 1000, iso(T0 + 29 * MINUTE)),
        ("github.webhook", False, 60.0, iso(T0 + now - MINUTE)),
    ]
    assert search.text == "no suspect among 31 changes; github.webhook heard 1 min before, argo silent for 6.5 h"


def verdict(name: str, at: int, unit: Unit, says: str) -> Doc:
    return {
        "type": "review",
        "source_id": name,
        "time": iso(T0 + at),
        "domain": DOMAIN,
        "unit_id": unit.unit_id,
        "reviewer": "ann",
        "kind": "verdict",
        "verdict": says,
    }


@pytest.mark.parametrize(("says", "sign"), [("true_positive", 1), ("false_positive", -1), ("insufficient_data", 0)])
def test_verdicts_teach_which_kinds_of_change_matter(says: str, sign: int) -> None:
    """A verdict on a unit that shows a suspect moves the score of that kind in later units, restart or not."""
    log = timeline(
        (0, [change("c", -MINUTE, HOST), finding("f", 0, HOST)]),
        (HOUR, [tick()]),
    )
    pipeline = Pipeline(0)
    (first,) = units(fold(log, pipeline))
    assert first.changes[0].score > 0.5
    review = verdict("r1", HOUR, first, says)
    fold([record(2, HOUR, review), record(3, HOUR, review), record(4, 2 * HOUR, tick())], pipeline)
    later = [
        record(5, DAY, change("d", DAY - MINUTE, OTHER), finding("g", DAY, OTHER, rule="R2")),
        record(6, DAY + HOUR, tick()),
    ]
    changelog = dict(pipeline.drain())
    (second,) = units(fold(later, restored(changelog, sorted(changelog))))
    (suspect,) = [found for found in second.changes if found.source_id == "d"]
    told = [factor.value for factor in suspect.factors if factor.name == "history"]
    assert [(value > 0) - (value < 0) for value in told] == ([sign] if sign else [])


def test_another_verdict_takes_the_first_one_back() -> None:
    """One unit is one piece of evidence, whoever changes their mind about it."""
    pipeline = Pipeline(0)
    (first,) = units(
        fold(timeline((0, [change("c", -MINUTE, HOST), finding("f", 0, HOST)]), (HOUR, [tick()])), pipeline)
    )
    says = ["true_positive", "benign", "false_positive"]
    fold([record(2 + n, HOUR + n, verdict(f"r{n}", HOUR, first, each)) for n, each in enumerate(says)], pipeline)
    assert pipeline.state.domain(DOMAIN).changes.verdicts.history("deploy")[1:] == (0, 1)


def test_a_change_that_comes_late_brings_a_revision() -> None:
    """Told of after the unit was, it is a suspect of the next revision, which says that a change is its reason."""
    log = timeline(
        (0, [finding("f", 0, HOST)]),
        (HOUR, [tick()]),
        (HOUR + MINUTE, [change("c", -MINUTE, HOST)]),
        (2 * HOUR, [tick()]),
        (3 * HOUR, [change("elsewhere", -2 * MINUTE, OTHER)]),
        (4 * HOUR, [tick()]),
    )
    first, second = units(fold(log))
    assert (first.changes, second.reason) == ((), "change")
    assert [found.source_id for found in second.changes if found.score > 0.5] == ["c"]
    assert second.diff is not None
    assert second.diff.changes == ("c",)


FITTING: dict[str, dict[str, Any]] = {
    "dependency": {"kind": "vulnerability", "rule": "CVE-1"},
    "code": {"kind": "weakness", "rule": "W1"},
    "policy_exception": {"kind": "vulnerability", "rule": "CVE-1"},
    "secret_rotation": {"kind": "secret", "rule": "S1"},
}


@pytest.mark.parametrize(
    "kind",
    [
        "deploy", "rollback", "dependency", "configuration", "infrastructure", "access", "policy_exception",
        "feature_flag", "secret_rotation", "code",
    ],
)  # fmt: skip
def test_a_change_of_any_kind_can_be_the_suspect(kind: str) -> None:
    """A minute before, on the same component: shown first, above one half, with its fit among the factors."""
    event = finding("f", 0, component="pay", **FITTING.get(kind, {}))
    log = timeline((0, [change("c", -MINUTE, kind=kind, component="pay"), event]), (HOUR, [tick()]))
    (unit,) = units(fold(log))
    (found,) = unit.changes
    assert (found.kind, found.score > 0.5) == (kind, True)
    assert {"time", "component", "kind"} <= {factor.name for factor in found.factors}
