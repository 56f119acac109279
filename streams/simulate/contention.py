"""What makes the change behind an incident hard to find: decoys next to it, a chatty CI, and incidents without a cause.

Stories for an extra plan; a scenario without contention has none of them, and its bytes are as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from streams.simulate import calls, changes, ocsf
from streams.simulate.actor import service_actor
from streams.simulate.chance import digest as new_digest
from streams.simulate.chance import hexadecimal
from streams.simulate.cloudtrail import denied
from streams.simulate.incidents import STORIES, Cause, Story
from streams.simulate.incidents import eligible as ordinary
from streams.simulate.message import Reference
from streams.simulate.scene import Scene
from streams.simulate.vulnerabilities import COMMON, CRITICAL
from streams.simulate.world import Service, World


@dataclass(frozen=True, slots=True)
class Contention:
    """How much speaks for the wrong change.

    ``decoys``: changes an incident, in the half hour before and the minutes after its start, of what the component
    depends on and of other components of its system. ``chatter``: releases an hour of the component itself, from three
    hours before to one after. ``elsewhere``: releases an hour of all other components together. ``harder``: incidents
    also go through the kinds of ``HARDER``, two of which have no cause.
    """

    decoys: float = 2.0
    chatter: float = 0.0
    elsewhere: float = 0.0
    harder: bool = True


BEFORE = timedelta(hours=3)
AFTER = timedelta(hours=1)
"""How long the chatter goes on around an incident."""

ROUTINES = ((0.6, changes.routine_release), (0.15, changes.configuration), (0.25, changes.access))
"""What decoys are."""


def exploited(scene: Scene, service: Service, start: datetime) -> Cause:
    """An old weakness is found from outside and used: the container that is taken over runs what it ran for days."""
    rng = scene.rng
    running = new_digest(rng)
    address = f"203.0.113.{rng.randrange(10, 240)}"
    time = start
    for _ in range(rng.randint(3, 6)):
        scene.detection(service, ocsf.INJECTION, time, "finding", source=address, count=rng.randint(2, 40))
        time = scene.after(time, 20, 90)
    for detection in (ocsf.SHELL, ocsf.SECRETS, ocsf.OUTBOUND):
        reach = address if detection is ocsf.OUTBOUND else None
        scene.detection(service, detection, time, "finding", image_digest=running, target=reach)
        time = scene.after(time, 15, 70)
    actor = service_actor(service)
    for call in rng.sample(calls.enumeration(), 8):
        refused = denied(actor, scene.session(actor, time), call) if rng.random() < 0.8 else None
        scene.call(actor, call, time, "activity", failure=refused, component=service.name)
        time = scene.after(time, 2, 18)
    return Cause(None, title=f"{service.name} exploited from {address}; it runs what it ran for days")


def new_advisory(scene: Scene, service: Service, start: datetime) -> Cause:
    """A critical weakness becomes known in an image that has run for days; a scan finds it, nothing was changed."""
    rng = scene.rng
    weakness = rng.choice(CRITICAL[service.ecosystem])
    running = new_digest(rng)
    found = (*rng.sample(COMMON[service.ecosystem], 1), weakness)
    tag = hexadecimal(rng, 12)
    scene.image_scan(service, running, tag, found, start, member=weakness.id)
    scene.dependabot_alert(service, weakness, scene.after(start, 300, 900))
    scene.image_scan(service, running, tag, found, scene.after(start, 1200, 2400), member=weakness.id)
    return Cause(None, title=f"{weakness.id} became known in {service.name}")


def upstream(scene: Scene, service: Service, start: datetime) -> Cause:
    """A bad release of what the component depends on makes it do what it never did; the detector names both."""
    rng = scene.rng
    needed = rng.choice(_needed(scene.world, service))
    digest = new_digest(rng)
    change = changes.release(scene, needed, start, digest)
    target = f"203.0.113.{rng.randrange(10, 240)}"
    time = scene.after(change[-1].time, 60, 400)
    for _ in range(rng.randint(3, 6)):
        also = (needed, digest)
        scene.detection(service, ocsf.OUTBOUND, time, "finding", target=target, count=rng.randint(1, 9), also=also)
        time = scene.after(time, 20, 120)
    return Cause(change[2], (change[0], change[1], *change[3:]), f"{service.name} led astray by {needed.name}")


def _needed(world: World, service: Service) -> tuple[Service, ...]:
    """What it depends on that a detector can name by what a release brings; a host is the same after it as before."""
    return tuple(one for name in service.depends_on if (one := world.service(name)).runtime != "host")


def chatter(scene: Scene, service: Service, start: datetime) -> tuple[Reference, ...]:
    """One of many releases. Nobody scans every one of them."""
    return changes.release(scene, service, start, new_digest(scene.rng), scanned=False)


HARDER: dict[str, Story] = {"exploited": exploited, "upstream": upstream, "new_advisory": new_advisory}
"""Further kinds of incident, in the order in which a scenario goes through them."""

EVERY: dict[str, Story] = {**STORIES, **HARDER}


def eligible(world: World, kind: str) -> tuple[Service, ...]:
    """The services that such an incident can be about."""
    if kind == "exploited":
        inside = tuple(service for service in world.services if service.runtime == "kubernetes")
        return tuple(service for service in inside if "internet-facing" in service.tags) or inside
    if kind == "upstream":
        return tuple(service for service in world.services if _needed(world, service))
    if kind == "new_advisory":
        return tuple(service for service in world.services if service.runtime != "host")
    return ordinary(world, kind)
