"""What detection rules cost an event: seeded rules of our own, in the shapes that SigmaHQ's CloudTrail rules have.

Shares of the shapes (selection by source and name, by request parameters, by user agent, with filters, root use and so
on) are by the look of that folder; names are partly those of the measured events, so that conditions are really asked
and some hold.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any, NamedTuple

import orjson
import yaml

from streams.bench.events import Given
from streams.bench.measure import SLICE, Figure, cpu, figure
from streams.sigma.load import compile_rule, load
from streams.sigma.rule import Rule
from streams.sigma.rule_set import RuleSet
from streams.sources.parse import parse

SIZES = (10, 100, 1_000)

SEEN = 0.12
"""Share of rules about a call that the events have; most rules are about calls that are rare."""

RATIO = 3.0
"""What an event may cost with the most rules, in times of what it costs with the fewest."""

AIMS = {100: 6.0, 1_000: 10.0}
"""Microseconds an event over parsing."""

_SOURCE = "aws.cloudtrail"

_SERVICES = (
    *("iam", "sts", "ec2", "s3", "rds", "lambda", "kms", "eks", "ecs", "ecr", "route53", "guardduty", "config"),
    *("cloudtrail", "securityhub", "organizations", "sso", "signin", "secretsmanager", "ssm", "dynamodb", "glue"),
    *("elasticache", "elasticfilesystem", "lightsail", "bedrock", "backup", "directconnect", "ses", "logs"),
)
_VERBS = ("Create", "Delete", "Update", "Put", "Modify", "Disable", "Attach", "Detach", "Import", "Share", "Restore")
_NOUNS = (
    *(
        "Policy",
        "Role",
        "User",
        "AccessKey",
        "LoginProfile",
        "Bucket",
        "Snapshot",
        "Image",
        "SecurityGroup",
        "Function",
    ),
    *("Cluster", "Domain", "Detector", "Trail", "Recorder", "Secret", "Parameter", "Table", "Vault", "FlowLogs"),
    *("Layer", "Provider", "KeyPair", "Route", "Guardrail", "Export", "Grant", "Alias", "Session", "Subscription"),
)
_PARAMETERS = ("policyArn", "userName", "roleName", "bucketName", "attribute", "publiclyAccessible", "cidrIp", "name")
_AGENTS = ("S3 Browser", "TruffleHog", "kali", "Pacu", "aws-cli/1.1", "Boto3/0", "sqlmap", "CloudFox")
_ERRORS = ("AccessDenied", "UnauthorizedOperation", "Client.InvalidPermission", "Failed authentication")

Say = Callable[[str], None]


class Level(NamedTuple):
    """Of one number of rules; ``event`` in microseconds over parsing, ``compile`` in microseconds a rule."""

    rules: int
    event: Figure
    events_per_second: int
    matches_per_event: float
    fields: int
    compile: float


class Measured(NamedTuple):
    """``ratio``: most rules against fewest, of the medians."""

    events: int
    mean_bytes: float
    data: str
    parse: Figure
    levels: list[Level]
    ratio: float


def texts(count: int, seen: Sequence[tuple[str, str]], seed: int = 7) -> list[str]:
    """``count`` rules, each a YAML text. ``seen``: event sources and names that the events have."""
    chance = random.Random(seed)  # noqa: S311 -- shapes, no secrets
    return [yaml.safe_dump(_rule(number, chance, seen), sort_keys=False) for number in range(count)]


def _rule(number: int, chance: random.Random, seen: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        "title": f"Synthetic CloudTrail rule {number}",
        "name": f"synthetic-{number}",
        "status": "test",
        "level": chance.choice(("low", "medium", "high")),
        "logsource": {"product": "aws", "service": "cloudtrail"},
        "detection": chance.choices(_SHAPES, _WEIGHTS)[0](chance, seen),
    }


_RARE: tuple[dict[str, Any], ...] = (
    {"userAgent|contains": ["kali", "parrot", "pentoo"]},
    {"userIdentity.type": "Root"},
    {"errorCode": ["AccessDenied", "UnauthorizedOperation"]},
    {"sourceIPAddress|cidr": ["203.0.113.0/24", "198.51.100.0/24"]},
    {"requestParameters.roleName|contains": ["admin", "breakglass"]},
    {"responseElements.ConsoleLogin": "Failure"},
)
"""A rule about a common call asks for something uncommon, too."""


def _call(chance: random.Random, seen: Sequence[tuple[str, str]], most: int = 3) -> dict[str, Any]:
    if chance.random() < SEEN and seen:
        source, name = chance.choice(seen)
        return {"eventSource": source, "eventName": name, **chance.choice(_RARE)}
    names = [chance.choice(_VERBS) + chance.choice(_NOUNS) for _ in range(chance.randint(1, most))]
    return {
        "eventSource": chance.choice(_SERVICES) + ".amazonaws.com",
        "eventName": names[0] if len(names) == 1 else names,
    }


Seen = Sequence[tuple[str, str]]


def _plain(chance: random.Random, seen: Seen) -> dict[str, Any]:
    return {"selection": _call(chance, seen), "condition": "selection"}


def _parameter(chance: random.Random, seen: Seen) -> dict[str, Any]:
    how = chance.choice(("", "|contains", "|endswith"))
    asked = {f"requestParameters.{chance.choice(_PARAMETERS)}{how}": f"value-{chance.randint(0, 99)}"}
    return {"selection": _call(chance, seen) | asked, "condition": "selection"}


def _filtered(chance: random.Random, seen: Seen) -> dict[str, Any]:
    filters = (
        {"userIdentity.type": "AWSService"},
        {"userAgent|contains": "amazonaws.com"},
        {"errorCode|exists": True},
        {"userIdentity.arn|contains": ":assumed-role/Admin"},
    )
    return {
        "selection": _call(chance, seen, 5),
        "filter_main": chance.choice(filters),
        "condition": "selection and not 1 of filter_*",
    }


def _partial(chance: random.Random, seen: Seen) -> dict[str, Any]:
    how = chance.choice(("startswith", "contains", "endswith"))
    asked = {f"eventName|{how}": chance.choice(_VERBS) + chance.choice(_NOUNS)}
    return {"selection": _call(chance, seen) | asked, "condition": "selection"}


def _agent(chance: random.Random, seen: Seen) -> dict[str, Any]:
    return {
        "selection": _call(chance, seen) | {"userAgent|contains": chance.choice(_AGENTS)},
        "condition": "selection",
    }


def _several(chance: random.Random, seen: Seen) -> dict[str, Any]:
    return {
        "selection_one": _call(chance, seen),
        "selection_two": _call(chance, seen),
        "condition": "1 of selection_*",
    }


def _root(chance: random.Random, seen: Seen) -> dict[str, Any]:
    return {
        "selection_user": {"userIdentity.type": "Root"},
        "selection_type": {"eventType": chance.choice(("AwsServiceEvent", "AwsConsoleSignIn"))},
        "condition": "selection_user and not selection_type",
    }


def _error(chance: random.Random, seen: Seen) -> dict[str, Any]:
    source = chance.choice(_SERVICES) + ".amazonaws.com"
    return {
        "selection": {"eventSource": source, "errorCode|contains": chance.choice(_ERRORS)},
        "condition": "selection",
    }


def _policy(chance: random.Random, seen: Seen) -> dict[str, Any]:
    words = [f'"{chance.choice(_SERVICES)}:{chance.choice(_VERBS)}*"', '"Allow"']
    return {
        "selection": _call(chance, seen) | {"requestParameters|contains|all": words},
        "condition": "selection",
    }


def _agent_alone(chance: random.Random, seen: Seen) -> dict[str, Any]:
    return {"selection": {"userAgent|contains": f"tool-{chance.randint(0, 999)}"}, "condition": "selection"}


def _expression(chance: random.Random, seen: Seen) -> dict[str, Any]:
    asked = {"userIdentity.arn|re": rf"user/[a-z]{{{chance.randint(2, 9)}}}-tmp$"}
    return {"selection": _call(chance, seen) | asked, "condition": "selection"}


Shape = Callable[[random.Random, Seen], dict[str, Any]]
_WEIGHED: tuple[tuple[Shape, int], ...] = (
    (_plain, 46),
    (_parameter, 14),
    (_filtered, 10),
    (_partial, 7),
    (_agent, 5),
    (_several, 5),
    (_error, 4),
    (_policy, 3),
    (_root, 3),
    (_agent_alone, 2),
    (_expression, 1),
)
_SHAPES, _WEIGHTS = zip(*_WEIGHED, strict=True)


def measure(given: Given, sizes: Sequence[int], repetitions: int, say: Say) -> Measured:
    """The given events against each number of rules in turn, several times over."""
    documents: list[Any] = [parse(record) for record in given.records]
    seen = sorted({(event["eventSource"], event["eventName"]) for event in documents})
    made: list[tuple[RuleSet, float, list[float]]] = []
    for size in sizes:
        written = texts(size, seen)
        compile_rule.cache_clear()
        compiled: list[Rule] = []

        def compiling(compiled: list[Rule] = compiled, written: list[str] = written) -> None:
            compiled.extend(load(_named(written)).rules)

        seconds = cpu(compiling)
        if len(compiled) != size:
            raise ValueError(f"{size - len(compiled)} of {size} rules did not compile")
        made.append((RuleSet(compiled), seconds / size * 1e6, []))
    floor: list[float] = []
    for repetition in range(repetitions + 1):  # the first one fills memos and is not counted
        say(f"rules, repetition {repetition} of {repetitions}")
        spent = _once(given.records, documents, [rules for rules, _, _ in made])
        if repetition:
            floor.append(spent[0])
            for (_, _, times), seconds in zip(made, spent[1:], strict=True):
                times.append(seconds)
    levels = []
    for rules, a_rule, times in made:
        matches = sum(len(rules.detect(event, _SOURCE)) for event in documents) / len(documents)
        found = figure(times)
        looked_at = len(rules.fields(_SOURCE))
        per_second = round(1e6 / found.median)
        levels.append(Level(len(rules.rules), found, per_second, round(matches, 4), looked_at, round(a_rule, 1)))
    ratio = levels[-1].event.median / levels[0].event.median
    mean = sum(map(len, given.records)) / len(given.records)
    return Measured(len(documents), mean, given.name, figure(floor), levels, ratio)


def _named(written: Sequence[str]) -> list[tuple[str, str]]:
    return [(f"synthetic-{number}.yml", text) for number, text in enumerate(written)]


def _once(records: Sequence[bytes], documents: Sequence[Any], sets: Sequence[RuleSet]) -> list[float]:
    """Microseconds an event: of parsing, then of each rule set."""
    took = [0.0] * (len(sets) + 1)
    for start in range(0, len(documents), SLICE):
        raw, part = records[start : start + SLICE], documents[start : start + SLICE]

        def parsed(raw: Sequence[bytes] = raw) -> None:
            for value in raw:
                orjson.loads(value)

        took[0] += cpu(parsed)
        for number, rules in enumerate(sets, 1):

            def detected(part: Sequence[Any] = part, rules: RuleSet = rules) -> None:
                detect = rules.detect
                for event, source in zip(part, cycle((_SOURCE,)), strict=False):
                    detect(event, source)

            took[number] += cpu(detected)
    return [seconds / len(documents) * 1e6 for seconds in took]
