"""What an event must have in one field for a condition to hold: by it the index passes over most rules.

A **gate** is necessary, never enough: a rule whose gate an event does not meet cannot match it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from streams.sigma.asks import Ask, Text, exact
from streams.sigma.condition import All, Has, Named, Node, Paths, Present, Same, Some
from streams.sigma.wildcards import literal

READ = 0.5
"""What it costs to look at one more field of an event, in conditions asked."""


class Gate(NamedTuple):
    """One of the field's values meets one of the asks; with None it is enough that the field is there."""

    paths: Paths
    asks: tuple[Ask, ...] | None


def gates(node: Node) -> list[Gate]:
    """Every gate that the condition shows, at most one a field."""
    match node:
        case Has(_, paths, asks):
            return [Gate(paths, asks)]
        case Present(_, paths) | Same(_, paths):
            return [Gate(paths, None)]
        case Named(_, part):
            return gates(part)
        case All(parts):
            best: dict[Paths, Gate] = {}
            for part in parts:
                for gate in gates(part):
                    known = best.get(gate.paths)
                    if known is None or _width(gate) < _width(known):
                        best[gate.paths] = gate
            return list(best.values())
        case Some(parts):
            each = [{gate.paths: gate for gate in gates(part)} for part in parts]
            return [
                _either([found[paths] for found in each])
                for paths in each[0]
                if all(paths in found for found in each[1:])
            ]
    return []


def _either(given: Sequence[Gate]) -> Gate:
    asks: list[Ask] = []
    for gate in given:
        if gate.asks is None:
            return Gate(gate.paths, None)
        asks += gate.asks
    return Gate(given[0].paths, tuple(dict.fromkeys(asks)))


def _width(gate: Gate) -> float:
    """The more a gate lets through, the larger."""
    return 1e6 if gate.asks is None else sum(map(_width_of, gate.asks))


def _width_of(ask: Ask) -> float:
    """In exact texts: how many of them let as much through."""
    if exact(ask) is not None:
        return 1.0
    if isinstance(ask, Text):
        size = len(literal(ask.pattern))
        return 1e5 if not size else 1.0 if ask.cased else 2.0 + 16.0 / size
    return 20.0


def assign(given: Sequence[Sequence[Gate]]) -> list[Gate | None]:
    """A gate for every condition, given the gates it has: telling ones, on few fields.

    How telling a field is shows in how many different things the rules ask of it; a field that few rules need is left
    out where they have another that is nearly as good.
    """
    variety: Counter[Paths] = Counter()
    for paths, asks in {(gate.paths, ask) for options in given for gate in options for ask in gate.asks or ()}:
        variety[paths] += asks is not None
    fields = set(variety) | {gate.paths for options in given for gate in options}
    chosen = [_best(options, fields, variety) for options in given]
    users: dict[Paths, list[int]] = {}
    for number, gate in enumerate(chosen):
        if gate is not None:
            users.setdefault(gate.paths, []).append(number)
    for paths in sorted(users, key=lambda field: (len(users[field]), field)):
        rest = fields - {paths}
        moved = {number: _best(given[number], rest, variety) for number in users[paths]}
        dearer = sum(_share(gate, variety) - _share(chosen[number], variety) for number, gate in moved.items())
        if dearer < READ * len(paths):
            fields = rest
            for number, gate in moved.items():
                chosen[number] = gate
                if gate is not None:
                    users.setdefault(gate.paths, []).append(number)
    return chosen


def _best(options: Iterable[Gate], fields: Iterable[Paths], variety: Mapping[Paths, int]) -> Gate | None:
    allowed = [gate for gate in options if gate.paths in fields]
    return min(allowed, key=lambda gate: (_share(gate, variety), gate.paths), default=None)


def _share(gate: Gate | None, variety: Mapping[Paths, int]) -> float:
    """The share of events that a gate lets through, as far as the rules tell."""
    if gate is None:
        return 1.0
    width = _width(gate)
    return width / (width + variety.get(gate.paths, 0))
