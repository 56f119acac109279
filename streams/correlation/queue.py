"""Whether a revision is for the primary queue, or for what is suppressed; and what has units looked at again for it.

A unit is in one place at a time. The revision with which it goes to the other place is for both, as the same record:
so the last record of a unit in either place says whether it is still there. A unit that leaves with its first revision
is never told to the queue. One that was merged away says so where it was last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

from schemas.unit import Reason, Suppression, Unit
from streams.correlation.context import Context
from streams.correlation.facts import Facts
from streams.correlation.lifecycle import idle_from, touch
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.state import Domain, State
from streams.correlation.suppression.guard import Look
from streams.correlation.suppression.held import BUDGET, PASSED, RELEASED, held
from streams.correlation.suppression.thresholds import DAY_MS

PRIMARY: Final = "units"
ASIDE: Final = "suppressed"
"""The roles of the two topics."""


class Revision(NamedTuple):
    """A revision, and the topics it is for: where the unit is now, then where it was until now, if that is another."""

    unit: Unit
    places: tuple[str, ...]


class Placed(NamedTuple):
    """What suppression says of a revision. ``moved``: other than before, in words for the reader; empty if the same.

    ``ruled``: how the unit stands with the alert budget now, for its row.
    """

    suppression: Suppression | None
    places: tuple[str, ...]
    moved: str
    ruled: tuple[Any, ...] = ()

    def told(self, unit: Unit) -> Unit:
        """The unit with its suppression, and with the move in its diff."""
        diff = unit.diff
        if diff is not None and self.moved:
            text = "; ".join(part for part in (self.moved, diff.text) if part and part != NOTHING)
            diff = diff.model_copy(update={"fields": (*diff.fields, "suppression"), "text": text})
        return unit.model_copy(update={"suppression": self.suppression, "diff": diff})


NOTHING: Final = "nothing that is shown"
"""What ``unit_notes.difference`` says where there is none."""


def place(
    state: State,
    domain: Domain,
    cluster: str,
    row: UnitRow,
    unit: Unit,
    facts: Callable[[str], Facts | None],
    log_time: int,
) -> Placed:
    """Where this revision goes. ``row`` is the unit's row with it, ``unit`` what it says.

    Notes the unit's patterns; has other units looked at again if a suppression begins with this one.
    """
    patterns = domain.patterns
    before = PRIMARY if patterns.shows(cluster) else ASIDE
    if row.status == "merged":
        return Placed(None, (before,), "", row.ruled)
    was = patterns.standing(cluster)
    signals = _signals(domain, cluster)
    look = _look(domain, cluster, unit, signals, facts, state.context, log_time)
    reviews = {domain.reviews[key][3] for key in domain.notes_of.get(("reviews", cluster), ())}

    def rule(unit_id: str, p: float, day: int) -> tuple[bool, float, int | None]:
        return state.rule(domain, unit_id, p, day)

    ruled, otherwise = held(row, signals, reviews, log_time, rule)
    ruling = patterns.decide(cluster, look, signals, log_time, state.thresholds, otherwise)
    if ruling.begun:
        state.arm_patterns(domain)
        again(state, domain, ruling.again, log_time)
    found = ruling.suppression
    now = PRIMARY if found is None or found.sampled else ASIDE
    places = (now,) if row.revision == 1 or now == before else (now, before)
    if patterns.standing(cluster) == was:
        return Placed(found, places, "", tuple(ruled or ()))
    kept = (RELEASED if ruled is None else PASSED) if was[2] == BUDGET and otherwise is None else ruling.kept
    return Placed(found, places, _moved(found, now == before, kept), tuple(ruled or ()))


def settle(reason: Reason, same: bool, placed: Placed) -> Reason | None:
    """The reason that a revision is given in the end; None if it makes no difference and must not leave.

    ``same``: its digest is that of the revision before. A look for a change or for a suppression may find nothing.
    """
    if reason == "suppression" or (reason == "change" and same):
        return "suppression" if placed.moved else None
    return reason


def note_idle(state: State, domain: Domain, cluster: str, unit: UnitRow, log_time: int) -> None:
    """The unit closes: if it was idle and nobody reviewed it, that is a weak word that it was nothing."""
    if idle_from(unit, state.parameters) <= log_time and not domain.notes_of.get(("reviews", cluster)):
        domain.patterns.note_idle(cluster, log_time // DAY_MS)


def again(state: State, domain: Domain, clusters: Iterable[str], log_time: int) -> None:
    """Have units looked at again: what hides them, or kept them, is not what it was. Costs what there are of them."""
    for cluster in clusters:
        before = cast(UnitRow, domain.units[cluster])
        unit = touch(before, "suppression", log_time, state.parameters)
        if unit is not before:
            domain.units[cluster] = unit
            state.arm(domain, cluster, unit)


def end(state: State, domain: Domain, log_time: int) -> None:
    """End the suppressions that end by now, and have what they hid looked at again."""
    again(state, domain, domain.patterns.due(log_time), log_time)
    state.arm_patterns(domain)


def refit(state: State, log_time: int) -> None:
    """Other thresholds are in force."""
    for name in sorted(state.domains):
        domain = state.domains[name]
        if found := domain.patterns.refit(log_time, state.thresholds):
            state.touched.add(name)
            again(state, domain, found, log_time)


def learn(state: State, kind: str, name: str, log_time: int) -> None:
    """The world is known otherwise: look at what is hidden and is about it, lest it hide what must never be.

    ``kind`` ``kev``: ``name`` is a CVE; ``catalog``: a component. Walks over all that is hidden.
    """
    for domain_name in sorted(state.domains):
        domain = state.domains[domain_name]
        found = [
            cluster
            for cluster in sorted(domain.patterns.hidden)
            if any(_about(kind, name, signal) for signal in _signals(domain, cluster))
        ]
        if found:
            state.touched.add(domain_name)
            again(state, domain, found, log_time)


def _signals(domain: Domain, cluster: str) -> list[SignalRow]:
    """The sessions of a unit, in no order."""
    return [cast(SignalRow, domain.signals[key]) for key in domain.signals_of.get(cluster, ())]


def _about(kind: str, name: str, signal: SignalRow) -> bool:
    return signal.component == name if kind == "catalog" else name in _weaknesses(signal)


def _weaknesses(signal: SignalRow) -> Sequence[str]:
    return [each.upper() for each in (signal.rule or "", *signal.aliases)]


def _look(
    domain: Domain,
    cluster: str,
    unit: Unit,
    signals: Sequence[SignalRow],
    facts: Callable[[str], Facts | None],
    context: Context,
    log_time: int,
) -> Look:
    """What suppression asks for: exploitation and exposure as they are known now, not as of the newest signal only."""
    facing = unit.exploitability.internet_facing
    if not facing and any(known.internet_facing for c in unit.components if (known := facts(c)) is not None):
        facing = True
    return Look(
        unit_id=unit.unit_id,
        severity=unit.severity,
        kev=bool(unit.exploitability.kev) or any(_exploited(signal, context, log_time) for signal in signals),
        internet_facing=facing,
        disposition=unit.disposition,
        escalated=any(domain.reviews[key][3] == "escalate" for key in domain.notes_of.get(("reviews", cluster), ())),
        owner=unit.owner,
    )


def _exploited(signal: SignalRow, context: Context, log_time: int) -> bool:
    if not signal.aliases and (signal.rule is None or signal.rule[:3] not in ("CVE", "cve")):
        return False
    return any(context.has("kev", name) and context.at("kev", name, log_time) for name in _weaknesses(signal))


def _moved(found: Suppression | None, stays: bool, kept: str) -> str:
    if found is None:
        return f"back in the primary queue: {kept}"
    if found.sampled:
        return f"surfaced as a sample of what is suppressed: {found.title}"
    until = "" if found.expires is None else f" until {found.expires:%Y-%m-%d}"
    return f"{'suppressed' if stays else 'left the primary queue'}{until} by {found.owner}: {found.title}"
