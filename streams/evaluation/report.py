"""The grouping evaluation as an object for JSON and as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.table import Column, Table

from streams.evaluation.grouping import PLAIN, Point, Result, Roc, Target, swept

_METHODS: Final = {"timedelta": "time gap", "AlertBERT_best_of_1_2_4_heads": "AlertBERT"}

Published = Mapping[str, Mapping[str, tuple[float, float]]]


def plain(results: Sequence[Result], targets: Sequence[Target], published: Published) -> dict[str, Any]:
    """Everything, as dicts, lists and numbers. Areas and shares are 0 to 1, times CPU seconds."""
    return {
        "swept": swept()[0],
        "configurations": {result.config: _result(result, published) for result in results},
        "targets": [target._asdict() for target in targets],
        "seconds": round(sum(result.seconds for result in results), 1),
        "met": all(target.met for target in targets),
    }


def tables(results: Sequence[Result], targets: Sequence[Target], published: Published) -> list[Table]:
    """For reading: ROC areas where they were asked for, units as shipped, and what was promised."""
    found = []
    if any(result.swept for result in results):
        found.append(_areas(results, published))
    found += [_pairs(results), _units(results), _promised(targets)]
    return found


def _areas(results: Sequence[Result], published: Published) -> Table:
    table = Table(
        "configuration",
        "engine",
        "time gap, same protocol",
        *(f"{name}, published" for name in _METHODS.values()),
        title="ROC area over pairs, false positives excluded / included (fox, russellmitchell)",
    )
    for result in results:
        if result.swept is None or result.gap is None:
            continue
        others = [published.get(method, {}).get(result.config) for method in _METHODS]
        table.add_row(
            result.config,
            _both(result.swept.excluding, result.swept.including),
            _both(result.gap.excluding, result.gap.including),
            *("" if pair is None else _both(*pair) for pair in others),
        )
    return table


def _pairs(results: Sequence[Result]) -> Table:
    table = Table(
        "configuration", "recall", "TNR", "F1", "TNR incl.", "F1 incl.", "µs CPU an alert", title="Pairs, as shipped"
    )
    for result in results:
        at = result.default
        if at is not None:
            scores = (at.excluding.recall, at.excluding.tnr, at.excluding.f1, at.including.tnr, at.including.f1)
            table.add_row(result.config, *(f"{score:.3f}" for score in scores), f"{_micros(result):.0f}")
    return table


def _units(results: Sequence[Result]) -> Table:
    table = Table(
        *(Column(name, no_wrap=True) for name in ("stream", "alerts", "units")),
        *("alerts a unit", "noise", "merged", "found", "pieces"),
        title="Units, as shipped; noise: the share of it that is in units with attack alerts",
    )
    for result in results:
        for name, found in result.streams.items():
            table.add_row(
                name,
                f"{found.alerts:,}",
                f"{found.units:,}",
                f"{found.reduction:.0f}",
                f"{found.noise_share:.2%}",
                f"{len(found.merged)} of {found.instances}",
                f"{found.found:.2f}",
                f"{found.pieces:.1f}",
            )
    return table


def _promised(targets: Sequence[Target]) -> Table:
    table = Table("promised", "measured", "wanted", "")
    for target in targets:
        verdict = "[green]met[/]" if target.met else "[red]missed[/]"
        table.add_row(target.name, f"{target.measured:.3f}", target.wanted, verdict)
    return table


def _result(result: Result, published: Published) -> dict[str, Any]:
    return {
        "plain": result.config == PLAIN,
        "as_shipped": {
            "pairs": None if result.default is None else _point(result.default),
            "streams": {
                name: {**met._asdict(), "reduction": met.reduction, "noise_share": met.noise_share}
                for name, met in result.streams.items()
            },
        },
        "engine": None if result.swept is None else _roc(result.swept),
        "time_gap": None if result.gap is None else _roc(result.gap),
        "published": {
            name: dict(zip(("excluding", "including"), published[method][result.config], strict=True))
            for method, name in _METHODS.items()
            if result.config in published.get(method, {})
        },
        "alerts": result.alerts,
        "runs": result.runs,
        "seconds": round(result.seconds, 1),
        "us_per_alert": round(_micros(result), 1),
    }


def _roc(roc: Roc) -> dict[str, Any]:
    return {
        "excluding": roc.excluding,
        "including": roc.including,
        "points": [_point(point) for point in roc.points],
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "value": point.value,
        "excluding": point.excluding._asdict(),
        "including": point.including._asdict(),
    }


def _both(excluding: float, including: float) -> str:
    return f"{excluding:.3f} / {including:.3f}"


def _micros(result: Result) -> float:
    return result.seconds / result.alerts * 1e6 if result.alerts else 0.0
