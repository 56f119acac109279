"""How a long-running process keeps its memory: the collector seldom looks, and what is freed is not given back at once.

Both cost time for nothing where every second the same amounts are taken and freed: with glibc's defaults, one event in
two makes the kernel map, clear and unmap a page.
"""

from __future__ import annotations

import ctypes
import gc

KEPT_BYTES = 64 * 2**20
"""Freed memory that stays with the process, for each of the allocator's arenas."""

_LARGEST_UNMAPPED = 32 * 2**20  # the most that mallopt(3) allows

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h


def settle() -> None:
    """Call once, when everything is imported. Where the C library is another than glibc, only the collector is set."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)  # what is made a record is freed with it, without the collector
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_UNMAPPED)
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
