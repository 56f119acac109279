"""The process that looks at the feeds of context and writes what is new in them to the context topic.

Each feed is read on a thread of its own, within its time; this one alone writes, so that a feed that hangs, fails or
sends nonsense delays no other. Delivery is at least once: what was written twice by a process that died between is the
same twice. Two pollers of one topic do no harm, and no good.

After each good look a record of kind "feed" may tell the fold since when a kind of record is known to be as fresh: at
once where something was written, else hourly, since every partition's log takes it.
"""

from __future__ import annotations

import os
import queue
import random
import signal
import threading
import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import structlog

from streams.edge.context_topic import ContextTopic, write
from streams.edge.health import Health, HealthServer
from streams.edge.poll_delta import Delta, Subject, delta
from streams.edge.poll_http import Http
from streams.edge.poll_read import Look, LookFailed, Same, Seen, look
from streams.edge.poll_state import FeedState, failed, read_states, read_whole, settings_of, went_well, write_state
from streams.edge.sender import Sender
from streams.edge.session import EXIT_FAILED, SessionEnded, close_all, run_sessions
from streams.feeds import Feed
from streams.metrics import Metrics
from streams.settings import Settings

log = structlog.get_logger(__name__)

FIRST_WAIT = 30.0
"""Seconds after the first failure; doubled with each more, up to the feed's own interval."""

TOLD_EVERY = 3_600_000
"""Ms between two records that say only that nothing is new."""

_GRACE = 30.0


class Outcome(NamedTuple):
    """What one look came to. ``problem`` is None where all is well; ``good`` is False where nothing could be taken."""

    feed: str
    good: bool
    records: int
    written: int
    withdrawn: int
    unchanged: int
    wrong: int
    problem: str | None


class _Job:
    """One feed, when it is next due (by ``time.monotonic()``), and the thread that reads it."""

    def __init__(self, name: str, feed: Feed, due: float) -> None:
        self.name, self.feed, self.due = name, feed, due
        self.thread: threading.Thread | None = None
        self.overdue = 0.0
        self.number = 0


Result = tuple[str, int, Look | Same | LookFailed]


def wait_after(failures: int, every: float, asked: float | None, chance: float) -> float:
    """Seconds to the next look.

    Args:
        failures: in a row, 0 after a good look.
        every: the feed's interval in seconds.
        asked: what the server asked for, if it did.
        chance: 0 to 1, so that processes that failed together do not come back together.

    >>> wait_after(0, 3600, None, 0.5), wait_after(3, 3600, None, 0.5), wait_after(1, 3600, 900, 0.5)
    (3780.0, 120.0, 900)
    """
    if not failures:
        return every * (1 + 0.1 * chance)
    wait = min(every, FIRST_WAIT * 2.0 ** min(failures - 1, 20)) * (0.5 + chance)
    return max(wait, asked or 0.0)


class Poller:
    """Looks at feeds until ``stop``, or once.

    Args:
        names: which of the settings' feeds.
        withdraw: withdraw what is gone, however much it is; then nothing counts as seen before.
    """

    def __init__(
        self,
        settings: Settings,
        names: Collection[str],
        stop: threading.Event,
        metrics: Metrics,
        health: Health,
        environ: Mapping[str, str],
        *,
        withdraw: bool = False,
    ) -> None:
        self.settings, self.stop, self.metrics, self.health, self.withdraw = settings, stop, metrics, health, withdraw
        self.commits = 0
        self._http = Http(environ)
        self._topic = ContextTopic(settings)
        self._sender = Sender(settings)
        self._results: queue.Queue[Result] = queue.Queue()
        self._random = random.Random()  # noqa: S311 - spreads load, keeps no secret
        self._jobs = {name: _Job(name, settings.context[name], 0.0) for name in names}
        self._states: dict[str, FeedState] = {}
        self._told: dict[str, tuple[int, int]] = {}
        """Of a kind of record: the time that was told, and when."""

    def run(self) -> None:
        """Look at each feed when it is due, until ``stop``. Raises what ends a session."""
        self._start()
        for job in self._jobs.values():
            job.due = time.monotonic() + self._rest(job)
        self.health.ready()
        while not self.stop.is_set():
            self.health.beat()
            self._begin_due()
            self._finish(0.25)

    def once(self) -> list[Outcome]:
        """Look at each feed now, and return what came of it, in the order of their names."""
        self._start()
        outcomes: dict[str, Outcome] = {}
        for job in self._jobs.values():
            self._begin(job)
        while len(outcomes) < len(self._jobs) and not self.stop.is_set():
            outcomes.update({outcome.feed: outcome for outcome in self._finish(0.1)})
        return [outcomes[name] for name in sorted(outcomes)]

    def close(self) -> None:
        """Leave. Threads that still read end with the process."""
        close_all(self._topic.close)

    def _start(self) -> None:
        self._states = read_states(self.settings)
        self._topic.catch_up()
        for name in self._jobs:
            self.metrics.context_feed_age.labels(name).set_function(partial(self._age, name))
            if (state := self._states.get(name)) is not None and state.good is not None:
                self.metrics.context_last_good.labels(name).set(state.good / 1000)

    def _age(self, name: str) -> float:
        state = self._states.get(name)
        age = None if state is None else state.age(_now())
        return float("inf") if age is None else age / 1000

    def _before(self, job: _Job) -> FeedState | None:
        state = self._states.get(job.name)
        return state if state is not None and state.settings == settings_of(job.feed) else None

    def _rest(self, job: _Job) -> float:
        """Seconds that are left of the wait that another process began; 0 where it was never read, or otherwise."""
        state = self._before(job)
        if state is None or state.failures:
            return 0.0
        return min(job.feed.every, max(0, state.looked + job.feed.every - _now())) / 1000

    def _begin_due(self) -> None:
        now = time.monotonic()
        for job in self._jobs.values():
            if job.thread is None and job.due <= now:
                self._begin(job)

    def _begin(self, job: _Job) -> None:
        state = self._before(job)
        there = any(held.feed == job.name for held in self._topic.held.values())  # else the topic was made anew
        seen = Seen() if self.withdraw or state is None or not there else state.seen
        number = job.number

        def work() -> None:
            found: Look | Same | LookFailed
            try:
                found = look(job.feed, self._http, seen)
            except LookFailed as error:
                found = error
            except Exception as error:  # whatever a feed sends, the others go on
                log.error("the look failed in a way that nobody thought of", feed=job.name, exc_info=True)
                found = LookFailed(f"unexpected: {error!r}"[:500])
            self._results.put((job.name, number, found))

        job.overdue = time.monotonic() + 2 * job.feed.timeout / 1000 + _GRACE
        job.thread = threading.Thread(target=work, name=f"feed {job.name}", daemon=True)
        job.thread.start()

    def _finish(self, wait: float) -> list[Outcome]:
        """Take the looks that have ended; wait for one for up to ``wait`` seconds."""
        done: list[Outcome] = []
        try:
            while True:
                name, number, found = self._results.get(timeout=0 if done else wait)
                job = self._jobs[name]
                if number == job.number:
                    done.append(self._take(job, found))
                job.thread = None
        except queue.Empty:
            pass
        now = time.monotonic()
        for job in self._jobs.values():
            if job.thread is not None and now > job.overdue:
                job.number += 1  # what it may bring yet is too late; the next look waits until it has ended
                job.overdue = float("inf")
                done.append(self._take(job, LookFailed("the look does not end: the server sends a little at a time")))
        return done

    def _take(self, job: _Job, found: Look | Same | LookFailed) -> Outcome:
        name, feed, now = job.name, job.feed, _now()
        asked = None
        if isinstance(found, LookFailed):
            asked = found.retry_after
            state = failed(name, feed, self._before(job), str(found), now)
            outcome = Outcome(name, False, 0, 0, 0, 0, 0, str(found))
        elif isinstance(found, Same):
            before = self._before(job)
            state = went_well(name, feed, before, found, now, changed=False, problem=None)
            outcome = Outcome(name, True, state.records, 0, 0, state.records, 0, None)
        else:
            self._topic.catch_up()
            what = delta(
                name,
                found.records,
                self._topic.held,
                whole=found.whole,
                feeds=self.settings.context.keys(),
                anyway=self.withdraw,
            )
            self._pass_on(found, what)
            write(self.settings, self._sender, what.write, name)
            gone = sum(record is None for record in what.write.values())
            problem = _problem(found, what, name)
            outcome = Outcome(
                name, True, len(found.records), len(what.write) - gone, gone, what.unchanged, found.wrong, problem
            )
            state = went_well(name, feed, self._before(job), found, now, changed=bool(what.write), problem=problem)
            self.metrics.context_records.labels(name, "conflict").inc(len(what.conflicts))
        self._states[name] = state
        if outcome.good:
            self._tell(state, now, news=bool(outcome.written or outcome.withdrawn))
        write_state(self.settings, self._sender, state)
        self._sender.end()
        self.commits += 1
        self._count(outcome, now)
        job.due = time.monotonic() + wait_after(state.failures, feed.every / 1000, asked, self._random.random())
        return outcome

    def _pass_on(self, found: Look, what: Delta) -> None:
        """Send new and changed exceptions to their raw topic. Before the records: these say that it was done."""
        topic = self.settings.raw_topics["policy_exceptions"]
        for subject, record in what.write.items():
            if record is not None and subject in found.raw:
                self._sender.send(topic, subject[1].encode(), found.raw[subject])

    def _tell(self, state: FeedState, now: int, *, news: bool) -> None:
        """Say of the feed's kinds since when all of their records are as fresh."""
        records: dict[Subject, dict[str, Any] | None] = {}
        for kind in state.kinds:
            at = read_whole(kind, self._states, self.settings.context)
            held = self._topic.held.get(("feed", kind))
            told, when = self._told.get(kind, (0, held.written if held else 0))
            if at is not None and at > told and (news or now - when >= TOLD_EVERY):
                read_at = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
                records["feed", kind] = {"read_at": read_at, "source": state.feed}
                self._told[kind] = at, now
        write(self.settings, self._sender, records)

    def _count(self, outcome: Outcome, now: int) -> None:
        metrics, name = self.metrics, outcome.feed
        done = "failed" if not outcome.good else "changed" if outcome.written or outcome.withdrawn else "unchanged"
        metrics.context_looks.labels(name, done).inc()
        for what in ("written", "withdrawn", "unchanged", "wrong"):
            metrics.context_records.labels(name, what).inc(getattr(outcome, what))
        if outcome.good:
            metrics.context_last_good.labels(name).set(now / 1000)
        say = log.info if outcome.problem is None else log.warning
        say("looked at a feed", **outcome._asdict())


def _problem(found: Look, what: Delta, name: str) -> str | None:
    parts = []
    if found.wrong:
        parts.append(f"{found.wrong} left out as wrong, so nothing is withdrawn: {'; '.join(found.problems)}")
    if what.conflicts:
        first = ", ".join(" ".join(subject) for subject in what.conflicts[:3])
        parts.append(f"{len(what.conflicts)} are another feed's, which comes first: {first}")
    if what.held_back:
        parts.append(
            f"{what.held_back} are gone, which is more than half, so none is withdrawn; if that is right: "
            f"weir context poll --once --withdraw {name}"
        )
    return "; ".join(parts)[:2_000] or None


def _now() -> int:
    return time.time_ns() // 1_000_000


def look_once(
    settings: Settings, names: Collection[str], environ: Mapping[str, str], *, withdraw: bool = False
) -> list[Outcome]:
    """Look at the feeds once, now. Raises as ``read_topic`` and ``Sender``."""
    poller = Poller(settings, names, threading.Event(), Metrics("context"), Health(), environ, withdraw=withdraw)
    try:
        return poller.once()
    finally:
        poller.close()


def run(settings: Settings, names: Collection[str]) -> int:
    """Look at the feeds until SIGTERM or SIGINT. Returns the exit code."""
    metrics, health = Metrics("context"), Health(stalled_after=180.0)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if settings.metrics_port:
        HealthServer(health, metrics.registry, host=settings.metrics_host, port=settings.metrics_port)
    try:
        run_sessions(lambda: Poller(settings, names, stop, metrics, health, os.environ), stop, health.not_ready)
    except SessionEnded as error:
        log.critical("the poller gives up", reason=str(error))
        return EXIT_FAILED
    return 0
