"""What goes wrong on the way: repeats, stragglers and broken messages, decided slot by slot.

A slot is one place in the background's order of arrival. What happens in it is a function of the seed and its number
alone, so the truth can count without making a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import orjson

from streams.simulate.chance import Chance, chance
from streams.simulate.message import Headers, Message
from streams.simulate.scene import JSON

Defect = Literal["truncated", "wrong_type", "no_time", "not_utf8", "empty", "unknown_format", "oversize"]

_DEFECTS: tuple[Defect, ...] = (
    "truncated",
    "wrong_type",
    "no_time",
    "not_utf8",
    "empty",
    "unknown_format",
    "oversize",
)
_FREQUENCIES = (5.0, 4.0, 4.0, 2.0, 2.0, 3.0, 0.2)

MALFORMED = 0.003
DUPLICATE = 0.01
FAR_LATE = 0.0015
"""Shares of the slots."""

_FIRST = 64
"""Slots before this one are ordinary: there is nothing yet to repeat."""

_LATE_FROM = 3600.0
"""Seconds into the scenario from which on a record can be an hour late and still have happened in it."""

OVERSIZE = 1_150_000
"""Bytes of an oversized value: above 1 MiB, below the topics' limit of 2 MiB."""

Slot = Literal["ordinary", "duplicate", "far_late"] | Defect


class Counts(NamedTuple):
    """How many messages of each kind were injected."""

    duplicate: int
    far_late: int
    malformed: dict[str, int]


def slots(seed: int, number: int, seconds: float) -> Iterator[Slot]:
    """What happens in each of ``number`` slots, spread over ``seconds``."""
    rng = chance(seed, "slots")
    for place in range(number):
        luck = rng.random()
        if luck >= MALFORMED + DUPLICATE + FAR_LATE or place < _FIRST:
            yield "ordinary"
        elif luck < MALFORMED:
            yield rng.weighted(_DEFECTS, _FREQUENCIES)
        elif luck < MALFORMED + DUPLICATE:
            yield "duplicate"
        else:
            # Measured by place, not by time of arrival: the rhythm must not enter here.
            yield "far_late" if seconds * place / number > _LATE_FROM else "ordinary"


def count(seed: int, number: int, seconds: float) -> Counts:
    """What ``slots`` will yield, counted."""
    seen: Counter[str] = Counter(slots(seed, number, seconds))
    malformed: dict[str, int] = {defect: seen[defect] for defect in _DEFECTS if seen[defect]}
    return Counts(seen["duplicate"], seen["far_late"], malformed)


def lateness(rng: Chance, elapsed: float) -> float:
    """Seconds that a straggler is late: 20 minutes to six hours, within what has passed."""
    return rng.uniform(1200.0, max(1200.0, min(elapsed, 21_600.0)))


def broken(defect: Defect, value: bytes, arrival: datetime, rng: Chance) -> Message:
    """A message that no source can take, made from a good CloudTrail record where that makes sense."""
    headers: Headers = JSON
    if defect == "truncated":
        value = value[: rng.randrange(len(value) // 4, len(value) - 2)]
    elif defect == "empty":
        value = b""
    elif defect == "not_utf8":
        middle = len(value) // 2
        value = value[:middle] + b"\xff\xfe\xc3" + value[middle:]
    elif defect == "unknown_format":
        reading = {"sensor": rng.randrange(0, 900), "celsius": round(rng.uniform(18, 27), 2), "ok": True}
        return Message("ocsf", None, headers, orjson.dumps(reading), arrival)
    elif defect == "oversize":
        record = orjson.loads(value)
        record["requestParameters"] = {"document": "x" * OVERSIZE}
        value = orjson.dumps(record)
    else:
        record = orjson.loads(value)
        if defect == "no_time":
            del record["eventTime"]
        elif rng.random() < 0.5:
            record["eventTime"] = int((arrival - timedelta(minutes=3)).timestamp())
        else:
            record["eventID"] = [record["eventID"]]
        value = orjson.dumps(record)
    return Message("cloudtrail", None, headers, value, arrival)
