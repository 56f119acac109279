"""The links process: units' indicators in, ``related`` records for the units that share one into the log.

Its transactions write into any partition of the log, so a frozen one holds up all of the log's readers, for the
transaction timeout at most; ingest's do, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import prometheus_client

from streams.edge import folding, pump
from streams.edge.health import Health
from streams.linking.links import Links
from streams.metrics import Metrics
from streams.settings import Settings


class Told(folding.Told[Links]):
    """What the fold counts."""

    def counted(self, fold: Links) -> Iterable[tuple[str, prometheus_client.Counter, Counter[str]]]:
        """What became of the indicators, and what was made of them."""
        return (
            ("indicators", self.metrics.indicators, fold.counts),
            ("links", self.metrics.links, fold.told),
        )


def told(metrics: Metrics, health: Health) -> Told:
    """For a process with the real fold."""
    return Told(metrics, health, Links)


def run(settings: Settings, session: type[pump.PumpSession] = pump.PumpSession) -> None:
    """Link until SIGTERM or SIGINT; ends the process."""
    folding.run(settings, folding.LINKS, told, session)
