"""When each story of a scenario begins and whom it is about: decided before the first message, small whatever the size.

Routine changes keep away from the component of an incident and from what it depends on, from four hours before to one
hour after, so that the truth holds; the decoys are changes elsewhere, put there on purpose.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.simulate import changes, ocsf
from streams.simulate.chance import Chance, chance
from streams.simulate.contention import AFTER, BEFORE, EVERY, HARDER, ROUTINES, Contention, chatter, eligible
from streams.simulate.incidents import STORIES, Cause
from streams.simulate.message import Part, Reference
from streams.simulate.rhythm import Rhythm
from streams.simulate.scene import Scene
from streams.simulate.vulnerabilities import COMMON
from streams.simulate.world import Service, World

_FIRST = 0.035
_LAST = 0.83
"""Shares of the background before the first incident, and before the last one begins."""

_BEFORE = timedelta(hours=4)
_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Planned:
    """One story to be: nothing of it arrives before ``start``."""

    start: datetime
    number: int
    kind: str
    """A kind of incident, or ``change``, ``chatter``, ``decoy``, ``scan``, ``alert``."""
    service: Service
    decoy_of: int | None = None
    """The ``number`` of the incident that this change shall draw attention from."""

    @property
    def incident(self) -> bool:
        """Whether the truth has an entry for it."""
        return self.kind in EVERY


@dataclass(frozen=True, slots=True)
class Told:
    """A story written out: its messages, its cause (incidents) or the change it is, and when it was over."""

    planned: Planned
    parts: tuple[Part, ...]
    cause: Cause
    change: tuple[Reference, ...]


def plan(world: World, rhythm: Rhythm, events: int, contention: Contention | None = None) -> list[Planned]:
    """Every story, ascending by start."""
    rng = chance(world.seed, "plan")
    kinds = [*STORIES, *HARDER] if contention is not None and contention.harder else list(STORIES)
    incidents = _incidents(world, rhythm, events, kinds, rng)
    stories = list(incidents)
    pace = pace_of(rhythm)
    for incident in incidents:
        stories += _decoys(world, rhythm, incident, incidents, len(stories), pace, rng)
    hours = rhythm.seconds / 3600.0
    size = min(1.0, len(world.services) / 36.0)
    stories += _routine(
        world, rhythm, "change", round(min(8 * hours * size, events / 120)), incidents, len(stories), rng
    )
    stories += _routine(
        world, rhythm, "alert", round(min(4 * hours * size, events / 100)), incidents, len(stories), rng
    )
    stories += _routine(world, rhythm, "scan", round(min(2 * hours * size, events / 200)), incidents, len(stories), rng)
    if contention is not None:
        stories += _contend(world, rhythm, contention, incidents, len(stories), pace)
    return sorted(stories, key=lambda story: (story.start, story.number))


def pace_of(rhythm: Rhythm) -> float:
    """How much of their natural length the stories take: all, from three hours on."""
    return min(1.0, rhythm.seconds / 10_800.0)


def tell(world: World, planned: Planned, pace: float) -> Told:
    """Write a story out. The same arguments give the same story, whatever was told before."""
    rng = chance(world.seed, "story", planned.number)
    scene = Scene(world, rng, pace)
    cause = Cause(None)
    change: tuple[Reference, ...] = ()
    if planned.incident:
        cause = EVERY[planned.kind](scene, planned.service, planned.start)
    elif planned.kind == "scan":
        changes.nightly_scan(scene, planned.service, planned.start)
    elif planned.kind == "alert":
        _alert(scene, planned)
    elif planned.kind == "decoy":
        _, routine = rng.weighted(ROUTINES, [frequency for frequency, _ in ROUTINES])
        change = routine(scene, planned.service, planned.start)
    elif planned.kind == "chatter":
        change = chatter(scene, planned.service, planned.start)
    elif planned.decoy_of is not None:
        change = changes.routine_release(scene, planned.service, planned.start)
    else:
        _, routine = rng.weighted(changes.ROUTINES, [frequency for frequency, _ in changes.ROUTINES])
        change = routine(scene, planned.service, planned.start)
    parts = sorted(enumerate(scene.parts), key=lambda pair: (pair[1].message.arrival, pair[0]))
    return Told(planned, tuple(part for _, part in parts), cause, change)


def _alert(scene: Scene, planned: Planned) -> None:
    detection = scene.rng.choice(ocsf.NOISE)
    scene.detection(planned.service, detection, planned.start, "context")
    if scene.rng.random() < 0.1:
        weakness = scene.rng.choice(COMMON[planned.service.ecosystem])
        scene.dependabot_alert(planned.service, weakness, scene.after(planned.start, 5, 60))


def _incidents(world: World, rhythm: Rhythm, events: int, known: list[str], rng: Chance) -> list[Planned]:
    hours = rhythm.seconds / 3600.0
    density = max(1.0, events / (1000.0 * hours))
    wanted = round(1.5 * hours * density**0.5)
    number = max(1, min(wanted, round(4 * hours) or 1, events // 160))
    kinds = [kind for kind in known if eligible(world, kind)]
    used: dict[str, int] = {}
    out: list[Planned] = []
    for place in range(number):
        kind = kinds[place % len(kinds)]
        candidates = eligible(world, kind)
        systems = {planned.service.system for planned in out[-6:]}
        recent = {planned.service.name for planned in out[-8:]}
        service = min(
            candidates,
            key=lambda one: (
                not recent.isdisjoint((one.name, *one.depends_on)),
                used.get(one.name, 0),
                one.system in systems,
                rng.random(),
            ),
        )
        used[service.name] = used.get(service.name, 0) + 1
        step = (_LAST - _FIRST) / number
        share = _FIRST + step * (place + (0.35 * rng.random() if place else 0.0))
        out.append(Planned(rhythm.at(share), place, kind, service))
    return out


def _decoys(
    world: World, rhythm: Rhythm, incident: Planned, incidents: list[Planned], number: int, pace: float, rng: Chance
) -> list[Planned]:
    occupied = _occupied(incidents, incident.start, pace)
    others = [service for service in world.services if service.name not in occupied]
    if not others:
        return []
    same = [service for service in others if service.system == incident.service.system]
    chosen = rng.sample(others, min(len(others), rng.randint(1, 2)))
    if same and rng.random() < 0.6:
        chosen.append(rng.choice(same))
    earliest = rhythm.start + timedelta(seconds=5)
    out: list[Planned] = []
    for service in dict.fromkeys(chosen):
        start = incident.start + timedelta(seconds=rng.uniform(-1500, 300) * pace)
        out.append(Planned(max(earliest, start), number + len(out), "change", service, incident.number))
    return out


def _routine(
    world: World, rhythm: Rhythm, kind: str, count: int, incidents: list[Planned], number: int, rng: Chance
) -> list[Planned]:
    out: list[Planned] = []
    pace = pace_of(rhythm)
    for _ in range(count):
        start = rhythm.at(rng.uniform(0.002, 0.95))
        service = rng.choice(world.services)
        if service.name not in _occupied(incidents, start, pace):
            out.append(Planned(start, number + len(out), kind, service))
    return out


def _contend(
    world: World, rhythm: Rhythm, contention: Contention, incidents: list[Planned], number: int, pace: float
) -> list[Planned]:
    """The chatter and the decoys. They draw from a stream of their own, so that they move nothing else."""
    rng = chance(world.seed, "contention")
    out: list[Planned] = []

    def put(start: datetime, kind: str, service: Service, decoy_of: int | None) -> None:
        if start >= rhythm.start:
            out.append(Planned(start, number + len(out), kind, service, decoy_of))

    for incident in incidents:
        own = incident.service
        near = [s for s in world.services if s.name in own.depends_on or (s.system == own.system and s is not own)]
        for _ in range(_times(contention.decoys, rng)):
            if near:
                offset = timedelta(seconds=rng.uniform(-1800, 300) * pace)
                put(incident.start + offset, "decoy", rng.choice(near), incident.number)
        hours = (BEFORE + AFTER).total_seconds() / 3600.0
        for _ in range(_times(contention.chatter * hours, rng)):
            offset = (BEFORE + AFTER) * rng.random() - BEFORE
            put(incident.start + offset * pace, "chatter", own, incident.number)
    for _ in range(_times(contention.elsewhere * rhythm.seconds / 3600.0, rng)):
        start, service = rhythm.at(rng.uniform(0.002, 0.95)), rng.choice(world.services)
        if service.name not in _occupied(incidents, start, pace):
            put(start, "change", service, None)
    return out


def _times(mean: float, rng: Chance) -> int:
    """``mean``, rounded up or down by chance."""
    return int(mean) + (rng.random() < mean - int(mean))


def _occupied(incidents: list[Planned], time: datetime, pace: float) -> set[str]:
    """The services that ordinary changes must leave alone at that time. ``incidents`` ascend by start."""
    first = bisect(incidents, time - _AFTER * pace, key=_start)
    last = bisect(incidents, time + _BEFORE * pace, key=_start)
    return {
        name for incident in incidents[first:last] for name in (incident.service.name, *incident.service.depends_on)
    }


def _start(planned: Planned) -> datetime:
    return planned.start
