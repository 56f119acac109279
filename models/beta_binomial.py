"""The beta-binomial law: how many of ``calls`` fail, where the share that fails wanders about a mean."""

from __future__ import annotations

from math import exp, lgamma, sqrt

_TERMS = 64  # of the tail sum; what is left is bounded by a geometric series
_TINY = 1e-300


def tail(fails: int, calls: int, a: float, b: float) -> float:
    """P(X >= fails), for ``fails`` above the mean ``calls a / (a + b)``. ``a, b > 0``. Between 1e-300 and 1.

    An upper bound, within a thousandth of the value.

    >>> round(tail(2, 2, 1.0, 1.0), 6), tail(0, 5, 1.0, 9.0)  # a = b = 1: all counts are as likely
    (0.333333, 1.0)
    """
    if fails <= 0:
        return 1.0
    if fails > calls:
        return _TINY
    first = (
        lgamma(calls + 1.0) - lgamma(fails + 1.0) - lgamma(calls - fails + 1.0)
        + lgamma(fails + a) + lgamma(calls - fails + b) - lgamma(calls + a + b)
        + lgamma(a + b) - lgamma(a) - lgamma(b)
    )  # fmt: skip
    total = term = 1.0
    k = fails
    while k < calls:
        ratio = (calls - k) * (k + a) / ((k + 1.0) * (calls - k - 1 + b))
        term *= ratio
        total += term
        k += 1
        if term < 1e-3 * total or k - fails > _TERMS:
            if ratio >= 1.0:
                return 1.0
            total += term * ratio / (1.0 - ratio)
            break
    return min(1.0, max(_TINY, exp(max(first, -690.0)) * total))


def spread(calls: int, a: float, b: float) -> float:
    """Standard deviation of the count."""
    both = a + b
    return sqrt(calls * a * b * (both + calls) / (both * both * (both + 1.0)))
