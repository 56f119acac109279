"""Whether a value of a document meets what a rule asks: any of several asks, as one function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from math import isfinite
from typing import Any

from streams.sigma.asks import Ask, Compare, Network, Number, Operator, Regex, Text, TimeIs, TimePart, Truth, exact
from streams.sigma.values import as_text
from streams.sigma.wildcards import Pattern, classify, like, lowered

Check = Callable[[Any], bool]
"""Takes a scalar of the document, never None."""


def check(asks: Iterable[Ask]) -> Check:
    """Whether a scalar meets any of them."""
    asks = tuple(dict.fromkeys(asks))
    equals: set[str] = set()
    starts: list[str] = []
    ends: list[str] = []
    contains: list[str] = []
    folded: list[Callable[[str], bool]] = []
    others: list[Check] = []
    for ask in asks:
        if not isinstance(ask, Text) or ask.cased:
            known = exact(ask)
            if known is None:
                others.append(_check(ask))
            else:
                equals.add(known)
            continue
        given = lowered(ask.pattern)
        shape, text = classify(given)
        match shape:
            case "anything":
                return _always
            case "equals":
                equals.add(text)
            case "startswith":
                starts.append(text)
            case "endswith":
                ends.append(text)
            case "contains":
                contains.append(text)
            case "like":
                folded.append(like(given))
    if contains:
        folded.insert(0, _contains(contains))
    if ends:
        folded.insert(0, _endswith(tuple(ends)))
    if starts:
        folded.insert(0, _startswith(tuple(starts)))
    if equals:
        folded.insert(0, frozenset(equals).__contains__)
    if folded:
        others.insert(0, _lower(folded))
    if len(others) == 1:
        return others[0]
    return _any(tuple(others))


def _always(value: Any) -> bool:
    return True


def _any(parts: tuple[Check, ...]) -> Check:
    def holds(value: Any) -> bool:
        for part in parts:  # noqa: SIM110 -- a generator would cost more than the parts
            if part(value):
                return True
        return False

    return holds


def _lower(folded: list[Callable[[str], bool]]) -> Check:
    if len(folded) == 1:
        only = folded[0]
        return lambda value: only(value.lower() if type(value) is str else as_text(value).lower())
    parts = tuple(folded)

    def holds(value: Any) -> bool:
        text = value.lower() if type(value) is str else as_text(value).lower()
        for part in parts:  # noqa: SIM110 -- as above
            if part(text):
                return True
        return False

    return holds


def _startswith(texts: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda text: text.startswith(texts)


def _endswith(texts: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda text: text.endswith(texts)


def _contains(texts: list[str]) -> Callable[[str], bool]:
    if len(texts) == 1:
        only = texts[0]
        return lambda text: only in text
    several = tuple(texts)

    def holds(text: str) -> bool:
        for each in several:  # noqa: SIM110 -- as above
            if each in text:
                return True
        return False

    return holds


def _check(ask: Ask) -> Check:
    match ask:
        case Text(pattern):
            return _cased(pattern)
        case Regex():
            return _regex(ask)
        case Number(number):
            written_as = str(number)
            return lambda value: (
                value == written_as if type(value) is str else type(value) is not bool and value == number
            )
        case Network(cidr):
            return _network(cidr)
        case Compare(operator, number, part):
            return _compare(operator, number, part)
        case TimeIs(part, number):
            return lambda value: time_part(value, part) == number
        case Truth(truth):
            word = as_text(truth)
            return lambda value: as_text(value).lower() == word


def _cased(pattern: Pattern) -> Check:
    shape, text = classify(pattern)
    match shape:
        case "anything":
            return _always
        case "equals":
            return lambda value: as_text(value) == text
        case "startswith":
            return lambda value: as_text(value).startswith(text)
        case "endswith":
            return lambda value: as_text(value).endswith(text)
        case "contains":
            return lambda value: text in as_text(value)
    holds = like(pattern)
    return lambda value: holds(as_text(value))


REMEMBERED = 4_096
LONGEST = 256


def _kept(holds: Check) -> Check:
    """The same, with the answers for texts seen lately kept: for what takes a microsecond to find out."""
    known: dict[str, bool] = {}

    def again(value: Any) -> bool:
        if type(value) is not str:
            return holds(value)
        found = known.get(value)
        if found is None:
            found = holds(value)
            if len(value) <= LONGEST:
                if len(known) >= REMEMBERED:
                    known.clear()
                known[value] = found
        return found

    return again


def _regex(ask: Regex) -> Check:
    from sigma.policy import default_policy  # RE2; pySigma has checked the expression with it

    expression = ask.expression
    if ask.begin or ask.end:
        expression = ("\\A" if ask.begin else "") + f"(?:{expression})" + ("\\z" if ask.end else "")
    search = default_policy.regex_engine.compile(expression, ask.flags).search

    @_kept
    def holds(value: Any) -> bool:
        text = as_text(value)
        if not text.isascii():  # RE2 wants UTF-8, which has no lone surrogates
            text = text.encode(errors="replace").decode()
        return search(text) is not None

    return holds


def _network(cidr: str) -> Check:
    network = ip_network(cidr)
    version, first, mask = network.version, int(network.network_address), int(network.netmask)

    def holds(value: Any) -> bool:
        if type(value) is not str or not 2 <= len(value) <= 64:
            return False
        found = _address(value)
        return found is not None and found[0] == version and found[1] & mask == first

    return holds


@lru_cache(maxsize=REMEMBERED)
def _address(text: str) -> tuple[int, int] | None:
    """Version and number of an address; one event's is asked about by many rules."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.version, int(address)


_NUMBER = re.compile(r"[+-]?[0-9]{1,64}(?:\.[0-9]{1,64})?(?:[eE][+-]?[0-9]{1,3})?")


def as_number(value: Any) -> int | float | None:
    """A number, or text that is written as one; None for anything else, truth values too."""
    if type(value) is int or type(value) is float:
        return value
    if type(value) is not str or not value or len(value) > 140 or _NUMBER.fullmatch(value) is None:
        return None
    try:
        return int(value)
    except ValueError:
        number = float(value)
        return number if isfinite(number) else None


def time_part(value: Any, part: TimePart) -> int | None:
    """A part of a time: ISO text (without an offset it is UTC), or seconds, ms, µs or ns since 1970."""
    moment: datetime | None = None
    if type(value) is str and len(value) <= 64:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            number = as_number(value)
        else:
            number = None
    else:
        number = as_number(value)
    try:
        if number is not None:
            size = abs(number)
            per_second = 1 if size < 1e11 else 1e3 if size < 1e14 else 1e6 if size < 1e17 else 1e9
            moment = datetime.fromtimestamp(number / per_second, UTC)
        if moment is None:
            return None
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.isocalendar().week if part == "week" else int(getattr(moment, part))


def _compare(operator: Operator, number: int | float, part: TimePart | None) -> Check:
    def read(value: Any) -> int | float | None:
        return as_number(value) if part is None else time_part(value, part)

    def lt(value: Any) -> bool:
        found = read(value)
        return found is not None and found < number

    def lte(value: Any) -> bool:
        found = read(value)
        return found is not None and found <= number

    def gt(value: Any) -> bool:
        found = read(value)
        return found is not None and found > number

    def gte(value: Any) -> bool:
        found = read(value)
        return found is not None and found >= number

    return {"lt": lt, "lte": lte, "gt": gt, "gte": gte}[operator]
