"""Context that alters what units said: which units it concerns, and which of them need a revision for it. Pure.

A record of context is noted when it comes, and looked into at the next moment of the log's clock, all that came until
then in one walk over the open units. Concerned is a unit with a signal on the component (or on one that depends on it),
or with the CVE, where the record is in force at the unit's newest signal. It gets a revision if what it would say, with
everything else as it was, differs from what it said: so a feed that is read again, or that tells of tomorrow, costs no
revision. Until then the records are rows, so that a restart in between alters nothing.

The cost of a record is one row; of a walk, the open sessions of the partition and one build of each concerned unit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from schemas.events import ContextRecord
from schemas.unit import Unit
from streams.correlation.context import block_of, spelt
from streams.correlation.exploitability import WEAKNESSES
from streams.correlation.facts import UNKNOWN, Facts
from streams.correlation.interval import FOREVER
from streams.correlation.lifecycle import RANK
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain, State
from streams.correlation.unit_notes import summary

TABLE: Final = "stirred"
"""Shared by all domains: kind \\x1f key -> (log offset of the newest record, component of an exception or "")."""

_SEP = "\x1f"
_KINDS = ("catalog", "policy_exception", "kev", "epss")

Build = Callable[[Domain, str, UnitRow], Unit]
"""What a unit says, given its row."""


def note(state: State, event: ContextRecord, offset: int) -> None:
    """Note a record before it is put into the context, if it says anything new and there is a unit to concern."""
    if event.kind not in _KINDS or not any(domain.units for domain in state.domains.values()):
        return
    before = state.context.at(event.kind, event.key, FOREVER)
    if event.record == (None if before is None else before.record):
        return
    component = ""
    if event.kind == "policy_exception":
        said = event.record if event.record is not None or before is None else before.record
        component = str((said or {}).get("component", ""))
    state.shared.table(TABLE)[event.kind + _SEP + event.key] = (offset, component)


def waits(state: State) -> bool:
    """Whether anything was noted and not yet looked into."""
    return bool(state.shared.table(TABLE))


def differing(
    state: State, facts: Callable[[str], Facts | None], name: Callable[[str], str], build: Build
) -> list[tuple[Domain, str]]:
    """The open units that would say something else now, by domain and cluster; what was noted is done with.

    Units that wait for a revision anyway are left out. ``name`` gives a component's name by its catalog reference.
    """
    table = state.shared.table(TABLE)
    news = _News(state, {key: cast(tuple[int, str], row) for key, row in table.items()}, facts, name)
    for key in sorted(table):
        del table[key]
    out: list[tuple[Domain, str]] = []
    for domain_name in sorted(state.domains):
        domain = state.domains[domain_name]
        for cluster in sorted(domain.units):
            unit = cast(UnitRow, domain.units[cluster])
            if unit.status != "open" or not unit.revision or RANK.get(unit.pending or "", -1) >= RANK["context"]:
                continue
            rows = (cast(SignalRow, domain.signals[key]) for key in domain.signals_of.get(cluster, ()))
            if any(news.concerns(row, unit.last) for row in rows):
                said = build(domain, cluster, unit)
                if summary(said) != unit.shown or said.digest != unit.digest:
                    out.append((domain, cluster))
    return out


class _News:
    """What was noted, by what signals carry."""

    def __init__(
        self,
        state: State,
        noted: dict[str, tuple[int, str]],
        facts: Callable[[str], Facts | None],
        name: Callable[[str], str],
    ) -> None:
        self.context = state.context
        self.noted = noted
        self.facts = facts
        self.components = {spelt(name(key.partition(_SEP)[2])) for key in noted if key.startswith("catalog" + _SEP)}
        self.waived: dict[str, list[str]] = {}
        for key, (_, component) in sorted(noted.items()):
            if component:
                self.waived.setdefault(spelt(component), []).append(key)
        self.known: dict[str, bool] = {}

    def concerns(self, row: SignalRow, last: int) -> bool:
        """Whether anything noted is about the signal and in force at the event time ``last``."""
        if row.component is not None and self._place(row.component, last):
            return True
        if row.kind not in WEAKNESSES:
            return False
        cves = [name for each in (row.rule or "", *row.aliases) if (name := each.upper()).startswith("CVE-")]
        return any(
            self._holds(kind, key, last) for c in cves for kind, key in (("kev", c), ("epss", c), ("epss", block_of(c)))
        )

    def _place(self, component: str, last: int) -> bool:
        found = self.known.get(component)
        if found is None:
            around = (component, *(self.facts(component) or UNKNOWN).depends_on)
            found = self.known[component] = any(spelt(each) in self.components for each in around)
        return found or any(
            self._holds("policy_exception", key.partition(_SEP)[2], last)
            for key in self.waived.get(spelt(component), ())
        )

    def _holds(self, kind: str, key: str, last: int) -> bool:
        noted = self.noted.get(kind + _SEP + key)
        if noted is None:
            return False
        fact = self.context.at(kind, key, last)
        return fact is not None and fact.version.partition("-")[0] == str(noted[0])
