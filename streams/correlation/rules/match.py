"""What the engine says: a match began, grew, shrank, took another's place, or is none any more."""

from __future__ import annotations

from typing import NamedTuple


class Member(NamedTuple):
    """One event of a match; ``steps`` are the ids of the steps that it meets, ``time`` its event time in ms."""

    source: str
    source_id: str
    time: int
    steps: tuple[str, ...]


class Match(NamedTuple):
    """The whole state of one match after an event, and what the event altered. Times in event ms.

    ``id`` is made of rule, group and anchor, the earliest member. ``replaces`` names the matches whose place this one
    takes from now on: a late event that comes before their anchor, or joins them, gives them another id. A match is
    ``withdrawn`` where nothing of it is left: of an absence rule, since what was missed did come. ``added`` and
    ``removed`` are members since what was last said of it; all members together are counted and hashed, not listed.
    """

    id: str
    rule: str  # name@version
    group: tuple[tuple[str, str], ...]  # name in group_by, value
    first: int
    last: int
    anchor: tuple[str, str]  # source, source id
    members: int
    counts: tuple[tuple[str, int], ...]  # step, members that meet it
    distinct: int  # different values of a distinct rule; from run.DISTINCT on: that or more
    hash: str
    added: tuple[Member, ...]
    removed: tuple[Member, ...]
    replaces: tuple[str, ...]
    withdrawn: bool
    exact: bool  # false: the group had more hits than it may hold, and ``members`` may be off
    line: str  # of rule and group: the same for all their matches, whose spans never overlap
