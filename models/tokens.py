"""Multi-aspect tokens: which fields of a record have, right now, a share that the guarded long run does not know.

Every field becomes one token. For each token three shares of all records of its kind: the last ten or so, the last
thousand, and the long run. A token's evidence is the Kullback-Leibler divergence of its current share (the mean of the
first two) from its long-run share; a record's score is the sum of the squares over its fields, so that a few fields
that turned altogether outweigh many correlated ones that moved a little, and the reasons are additive. MStream (Bhatia
et al., arXiv 2009.08451) in aim, MIDAS-F (2009.08452) in its guard. It counts records and needs no clock.
"""

from __future__ import annotations

from math import atan2, fsum, inf, log, log2, pi, sqrt, tan
from typing import Any, ClassVar, NamedTuple

from models.base import NOTABLE, UNTESTED, Detector, Evidence, Features, Row, Store
from models.evict import sweep
from models.reason import Part

# Rows of a kind of record ("kind" below; fields are those it ever had, up to a number):
# "t|kind|token": epoch, fast and slow mass (scaled up to the epoch's start), guarded long-run mass.
# "-|kind|field": the majority token of the field, and the same four of the records that do *not* have it. Its own are
# the difference to all records, so that a record that has it changes nothing but the total.
# "*|kind": records; long-run records; of the records that taught, how many had which score.
# "!|kind": its fields, each followed by its majority token or None.

_FAST, _SLOW = 0.9, 0.999  # kept a record: windows of ten and of a thousand
_WARM = 1000  # records before which nothing is held back
_PRIOR = 0.5  # Krichevsky and Trofimov's
_LONG = 0.999  # of the long run is kept every 4096 records: a half-life of 2.8 million
_MARGIN = 1.5  # a current share up to this times the long-run share, and the floor, is no evidence
_FLOOR = 0.06  # nor is one more occurrence in the last ten
_MINORITY = 0.65  # long-run share below which a majority is one no more; above 0.63 = (1 - floor) / margin no token can
# be notable
_SETTLED = 256  # records before which there is no majority
_FIELDS = 128  # of a kind; more are ignored

_SPAN = 4096  # records between two rescalings of the forward decay
_UP_F, _UP_S = tuple(_FAST**-i for i in range(_SPAN)), tuple(_SLOW**-i for i in range(_SPAN))
_HALF_F, _HALF_S = (1.0 - _FAST) / 2.0, (1.0 - _SLOW) / 2.0
_ALL = 0.999999
_NAMES = 16_384
_LEVELS = 20  # half octaves of the score, 1 to 724 and above
_LIMIT = 65_536  # scores counted, at which the counts are halved
_NEW: Row = (0, 0.0, *(0,) * _LEVELS)


class Scored(NamedTuple):
    """A record's score, its conservative p, and with p <= 0.05 the fields behind it.

    ``fields``: share of the score, field, token, current and long-run share of the token; most telling first, and the
    shares of the score add up to 1. ``records``: of the long run.
    """

    score: float
    p: float
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

    Features: ``fields`` (name to string, number, bool or None) and ``source``, the kind of record, with a long run of
    its own. A field that a record lacks counts as None. Records with fewer than ``least`` fields are neither tested nor
    learnt: with few fields there is little to tell, so the events of most sources are left alone.

    ``guard``: score a field from which a record teaches the windows only. ``rare``: no token is taken for rarer in the
    long run, which bounds what poisoned training can take away. ``majority``: long-run share from which a field's token
    costs nothing to learn; it changes no score (2: no such saving). ``keys``: the cap on rows; beyond it, the least
    known tokens go first, then those unseen for longest.

    **p or score.** p is the share of the records that taught whose score was as high (half octaves), never below one
    over their number: a rank among the record's own past. It is conservative for a stationary source, blind beyond its
    past, and it drifts during the first thousands of records. Calibration should take ``Scored.score``, an additive
    number without a unit that is a p-value of nothing. Not for few records: maturity is 1 after 2,000.

    A value must come at least twice among ten records to count: a single odd record is no evidence here (that is
    rarity's). Unlike detectors with a clock, the order of records always matters a little, also inside a minute.

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

    def __init__(
        self,
        store: Store | None = None,
        guard: float = 2.0,
        rare: float = 0.02,
        least: int = 8,
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

    def tests(self, x: Features) -> int:
        """One, of the record as a whole: its parts are shares of that."""
        fields = x.get("fields")
        return 0 if fields is None or len(fields) < self.least else 1

    def weigh(self, x: Features) -> Evidence:
        """The raw evidence about a record that is not learnt yet. Changes nothing."""
        return self._evidence(x, False)

    def observe(self, x: Features) -> Evidence:
        """``weigh`` and ``learn_one`` in one pass: the same answer and the same rows."""
        return self._evidence(x, True)

    def scored(self, x: Features, learn: bool = False) -> Scored | None:
        """The score that calibration takes, with its reasons; None if the record has too few fields."""
        fields = x.get("fields")
        if fields is None or len(fields) < self.least:
            return None
        return self._pass(x.get("source") or "", fields, learn)

    def _evidence(self, x: Features, learn: bool) -> Evidence:
        found = self.scored(x, learn)
        if found is None:
            return UNTESTED
        maturity = min(1.0, found.records / (2.0 * _WARM))
        if not found.fields:
            return maturity, ()
        whole = 1.0 / tan(pi * found.p)
        parts: tuple[Part, ...] = ()
        for share, field, token, now, before in found.fields:
            p = atan2(1.0, share * whole) / pi  # so that the combination of the shares gives the record's p again
            if p > NOTABLE:
                break
            spread = 1.96 * sqrt(before * (1.0 - before) * 2.0 * _HALF_F)
            part = Part(
                detector="tokens",
                feature=field,
                key=x.get("source") or "",
                value=token,
                seen=now,
                expected=before,
                low=max(0.0, before - spread),
                high=min(1.0, before + spread),
                history=found.records,
                age_ms=0,
                maturity=maturity,
                p=p,
            )
            parts += (part,)
        return maturity, parts

    def _pass(self, source: str, fields: dict[str, Any], learn: bool) -> Scored:
        rows = self._rows
        get = rows.get
        total_key = "*|" + source
        row = get(total_key, _NEW)
        count, mass, levels = row[0], row[1], row[2:]
        kind = self._kind(source)
        if fields.keys() != kind.fields:
            fields = _completed(fields, kind)
        named = self._named(source, fields, kind)
        epoch, place = divmod(count, _SPAN)
        if place == 0 and epoch:
            mass *= _LONG
        up_f, up_s = _UP_F[place], _UP_S[place]
        # A scaled mass times these is half the token's share of the window, this record included.
        scale_f = _HALF_F / (1.0 - _FAST ** (count + 1)) / up_f if count < 1024 else _HALF_F / up_f
        scale_s = _HALF_S / (1.0 - _SLOW ** (count + 1)) / up_s if count < 40_960 else _HALF_S / up_s
        long = 1.0 / (mass + 2.0 * _PRIOR)
        slope = _MARGIN * long
        least = _PRIOR * slope + _FLOOR
        sure = (1.0 - least) / slope  # tokens with more cannot be notable
        found: list[tuple[float, str, str, float, float]] = []
        touched: list[tuple[str, str, Row]] = []
        rare = self.rare
        for field, key in named:
            known = get(key)
            if known is None:
                f, s, history = up_f, up_s, 0.0
            else:
                f, s, history = known[1:] if known[0] == epoch else _scaled(known, epoch)
                f += up_f
                s += up_s
            if learn:
                touched.append((field, key, (epoch, f, s, history)))
            if history > sure:
                continue
            now = f * scale_f + s * scale_s
            if now > history * slope + least:
                p = (history + _PRIOR) * long
                if p < rare:
                    p = rare
                part = now * log(now / p)
                if now < _ALL:
                    part += (1.0 - now) * log((1.0 - now) / (1.0 - p))
                found.append((4.0 * part * part, field, key, now, p))
        score = fsum([part[0] for part in found]) if found else 0.0  # exact, so the order of fields makes no difference
        level = min(int(2.0 * log2(score)), _LEVELS - 1) if score >= 1.0 else 0
        total = sum(levels)
        p = (sum(levels[level:]) + 1.0) / (total + 1.0)
        records = int(mass)
        if learn:
            taught = 1.0 if score <= self.guard * len(fields) or count < _WARM else 0.0
            mass += taught
            if taught:
                if total >= _LIMIT:
                    levels = tuple(n // 2 for n in levels)
                levels = (*levels[:level], levels[level] + 1, *levels[level + 1 :])
            rows[total_key] = (count + 1, mass, *levels)
            self._learn(source, kind, touched, count, mass, taught)
            if len(fields) != len(kind.fields):
                self._change(source, kind, sorted(fields.keys() - kind.fields), {})
            sweep(rows, self.keys, _rank)
        if p > NOTABLE or not found:
            return Scored(score, p, (), records)
        found.sort(reverse=True)
        prefix = len("t||") + len(source)
        shown = tuple((part / score, field, key[prefix + len(field) :], now, q) for part, field, key, now, q in found)
        return Scored(score, p, shown, records)

    def _learn(
        self, source: str, kind: _Kind, touched: list[tuple[str, str, Row]], count: int, mass: float, taught: float
    ) -> None:
        """Write the rows of the tokens that are not their field's majority, and of the majorities they are not."""
        rows = self._rows
        epoch, place = divmod(count, _SPAN)
        up_f, up_s = _UP_F[place], _UP_S[place]
        changed: dict[str, str | None] = {}
        for field, key, (_, f, s, history) in touched:
            history += taught
            majority = kind.majority.get(field)
            if majority is None:
                if history > self.majority * mass and mass >= _SETTLED:
                    all_f, all_s = _all_of(count)
                    rows[f"-|{source}|{field}"] = (key, epoch, all_f - f, all_s - s, mass - history)
                    if key in rows:
                        del rows[key]
                    changed[field] = key
                    continue
            else:
                name = f"-|{source}|{field}"
                row = rows[name]
                wf, ws, without = row[2:] if row[1] == epoch else _scaled(row[1:], epoch)
                wf, ws, without = wf + up_f, ws + up_s, without + taught
                if mass - without < _MINORITY * mass:
                    all_f, all_s = _all_of(count)
                    rows[majority] = (epoch, all_f - wf, all_s - ws, mass - without)
                    del rows[name]
                    changed[field] = None
                else:
                    rows[name] = (majority, epoch, wf, ws, without)
            rows[key] = (epoch, f, s, history)
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


def _scaled(row: Row, epoch: int) -> tuple[float, float, float]:
    """A row's masses at the start of a later epoch."""
    then, f, s, history = row
    spans = epoch - then
    return f * _FAST ** (_SPAN * spans), s * _SLOW ** (_SPAN * spans), history * _LONG**spans


def _all_of(count: int) -> tuple[float, float]:
    """Fast and slow mass of a token that all records have, record ``count`` (from 0) included."""
    place = count % _SPAN
    fast: float = _UP_F[place] * (1.0 - _FAST ** (count + 1)) / (1.0 - _FAST)
    slow: float = _UP_S[place] * (1.0 - _SLOW ** (count + 1)) / (1.0 - _SLOW)
    return fast, slow


def _rank(key: str, row: Row) -> tuple[int, int] | None:
    return (int(row[3]).bit_length(), row[0]) if key.startswith("t|") else None
