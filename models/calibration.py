"""Calibration of the detectors of one domain: what share of its own past units scored as high.

**Unit**: one principal in one minute, with the highest score that each detector gave it. Not the event: a burst is
thousands of events, and one thing that happened. A verdict's p is thus the share of principal-minutes whose worst event
is as bad.

**Segments**: a detector's law is that of the domain, and beside it that of a kind of principal (roles, users, service
accounts; see ``kind_of``), whose prior is the domain's. A kind gets its own law while fewer than ``kinds`` have one.

**When**: the units of a minute are counted at the first event of a later minute, and a law that is made of them holds
from the minute after. So an event's p rests on earlier minutes alone, whichever events of its minute came before it.

**What does not teach**: the first day of a domain, when all is new; and of the units with p < ``GUARD`` no more than
twice the share that should have one, so that a flood cannot move the law and a lasting change is still learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from math import fsum, inf, log10
from typing import NamedTuple

from models.base import Row, Store
from models.curve import BINS, Curve, Fit, bin_of
from models.keys import row_key

GUARD = 1e-4
_TRUSTED = 5_000.0  # weight from which on a p below the guard is believed to be one
_ADMITTED = 2e-4  # units with p < GUARD, as a share of the others, that are counted nevertheless
_FARTHEST = 2.0  # times the score at the guard: as what such a one counts, at most, so that no value moves the tail
_YOUNG_MOST = 8.0  # the same while the law is not trusted: one absurd score would be half of a young tail
_PLAIN = 0.1  # a larger p is ordinary for the domain, and for any kind
_BATCH = 256  # units that make a new law

LEVELS = 1e-1, 1e-2, 1e-3
"""Of the monitoring counters: how many units had a p at or below each."""

SURPRISE = 4.0
"""What a unit adds to the mean ``-log10 p`` at most: no single one moves it much, however improbable."""

# "*": minute, last unit of it, units of it, first minute of the domain. "u|PRINCIPAL": the unit before; beside; scores;
# and whose keys are still learning, a bit a name (rows of the first version end before it).
# "t": units that were counted, ever; digest of all of them.
_NONE: Row = (0, "0" * 16)
# "p|NAME": units since the last law; of these, p < GUARD; what may be admitted of such. Then bin, plain units, others.
_PENDING: Row = (0, 0, 0.0)
# "b|NAME": minute from which on it holds, then bin and weight. "o|NAME": the law before that.
_DAY = 1440
_EVER = 1 << 62


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


class Calibration:
    """The laws of the scores of ``names``, over the rows of ``store``; the last name is that of the combination.

    ``half_life``: units after which a unit counts half. ``kinds``: the most kinds of principal with laws of their own.
    ``combine`` gives the score of the combination for a unit: out of the calibrated p of the others' highest scores,
    and of the highest ``beside`` of its events. ``sealed`` is told of each minute that is counted. Memory: a row a
    principal of the current minute, at most ``units``, and about 2 kB for each name and kind.
    """

    def __init__(
        self,
        store: Store,
        names: Sequence[str],
        combine: Callable[[Sequence[float], float], float],
        half_life: float = 15_000.0,
        kinds: int = 8,
        units: int = 20_000,
        fit: Fit | None = None,
        sealed: Callable[[Sealed], None] | None = None,
    ) -> None:
        self.names = tuple(names)
        self.half_life = half_life
        self.kinds = kinds
        self.units = units
        self._fit = fit or Fit()
        self._combine = combine
        self._sealed = sealed
        self._young = 2 + len(self.names) - 1  # the place in a unit's row, behind the scores
        self._rows = store
        self._curves: dict[str, tuple[Row, Curve]] = {}  # worked out from rows, by their keys
        self._empty = Curve((0.0,) * BINS, self._fit)

    def parameters(self) -> dict[str, float]:
        """Everything the answers depend on besides the rows."""
        return {"half_life": self.half_life, "kinds": self.kinds, "units": self.units, **self._fit._asdict()}

    def p(self, name: str, kind: str, minute: int, score: float, nominal: float) -> float:
        """The calibrated p of a score in that minute. ``nominal``: its p as long as too little is known."""
        if score <= 0.0:
            return 1.0
        p = self._curve(name, minute).p(score, nominal)
        if kind and p < _PLAIN:
            own = self._curve(_of_kind(name, kind), minute)
            if own is not self._empty:
                p = own.p(score, p)
        return p

    def note(self, principal: str, minute: int, scores: Sequence[float], beside: float = 0.0, young: int = 0) -> None:
        """An event's scores, in the order of ``names`` without the last, and a number of its own for ``combine``.

        Neither may depend on the order of events inside the minute, as far as the highest of the minute goes. ``young``
        says by which detectors the principal is still learning, bit n for name n; it is to be the same all minute
        long. Events of a minute that was counted are left out.
        """
        rows = self._rows
        head = rows.get("*")
        if head is None:
            head = (minute, None, 0, minute)
        elif head[0] != minute:
            if head[0] > minute:
                return
            self._close(head, minute)
            head = (minute, None, 0, head[3])
        key = _unit(principal)
        row = rows.get(key)
        if row is None:
            if head[2] >= self.units:
                return
            rows[key] = (head[1], beside, *scores, young)
            rows["*"] = (minute, principal, head[2] + 1, head[3])
            return
        if beside > row[1] or any(score > was for score, was in zip(scores, row[2:], strict=False)):
            rows[key] = (row[0], max(beside, row[1]), *map(max, row[2:], scores), *row[self._young :])

    def monitored(self, name: str) -> tuple[float, ...]:
        """Units of late, weighted as the law weights them, and those with p at or below each of ``LEVELS``."""
        return self._rows.get("m|" + name, (0.0,) * (1 + len(LEVELS)))

    def speaking(self, name: str) -> float:
        """The share of units that have a score at all, by the newest law."""
        curve = self._curve(name, _EVER)
        return curve.above[1] / curve.weight if curve.weight else 0.0

    @property
    def in_force(self) -> bool:
        """Whether the combination has a law of its own units yet; before that, p is the detectors' own."""
        return "b|" + self.names[-1] in self._rows

    @property
    def tests(self) -> int:
        """How many units were counted, ever, those of the first day among them: so many hypotheses were tested."""
        return int(self._rows.get("t", _NONE)[0])

    @property
    def digest(self) -> str:
        """Sixteen hex digits that follow from all units ever counted: their minutes and principals, and from the second
        day on their scores, whatever the order inside a minute. Zeros before the first."""
        return str(self._rows.get("t", _NONE)[1])

    def _close(self, head: Row, now: int) -> None:
        """Count the units of the minute that is over."""
        rows = self._rows
        minute, principal, _, first = head
        units: list[tuple[str, Row]] = []
        counted: list[Row] = []
        last = len(self.names) - 1
        scored = self._young
        taught = minute >= first + _DAY
        young = [0] * len(self.names)
        while principal is not None:
            key = _unit(principal)
            row = rows[key]
            del rows[key]
            units.append((kind_of(principal), row))
            counted.append((key, *row[1:scored]) if taught and any(row[2:scored]) else (key,))
            learning = row[scored] if len(row) > scored else 0
            if learning:
                young[last] += 1
                for place in range(last):
                    young[place] += learning >> place & 1
            principal = row[0]
        tests, digest = rows.get("t", _NONE)
        counted.sort()
        # As ASCII, as what else is printable is not the same in every version of Python.
        digest = blake2b(ascii((digest, minute, counted)).encode(), digest_size=8).hexdigest()
        rows["t"] = (tests + len(units), digest)
        if not taught:
            if self._sealed is not None:
                self._sealed(Sealed(minute, len(units), 0.0, tuple(young), (), ()))
            return
        weight = self._curve(self.names[last], minute).weight
        surprise: list[list[float]] = [[] for _ in self.names]
        admitted = self._admit({kind for kind, _ in units} - {""})
        counts: dict[str, dict[int, list[int]]] = {}
        levels: dict[str, list[int]] = {name: [0] * (1 + len(LEVELS)) for name in self.names}
        silent = 0  # most units are: no detector had anything to say
        silent_kinds: dict[str, int] = {}
        laws: dict[str, list[tuple[Curve, bool, dict[int, list[int]]]]] = {}
        for kind, row in units:
            own = kind if kind in admitted else ""
            if not any(row[2:scored]):
                silent += 1
                if own:
                    silent_kinds[own] = silent_kinds.get(own, 0) + 1
                continue
            law = laws.get(own)
            if law is None:
                law = laws[own] = [
                    (curve := self._curve(of, minute), curve.weight >= _TRUSTED, counts.setdefault(of, {}))
                    for name in self.names
                    for of in ((name, _of_kind(name, own)) if own else (name,))
                ]
            ps: list[float] = []
            at = 0
            for place, name in enumerate(self.names):
                score = row[2 + place] if place < last else self._combine(ps, row[1])
                p = self.p(name, kind, minute, score, 10.0**-score) if score > 0.0 else 1.0
                ps.append(p)
                if p < 1.0:
                    surprise[place].append(min(-log10(p), SURPRISE))
                for _ in range(2 if own else 1):
                    curve, trusted, mine = law[at]
                    at += 1
                    flagged = trusted and p < GUARD
                    most = _FARTHEST * curve.score(GUARD) if flagged else inf if trusted else _YOUNG_MOST
                    within = bin_of(min(score, most))
                    pair = mine.get(within)
                    if pair is None:
                        pair = mine[within] = [0, 0]
                    pair[flagged] += 1
                found = levels[name]
                found[0] += 1
                if p <= LEVELS[0]:
                    for level, under in enumerate(LEVELS, 1):
                        found[level] += p <= under
        for name in self.names:
            levels[name][0] += silent
            if silent:
                counts.setdefault(name, {}).setdefault(0, [0, 0])[0] += silent
            for kind, times in silent_kinds.items():
                counts.setdefault(f"{name}|{kind}", {}).setdefault(0, [0, 0])[0] += times
        for of in sorted(counts):
            self._add(of, counts[of], now)
        for name, found in levels.items():
            keep = 0.5 ** (found[0] / self.half_life)
            was = self.monitored(name)
            rows["m|" + name] = tuple(old * keep + new for old, new in zip(was, found, strict=True))
        if self._sealed is not None:
            rare = tuple(levels[name][2] for name in self.names)
            # fsum: exact, so the same in any order.
            self._sealed(Sealed(minute, len(units), weight, tuple(young), tuple(map(fsum, surprise)), rare))

    def _admit(self, kinds: set[str]) -> set[str]:
        """Those of the kinds that have laws of their own, newly admitted ones among them."""
        listed = set(self._rows.get("k", ()))
        for kind in sorted(kinds - listed):
            if len(listed) >= self.kinds:
                break
            listed.add(kind)
            self._rows["k"] = tuple(sorted(listed))
        return listed

    def _add(self, of: str, counts: dict[int, list[int]], now: int) -> None:
        """Units by bin, ordinary and flagged; from enough of them on, a new law, in force after this minute."""
        rows = self._rows
        key = "p|" + of
        _, _, budget, *listed = rows.get(key, _PENDING)
        for at in range(0, len(listed), 3):
            mine = counts.setdefault(listed[at], [0, 0])
            mine[0] += listed[at + 1]
            mine[1] += listed[at + 2]
        units = sum(plain for plain, _ in counts.values())
        flagged = sum(odd for _, odd in counts.values())
        if units + flagged < _BATCH:
            rows[key] = (units, flagged, budget, *(n for place in sorted(counts) for n in (place, *counts[place])))
            return
        allowed = min(budget + _ADMITTED * units, 1.0 + _ADMITTED * units)
        share = min(1.0, allowed / flagged) if flagged else 0.0
        rows[key] = (0, 0, allowed - share * flagged)
        law = rows.get("b|" + of)
        if law is not None:
            rows["o|" + of] = law
        keep = 0.5 ** ((units + flagged) / self.half_life)
        body = {} if law is None else {law[at]: law[at + 1] * keep for at in range(1, len(law), 2)}
        for place, (plain, odd) in counts.items():
            body[place] = body.get(place, 0.0) + plain + share * odd
        rows["b|" + of] = (now + 1, *(n for place in sorted(body) for n in (place, body[place])))

    def _curve(self, of: str, minute: int) -> Curve:
        key, before = _law_keys(of)
        law = self._rows.get(key)
        if law is None:
            return self._empty
        if law[0] > minute:
            key = before
            law = self._rows.get(key)
            if law is None:
                return self._empty
        known = self._curves.get(key)
        if known is None or known[0] is not law:
            body = [0.0] * BINS
            for at in range(1, len(law), 2):
                body[law[at]] = law[at + 1]
            known = self._curves[key] = (law, Curve(body, self._fit))
        return known[1]


@lru_cache(maxsize=256)
def _law_keys(of: str) -> tuple[str, str]:
    return "b|" + of, "o|" + of


@lru_cache(maxsize=256)
def _of_kind(name: str, kind: str) -> str:
    return f"{name}|{kind}"


@lru_cache(maxsize=16_384)
def _unit(principal: str) -> str:
    return row_key("u", principal)


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
