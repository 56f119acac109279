"""The simulated company: its systems, services, people and cloud accounts, all drawn from the seed.

Addresses are from RFC 1918 (inside) and RFC 5737 (outside), names below ``.example`` (RFC 2606), account numbers from
the AWS documentation; nothing here belongs to anyone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.simulate.chance import Chance, chance, hexadecimal, unique_id, uuid

ORGANISATION = "harbour-example"
MAIL_DOMAIN = "harbour.example"
ACCOUNT = "111122223333"
REGION = "eu-west-1"
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
CLUSTER = "prod-1"

Runtime = Literal["kubernetes", "lambda", "host"]
Ecosystem = Literal["npm", "pypi", "golang", "maven"]
Delivery = Literal["github", "cdevents", "lambda"]

SYSTEMS: dict[str, tuple[str, ...]] = {
    "payments": ("payments-api", "ledger", "payouts", "fraud-scoring", "card-vault", "settlement"),
    "identity": ("login", "accounts", "sessions", "mfa-challenge", "consent", "directory-sync"),
    "catalog": ("catalog-api", "search-indexer", "pricing", "media-resizer", "reviews", "recommendations"),
    "orders": ("checkout", "orders-api", "cart", "order-events", "invoicing", "returns"),
    "shipping": ("rates", "labels", "tracking", "warehouse-sync", "carrier-gateway", "route-planner"),
    "messaging": ("mailer", "sms-gateway", "push-notifier", "templates", "preferences", "inbound-mail"),
    "insights": ("events-collector", "warehouse-loader", "reports", "feature-store", "experiments", "metrics-api"),
    "platform": ("edge-gateway", "config-service", "scheduler", "artifact-proxy", "audit-export", "bastion"),
}
_PRIVILEGED = {"card-vault", "ledger", "login", "accounts", "config-service", "artifact-proxy", "bastion"}
_CUSTOMER_PATH = {"payments", "identity", "orders", "catalog"}

_RUNTIMES: tuple[Runtime, ...] = ("kubernetes", "lambda", "kubernetes", "host", "kubernetes")
_ECOSYSTEMS: tuple[Ecosystem, ...] = ("npm", "pypi", "npm", "golang", "maven")

_PEOPLE = (
    "amara.okoye",
    "bruno.silva",
    "chiara.conti",
    "dmitri.volkov",
    "elif.kaya",
    "farid.haddad",
    "greta.lind",
    "hana.sato",
    "ivan.petrov",
    "julia.novak",
    "kofi.mensah",
    "lucia.romero",
    "mateo.rojas",
    "nadia.rahman",
    "oscar.berg",
    "priya.nair",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works here. ``login`` is the GitHub name, ``email`` the session name in the cloud."""

    login: str
    email: str
    team: str


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """An IAM user with a long-lived key that a service's job runs with."""

    name: str
    service: str
    principal_id: str
    access_key: str

    @property
    def arn(self) -> str:
        """The user's ARN."""
        return f"arn:aws:iam::{ACCOUNT}:user/{self.name}"


@dataclass(frozen=True, slots=True)
class Service:
    """One component of the catalog and everything that carries its name."""

    name: str
    system: str
    runtime: Runtime
    ecosystem: Ecosystem
    delivery: Delivery
    tags: tuple[str, ...]
    depends_on: tuple[str, ...]
    role_id: str
    key_id: str
    secret_suffix: str
    instance_id: str
    security_group: str
    address: str

    @property
    def owner(self) -> str:
        """The owning team."""
        return f"team-{self.system}"

    @property
    def repository(self) -> str:
        """GitHub ``owner/name``."""
        return f"{ORGANISATION}/{self.name}"

    @property
    def image(self) -> str:
        """The image repository, without tag or digest."""
        return f"{REGISTRY}/{self.system}/{self.name}"

    @property
    def role(self) -> str:
        """The name of the IAM role it runs as."""
        return f"{self.name}-prod"

    @property
    def role_arn(self) -> str:
        """That role's ARN."""
        return f"arn:aws:iam::{ACCOUNT}:role/{self.role}"

    @property
    def secret_arn(self) -> str:
        """The secret it reads at start."""
        return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{self.system}/{self.name}-{self.secret_suffix}"

    @property
    def key_arn(self) -> str:
        """The KMS key of its data."""
        return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{self.key_id}"

    @property
    def bucket(self) -> str:
        """The bucket it writes."""
        return f"harbour-{self.system}-{self.name}"

    @property
    def bucket_arn(self) -> str:
        """That bucket's ARN."""
        return f"arn:aws:s3:::{self.bucket}"

    @property
    def table(self) -> str:
        """Its DynamoDB table."""
        return f"{self.system}-{self.name}"

    @property
    def table_arn(self) -> str:
        """That table's ARN."""
        return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{self.table}"

    @property
    def registry_arn(self) -> str:
        """The registry's repository of its images."""
        return f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{self.system}/{self.name}"

    @property
    def parameter_arn(self) -> str:
        """The parameter that holds its configuration."""
        return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{self.system}/{self.name}/config"

    @property
    def function_arn(self) -> str:
        """Its Lambda function; only where ``runtime`` is ``lambda``."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    @property
    def instance_arn(self) -> str:
        """Its EC2 instance; only where ``runtime`` is ``host``."""
        return f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{self.instance_id}"

    @property
    def security_group_arn(self) -> str:
        """The security group of that instance."""
        return f"arn:aws:ec2:{REGION}:{ACCOUNT}:security-group/{self.security_group}"

    @property
    def hostname(self) -> str:
        """The instance's private name."""
        return f"{self.name}.{self.system}.internal.{MAIL_DOMAIN}"


@dataclass(frozen=True, slots=True)
class World:
    """Everything that exists before the first event."""

    seed: int
    services: tuple[Service, ...]
    people: tuple[Person, ...]
    users: tuple[ServiceUser, ...]

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems that have a service, in a fixed order."""
        return tuple(dict.fromkeys(service.system for service in self.services))

    def service(self, name: str) -> Service:
        """The service of that name; ``KeyError`` if there is none."""
        for service in self.services:
            if service.name == name:
                return service
        raise KeyError(name)

    def team(self, system: str) -> tuple[Person, ...]:
        """Who works on a system; everybody, where nobody does in particular."""
        members = tuple(person for person in self.people if person.team == f"team-{system}")
        return members or self.people


def build(seed: int, services: int) -> World:
    """The company of this seed with that many services (1 to 1,000), spread evenly over at most eight systems."""
    if not 1 <= services <= 1000:
        raise ValueError(f"a scenario has 1 to 1000 services, not {services}")
    rng = chance(seed, "world")
    made: list[Service] = []
    for number in range(services):
        made.append(_service(rng, number, made))
    teams = tuple(dict.fromkeys(service.owner for service in made))
    people = tuple(
        Person(name.replace(".", "-"), f"{name}@{MAIL_DOMAIN}", teams[i % len(teams)]) for i, name in enumerate(_PEOPLE)
    )
    users = tuple(
        ServiceUser(f"svc-{service.name}", service.name, unique_id(rng, "AIDA"), unique_id(rng, "AKIA"))
        for service in made[1::3] or made
    )
    return World(seed, tuple(made), people, users)


def _service(rng: Chance, number: int, earlier: list[Service]) -> Service:
    system = tuple(SYSTEMS)[number % len(SYSTEMS)]
    turn, place = divmod(number // len(SYSTEMS), len(SYSTEMS[system]))
    base = SYSTEMS[system][place]
    runtime = _RUNTIMES[(number + number // len(SYSTEMS)) % len(_RUNTIMES)]
    tags: list[str] = []
    if place == 0:
        tags.append("internet-facing")
    if base in _PRIVILEGED:
        tags.append("privileged")
    if system in _CUSTOMER_PATH and place < 3:
        tags.append("customer-path")
    delivery: Delivery = "lambda" if runtime == "lambda" else "cdevents" if number % 3 == 2 else "github"
    neighbours = [other.name for other in earlier if other.system == system]
    strangers = [other.name for other in earlier if other.system != system]
    depends_on = rng.sample(neighbours, min(len(neighbours), rng.randint(1, 2)))
    if strangers and rng.random() < 0.4:
        depends_on.append(rng.choice(strangers))
    return Service(
        name=base if turn == 0 else f"{base}-{turn + 1}",
        system=system,
        runtime=runtime,
        ecosystem=_ECOSYSTEMS[(number + number // len(SYSTEMS)) % len(_ECOSYSTEMS)],
        delivery="github" if runtime == "host" else delivery,
        tags=tuple(tags),
        depends_on=tuple(depends_on),
        role_id=unique_id(rng, "AROA"),
        key_id=uuid(rng),
        secret_suffix=unique_id(rng, "")[:6],
        instance_id=f"i-{hexadecimal(rng, 17)}",
        security_group=f"sg-{hexadecimal(rng, 17)}",
        address=f"10.{20 + number % len(SYSTEMS)}.{rng.randint(0, 31)}.{rng.randint(4, 250)}",
    )
