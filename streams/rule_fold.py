"""Rules within the fold: what they see, when time passes for them, and what they say put into units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from schemas.events import Activity, Change, Finding
from schemas.rule import Rule
from streams.correlation.rows import SignalRow
from streams.correlation.rule_matches import hooked, tell
from streams.correlation.rules.check import edited
from streams.correlation.rules.match import Match
from streams.correlation.rules.rule_set import compile_rules
from streams.correlation.state import Domain, State
from streams.correlation.watermark import hear, watermark
from streams.sources.registry import SOURCES

DEFAULT_LATENESS_MS: Final = 300_000
LATENESS_MS: Final = {source.name: int(source.lateness.total_seconds() * 1000) for source in SOURCES}

Told = list[tuple[str, str]]
"""Session and id of matches that are new members; "" and the id of those that are members no more."""


class BadRules(ValueError):
    """The rules of a config record cannot be taken: the record is a dead letter, and what was in force stays."""


class RuleFold:
    """The rules in force on a partition; what they have seen is in the domains' tables."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.rules, _ = compile_rules(())

    def digest(self) -> str:
        """Of the rules in force."""
        return self.rules.digest()

    def restore(self) -> None:
        """Take the rules that the state's parameters hold: they were checked when they came."""
        self.rules, _ = compile_rules(self._state.parameters.rules)

    def adopt(self, rules: Sequence[Rule]) -> None:
        """Put other rules in force. ``state.parameters`` are those before.

        Raises:
            BadRules: with all faults; nothing changed.
        """
        compiled, faults = compile_rules(rules)
        if faults := [*faults, *edited(self._state.parameters.rules, rules)]:
            raise BadRules("; ".join(map(str, faults)))
        self.rules = compiled
        for name, domain in self._state.domains.items():
            if domain.rules.tallies:
                self._state.touched.add(name)
                domain.rules.adopt(compiled.plans)

    def hooked(self, event: Activity | Finding | Change, signal: SignalRow) -> SignalRow:
        """The signal with the hooks of the rules that its event is a part of."""
        return hooked(self.rules, event, signal) if self.rules.plans else signal

    def observe(
        self, domain: Domain, event: Activity | Finding | Change, time: int, now: int, offset: int, *, late: bool
    ) -> Told:
        """Let the rules see an event. ``time``: its event time, ``now``: the log's clock, ms."""
        rules = self.rules
        if not rules.plans:
            return []
        table = domain.table("watermark")
        hear(table, event.source, now)
        passed = watermark(table, domain.seen, now, LATENESS_MS, DEFAULT_LATENESS_MS)
        told: Told = []
        if missed := rules.advance(domain.rules, passed):
            told += self._tell(domain, missed, now, offset)
        if matches := rules.observe(domain.rules, event, time, passed):
            told += self._tell(domain, matches, now, offset, late=late)
        return told

    def wait(self, now: int, offset: int) -> Iterator[tuple[str, Told]]:
        """Let the rules see that time passed, though nothing arrived: what they say, by domain."""
        if not self.rules.plans:
            return
        for name in sorted(self._state.domains):
            domain = self._state.domains[name]
            if not domain.rules.groups:
                continue
            self._state.touched.add(name)
            passed = watermark(domain.table("watermark"), domain.seen, now, LATENESS_MS, DEFAULT_LATENESS_MS)
            if matches := self.rules.advance(domain.rules, passed):
                yield name, list(self._tell(domain, matches, now, offset))

    def _tell(
        self, domain: Domain, matches: Sequence[Match], now: int, offset: int, *, late: bool = False
    ) -> Iterator[tuple[str, str]]:
        return tell(self._state, domain, self.rules, matches, late=late, log_time=now, offset=offset)
