"""Which steps an event may meet, by the literals they ask for: an event that no rule mentions costs a few look-ups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from streams.correlation.rules.condition import SERVICE
from streams.correlation.rules.fields import FIELDS, Event
from streams.correlation.rules.plan import REMEMBERED, Plan, PlannedStep


class Index:
    """The steps that an event of one type may meet, by the literals they ask for."""

    def __init__(self, name: str, plans: Iterable[Plan]) -> None:
        always: list[PlannedStep] = []
        literals: dict[str, dict[Any, list[PlannedStep]]] = {}
        for plan in plans:
            for step in plan.steps:
                if name not in step.types:
                    continue
                if step.keys is None:
                    always.append(step)
                    continue
                for field, value in step.keys:
                    if name not in FIELDS["action" if field == SERVICE else field].types:
                        continue  # the alternative that asks for it is one of other events
                    literals.setdefault(field, {}).setdefault(value, []).append(step)
        self.always = tuple(always)
        self.services = {value: tuple(steps) for value, steps in literals.pop(SERVICE, {}).items()}
        self.actions = {value: tuple(steps) for value, steps in literals.pop("action", {}).items()}
        self.others = [(field, {v: tuple(steps) for v, steps in literals[field].items()}) for field in literals]
        self.acts = bool(self.services or self.actions)
        self._by_action: dict[str | None, tuple[PlannedStep, ...]] = {}

    def steps(self, event: Event) -> tuple[PlannedStep, ...]:
        """All steps that the event meets are among them; one may be there twice."""
        found = self.always
        if self.acts:
            known = self._by_action.get(event.action)
            found = self._of(event.action) if known is None else known
        for field, by_value in self.others:
            steps = by_value.get(getattr(event, field, None))
            if steps is not None:
                found += steps
        return found

    def _of(self, action: str | None) -> tuple[PlannedStep, ...]:
        found = self.always
        if action is not None:
            found += self.actions.get(action, ()) + self.services.get(action.partition(":")[0], ())
        if len(self._by_action) >= REMEMBERED:
            self._by_action.clear()
        self._by_action[action] = found
        return found
