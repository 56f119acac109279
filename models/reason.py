"""One statistical reason for a score, and the words for it, made from the reason's fields and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

LEARNING_BELOW = 0.5
"""A key with less maturity than this is still learning, and its p-value is capped."""

_SHOWN = 160  # characters of a name in a text; names come from outside and have no limit of their own

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000


class Part(NamedTuple):
    """What one test of one detector saw, against what it expected.

    ``p`` is one-sided. As it leaves a detector's ``observe`` or ``weigh`` it is raw; as part of an assessment or a
    verdict it is capped where the key is still learning, and ``score`` is then its additive share of ``-log10 p`` of
    the whole.
    """

    detector: str
    feature: str  # burst: "calls", "action", "failures"; surge: "resource", too; rarity: "action", "ip", "resource";
    # frequency: "pair"; ratio: "share", of one minute, or "ramp" or "volume", over days; tokens: a field
    key: str  # whose history this is: a principal; surge's "resource": the resource; ratio: the principal, action or
    # component; tokens: the kind of record
    value: str | None  # the action, address or resource, a field's token; None where the test is about the key alone;
    # ratio: what key is
    seen: float  # burst: calls in this minute; surge: events of the last minutes, half of those of five minutes ago;
    # rarity: earlier minutes with this pair, 0; frequency: spans of ten minutes with the pair, decayed; ratio: share of
    # failed calls, or what the days' rises add up to, in sd; tokens: the current share of records with this token
    expected: float  # burst: calls in a minute that has any; surge: the same, where there is any event; rarity: share
    # of active minutes that bring a new value; frequency: spans of an average pair; ratio: share of failed calls;
    # tokens: the share in the long run
    low: float  # 95 % interval of ``seen`` under that expectation; ratio: of the share
    high: float
    history: int  # learnt before this minute; burst: events; surge: events, decayed; rarity: active minutes, decayed;
    # frequency: active spans of the domain; ratio: calls, decayed; tokens: records
    age_ms: int  # since the key was first seen; frequency: since the domain was
    maturity: float  # 0 to 1
    p: float
    peers: float | None = None  # share of the other principals that have this value; None where peers do not count;
    # frequency: share of the spans in which anyone has
    score: float = 0.0
    factor: float = 1.0  # surge: what the hour of the week multiplies the expectation by; it is in ``expected``
    surprise: float | None = None  # surge: -ln p, also where p is below the least that is reported: for a ranking


def text(part: Part) -> str:
    """The sentence an analyst reads.

    >>> text(Part("burst", "action", "role/web", "s3:GetObject", 9, 1.2, 1, 3, 4100, 31 * 86_400_000, 1.0, 1e-6))
    '9 s3:GetObject by role/web in 1 min, expected 1.2 (1 to 3) in a minute with any, 31 days of history'
    """
    key = _cut(part.key)
    value = _cut(part.value or "")
    words = _WORDS.get(part.detector)
    if words is not None:
        line = words(part, key, value)
    elif part.detector == "rarity":
        what = {"action": f"first {value} by {key}", "ip": f"first use of {value} by {key}"}.get(
            part.feature, f"first access to {value} by {key}"
        )
        line = f"{what} in {part.history:,} active minutes and {_span(part.age_ms)}"
        if part.peers is not None:
            line += (
                f", {part.peers:.0%} of the other principals do it" if part.peers else ", no other principal does it"
            )
    else:
        noun = {"calls": "calls", "failures": "failed calls"}.get(part.feature, value)
        of, history = "in a minute with any", f"{_span(part.age_ms)} of history"
        if not part.history:
            of, history = "as of any new key", "no history yet"
        line = (
            f"{part.seen:,.0f} {noun} by {key} in 1 min, expected {_number(part.expected)} "
            f"({_number(part.low)} to {_number(part.high)}) {of}, {history}"
        )
    if part.maturity < LEARNING_BELOW:
        line += ", still learning"
    return line


def _surge(part: Part, key: str, value: str) -> str:
    what = {
        "calls": f"calls by {key}",
        "failures": f"failed calls by {key}",
        "resource": f"calls on {key}",
    }.get(part.feature, f"{value} by {key}")
    of, history = "where there is any", f"{_span(part.age_ms)} of history"
    if not part.history:
        of, history = "as of any new key", "no history yet"
    if part.factor >= 2.0 or part.factor <= 0.5:
        of += f" ({_number(part.factor)} times the mean at this hour of the week)"
    return (
        f"{part.seen:,.0f} {what} in about 8 min, expected {_number(part.expected)} "
        f"({_number(part.low)} to {_number(part.high)}) {of}, {history}"
    )


def _tokens(part: Part, key: str, value: str) -> str:
    return (
        f"{_cut(part.feature)} {value} in {part.seen:.0%} of the last {key} records, "
        f"{part.expected:.1%} in the long run ({part.low:.0%} to {part.high:.0%}), "
        f"{part.history:,} records of history"
    )


def _frequency(part: Part, key: str, value: str) -> str:
    line = (
        f"{value} by {key} in {_number(part.seen)} of {part.history:,} active spans of 10 min, {_span(part.age_ms)}, "
        f"a pair has {_number(part.expected)} ({_number(part.low)} to {_number(part.high)})"
    )
    return line if part.peers is None else f"{line}, the action is in {_share(part.peers)} of them"


def _ratio(part: Part, key: str, value: str) -> str:
    if part.feature == "volume":
        return (
            f"{value or 'calls'} by {key} rise over the last 10 days, {part.seen:,.0f} on the last, expected "
            f"{_number(part.expected)} ({_number(part.low)} to {_number(part.high)}), {_span(part.age_ms)} of history"
        )
    calls = {"principal": f"calls by {key}", "action": f"{key} calls"}.get(value, f"calls to {key}")
    usual = f"{_share(part.expected)} ({_share(part.low)} to {_share(part.high)})"
    history = f"{part.history:,} calls and {_span(part.age_ms)} of history"
    if part.feature == "share":
        return f"{_share(part.seen)} of the {calls} failed in 1 min, expected {usual}, {history}"
    way = "more" if part.seen >= 0 else "fewer"
    return f"{way} of the {calls} fail than the usual {usual}, by {abs(part.seen):.1f} sd over the last days, {history}"


_WORDS: dict[str, Callable[[Part, str, str], str]] = {
    "frequency": _frequency,
    "ratio": _ratio,
    "surge": _surge,
    "tokens": _tokens,
}


def _share(value: float) -> str:
    return f"{value:.2g}%" if (value := 100 * value) < 10 else f"{value:.0f}%"


def _cut(name: str) -> str:
    return name if len(name) <= _SHOWN else name[: _SHOWN - 1] + "…"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 9.95 or value == int(value) else f"{value:.2g}"


def _span(age_ms: int) -> str:
    if age_ms >= 2 * _DAY:
        return f"{age_ms // _DAY:,} days"
    if age_ms >= 2 * _HOUR:
        return f"{age_ms // _HOUR} hours"
    minutes = age_ms // _MINUTE
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
