"""A fold of findings of noise and reviews of it, record by record, for the tests of suppression in the fold."""

from __future__ import annotations

from typing import Any

from schemas.unit import Unit
from streams.pipeline import Pipeline
from streams.records import LogRecord, Output
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    MINUTE,
    SECOND,
    T0,
    Doc,
    config,
    finding,
    iso,
    record,
    restored,
    tick,
)

REVIEWERS = ("ada", "ben")
JUDGED = 45
"""Verdicts that are plenty, over three days."""

KEPT = {"suppress_sample": 0.0, "idle_close_ms": 60 * DAY, "max_life_ms": 90 * DAY}


def noise(number: int, at: int, **more: Any) -> Doc:
    """A finding of the noisy rule, on a host of its own, so a unit of its own."""
    fields: Doc = {"severity": 3, "title": "Port scan", "rule": "SCAN"}
    return finding(f"n{number}", at, ("host", f"h{number}"), **(fields | more))


def review(name: str, at: int, unit_id: str, kind: str = "verdict", **more: Any) -> Doc:
    fields = {"type": "review", "source_id": name, "time": iso(T0 + at), "domain": DOMAIN, "unit_id": unit_id}
    verdict = {"verdict": "benign"} if kind == "verdict" else {}
    return fields | {"reviewer": REVIEWERS[sum(name.encode()) % 2], "kind": kind} | verdict | more


class Bench:
    """A fold of numbered records, with a tick wherever something is due, whose log and outputs are kept."""

    def __init__(self, **settings: Any) -> None:
        self.pipeline = Pipeline(0)
        self.now = 0
        self.outputs: list[Output] = []
        self.log: list[LogRecord] = []
        self.at(0, config(**(KEPT | settings)))

    def at(self, at: int, *events: Doc) -> list[Output]:
        """What comes out until a time after T0, at which the events are folded."""
        out: list[Output] = []
        while (due := self.pipeline.next_due()) is not None and due - T0 < at:
            out += self._fold(max(self.now, due - T0), tick())
        return out + self._fold(at, *events)

    def after(self, gap: int, *events: Doc) -> list[Output]:
        """The same, so long after the last record."""
        return self.at(self.now + gap, *events)

    def _fold(self, at: int, *events: Doc) -> list[Output]:
        self.now = at
        self.log.append(record(len(self.log), at, *events))
        out = self.pipeline.step(self.log[-1])
        self.outputs += out
        return out

    def opened(self, event: Doc) -> list[Output]:
        """What comes out for an event that makes a unit."""
        return self.after(SECOND, event) + self.after(MINUTE, tick())

    def judged(self, verdict: str = "benign", **more: Any) -> Bench:
        """Units of the noise, fifteen on each of three days, each with a verdict a minute after it came."""
        for number in range(JUDGED):
            self.at(number // 15 * DAY + number % 15 * 10 * MINUTE, noise(number, self.now, **more))
            (unit,) = [unit for unit in read(self.after(MINUTE, tick())) if unit.reason == "opened"]
            self.after(0, review(f"r{number}", self.now, unit.unit_id, verdict=verdict))
        self.after(MINUTE, tick())
        return self

    def suppressed(self, **more: Any) -> Unit:
        """A unit of the noise that a reviewer suppressed; its last revision."""
        (unit,) = read(self.opened(noise(0, self.now + SECOND, **more)))
        self.after(SECOND, review("s", self.now, unit.unit_id, "suppress", comment="nightly scan"))
        (left,) = read(self.after(MINUTE, tick()))
        return left


def read(outputs: list[Output], role: str | None = None) -> list[Unit]:
    """Revisions of one topic, or of both each once, in order."""
    found: dict[str, Unit] = {}
    for output in outputs:
        if output.role in ("units", "suppressed") and role in (None, output.role):
            unit = Unit.model_validate_json(output.value)
            found[f"{unit.unit_id}:{unit.revision}"] = unit
    return list(found.values())


def places(outputs: list[Output]) -> list[str]:
    """The topics of the records of units, in order."""
    return [output.role for output in outputs if output.role in ("units", "suppressed")]


def copy(bench: Bench) -> Bench:
    """The same fold, from its changelog."""
    other = Bench.__new__(Bench)
    other.__dict__.update(bench.__dict__)
    changelog: dict[bytes, bytes | None] = {}
    pipeline = Pipeline(0)
    for each in bench.log:
        pipeline.step(each)
    changelog.update(pipeline.drain())
    other.pipeline = restored(changelog, reversed(changelog))
    other.outputs, other.log = [], list(bench.log)
    return other


CATALOG = {
    "type": "context", "kind": "catalog", "key": "component:default/shop", "record": {"tags": ["internet-facing"]},
    "origin": ["raw", 0, 0, 0],
}  # fmt: skip
