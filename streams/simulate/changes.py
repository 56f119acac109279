"""Ordinary changes, and the scans that follow them: what most changes are, nothing comes of them.

Every function writes one story from its start time and returns the records that are the change, its cause first.
"""

from __future__ import annotations

from datetime import datetime

from streams.simulate import calls
from streams.simulate.actor import person_actor, pipeline_actor
from streams.simulate.chance import digest as new_digest
from streams.simulate.chance import hexadecimal
from streams.simulate.github import manifest_files
from streams.simulate.message import Reference
from streams.simulate.scene import Scene
from streams.simulate.vulnerabilities import COMMON, Vulnerability
from streams.simulate.world import Service

_SUBJECTS = (
    "Cache lookups for five minutes",
    "Retry on connection reset",
    "Log the request id",
    "Split the batch writer",
    "Add metrics for queue depth",
    "Use the shared client",
    "Tidy error messages",
    "Read the limit from the configuration",
)
_FILES = ("src/main", "src/client", "src/handlers/batch", "src/config", "tests/test_batch")


def release(
    scene: Scene,
    service: Service,
    start: datetime,
    digest: str,
    *,
    bump: tuple[str, Vulnerability] | None = None,
    scanned: bool = True,
) -> tuple[Reference, ...]:
    """A push and the deploy of it. With ``bump`` (version before, package after) the push is Dependabot's. Unless
    ``scanned`` is false, half of the pushes are followed by a scan of the code.

    Returns the push, then the records of the deploy in the order in which they happen; the last one is the moment from
    which the new version runs.
    """
    sha = hexadecimal(scene.rng, 40)
    tag = sha[:12]
    person = scene.teammate(service)
    if bump is None:
        files = [f"{name}" for name in scene.rng.sample(_FILES, 2)]
        push = scene.push(service, person.login, sha, scene.rng.choice(_SUBJECTS), files, start, "code")
    else:
        before, package = bump
        message = f"Bump {package.package} from {before} to {package.installed}"
        files = manifest_files(service.ecosystem)
        push = scene.push(service, "dependabot[bot]", sha, message, files, start, "dependency")
    if scanned and scene.rng.random() < 0.5:
        scene.code_scan(service, sha, scene.after(start, 60, 150))
    built = scene.after(start, 150, 300)
    pipeline = pipeline_actor(scene.world, service.system)
    image = scene.call(
        pipeline,
        calls.put_image(service, digest, tag),
        built,
        "change",
        kind="code",
        wrapping="event",
        component=service.name,
    )
    begin = scene.after(built, 20, 60)
    done = scene.after(begin, 60, 150)
    deploy: tuple[Reference, ...]
    if service.delivery == "lambda":
        call = calls.update_code(service, digest)
        deploy = (
            scene.call(
                pipeline,
                call,
                begin,
                "change",
                kind="deploy",
                wrapping="event",
                component=service.name,
            ),
        )
    elif service.delivery == "cdevents":
        deploy = (scene.cdevent("service.upgraded", service, digest, done, "deploy"),)
    else:
        deploy = scene.deployment(service, person.login, sha, digest, begin, done)
    return (push, image, *deploy)


def routine_release(scene: Scene, service: Service, start: datetime) -> tuple[Reference, ...]:
    """A release without consequences, and its image scan: now and then a known weakness, nothing critical."""
    digest = new_digest(scene.rng)
    changes = release(scene, service, start, digest)
    pool = COMMON[service.ecosystem]
    found = tuple(scene.rng.sample(pool, scene.rng.randint(0, min(2, len(pool)))))
    scene.image_scan(service, digest, hexadecimal(scene.rng, 12), found, scene.after(changes[-1].time, 40, 200))
    return changes


def routine_bump(scene: Scene, service: Service, start: datetime) -> tuple[Reference, ...]:
    """A harmless dependency update, released like everything else."""
    weakness = scene.rng.choice(COMMON[service.ecosystem])
    after = weakness._replace(installed=weakness.fixed)
    digest = new_digest(scene.rng)
    changes = release(scene, service, start, digest, bump=(weakness.installed, after))
    scene.image_scan(service, digest, hexadecimal(scene.rng, 12), (), scene.after(changes[-1].time, 40, 200))
    return changes


def configuration(scene: Scene, service: Service, start: datetime) -> tuple[Reference, ...]:
    """Somebody changes a setting."""
    if service.runtime == "kubernetes" and scene.rng.random() < 0.5:
        return (scene.cdevent("environment.modified", service, "", start, "infrastructure"),)
    actor = person_actor(scene.world, scene.teammate(service))
    call = calls.configure(service)
    return (scene.call(actor, call, start, "change", kind="configuration", component=service.name),)


def access(scene: Scene, service: Service, start: datetime) -> tuple[Reference, ...]:
    """The pipeline gives a role one more permission, as it was reviewed."""
    pipeline = pipeline_actor(scene.world, service.system)
    call = calls.role_policy(service)
    return (scene.call(pipeline, call, start, "change", kind="access", wrapping="event", component=service.name),)


def rollback(scene: Scene, service: Service, start: datetime, digest: str) -> tuple[Reference, ...]:
    """The version before is put back."""
    if service.delivery == "lambda":
        pipeline = pipeline_actor(scene.world, service.system)
        call = calls.update_code(service, digest)
        return (scene.call(pipeline, call, start, "context", kind="deploy", wrapping="event", component=service.name),)
    return (scene.cdevent("service.rolledback", service, digest, start, "rollback", role="context"),)


def nightly_scan(scene: Scene, service: Service, start: datetime) -> tuple[Reference, ...]:
    """A scan of what runs anyway; no change."""
    pool = COMMON[service.ecosystem]
    found = tuple(scene.rng.sample(pool, scene.rng.randint(1, len(pool))))
    scene.image_scan(service, new_digest(scene.rng), hexadecimal(scene.rng, 12), found, start)
    return ()


ROUTINES = ((0.66, routine_release), (0.14, routine_bump), (0.12, configuration), (0.08, access))
"""Relative frequencies of the kinds of change."""
