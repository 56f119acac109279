"""What a process of ours counts, read from its metrics and added up over its restarts."""

from __future__ import annotations

import urllib.request
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families


class Tally:
    """Counters of one process, added up over its restarts."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._before: Counter[tuple[str, str]] = Counter()
        self._now: Counter[tuple[str, str]] = Counter()

    def read(self) -> bool:
        """Ask the process; false if it does not answer."""
        try:
            with urllib.request.urlopen(self.url, timeout=2) as answer:  # noqa: S310 - our own loopback address
                text = answer.read().decode()
        except OSError:
            return False
        now: Counter[tuple[str, str]] = Counter()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    now[sample.name, "\x1f".join(sample.labels.values())] += int(sample.value)
        self._now = now
        return True

    def restarted(self) -> None:
        """The process begins to count anew."""
        self._before += self._now
        self._now = Counter()

    def by(self, name: str) -> Counter[str]:
        """The values of a counter by its label values."""
        found: Counter[str] = Counter()
        for counted in (self._before, self._now):
            for (sample, label), value in counted.items():
                if sample == name:
                    found[label] += value
        return found
