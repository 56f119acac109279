"""When things happen: the daily rhythm, and how long a source takes to deliver.

The rhythm is a smooth curve over the hour of the day (UTC) with its peak at 13:30; every kind of actor follows it to a
different degree. Real traffic has weekdays too; this one does not.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta
from itertools import accumulate
from math import cos, pi
from typing import Literal

from streams.simulate.chance import Chance

ActorClass = Literal["service", "pipeline", "person", "user"]

SHARE: dict[ActorClass, float] = {"service": 0.80, "pipeline": 0.08, "person": 0.09, "user": 0.03}
"""What part of the cloud activity each kind of actor has at an hour of factor 1."""

_BIN_SECONDS = 300.0


def day(hour: float) -> float:
    """0 at half past one in the night, 1 at half past one in the afternoon."""
    return 0.5 * (1.0 + cos((hour - 13.5) * pi / 12.0))


def factor(kind: ActorClass, hour: float) -> float:
    """How active a kind of actor is at an hour of the day, 0 to 1."""
    light = day(hour)
    if kind == "service":
        return 0.45 + 0.55 * light
    if kind == "user":
        return 1.0
    return 0.04 + 0.96 * light**2 if kind == "person" else 0.1 + 0.9 * light**2


class Rhythm:
    """Maps a share of the activity, 0 to 1, to the time by which that share has happened."""

    def __init__(self, start: datetime, hours: float) -> None:
        self.start = start
        self.seconds = hours * 3600.0
        count = max(1, round(self.seconds / _BIN_SECONDS))
        self._width = self.seconds / count
        offset = start.hour + start.minute / 60.0 + start.second / 3600.0
        middles = [offset + (number + 0.5) * self._width / 3600.0 for number in range(count)]
        weights = [sum(share * factor(kind, hour % 24.0) for kind, share in SHARE.items()) for hour in middles]
        total = sum(weights)
        self._edges = [0.0, *accumulate(weight / total for weight in weights)]
        self._edges[-1] = 1.0

    def offset(self, share: float) -> float:
        """Seconds after the start; rises with ``share``."""
        place = min(bisect_right(self._edges, share) - 1, len(self._edges) - 2)
        low, high = self._edges[place], self._edges[place + 1]
        return self._width * (place + (share - low) / (high - low))

    def at(self, share: float) -> datetime:
        """The same as an instant."""
        return self.start + timedelta(seconds=self.offset(share))


def cloudtrail_delay(rng: Chance) -> float:
    """Seconds from a call to its record: mostly two to five minutes, never above fifteen."""
    return min(899.0, 95.0 + rng.expovariate(0.0095))


def prompt_delay(rng: Chance) -> float:
    """Seconds that webhooks, agents and scanners take."""
    return 0.4 + rng.expovariate(0.6)
