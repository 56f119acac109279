"""Multi-aspect tokens: which fields of a record have, right now, a share that the guarded long run does not know.

Every field becomes one token. For each token three shares of all records of its kind: the last ten active minutes, the
last thousand, and the long run. A token's evidence is the Kullback-Leibler divergence of its current share (the mean of
the first two, this record included) from its long-run share; a record's score is the sum of the squares over its
fields, so that a few fields that turned altogether outweigh many correlated ones that moved a little, and the reasons
are additive. MStream (Bhatia et al., arXiv 2009.08451) in aim, MIDAS-F (2009.08452) in its guard.
"""

from __future__ import annotations

from math import exp, fsum, inf, log, log2, sqrt
from typing import Any, ClassVar, NamedTuple

from models.base import TICK_MS, UNTESTED, Detector, Evidence, Features, Row, Store
from models.evict import sweep
from models.reason import Part

# Minutes of a kind of record ("kind" below) are numbered by those that had any; all records of one weigh the same, and
# those of the minute that is going on are kept apart until it is over, so that their order makes no difference.
# "t|kind|token": number of its last minute; before that: fast and slow mass (scaled up to the epoch's start) and
# guarded long-run mass; in it: records, and those of them that teach the long run.
# "-|kind|field": the majority token of the field, and the same six of the records that do *not* have it. Its own are
# the difference to all records, so that a record that has it changes nothing but the total.
# "*|kind": minute, its number, records before it; then the same five of all records.
# "!|kind": the fields it ever had, up to a number, each followed by its majority token or None.

_FAST, _SLOW = 0.9, 0.999  # kept a minute: windows of ten and of a thousand
_WARM = 1000  # records before which nothing is held back
_PRIOR = 0.5  # Krichevsky and Trofimov's
_LONG = 0.999  # of the long run is kept every 4096 minutes: a half-life of 2.8 million
_MARGIN = 1.5  # a current share up to this times the long-run share, and the floor, is no evidence
_FLOOR = 0.06  # nor is one more occurrence in the last ten
_MINORITY = 0.65  # long-run share below which a majority is one no more; above 0.63 = (1 - floor) / margin no token can
# be notable
_SETTLED = 256  # records before which there is no majority
_FIELDS = 128  # of a kind; more are ignored

_SPAN = 4096  # minutes between two rescalings of the forward decay
_UP_F, _UP_S = tuple(_FAST**-i for i in range(_SPAN)), tuple(_SLOW**-i for i in range(_SPAN))
_ALL = 0.999999
_NAMES = 16_384
_SHOWN = 4  # fields that are told of
_TOLD = 0.5  # a larger p makes no part
_NEW: Row = (-1, -1, 0, 0.0, 0.0, 0.0, 0, 0)


_LOUD = -log(_TOLD)
_SILENT: Evidence = (1.0, ())

_Found = tuple[float, str, str, float, float]
"""What a field adds to the score, field, row's key, current and long-run share of the token."""


class Scored(NamedTuple):
    """A record's score and the fields behind it.

    ``fields``: share of the score, field, token, current and long-run share of the token; most telling first, and the
    shares of the score add up to 1. ``records``: of the long run.
    """

    score: float
    fields: tuple[tuple[float, str, str, float, float], ...]
    records: int


class _Kind(NamedTuple):
    """A kind's "!" row, taken apart."""

    row: Row
    fields: frozenset[str]
    majority: dict[str, str]  # by field
    tokens: frozenset[str]  # the majorities


class Tokens(Detector):
    """How far a record's fields, together, are from what records of its kind have in the long run.

    Features: ``fields`` (name to string, number, bool or None), ``source``, the kind of record, with a long run of its
    own, and ``time``; without a time, every record is a minute of its own. A field that a record lacks counts as None.
    Records with fewer than ``least`` fields are neither tested nor learnt.

    ``guard``: score a field from which a record teaches the windows only. ``rare``: no token is taken for rarer in the
    long run, which bounds what poisoned training can take away. ``majority``: long-run share from which a field's token
    costs nothing to learn; it changes no score (2: no such saving). ``keys``: the cap on rows; beyond it, the least
    known tokens go first, then those unseen for longest.

    The score is an additive number without a unit. As a p it is exp(-root of the score), which ranks as it does and is
    no probability. Not for few records: maturity is 1 after 2,000.

    A value must come twice among ten records, or twice in ten minutes of few, to count: a single odd record is no
    evidence here (that is rarity's). What is learnt does not depend on the order inside a minute, but for a field that
    comes up in the middle of one; the score of a record does, since it counts the minute so far, over all principals.
    So a calibration by principal can't have it, and its p is held at 0.01: it supports others, and says why. An option
    of a set of models, outside the standard set.

    >>> tokens = Tokens()
    >>> usual = {f"f{n}": n for n in range(8)}
    >>> for number in range(3000):
    ...     tokens.learn_one({"source": "flow", "fields": usual | {"f0": number % 7}})
    >>> odd = {"source": "flow", "fields": usual | {"f1": "x", "f2": 10**9}}
    >>> for _ in range(9):
    ...     tokens.learn_one(odd)
    >>> from models.reason import text
    >>> text(tokens.assess(odd).parts[0])
    'f1 =x in 33% of the last flow records, 2.0% in the long run (0% to 11%), 3,009 records of history'
    """

    name: ClassVar[str] = "tokens"
    version: ClassVar[int] = 1
    features: ClassVar[tuple[str, ...]] = ("time", "principal", "source", "fields")
    believed: ClassVar[float] = 1e-2
    grows: ClassVar[bool] = True
    repeatable: ClassVar[bool] = False

    def __init__(
        self,
        store: Store | None = None,
        guard: float = 2.0,
        rare: float = 0.02,
        least: int = 4,
        majority: float = 0.8,
        keys: int = 20_000,
    ) -> None:
        self.store = store
        self.guard = guard
        self.rare = rare
        self.least = least
        self.majority = majority
        self.keys = keys
        self._rows = {} if store is None else store
        # Worked out from the rows and the values, and only for the sake of speed.
        self._names: dict[str, dict[str, dict[Any, str]]] = {}
        self._kinds: dict[str, _Kind] = {}
        self._known: dict[str, tuple[int, dict[str, float]]] = {}  # by kind: minute's number, score by token alone

    def tests(self, x: Features) -> int:
        """As many as fields may be told of."""
        fields = x.get("fields")
        return 0 if fields is None or len(fields) < self.least else _SHOWN

    def weigh(self, x: Features) -> Evidence:
        """The raw evidence about a record that is not learnt yet. Changes nothing."""
        return self._evidence(x, False)

    def observe(self, x: Features) -> Evidence:
        """``weigh`` and ``learn_one`` in one pass: the same answer and the same rows."""
        return self._evidence(x, True)

    def scored(self, x: Features, learn: bool = False) -> Scored | None:
        """The score with its reasons; None if the record has too few fields."""
        fields = x.get("fields")
        if fields is None or len(fields) < self.least:
            return None
        time = x.get("time")
        found, score, mass = self._pass(x.get("source") or "", None if time is None else time // TICK_MS, fields, learn)
        prefix = len("t||") + len(x.get("source") or "")
        shown = tuple((part / score, field, key[prefix + len(field) :], now, q) for part, field, key, now, q in found)
        return Scored(score, shown, int(mass))

    def _evidence(self, x: Features, learn: bool) -> Evidence:
        fields, time = x.get("fields"), x.get("time")
        if fields is None or len(fields) < self.least:
            # An event that has none is no worse known for that.
            return UNTESTED if time is None or x.get("principal") is None else _SILENT
        source = x.get("source") or ""
        found, score, mass = self._pass(source, None if time is None else time // TICK_MS, fields, learn)
        maturity = mass / (2.0 * _WARM) if mass < 2.0 * _WARM else 1.0
        root = sqrt(score)
        if root < _LOUD:
            return maturity, ()
        prefix = len("t||") + len(source)
        highest = found[0][0]
        parts: tuple[Part, ...] = ()
        for part, field, key, now, before in found[:_SHOWN]:
            p = exp(-root * part / highest)
            if p > _TOLD:
                break
            spread = 1.96 * sqrt(before * (1.0 - before) * (1.0 - _FAST))
            parts += (
                Part(
                    detector="tokens",
                    feature=field,
                    key=source,
                    value=key[prefix + len(field) :],
                    seen=now,
                    expected=before,
                    low=max(0.0, before - spread),
                    high=min(1.0, before + spread),
                    history=int(mass),
                    age_ms=0,
                    maturity=maturity,
                    p=p,
                ),
            )
        return maturity, parts

    def _pass(
        self, source: str, tick: int | None, fields: dict[str, Any], learn: bool
    ) -> tuple[list[_Found], float, float]:
        """Notable fields, the most telling first; the score; and the long-run records it rests on."""
        rows = self._rows
        get = rows.get
        total_key = "*|" + source
        total = _turned(get(total_key, _NEW), tick)
        tick, number, count, all_f, all_s, mass, records, teaching = total
        kind = self._kind(source)
        if fields.keys() != kind.fields:
            fields = _completed(fields, kind)
        named = self._named(source, fields, kind)
        known = self._known.get(source)
        if known is None or known[0] != number:
            known = (number, {})
            if learn:
                self._known[source] = known
        said = known[1]
        found: list[_Found] = []
        alone: list[float] = []
        for field, key in named:
            row = get(key)
            if learn:
                own = said.get(key)
                if own is None:
                    part = self._test(field, key, row, total, 0, 0)
                    own = said[key] = 0.0 if part is None else part[0]
                if own:
                    alone.append(own)
            part = self._test(field, key, row, total, row[4] if row is not None and row[0] == number else 0, records)
            if part is not None:
                found.append(part)
        score = fsum([part[0] for part in found]) if found else 0.0  # exact, so the order of fields makes no difference
        if learn:
            # As if it were the first of its minute: then the order of these makes no difference to what is learnt.
            taught = int(count < _WARM or fsum(alone) <= self.guard * len(fields))
            rows[total_key] = (tick, number, count, all_f, all_s, mass, records + 1, teaching + taught)
            self._learn(source, kind, named, total, taught)
            if len(fields) != len(kind.fields):
                self._change(source, kind, sorted(fields.keys() - kind.fields), {})
            before = len(rows)
            sweep(rows, self.keys, _rank)
            if len(rows) < before:
                self._known.clear()
        if len(found) > 1:
            found.sort(reverse=True)
        return found, score, mass

    def _test(self, field: str, key: str, row: Row | None, total: Row, here: int, records: int) -> _Found | None:
        """What a token's current share says, with this record and ``here`` of ``records`` before it in the minute."""
        _, number, _, all_f, all_s, mass, _, _ = total
        f, s, history = (0.0, 0.0, 0.0) if row is None else _folded(row, number)[1:4]
        long = 1.0 / (mass + 2.0 * _PRIOR)
        slope = _MARGIN * long
        least = _PRIOR * slope + _FLOOR
        if history * slope + least >= 1.0:
            return None
        up_f, up_s = _UP_F[number % _SPAN], _UP_S[number % _SPAN]
        own, many = here + 1, records + 1
        now = ((f + own * up_f) / (all_f + many * up_f) + (s + own * up_s) / (all_s + many * up_s)) / 2.0
        if now <= history * slope + least:
            return None
        p = max((history + _PRIOR) * long, self.rare)
        part = now * log(now / p)
        if now < _ALL:
            part += (1.0 - now) * log((1.0 - now) / (1.0 - p))
        return 4.0 * part * part, field, key, now, p

    def _learn(self, source: str, kind: _Kind, named: list[tuple[str, str]], total: Row, taught: int) -> None:
        """Write the rows of the tokens that are not their field's majority, and of the majorities they are not.

        A token becomes a majority, or is one no more, by what was learnt before this minute, when it is first met in
        it. The records of this minute that came before then had none of it, or all of it.
        """
        rows = self._rows
        _, number, _, all_f, all_s, mass, records, teaching = total
        changed: dict[str, str | None] = {}
        for field, key in named:
            row = rows.get(key)
            majority = kind.majority.get(field)
            if majority is None:
                if row is not None and row[0] < number:
                    row = _folded(row, number)
                    if row[3] > self.majority * mass and mass >= _SETTLED:
                        others = (all_f - row[1], all_s - row[2], mass - row[3], records, teaching)
                        rows[f"-|{source}|{field}"] = (key, number, *others)
                        del rows[key]
                        changed[field] = key
                        continue
            else:
                name = f"-|{source}|{field}"
                without = rows[name][1:]
                if without[0] < number:
                    without = _folded(without, number)
                    if mass - without[3] < _MINORITY * mass:
                        own = (all_f - without[1], all_s - without[2], mass - without[3], records, teaching)
                        rows[majority] = (number, *own)
                        del rows[name]
                        changed[field] = majority = None
                if majority is not None:
                    _, f, s, history, here, teach = without
                    rows[name] = (majority, number, f, s, history, here + 1, teach + taught)
            if row is None:
                rows[key] = (number, 0.0, 0.0, 0.0, 1, taught)
            else:
                _, f, s, history, here, teach = row if row[0] == number else _folded(row, number)
                rows[key] = (number, f, s, history, here + 1, teach + taught)
        if changed:
            self._change(source, kind, [], changed)

    def _change(self, source: str, kind: _Kind, new: list[str], changed: dict[str, str | None]) -> None:
        """Write the kind's fields anew: with other majorities, or with fields that it never had."""
        row = self._rows.get("!|" + source, ())
        of: dict[str, str | None] = dict(zip(row[::2], row[1::2], strict=True))
        of |= dict.fromkeys(new)
        of |= changed
        self._rows["!|" + source] = tuple(value for pair in of.items() for value in pair)

    def _kind(self, source: str) -> _Kind:
        row = self._rows.get("!|" + source, ())
        known = self._kinds.get(source)
        if known is None or known.row is not row:
            majority = {field: token for field, token in zip(row[::2], row[1::2], strict=True) if token is not None}
            known = self._kinds[source] = _Kind(row, frozenset(row[::2]), majority, frozenset(majority.values()))
        return known

    def _named(self, source: str, fields: dict[str, Any], kind: _Kind) -> list[tuple[str, str]]:
        """Field and token, of those fields where the record does not have the majority."""
        usual = kind.tokens
        names = self._names.get(source)
        if names is None:
            names = self._names[source] = {}
        try:
            return [(field, key) for field, value in fields.items() if (key := names[field][value]) not in usual]
        except (KeyError, TypeError):
            return [
                (field, key)
                for field, value in fields.items()
                if (key := _name(names, f"t|{source}|{field}", field, value)) not in usual
            ]


def token(value: Any) -> str:
    """The name of a value, on a scale that is fixed for good: no minimum, maximum or quantile for others to move.

    Text as it is, at most 64 characters; 0 and 1 (and false, true) as they are; other numbers between 0 and 1 in
    tenths, the rest in half octaves of 1 + |x|. Values that are equal in Python have the same name.

    >>> token("GET"), token(True), token(0.37), token(1500), token(-2.0)
    ('=GET', '=1', '~.3', '#21', '#-3')
    """
    if isinstance(value, int | float):
        if value in (0, 1):
            return f"={int(value)}"
        if value != value or value in (inf, -inf):
            return f"={value}"
        if 0.0 < value < 1.0:
            return f"~.{int(value * 10)}"
        return f"#{'-' if value < 0 else ''}{int(2 * log2(1 + abs(value)))}"
    return f"={str(value)[:64]}"


def _name(names: dict[str, dict[Any, str]], prefix: str, field: str, value: Any) -> str:
    of = names.setdefault(field, {})
    try:
        known = of.get(value)
    except TypeError:  # a list or an object: as its text
        return prefix + token(str(value))
    if known is None:
        if len(of) >= _NAMES:
            of.clear()
        known = of[value] = prefix + token(value)
    return known


def _completed(fields: dict[str, Any], kind: _Kind) -> dict[str, Any]:
    """With None for what the record lacks, and without new fields beyond the limit."""
    room = _FIELDS - len(kind.fields)
    new = sorted(fields.keys() - kind.fields)[:room]
    return {field: fields.get(field) for field in (*sorted(kind.fields), *new)}


def _turned(total: Row, tick: int | None) -> Row:
    """A kind's total in minute ``tick``: the same while that goes on, and for what comes late; else the next."""
    then, number, count, all_f, all_s, mass, records, teaching = total
    if tick is not None and tick <= then:
        return total
    if number >= 0:
        number, all_f, all_s, mass, _, _ = _folded((number, all_f, all_s, mass, records, teaching), number + 1)
    else:
        number = 0
    return (then + 1 if tick is None else tick, number, count + records, all_f, all_s, mass, 0, 0)


def _folded(row: Row, number: int) -> Row:
    """Number and masses at the start of minute ``number``, with nothing in it yet."""
    then, f, s, history, here, teach = row
    if then >= number:
        return row
    place = then % _SPAN
    f += here * _UP_F[place]
    s += here * _UP_S[place]
    history += teach
    spans = number // _SPAN - then // _SPAN
    if spans:
        f *= _FAST ** (_SPAN * spans)
        s *= _SLOW ** (_SPAN * spans)
        history *= _LONG**spans
    return number, f, s, history, 0, 0


def _rank(key: str, row: Row) -> tuple[int, int] | None:
    return (int(row[3] + row[5]).bit_length(), row[0]) if key.startswith("t|") else None
