"""Policy exceptions in the fold: as a change, they take place when they come into force."""

from __future__ import annotations

from schemas.unit import SuspectChange
from streams.correlation.upcoming import LIMIT, TABLE
from streams.pipeline import Pipeline
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    T0,
    Doc,
    change,
    derived,
    finding,
    fold,
    iso,
    record,
    restored,
    tables,
    tick,
    timeline,
    units,
)

START = 3 * DAY


def said(since: int | None, name: str = "ex-1") -> Doc:
    """What the context holds of an exception, approved at T0 and in force from ``since`` on; None withdraws it."""
    times = {"created_at": iso(T0), "valid_from": iso(T0 + (since or 0)), "valid_to": None}
    given = None if since is None else {"control": "mfa", "component": "pay"} | times
    return {"type": "context", "kind": "policy_exception", "key": name, "record": given, "origin": ["raw", 0, 0, 0]}


def approved(name: str = "ex-1", at: int = 0) -> Doc:
    fixed = {"kind": "policy_exception", "source": "policy.exceptions", "component": "pay", "source_id": name}
    return change(name, at, **fixed)


def shell(name: str, at: int) -> Doc:
    return finding(name, at, ("host", name), kind="detection", component="pay")


def suspects(pipeline: Pipeline, at: int) -> list[SuspectChange]:
    """What is shown on a unit of a detection at that time."""
    told = units(fold([record(20, at, shell(f"s{at}", at)), record(21, at + HOUR, tick())], pipeline))
    return list(told[-1].changes)


def test_it_counts_from_when_it_begins() -> None:
    """Approved on Monday for Thursday: a suspect of what follows on Thursday, not weakened by three days."""
    pipeline = Pipeline(0)
    fold(timeline((0, [said(START), approved()]), (START + MINUTE, [tick()])), pipeline)
    (found,) = suspects(pipeline, START + HOUR)
    assert (found.source_id, found.time.isoformat()) == ("ex-1", iso(T0 + START))
    assert found.score > 0.5
    assert next(factor.text for factor in found.factors if factor.name == "time").startswith("1.0 h before")


def test_what_is_told_after_it_began_counts_from_its_beginning() -> None:
    """An export that comes late, of an exception that is in force since an hour."""
    pipeline = Pipeline(0)
    fold(timeline((3 * HOUR, [said(2 * HOUR), approved()])), pipeline)
    (found,) = suspects(pipeline, 3 * HOUR)
    assert found.time.isoformat() == iso(T0 + 2 * HOUR)


def test_withdrawn_or_put_off_it_does_not_begin() -> None:
    """What the newest record says counts when the time has come."""
    for later, at in ((said(None), 0), (said(5 * DAY), 0), (said(START + HOUR), START + HOUR)):
        pipeline = Pipeline(0)
        log = timeline((0, [said(START), approved()]), (DAY, [later]), (START + MINUTE, [tick()]))
        fold([*log, record(5, START + 2 * HOUR, tick())], pipeline)
        (found,) = suspects(pipeline, START + 3 * HOUR)
        assert found.time.isoformat() == iso(T0 + at)


def test_waiting_survives_a_restart() -> None:
    """Restored while it is waited for, the fold moves the same change, and has the same rows."""
    one = Pipeline(0)
    fold(timeline((0, [said(START), approved()])), one)
    changelog = dict(one.drain())
    two = restored(changelog, sorted(changelog, reverse=True))
    assert suspects(two, START + HOUR) == (found := suspects(one, START + HOUR))
    assert found[0].time.isoformat() == iso(T0 + START)
    assert tables(one) == tables(two)
    assert derived(one) == derived(two)
    changes = one.state.domain(DOMAIN).changes
    assert changes.keys == sorted(changes.rows)


def test_what_is_waited_for_is_bounded() -> None:
    """The one that begins last is let go, and counted; as a change it stays where it was approved."""
    pipeline = Pipeline(0)
    names = [f"ex-{n:04}" for n in range(LIMIT + 2)]
    events = [each for n, name in enumerate(names) for each in (said(DAY + n, name), approved(name))]
    fold(timeline((0, events)), pipeline)
    assert len(pipeline.state.shared.table(TABLE)) == LIMIT
    assert pipeline.state.shared.gone[TABLE] == (2,)
    assert not any(key.endswith(names[-1]) for key in pipeline.state.shared.table(TABLE))
