"""Suppression of one domain: evidence in, decisions out, and which units each pattern hides.

All that it knows is rows of the tables it is given. A unit is hidden only if each of its patterns is suppressed, so a
pattern that comes back brings back every unit that has it. What to emit again is returned as clusters; the caller
gives each of them a revision, which asks ``decide`` again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, cast

from schemas.unit import Suppression
from streams.correlation.rows import SignalRow
from streams.correlation.suppression.evidence import Evidence
from streams.correlation.suppression.guard import MOST_PATTERNS, Look, guarded
from streams.correlation.suppression.kept import surging, undecided
from streams.correlation.suppression.pattern import Pattern, Shape, shapes
from streams.correlation.suppression.rows import Carried, Decision
from streams.correlation.suppression.shown import Hiding, shown, words
from streams.correlation.suppression.thresholds import Thresholds
from streams.correlation.table import Table

BY_EVIDENCE: Final = "weir"
"""Owner of a suppression that nobody decided, where the component has none."""

WORTH: Final = {"true_positive": 1, "false_positive": 0, "benign": 0}
"""Verdicts that say whether a pattern is worth acting on. Any other takes back what the reviewer said before."""

ON_EVIDENCE: Final = "seen again and again, judged to be nothing, never escalated"


class Ruling(NamedTuple):
    """``suppression`` is the unit's; ``again`` the other open units that have a pattern which it was first to hide.

    ``begun``: a suppression begins with it. ``kept``: why the unit stays or comes back, in words; empty if it leaves.
    """

    suppression: Suppression | None
    again: list[str]
    begun: bool
    kept: str


class Patterns:
    """The patterns of a domain. ``table`` gives the table of a name (``Domain.table``).

    ``index`` must follow a restore or an undo. Every method that can change what is shown returns the clusters, sorted,
    that need a revision for it.
    """

    def __init__(self, table: Callable[[str], Table]) -> None:
        self.evidence = Evidence(table("verdicts"), table("outcomes"), table("repeats"))
        self.decisions = table("suppressions")
        self.carried = table("carried")
        self.forgotten = table("patterns_forgotten")
        self.hidden: set[str] = set()
        """Clusters whose last revision was suppressed, sampled ones included."""
        self._having: dict[str, set[str]] = {}  # pattern -> clusters with it
        self._next: int | None = None
        self._known = False

    def index(self) -> None:
        """What follows from the rows is to be found again."""
        self._known = False
        self.evidence.index()
        self.hidden, self._having = set(), {}
        for cluster, row in self.carried.items():
            self._place(cluster, Carried(*row))

    # What people and the course of things say

    def note_verdict(
        self,
        cluster: str,
        unit_id: str,
        reviewer: str,
        verdict: str,
        time: int,
        review: str,
        now: int,
        thresholds: Thresholds,
    ) -> list[str]:
        """A reviewer's verdict on a unit, for each pattern that it showed at its last revision.

        Gives the units that come back, where it shakes a suppression, or that may leave, where evidence is enough now.
        A unit that is not known any more changes nothing.
        """
        carried = self._carried(cluster)
        if carried is None:
            return []
        time = min(time, now)
        worth = WORTH.get(verdict, -1)
        for pattern, rate, hours in zip(carried.patterns, carried.rates, carried.hours, strict=True):
            self.evidence.verdict(pattern, (time, review, reviewer, unit_id, worth, rate, hours))
        back = self._shaken(carried.patterns, now, thresholds) if worth else []
        ready = {pattern for pattern in carried.patterns if worth <= 0 and self._ready(pattern, now, thresholds)}
        return sorted({*back, *self._with(ready)})

    def note_idle(self, cluster: str, day: int) -> None:
        """The unit closes and nobody had looked at it: a weak word that it was nothing. Not for units that were hidden.

        ``day`` counts from 1970, by the log's clock.
        """
        carried = self._carried(cluster)
        if carried is not None and (not carried.hidden or carried.sampled):
            for pattern in carried.patterns:
                self.evidence.idle(pattern, day)

    def note_escalation(self, cluster: str, time: int, review: str, now: int, thresholds: Thresholds) -> list[str]:
        """The unit is escalated: what hid its patterns on evidence alone ends. Gives the units that come back."""
        carried = self._carried(cluster)
        if carried is None:
            return []
        for pattern in carried.patterns:
            self.evidence.escalated(pattern, min(time, now), review)
        return self._shaken(carried.patterns, now, thresholds)

    def _ready(self, pattern: str, now: int, thresholds: Thresholds) -> bool:
        """Whether evidence would begin a suppression of it now."""
        decision = self._decision(pattern)
        if not thresholds.automatic or (decision is not None and decision.on):
            return False
        after, renewal = (None, None) if decision is None else (decision.after, decision.renewal)
        return self.evidence.tally(pattern, now, thresholds, after, renewal).lacking(thresholds) is None

    def refit(self, now: int, thresholds: Thresholds) -> list[str]:
        """Other thresholds are in force: end what was suppressed on evidence that is not enough for them."""
        return self._shaken(sorted(self.decisions), now, thresholds)

    def _shaken(self, patterns: Iterable[str], now: int, thresholds: Thresholds) -> list[str]:
        """End the suppressions on evidence whose evidence does not hold any more."""
        ended = set()
        for pattern in patterns:
            decision = self._decision(pattern)
            if decision is None or not decision.on or not decision.automatic:
                continue
            tally = self.evidence.tally(pattern, now, thresholds, decision.after, None)
            if not thresholds.automatic or tally.lacking(thresholds) is not None:
                self._write(pattern, decision._replace(on=False, renewal=now))
                ended.add(pattern)
        return self._hidden_by(ended)

    # Decisions

    def suppress(
        self,
        patterns: Iterable[str],
        owner: str,
        reason: str,
        until: int | None,
        time: int,
        review: str,
        now: int,
        thresholds: Thresholds,
    ) -> list[str]:
        """A reviewer suppresses patterns until ``until`` (ms) or as long as is allowed; gives the open units with them.

        A decision on a pattern that is older than the one in force, by time and review id, is ignored. What ``guarded``
        names stays in the queue all the same.
        """
        time, longest = min(time, now), now + thresholds.longest_ms
        changed = set()
        for pattern in sorted(set(patterns)):
            before = self._decision(pattern)
            if _overtaken(before, time, review):
                continue
            end = longest if until is None else min(until, longest)
            after, renewal = (None, None) if before is None else (before.after, before.renewal)
            rate = self._rate(pattern)
            decision = Decision(end > now, False, owner, reason, now, end, time, review, after, renewal, rate)
            self._write(pattern, decision)
            changed.add(pattern)
        return self._with(changed)

    def unsuppress(
        self, patterns: Iterable[str], reviewer: str, reason: str, time: int, review: str, now: int
    ) -> list[str]:
        """A reviewer takes suppressions back: gives every unit of the state that the patterns hid.

        What was said about them before counts no more; evidence has to be gathered again.
        """
        time = min(time, now)
        ended = set()
        for pattern in sorted(set(patterns)):
            before = self._decision(pattern)
            if _overtaken(before, time, review):
                continue
            decision = Decision(False, False, reviewer, reason, now, now, time, review, time, time, 0.0)
            self._write(pattern, decision)
            ended.add(pattern)
        return self._hidden_by(ended)

    def next_due(self) -> int | None:
        """The log time at which the next suppression ends."""
        if not self._known:
            decisions = (Decision(*row) for row in self.decisions.values())
            self._next = min((decision.until_log for decision in decisions if decision.on), default=None)
            self._known = True
        return self._next

    def due(self, now: int) -> list[str]:
        """End what ends by log time ``now``: gives every unit of the state that it hid."""
        end = self.next_due()
        if end is None or end > now:
            return []
        ended = set()
        for pattern in sorted(self.decisions):
            decision = self._decision(pattern)
            if decision is not None and decision.on and decision.until_log <= now:
                self._write(pattern, decision._replace(on=False, renewal=decision.since_log))
                ended.add(pattern)
        return self._hidden_by(ended)

    # Units

    def decide(
        self,
        cluster: str,
        look: Look,
        signals: Sequence[SignalRow],
        now: int,
        thresholds: Thresholds,
        otherwise: Suppression | None = None,
    ) -> Ruling:
        """Whether a unit whose revision is due leaves the primary queue, and why; notes what patterns it has.

        What is ``sampled`` is for the primary queue, too. ``now`` is the log's. ``otherwise``: what holds the unit back
        if its patterns don't, and nothing guards it.
        """
        of = shapes(signals)
        for pattern, shape in of.items():
            self.evidence.seen(pattern.id, words(pattern), shape.days)
        if len(self.evidence.repeats) > thresholds.patterns:
            self._make_room(thresholds.patterns)
        found = None
        begun: set[str] = set()
        if not of:
            kept = "no signals are left"
        elif len(of) > MOST_PATTERNS:
            kept = f"it has {len(of)} patterns"
        elif (kept := guarded(look, signals) or "") == "":
            found, begun, kept = self._found(look, of, now, thresholds)
            if found is None and otherwise is not None:
                found, kept = otherwise, ""
        carried = Carried(
            tuple(p.id for p in of)[:MOST_PATTERNS],
            tuple(float(f"{shape.rate:.3g}") for shape in of.values())[:MOST_PATTERNS],
            tuple(shape.hours for shape in of.values())[:MOST_PATTERNS],
            found is not None,
            found is not None and found.sampled,
            "" if found is None else found.pattern,
            0 if found is None or found is otherwise else min(self.decisions[pattern.id][5] for pattern in of),
        )
        self._carry(cluster, carried)
        return Ruling(found, [other for other in self._with(begun) if other != cluster], bool(begun), kept)

    def shows(self, cluster: str) -> bool:
        """Whether the unit's last revision was for the primary queue; true of what had none."""
        carried = self._carried(cluster)
        return carried is None or not carried.hidden or carried.sampled

    def standing(self, cluster: str) -> tuple[bool, bool, str, int]:
        """What a reader was told of the unit's suppression: hidden, sampled, the pattern, until when."""
        carried = self._carried(cluster)
        return (False, False, "", 0) if carried is None else carried[3:]

    def knows(self, pattern: str) -> bool:
        """Whether the domain has seen the pattern, or somebody decided on it, and it is not forgotten."""
        return pattern in self.evidence.repeats or pattern in self.decisions

    def forget(self, cluster: str) -> None:
        """The unit leaves the state, or became part of another: its rows go."""
        self._carry(cluster, None)

    def rename(self, cluster: str, into: str) -> None:
        """The unit is of another cluster from now on."""
        carried = self._carried(cluster)
        self._carry(cluster, None)
        self._carry(into, carried)

    def _carry(self, cluster: str, carried: Carried | None) -> None:
        before = self._carried(cluster)
        if before == carried:
            return
        if before is not None:
            self.hidden.discard(cluster)
            for pattern in before.patterns:
                having = self._having[pattern]
                having.discard(cluster)
                if not having:
                    del self._having[pattern]
        if carried is None:
            self.carried.discard(cluster)
        else:
            self.carried[cluster] = carried
            self._place(cluster, carried)

    def _place(self, cluster: str, carried: Carried) -> None:
        if carried.hidden:
            self.hidden.add(cluster)
        for pattern in carried.patterns:
            self._having.setdefault(pattern, set()).add(cluster)

    def patterns(self, cluster: str) -> tuple[str, ...]:
        """The patterns that the unit had at its last revision."""
        carried = self._carried(cluster)
        return () if carried is None else carried.patterns

    def _found(
        self, look: Look, of: dict[Pattern, Shape], now: int, thresholds: Thresholds
    ) -> tuple[Suppression | None, set[str], str]:
        """The suppression, if every pattern is suppressed or may be from now on; those that are; else why not."""
        hiding: list[Hiding] = []
        fresh: dict[str, Decision] = {}
        for pattern, shape in of.items():
            decision = self._decision(pattern.id)
            if decision is None or not decision.on or decision.until_log <= now:
                after, renewal = (None, None) if decision is None else (decision.after, decision.renewal)
                tally = self.evidence.tally(pattern.id, now, thresholds, after, renewal)
                lacking = tally.lacking(thresholds) if thresholds.automatic else "only reviewers suppress"
                if lacking is not None:
                    return None, set(), undecided(words(pattern), decision, lacking, now)
                owner, end = look.owner or BY_EVIDENCE, now + thresholds.for_ms
                time, review = (0, "") if decision is None else (decision.time, decision.review)
                decision = Decision(True, True, owner, ON_EVIDENCE, now, end, time, review, after, renewal, 0.0)
                fresh[pattern.id] = decision
            else:
                tally = self.evidence.tally(pattern.id, now, thresholds, decision.after, None)
            judged = max(tally.rate, decision.rate)
            if _surges(shape, judged, thresholds):
                return None, set(), surging(words(pattern), shape.rate, judged)
            hiding.append(Hiding(pattern, shape, decision, tally))
        for name, decision in fresh.items():
            self._write(name, decision)
        return shown(look.unit_id, hiding, thresholds.sample), set(fresh), ""

    def _hidden_by(self, patterns: set[str]) -> list[str]:
        """Every unit that one of the patterns hid."""
        return [cluster for cluster in self._with(patterns) if cluster in self.hidden]

    def _with(self, patterns: set[str]) -> list[str]:
        return sorted({cluster for pattern in patterns for cluster in self._having.get(pattern, ())})

    def _rate(self, pattern: str) -> float:
        """The most an hour that a unit shows of it."""
        rows = (Carried(*self.carried[cluster]) for cluster in self._having.get(pattern, ()))
        return max((row.rates[row.patterns.index(pattern)] for row in rows), default=0.0)

    def _carried(self, cluster: str) -> Carried | None:
        row = self.carried.get(cluster)
        return None if row is None else Carried(*row)

    def _decision(self, pattern: str) -> Decision | None:
        row = self.decisions.get(pattern)
        return None if row is None else Decision(*row)

    def _write(self, pattern: str, decision: Decision) -> None:
        self.decisions[pattern] = decision
        self._known = False

    def _make_room(self, most: int) -> None:
        """Forget a tenth: first what nobody judged, longest unseen first. What is suppressed stays: it runs out."""
        of = self.evidence
        on = {pattern for pattern, row in self.decisions.items() if row[0]}

        def worth(pattern: str) -> tuple[bool, bool, int, str]:
            days = cast("tuple[int, ...]", of.repeats[pattern][1])
            return pattern in self.decisions, pattern in of.verdicts, max(days, default=0), pattern

        gone = sorted((pattern for pattern in of.repeats if pattern not in on), key=worth)
        gone = gone[: len(of.repeats) - most + most // 10]
        for pattern in gone:
            of.forget(pattern)
            self.decisions.discard(pattern)
        self.forgotten["patterns"] = (self.forgotten.get("patterns", (0,))[0] + len(gone),)


def _overtaken(before: Decision | None, time: int, review: str) -> bool:
    """Whether a reviewer's later decision, or this one, was taken already. One on evidence never overtakes."""
    return before is not None and (before.time, before.review) >= (time, review)


def _surges(shape: Shape, judged: float, thresholds: Thresholds) -> bool:
    """Whether a unit shows far more of a pattern than was ever judged: what was decided is not about this."""
    return shape.rate > max(thresholds.surge_floor, thresholds.surge * judged)
