"""Remembering the results of a pure function for keys that come again and again, within bounds of number and size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(dict[K, V], Generic[K, V]):
    """``memo[key]`` is ``compute(key)``, remembered; keys are text or tuples.

    For hot paths, where it beats ``functools.lru_cache``: a hit is one dict lookup. Keys come from outside, so a key
    with more than ``size`` characters is computed but not kept, and when ``limit`` keys are held all are forgotten. An
    unhashable key raises TypeError. Wrong for results that depend on anything but the key, or that tell 1 from True.
    """

    __slots__ = ("compute", "limit", "size")

    def __init__(self, compute: Callable[[K], V], limit: int = 16384, size: int = 1024) -> None:
        super().__init__()
        self.compute = compute
        self.limit = limit
        self.size = size

    def __missing__(self, key: K) -> V:
        value = self.compute(key)
        if _size(key) <= self.size:
            if len(self) >= self.limit:
                self.clear()
            self[key] = value
        return value


def _size(key: Any) -> int:
    if isinstance(key, str):
        return len(key)
    if isinstance(key, tuple):
        return sum(map(_size, key))
    return 8
