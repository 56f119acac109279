"""How the last looks at the feeds went, kept in a compacted topic of their own, one record a feed.

So a new process asks only for what has changed and keeps to the times, and ``weir context feeds`` tells what is late
and why without asking the process. Pure but for ``read_states`` and ``write_state``.
"""

from __future__ import annotations

from hashlib import blake2b

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from streams.edge.dump import read_topic
from streams.edge.poll_http import Validators
from streams.edge.poll_read import Look, Same, Seen
from streams.edge.sender import Sender
from streams.feeds import Feed
from streams.settings import Settings

_KINDS: dict[str, tuple[str, ...]] = {
    "kev": ("kev",),
    "epss": ("epss",),
    "backstage": ("alias", "catalog"),
    "catalog": ("alias", "catalog"),
    "policy_exceptions": ("policy_exception",),
}


class FeedState(BaseModel):
    """All times in ms since 1970, None for never. ``settings``: a hash of the feed's settings at that time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    feed: str
    type: str
    settings: str
    silent_ms: int
    looked: int
    good: int | None = None
    read_whole: int | None = None
    changed: int | None = None
    dated: int | None = None
    kinds: tuple[str, ...] = ()
    records: int = 0
    failures: int = 0
    problem: str | None = None
    etag: str | None = None
    modified: str | None = None
    stamp: str | None = None

    @property
    def seen(self) -> Seen:
        """What the next look compares with."""
        return Seen(Validators(self.etag, self.modified), self.stamp)

    def silent(self, now: int) -> bool:
        """Whether it was not read well for too long."""
        return self.good is None or now - self.good > self.silent_ms

    def age(self, now: int) -> int | None:
        """Ms since the date that the feed gives itself, where it gives none since it was last read well."""
        at = self.dated if self.dated is not None else self.good
        return None if at is None else max(0, now - at)


def settings_of(feed: Feed) -> str:
    """A hash of what a feed is, so that another address is not asked for what the one before had."""
    told = feed.model_dump(mode="json", include={"type", "url", "path", "filter", "glob", "headers", "complete"})
    return blake2b(orjson.dumps(told, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def went_well(
    name: str, feed: Feed, before: FeedState | None, found: Look | Same, now: int, *, changed: bool, problem: str | None
) -> FeedState:
    """The state after a look that gave records, or the same as before; ``problem``: what was left out all the same."""
    base = before or FeedState(feed=name, type=feed.type, settings="", silent_ms=0, looked=now)
    same = isinstance(found, Same)
    whole = base.read_whole is not None and base.problem is None if isinstance(found, Same) else found.whole
    read_whole = now if whole and problem is None else base.read_whole
    seen = found.seen if problem is None else Seen()  # what was left out is to be looked at again
    return base.model_copy(
        update={
            "type": feed.type,
            "settings": settings_of(feed),
            "silent_ms": feed.silent_ms,
            "looked": now,
            "good": now,
            "read_whole": read_whole,
            "changed": now if changed else base.changed,
            "dated": base.dated if isinstance(found, Same) else found.dated,
            "kinds": base.kinds if same else _kinds(feed, found),
            "records": base.records if isinstance(found, Same) else len(found.records),
            "failures": 0,
            "problem": problem,
            "etag": seen.validators.etag,
            "modified": seen.validators.modified,
            "stamp": seen.stamp,
        }
    )


def failed(name: str, feed: Feed, before: FeedState | None, problem: str, now: int) -> FeedState:
    """The state after a look that gave nothing."""
    base = before or FeedState(feed=name, type=feed.type, settings="", silent_ms=0, looked=now)
    return base.model_copy(
        update={
            "type": feed.type,
            "settings": settings_of(feed),
            "silent_ms": feed.silent_ms,
            "looked": now,
            "failures": base.failures + 1,
            "problem": problem[:1_000],
        }
    )


def read_whole(kind: str, states: dict[str, FeedState], feeds: dict[str, Feed]) -> int | None:
    """Since when all records of a kind are known to be as fresh: the oldest whole reading of the feeds that have it.

    None where one of them was never read whole, or none has it.
    """
    having = [name for name, feed in feeds.items() if feed.whole and kind in _expected(feed, states.get(name))]
    if not having:
        return None
    times = [state.read_whole if (state := states.get(name)) is not None else None for name in having]
    known = [time for time in times if time is not None]
    return min(known) if len(known) == len(times) else None


def read_states(settings: Settings) -> dict[str, FeedState]:
    """The states by feed; what cannot be read is as if it were not there. Raises as ``read_topic``."""
    found: dict[str, FeedState] = {}
    for record in read_topic(settings, settings.topic("feeds")):
        name = (record.key or b"").decode(errors="replace")
        try:
            found[name] = FeedState.model_validate_json(record.value or b"null")
        except ValidationError:
            found.pop(name, None)
    return found


def write_state(settings: Settings, sender: Sender, state: FeedState) -> None:
    """Send a state; delivered when the sender ends."""
    sender.send(settings.topic("feeds"), state.feed.encode(), state.model_dump_json(exclude_none=True).encode())


def _kinds(feed: Feed, found: Look | Same) -> tuple[str, ...]:
    if feed.type in _KINDS or isinstance(found, Same):
        return _KINDS.get(feed.type, ())
    return tuple(sorted({kind for kind, _ in found.records}))


def _expected(feed: Feed, state: FeedState | None) -> tuple[str, ...]:
    return _KINDS.get(feed.type) or (() if state is None else state.kinds)
