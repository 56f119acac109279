"""Seeded chance, and the identifiers drawn from it.

A stream is named by the seed and a path, so one part of a scenario can be rebuilt without the others, and adding a draw
in one place moves nothing elsewhere. The bits are SHAKE-128 (FIPS 202) of that name, and every distribution is built
here from the bits, so no release of Python or of a library changes a scenario.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Sequence
from hashlib import shake_128
from itertools import accumulate
from math import log
from struct import unpack
from typing import TypeVar

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_FIRST_WORDS = 16
_MORE_WORDS = 512
_UNIT = 2.0**-53

T = TypeVar("T")


class Chance:
    """One stream of draws. Not for secrets: whoever knows the seed knows them all."""

    __slots__ = ("_block", "_name", "_next")

    def __init__(self, name: str) -> None:
        self._name = name.encode()
        self._block = 0
        self._next: Callable[[], int]
        self._refill()

    def _refill(self) -> None:
        words = _MORE_WORDS if self._block else _FIRST_WORDS
        bits = shake_128(b"%b/%d" % (self._name, self._block)).digest(8 * words)
        self._block += 1
        self._next = iter(unpack(f"<{words}Q", bits)).__next__

    def word(self) -> int:
        """64 bits."""
        try:
            return self._next()
        except StopIteration:
            self._refill()
            return self._next()

    def random(self) -> float:
        """Uniform in [0, 1)."""
        return (self.word() >> 11) * _UNIT

    def uniform(self, low: float, high: float) -> float:
        """Uniform between the two."""
        return low + (high - low) * self.random()

    def randrange(self, low: int, high: int) -> int:
        """A whole number from ``low``, below ``high``."""
        return low + (self.word() * (high - low) >> 64)

    def randint(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return self.randrange(low, high + 1)

    def expovariate(self, rate: float) -> float:
        """Exponential with mean ``1 / rate``."""
        return -log(1.0 - self.random()) / rate

    def choice(self, options: Sequence[T]) -> T:
        """One of them, all alike."""
        return options[self.randrange(0, len(options))]

    def weighted(self, options: Sequence[T], weights: Sequence[float]) -> T:
        """One of them, by weight."""
        cumulative = list(accumulate(weights))
        return options[bisect(cumulative, self.random() * cumulative[-1], 0, len(options) - 1)]

    def sample(self, options: Sequence[T], number: int) -> list[T]:
        """``number`` different ones, in random order."""
        rest = list(options)
        for place in range(number):
            other = self.randrange(place, len(rest))
            rest[place], rest[other] = rest[other], rest[place]
        return rest[:number]


def chance(seed: int, *path: str | int) -> Chance:
    """The stream at this path. Equal arguments give equal draws, in every process."""
    return Chance(":".join(map(str, (seed, *path))))


def hexadecimal(rng: Chance, digits: int) -> str:
    """Lower-case hex text of that length: commit hashes (40), digests (64), instance ids (17)."""
    return "".join([f"{rng.word():016x}" for _ in range(0, digits, 16)])[:digits]


def uuid(rng: Chance) -> str:
    """A version 4 UUID (RFC 9562 section 5.4) as text."""
    bits = hexadecimal(rng, 32)
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"


def digest(rng: Chance) -> str:
    """An image or file digest, ``sha256:<64 hex digits>``."""
    return "sha256:" + hexadecimal(rng, 64)


def unique_id(rng: Chance, prefix: str) -> str:
    """An IAM unique identifier: a four-letter prefix (AROA role, AIDA user, ...) and 16 characters of base 32."""
    return prefix + "".join([_BASE32[rng.randrange(0, 32)] for _ in range(16)])
