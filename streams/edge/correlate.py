"""The correlate process: a folding process with the real pipeline behind it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable

import orjson
import prometheus_client

from streams.edge import folding, pump
from streams.edge.health import Health
from streams.edge.session import Session
from streams.edge.worker import Process
from streams.metrics import Metrics
from streams.pipeline import Pipeline
from streams.records import Output
from streams.settings import Settings


class Told(folding.Told[Pipeline]):
    """What the pipeline counts, and the revisions by their reason."""

    def counted(self, fold: Pipeline) -> Iterable[tuple[str, prometheus_client.Counter, Counter[str]]]:
        """What became of the events."""
        return (("events", self.metrics.events, fold.counts),)

    def wrote(self, output: Output) -> None:
        """A revision, by its reason."""
        if output.role == "units":
            self.metrics.revisions.labels(orjson.loads(output.value)["reason"]).inc()


def told(metrics: Metrics, health: Health) -> Told:
    """For a process with the real pipeline."""
    return Told(metrics, health, Pipeline)


def session_factory(
    settings: Settings,
    observer: pump.Observer,
    make_fold: Callable[[int], pump.Fold],
    session: type[pump.PumpSession] = pump.PumpSession,
) -> Callable[[Process, threading.Event], Session]:
    """Sessions of this role, with any fold behind them."""
    return folding.session_factory(settings, folding.CORRELATE, observer, make_fold, session)


def run(settings: Settings, session: type[pump.PumpSession] = pump.PumpSession) -> None:
    """Correlate until SIGTERM or SIGINT; ends the process."""
    folding.run(settings, folding.CORRELATE, told, session)
