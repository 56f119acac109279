"""One rule, ready to run: predicates, readers of groups and values, its kind of window, and its bounds."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from itertools import islice, product

from schemas.rule import Rule, Step
from streams.correlation.rules.absence import Absence
from streams.correlation.rules.condition import Key, Predicate, keys, predicate, types
from streams.correlation.rules.fields import Event, Values, reader
from streams.correlation.rules.sequence import Sequenced
from streams.correlation.rules.sliding import Count, Distinct, Together, Window

GROUPS_OF_ONE_EVENT = 16
"""An event of several values in a group field is in a group for each; of more than so many groups, the first count."""

REMEMBERED = 1_024
"""Keys of groups that a plan need not work out again."""


class PlannedStep:
    """One step of one rule. ``keys``: see ``condition``."""

    __slots__ = ("bit", "holds", "keys", "names", "plan", "types", "values")

    def __init__(self, plan: Plan, number: int, step: Step) -> None:
        rule = plan.rule
        self.plan = plan
        self.bit = 1 << number
        self.holds: Predicate = predicate(step.where)
        self.types: frozenset[str] = types(step.where)
        self.keys: frozenset[Key] | None = keys(step.where)
        self.names: list[Callable[[Event], Values]] = [reader(step.group.get(name, name)) for name in rule.group_by]
        counted = step.field or rule.field
        self.values: Callable[[Event], Values] | None = None if counted is None else reader(counted)

    def groups(self, event: Event) -> tuple[list[tuple[str, ...]], bool]:
        """The groups that the event is in, and whether there would be more of them."""
        if len(self.names) == 1:
            found = self.names[0](event)
            if len(found) == 1:
                return [(str(found[0]),)], False
        choices = [sorted({str(value) for value in name(event)}) for name in self.names]
        groups = list(islice(product(*choices), GROUPS_OF_ONE_EVENT + 1))
        return groups[:GROUPS_OF_ONE_EVENT], len(groups) > GROUPS_OF_ONE_EVENT


class Plan:
    """One rule without faults.

    ``keep`` is how many hits a group may have, ``least`` the most hits of one step that a window needs.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.key = rule.key
        self.timespan = rule.timespan
        self.lateness = rule.lateness
        self.group_by = rule.group_by
        self._lines: dict[tuple[str, ...], str] = {}
        self._steps: dict[int, tuple[str, ...]] = {}
        self.step_ids = tuple(step.id for step in rule.steps)
        self.digest = blake2b(rule.model_dump_json().encode(), digest_size=8).hexdigest()
        self.window: Window = Count(1, rule.timespan)
        self.absence: Absence | None = None  # instead of a window
        each = [step.at_least for step in rule.steps]
        least = rule.at_least or 1
        if rule.kind == "count":
            self.window = Count(least, rule.timespan)
        elif rule.kind == "distinct":
            self.window = Distinct(least, rule.timespan)
        elif rule.kind == "all":
            self.window = Together(each, rule.timespan)
        elif rule.kind == "sequence":
            self.window = Sequenced(each, rule.timespan)
        else:
            absent = [(n, step.at_least, step.absent) for n, step in enumerate(rule.steps) if step.absent is not None]
            present = next(n for n, step in enumerate(rule.steps) if step.absent is None)
            self.absence = Absence(present, absent, rule.timespan)
        self.least = max(each)
        self.keep = 32 + 4 * (least if rule.kind in ("count", "distinct") else sum(each))
        self.steps = [PlannedStep(self, number, step) for number, step in enumerate(rule.steps)]

    def line(self, group: tuple[str, ...]) -> str:
        """The key of a group's row."""
        line = self._lines.get(group)
        if line is None:
            if len(self._lines) >= REMEMBERED:
                self._lines.clear()
            digest = blake2b("\x1f".join(group).encode(), digest_size=8).hexdigest()
            line = self._lines[group] = f"{self.key}\x1f{digest}"
        return line

    def steps_of(self, mask: int) -> tuple[str, ...]:
        """The ids of the steps of a bit mask."""
        steps = self._steps.get(mask)
        if steps is None:
            named = (name for number, name in enumerate(self.step_ids) if mask >> number & 1)
            steps = self._steps[mask] = tuple(named)
        return steps
