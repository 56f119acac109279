"""A compiled detection rule, and what is wrong with one that could not be compiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from streams.sigma.condition import Node, Paths
from streams.sigma.logsource import LogSource


class Fault(NamedTuple):
    """``document`` counts from 1 in its file, ``line`` is where the place is, from 1; 0 if not known.

    ``place`` is a path inside the document, for example ``detection.selection.eventName|foo``.
    """

    file: str
    document: int
    line: int
    place: str
    reason: str
    rule: str = ""

    def __str__(self) -> str:
        at = f"{self.file}:{self.line}" if self.line else self.file
        inside = f"{self.place}: " if self.place else ""
        return f"{at}: document {self.document}: {inside}{self.reason}"


class Case(NamedTuple):
    """A test of a rule: an event, and whether the rule must match it."""

    name: str
    match: bool
    event: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One detection. ``key`` is its id, else its name, else its title in plain characters; unique in a rule set.

    ``severity`` is OCSF's ``severity_id``. A ``silent`` rule only feeds correlation rules: it is no alert itself.
    ``digest`` is of the rule's text, 16 hex digits. ``locates``: the fields whose first values are the ``location`` of
    its findings, since a correlation rule groups by them and they are no entities; each under all of its names.
    """

    key: str
    name: str | None
    title: str
    description: str
    level: str | None
    severity: int
    tags: tuple[str, ...]
    logsource: LogSource
    conditions: tuple[str, ...]
    node: Node
    digest: str
    file: str = ""
    document: int = 1
    line: int = 0
    silent: bool = False
    false_positives: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    cases: tuple[Case, ...] = ()
    locates: tuple[Paths, ...] = ()
