"""The negative binomial law of a count that is looked at only because it is not zero.

A Poisson count whose rate is itself Gamma distributed. ``mean`` is the mean of the whole law, ``size`` the shape of
the Gamma: variance = mean + mean^2 / size. All functions condition on a count >= 1, since a test happens only when an
event arrives; without that, every visit of a rare key would look like a burst.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, expm1, lgamma, log1p, sqrt

_TERMS = 24  # of the tail sum; what is left is bounded by a geometric series
_STEPS = 4_000  # of the exact quantile search
_TINY = 1e-300


def moments(mean: float, size: float) -> tuple[float, float]:
    """Mean and standard deviation, given a count >= 1. ``mean > 0``, ``size > 0``."""
    some = -expm1(-size * log1p(mean / size))
    first = mean / some
    second = mean * (1.0 + mean + mean / size) / some
    return first, sqrt(max(second - first * first, 0.0))


def tail(count: int, mean: float, size: float) -> float:
    """P(X >= count | X >= 1), for a ``count`` above the mean; below the mode it answers 1.

    An upper bound: within a thousandth of the value for light tails, within a third for the heaviest. Between 1e-300
    and 1. A ``size`` above 1e9 loses digits.

    >>> round(tail(4, 1.0, 1e6), 3)  # nearly Poisson: (1 - 8/3 e^-1) / (1 - e^-1)
    0.03
    """
    q = mean / (mean + size)
    log_none = -size * log1p(mean / size)
    log_first = lgamma(count + size) - lgamma(size) - lgamma(count + 1.0) + log_none - count * log1p(size / mean)
    if log_first < -750.0:  # in a flood every event comes here; no sum makes up for e^-50
        return _TINY
    total = term = ratio = 1.0
    k = count
    for _ in range(_TERMS):
        ratio = q * (k + size) / (k + 1.0)
        term *= ratio
        total += term
        k += 1
        if term < 1e-3 * total:
            break
    ratio = max(q, ratio)  # the ratios move monotonously towards q, from either side
    if ratio >= 1.0:
        return 1.0
    total += term * ratio / (1.0 - ratio)
    if log_first < -690.0:
        return _TINY
    return min(1.0, max(_TINY, exp(log_first) * total / -expm1(log_none)))


@lru_cache(maxsize=4096)
def interval(mean: float, size: float) -> tuple[float, float]:
    """The central 95 % interval of the count, given that it is >= 1."""
    centre, spread = moments(mean, size)
    if centre + 4 * spread > _STEPS:
        return max(1.0, centre - 1.96 * spread), centre + 1.96 * spread
    q = mean / (mean + size)
    some = -expm1(-size * log1p(mean / size))
    term = size * q * exp(-size * log1p(mean / size)) / some  # P(X = 1 | X >= 1)
    below = term
    low = 0
    k = 1
    while below < 0.975 and k < _STEPS:
        if not low and below >= 0.025:
            low = k
        term *= q * (k + size) / (k + 1.0)
        k += 1
        below += term
    return float(low or k), float(k)
