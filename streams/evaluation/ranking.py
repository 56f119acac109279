"""Areas of a ranking by score, with ties counted as half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.table import Table

from models.baselines import BASELINES, robust_cut_forest, scaled

SEED = 1
RRCF = "rrcf"


def areas(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """ROC area and average precision, each 0 to 1; not a number where there is only one label.

    Tied scores are one step of the ranking, so that neither depends on the order of the stream.
    """
    order = np.argsort(scores, kind="stable")
    ranked, labels = scores[order], positive[order].astype(np.int64)
    steps = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    hits = np.add.reduceat(labels, steps)
    misses = np.diff(np.r_[steps, len(ranked)]) - hits
    if not hits.sum() or not misses.sum():
        return nan, nan
    below = np.cumsum(misses) - misses
    roc = float((hits * (below + misses / 2)).sum() / (hits.sum() * misses.sum()))
    found, wrong = np.cumsum(hits[::-1]), np.cumsum(misses[::-1])
    precision = found / (found + wrong)
    return roc, float((precision * hits[::-1]).sum() / hits.sum())


class Areas(NamedTuple):
    """ROC area and average precision over a stream, and over its first 20 % and the rest."""

    roc: float
    ap: float
    first: tuple[float, float]
    rest: tuple[float, float]


def whole_and_parts(scores: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> Areas:
    """The areas of all, of the first fifth, on which constants may be chosen, and of the rest."""
    fifth = len(scores) // 5
    return Areas(
        *areas(scores, positive),
        areas(scores[:fifth], positive[:fifth]),
        areas(scores[fifth:], positive[fifth:]),
    )


def tables(title: str, name: str, result: dict[str, Any]) -> list[Table]:
    """The runs of the detector ``name`` beside published ones, what was promised, and how constants were chosen."""
    whole = Table("", "ROC", "AP", "first 20 %", "last 80 %", "µs CPU", title=title)
    for each in result["passes"]:
        parts = each["areas"]
        rest = [both(parts[part]) for part in ("first", "rest")]
        row = (f"{name}, {each['name']}", f"{parts['roc']:.4f}", f"{parts['ap']:.4f}", *rest, f"{each['micros']:.1f}")
        whole.add_row(*row)
    for at, each in enumerate(result["published"], start=1):
        whole.add_row(f"{each['name']} [{at}]", f"{each['roc']:.4f}", "" if each["ap"] is None else f"{each['ap']:.3f}")
    promised = Table("promised", "met")
    for promise, met in result["met"].items():
        promised.add_row(promise, "yes" if met else "NO")
    said = Table("how the constants were chosen, and where published figures come from")
    for line in result["constants"]:
        said.add_row(line)
    for at, each in enumerate(result["published"], start=1):
        said.add_row(f"[{at}] {each['source']}")
    return [whole, promised, said]


def baselines(
    numbers: Sequence[dict[str, float]],
    positive: npt.NDArray[np.bool_],
    sparse: int,
    progress: Callable[[str], None],
    clock: Callable[[], float],
) -> list[dict[str, Any]]:
    """River's detectors on all these numbers, and rrcf on one in ``sparse`` of them: name, areas, CPU µs, one in how
    many. Without the package the areas of rrcf are None.
    """
    found: list[dict[str, Any]] = []
    for name in (*BASELINES, RRCF):
        every = sparse if name == RRCF else 1
        told = {"name": name if name == RRCF else f"river {name}", "one_in": every}
        try:
            score = robust_cut_forest(SEED) if name == RRCF else scaled(BASELINES[name]())
        except ModuleNotFoundError:
            found.append(told | {"roc": None, "ap": None, "micros": None})
            progress(f"{name}: not installed; it comes with the extra named eval")
            continue
        chosen = numbers[::every]
        start = clock()
        scores = np.array([score(each) for each in chosen])
        micros = (clock() - start) / len(chosen) * 1e6
        roc, ap = areas(scores, positive[::every])
        found.append(told | {"roc": roc, "ap": ap, "micros": micros})
        progress(f"{name}: ROC {roc:.4f}, AP {ap:.4f}")
    return found


def baseline(found: dict[str, Any], sampled: int) -> tuple[str, str, str, str]:
    """A row of a table, of a baseline that ran on one in ``sampled`` of the stream, or on fewer."""
    every = str(found["one_in"] * sampled)
    if found["roc"] is None:
        return found["name"], every, "not installed", ""
    return found["name"], every, both((found["roc"], found["ap"])), f"{found['micros']:.0f}"


def both(pair: tuple[float, float]) -> str:
    """ROC area and average precision, for a cell."""
    return f"{pair[0]:.4f} / {pair[1]:.4f}"
