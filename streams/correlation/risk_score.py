"""How bad it would be, 0 to 100, in named factors that add up to the score, exactly. Pure.

What each factor gives: ``streams.correlation.risk_points``. A signal's share (``streams.correlation.decay``: fixed or
old; then controls, exceptions, VEX) scales all that it brings: its own points, and those of the place where it is. Of
several signals the strongest counts for each factor, so that

- the order of the signals decides nothing,
- closing a signal never raises the risk, and a KEV entry never lowers it,
- what lowers is named: ``age``, ``controls``, ``exceptions`` and ``vex`` each say how many points they took, one after
  the other, and ``ceiling`` what went beyond 100.

The score and the factors are hundredths: summed up and rounded to two digits, the factors are the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, fsum, log10
from typing import NamedTuple

from schemas.unit import Factor, Risk
from streams.correlation import risk_points as points
from streams.correlation.decay import RESIDUE, left
from streams.correlation.exploitability import Exposed, Reach
from streams.correlation.risk_words import Suspect, Words
from streams.correlation.tactics import tactic

CEILING = 10_000
"""Hundredths."""


class _Row(NamedTuple):
    """What a signal brings at its full share, and its shares as one thing after the other is taken into account."""

    threat: float
    shares: tuple[float, float, float, float, float]  # open or fixed; and its age; controls; exceptions; VEX
    kind: str
    tactic: str | None
    times: int
    places: tuple[float, float, float, float, float]  # internet, privileged, customer path, criticality, fix


_PLACES = ("internet_facing", "privileged", "customer_path", "criticality", "fix_available")
_LOWERING = ("age", "controls", "exceptions", "vex")


def assess(reach: Reach, confidence: float, suspect: Suspect | None, as_of: int, severity: int | None = None) -> Risk:
    """The risk of a unit as of a time, in event ms (a log time does, too): its signals age until then.

    ``confidence`` is the unit's, 0 to 1; ``suspect`` the best change that is a suspect, None if none is; ``severity``
    what a reviewer set in place of the signals' own. A unit without signals has no risk.
    """
    if not reach.exposed:
        return Risk(score=0)
    rows = [_row(each, as_of, severity) for each in reach.exposed]
    best = suspect.score if suspect is not None else 0.0
    gross = _terms(rows, 0, confidence, best)
    levels = [_hundredths(gross.values())]
    for level in range(1, len(_LOWERING) + 1):
        same = all(row.shares[level] == row.shares[level - 1] for row in rows)
        levels.append(levels[-1] if same else _hundredths(_terms(rows, level, confidence, best).values()))
    lead = min(range(len(rows)), key=lambda i: (-rows[i].threat * rows[i].shares[0], i))
    parts = {name: value * rows[lead].shares[0] for name, value in _own(reach.exposed[lead], severity).items()}
    del gross["threat"]
    given = _given(parts | gross, levels[0])
    for name, before, after in zip(_LOWERING, levels, levels[1:], strict=False):
        given[name] = after - before
    given["ceiling"] = min(0, CEILING - levels[-1])
    words = Words(reach, reach.exposed[lead], confidence, suspect, as_of, severity)
    factors = tuple(Factor(name=name, value=value / 100, text=words.of(name)) for name, value in given.items() if value)
    return Risk(score=min(levels[-1], CEILING) / 100, factors=factors)


def _row(each: Exposed, as_of: int, severity: int | None) -> _Row:
    signal, place = each.signal, each.place
    of_state = 1.0 if each.open else RESIDUE
    of_age = of_state * left(signal.kind, each.open, as_of - signal.last)
    of_controls = of_age * points.CONTROL ** min(len(place.controls), points.CONTROLS_MOST)
    of_exceptions = of_controls * points.ACCEPTED if each.accepted is not None else of_controls
    of_vex = of_exceptions * points.NOT_AFFECTED if each.vex is not None else of_exceptions
    return _Row(
        sum(_own(each, severity).values()),
        (of_state, of_age, of_controls, of_exceptions, of_vex),
        signal.kind,
        tactic(signal.action) if signal.action is not None else None,
        signal.times,
        (
            points.INTERNET_FACING if place.internet_facing else 0.0,
            points.PRIVILEGED if place.privileged else 0.0,
            points.CUSTOMER_PATH if place.customer_path else 0.0,
            points.CRITICALITY.get(place.criticality, 0.0) if place.criticality is not None else 0.0,
            points.FIX if each.open and signal.fix else 0.0,
        ),
    )


def _own(each: Exposed, severity: int | None) -> dict[str, float]:
    """The signal's own points, by factor."""
    kev = 0.0 if each.kev is None else points.KEV + (points.RANSOMWARE if each.ransomware else 0.0)
    return {
        "severity": points.SEVERITY[each.signal.severity if severity is None else severity],
        "kev": kev,
        "epss": points.epss(each.epss),
        "cvss": points.cvss(each.signal.cvss),
    }


def _terms(rows: Sequence[_Row], level: int, confidence: float, suspect: float) -> dict[str, float]:
    """The points of each factor when the shares of that level are taken. Each rises with each share."""
    threat = most = 0.0
    places = [0.0] * len(_PLACES)
    kinds: dict[str, float] = {}
    tactics: dict[str, float] = {}
    for row in rows:
        share = row.shares[level]
        if row.threat * share > threat:
            threat = row.threat * share
        if share > most:
            most = share
        for i, value in enumerate(row.places):
            if value * share > places[i]:
                places[i] = value * share
        if share > kinds.get(row.kind, 0.0):
            kinds[row.kind] = share
        if row.tactic is not None and share > tactics.get(row.tactic, 0.0):
            tactics[row.tactic] = share
    many = fsum(row.times * row.shares[level] for row in rows)
    return {
        "threat": threat,
        **dict(zip(_PLACES, places, strict=True)),
        "variety": min(points.VARIETY_MOST, points.VARIETY * _further(kinds)),
        "attack_chain": min(points.CHAIN_MOST, points.CHAIN * _further(tactics)),
        "volume": min(points.VOLUME_MOST, points.VOLUME * log10(max(1.0, many))),
        "confidence": points.CONFIDENCE * confidence * most,
        "suspect_change": points.SUSPECT * suspect * most,
    }


def _further(shares: dict[str, float]) -> float:
    """The sum of all shares but the greatest: one kind of signal alone is no variety."""
    return fsum(sorted(shares.values())[:-1])


def _hundredths(terms: Iterable[float]) -> int:
    return round(100 * fsum(terms))


def _given(terms: dict[str, float], total: int) -> dict[str, int]:
    """The terms in hundredths that add up to ``total``: cut, and what is left over goes where most was cut."""
    given = {name: floor(100 * value) for name, value in terms.items()}
    cut = sorted(terms, key=lambda name: (given[name] - 100 * terms[name], name))
    for name in cut[: total - sum(given.values())]:
        given[name] += 1
    return given
