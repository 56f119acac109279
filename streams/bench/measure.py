"""What is read off the machine: CPU time, memory, and what machine it is."""

from __future__ import annotations

import gc
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NamedTuple

SLICE = 500
"""Items between two looks at the clock, which costs half a microsecond."""


class Figure(NamedTuple):
    """Microseconds of CPU an event, over several repetitions."""

    median: float
    best: float
    worst: float


def figure(repetitions: Iterable[float]) -> Figure:
    """The figure of measured values, of which there is at least one."""
    values = sorted(repetitions)
    return Figure(median(values), values[0], values[-1])


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU that a call takes, all threads of the process together."""
    began = time.process_time()
    work()
    return time.process_time() - began


def peak_bytes() -> int | None:
    """The most memory that this process has held at a time; None where the system does not tell (proc(5), VmHWM)."""
    return _status("VmHWM")


def held_bytes() -> int | None:
    """The memory that this process holds now; None where the system does not tell (proc(5), VmRSS)."""
    return _status("VmRSS")


def deep_bytes(root: object) -> int:
    """The size of everything that an object refers to, each thing once; code and types are left out.

    Takes a microsecond a thing, and for that time some sixty bytes.
    """
    known: set[int] = set()
    total = 0
    todo = [root]
    while todo:
        thing = todo.pop()
        if id(thing) in known or isinstance(thing, _CODE):
            continue
        known.add(id(thing))
        total += sys.getsizeof(thing)
        todo += gc.get_referents(thing)
    return total


_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType)


def _status(name: str) -> int | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)


def machine() -> dict[str, Any]:
    """What a figure depends on besides the code."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "cores": usable,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
