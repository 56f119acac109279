"""What a story is written with: each method emits one message and says which records are in it.

Event times are the caller's; arrival follows from the source's usual delay. Event times are cut to seconds where the
format has no more: in CloudTrail and in GitHub's payloads.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import orjson

from streams.simulate import cdevents, github, ocsf, sarif, trivy
from streams.simulate.actor import Actor, Session
from streams.simulate.chance import Chance, uuid
from streams.simulate.cloudtrail import Call, Failure, record
from streams.simulate.message import ChangeKind, Headers, Message, Part, Reference, Role, WireSource
from streams.simulate.rhythm import cloudtrail_delay, prompt_delay
from streams.simulate.vulnerabilities import SYSTEM, Vulnerability
from streams.simulate.world import ACCOUNT, REGION, Person, Service, ServiceUser, World

JSON: Headers = (("content-type", b"application/json"),)

_TRIVY_SEVERITY = {"LOW": 2, "MEDIUM": 3, "HIGH": 4, "CRITICAL": 5}

Wrapping = Literal["record", "event", "file"]
"""How CloudTrail records travel: bare, in an EventBridge envelope (seconds), or several in a log file (minutes)."""


class Scene:
    """Collects the parts of one story. ``pace`` shortens its gaps where the whole scenario is short."""

    def __init__(self, world: World, rng: Chance, pace: float) -> None:
        self.world = world
        self.rng = rng
        self.pace = pace
        self.parts: list[Part] = []

    def after(self, time: datetime, low: float, high: float) -> datetime:
        """A time between ``low`` and ``high`` seconds later, scaled by the pace."""
        return time + timedelta(seconds=self.rng.uniform(low, high) * self.pace)

    def call(
        self,
        actor: Actor,
        call: Call,
        time: datetime,
        role: Role,
        *,
        kind: ChangeKind | None = None,
        session: Session | None = None,
        failure: Failure | None = None,
        user_agent: str | None = None,
        wrapping: Wrapping = "record",
        component: str | None = None,
    ) -> Reference:
        """One API call. ``session`` replaces the actor's own, for stolen credentials."""
        reference, made = self._record(actor, call, time, role, kind, session, failure, user_agent, component)
        if wrapping == "event":
            envelope = {
                "version": "0",
                "id": uuid(self.rng),
                "detail-type": "AWS API Call via CloudTrail",
                "source": f"aws.{call.service}",
                "account": ACCOUNT,
                "time": made["eventTime"],
                "region": REGION,
                "resources": [],
                "detail": made,
            }
            self._emit("cloudtrail", None, JSON, orjson.dumps(envelope), time, (reference,), prompt=True)
        elif wrapping == "file":
            self._emit("cloudtrail", None, JSON, orjson.dumps({"Records": [made]}), time, (reference,))
        else:
            self._emit("cloudtrail", None, JSON, orjson.dumps(made), time, (reference,))
        return reference

    def calls_in_file(
        self,
        actor: Actor,
        calls: list[tuple[Call, datetime, Failure | None]],
        role: Role,
        *,
        session: Session,
        user_agent: str,
        component: str,
    ) -> tuple[Reference, ...]:
        """Several calls, ascending in time, delivered as one log file."""
        references: list[Reference] = []
        records: list[object] = []
        for call, time, failure in calls:
            reference, made = self._record(actor, call, time, role, None, session, failure, user_agent, component)
            references.append(reference)
            records.append(made)
        value = orjson.dumps({"Records": records})
        self._emit("cloudtrail", None, JSON, value, calls[-1][1], tuple(references))
        return tuple(references)

    def push(
        self, service: Service, login: str, sha: str, message: str, files: list[str], time: datetime, kind: ChangeKind
    ) -> Reference:
        """A push to the main branch; of kind ``code``, or ``dependency`` for a bump."""
        body = github.push(service, login, time, sha, self.rng, message, files)
        return self._github(service, "push", body, time, kind, login)

    def deployment(
        self, service: Service, login: str, sha: str, digest: str, time: datetime, done: datetime
    ) -> tuple[Reference, ...]:
        """A deployment: created at ``time``, then in progress, then successful at ``done``."""
        deployment = github.Deployment(service, login, sha, digest, time, self.rng)
        middle = time + (done - time) * 0.15
        return (
            self._github(service, "deployment", deployment.created(), time, "deploy", login),
            self._github(
                service, "deployment_status", deployment.status("in_progress", middle), middle, "deploy", login
            ),
            self._github(service, "deployment_status", deployment.status("success", done), done, "deploy", login),
        )

    def dependabot_alert(self, service: Service, weakness: Vulnerability, time: datetime) -> Reference:
        """An alert about a dependency."""
        body = github.dependabot_alert(service, weakness, self.rng.randrange(1, 900), time)
        severity = _TRIVY_SEVERITY[weakness.severity]
        return self._github(service, "dependabot_alert", body, time, weakness.id, "github", "context", severity)

    def cdevent(
        self,
        predicate: cdevents.Predicate,
        service: Service,
        digest: str,
        time: datetime,
        kind: ChangeKind,
        role: Role = "change",
    ) -> Reference:
        """A delivery event, in binary or structured mode by chance."""
        event_id = uuid(self.rng)
        if predicate == "environment.modified":
            event = cdevents.environment_event(service.system, event_id, time)
        else:
            event = cdevents.service_event(predicate, service, digest, event_id, time)
        write = cdevents.binary if self.rng.random() < 0.5 else cdevents.structured
        headers, value = write(event)
        reference = Reference("cdevents", event_id, time, role, kind, component=service.name)
        self._emit("cdevents", event["subject"]["id"].encode(), headers, value, time, (reference,), prompt=True)
        return reference

    def image_scan(
        self,
        service: Service,
        digest: str,
        tag: str,
        found: tuple[Vulnerability, ...],
        time: datetime,
        member: str = "",
    ) -> tuple[Reference, ...]:
        """A Trivy report. The finding whose rule is ``member`` belongs to the incident, the others are context."""
        report_id = uuid(self.rng)
        body = trivy.report(service, digest, tag, found, report_id, time)
        references = tuple(
            Reference(
                "trivy",
                f"{report_id}/{trivy.fingerprint(digest, weakness)}",
                time,
                "finding" if weakness.id == member else "context",
                weakness.id,
                _TRIVY_SEVERITY[weakness.severity],
                component=service.name,
            )
            for weakness in (*SYSTEM, *found)
        )
        self._emit("trivy", service.image.encode(), trivy.HEADERS, body, time, references, prompt=True)
        return references

    def code_scan(self, service: Service, sha: str, time: datetime) -> tuple[Reference, ...]:
        """A SARIF log with a few weaknesses, all of them context."""
        found = tuple((weakness, uuid(self.rng)) for weakness in self.rng.sample(sarif.RULES, self.rng.randint(1, 3)))
        body = sarif.log(service, sha, found, uuid(self.rng), time)
        references = tuple(
            Reference("sarif", guid, time, "context", weakness.rule, component=service.name) for weakness, guid in found
        )
        self._emit("sarif", service.repository.encode(), sarif.HEADERS, body, time, references, prompt=True)
        return references

    def detection(
        self,
        service: Service,
        detection: ocsf.Detection,
        time: datetime,
        role: Role,
        *,
        image_digest: str | None = None,
        source: str | None = None,
        target: str | None = None,
        user: ServiceUser | None = None,
        count: int = 1,
        also: tuple[Service, str] | None = None,
    ) -> Reference:
        """An alert of the runtime detector; ``also``: another service that it names, and the digest that this runs."""
        uid = uuid(self.rng)
        body = ocsf.finding(
            service,
            detection,
            uid,
            time,
            self.rng,
            image_digest=image_digest,
            source=source,
            target=target,
            user=user,
            count=count,
            also=also,
        )
        reference = Reference("ocsf", uid, time, role, detection.rule, detection.severity, component=service.name)
        self._emit("ocsf", None, ocsf.HEADERS, body, time, (reference,), prompt=True)
        return reference

    def session(self, actor: Actor, time: datetime) -> Session:
        """The credentials that an actor has at a time."""
        return actor.session(self.world.seed, int(time.timestamp()))

    def teammate(self, service: Service) -> Person:
        """Somebody of the owning team."""
        return self.rng.choice(self.world.team(service.system))

    def _record(
        self,
        actor: Actor,
        call: Call,
        time: datetime,
        role: Role,
        kind: ChangeKind | None,
        session: Session | None,
        failure: Failure | None,
        user_agent: str | None,
        component: str | None,
    ) -> tuple[Reference, dict[str, object]]:
        time = time.replace(microsecond=0)
        session = session or self.session(actor, time)
        event_id = uuid(self.rng)
        text = time.isoformat()[:19] + "Z"
        made = record(actor, session, call, text, uuid(self.rng), event_id, failure, user_agent)
        who = actor.session_name if actor.kind == "person" else actor.name
        return Reference("cloudtrail", event_id, time, role, kind or call.action, actor=who, component=component), made

    def _github(
        self,
        service: Service,
        event: str,
        body: bytes,
        time: datetime,
        kind: str,
        login: str,
        role: Role = "change",
        severity: int = 0,
    ) -> Reference:
        delivery = uuid(self.rng)
        reference = Reference(
            "github", delivery, time.replace(microsecond=0), role, kind, severity, login, service.name
        )
        headers = github.headers(event, delivery)
        self._emit("github", service.repository.encode(), headers, body, time, (reference,), prompt=True)
        return reference

    def _emit(
        self,
        source: WireSource,
        key: bytes | None,
        headers: Headers,
        value: bytes,
        time: datetime,
        references: tuple[Reference, ...],
        *,
        prompt: bool = False,
    ) -> None:
        delay = prompt_delay(self.rng) if prompt else cloudtrail_delay(self.rng)
        message = Message(source, key, headers, value, time + timedelta(seconds=delay))
        self.parts.append(Part(message, references))
