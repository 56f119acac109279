"""What makes two signals the same kind of noise: source, rule or title template, component, entity class. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address, ip_network
from typing import Final, NamedTuple

from streams.correlation.rows import Pairs, SignalRow
from streams.correlation.suppression.template import template

MOST_HOURS: Final = 24
_HOUR: Final = 3_600_000
_OURS: Final = tuple(
    ip_network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
                 "fc00::/7", "fe80::/10", "::1/128")
)  # fmt: skip
"""RFC 1918, 6598, 4193, loopback and link-local. Not ``is_private``: what that means differs by version of Python."""


class Pattern(NamedTuple):
    """A kind of signal. Two patterns are one exactly if all fields are equal."""

    source: str
    rule: str
    """Reporter and rule of a finding, the call of unusual activity, else the template of the title."""
    component: str
    """Empty where the catalog knows none."""
    entities: str
    """The kinds of entities it carries, sorted; an address says whether it is public."""

    @property
    def id(self) -> str:
        """16 hex digits."""
        return _id(self)

    def words(self) -> str:
        """For a reader; holds untrusted text."""
        where = f" on {self.component}" if self.component else ""
        about = f" about {self.entities.replace('+', ', ')}" if self.entities else ""
        return f"{self.rule}{where}{about} (from {self.source})"


class Shape(NamedTuple):
    """What a unit has of one pattern: occurrences, how many an hour at the most, hours of the clock with it (at most
    ``MOST_HOURS``), and days (since 1970, UTC)."""

    times: int
    rate: float
    hours: int
    days: tuple[int, ...]


def pattern_of(signal: SignalRow) -> Pattern:
    """The pattern of a signal. A finding of one reporter and one rule is one pattern whatever its title says."""
    if signal.action is not None:
        rule = f"unusual {signal.action}"
    elif signal.rule is not None:
        reporter = f"{signal.reporter}: " if signal.reporter else ""
        rule = reporter + template(signal.rule)
    else:
        rule = template(signal.title)
    return Pattern(signal.source, rule, signal.component or "", entity_class(signal.entities))


@lru_cache(maxsize=16_384)
def entity_class(entities: Pairs) -> str:
    """The kinds of the entities, without the component, which is a field of its own.

    >>> entity_class((("ip", "198.51.100.7"), ("host", "a"), ("ip", "10.0.0.1"), ("host", "b")))
    'host+private ip+public ip'
    """
    kinds = {_reach(id_) if kind == "ip" else kind for kind, id_ in entities if kind != "component"}
    return "+".join(sorted(kinds))


def shapes(signals: Iterable[SignalRow]) -> dict[Pattern, Shape]:
    """A unit's signals by pattern, without those that are fixed unless all are; sorted by pattern."""
    rows = list(signals)
    found: dict[Pattern, list[SignalRow]] = {}
    for signal in [row for row in rows if row.status == "open"] or rows:
        found.setdefault(pattern_of(signal), []).append(signal)
    return {pattern: _shape(found[pattern]) for pattern in sorted(found)}


def _shape(signals: list[SignalRow]) -> Shape:
    """The rate is over an hour at least, and the highest of each signal and of all together."""
    times = sum(signal.times for signal in signals)
    span = max(signal.last for signal in signals) - min(signal.first for signal in signals)
    rates = [_rate(times, span), *(_rate(signal.times, signal.last - signal.first) for signal in signals)]
    days = {time // (24 * _HOUR) for signal in signals for time in (signal.first, signal.last)}
    return Shape(times, max(rates), _hours(signals), tuple(sorted(days)))


def _hours(signals: list[SignalRow]) -> int:
    hours: set[int] = set()
    for signal in signals:
        begin = signal.first // _HOUR
        hours.update(range(begin, min(signal.last // _HOUR + 1, begin + signal.times, begin + MOST_HOURS)))
        if len(hours) >= MOST_HOURS:
            return MOST_HOURS
    return len(hours)


def _rate(times: int, span: int) -> float:
    return times / (max(span, _HOUR) / _HOUR)


@lru_cache(maxsize=16_384)
def _id(pattern: Pattern) -> str:
    return blake2b("\x1f".join(pattern).encode(), digest_size=8).hexdigest()


@lru_cache(maxsize=16_384)
def _reach(address: str) -> str:
    try:
        given = ip_address(address)
    except ValueError:
        return "ip"
    return "private ip" if any(given in network for network in _OURS) else "public ip"
