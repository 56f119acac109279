"""What goes wrong, and what only looks like it: five kinds of incident, each with its truth.

Every function writes one incident about a service from its start time, and returns what was behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from streams.simulate import calls, changes, ocsf
from streams.simulate.actor import ATTACK_CLI, person_actor, service_actor, user_actor
from streams.simulate.chance import digest as new_digest
from streams.simulate.chance import hexadecimal, unique_id
from streams.simulate.cloudtrail import denied
from streams.simulate.message import Reference
from streams.simulate.scene import Scene
from streams.simulate.vulnerabilities import COMMON, CRITICAL, HARMFUL
from streams.simulate.world import Service, World


class Cause(NamedTuple):
    """The change that was behind an incident: its first record, and the others of the same change."""

    suspect: Reference | None
    same_change: tuple[Reference, ...] = ()
    title: str = ""


def bad_deploy(scene: Scene, service: Service, start: datetime) -> Cause:
    """A release brings hostile code: its role tries what it never did, the detector fires, the scan is red."""
    rng = scene.rng
    digest = new_digest(rng)
    change = changes.release(scene, service, start, digest)
    live = change[-1].time
    weakness = rng.choice(CRITICAL[service.ecosystem])
    found = (*rng.sample(COMMON[service.ecosystem], 1), weakness)
    scene.image_scan(service, digest, hexadecimal(rng, 12), found, scene.after(live, 30, 120), member=weakness.id)
    actor = service_actor(service)
    target = f"203.0.113.{rng.randrange(10, 240)}"
    time = scene.after(live, 60, 120)
    for detection in (ocsf.OUTBOUND, ocsf.SHELL, ocsf.DROPPED, ocsf.SECRETS)[: rng.randint(3, 4)]:
        reach = target if detection is ocsf.OUTBOUND else None
        scene.detection(service, detection, time, "finding", image_digest=digest, target=reach)
        time = scene.after(time, 15, 70)
    time = scene.after(live, 45, 100)
    probes = calls.enumeration()
    for _ in range(rng.randint(16, 26)):
        call = rng.choice(probes)
        refused = denied(actor, scene.session(actor, time), call) if rng.random() < 0.8 else None
        scene.call(actor, call, time, "activity", failure=refused, component=service.name)
        time = scene.after(time, 2, 18)
    if rng.random() < 0.6:
        changes.rollback(scene, service, scene.after(time, 200, 500), new_digest(rng))
    return Cause(change[2], (change[0], change[1], *change[3:]), f"Release of {service.name} brings {weakness.id}")


def leaked_key(scene: Scene, service: Service, start: datetime) -> Cause:
    """A service user is given far too much; later its key is used from elsewhere, to look around and to stay."""
    rng = scene.rng
    user = next(user for user in scene.world.users if user.service == service.name)
    person = scene.teammate(service)
    suspect = scene.call(
        person_actor(scene.world, person),
        calls.loosen_user(user),
        start,
        "change",
        kind="access",
        component=service.name,
    )
    actor = user_actor(scene.world, user)
    time = scene.after(start, 900, 2700)
    session = replace(scene.session(actor, time), address=f"198.51.100.{rng.randrange(10, 240)}")
    batch = []
    for call in (*calls.enumeration(), *rng.sample(calls.enumeration(), 14)):
        refused = denied(actor, session, call) if rng.random() < 0.35 else None
        batch.append((call, time, refused))
        time = scene.after(time, 1, 9)
        if len(batch) == 8:
            scene.calls_in_file(
                actor, batch, "activity", session=session, user_agent=ATTACK_CLI, component=service.name
            )
            batch = []
    batch += [(call, scene.after(time, 5, 6), None) for call in (calls.read_secret(service),)]
    scene.calls_in_file(actor, batch, "activity", session=session, user_agent=ATTACK_CLI, component=service.name)
    for call in calls.persistence(f"support-{hexadecimal(rng, 4)}", unique_id(rng, "AKIA")):
        time = scene.after(time, 8, 40)
        scene.call(
            actor,
            call,
            time,
            "activity",
            session=session,
            user_agent=ATTACK_CLI,
            component=service.name,
        )
    for _ in range(rng.randint(4, 9)):
        time = scene.after(time, 4, 30)
        other = rng.choice(scene.world.services)
        call = calls.read_secret(other)
        scene.call(actor, call, time, "activity", session=session, user_agent=ATTACK_CLI, component=service.name)
    if rng.random() < 0.8:
        scene.detection(
            service, ocsf.STOLEN_KEY, scene.after(time, 20, 200), "finding", source=session.address, user=user
        )
    return Cause(suspect, title=f"Key of {user.name} used from {session.address}")


def bad_dependency(scene: Scene, service: Service, start: datetime) -> Cause:
    """An automatic update brings a hijacked package; the release of it carries it into production."""
    rng = scene.rng
    before, package = rng.choice(HARMFUL)
    digest = new_digest(rng)
    change = changes.release(scene, service, start, digest, bump=(before, package))
    live = change[-1].time
    scene.image_scan(service, digest, hexadecimal(rng, 12), (package,), scene.after(live, 40, 160), member=package.id)
    target = f"203.0.113.{rng.randrange(10, 240)}"
    time = scene.after(live, 90, 200)
    for _ in range(rng.randint(2, 4)):
        detection = ocsf.MINER if rng.random() < 0.4 else ocsf.OUTBOUND
        scene.detection(
            service, detection, time, "finding", image_digest=digest, target=target, count=rng.randint(1, 9)
        )
        time = scene.after(time, 60, 240)
    actor = service_actor(service)
    for _ in range(rng.randint(3, 7)):
        time = scene.after(time, 5, 40)
        other = rng.choice(scene.world.services)
        call = calls.read_secret(other)
        refused = denied(actor, scene.session(actor, time), call, other.secret_arn)
        scene.call(actor, call, time, "activity", failure=refused, component=service.name)
    scene.dependabot_alert(service, package, scene.after(time, 300, 900))
    return Cause(change[0], change[1:], f"{package.package} {package.installed} in {service.name} calls out")


def open_ingress(scene: Scene, service: Service, start: datetime) -> Cause:
    """SSH is opened to the internet, and the internet comes."""
    rng = scene.rng
    suspect = scene.call(
        person_actor(scene.world, scene.teammate(service)),
        calls.open_ingress(service, 22),
        start,
        "change",
        kind="infrastructure",
        component=service.name,
    )
    addresses = [f"198.51.100.{rng.randrange(10, 240)}" for _ in range(3)]
    time = scene.after(start, 240, 700)
    for _ in range(rng.randint(8, 14)):
        scene.detection(
            service, ocsf.BRUTE_FORCE, time, "finding", source=rng.choice(addresses), count=rng.randint(20, 400)
        )
        time = scene.after(time, 20, 110)
    if rng.random() < 0.7:
        scene.detection(service, ocsf.LOGIN, time, "finding", source=addresses[0])
    return Cause(suspect, title=f"SSH of {service.name} open to the internet and under attack")


def no_change(scene: Scene, service: Service, start: datetime) -> Cause:
    """An attack from outside that nothing inside led to. The right suspect is none."""
    rng = scene.rng
    addresses = [f"203.0.113.{rng.randrange(10, 240)}" for _ in range(2)]
    kinds = (ocsf.STUFFING, ocsf.SCAN, ocsf.INJECTION)
    time = start
    for _ in range(rng.randint(12, 22)):
        detection = rng.weighted(kinds, (6, 3, 1))
        scene.detection(service, detection, time, "finding", source=rng.choice(addresses), count=rng.randint(5, 300))
        time = scene.after(time, 8, 60)
    return Cause(None, title=f"{service.name} attacked from outside; nothing was changed before")


Story = Callable[[Scene, Service, datetime], Cause]

STORIES: dict[str, Story] = {
    "bad_deploy": bad_deploy,
    "leaked_key": leaked_key,
    "no_change": no_change,
    "bad_dependency": bad_dependency,
    "open_ingress": open_ingress,
}
"""In the order in which a scenario goes through them."""


def eligible(world: World, kind: str) -> tuple[Service, ...]:
    """The services that such an incident can be about."""
    if kind == "leaked_key":
        named = {user.service for user in world.users}
        return tuple(service for service in world.services if service.name in named)
    if kind == "bad_dependency":
        return tuple(service for service in world.services if service.ecosystem == "npm")
    if kind == "open_ingress":
        return tuple(service for service in world.services if service.runtime == "host")
    if kind == "bad_deploy":
        return tuple(service for service in world.services if service.runtime != "host")
    return tuple(service for service in world.services if "internet-facing" in service.tags)
