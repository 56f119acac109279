"""Rules, events and states for the tests of rules; and what a caller makes of the matches. Times in event ms."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from schemas.rule import Rule
from streams.correlation.rows import tuples
from streams.correlation.rules.groups import RuleState
from streams.correlation.rules.match import Match
from streams.correlation.rules.rule_set import RuleSet, compile_rules
from streams.correlation.table import Table

Doc = dict[str, Any]
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
END = 2**60
"""A watermark after everything."""


def rule(kind: str, *steps: Doc, **more: Any) -> Rule:
    """A rule ``r@1`` over 60 s, by address."""
    fixed = {"name": "r", "version": 1, "title": "R", "timespan": "60s", "group_by": "ip"}
    return Rule.model_validate(fixed | {"kind": kind, "steps": steps} | more)


def step(name: str, at_least: int = 1, **more: Any) -> Doc:
    """A step that is met by the action of its own name."""
    return {"id": name, "at_least": at_least, "where": {"action": f"x:{name}"}} | more


def compiled(*rules: Rule) -> RuleSet:
    """The rules, of which none has a fault."""
    found, faults = compile_rules(rules)
    assert not faults
    return found


def activity(name: str, action: str, *entities: tuple[str, str], **more: Any) -> SimpleNamespace:
    """A call, about the address 198.51.100.7 if nothing else is said."""
    fields = {
        "type": "activity",
        "source": "test",
        "source_id": name,
        "action": f"x:{action}",
        "actor": None,
        "outcome": "success",
        "domain": "system:shop",
        "component": None,
        "title": f"about {name}",
        "severity": 0,
        "entities": entities or (("ip", "198.51.100.7"),),
    }
    return SimpleNamespace(**(fields | more))


def finding(name: str, **more: Any) -> SimpleNamespace:
    """A high detection about the same address."""
    fields = {
        "type": "finding",
        "source": "test",
        "source_id": name,
        "kind": "detection",
        "rule": "R1",
        "severity": 4,
        "status": "open",
        "reporter": "falco",
        "aliases": (),
        "domain": "system:shop",
        "component": None,
        "title": f"about {name}",
        "entities": (("ip", "198.51.100.7"),),
    }
    return SimpleNamespace(**(fields | more))


class Caller:
    """A domain's state, and what is known of its matches after all that was told.

    ``open`` has the matches that stand, by id; ``members`` the source ids of each, by id.
    """

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.open: dict[str, Match] = {}
        self.told: list[Match] = []
        self.tables: dict[str, Table] = {}
        self.state = RuleState(self.table)
        self._members: dict[str, dict[str, int]] = {}

    def table(self, name: str) -> Table:
        return self.tables.setdefault(name, Table(name, []))

    def observe(self, event: Any, time: int, watermark: int = 0) -> list[Match]:
        return self._hear(self.rules.observe(self.state, event, time, watermark))

    def advance(self, watermark: int) -> list[Match]:
        return self._hear(self.rules.advance(self.state, watermark))

    def observe_all(self, events: Iterable[tuple[Any, int]], watermark: int = 0) -> Caller:
        for event, time in events:
            self.observe(event, time, watermark)
        return self

    @property
    def members(self) -> dict[str, list[str]]:
        out = {}
        for match in self.open.values():
            times = self._members[match.line]
            out[match.id] = sorted(name for name, time in times.items() if match.first <= time <= match.last)
        return out

    def reload(self) -> None:
        """Through the changelog into a new state, the rows in another order."""
        rows = {name: [(key, json.dumps(tuple(row))) for key, row in t.items()] for name, t in self.tables.items()}
        self.tables = {}
        self.state = RuleState(self.table)
        for name, pairs in rows.items():
            for key, row in reversed(pairs):
                self.table(name).load(key, tuples(json.loads(row)))
        self.state.index()

    def _hear(self, told: Iterable[Match]) -> list[Match]:
        told = list(told)
        for match in told:
            self.told.append(match)
            names = self._members.setdefault(match.line, {})
            for gone in match.removed:
                del names[gone.source_id]
            names.update({each.source_id: each.time for each in match.added})
            for name in match.replaces:
                del self.open[name]
            if match.withdrawn:
                del self.open[match.id]
            else:
                self.open[match.id] = match
        return told
