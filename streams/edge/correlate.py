"""The correlate process: a folding process with the real pipeline behind it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import orjson
import prometheus_client

from streams.edge import folding, model_metrics, pump
from streams.edge.health import Health
from streams.edge.session import Session
from streams.edge.worker import Process
from streams.metrics import Metrics
from streams.pipeline import Pipeline
from streams.records import Output
from streams.settings import Settings

MODELS_EVERY = 15.0
"""Seconds between two looks at the models of all domains, for the metrics."""


class Told(folding.Told[Pipeline]):
    """What the pipeline counts, the revisions by their reason, and how the models are."""

    models_shown = float("-inf")

    def counted(self, fold: Pipeline) -> Iterable[tuple[str, prometheus_client.Counter, Counter[str]]]:
        """What became of the events."""
        return (("events", self.metrics.events, fold.counts),)

    def committed(self, outputs: Sequence[Output], state: int, seconds: float) -> None:
        """Counted; now and then how the models are."""
        super().committed(outputs, state, seconds)
        now = time.monotonic()
        if now - self.models_shown >= MODELS_EVERY:
            self.models_shown = now
            model_metrics.show(self.metrics, self.folds.values())

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
