"""Text patterns with Sigma's wildcards, as the cheapest test that decides them. No pattern takes exponential time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Literal, NamedTuple


class Wild(Enum):
    """``*`` is any text, also none; ``?`` is one character."""

    MANY = "*"
    ONE = "?"


Pattern = tuple[str | Wild, ...]
Shape = Literal["equals", "startswith", "endswith", "contains", "anything", "like"]


class Classified(NamedTuple):
    """What a pattern asks; ``text`` of the shapes that are one literal."""

    shape: Shape
    text: str = ""


def pattern(parts: Sequence[str | Wild]) -> Pattern:
    """The parts with neighbouring texts joined and ``**`` as one.

    >>> pattern(["a", "b", Wild.MANY, Wild.MANY])
    ('ab', <Wild.MANY: '*'>)
    """
    out: list[str | Wild] = []
    for part in parts:
        last = out[-1] if out else None
        if isinstance(part, str) and isinstance(last, str):
            out[-1] = last + part
        elif part != "" and not (part is Wild.MANY and last is Wild.MANY):
            out.append(part)
    return tuple(out)


def lowered(given: Pattern) -> Pattern:
    """The pattern for text in lower case."""
    return tuple(part if isinstance(part, Wild) else part.lower() for part in given)


def written(given: Pattern) -> str:
    """As a rule writes it."""
    return "".join(part.value if isinstance(part, Wild) else re.sub(r"([*?])", r"\\\1", part) for part in given)


def classify(given: Pattern) -> Classified:
    """The shape of a pattern.

    >>> classify(("a", Wild.MANY))
    Classified(shape='startswith', text='a')
    """
    many = Wild.MANY
    match given:
        case ():
            return Classified("equals")
        case (str(text),):
            return Classified("equals", text)
        case (Wild.MANY,):
            return Classified("anything")
        case (str(text), last) if last is many:
            return Classified("startswith", text)
        case (first, str(text)) if first is many:
            return Classified("endswith", text)
        case (first, str(text), last) if first is many and last is many:
            return Classified("contains", text)
    return Classified("like")


def literal(given: Pattern) -> str:
    """The longest text that every match contains."""
    return max((part for part in given if isinstance(part, str)), key=len, default="")


def like(given: Pattern) -> Callable[[str], bool]:
    """Whether a whole text is of the pattern.

    The pieces between ``*`` have a fixed length each, so the first place that fits is the right one.
    """
    pieces: list[list[str | Wild]] = [[]]
    for part in given:
        if part is Wild.MANY:
            pieces.append([])
        else:
            pieces[-1].append(part)
    made = [_Piece(piece) for piece in pieces]
    if len(made) == 1:
        only = made[0]
        return lambda text: len(text) == only.length and only.at(text, 0)
    head, tail, middle = made[0], made[-1], [piece for piece in made[1:-1] if piece.length]
    least = head.length + tail.length

    def holds(text: str) -> bool:
        end = len(text) - tail.length
        if len(text) < least or not head.at(text, 0) or not tail.at(text, end):
            return False
        place = head.length
        for piece in middle:
            place = piece.find(text, place, end)
            if place < 0:
                return False
            place += piece.length
        return True

    return holds


class _Piece:
    """A stretch of characters, some of which may be any."""

    def __init__(self, parts: list[str | Wild]) -> None:
        self.length = sum(1 if isinstance(part, Wild) else len(part) for part in parts)
        self._text = "".join(part for part in parts if isinstance(part, str))
        self._any = None
        if any(isinstance(part, Wild) for part in parts):
            self._any = re.compile("".join("." if isinstance(p, Wild) else re.escape(p) for p in parts), re.DOTALL)

    def at(self, text: str, place: int) -> bool:
        if self._any is None:
            return text.startswith(self._text, place)
        return self._any.match(text, place) is not None

    def find(self, text: str, start: int, end: int) -> int:
        if self._any is None:
            return text.find(self._text, start, end)
        found = self._any.search(text, start, end)
        return -1 if found is None else found.start()
