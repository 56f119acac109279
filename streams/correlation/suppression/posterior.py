"""How surely a share is small: the Beta posterior of a coin that was thrown a few times. Pure, standard library only.

The regularised incomplete beta function by its continued fraction, evaluated by the modified Lentz method (NIST Digital
Library of Mathematical Functions, 8.17(v); Press et al., Numerical Recipes, section 6.4).
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, log1p
from typing import Final

CERTAINTY: Final = 0.95
_TINY: Final = 1e-300
_CLOSE: Final = 1e-12


@lru_cache(maxsize=4_096)
def upper(hits: float, misses: float) -> float:
    """The share of hits is below this with ``CERTAINTY``; a uniform prior. Counts need not be whole.

    >>> round(upper(0, 0), 3), round(upper(0, 28), 3), round(upper(2, 100), 3)
    (0.95, 0.098, 0.06)
    """
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle, hits + 1, misses + 1) < CERTAINTY else (low, middle)
    return high


def below(x: float, a: float, b: float) -> float:
    """The probability that a Beta(a, b) is below ``x`` in 0..1."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    if x < (a + 1) / (a + b + 2):  # where the fraction converges fast
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c = 1.0
    d = 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _away(1 + even * d)
        c = _away(1 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / _away(1 + odd * d)
        c = _away(1 + odd / c)
        step = d * c
        value *= step
        if abs(step - 1) < _CLOSE:
            break
    return value


def _away(value: float) -> float:
    """Not zero."""
    return value if abs(value) > _TINY else _TINY
