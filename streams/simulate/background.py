"""Benign cloud activity: which actor calls what, drawn afresh for every record and written from templates.

This is the hot path of the load generator; nothing here grows with the number of records.
"""

from __future__ import annotations

from bisect import bisect
from datetime import datetime, timedelta
from itertools import accumulate

from streams.simulate import calls
from streams.simulate.actor import Actor, person_actor, pipeline_actor, service_actor, user_actor
from streams.simulate.chance import chance
from streams.simulate.cloudtrail import Call, Failure, denied, placeholder_session, template
from streams.simulate.rhythm import SHARE, ActorClass, factor
from streams.simulate.world import World

_FAILURES = 0.006
_DENIED_FOR_EVER = 0.15
"""Share of the services with one call that policy has refused for years: what a detector must learn to pass over."""


class _Source:
    """One actor with its calls. Templates are written on first use."""

    __slots__ = ("_cumulative", "_since", "_templates", "_until", "actor", "calls", "slots", "weight")

    def __init__(self, actor: Actor, weighted: tuple[calls.Weighted, ...], weight: float) -> None:
        self.actor = actor
        self.weight = weight
        self.calls = [call for _, call in weighted]
        self._cumulative = list(accumulate(frequency for frequency, _ in weighted))
        self._templates: dict[tuple[int, str], bytes] = {}
        self._since = self._until = 0
        self.slots: dict[bytes, bytes] = {}

    def template(self, draw: float, failure: str) -> bytes:
        """The template of the call that ``draw`` (0 to 1) falls on."""
        place = bisect(self._cumulative, draw * self._cumulative[-1], 0, len(self.calls) - 1)
        known = self._templates.get((place, failure))
        if known is None:
            known = template(self.actor, self.calls[place], self._failure(self.calls[place], failure))
            self._templates[place, failure] = known
        return known

    def renew(self, seed: int, epoch: int) -> None:
        """Put the session of that time into the slots."""
        if self._since <= epoch < self._until:
            return
        session = self.actor.session(seed, epoch)
        self.slots[b"key"] = session.access_key.encode()
        self.slots[b"session"] = session.name.encode()
        self.slots[b"created"] = session.created.encode()
        self.slots[b"address"] = session.address.encode()
        self._since, self._until = session.since, session.until

    def _failure(self, call: Call, failure: str) -> Failure | None:
        if failure == "throttled":
            return Failure("ThrottlingException", "Rate exceeded")
        return denied(self.actor, placeholder_session(), call) if failure == "denied" else None


class Background:
    """Writes one benign CloudTrail record at a time; fastest if the times given are near each other."""

    def __init__(self, world: World) -> None:
        self._seed = world.seed
        self._rng = chance(world.seed, "background")
        rng = chance(world.seed, "background", "weights")
        groups: dict[ActorClass, list[_Source]] = {"service": [], "pipeline": [], "person": [], "user": []}
        self._refused: set[_Source] = set()
        for service in world.services:
            source = _Source(service_actor(service), calls.of_service(service), 0.3 + rng.expovariate(1.4))
            if rng.random() < _DENIED_FOR_EVER:
                self._refused.add(source)
            groups["service"].append(source)
        for system in world.systems:
            members = tuple(service for service in world.services if service.system == system)
            groups["pipeline"].append(_Source(pipeline_actor(world, system), calls.of_pipeline(members), 1.0))
        for person in world.people:
            groups["person"].append(_Source(person_actor(world, person), calls.of_person(), rng.uniform(0.3, 2.0)))
        for user in world.users:
            weighted = calls.of_user(world.service(user.service))
            groups["user"].append(_Source(user_actor(world, user), weighted, 1.0))
        self._sources = [source for group in groups.values() for source in group]
        self._hours = [self._by_hour(groups, hour) for hour in range(24)]

    @staticmethod
    def _by_hour(groups: dict[ActorClass, list[_Source]], hour: int) -> list[float]:
        weights: list[float] = []
        for kind, group in groups.items():
            whole = SHARE[kind] * factor(kind, hour + 0.5) / sum(source.weight for source in group)
            weights += [whole * source.weight for source in group]
        return list(accumulate(weights))

    def record(self, time: datetime) -> bytes:
        """One record of a call that was completed at ``time`` (aware UTC)."""
        random, word = self._rng.random, self._rng.word
        hour = self._hours[time.hour]
        source = self._sources[bisect(hour, random() * hour[-1], 0, len(hour) - 1)]
        luck = random()
        draw = random()
        failure = ""
        if luck < _FAILURES:
            failure = "denied" if luck < 0.1 * _FAILURES else "throttled"
        elif luck > 0.97 and source in self._refused:
            failure, draw = "denied", 1.0
        text = source.template(draw, failure)
        source.renew(self._seed, int((time - _EPOCH) / _SECOND))
        bits = b"%016x%016x%016x%016x" % (word(), word(), word(), word())
        slots = source.slots
        slots[b"time"] = time.isoformat()[:19].encode() + b"Z"
        slots[b"request"] = b"%b-%b-4%b-9%b-%b" % (bits[:8], bits[8:12], bits[12:15], bits[15:18], bits[18:30])
        slots[b"event"] = b"%b-%b-4%b-a%b-%b" % (bits[30:38], bits[38:42], bits[42:45], bits[45:48], bits[48:60])
        return text % slots


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_SECOND = timedelta(seconds=1)
