"""Calibration of the detectors of one domain: what share of its own past units scored as high.

**Unit**: one principal in one minute, with the highest score that each detector gave it. Not the event: a burst is
thousands of events, and one thing that happened. A verdict's p is thus the share of principal-minutes whose worst event
is as bad.

**Segments**: a detector's law is that of the domain, and beside it that of a kind of principal (roles, users, service
accounts; see ``kind_of``), whose prior is the domain's. A kind gets its own law while fewer than ``kinds`` have one.

**When**: units wait until there are ``wait`` of them or the first is a day old, and are counted at the first event of a
later minute: minute by minute, each by the laws that held in it. Laws that are made of them hold from the minute after.
So an event's p rests on earlier minutes alone, whichever events of its minute came before it. Counted one minute at a
time they cost four times as much; with 128, fewer than one event in a hundred counts.

**What does not teach**: the first day of a domain, when all is new; and of the units with p < 1e-4 no more than twice
the share that should have one, so that a flood cannot move the law and a lasting change is still learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import fsum, log10
from typing import NamedTuple

from models.base import Row, Store
from models.curve import Curve, Fit
from models.keys import row_key
from models.laws import EVER, Bins, Laws, into

_LEARNED = 2_000.0  # units that a law rests on before its far tail is believed
_FAR = 1 / 3  # of the digits of such a p, as many are believed until then
_PLAIN = 0.1  # a larger p is ordinary for the domain, and for any kind

LEVELS = 1e-1, 1e-2, 1e-3
"""Of the monitoring counters: how many units had a p at or below each."""

SURPRISE = 4.0
"""What a unit adds to the mean ``-log10 p`` at most: no single one moves it much, however improbable."""

# "*": minute; units that wait; first minute of the domain; minute of the first that waits.
# "u|PRINCIPAL|MINUTE", minutes since the first that waits: beside; scores; by which detectors the principal is still
# learning, a bit a name; and the kind, where the key does not say it. No score is an int, as those take no memory, and
# where there is neither a score nor a beside, both are left out. A unit that is counted is kind; beside; scores; bits.
_BESIDE, _SCORES = 1, 2
# "t": units that were counted, ever; digest of all of them.
_NONE: Row = (0, "0" * 16)
# "m": units of late; then by name, in the order of the alphabet, those with p at or below each level.
_DAY = 1440

_Law = tuple[Curve, Curve, Bins, Bins | None]  # of all and of a kind, and what is counted for each


class Sealed(NamedTuple):
    """A minute that is over. The tuples are by name, in order; in the first day, the last two are empty.

    ``weight``: of the units that the law of the combination rests on. ``young``: units of a key that was still learning
    by that detector; the last is by any. ``surprise``: the sum of the units' ``-log10 p``, each ``SURPRISE`` at most.
    ``rare``: units with p <= 0.01.
    """

    minute: int
    units: int
    weight: float
    young: tuple[int, ...]
    surprise: tuple[float, ...]
    rare: tuple[int, ...]


def held(p: float, weight: float) -> float:
    """A p of the combination as far as a law of so many units can be believed: few have seen no tail.

    Of n units the last place is one in n + 1, so a smaller p is guessed from the rest; there were three times as many
    with p <= 0.001 on the streams that constants were set on.

    >>> [round(held(p, units), 7) for p, units in ((1e-5, 500), (1e-12, 500), (1e-5, 5_000))]
    [0.001996, 0.0001, 1e-05]
    """
    if not 0.0 < weight < _LEARNED:
        return p
    place = 1.0 / (weight + 1.0)
    return p if p >= place else max(p, min(place, p**_FAR))


class Calibration:
    """The laws of the scores of ``names``, over the rows of ``store``; the last name is that of the combination.

    ``half_life``: units after which a unit counts half. ``kinds``: the most kinds of principal with laws of their own.
    ``wait``: units that are counted together, at least; with 1, each minute as soon as it is over. ``combine`` gives
    the score of the combination for a unit: out of the calibrated p of the others' highest scores, and of the highest
    ``beside`` of its events. ``sealed`` is told of each minute that is counted, in order, once all that are counted
    together are. Memory: a row a unit that waits, at most ``units``, and about 2 kB for each name and kind.
    """

    def __init__(
        self,
        store: Store,
        names: Sequence[str],
        combine: Callable[[Sequence[float], float], float],
        half_life: float = 15_000.0,
        kinds: int = 8,
        units: int = 20_000,
        wait: int = 128,
        fit: Fit | None = None,
        sealed: Callable[[Sealed], None] | None = None,
    ) -> None:
        self.names = tuple(names)
        self.half_life = half_life
        self.kinds = kinds
        self.units = units
        self.wait = wait
        self._fit = fit or Fit()
        self._combine = combine
        self._sealed = sealed
        self._silent = (0,) * (len(self.names) - 1)  # what is kept of the scores of the first day
        self._young = _SCORES + len(self.names) - 1  # the place in a unit's row, behind the scores
        self._sorted = sorted(range(len(self.names)), key=self.names.__getitem__)
        self._rows = store
        self._laws = Laws(store, half_life, self._fit)
        self._curve = self._laws.curve
        self._empty = self._laws.empty

    def parameters(self) -> dict[str, float]:
        """Everything the answers depend on besides the rows."""
        own = {"half_life": self.half_life, "kinds": self.kinds, "units": self.units, "wait": self.wait}
        return {**own, **self._fit._asdict()}

    def p(self, name: str, kind: str, minute: int, score: float, nominal: float) -> float:
        """The calibrated p of a score in that minute. ``nominal``: its p as long as too little is known."""
        if score <= 0.0:
            return 1.0
        law = self._curve(name, minute)
        p = law.p(score, nominal)
        if kind and p < _PLAIN:
            own = self._curve(_of_kind(name, kind), minute)
            if own is not self._empty:
                p = own.p(score, p)
        return held(p, law.weight) if name == self.names[-1] else p

    def note(self, principal: str, minute: int, scores: Sequence[float], beside: float = 0.0, young: int = 0) -> None:
        """An event's scores, in the order of ``names`` without the last, and a number of its own for ``combine``.

        Neither may depend on the order of events inside the minute, as far as the highest of the minute goes. ``young``
        says by which detectors the principal is still learning, bit n for name n; it is to be the same all minute
        long. Events of a minute that was counted are left out.
        """
        rows = self._rows
        at, waiting, first, start = rows.get("*") or (minute, 0, minute, minute)
        if at != minute:
            if at > minute:
                return
            if waiting >= self.wait or waiting >= self.units or minute - start >= _DAY:
                self._count(minute)
                waiting, start = 0, minute
        if minute < first + _DAY:
            beside, scores = 0, self._silent
        key = f"{_unit(principal)}|{minute - start}"
        row = rows.get(key)
        if row is None:
            if waiting < self.units:
                rows[key] = self._kept(principal, beside, scores, young)
                rows["*"] = (minute, waiting + 1, first, start)
            return
        if not beside and not any(scores):
            return
        if len(row) - isinstance(row[-1], str) == 1:
            rows[key] = self._kept(principal, beside, scores, row[0])
            return
        if beside <= row[0]:
            for place, score in enumerate(scores, 1):
                if score > row[place]:
                    break
            else:
                return
        rows[key] = (max(row[0], beside), *map(max, row[1 : self._young - 1], scores), *row[self._young - 1 :])

    def _kept(self, principal: str, beside: float, scores: Sequence[float], young: int) -> Row:
        """A unit's row."""
        row = (beside or 0, *(score or 0 for score in scores), young) if beside or any(scores) else (young,)
        odd = _odd_kind(principal)
        return row if odd is None else (*row, odd)

    def monitored(self, name: str) -> tuple[float, ...]:
        """Units of late, weighted as the law weights them, and those with p at or below each of ``LEVELS``."""
        row = self._rows.get("m")
        if row is None:
            return (0.0,) * (1 + len(LEVELS))
        at = 1 + len(LEVELS) * self._sorted.index(self.names.index(name))
        return (row[0], *row[at : at + len(LEVELS)])

    def speaking(self, name: str) -> float:
        """The share of units that have a score at all, by the newest law."""
        curve = self._curve(name, EVER)
        return curve.above[1] / curve.weight if curve.weight else 0.0

    @property
    def in_force(self) -> bool:
        """Whether the combination has a law of its own units yet; before that, p is the detectors' own."""
        return "b|" + self.names[-1] in self._rows

    @property
    def tests(self) -> int:
        """How many units were counted, ever, those of the first day among them: so many hypotheses were tested.

        Up to ``wait`` fewer, and the last minute's: those that wait are not in it.
        """
        return int(self._rows.get("t", _NONE)[0])

    @property
    def digest(self) -> str:
        """Sixteen hex digits that follow from all units ever counted: their minutes and principals, and from the second
        day on their scores, whatever the order inside a minute. Zeros before the first. Those that wait to be counted,
        up to ``wait`` and the last minute's, are not in it."""
        return str(self._rows.get("t", _NONE)[1])

    def _count(self, now: int) -> None:
        """Count the units that wait, minute by minute, each by the laws that held in it; only then make new laws."""
        rows = self._rows
        _, _, first, start = rows["*"]
        minutes = self._waiting(start)
        tests, digest = rows.get("t", _NONE)
        counted = [
            (minute, who, *row[_BESIDE : self._young]) if any(row[_SCORES : self._young]) else (minute, who)
            for minute, units in minutes
            for who, row in units
        ]
        counted.sort()
        # As ASCII, as what else is printable is not the same in every version of Python.
        digest = blake2b(ascii((digest, counted)).encode(), digest_size=8).hexdigest()
        rows["t"] = (tests + len(counted), digest)
        found = _Found(len(self.names))
        sealed = []
        for minute, units in minutes:
            sealed.append(self._sealed_of(minute, units, found if minute >= first + _DAY else None))
            if minute == start:  # the newest laws hold from the minute after it
                found.laws.clear()
        if found.units:
            self._learn(found, now)
        if self._sealed is not None:
            for each in sealed:
                self._sealed(each)

    def _waiting(self, start: int) -> list[tuple[int, list[tuple[str, Row]]]]:
        """The units that wait, by minute, the earliest first; their rows are deleted."""
        rows = self._rows
        found: dict[int, list[tuple[str, Row]]] = {}
        for key in [key for key in rows if key[:2] == "u|"]:
            who, _, at = key.rpartition("|")
            found.setdefault(start + int(at), []).append((who, self._whole(who, rows[key])))
            del rows[key]
        return sorted(found.items())

    def _whole(self, who: str, row: Row) -> Row:
        """A unit that waited, all of it."""
        kind, row = (row[-1], row[:-1]) if isinstance(row[-1], str) else (kind_in(who), row)
        return (kind, *row) if len(row) > 1 else (kind, 0, *self._silent, *row)

    def _sealed_of(self, minute: int, units: list[tuple[str, Row]], found: _Found | None) -> Sealed:
        """What the monitors are told of a minute; its units go into ``found``, unless it is of the first day."""
        last = len(self.names) - 1
        scored = self._young
        young = [0] * (last + 1)
        for _, row in units:
            learning = row[scored]
            if learning:
                young[last] += 1
                for place in range(last):
                    young[place] += learning >> place & 1
        if found is None:
            return Sealed(minute, len(units), 0.0, tuple(young), (), ())
        admitted = self._admit({row[0] for _, row in units} - {""})
        found.units += len(units)
        surprise: list[list[float]] = [[] for _ in self.names]
        rare = [0] * (last + 1)
        for _, row in units:
            own = row[0] if row[0] in admitted else ""
            silent = found.silent.get(own)
            if silent is None:
                silent = found.silent[own] = [0] * (last + 1)
            if not any(row[_SCORES:scored]):
                for place in range(last + 1):
                    silent[place] += 1
                continue
            laws = found.laws.get(own)
            if laws is None:
                laws = found.laws[own] = [self._law(name, own, minute, found) for name in self.names]
            ps: list[float] = []
            for place, (whole, beside, bins, own_bins) in enumerate(laws):
                score = row[_SCORES + place] if place < last else self._combine(ps, row[_BESIDE])
                if score <= 0.0:
                    silent[place] += 1
                    ps.append(1.0)
                    continue
                p = whole.p(score, 10.0**-score)  # as ``p`` does
                if p < _PLAIN and beside is not self._empty:
                    p = beside.p(score, p)
                if place == last:
                    p = held(p, whole.weight)
                ps.append(p)
                if p < 1.0:
                    surprise[place].append(min(-log10(p), SURPRISE))
                into(bins, whole, score, p)
                if own_bins is not None:
                    into(own_bins, beside, score, p)
                if p <= LEVELS[0]:
                    below = found.levels[place]
                    for level, under in enumerate(LEVELS):
                        below[level] += p <= under
                    rare[place] += p <= LEVELS[1]
        weight = self._curve(self.names[last], minute).weight
        # fsum: exact, so the same in any order.
        return Sealed(minute, len(units), weight, tuple(young), tuple(map(fsum, surprise)), tuple(rare))

    def _law(self, name: str, kind: str, minute: int, found: _Found) -> _Law:
        """The laws of a name, of all and of a kind, and where the units of each are counted."""
        counts = found.counts
        bins = counts.setdefault(name, {})
        if not kind:
            return self._curve(name, minute), self._empty, bins, None
        of = _of_kind(name, kind)
        return self._curve(name, minute), self._curve(of, minute), bins, counts.setdefault(of, {})

    def _learn(self, found: _Found, now: int) -> None:
        """Make what was counted part of the laws and of the monitoring counters."""
        counts = found.counts
        for kind, silent in found.silent.items():
            for name, times in zip(self.names, silent, strict=True):
                if times:
                    for of in (name, _of_kind(name, kind)) if kind else (name,):
                        counts.setdefault(of, {}).setdefault(0, [0, 0])[0] += times
        for of in sorted(counts):
            self._laws.add(of, counts[of], now)
        new = (found.units, *(count for place in self._sorted for count in found.levels[place]))
        keep = 0.5 ** (found.units / self.half_life)
        was = self._rows.get("m") or (0.0,) * len(new)
        self._rows["m"] = tuple(old * keep + count for old, count in zip(was, new, strict=True))

    def _admit(self, kinds: set[str]) -> set[str]:
        """Those of the kinds that have laws of their own, newly admitted ones among them."""
        listed = set(self._rows.get("k", ()))
        for kind in sorted(kinds - listed):
            if len(listed) >= self.kinds:
                break
            listed.add(kind)
            self._rows["k"] = tuple(sorted(listed))
        return listed


class _Found:
    """What was counted: units; those without a score, by kind and name; of each law the bins of the others; by name,
    those at each level.

    ``laws``: that hold, by kind.
    """

    __slots__ = ("counts", "laws", "levels", "silent", "units")

    def __init__(self, names: int) -> None:
        self.units = 0
        self.silent: dict[str, list[int]] = {}
        self.counts: dict[str, Bins] = {}
        self.laws: dict[str, list[_Law]] = {}
        self.levels = [[0] * len(LEVELS) for _ in range(names)]


@lru_cache(maxsize=256)
def _of_kind(name: str, kind: str) -> str:
    return f"{name}|{kind}"


@lru_cache(maxsize=16_384)
def _unit(principal: str) -> str:
    return row_key("u", principal)


@lru_cache(maxsize=16_384)
def _odd_kind(principal: str) -> str | None:
    """The principal's kind, if its key does not say it: a long name is cut there."""
    kind = kind_of(principal)
    return None if kind == kind_in(_unit(principal)) else kind


def kind_in(unit: str) -> str:
    """The kind of a principal, by what the key of its units keeps of its name."""
    return kind_of(unit[2:].replace("%7C", "|").replace("%25", "%"))


@lru_cache(maxsize=16_384)
def kind_of(principal: str) -> str:
    """The kind of a principal, by its name; empty where the name does not say.

    >>> kind_of("arn:aws:iam::111122223333:role/web"), kind_of("system:serviceaccount:shop:web"), kind_of("ann")
    ('role', 'system', '')
    """
    if principal.startswith("arn:"):
        principal = principal.rpartition(":")[2]
    kind, apart, _ = principal.replace(":", "/").partition("/")
    return kind[:32] if apart else ""
