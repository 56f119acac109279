"""What a look at a feed has to write: the difference between what it says and what the context topic holds. Pure.

Whose a record is, its header says: the name of the feed that wrote it. A feed withdraws what it wrote itself and no
other record, and never overwrites what another feed of the settings holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

Subject = tuple[str, str]
"""Kind and key of a context record."""

FEW = 10
"""So many records may always be withdrawn at once; of more only up to half of what the feed wrote."""


class Held(NamedTuple):
    """What the topic holds under a subject. ``content`` is None if it is withdrawn; ``written`` is in ms."""

    content: bytes | None
    feed: str | None
    written: int


class Delta(NamedTuple):
    """``write`` has the records, None for one to be withdrawn. ``held_back``: how many were not, being too many."""

    write: dict[Subject, dict[str, Any] | None]
    unchanged: int
    conflicts: tuple[Subject, ...]
    held_back: int


def content_of(record: Mapping[str, Any]) -> bytes:
    """A hash of a record, whatever the order of its fields."""
    return blake2b(orjson.dumps(record, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()


def delta(
    feed: str,
    records: Mapping[Subject, dict[str, Any] | None],
    held: Mapping[Subject, Held],
    *,
    whole: bool,
    feeds: Collection[str],
    anyway: bool = False,
) -> Delta:
    """What is to be written.

    Args:
        feed: name of the feed that says ``records``; None in these withdraws.
        whole: the records are all there are, so others that this feed wrote are withdrawn.
        feeds: names of all feeds that are in the settings; what one that is gone wrote is up for taking.
        anyway: withdraw however many there are.
    """
    write: dict[Subject, dict[str, Any] | None] = {}
    conflicts = []
    unchanged = 0
    for subject, record in records.items():
        there = held.get(subject)
        if _says(there, record):
            unchanged += 1
        elif there is not None and there.content is not None and there.feed not in (None, feed) and there.feed in feeds:
            conflicts.append(subject)
        else:
            write[subject] = record
    if not whole:
        return Delta(write, unchanged, tuple(conflicts), 0)
    own = [subject for subject, there in held.items() if there.feed == feed and there.content is not None]
    gone = sorted(subject for subject in own if subject not in records)
    if len(gone) > FEW and 2 * len(gone) > len(own) and not anyway:
        return Delta(write, unchanged, tuple(conflicts), len(gone))
    return Delta({**write, **dict.fromkeys(gone)}, unchanged, tuple(conflicts), 0)


def _says(there: Held | None, record: Mapping[str, Any] | None) -> bool:
    content = None if there is None else there.content
    return content is None if record is None else content == content_of(record)
