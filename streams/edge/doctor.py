"""What is right and wrong with a running system, each finding with its fix. Reads only; changes nothing.

The partitions are held against the same witnesses that a worker asks before it starts (``restore.start_of``): group
offset, changelog and log; so a refused start is explained here without starting anything.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import orjson
from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from models.health import Health, health
from streams.edge import client, restore, topics
from streams.edge.folding import CORRELATE, LINKS, ROLES, Role
from streams.edge.lag import Lag, newest
from streams.edge.model_rows import Taken
from streams.edge.restore import Bounds
from streams.settings import Settings, unknown_variables

State = Literal["good", "note", "failed"]

AHEAD_MS = 1_000
"""A broker's clock this far ahead of ours is worth a note: the ticks of idle partitions come late by as much."""

HEALTH = "/health"
"""What the tables of model health end in, after the name of their set."""

SHOWN = 10
"""Models in drift that are named."""

COUNTED = 50_000
"""Dead letters that are counted by stage; of more, only the number of offsets is told."""


class Check(NamedTuple):
    """One finding. Only ``failed`` makes the exit code 1; ``fix`` is empty where there is nothing to do."""

    name: str
    state: State
    text: str
    fix: str = ""


class Fold(NamedTuple):
    """Where the fold of one partition of the log stands; None: not there yet."""

    partition: int
    first: int
    end: int
    group: int | None
    position: int | None
    genesis: bool


class Report(NamedTuple):
    """All of it. ``models``: by model set, then domain, how its models are."""

    checks: tuple[Check, ...]
    folds: tuple[Fold, ...] = ()
    models: Mapping[str, Mapping[str, tuple[Health, ...]]] = {}

    @property
    def good(self) -> bool:
        """Whether no check failed."""
        return all(check.state != "failed" for check in self.checks)


def examine(settings: Settings, environ: Mapping[str, str]) -> Report:
    """Look at everything. What cannot be looked at, because something before it failed, is left out."""
    checks = [Check("settings", "note", line, "remove or rename it") for line in unknown_variables(environ)]
    if not checks:
        checks.append(Check("settings", "good", "every WEIR_ variable is a setting"))
    admin = AdminClient(client.admin(settings))
    try:
        checks.append(_broker(admin, settings))
    except KafkaException as error:
        reason = f"{settings.bootstrap} does not answer: {error.args[0].str()}"
        fix = "check the address (KAFKA_BOOTSTRAP_SERVERS, WEIR_BOOTSTRAP or weir.toml) and whether the broker runs"
        return Report((*checks, Check("broker", "failed", reason, fix)))
    problems = topics.check(admin, settings)
    checks += [Check("topics", "failed", f"{each.topic} {each.what}", each.fix) for each in problems]
    if not problems:
        checks.append(Check("topics", "good", f"all {len(topics.wanted(settings))} with the prefix {settings.app}"))
    present = admin.list_topics(timeout=30).topics
    if any(settings.topic(name) not in present for name in ("events", "state", "units", "dead-letters")):
        return Report(tuple(checks))
    roles = [role for role in ROLES if {settings.topic(role.log), settings.topic(role.state)} <= present.keys()]
    folds: tuple[Fold, ...] = ()
    models = Taken(lambda table: table.endswith(HEALTH))
    for role in roles:
        stands, found = _folds(admin, settings, role, models)
        checks += found
        if role is CORRELATE:
            folds = tuple(stands)
    for name, read in (
        ("ingest", [*map(settings.topic, ("config", "context", "reviews")), *settings.raw_topics.values()]),
        *((role.name, [settings.topic(role.log)]) for role in roles),
    ):
        checks += _group(admin, settings, name, read)
    checks.append(_dead_letters(admin, settings))
    checks.append(_clock(admin, settings))
    found_health = _health(models)
    checks.append(_models(found_health))
    return Report(tuple(checks), folds, found_health)


def _health(found: Taken) -> dict[str, dict[str, tuple[Health, ...]]]:
    sets: dict[str, dict[str, tuple[Health, ...]]] = {}
    for domain, tables in sorted(found.domains.items()):
        for table, rows in sorted(tables.items()):
            sets.setdefault(table.removesuffix(HEALTH), {})[domain] = health(rows)
    return sets


def _models(sets: Mapping[str, Mapping[str, tuple[Health, ...]]]) -> Check:
    """Whether any model of any domain is in drift."""
    name = "model health"
    if not sets:
        return Check(name, "good", "no domain has learnt anything yet")
    told = []
    drifting = []
    for models, domains in sets.items():
        states = Counter(each[-1].state if each else "learning" for each in domains.values())
        told.append(f"{models}: " + ", ".join(f"{count:,} domains {state}" for state, count in sorted(states.items())))
        drifting += [f"{at}: {one.text}" for at, each in domains.items() for one in each if one.state == "drift"]
    if not drifting:
        return Check(name, "good", "; ".join(told))
    text = "; ".join([*told, *drifting[:SHOWN]]) + (f"; {len(drifting) - SHOWN} more" if len(drifting) > SHOWN else "")
    fix = "look at what changed for so many principals; it ends by itself a day after the last evidence"
    return Check(name, "note", text, fix)


def _broker(admin: AdminClient, settings: Settings) -> Check:
    admin.list_topics(timeout=5)  # its failure says more than that of the next one
    found = admin.describe_cluster(request_timeout=10).result()
    nodes = ", ".join(f"{node.id} at {node.host}:{node.port}" for node in found.nodes)
    return Check("broker", "good", f"{settings.bootstrap} answers; cluster {found.cluster_id}, nodes {nodes}")


def _folds(admin: AdminClient, settings: Settings, role: Role, models: Taken) -> tuple[list[Fold], list[Check]]:
    name = "fold" if role is CORRELATE else f"{role.name} fold"
    names = role.topics(settings)
    log, state, witness = names.log, names.state, names.witness
    numbers = sorted(admin.list_topics(log, timeout=30).topics[log].partitions)
    described = admin.describe_topics(TopicCollection([log]), request_timeout=30)
    log_id = str(described[log].result().topic_id)
    config = client.consumer(settings, settings.group(role.name))
    group = Consumer(config)
    marks = restore.Marks()
    rows: dict[tuple[int, bytes], bytes | None] = {}

    def load(partition: int, key: bytes, value: bytes | None) -> None:
        if marks.take(partition, key, value):
            return
        if role is LINKS:
            rows[partition, key] = value
        else:
            models.take(key, value)

    try:
        for _ in range(3):  # a running worker moves on meanwhile; then the witnesses are of different moments
            before = restore.committed(group, log, numbers, timeout=15.0)
            topics = [topic for topic in (log, state, witness) if topic is not None]
            bounds = restore.bounds(admin, [(topic, number) for topic in topics for number in numbers])
            restore.read_changelog(config, state, {p: bounds[state, p] for p in numbers}, load, timeout=120.0)
            after = restore.committed(group, log, numbers, timeout=15.0)
            if before == after:
                break
    except (KafkaException, TimeoutError) as error:
        return [], [Check(name, "failed", f"the state of the partitions cannot be read: {error}", "see the broker")]
    finally:
        group.close()
    written: set[int] = set()
    if witness is not None:
        fresh = {p: bounds[witness, p] for p in numbers if p not in marks.genesis}
        written = restore.has_records(config, witness, fresh)
    folds = []
    refused = []
    for p in numbers:
        bound: Bounds = bounds[log, p]
        folds.append(Fold(p, bound.low, bound.high, after[p], marks.positions.get(p), p in marks.genesis))
        try:
            restore.start_of(
                topic=log,
                partition=p,
                log=bound,
                log_topic_id=log_id,
                has_outputs=p in written,
                group_offset=after[p] if before[p] == after[p] else marks.positions.get(p),
                genesis=marks.genesis.get(p),
                position=marks.positions.get(p),
            )
        except restore.Refused as error:
            refused.append(Check(name, "failed", str(error), f"{role.name} refuses to start until that is mended"))
    if not refused:
        started = sum(fold.genesis for fold in folds)
        text = f"{started} of {len(folds)} partitions were begun; log, changelog and group offset agree on all"
        refused.append(Check(name, "good", text + _linked(rows)))
    return folds, refused


def _linked(rows: Mapping[tuple[int, bytes], bytes | None]) -> str:
    """What the state of links holds, in words: its indicators, and those that too many share to link anything."""
    held = common = 0
    most = (0, "")
    for (_, key), value in rows.items():
        table, name = orjson.loads(key)
        if table != "indicators" or value is None:
            continue
        held += 1
        if shared := orjson.loads(value)[1]:
            common += 1
            most = max(most, (shared, name))
    if not held:
        return ""
    shown = f", such as {most[1]}, which {most[0]:,} units said" if common else ""
    return f"; {held:,} indicators are held, {common:,} of them common, linking nothing further{shown}"


def _group(admin: AdminClient, settings: Settings, role: str, read: list[str]) -> list[Check]:
    name = settings.group(role)
    lag = Lag(settings, role, read)
    try:
        lag.left()
        time.sleep(0.5)
        left = lag.left()
        held = [place for place, standing in lag.read().items() if standing.stable < standing.end]
        described = admin.describe_consumer_groups([name], request_timeout=15)[name].result()
        members = len(described.members)
    except KafkaException as error:
        return [Check(role, "failed", f"group {name}: {error.args[0].str()}", "see the broker")]
    finally:
        lag.close()
    worst = sorted(left.items(), key=lambda entry: -entry[1])[:3]
    where = ", ".join(f"{topic}[{number}] {count:,}" for (topic, number), count in worst)
    behind = f"{sum(left.values()):,} offsets behind: {where}" if left else "read to the end"
    text = f"group {name}: {members} member(s), {behind}"
    stuck = bool(left) and not members
    checks = [Check(role, "note" if stuck else "good", text, f"start `weir {role}`" if stuck else "")]
    if held:
        names = ", ".join(f"{topic}[{number}]" for topic, number in held[:5])
        fix = f"it ends by itself within {settings.transaction_timeout_ms / 1000:.0f} s, unless a producer hangs"
        checks.append(Check(role, "note", f"an open transaction holds readers back in {names}", fix))
    return checks


def _dead_letters(admin: AdminClient, settings: Settings) -> Check:
    topic = settings.topic("dead-letters")
    numbers = sorted(admin.list_topics(topic, timeout=30).topics[topic].partitions)
    bounds = restore.bounds(admin, [(topic, number) for number in numbers])
    offsets = sum(bound.high - bound.low for bound in bounds.values())
    if offsets > COUNTED:
        return Check("dead letters", "note", f"up to {offsets:,} in {topic}")
    stages: Counter[str] = Counter()

    def count(_partition: int, _key: bytes, value: bytes | None) -> None:
        stages[_stage(value)] += 1

    config = client.consumer(settings, settings.group("doctor"))
    restore.read_changelog(config, topic, {number: bounds[topic, number] for number in numbers}, count, timeout=60.0)
    found = ", ".join(f"{stage} {number:,}" for stage, number in sorted(stages.items()))
    return Check("dead letters", "good", f"{stages.total():,} in {topic}" + (f": {found}" if found else ""))


def _stage(value: bytes | None) -> str:
    try:
        letter: Any = orjson.loads(value or b"null")
        return str(letter["stage"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "unknown"


def _clock(admin: AdminClient, settings: Settings) -> Check:
    log = settings.topic("events")
    numbers = sorted(admin.list_topics(log, timeout=30).topics[log].partitions)
    at = newest(admin, [TopicPartition(log, number) for number in numbers])
    if at is None:
        return Check("clock", "good", "the log is empty, so the broker's clock is not known")
    ahead = at - time.time() * 1000
    if ahead > AHEAD_MS:
        text = f"the broker's clock is at least {ahead / 1000:.1f} s ahead of this machine's"
        return Check("clock", "note", text, "synchronise the clocks: units of idle partitions come late by as much")
    return Check("clock", "good", f"the newest record of the log is {max(0.0, -ahead) / 1000:.0f} s old")
