"""One chaos run: feed a scenario, hurt the processes, wait, and ask both oracles.

``python -m tests.chaos.run --events 200000 --kills 8`` is the large version; it starts a broker if none is given, and
ends with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from confluent_kafka.admin import AdminClient

from schemas.parameters import Parameters
from streams.edge import broker as brokers
from streams.edge import client, topics
from streams.edge.feed import feed, publish_catalog, publish_config
from streams.edge.session import EXIT_REFUSED
from streams.settings import Settings
from streams.simulate import Scenario
from tests.chaos import oracle
from tests.chaos.cluster import Cluster, Progress
from tests.conftest import read_to_end

START = datetime(2026, 3, 2, 8, tzinfo=UTC)

QUICK = Parameters(group_wait_ms=1_000, update_interval_ms=500)
"""Short intervals, so that much is emitted while processes die."""


class Result(NamedTuple):
    """``wrong``: what the oracles found; empty if all is well."""

    wrong: list[str]
    raw: int
    log_records: int
    events: int
    units: int
    dead: int
    related: int
    kills: int
    freezes: int
    exits: list[tuple[str, int]]
    stopped: dict[str, int]
    seconds: float


def run(
    settings: Settings,
    logs: Path,
    *,
    events: int,
    kills: int,
    freezes: int = 0,
    rate: float | None = None,
    mutants: dict[str, str] | None = None,
    seed: int = 1,
    patience: float = 240.0,
    each: int = 2,
    role: str = "",
    between: tuple[float, float] = (0.5, 2.5),
    told: Callable[[str], None] = lambda _: None,
) -> Result:
    """One run. The topics exist already; ``rate`` is raw records a second, None as fast as possible."""
    started = time.monotonic()
    chance = random.Random(seed)
    scenario = Scenario(seed, start=START, hours=6, events=events)
    publish_config(settings)
    publish_catalog(settings, scenario.catalog())
    fed = threading.Thread(target=feed, args=(settings, scenario.messages(), rate))
    with Cluster(settings, logs, mutants, each) as cluster, contextlib.closing(Progress(settings)) as progress:
        fed.start()
        working = progress.working(60.0)
        cluster.hurt(chance, kills, freezes, role, between, (lambda: progress.done(role)) if mutants else None)
        fed.join()
        told(f"fed, {cluster.kills} kills and {cluster.freezes} freezes done, waiting for the rest")
        drained = progress.drained(cluster.tend, patience)
        behind = progress.behind() if drained else []
        stopped = cluster.stop()
        tail = cluster.tail()
        kills, freezes, exits = cluster.kills, cluster.freezes, cluster.exits
        where = "" if drained else f" (raw left {progress.raw_left()}, positions {progress.positions()})"
    wrong = [] if drained else [f"not drained in {patience:.0f} s{where}\n{tail}"]
    wrong += behind if working else [f"nothing came through in a minute\n{tail}"]
    wrong += [f"{name} ended with {code}\n{tail}" for name, code in (*exits, *stopped.items()) if code == EXIT_REFUSED]
    sources = [*settings.raw_topics.values(), settings.topic("context"), settings.topic("config")]
    raw = oracle.raw_records(settings, [m for topic in sources for m in read_to_end(settings, topic, seconds=120)])
    log = read_to_end(settings, settings.topic("events"), seconds=120)
    written = {
        r: read_to_end(settings, settings.topic(r), seconds=120) for r in ("units", "suppressed", "dead-letters")
    }
    told(f"{len(raw)} raw records, {len(log)} log records, {len(written['units'])} revisions: asking the oracles")
    wrong += oracle.homes(settings, raw, log, written["dead-letters"])
    changelog = read_to_end(settings, settings.topic("state"), seconds=120)
    indicators = read_to_end(settings, settings.topic("indicators"), seconds=120)
    wrong += oracle.folds(settings, log, written, changelog, indicators)
    linked = read_to_end(settings, settings.topic("links-state"), seconds=120)
    wrong += oracle.links(settings, indicators, log, linked)
    return Result(
        wrong,
        len(raw),
        len(log),
        sum(m.value().count(b'"type":') for m in log),
        len(written["units"]),
        len(written["dead-letters"]),
        sum(m.value().count(b'"type":"related"') for m in log),
        kills,
        freezes,
        exits,
        stopped,
        time.monotonic() - started,
    )


def main() -> int:
    """The large version, from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--freezes", type=int, default=2)
    parser.add_argument("--rate", type=float, default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ingest", default="none", help="mutant of the ingest processes")
    parser.add_argument("--correlate", default="none", help="mutant of the correlate processes")
    parser.add_argument("--links", default="none", help="mutant of the links process")
    given = parser.parse_args()
    settings = Settings(
        app=f"chaos{uuid.uuid4().hex[:8]}",
        partitions=4,
        session_timeout_ms=6_000,
        redaction_key="a key for tests only",
        engine=QUICK,
    )

    def told(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    with brokers.use(settings, told) as (_, settings), tempfile.TemporaryDirectory() as logs:
        topics.create(AdminClient(client.admin(settings)), settings)
        result = run(
            settings,
            Path(logs),
            events=given.events,
            kills=given.kills,
            freezes=given.freezes,
            rate=given.rate,
            seed=given.seed,
            mutants={"ingest": given.ingest, "correlate": given.correlate, "links": given.links},
            told=told,
        )
    print(result._replace(wrong=[]))
    print("\n".join(result.wrong) or "nothing missing, nothing twice, nothing other")
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
