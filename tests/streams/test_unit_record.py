"""A unit as it leaves: valid, bounded, and readable from its first bytes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.unit import (
    Exploitability,
    Factor,
    Provenance,
    RelatedUnit,
    Risk,
    Signal,
    SuspectChange,
    Unit,
    UnitEntity,
    UnitReview,
)
from streams.unit_record import MAX_BYTES, unit_record
from tests.streams.correlation.build import HOUR, MINUTE, finding, fold, timeline

AT = datetime(2025, 1, 1, 12, tzinfo=UTC)


def unit(**more: Any) -> Unit:
    fixed: dict[str, Any] = {
        "unit_id": "wu-1",
        "revision": 3,
        "reason": "signal",
        "status": "open",
        "severity": 4,
        "confidence": 0.5,
        "title": "t",
        "domain": "system:shop",
        "opened_at": AT,
        "updated_at": AT,
        "risk": Risk(score=1),
        "exploitability": Exploitability(),
        "signal_count": 400_000,
        "signals": (),
        "entities": (),
        "first_at": AT,
        "last_at": AT,
        "provenance": Provenance(engine="e", config="c", rules="r", models=(), context="x", log=None),
        "digest": "d",
    }
    return Unit(**(fixed | more))


def signal(number: int, **more: Any) -> Signal:
    fixed: dict[str, Any] = {
        "id": f"{number:04}",
        "source_id": f"s{number}",
        "source": "ocsf",
        "kind": "detection",
        "time": AT + timedelta(seconds=number),
        "last": AT + timedelta(seconds=number),
        "count": 1,
        "title": "t",
        "severity": 3,
        "score": 0.5,
        "why": (),
    }
    return Signal(**(fixed | more))


def review(number: int, comment: str) -> UnitReview:
    return UnitReview(id=f"r{number}", time=AT, reviewer="ann", kind="comment", verdict=None, comment=comment)


def suspect(number: int, title: str) -> SuspectChange:
    factors = (Factor(name="time", value=1, text="soon"),)
    return SuspectChange(
        id="x",
        source_id=str(number),
        source="s",
        kind="deploy",
        time=AT,
        actor=None,
        title=title,
        score=0.9,
        factors=factors,
    )


def test_a_small_unit_leaves_as_it_is() -> None:
    """Key, JSON that reads back as the same unit, and CloudEvents attributes in binary mode."""
    given = unit(signals=(signal(1),))
    record = unit_record(given)
    assert (record.role, record.key) == ("units", b"wu-1")
    assert Unit.model_validate_json(record.value) == given
    assert b'"change_search":null' in record.value
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"wu-1:3",
        "ce_source": b"/weir",
        "ce_type": b"io.weir.unit.updated.v1",
        "ce_subject": b"wu-1",
        "ce_time": b"2025-01-01T12:00:00+00:00",
        "content-type": b"application/json",
    }


@pytest.mark.parametrize(
    ("reason", "status", "kind"),
    [
        ("opened", "open", "created"),
        ("closed", "closed", "closed"),
        ("merged", "merged", "closed"),
        ("merged", "open", "updated"),
    ],
)
def test_the_type_tells_the_life(reason: str, status: str, kind: str) -> None:
    """Created when it opens, closed when it closes or merged into another, else updated."""
    headers = dict(unit_record(unit(reason=reason, status=status)).headers)
    assert headers["ce_type"] == f"io.weir.unit.{kind}.v1".encode()


def test_evidence_is_cut_from_the_least_severe_and_oldest() -> None:
    """Under the limit, marked as truncated, with the true counts."""
    why = ("w" * 4_000,)
    signals = tuple(signal(n, severity=5 if n % 10 == 0 else 3, why=why) for n in range(200))
    record = unit_record(unit(signals=signals))
    assert len(record.value) <= MAX_BYTES
    kept = Unit.model_validate_json(record.value)
    assert kept.truncated
    assert kept.signal_count == 400_000
    names = [entry.id for entry in kept.signals]
    assert names == sorted(names)
    assert {f"{n:04}" for n in range(0, 200, 10)} <= set(names)
    others = [n for n in range(200) if n % 10]
    assert {f"{n:04}" for n in others[-30:]} == set(names) - {f"{n:04}" for n in range(0, 200, 10)}


@pytest.mark.parametrize(
    "large",
    [
        {"reviews": tuple(review(n, "c" * 4_000) for n in range(100))},
        {"aliases": tuple(f"wu-{n:020}" for n in range(30_000))},
        {"entities": tuple(UnitEntity(kind="url", id="u" * 9_000, weight=0) for _ in range(100))},
        {"entities": (UnitEntity(kind="url", id="u" * 900_000, weight=0),)},
        {"components": tuple("c" * 500 for _ in range(1_000))},
        {"changes": tuple(suspect(n, "t" * 5_000) for n in range(100))},
        {
            "related": tuple(
                RelatedUnit(unit_id="u", domain="d" * 9_000, indicator_kind="ip", indicator="i") for _ in range(90)
            )
        },
        {"approvals": tuple("a" * 500 for _ in range(1_000))},
        {"signals": (signal(1, why=("w" * 900_000,)),)},
    ],
    ids=lambda large: next(iter(large)),
)
def test_whatever_is_large_is_cut(large: dict[str, Any]) -> None:
    """No list of a unit can carry it over the limit, and none is cut without being marked."""
    given = unit(**{"signals": (signal(1),), **large})
    record = unit_record(given)
    assert len(record.value) <= MAX_BYTES
    kept = Unit.model_validate_json(record.value)
    assert kept.truncated
    if "reviews" in large:
        assert kept.reviews == given.reviews[-len(kept.reviews) :]
        assert kept.signals == given.signals


NAMES = ("unit_id", "revision", "reason", "status", "severity", "title", "domain")
TEXT = st.text(max_size=512)


@settings(deadline=None, max_examples=40)
@given(TEXT, st.sampled_from([None, "pay", "c" * 600]), st.integers(1, 3), st.sampled_from(["\x00", "𝔘", "a"]))
def test_the_first_5000_bytes_identify_the_unit(title: str, component: str | None, times: int, filler: str) -> None:
    """However long and strange the titles and names: id, severity, title and domain come first, whole."""
    shown = (title + filler * 512)[:512]
    events = [finding(f"f{n}", 0, ("ip", "198.51.100.7"), title=shown, component=component) for n in range(times)]
    outputs = fold(timeline((HOUR, events), (HOUR + MINUTE, [{"type": "tick"}])))
    (record,) = [output for output in outputs if output.role == "units"]
    start = record.value[:5_000].decode(errors="ignore")
    whole = orjson.loads(record.value)
    assert Unit.model_validate_json(record.value).unit_id == whole["unit_id"]
    found = 0
    for name in NAMES:
        at = start.index(f'"{name}":', found)
        assert json.JSONDecoder(strict=False).raw_decode(start, at + len(name) + 3)[0] == whole[name]
        found = at
    assert len(whole["title"]) <= 256
