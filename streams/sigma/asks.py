"""What a rule asks of one value, as data. ``checks`` makes functions of it.

Text is compared without regard to case unless ``cased``: both sides in lower case. A number or truth value of the
document is text as JSON writes it, so ``'true'`` and ``true``, ``22`` and ``'22'`` are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from streams.sigma.values import as_text
from streams.sigma.wildcards import Pattern, classify, lowered, written

Operator = Literal["lt", "lte", "gt", "gte"]
TimePart = Literal["minute", "hour", "day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Text:
    """The whole value is of the pattern."""

    pattern: Pattern
    cased: bool = False

    def __str__(self) -> str:
        shape, text = classify(self.pattern)
        case = "|cased" if self.cased else ""
        if shape in ("startswith", "endswith", "contains"):
            return f"|{shape}{case} {text!r}"
        return f"{case} {written(self.pattern)!r}"


@dataclass(frozen=True, slots=True)
class Regex:
    """The expression (RE2) is found in the value; ``whole`` binds it to the value's begin, end or both."""

    expression: str
    flags: int = 0
    begin: bool = False
    end: bool = False

    def __str__(self) -> str:
        bound = ("|startswith" if self.begin else "") + ("|endswith" if self.end else "")
        return f"|re{bound} {self.expression!r}"


@dataclass(frozen=True, slots=True)
class Number:
    """Equal to the number."""

    number: int | float

    def __str__(self) -> str:
        return f" {self.number}"


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false."""

    truth: bool

    def __str__(self) -> str:
        return f" {as_text(self.truth)}"


@dataclass(frozen=True, slots=True)
class Network:
    """An address in the network."""

    cidr: str

    def __str__(self) -> str:
        return f"|cidr {self.cidr}"


@dataclass(frozen=True, slots=True)
class Compare:
    """A number, or a part of a time, on one side of another. Text counts where it is written as a number."""

    operator: Operator
    number: int | float
    part: TimePart | None = None

    def __str__(self) -> str:
        return f"{'|' + self.part if self.part else ''}|{self.operator} {self.number}"


@dataclass(frozen=True, slots=True)
class TimeIs:
    """A part of a time, in UTC; weeks are ISO weeks."""

    part: TimePart
    number: int

    def __str__(self) -> str:
        return f"|{self.part} {self.number}"


Ask = Text | Regex | Number | Truth | Network | Compare | TimeIs


def exact(ask: Ask) -> str | None:
    """The one text, in lower case, that a value must be for this to hold; None where there is no such text.

    That a value is this text says that the ask holds, but for a ``cased`` one.
    """
    match ask:
        case Text(pattern, False):
            shape, text = classify(lowered(pattern))
            return text if shape == "equals" else None
        case Truth(truth):
            return as_text(truth)
    return None


def contained(ask: Ask) -> str | None:
    """The text, in lower case, whose being somewhere in a value is what is asked; None where it is not only that."""
    if isinstance(ask, Text) and not ask.cased:
        shape, text = classify(lowered(ask.pattern))
        return text if shape == "contains" else None
    return None


def effort(ask: Ask) -> int:
    """What it takes to decide it for a value, roughly; one of many exact texts takes nothing."""
    match ask:
        case Text(pattern):
            return {"equals": 0, "anything": 0, "like": 6}.get(classify(pattern).shape, 1)
        case Regex() | Network() | TimeIs():
            return 6
        case Number() | Truth():
            return 0
    return 2
