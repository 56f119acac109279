"""The negative binomial law of a count that is looked at only because it is not zero.

A Poisson count whose rate is itself Gamma distributed. ``mean`` is the mean of the whole law, ``size`` the shape of
the Gamma: variance = mean + mean^2 / size. All functions condition on a count >= 1, since a test happens only when an
event arrives; without that, every visit of a rare key would look like a burst.

The tail is Chernoff's bound, by Bahadur and Rao's factor (Annals of Mathematical Statistics 31, 1960) where that is
below 1, instead of a sum of its terms: three logarithms at any size, and it takes a decayed count, which is not whole,
as it is.
"""

from __future__ import annotations

from functools import lru_cache
from math import expm1, log, log1p, pi, sqrt

_SIDE = 3.6888794541139363  # ln 40: 2.5 % on either side
_STEPS = 24


def some(mean: float, size: float) -> float:
    """P(X >= 1). ``mean > 0``, ``size > 0``."""
    return -expm1(-size * log1p(mean / size))


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
        for _ in range(_STEPS):
            middle = (low + high) / 2.0
            if _exponent(middle, mean, size) > side:
                low = middle
            else:
                high = middle
    least = low
    low, high = mean * (1.0 + 1e-9), mean + 40.0 + 40.0 * sqrt(mean + mean * mean / size)
    while _above(high, mean, size) < side:
        high *= 2.0
    for _ in range(_STEPS):
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
