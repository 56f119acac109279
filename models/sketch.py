"""What a full store remembers of the names it evicted: how often each went, of late.

The admission of TinyLFU (Einziger et al., arXiv 1512.00727): a name that comes back is worth more than one that came
once, though the store knows neither of them any more. Not its count-min sketch: a sweep evicts a quarter of the cap at
once, which alters every row of counters, and halving a count of one is forgetting it. Here a sweep appends the names
that it evicted, four bytes of a keyed hash each, and the oldest are dropped: what is written is what is new. A count is
never too low, and too high for ``remembered / 2**32`` of the names.

Read and written by a sweep only, so a known key costs nothing.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from models.base import Row, Store

HASH = "blake2b-32"
"""BLAKE2b with a digest of 32 bits (RFC 7693), keyed; the name in UTF-8, lone surrogates as they are."""

HEAD = "#sketch"
"""The row ``(key in hex, oldest row of prints, the one after the newest, names in them)``."""

_PRINTS = HEAD + "|"  # then a number: (names, their prints in base64, four bytes each, least significant first)
_NAMES = 768  # in a row of prints: 4 kB

Prints = npt.NDArray[np.uint32]
_NONE: Prints = np.empty(0, dtype="<u4")


class Sketch:
    """The memory of the evicted names of a store, as rows of the same store.

    ``limit``: names remembered; one that was evicted several times counts as often. The key of the hash is drawn from
    all the names in the store at the first use, which nobody outside knows, and stays.
    """

    def __init__(self, rows: Store, limit: int) -> None:
        self.limit = limit
        self._rows = rows
        self._head: Row = rows.get(HEAD) or (_drawn(rows), 0, 0, 0)
        self._key = bytes.fromhex(self._head[0])

    def prints(self, names: Sequence[str]) -> Prints:
        """The names as the sketch knows them."""
        key = self._key
        return np.frombuffer(
            b"".join(
                [blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4, key=key).digest() for name in names]
            ),
            dtype="<u4",
        )

    def counts(self, prints: Prints) -> npt.NDArray[np.int64]:
        """How often each was evicted, as far as it is remembered."""
        _, oldest, after, _ = self._head
        kept = [_read(self._rows[_PRINTS + str(place)]) for place in range(oldest, after)]
        known = np.sort(np.concatenate([_NONE, *kept]))
        return np.searchsorted(known, prints, "right") - np.searchsorted(known, prints, "left")

    def add(self, gone: Prints, staying: Prints = _NONE) -> None:
        """Remember names that were evicted. Beyond the limit, the oldest rows of prints are dropped; of the names in
        these, those ``staying`` in the store are remembered as evicted once, since that is why they stay."""
        rows = self._rows
        key, oldest, after, total = self._head
        total += len(gone)
        dropped = [_NONE]
        while total > self.limit and oldest < after:
            name = _PRINTS + str(oldest)
            dropped.append(_read(rows[name]))
            total -= len(dropped[-1])
            del rows[name]
            oldest += 1
        carried = np.intersect1d(np.concatenate(dropped), staying)
        new = np.concatenate((carried, gone))
        for start in range(0, len(new), _NAMES):
            some = new[start : start + _NAMES]
            rows[_PRINTS + str(after)] = (len(some), b64encode(some.astype("<u4").tobytes()).decode("ascii"))
            after += 1
        self._head = rows[HEAD] = (key, oldest, after, total + len(carried))


def _read(row: Row) -> Prints:
    return np.frombuffer(b64decode(row[1]), dtype="<u4")


def taken(rows: Store) -> int:
    """How many rows of the store are the sketch's."""
    head = rows.get(HEAD)
    return 0 if head is None else int(head[2] - head[1] + 1)


def key_id(rows: Mapping[str, Row]) -> str | None:
    """Eight hex digits that tell one key of the hash from another; None before anything was evicted."""
    head = rows.get(HEAD)
    return None if head is None else blake2b(bytes.fromhex(head[0]), digest_size=4).hexdigest()


def _drawn(rows: Store) -> str:
    names = "\n".join(sorted(rows)).encode("utf-8", "surrogatepass")
    return blake2b(names, digest_size=16).hexdigest()
