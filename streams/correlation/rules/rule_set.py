"""The rules in force: compiled together, indexed by the literals that they ask for, and run on one event at a time.

>>> from types import SimpleNamespace
>>> from schemas.rule import Rule
>>> from streams.correlation.table import Table
>>> rule = Rule.model_validate({
...     "name": "burst", "version": 1, "title": "Many refusals", "kind": "count", "at_least": 3, "timespan": "60s",
...     "group_by": "ip", "steps": [{"id": "refused", "where": {"action": "ssh:Login", "outcome": "failure"}}]})
>>> rules, faults = compile_rules([rule])
>>> state = RuleState(lambda name: Table(name, []))
>>> def refused(id, time):
...     event = SimpleNamespace(type="activity", source="sshd", source_id=id, action="ssh:Login", outcome="failure",
...                             entities=(("ip", "198.51.100.7"),))
...     return rules.observe(state, event, time, watermark=time)
>>> refused("a", 0), refused("b", 30_000)
([], [])
>>> [match] = refused("c", 10_000)  # late, and in between
>>> match.first, match.last, match.members, [member.source_id for member in match.added]
(0, 30000, 3, ['a', 'c', 'b'])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from schemas.rule import Rule
from streams.correlation.rules.check import Fault, faults
from streams.correlation.rules.fields import TYPES, Event
from streams.correlation.rules.groups import RuleState
from streams.correlation.rules.index import Index
from streams.correlation.rules.match import Match
from streams.correlation.rules.plan import Plan, PlannedStep
from streams.correlation.rules.take import take, wake


def compile_rules(rules: Iterable[Rule]) -> tuple[RuleSet, list[Fault]]:
    """The rules without faults, ready to run, and all faults of the others."""
    given = list(rules)
    found = faults(given)
    broken = {fault.rule for fault in found}
    return RuleSet([Plan(rule) for rule in given if rule.key not in broken]), found


class RuleSet:
    """Compiled rules; made by ``compile_rules``. It keeps nothing: all state is in the ``RuleState`` of a domain.

    Matches come in the order of rule and group. What is told of one domain depends on its rows, the event and the
    watermark alone.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = {plan.key: plan for plan in sorted(plans, key=lambda plan: plan.key)}
        self._index = {name: Index(name, self.plans.values()) for name in sorted(TYPES)}

    def rule(self, key: str) -> Rule:
        """The rule that a match names."""
        return self.plans[key].rule

    def lines(self, event: Event) -> list[tuple[str, Rule]]:
        """The lines of the groups that the event is in for what it meets, absent steps left out, with their rules."""
        index = self._index.get(event.type)
        found: dict[str, Rule] = {}
        for step in index.steps(event) if index is not None else ():
            rule = step.plan.rule
            if rule.steps[step.bit.bit_length() - 1].absent is None and step.holds(event):
                found.update((step.plan.line(group), rule) for group in step.groups(event)[0])
        return sorted(found.items(), key=lambda item: item[0])

    def digest(self) -> str:
        """16 hex digits, equal exactly if the rules are; ``none`` without rules."""
        if not self.plans:
            return "none"
        text = "\x1e".join(f"{key}\x1f{plan.digest}" for key, plan in self.plans.items())
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def observe(self, state: RuleState, event: Event, time: int, watermark: int) -> Sequence[Match]:
        """Take one accepted event, no duplicate, in. ``time``: its event time; ``watermark``: no older event is due.

        An event further behind the watermark than a rule's lateness is not taken by that rule, but counted as late.
        """
        index = self._index.get(event.type)
        if index is None:
            return ()
        steps = index.steps(event)
        if not steps:
            return ()
        met = [step for step in steps if step.holds(event)]
        if not met:
            return ()
        out: list[Match] = list(self.advance(state, watermark))
        if len(met) == 1:
            plan, bit = met[0].plan, met[0].bit
            for group, values in _readings(state, met[0], event, time, watermark):
                out += take(state, plan, group, (time, bit, event.source, event.source_id, values, 0, ()), watermark)
            return out
        hits: dict[tuple[str, tuple[str, ...]], tuple[int, tuple[str, ...]]] = {}
        for step in {(step.plan.key, step.bit): step for step in met}.values():  # an index may name one twice
            for group, values in _readings(state, step, event, time, watermark):
                at = step.plan.key, group
                mask, before = hits.get(at, (0, ()))
                hits[at] = mask | step.bit, tuple(sorted({*before, *values})) if before else values
        for key, group in sorted(hits):
            mask, values = hits[key, group]
            hit = (time, mask, event.source, event.source_id, values, 0, ())
            out += take(state, self.plans[key], group, hit, watermark)
        return out

    def advance(self, state: RuleState, watermark: int) -> Sequence[Match]:
        """What the passing of time alone decides: what did not come by ``watermark``, event ms. Forgets old groups."""
        if not state.wakes or state.wakes[0][0] > watermark:
            return ()
        out: list[Match] = []
        for line in state.due(watermark):
            plan = self.plans.get(line.partition("\x1f")[0])
            row = state.row(line)
            if row is None or plan is None:
                continue
            out += wake(state, plan, line, row, watermark)
        out.sort(key=lambda match: (match.line, match.first))
        return out

    def next_due(self, state: RuleState) -> int | None:
        """The watermark at which ``advance`` may have something to say or to forget, ms."""
        return state.wakes[0][0] if state.wakes else None


def _readings(
    state: RuleState, step: PlannedStep, event: Event, time: int, watermark: int
) -> Sequence[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The groups that the event is in for a step it meets, each with the values that are counted."""
    plan = step.plan
    if time < watermark - plan.lateness:
        state.count(plan, late=1)
        return ()
    values: tuple[str, ...] = ()
    if step.values is not None:
        values = tuple(sorted({str(value) for value in step.values(event)}))
        if not values:
            return ()
    groups, more = step.groups(event)
    if more:
        state.count(plan, dropped=1)
    return [(group, values) for group in groups]
