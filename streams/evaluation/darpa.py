"""``weir eval darpa``: surge on the DARPA 1998 edges (source, destination, minute), each scored before it is learnt.

Surge is an option of a set of models, outside the standard set; the standard burst is not measured here.

The tick is the rank of the minute, since the minutes have gaps; so there is no calendar, and the profile of the week is
off. Each edge is three keys of the detector: principal = source, resource = destination (a key that the engine leaves
out, see ``Surge``), action = the destination again, for the pair. The ranking is by the largest surprise of the three,
before the cap for keys that are still learning; with that cap and the combination, as the engine sees it, on every
fiftieth edge. On the same edges run river's detectors, over the logarithm of the minute's counts of source,
destination and pair, which every edge moves; rrcf, which takes milliseconds, on every five hundredth.

How the constants were chosen is in ``CHOSEN`` and printed with the figures.
"""

from __future__ import annotations

import gzip
from array import array
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from math import log2
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.table import Table

from models.base import TICK_MS, Features
from models.combine import settle
from models.surge import WINDOW, Surge
from streams.evaluation import ranking
from streams.evaluation.ranking import Areas, areas, baselines, both, whole_and_parts

EDGES: Final = Path("anomaly") / "darpa1998_edges.csv.gz"
GOAL: Final = 0.988
"""ROC area over all edges."""
EVERY: Final = 50
SPARSE: Final = 500
"""Of the edges, for rrcf."""
TEACH: Final = 10.0
"""What an anomalous minute may teach, in minutes, as the first 20 % choose it."""
PREFIX: Final = 60_000
"""Edges that are scored under each hash seed."""
POISON: Final = {"one count of 1e9": 0.005, "a tenth of the first 20 % from later attacks": 0.02}
"""What poisoning may cost, in ROC area."""

CHOSEN: Final = (
    "surge is an option of a set of models, outside the standard set.",
    "The form was found with all labels in view: about 120 configurations scored, then 65 more for cold starts.",
    "Constants are frozen on the first 20 %, as far as they were searched:",
    "Half-lives, guard, the prior's five ticks: not searched. Mean and spread of first minutes: learnt on the way.",
    "The most that is believed of the spread, 10: best of 0.1 to 10 on the first 20 % (1: 0.988 on all edges; beyond",
    "10 the first 20 % would take 50 or more: 0.991 with 33 and 50).",
    "What an anomalous minute may teach: shipped, the mean of 7.7 minutes, the window that is tested, by a rule;",
    "second line, 10: of 1, 2, 3, 5, 7.7, 10, 15, 20, 30 the least within 0.0005 of the best on the first 20 %.",
)
PUBLISHED: Final = (
    ("MIDAS-F", 0.9848, 0.992, "reference code on the same edges, five seeds: ROC 0.9835 to 0.9864, AP 0.991 to 0.993"),
    ("MIDAS-R", 0.950, None, "reference code on the same edges, five seeds: 0.949 to 0.951"),
    ("MIDAS", 0.900, None, "reference code on the same edges, five seeds: 0.894 to 0.905"),
)
"""Name, ROC area, average precision, source."""


class Edges(NamedTuple):
    """The stream, in its order; ``names`` of the hosts that ``source`` and ``target`` number."""

    names: list[str]
    source: Sequence[int]
    target: Sequence[int]
    tick: Sequence[int]
    attack: npt.NDArray[np.bool_]


class Pass(NamedTuple):
    """One run over all edges."""

    name: str
    areas: Areas
    micros: float
    rows: int
    evicted: int
    sampled: tuple[float, float]
    combined: tuple[float, float]
    sparse: tuple[float, float]


def read(data: Path, limit: int | None = None) -> Edges:
    """The edges, or the first ``limit``. Raises ``FileNotFoundError`` or ``ValueError`` where the file is another."""
    numbers: dict[str, int] = {}
    minutes: dict[str, int] = {}
    source, target, minute, attack = array("i"), array("i"), array("i"), bytearray()
    with gzip.open(data / EDGES, "rt", encoding="ascii") as lines:
        for at, line in enumerate(lines):
            if at == limit:
                break
            left, right, when, label = line.rstrip("\n").split(",")
            source.append(numbers.setdefault(left, len(numbers)))
            target.append(numbers.setdefault(right, len(numbers)))
            minute.append(minutes.setdefault(when, len(minutes)))
            attack.append(label != "-")
    rank = {minutes[when]: at for at, when in enumerate(sorted(minutes))}
    ticks = array("i", [rank[each] for each in minute])
    return Edges(list(numbers), source, target, ticks, np.frombuffer(bytes(attack), dtype=np.bool_))


def digest(data: Path) -> str:
    """Of the evidence on the first edges and of the rows after them: equal in every process."""
    edges = read(data, PREFIX)
    detector = _surge()
    state = blake2b(digest_size=8)
    for x in _features(edges):
        state.update(repr(detector.observe(x)).encode())
    state.update(repr(sorted(detector._rows.items())).encode())
    return state.hexdigest()


def run(
    data: Path,
    progress: Callable[[str], None],
    clock: Callable[[], float],
    digests: Callable[[], Sequence[str]],
    *,
    poison: bool = False,
) -> dict[str, Any]:
    """All figures, and ``passed``. ``clock``: CPU s. ``digests``: ``digest`` in processes with other hash seeds."""
    progress("reading the edges")
    edges = read(data)
    progress(f"{len(edges.tick):,} edges, {len(edges.names):,} hosts")
    passes = []
    for name, detector in (("shipped", _surge()), ("frozen on the first 20 %", _surge(TEACH))):
        passes.append(_pass(name, detector, edges, clock))
        progress(f"{name}: ROC {passes[-1].areas.roc:.4f}, AP {passes[-1].areas.ap:.4f}")
    sampled = _counts(edges)
    others = baselines(sampled, edges.attack[::EVERY], SPARSE // EVERY, progress, clock)
    losses: dict[str, float] = {}
    if poison:
        for name, poisoned in zip(POISON, (_billion, _tenth), strict=True):
            roc = poisoned(edges)
            losses[name] = passes[0].areas.rest[0] - roc
            progress(f"{name}: the last 80 % lose {losses[name]:.4f}")
    found = list(digests())
    met = {
        f"ROC >= {GOAL}": passes[0].areas.roc >= GOAL,
        "equal under all hash seeds": len(set(found)) == 1,
        **{f"{name} costs <= {most}": losses[name] <= most for name, most in POISON.items() if name in losses},
    }
    return {
        "edges": len(edges.tick),
        "attacks": int(edges.attack.sum()),
        "passes": [each._asdict() | {"areas": each.areas._asdict()} for each in passes],
        "sample": {"every": EVERY, "baselines": others},
        "published": [dict(zip(("name", "roc", "ap", "source"), each, strict=True)) for each in PUBLISHED],
        "poison": losses,
        "hash_seeds": {"edges": PREFIX, "digests": found},
        "constants": list(CHOSEN),
        "met": met,
        "passed": all(met.values()),
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """For reading."""
    whole, *rest = ranking.tables("DARPA 1998, all edges", "surge", result)
    sample = Table("", "one in", "ROC / AP", "µs CPU", title="A sample of the edges")
    shipped = result["passes"][0]
    sample.add_row("surge, shipped", str(EVERY), both(shipped["sampled"]), f"{shipped['micros']:.1f}")
    sample.add_row("the same, combined and capped while learning", str(EVERY), both(shipped["combined"]), "")
    sample.add_row("surge, shipped", str(SPARSE), both(shipped["sparse"]), f"{shipped['micros']:.1f}")
    for each in result["sample"]["baselines"]:
        sample.add_row(*ranking.baseline(each, EVERY))
    return [whole, sample, *rest]


def _surge(teach: float = WINDOW) -> Surge:
    return Surge(teach=teach, profiles=0, resources=True)


def _features(edges: Edges) -> Iterable[Features]:
    names = edges.names
    for source, target, tick in zip(edges.source, edges.target, edges.tick, strict=True):
        to = names[target]
        yield {"time": tick * TICK_MS, "principal": names[source], "resource": to, "action": to}


def _pass(name: str, detector: Surge, edges: Edges, clock: Callable[[], float]) -> Pass:
    scores = np.zeros(len(edges.tick))
    combined = np.zeros(len(edges.tick[::EVERY]))
    start = clock()
    for at, x in enumerate(_features(edges)):
        parts = detector.observe(x)[1]
        if parts:
            scores[at] = max([part.surprise or 0.0 for part in parts])
            if at % EVERY == 0:
                combined[at // EVERY] = -log2(settle(parts, detector.tests(x))[0])
    micros = (clock() - start) / len(scores) * 1e6
    every = edges.attack[::EVERY]
    return Pass(
        name,
        whole_and_parts(scores, edges.attack),
        micros,
        len(detector._rows),
        int(detector._rows.get("#evicted", (0,))[0]),
        areas(scores[::EVERY], every),
        areas(combined, every),
        areas(scores[::SPARSE], edges.attack[::SPARSE]),
    )


def _counts(edges: Edges) -> list[dict[str, float]]:
    """Of the sampled edges: logarithms of the minute's counts so far."""
    counts: list[dict[int, int]] = [{}, {}, {}]
    sampled = []
    now = -1
    many = len(edges.names)
    for at, (source, target, tick) in enumerate(zip(edges.source, edges.target, edges.tick, strict=True)):
        if tick != now:
            now = tick
            for each in counts:
                each.clear()
        seen = []
        for each, key in zip(counts, (source, target, source * many + target), strict=True):
            each[key] = count = each.get(key, 0) + 1
            seen.append(count)
        if at % EVERY == 0:
            sampled.append({"source": log2(seen[0]), "target": log2(seen[1]), "pair": log2(seen[2])})
    return sampled


def _billion(edges: Edges) -> float:
    """ROC area of the last 80 % where, at their first edge, its three keys have counted 1e9 in that minute."""
    detector = _surge()
    fifth = len(edges.tick) // 5
    scores = np.zeros(len(edges.tick))
    for at, x in enumerate(_features(edges)):
        parts = detector.observe(x)[1]
        if parts:
            scores[at] = max([part.surprise or 0.0 for part in parts])
        if at == fifth:
            for key, row in list(detector._rows.items()):
                if key in (f"p|{x['principal']}", f"r|{x['resource']}", f"a|{x['principal']}|{x['action']}"):
                    grown = row[:7] if len(row) > 2 else (*row, 0.0, 0.0, 0.0, 0.0, row[0])
                    detector._rows[key] = (grown[0], 10**9, *grown[2:])
            detector.observe(x)  # tests the count, so that its minute is known to be anomalous
    return areas(scores[fifth:], edges.attack[fifth:])[0]


def _tenth(edges: Edges) -> float:
    """ROC area of the last 80 % where the first 20 % have one more edge for every nine, of the later attacks."""
    detector = _surge()
    fifth = len(edges.tick) // 5
    later = np.flatnonzero(edges.attack[fifth:])[::25] + fifth
    scores = np.zeros(len(edges.tick))
    extra = 0
    for at, x in enumerate(_features(edges)):
        if at < fifth and at % 9 == 8:
            edge = later[extra % len(later)]
            extra += 1
            to = edges.names[edges.target[edge]]
            detector.observe(x | {"principal": edges.names[edges.source[edge]], "resource": to, "action": to})
        parts = detector.observe(x)[1]
        if parts:
            scores[at] = max([part.surprise or 0.0 for part in parts])
    return areas(scores[fifth:], edges.attack[fifth:])[0]
