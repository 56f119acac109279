"""The negative binomial law of a count that is looked at only because it is not zero.

A Poisson count whose rate is itself Gamma distributed. ``mean`` is the mean of the whole law, ``size`` the shape of
the Gamma: variance = mean + mean^2 / size. All functions condition on a count >= 1, since a test happens only when an
event arrives; without that, every visit of a rare key would look like a burst.

Of whole counts: ``tail``, ``moments`` and ``interval``. Of any, a decayed count too: ``surprise`` and ``bounds``, by
Chernoff's bound and, where that is below 1, Bahadur and Rao's factor (Annals of Mathematical Statistics 31, 1960)
instead of a sum of terms: three logarithms at any size.
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, expm1, lgamma, log, log1p, pi, sqrt

_TERMS = 24  # of the tail sum; what is left is bounded by a geometric series
_STEPS = 4_000  # of the exact quantile search
_TINY = 1e-300
_SIDE = 3.6888794541139363  # ln 40: 2.5 % on either side
_HALVINGS = 24  # of the search for the bounds


def some(mean: float, size: float) -> float:
    """P(X >= 1). ``mean > 0``, ``size > 0``."""
    return -expm1(-size * log1p(mean / size))


def moments(mean: float, size: float) -> tuple[float, float]:
    """Mean and standard deviation, given a count >= 1. ``mean > 0``, ``size > 0``."""
    given = some(mean, size)
    first = mean / given
    second = mean * (1.0 + mean + mean / size) / given
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
    term = size * q * exp(-size * log1p(mean / size)) / some(mean, size)  # P(X = 1 | X >= 1)
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


def surprise(seen: float, mean: float, size: float) -> float:
    """``-ln p`` of P(X >= seen | X >= 1); 0 up to the mean, where nothing is said.

    p is above the sum of the tail: at 0.05 and below by a third for light tails, twice for a size of 0.5, seven times
    for a size of 0.05, and less the farther out.

    >>> from math import exp
    >>> round(exp(-surprise(4, 1.0, 1e6)), 3)  # the sum of the tail is 0.030
    0.033
    """
    if seen <= mean:
        return 0.0
    return max(0.0, _above(seen, mean, size) + log(some(mean, size)))


@lru_cache(maxsize=4096)
def bounds(mean: float, size: float) -> tuple[float, float, float]:
    """The mean of the count, and an interval that it leaves in at most 2.5 % of the cases on either side.

    Given that it is at least 1, so neither of the three is below 1; for a decayed count these are a little high.
    """
    given = some(mean, size)
    side = _SIDE - log(given)
    low, high = 1.0, mean
    if _exponent(low, mean, size) > side and low < high:
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            if _exponent(middle, mean, size) > side:
                low = middle
            else:
                high = middle
    least = low
    low, high = mean * (1.0 + 1e-9), mean + 40.0 + 40.0 * sqrt(mean + mean * mean / size)
    while _above(high, mean, size) < side:
        high *= 2.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if _above(middle, mean, size) > side:
            high = middle
        else:
            low = middle
    return mean / given, least, max(high, 1.0)


def _above(x: float, mean: float, size: float) -> float:
    """``-ln`` of P(X >= x), for ``x > mean``."""
    factor = size * (x - mean) / (x * (mean + size)) * sqrt(2.0 * pi * x * (1.0 + x / size))
    return _exponent(x, mean, size) + (log(factor) if factor > 1.0 else 0.0)


def _exponent(x: float, mean: float, size: float) -> float:
    """The Legendre transform of the law's cumulant function: 0 at the mean, convex."""
    return x * log(x / mean) - (x + size) * log((x + size) / (mean + size))
