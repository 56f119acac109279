"""Several dependent p-values to one, and the one split back into additive shares.

Cauchy combination test: Liu and Xie, "Cauchy combination test: a powerful test with analytic p-value calculation under
arbitrary dependency structures", JASA 115 (2020). The statistic is the mean of ``cot(pi p)``; its tail is Cauchy's
whatever the dependence, for small p. It does not add evidence up (two p of 1e-3 stay near 1e-3): for independent tests
Fisher's method has more power.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, log10, pi, tan

from models.reason import LEARNING_BELOW, Part

TINY = 1e-300
"""No p-value is reported below this, so that every logarithm stays finite."""

CAP = 1e-3
"""The smallest p-value that rests on a key which is still learning."""

_NEARLY_ONE = 0.99  # cot(pi) is minus infinity: one p of exactly 1 would outvote any number of small ones


def cauchy(ps: Sequence[float], tests: int) -> float:
    """The combined p of ``tests`` equally weighted tests, of which ``ps`` are listed; the others count as p = 0.5.

    0 <= p <= 1 each, ``tests >= len(ps)``, ``tests >= 1``. Never below ``TINY`` nor above 1.

    >>> round(cauchy([1e-6], 1), 12), round(cauchy([1e-6], 5), 12)
    (1e-06, 5e-06)
    """
    return _tail(sum(_statistic(p) for p in ps) / tests)


def evidence(p: float) -> float:
    """The statistic of one p: what ``combined`` takes the weighted mean of. Nothing from a half on.

    What is more ordinary than most says no more than what is as ordinary as any; else one silent detector (0.99) would
    cancel another's 0.01.
    """
    return _statistic(p) if p < 0.5 else 0.0


def combined(statistic: float) -> float:
    """The p of a weighted mean of evidence, weights adding up to 1.

    >>> round(combined(0.75 * evidence(1e-6) + 0.25 * evidence(0.99)), 9)
    1.333e-06
    """
    return _tail(statistic)


def settle(parts: Sequence[Part], tests: int) -> tuple[float, tuple[Part, ...]]:
    """The combined p of raw parts, and the parts as they may be shown, most significant first.

    A part whose key is still learning counts with ``p >= CAP``. Such parts alone can carry the result down to ``CAP``,
    never below: the dilution by the other tests is worked out on the raw values, so that a flood from a new key is
    still worth a look. The parts' ``score`` add up to ``-log10`` of the returned p.
    """
    weights = [_statistic(part.p) for part in parts]
    p = _tail(sum(weights) / tests)
    shown = [_capped(part) for part in parts]
    if any(after is not before for after, before in zip(shown, parts, strict=True)):
        weights = [_statistic(part.p) for part in shown]
        p = max(p, min(_tail(sum(weights) / tests), CAP))
    weights = [weight if weight > 0.0 else 0.0 for weight in weights]
    total = sum(weights)
    if total > 0.0:
        whole = -log10(p) / total
        shown = [part._replace(score=weight * whole) for part, weight in zip(shown, weights, strict=True)]
    if len(shown) > 1:
        shown.sort(key=lambda part: (part.p, part.detector, part.feature, part.key, part.value or ""))
    return p, tuple(shown)


def _capped(part: Part) -> Part:
    return part._replace(p=CAP) if part.maturity < LEARNING_BELOW and part.p < CAP else part


def _statistic(p: float) -> float:
    if p < 1e-8:  # cot(x) = 1/x - x/3 ...: the second term is below a double's precision here
        return 1.0 / (pi * (p if p > TINY else TINY))
    return 1.0 / tan(pi * p) if p < _NEARLY_ONE else 1.0 / tan(pi * _NEARLY_ONE)


def _tail(statistic: float) -> float:
    # atan2(1, t) is acot(t): unlike 0.5 - atan(t)/pi it loses nothing for a large t.
    return max(atan2(1.0, statistic) / pi, TINY)
