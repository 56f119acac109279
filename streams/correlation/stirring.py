"""Context that alters what units said: which units it concerns, and which of them need a revision for it. Pure.

A record of context is noted when it comes, and looked into at the next moment of the log's clock, all that came until
then in one walk over the open units. Concerned is a unit with a signal on the component (or on one that depends on
it), or with the CVE, where the record is in force at the unit's newest signal. Of who is on call, of windows and
freezes it is any with a signal on the component, or of the system or team, whenever they are in force; of VEX
statements and cases any with the CVE, rule or title; of what was seen to be open, any of that place. It gets a
revision if what it would say, with everything else as it was, differs from what it said: so a feed that is read
again, or that tells of tomorrow, costs no revision. Until then the records are rows, so that a restart in between
alters nothing.

The cost of a record is one row; of a walk, the open sessions of the partition and one build of each concerned unit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from schemas.events import ContextRecord
from schemas.unit import Unit
from streams.correlation.cases import subjects as about
from streams.correlation.context import bare, block_of, spelt, subjects
from streams.correlation.exploitability import WEAKNESSES
from streams.correlation.facts import UNKNOWN, Facts
from streams.correlation.interval import FOREVER
from streams.correlation.lifecycle import RANK
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain, State
from streams.correlation.unit_notes import summary

TABLE: Final = "stirred"
"""Shared by all domains: kind \\x1f key -> (log offset of the newest record, component of an exception or "", or
what a record of ``_ABOUT`` was and is about, parted by \\x1d)."""

_SEP = "\x1f"
_ABOUT = frozenset({"on_call", "deployment_window", "freeze", "vex", "case"})
"""Kinds that are noted with what they were and are about (``context.subjects``)."""

_KINDS = frozenset({"catalog", "policy_exception", "kev", "epss"}) | _ABOUT
_NAMED = frozenset({"vex", "case"})
"""Kinds that are about a vulnerability, a rule or a title; the others about a component, a system or a team."""

_OPEN = "open"
"""In the place of a kind what the log shows to be open; its key is domain \\x1f row of ``exposure.TABLE``."""

_AND = "\x1d"

Build = Callable[[Domain, str, UnitRow], Unit]
"""What a unit says, given its row."""


def note(state: State, event: ContextRecord, offset: int) -> None:
    """Note a record before it is put into the context, if it says anything new and there is a unit to concern."""
    if event.kind not in _KINDS or not any(domain.units for domain in state.domains.values()):
        return
    before = state.context.at(event.kind, event.key, FOREVER)
    if event.record == (None if before is None else before.record):
        return
    key = event.kind + _SEP + event.key
    if event.kind in _ABOUT:
        known = cast(tuple[int, str] | None, state.shared.table(TABLE).get(key))
        concerned = [] if known is None else known[1].split(_AND)
        concerned += [
            each for said in (before and before.record, event.record) if said for each in subjects(event.kind, said)
        ]
        state.shared.table(TABLE)[key] = (offset, _AND.join(sorted(set(concerned))))
        return
    component = ""
    if event.kind == "policy_exception":
        said = event.record if event.record is not None or before is None else before.record
        component = str((said or {}).get("component", ""))
    state.shared.table(TABLE)[key] = (offset, component)


def note_open(state: State, domain: Domain, place: str, offset: int) -> None:
    """Note that it was seen what of a place is open to the internet, if there is a unit to concern."""
    if domain.units:
        state.touched.add("")
        state.shared.table(TABLE)[_OPEN + _SEP + domain.name + _SEP + place] = (offset, "")


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
            if any(news.concerns(domain_name, row, unit.last) for row in rows):
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
        self.opened = {key.partition(_SEP)[2] for key in noted if key.startswith(_OPEN + _SEP)}
        self.places: set[str] = set()
        self.names: set[str] = set()
        self.waived: dict[str, list[str]] = {}
        for key, (_, component) in sorted(noted.items()):
            kind = key.partition(_SEP)[0]
            if kind in _ABOUT:
                (self.names if kind in _NAMED else self.places).update(component.split(_AND))
            elif component:
                self.waived.setdefault(spelt(component), []).append(key)
        self.known: dict[str, bool] = {}

    def concerns(self, domain: str, row: SignalRow, last: int) -> bool:
        """Whether anything noted is about the signal and, where that can be told, in force at event time ``last``."""
        if row.component is not None and self._place(row.component, last):
            return True
        if self.opened and self._open(domain, row):
            return True
        if self.names and not self.names.isdisjoint(about([row])):
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
            found = any(spelt(each) in self.components for each in around)
            found = self.known[component] = found or bool(self.places and self._around(component))
        return found or any(
            self._holds("policy_exception", key.partition(_SEP)[2], last)
            for key in self.waived.get(spelt(component), ())
        )

    def _around(self, component: str) -> bool:
        """Whether a duty, a window or a freeze was noted of the component, its system, its owner or of everything."""
        of = self.facts(component) or UNKNOWN
        named = (("component", component), ("system", of.system), ("team", of.owner))
        return not self.places.isdisjoint({"", *(f"{field}:{bare(name)}" for field, name in named if name)})

    def _open(self, domain: str, row: SignalRow) -> bool:
        places = (row.component,) if row.component is not None else (_SEP + name for _, name in row.entities)
        return any(f"{domain}{_SEP}{place}" in self.opened for place in places)

    def _holds(self, kind: str, key: str, last: int) -> bool:
        noted = self.noted.get(kind + _SEP + key)
        if noted is None:
            return False
        fact = self.context.at(kind, key, last)
        return fact is not None and fact.version.partition("-")[0] == str(noted[0])
