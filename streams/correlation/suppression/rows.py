"""The rows of decisions and of what units carry. Times in ms, ``*_log`` by the log's clock, the others event times."""

from __future__ import annotations

from typing import NamedTuple


class Decision(NamedTuple):
    """Of the table ``suppressions``, by pattern: what is in force."""

    on: bool
    automatic: bool
    """On evidence; else a reviewer's."""
    owner: str
    reason: str
    since_log: int
    until_log: int
    time: int
    review: str
    """When, and in which review, a reviewer last decided on it; 0 and empty if none did."""
    after: int | None
    """Verdicts up to this time count no more."""
    renewal: int | None
    """A further suppression on evidence takes a verdict after this time."""
    rate: float
    """The most an hour that a unit showed of it when a reviewer decided; 0: not known."""


class Carried(NamedTuple):
    """Of the table ``carried``, by cluster: the patterns of a unit at its last revision, and whether they hid it."""

    patterns: tuple[str, ...]
    rates: tuple[float, ...]
    """Occurrences an hour, in the same order."""
    hours: tuple[int, ...]
    hidden: bool
    sampled: bool
    lead: str = ""
    """Of a hidden unit: the pattern that the suppression is named for, and its end by the log's clock."""
    until_log: int = 0
