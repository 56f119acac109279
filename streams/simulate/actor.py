"""Who calls the cloud API, and the ``userIdentity`` element of that.

Source: CloudTrail userIdentity element (AWS CloudTrail User Guide). Temporary credentials change hourly; which session
is valid when is a pure function of the actor and the time, so stories and background agree on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from streams.simulate.chance import chance, hexadecimal, unique_id
from streams.simulate.world import ACCOUNT, CLUSTER, Person, Service, ServiceUser, World

_SESSION_SECONDS = 3600

BOTO = "Boto3/1.35.92 md/Botocore#1.35.92 ua/2.0 os/linux#6.1.119 lang/python#3.12.7"
GO_SDK = "aws-sdk-go-v2/1.32.7 os/linux lang/go#1.23.4 md/GOOS#linux"
JS_SDK = "aws-sdk-js/3.716.0 ua/2.1 os/linux#6.1.119 lang/js md/nodejs#22.12.0"
JAVA_SDK = "aws-sdk-java/2.29.43 Linux/6.1.119 OpenJDK_64-Bit_Server_VM/21.0.5+11-LTS"
CONSOLE = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
TERRAFORM = "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.82.2"
ATTACK_CLI = "aws-cli/2.15.30 Python/3.11.8 Linux/6.6.9-amd64 exe/x86_64.kali.2024 prompt/off"

_SDK = {"npm": JS_SDK, "pypi": BOTO, "golang": GO_SDK, "maven": JAVA_SDK}


@dataclass(frozen=True, slots=True)
class Session:
    """One set of credentials in use from one address."""

    access_key: str
    name: str
    created: str
    """RFC 3339, when temporary credentials were issued."""
    address: str
    since: int = 0
    until: int = 0
    """Seconds of the Unix epoch: when it begins, and when the next one does."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal of the account: a role that is assumed, or an IAM user with a long-lived key."""

    kind: Literal["kubernetes", "lambda", "host", "pipeline", "person", "user"]
    name: str
    """Role name, or user name."""
    principal_id: str
    session_name: str
    """Fixed part of the role session's name."""
    user_agent: str
    addresses: tuple[str, ...]
    key: str = ""
    """The long-lived access key id of a user."""

    @property
    def arn(self) -> str:
        """ARN of the role or user, without the session."""
        return f"arn:aws:iam::{ACCOUNT}:{'user' if self.kind == 'user' else 'role'}/{self.name}"

    def session(self, seed: int, epoch: int) -> Session:
        """The credentials that this actor uses at a time, in seconds of the Unix epoch."""
        rng = chance(seed, "session", self.name, self.session_name, "phase")
        phase = rng.randrange(0, _SESSION_SECONDS)
        turn = (epoch + phase) // _SESSION_SECONDS
        rng = chance(seed, "session", self.name, self.session_name, turn)
        key = self.key or unique_id(rng, "ASIA")
        address = rng.choice(self.addresses)
        name = f"{self.session_name}-{hexadecimal(rng, 8)}" if self.kind == "kubernetes" else self.session_name
        begin = turn * _SESSION_SECONDS - phase
        return Session(key, name, _rfc3339(begin), address, begin, begin + _SESSION_SECONDS)

    def identity(self, session: Session) -> dict[str, Any]:
        """The ``userIdentity`` element."""
        if self.kind == "user":
            return {
                "type": "IAMUser",
                "principalId": self.principal_id,
                "arn": self.arn,
                "accountId": ACCOUNT,
                "accessKeyId": session.access_key,
                "userName": self.name,
            }
        context: dict[str, Any] = {
            "sessionIssuer": {
                "type": "Role",
                "principalId": self.principal_id,
                "arn": self.arn,
                "accountId": ACCOUNT,
                "userName": self.name,
            }
        }
        context["attributes"] = {
            "creationDate": session.created,
            "mfaAuthenticated": "true" if self.kind == "person" else "false",
        }
        if self.kind == "host":
            context["ec2RoleDelivery"] = "2.0"
        return {
            "type": "AssumedRole",
            "principalId": f"{self.principal_id}:{session.name}",
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{self.name}/{session.name}",
            "accountId": ACCOUNT,
            "accessKeyId": session.access_key,
            "sessionContext": context,
        }


def service_actor(service: Service) -> Actor:
    """The role of a service at run time."""
    names = {"kubernetes": f"eks-{CLUSTER}-{service.name}", "lambda": service.name, "host": service.instance_id}
    network, _, last = service.address.rpartition(".")
    addresses: tuple[str, ...] = (service.address,)
    if service.runtime == "kubernetes":
        addresses = tuple(f"{network}.{4 + (int(last) + step) % 247}" for step in (0, 7, 19))
    return Actor(
        service.runtime, service.role, service.role_id, names[service.runtime], _SDK[service.ecosystem], addresses
    )


def pipeline_actor(world: World, system: str) -> Actor:
    """The deploy role of a system's pipelines."""
    rng = chance(world.seed, "pipeline", system)
    addresses = tuple(f"192.0.2.{rng.randrange(64, 96)}" for _ in range(6))
    return Actor("pipeline", f"deploy-{system}", unique_id(rng, "AROA"), "GitHubActions", TERRAFORM, addresses)


def person_actor(world: World, person: Person) -> Actor:
    """A person's single sign-on session."""
    rng = chance(world.seed, "person", person.email)
    shared = chance(world.seed, "person", "role")
    role = f"AWSReservedSSO_PowerUser_{hexadecimal(shared, 16)}"
    addresses = (f"192.0.2.{rng.randrange(10, 14)}", f"192.0.2.{rng.randrange(120, 250)}")
    return Actor("person", role, unique_id(shared, "AROA"), person.email, CONSOLE, addresses)


def user_actor(world: World, user: ServiceUser) -> Actor:
    """A service user with its long-lived key, from the address its job runs at."""
    service = world.service(user.service)
    return Actor("user", user.name, user.principal_id, "", BOTO, (service.address,), key=user.access_key)


def _rfc3339(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
