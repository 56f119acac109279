"""Whether the models of a domain still say what they promise: monitors that the calibration feeds once a minute.

**Level**: the mean of ``-log10 p`` over the principal-minutes. ADWIN (``models.adwin``) sees a change in it, in spans
of ten minutes. Most changes are the hour of the day, an attack or a release, so that alone is no drift: the level must
have stood for three blocks, of an hour each or more, clearly above all that it stood at for three blocks in the seven
days before. An attack of an hour touches two blocks at the most. A level that falls is no alarm: less happens.

**Promise**: of the principal-minutes a hundredth should have p <= 0.01. It is broken if the share, by the counters of
the calibration, is significantly outside 0.5 % to 2 % (Wilson's bound at four standard deviations), and the share of
each of the last three blocks is outside on the same side. If it is too large, so must be the mean over the blocks of a
day or so, of which each counts as 4 % at most: what an attack leaves in the counters is there for days. Too small it
counts for the combination only, and if its law has scores enough: the scores of one detector come in steps, of which
the hundredth may lie between two.

**Youth**: the share of principal-minutes whose key is still learning. **Loss**: rows evicted, and keys refused, a day.
These are told and raise no alarm; where most are young, the state is "learning" and there is no alarm at all.

An alarm holds for a day of event time after the last evidence, and then ends by itself: by then the models have learnt
the change, or the level is the new one that later days are held against.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import log, sqrt
from typing import Any, NamedTuple

from models import adwin
from models.base import Row, Store
from models.calibration import Sealed

GOOD, LEARNING, DRIFT = "good", "learning", "drift"

UP, MANY, FEW = "level up", "too many", "too few"
"""What an alarm rests on: the level, or the share of small p."""

REFUSED = "refused"
"""Among the counts of what was lost: keys that the quota of new keys refused."""

_HELD = 3  # blocks
_HALF_BLOCKS = 12.0  # after which a block counts half in the mean share
_TENTHS = 10  # ADWIN's bound is for values up to 1, and some of it does not scale: of whole decades it sees no shift
_DAYS = 7
_DAY = 1440

# "names": the calibrated ones, the combination last. "now": first minute; last; the one since which the law can be
# held to its word, or -1; then of span and block: first minute or -1, units; then by name: surprise of the span,
# surprise, rare and young units of the block.
_NOW: Row = (-1, -1, -1, -1, 0, -1, 0)
_FIRST, _LAST, _SINCE, _SPAN_AT, _SPAN_UNITS, _BLOCK_AT, _BLOCK_UNITS = range(7)
# "a|NAME": ADWIN. "c|NAME": minute of its last change. "l|NAME": means of the last three blocks, shares of small p of
# these, the earliest first, -1 before there were three; mean share, decayed; then days: day, most and least held.
_NO_BLOCKS: Row = (*(-1.0,) * (2 * _HELD), 0.01)
_MEAN_SHARE = 2 * _HELD
# "p|NAME": units, then those with p at or below each level, as the calibration keeps them. "s|NAME": state, since; of
# the last alarm until, cause, what was seen, least and most expected.
_UNKNOWN: Row = (LEARNING, -1, -1, None, None, None, None)
# "y": minute; units; young ones by name, decayed. "e|NAME": a count as it was, what was added, decayed; minute.


class Limits(NamedTuple):
    """Where the monitors draw the line. Minutes are of event time.

    ``span``, ``span_units``: minutes and units, at least, of a value for ADWIN; ``block``, ``block_units``: of a block.
    ``learned``: units that the law rests on before it is held to its word. ``margin``, ``share``: how far beyond the
    days before the level has to stand, and that as a share of their level; the larger counts. ``recent``: minutes that
    ADWIN's last change may be ago. ``rare``: of p <= 0.01, the shares that are still in order; ``deviations``: standard
    deviations beyond these. ``speaking``: the least share of units with a score that makes too few small p an alarm.
    ``delta``: ADWIN's. ``hold``: minutes that an alarm lasts.
    """

    span: int = 10
    span_units: int = 30
    block: int = 60
    block_units: int = 200
    learned: float = 2_000.0
    margin: float = 0.03
    share: float = 0.25
    recent: int = 720
    least: float = 0.005
    most: float = 0.02
    deviations: float = 4.0
    speaking: float = 0.02
    delta: float = 0.002
    hold: int = _DAY


class Health(NamedTuple):
    """One model at the end of its last block of minutes. Times are event minutes since 1970; None: not known yet.

    ``model``: the detector, or "all" for the combination. ``state``: "good", "learning", "drift"; ``since``: when it
    came to that. Of the last alarm, past or present: ``until`` when it holds, its ``cause``, what was ``seen`` (the
    level that held, or the share of p <= 0.01), and the least and most that was expected. ``level``: mean ``-log10 p``
    of the last block. ``spans``: values in ADWIN's window. ``units``: what the shares rest on, recent ones weighing
    more; ``tenth``, ``hundredth``, ``thousandth``: shares of units with p at or below that. ``young``: share of the
    last day's with a key that is still learning. ``evicted``: rows a day; ``refused``: keys a day, of the domain.
    """

    model: str
    state: str
    since: int
    until: int | None = None
    cause: str | None = None
    seen: float | None = None
    least: float | None = None
    most: float | None = None
    level: float | None = None
    spans: int = 0
    units: float = 0.0
    tenth: float | None = None
    hundredth: float | None = None
    thousandth: float | None = None
    young: float | None = None
    evicted: float = 0.0
    refused: float = 0.0

    @property
    def text(self) -> str:
        """The sentence an operator reads, from these numbers and nothing else.

        >>> Health("all", "drift", 28928220, 28929840, "too many", 0.061, 0.005, 0.02).text
        'all: in drift since 2025-01-01 01:00, 6.1% of the principal-minutes had p <= 0.01, expected 0.5% to 2%'
        """
        line = f"{self.model}: {'in drift' if self.state == DRIFT else self.state} since {_time(self.since)}"
        if self.state == DRIFT and self.seen is not None and self.least is not None and self.most is not None:
            if self.cause == UP:
                line += (
                    f", mean -log10 p stood above {self.seen:.2g} for three hours or more, "
                    f"at {self.least:.2g} to {self.most:.2g} in the {_DAYS} days before"
                )
            else:
                line += (
                    f", {_share(self.seen)} of the principal-minutes had p <= 0.01, "
                    f"expected {_share(self.least)} to {_share(self.most)}"
                )
        elif self.level is not None and self.hundredth is not None:
            line += (
                f", {_share(self.hundredth)} of {self.units:,.0f} principal-minutes have p <= 0.01, "
                f"mean -log10 p {self.level:.2g}"
            )
        if self.young:
            line += f"; {_share(self.young)} of them have a key that is still learning"
        if self.evicted >= 1.0:
            line += f"; {self.evicted:,.0f} keys a day are evicted"
        if self.refused >= 1.0:
            line += f"; {self.refused:,.0f} new keys a day are refused"
        return line


class Monitors:
    """The monitors of one domain's models, over the rows of ``store``: six a name, about 3 kB for each.

    ``names``: as the calibration has them, the combination last. ``shares(name)``: its ``monitored``.
    ``speaking(name)``: the share of units that the detector scores at all. ``lost()``: counts that only grow, by name
    of detector the rows evicted, by ``REFUSED`` the keys refused. They are asked at the end of a block.
    """

    def __init__(
        self,
        store: Store,
        names: Sequence[str],
        shares: Callable[[str], tuple[float, ...]],
        speaking: Callable[[str], float],
        lost: Callable[[], Mapping[str, int]],
        limits: Limits | None = None,
    ) -> None:
        self.names = tuple(names)
        self.limits = limits or Limits()
        self._rows = store
        self._shares = shares
        self._speaking = speaking
        self._lost = lost
        self._adwin = adwin.Settings(delta=self.limits.delta, clock=1, grace=30)

    def feed(self, sealed: Sealed) -> None:
        """Take a minute that is over. They are to come in the order of time."""
        rows, limits = self._rows, self.limits
        count = len(self.names)
        if rows.get("names") != self.names:  # other models: what is known is of the ones before
            for key in [key for key in rows if not key.startswith("#")]:
                del rows[key]
            rows["names"] = self.names
        first, _, since, span_at, span_units, block_at, units, *sums = rows.get("now") or (*_NOW, *(0,) * 4 * count)
        minute = sealed.minute
        if first < 0:
            first = minute
        if since < 0 and sealed.weight >= limits.learned:
            since, block_at, units, sums = minute, -1, 0, [0] * 4 * count
        if block_at < 0:
            block_at = minute
        units += sealed.units
        young = [was + new for was, new in zip(sums[3 * count :], sealed.young, strict=True)]
        if since >= 0:
            if span_at < 0:
                span_at = minute
            span_units += sealed.units
            news = (*sealed.surprise, *sealed.surprise, *sealed.rare)
            sums = [round(was + new, 6) for was, new in zip(sums[: 3 * count], news, strict=True)]
            if minute - span_at >= limits.span - 1 and span_units >= limits.span_units:
                self._span(minute, [total / span_units for total in sums[:count]])
                span_at, span_units = -1, 0
                sums[:count] = [0] * count
        if minute - block_at >= limits.block - 1 and units >= limits.block_units:
            self._count(minute, units, young)
            if since >= 0:
                for place, name in enumerate(self.names):
                    self._block(name, minute, sums[count + place] / units, sums[2 * count + place] / units)
            block_at, units = -1, 0
            sums[count:] = [0] * 2 * count
            young = [0] * count
        rows["now"] = (first, minute, since, span_at, span_units, block_at, units, *sums[: 3 * count], *young)

    def _span(self, minute: int, means: Sequence[float]) -> None:
        for name, value in zip(self.names, means, strict=True):
            row = self._rows.get("a|" + name, adwin.EMPTY)
            self._rows["a|" + name] = row = adwin.update(row, round(_TENTHS * value, 4), self._adwin)
            if adwin.found(row):
                self._rows["c|" + name] = (minute,)

    def _block(self, name: str, minute: int, mean: float, rare: float) -> None:
        """Hold the end of a block against the past, and make it part of it."""
        rows = self._rows
        rows["p|" + name] = tuple(round(number, 3) for number in self._shares(name))
        before = rows.get("l|" + name, _NO_BLOCKS)
        means, shares = (*before[1:_HELD], round(mean, 4)), (*before[_HELD + 1 : 2 * _HELD], round(rare, 4))
        keep = 0.5 ** (1.0 / _HALF_BLOCKS)
        usual = round(keep * before[_MEAN_SHARE] + (1.0 - keep) * min(rare, 2.0 * self.limits.most), 6)
        days = _days(before)
        alarm: Row | None = None
        if means[0] >= 0.0:
            alarm = self._moved(name, minute, means, days) or self._broken(name, shares, usual)
            days = _recorded(days, minute // _DAY, min(means), max(means))
        rows["l|" + name] = (*means, *shares, usual, *(number for day in days for number in day))
        self._enter(name, minute, alarm)

    def _moved(self, name: str, minute: int, means: Sequence[float], days: Sequence[Row]) -> Row | None:
        """What the level says: it changed, and stands where it never stood."""
        change = self._rows.get("c|" + name)
        past = _past(days, minute)
        if change is None or minute - change[0] > self.limits.recent or past is None:
            return None
        lowest, highest = past
        if min(means) > highest + max(self.limits.margin, self.limits.share * highest):
            return UP, min(means), lowest, highest
        return None

    def _broken(self, name: str, shares: Sequence[float], usual: float) -> Row | None:
        """What the share of small p says."""
        units, _, rare, _ = self._rows["p|" + name]
        least, most = self.limits.least, self.limits.most
        if units <= 0.0:
            return None
        low, high = _wilson(rare / units, units, self.limits.deviations)
        if low > most and min(shares) > most and usual > most:
            return MANY, round(rare / units, 6), least, most
        whole = name == self.names[-1]
        if whole and high < least and max(shares) < least and self._speaking(name) >= self.limits.speaking:
            return FEW, round(rare / units, 6), least, most
        return None

    def _enter(self, name: str, minute: int, alarm: Row | None) -> None:
        """The state that follows, a row only if it is another one."""
        rows = self._rows
        key = "s|" + name
        was = rows.get(key, _UNKNOWN)
        state, since, until, *evidence = _expired(was, minute)
        _, counted, *young = rows["y"]
        settled = LEARNING if young[self.names.index(name)] > 0.5 * counted else GOOD
        if settled == GOOD and alarm is not None:
            rows[key] = (DRIFT, since if state == DRIFT else minute, minute + self.limits.hold, *alarm)
        elif state != DRIFT:
            row = (state, since, until, *evidence) if state == settled else (settled, minute, until, *evidence)
            if row != was:
                rows[key] = row

    def _count(self, minute: int, units: int, young: Sequence[int]) -> None:
        """Youth and loss, by a memory of a day."""
        rows = self._rows
        then, *was = rows.get("y", (minute, 0.0, *(0.0 for _ in young)))
        keep = _keep(minute - then)
        rows["y"] = (
            minute,
            *(round(old * keep + new, 3) for old, new in zip(was, (units, *young), strict=True)),
        )
        for name, count in self._lost().items():
            known, added, then = rows.get("e|" + name, (0, 0.0, minute))
            if count != known or added:
                kept = round(added * _keep(minute - then) + max(0, count - known), 3)
                rows["e|" + name] = (count, kept, minute)


def health(rows: Mapping[str, Row]) -> tuple[Health, ...]:
    """The models of a domain, the combination last, out of the rows of its store "health", as a changelog has them.

    A detector that is not calibrated is not among them. Empty before the first minute is over.
    """
    now = rows.get("now")
    if now is None:
        return ()
    minute, names = now[_LAST], rows["names"]
    _, counted, *young = rows.get("y", (minute, 0.0, *(0.0 for _ in names)))
    lost = {key[2:]: _a_day(row, minute) for key, row in sorted(rows.items()) if key.startswith("e|")}
    refused = lost.pop(REFUSED, 0.0)
    told = []
    for place, name in enumerate(names):
        state, since, until, cause, seen, least, most = _expired(rows.get("s|" + name, _UNKNOWN), minute)
        found: dict[str, Any] = {}
        if "l|" + name in rows:
            units, *below = rows["p|" + name]
            found = {"level": rows["l|" + name][_HELD - 1], "units": units}
            if units:
                found |= dict(zip(_SHARES, (round(count / units, 6) for count in below), strict=True))
        told.append(
            Health(
                name,
                state,
                since if since >= 0 else now[_FIRST],
                until if until >= 0 else None,
                cause,
                seen,
                least,
                most,
                spans=adwin.width(rows.get("a|" + name, adwin.EMPTY)),
                young=round(young[place] / counted, 4) if counted else None,
                evicted=round(sum(lost.values(), 0.0) if place == len(names) - 1 else lost.get(name, 0.0), 3),
                refused=refused,
                **found,
            )
        )
    return tuple(told)


_SHARES = "tenth", "hundredth", "thousandth"


def _expired(row: Row, minute: int) -> Row:
    """A state's row at that minute: an alarm that is over has become good."""
    return (GOOD, row[2], *row[2:]) if row[0] == DRIFT and minute >= row[2] else row


def _days(levels: Row) -> list[Row]:
    return [levels[at : at + 3] for at in range(_MEAN_SHARE + 1, len(levels), 3)]


def _recorded(days: list[Row], day: int, held: float, down: float) -> list[Row]:
    """The days with one more level that was held: from above, and from below."""
    if days and days[-1][0] == day:
        return [*days[:-1], (day, max(days[-1][1], held), min(days[-1][2], down))]
    return [*days, (day, held, down)][-_DAYS - 1 :]


def _past(days: Sequence[Row], minute: int) -> tuple[float, float] | None:
    """Least and most that was held in the seven days with events before this one; None if there were fewer."""
    earlier = [day for day in days if day[0] < minute // _DAY]
    if len(earlier) < _DAYS:
        return None
    return min(day[2] for day in earlier), max(day[1] for day in earlier)


def _wilson(share: float, units: float, deviations: float) -> tuple[float, float]:
    """What the true share is within: Wilson, JASA 22 (1927). Decayed counts scatter less than that."""
    square = deviations * deviations / units
    centre = share + square / 2.0
    wide = sqrt(square * (share * (1.0 - share) + square / 4.0))
    return (centre - wide) / (1.0 + square), (centre + wide) / (1.0 + square)


def _keep(minutes: int) -> float:
    return float(0.5 ** (minutes / _DAY))


def _a_day(row: Row, minute: int) -> float:
    """How many a day: of a sum with a half-life of a day, its natural logarithm of 2."""
    return round(float(row[1]) * _keep(minute - row[2]) * log(2.0), 3)


def _time(minute: int) -> str:
    return f"{datetime.fromtimestamp(minute * 60, UTC):%Y-%m-%d %H:%M}"


def _share(share: float) -> str:
    return f"{100.0 * share:.2g}%" if share < 0.1 else f"{share:.0%}"
