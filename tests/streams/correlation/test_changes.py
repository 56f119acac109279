"""Changes behind a unit: which are suspects and why, where was looked, and what a silence is worth."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import exp

import pytest

from schemas.unit import SuspectChange, Unit
from streams.correlation.change_content import Subject
from streams.correlation.change_history import History
from streams.correlation.change_score import BIAS, FIT, HALF_LIFE, LOOK_BACK, factors, score
from streams.correlation.changes import Changes, Own
from streams.correlation.rows import ChangeRow
from streams.correlation.table import Table
from streams.pipeline import Pipeline
from tests.streams.correlation import build
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Doc,
    activity,
    change,
    config,
    fold,
    iso,
    timeline,
    units,
)

finding = partial(build.finding, kind="detection")

HOST, FILE, ACCOUNT = ("host", "i-1"), ("file", "a.py"), ("account", "1")
ROOT = ("principal", "arn:aws:iam::1:root")
SERVICE = ("principal", "lambda.amazonaws.com")


def unit_of(*events: Doc, settings: Doc | None = None) -> Unit:
    """The one unit that these events make, an hour after T0."""
    pipeline = Pipeline(0)
    settings = settings or config(scoring=False, shown_changes=9)
    out = fold(timeline((HOUR, [settings, *events]), (2 * HOUR, [{"type": "tick"}])), pipeline)
    (unit,) = units(out)
    return unit


def names(changes: Sequence[SuspectChange], above: float = 0.5) -> list[str]:
    return [change.source_id for change in changes if change.score > above]


def test_closeness_in_time_alone_makes_no_suspect() -> None:
    """Not even a second before, of a fitting kind; nor what everybody shares: account, root, a provider's service."""
    shared = [HOST, ACCOUNT, ROOT, SERVICE]
    unit = unit_of(
        finding("f", 0, *shared),
        change("nothing", -SECOND),
        change("account", -SECOND, ACCOUNT),
        change("root", -SECOND, ROOT, actor=ROOT[1]),
        change("service", -SECOND, SERVICE, actor=SERVICE[1]),
    )
    assert names(unit.changes) == []
    assert len(unit.changes) == 4
    assert all({factor.name for factor in found.factors} == {"time", "kind", "unrelated"} for found in unit.changes)
    assert all(found.score < 0.1 for found in unit.changes)


@pytest.mark.parametrize(
    "why",
    [
        {"entities": [HOST]},
        {"component": "pay"},
        {"actor": "role/a", "entities": [("principal", "role/a")]},
    ],
    ids=["entity", "component", "actor"],
)
def test_something_in_common_makes_a_suspect(why: Doc) -> None:
    """Close before: a shared entity, the same component, or somebody of the unit."""
    catalog = {
        "type": "context",
        "kind": "catalog",
        "key": "component:default/pay",
        "record": {"depends_on": ["component:default/web"]},
        "origin": ["r", 0, 0, 0],
    }
    pipeline = Pipeline(0)
    event = finding("f", 0, HOST, ("principal", "role/a"), component="pay")
    events = [catalog, event, change("c", -MINUTE) | why, change("other", -SECOND)]
    (unit,) = units(fold(timeline((HOUR, events), (2 * HOUR, [{"type": "tick"}])), pipeline))
    assert names(unit.changes) == ["c"]
    assert unit.changes[0].source_id == "c"
    assert {factor.name for factor in unit.changes[0].factors} > {"time", "kind"}


def row(kind: str, time: int, **more: object) -> ChangeRow:
    fixed: dict[str, object] = {"source": "s", "source_id": f"{kind}{time}", "time": time, "kind": kind, "actor": None}
    fixed |= {"title": "", "status": "succeeded", "revision": None, "component": None, "entities": (), "home": True}
    return ChangeRow(**(fixed | more))  # type: ignore[arg-type] # as given


@pytest.mark.parametrize("kind", sorted(LOOK_BACK))
def test_time_alone_never_suffices(kind: str) -> None:
    """For every kind of change: without relation the score is below 0.5; it falls with time, and for what failed."""
    about = Subject(T0, T0, frozenset([HOST]), frozenset(["pay"]), FIT[kind] | {"anomaly"})
    assert score(about, row(kind, T0)) < 0.5
    near = score(about, row(kind, T0, component="pay"))
    assert near > 0.5
    assert score(about, row(kind, T0 - 2 * HALF_LIFE[kind], component="pay")) < near
    assert score(about, row(kind, T0, component="pay", status="failed")) < near


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"entities": (HOST, FILE, ACCOUNT), "component": "pay", "actor": "role/a", "status": "failed"},
        {"entities": (("principal", "role/a"),), "component": "web", "actor": "role/a"},
    ],
)
def test_the_factors_are_the_score(more: dict[str, object]) -> None:
    """With the bias they add up to its logit, the largest first, and those against it last."""
    entities = frozenset([HOST, FILE, ACCOUNT, ("principal", "role/a")])
    about = Subject(T0, T0, entities, frozenset(["pay"]), frozenset(["anomaly"]), {"web": 1})
    given = row("deploy", T0 - HOUR, **more)
    values = [factor.value for factor in factors(about, given)]
    assert values == sorted(values, reverse=True)
    assert score(about, given) == pytest.approx(1 / (1 + exp(-BIAS - sum(values))), abs=1e-12)
    assert all(factor.text for factor in factors(about, given))


def test_each_kind_has_its_look_back() -> None:
    """A deploy counts for a day, an access change for three; both ends belong to it."""
    unit = unit_of(
        finding("f", 0, HOST),
        change("d1", -DAY, HOST),
        change("d2", -DAY - 1, HOST),
        change("a1", -3 * DAY, HOST, kind="access"),
        change("a2", -3 * DAY - 1, HOST, kind="access"),
        change("after", 1, HOST),
    )
    assert {found.source_id for found in unit.changes} == {"d1", "a1"}
    assert unit.change_count == 2
    assert unit.change_search is not None
    assert unit.change_search.searched == 4
    assert unit.change_search.from_.isoformat() == iso(T0 - 7 * DAY)
    assert unit.change_search.to.isoformat() == iso(T0)


def test_silent_is_who_was_heard_before_and_not_in_that_time() -> None:
    """By time, not by what became of their changes: neither who was only ever heard later nor who was excluded."""
    unit = unit_of(
        finding("f", 0, HOST),
        change("long ago", -8 * DAY, source="argo"),
        change("out of look-back", -2 * DAY, source="github.webhook"),
        change("f", -MINUTE, source="ocsf"),
        change("later", MINUTE, source="cdevents"),
        change("now", -MINUTE, source="aws.cloudtrail"),
    )
    assert unit.change_search is not None
    assert unit.change_search.silent_sources == ("argo",)
    assert unit.change_search.searched == 3


def test_no_change_at_all_is_an_answer_too() -> None:
    """The search says from when to when it looked and that there was nothing."""
    unit = unit_of(finding("f", 0, HOST))
    assert unit.change_search is not None
    assert (unit.change_search.searched, unit.change_search.silent_sources, unit.changes) == (0, (), ())


def changes(cap: int, *rows: ChangeRow) -> Changes:
    journal: list[object] = []
    verdicts = History(Table("change_history", journal), Table("change_verdicts", journal), Table("gone", journal))
    kept = Changes(Table("changes", journal), Table("heard", journal), Table("forgotten", journal), verdicts)
    for each in rows:
        kept.add(each, cap)
    return kept


ABOUT = Subject(T0, T0, frozenset([HOST]), frozenset(), frozenset(["anomaly"]))


def test_a_silence_that_may_be_forgetting_is_not_told() -> None:
    """Where changes of the searched time went because there were too many, nobody is called silent by it."""
    flood = [row("deploy", T0 - MINUTE + n, source_id=str(n), source="loud") for n in range(10)]
    kept = changes(10, row("deploy", T0 - HOUR, source="quiet"), *flood)
    assert kept.forgotten["changes"] == (1, T0 - HOUR)
    assert kept.search(ABOUT, Own(), 5).silent == ()
    later = ABOUT._replace(first=T0 + 8 * DAY, last=T0 + 8 * DAY)
    assert kept.search(later, Own(), 5).silent == ("loud", "quiet")
    assert len(kept.rows) == len(kept.keys) == 10


def test_changes_are_forgotten_when_no_unit_can_look_back_to_them() -> None:
    """Two weeks behind the newest; the rest stays."""
    kept = changes(100, *(row("deploy", T0 + n * DAY) for n in range(20)))
    assert [found.time for found in map(ChangeRow._make, kept.rows.values())] == [T0 + n * DAY for n in range(5, 20)]
    assert kept.forgotten["changes"] == (5, T0 + 4 * DAY)


def test_the_best_are_shown_and_all_suspects_are_in_the_digest() -> None:
    """With two shown, a third suspect still makes another digest."""
    few = config(scoring=False, shown_changes=2)
    suspects = [change(f"c{n}", -n * MINUTE, HOST) for n in range(1, 5)]
    digests = []
    for count in range(5):
        unit = unit_of(finding("f", 0, HOST), *suspects[:count], change("x", -SECOND), settings=few)
        assert names(unit.changes) == [f"c{n}" for n in range(1, min(count, 2) + 1)]
        assert unit.change_count == count + 1
        digests.append(unit.digest)
    assert len(set(digests)) == 5
    unrelated = [change(f"n{n}", -n * SECOND) for n in range(1, 9)]
    assert unit_of(finding("f", 0, HOST), *unrelated, settings=few).digest == digests[0]


def test_a_unit_is_not_its_own_suspect() -> None:
    """A call that is both member and change is no suspect; nor are the repeats that the unit only counts."""
    learnt = [activity(f"a{n}", n * MINUTE, "role/a", "ec2:RunInstances") for n in range(180)]
    burst = []
    for n in range(300):
        at = 180 * MINUTE + n
        burst.append(activity(f"b{n}", at, "role/a", "ec2:RunInstances"))
        more: Doc = {"source": "aws.cloudtrail", "action": "ec2:RunInstances", "kind": "infrastructure"}
        burst.append(change(f"b{n}", at, ("principal", "role/a"), actor="role/a", **more))
    cause = change("cause", 179 * MINUTE, ("principal", "role/a"), actor="role/b", kind="access")
    pipeline = Pipeline(0)
    out = fold(timeline((DAY, [*learnt, cause, *burst]), (DAY + HOUR, [{"type": "tick"}])), pipeline)
    (unit,) = units(out)
    assert unit.signal_count > 100
    assert names(unit.changes) == ["cause"]
    assert unit.change_search is not None
    assert unit.change_search.searched > 200


def test_a_copy_from_another_domain_is_a_suspect_here() -> None:
    """A change of what the component depends on arrives as a copy and counts like one of our own."""
    unit = unit_of(finding("f", 0, HOST), change("c", -MINUTE, HOST, home=False, domain=DOMAIN))
    assert names(unit.changes) == ["c"]
