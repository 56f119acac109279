"""A whole scenario: background, stories and disorder, merged in the order in which they arrive."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Any

from streams.simulate import catalog, disorder, truth
from streams.simulate.background import Background
from streams.simulate.chance import chance
from streams.simulate.contention import Contention
from streams.simulate.message import Message
from streams.simulate.plan import Planned, Told, pace_of, plan, tell
from streams.simulate.rhythm import Rhythm, cloudtrail_delay
from streams.simulate.scene import JSON
from streams.simulate.world import World, build

_MINIMUM = 500
_PER_HOUR = 1000
"""Messages an hour of 36 services, unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message, and what is wrong with it: a defect, ``duplicate``, ``far_late``, or nothing (``ordinary``)."""

    message: Message
    slot: disorder.Slot


class Scenario:
    """A seeded, realistic stretch of a company's security data, in vendor formats, with its own truth.

    Equal arguments give equal bytes on every machine, whatever ``PYTHONHASHSEED``. ``start`` is the first instant
    (aware); the background ends after ``hours`` (0.1 to 2,160), and a story may run an hour past that. ``services`` is
    1 to 1,000. ``events`` is the exact number of messages, at least 500 (default: about 1,000 an hour for 36 services);
    the number of stories depends mostly on the hours, so what is added by asking for more is benign CloudTrail. With
    ``contention`` the default is that many and the stories on top. ``ValueError`` for arguments outside these bounds.

    Not a model of attackers: incidents are distinct and their causes findable on purpose.
    """

    def __init__(
        self,
        seed: int,
        services: int = 36,
        *,
        start: datetime,
        hours: float,
        events: int | None = None,
        contention: Contention | None = None,
    ) -> None:
        if start.utcoffset() is None:
            raise ValueError("start has no time zone")
        if not 0.1 <= hours <= 24 * 90:
            raise ValueError(f"a scenario is 0.1 to 2160 hours long, not {hours}")
        on_top = events is None and contention is not None
        if events is None:
            events = max(_MINIMUM, round(_PER_HOUR * hours * services / 36))
        if events < _MINIMUM:
            raise ValueError(f"a scenario has at least {_MINIMUM} messages, not {events}")
        self.seed = seed
        self.start = start.astimezone(UTC).replace(microsecond=0)
        self.world: World = build(seed, services)
        self._rhythm = Rhythm(self.start, hours)
        self._pace = pace_of(self._rhythm)
        self._plan = plan(self.world, self._rhythm, events, contention)
        self._by_source: Counter[str] = Counter()
        for story in self._plan:
            self._by_source.update(part.message.source for part in self._tell(story).parts)
        if on_top:
            events += self._by_source.total()
        self.events = events
        self._slots = events - self._by_source.total()
        if self._slots < 0:
            raise ValueError(f"the stories alone are {self._by_source.total()} messages; ask for more than {events}")

    def catalog(self) -> list[dict[str, Any]]:
        """The services, systems, teams and cloud resources as Backstage entities."""
        return catalog.entities(self.world)

    def messages(self) -> Iterator[Message]:
        """Every message, ascending by arrival. Memory stays the same however many there are; start anew at will."""
        for delivery in self.deliveries():
            yield delivery.message

    def truth(self) -> list[dict[str, Any]]:
        """One entry an incident (see ``truth.incident``), by time, and a last one with what was injected."""
        decoys: dict[int, list[Told]] = {}
        for story in self._plan:
            if story.decoy_of is not None:
                decoys.setdefault(story.decoy_of, []).append(self._tell(story))
        out = [
            truth.incident(self._tell(story), decoys.get(story.number, [])) for story in self._plan if story.incident
        ]
        counts = disorder.count(self.seed, self._slots, self._rhythm.seconds)
        return [*out, truth.injected(self.events, counts, dict(self._by_source))]

    def stories(self) -> Iterator[Told]:
        """Everything that happens on purpose, by time, each with its records and what they are to it."""
        return map(self._tell, self._plan)

    def deliveries(self) -> Iterator[Delivery]:
        """The messages together with what is wrong with them, for checks."""
        background = Background(self.world)
        rng = chance(self.seed, "arrivals")
        recent: tuple[deque[Message], deque[Message]] = (deque(maxlen=256), deque(maxlen=16))
        stories = self._stories()
        upcoming = next(stories, None)
        for place, slot in enumerate(disorder.slots(self.seed, self._slots, self._rhythm.seconds)):
            elapsed = self._rhythm.offset((place + rng.random()) / self._slots)
            arrival = self.start + timedelta(seconds=elapsed)
            while upcoming is not None and upcoming.arrival <= arrival:
                recent[upcoming.source != "cloudtrail"].append(upcoming)
                yield Delivery(upcoming, "ordinary")
                upcoming = next(stories, None)
            if slot == "duplicate":
                # A redelivered webhook more often than its share: GitHub and people press the button.
                pool = recent[1] if recent[1] and rng.random() < 0.3 else recent[0]
                yield Delivery(rng.choice(pool)._replace(arrival=arrival), slot)
                continue
            late = disorder.lateness(rng, elapsed) if slot == "far_late" else cloudtrail_delay(rng)
            time = arrival - timedelta(seconds=min(late, elapsed * rng.random() if late > elapsed else late))
            value = background.record(time)
            if slot == "ordinary" or slot == "far_late":
                message = Message("cloudtrail", None, JSON, value, arrival)
                recent[0].append(message)
            else:
                message = disorder.broken(slot, value, arrival, rng)
            yield Delivery(message, slot)
        while upcoming is not None:
            yield Delivery(upcoming, "ordinary")
            upcoming = next(stories, None)

    def _stories(self) -> Iterator[Message]:
        """The messages of all stories, ascending by arrival; a story is told when its time comes."""
        waiting: list[tuple[datetime, int, int, Message]] = []
        for story in self._plan:
            while waiting and waiting[0][0] < story.start:
                yield heappop(waiting)[3]
            for place, part in enumerate(self._tell(story).parts):
                heappush(waiting, (part.message.arrival, story.number, place, part.message))
        while waiting:
            yield heappop(waiting)[3]

    def _tell(self, story: Planned) -> Told:
        return tell(self.world, story, self._pace)
