"""How the models of a worker's domains are, as gauges over all of them: names of domains are no labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from models.budget import Budget
from streams.metrics import Metrics
from streams.pipeline import Pipeline
from streams.scoring import BUDGET

STATES = ("good", "learning", "drift")


def show(metrics: Metrics, folds: Iterable[Pipeline]) -> None:
    """Set the gauges to what the folds say now. Costs a few microseconds a domain and model."""
    states: Counter[tuple[str, str]] = Counter()
    units, low, young, evicted = (defaultdict[str, float](float) for _ in range(4))
    refused = 0.0
    shown: Counter[str] = Counter()
    for fold in folds:
        for found in fold.scoring.healths():
            refused += found[0].refused if found else 0.0
            for model in found:
                states[model.model, model.state] += 1
                evicted[model.model] += model.evicted
                units[model.model] += model.units
                low[model.model] += model.units * (model.hundredth or 0.0)
                young[model.model] += model.units * (model.young or 0.0)
        for outcome, count in _budgets(fold):
            shown[outcome] += count
    for name in {model for model, _ in states}:
        for state in STATES:
            metrics.model_domains.labels(name, state).set(states[name, state])
        metrics.model_evicted.labels(name).set(evicted[name])
        if units[name]:
            metrics.model_low_p.labels(name).set(low[name] / units[name])
            metrics.model_young.labels(name).set(young[name] / units[name])
    metrics.model_refused.set(refused)
    for outcome in ("shown", "overflow"):
        metrics.budget_units.labels(outcome).set(shown[outcome])


def _budgets(fold: Pipeline) -> Iterable[tuple[str, int]]:
    """Of each domain's newest day."""
    for domain in fold.state.domains.values():
        if rows := domain.tables.get(BUDGET):
            _, within, beyond = Budget(rows).used()
            yield "shown", within
            yield "overflow", beyond
