"""The topics: their names, shapes and the settings that correctness rests on.

The log and everything a worker writes have equal partition counts, so partition n of the log goes to partition n of the
outputs and of the changelog, and one frozen owner stalls the readers of its own partition only. Indicators alone go to
the partition of their key, and what links makes of them to that of the domain it is for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType  # type: ignore[attr-defined] # public there, not marked as such

from streams.settings import Settings

_DAY = 86_400_000
_TIMEOUT = 30.0

_OUTPUT = {"cleanup.policy": "delete", "retention.ms": str(90 * _DAY)}
_COMPACT = {
    "cleanup.policy": "compact",
    "segment.ms": "600000",  # only closed segments are compacted: a restore reads at most ten minutes uncompacted
    "segment.bytes": "67108864",
    "min.cleanable.dirty.ratio": "0.1",
}


class Topic(NamedTuple):
    """One topic. ``partitions``: as many as the log has, or one for what everybody reads whole, in one order."""

    name: str
    partitions: Literal["log", "one"]
    config: dict[str, str]


TOPICS = (
    # The fold's clock is the broker's append time. Kept long: a re-execution needs the log.
    Topic(
        "events",
        "log",
        {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime", "retention.ms": str(30 * _DAY)},
    ),
    Topic("units", "log", _OUTPUT),
    Topic("suppressed", "log", _OUTPUT),
    Topic("dead-letters", "log", {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY)}),
    # Compact only: with deletion by age a quiet domain would lose its state.
    Topic("state", "log", _COMPACT),
    # A log of its own, which links folds: append time and retention as for the other.
    Topic(
        "indicators",
        "log",
        {"cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime", "retention.ms": str(30 * _DAY)},
    ),
    Topic("links-state", "log", _COMPACT),
    Topic("context", "one", _COMPACT),
    Topic("feeds", "one", _COMPACT),  # how the last look at each feed of context went
    Topic("config", "one", _COMPACT),
    Topic("reviews", "one", _OUTPUT),
    Topic("control", "one", {"cleanup.policy": "delete", "retention.ms": str(_DAY)}),
)
"""Weir's own topics, without the prefix. The raw topics follow from ``settings.raw_topics``."""

_RAW = {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY)}

_CHECKED = ("cleanup.policy", "message.timestamp.type")
"""Settings whose other value makes the engine wrong; retention and segments are the operator's."""


class Problem(NamedTuple):
    """One thing about one topic that would make the engine wrong or stop it; ``fix`` says what to do."""

    topic: str
    what: str
    fix: str


def wanted(settings: Settings) -> dict[str, tuple[int, dict[str, str]]]:
    """Full name -> partition count and configuration, of all topics."""
    size = {"max.message.bytes": str(settings.max_message_bytes)}
    raw = {name: (settings.partitions, {**_RAW, **size}) for name in settings.raw_topics.values()}
    ours = {
        settings.topic(topic.name): (settings.partitions if topic.partitions == "log" else 1, {**topic.config, **size})
        for topic in TOPICS
    }
    return {**raw, **ours}


def create(admin: AdminClient, settings: Settings, progress: Callable[[str], None] | None = None) -> list[str]:
    """Make the topics that are missing and return their names. What exists is left as it is; see ``check``.

    They can be written when it returns. Raises ``confluent_kafka.KafkaException`` where the broker refuses one, and
    ``TimeoutError``.
    """
    present = admin.list_topics(timeout=_TIMEOUT).topics
    missing = {name: shape for name, shape in wanted(settings).items() if name not in present}
    if not missing:
        return []
    requests = [
        NewTopic(name, num_partitions=count, replication_factor=settings.replication_factor, config=config)
        for name, (count, config) in missing.items()
    ]
    made = []
    for name, outcome in admin.create_topics(requests, operation_timeout=_TIMEOUT).items():
        try:
            outcome.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another process was first
                raise
            continue
        made.append(name)
        if progress is not None:
            progress(f"created topic {name}, {missing[name][0]} partition(s)")
    _until_led(admin, set(missing))
    return made


def _until_led(admin: AdminClient, names: set[str]) -> None:
    """The controller has made them: return when the metadata of the brokers shows each partition with a leader."""
    deadline = time.monotonic() + _TIMEOUT
    while True:
        present = admin.list_topics(timeout=_TIMEOUT).topics
        late = [
            name
            for name in sorted(names)
            if name not in present
            or not present[name].partitions
            or any(partition.leader < 0 for partition in present[name].partitions.values())
        ]
        if not late:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"topics without a leader after {_TIMEOUT:.0f} s: {', '.join(late)}")
        time.sleep(0.02)


def check(admin: AdminClient, settings: Settings) -> list[Problem]:
    """Compare the broker's topics with what the engine needs. An empty list is good."""
    present = admin.list_topics(timeout=_TIMEOUT).topics
    problems: list[Problem] = []
    shapes = wanted(settings)
    for name, (count, _) in shapes.items():
        if name not in present:
            problems.append(Problem(name, "does not exist", "run `weir topics create`"))
        elif (actual := len(present[name].partitions)) != count and name not in settings.raw_topics.values():
            problems.append(Problem(name, f"has {actual} partitions, not {count}", _count_fix(settings, name, actual)))
    found = [name for name in shapes if name in present]
    for name, config in _configs(admin, found).items():
        problems.extend(_config_problems(name, config, shapes[name][1]))
    return problems


def _count_fix(settings: Settings, name: str, actual: int) -> str:
    if actual == 0 or name in {settings.topic(topic.name) for topic in TOPICS if topic.partitions == "one"}:
        return "it must have one partition, since it is read in one order: delete it and run `weir topics create`"
    return (
        f"set partitions = {actual} if all of {settings.app}'s topics have {actual}; a log cannot be repartitioned in "
        "place, since its domains would change their partition: else start under another `app`"
    )


def _config_problems(name: str, actual: dict[str, str], expected: dict[str, str]) -> Iterable[Problem]:
    for key in _CHECKED:
        if key in expected and actual.get(key) != expected[key]:
            yield Problem(name, f"{key} is {actual.get(key)}, not {expected[key]}", _alter(name, key, expected[key]))
    least = expected["max.message.bytes"]
    if int(actual.get("max.message.bytes", "0")) < int(least):
        what = f"max.message.bytes is {actual.get('max.message.bytes')}, less than {least}"
        yield Problem(name, what, _alter(name, "max.message.bytes", least))


def _alter(name: str, key: str, value: str) -> str:
    return f"kafka-configs.sh --alter --entity-type topics --entity-name {name} --add-config {key}={value}"


def _configs(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    answers = admin.describe_configs(resources, request_timeout=_TIMEOUT)
    return {
        resource.name: {key: entry.value for key, entry in answer.result().items()}
        for resource, answer in answers.items()
    }
