"""What documents would become: ingest, with each of its decisions kept instead of written.

The same code reads as in a deployment, redaction included; so what is shown is what would be in the log, and no secret
that ingest takes out is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import orjson

from schemas.dead_letter import DeadLetter, Stage
from streams.catalog import Catalog
from streams.ingest import Ingest, Placed, RawRecord
from streams.redaction import Redactor
from streams.replay.nearest import Near, nearest
from streams.replay.wishes import wishes
from streams.sources.base import Ignored, Reading, Source
from streams.sources.known import Known
from streams.sources.mapping import MappedSource
from streams.sources.mapping_unread import unread
from streams.sources.parse import ParseError, parse
from streams.sources.plain_text import plain_text

Outcome = Literal["event", "ignored", "refused"]


class Told(NamedTuple):
    """One thing that was made of an item. ``stage``, ``place`` and ``reason`` are those of its dead letter.

    ``wished`` is what the event does not say, by name and reason.
    """

    item: int | None
    outcome: Outcome
    event: dict[str, Any] | None = None
    stage: str = ""
    place: str = ""
    reason: str = ""
    wished: tuple[tuple[str, str], ...] = ()


class Tried(NamedTuple):
    """One document: who reads it, what was made of it, all who claim it, and if nobody does, who comes close.

    ``unread`` are the places that its mapping, if it is read by one, does not look at.
    """

    source: str | None
    told: tuple[Told, ...]
    claimants: tuple[str, ...] = ()
    near: tuple[Near, ...] = ()
    unread: tuple[str, ...] = ()


class _Heard:
    """A source whose ignored items are kept."""

    def __init__(self, source: Source, told: list[Told]) -> None:
        self.source = source
        self.name = source.name
        self.lateness = source.lateness
        self._told = told

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """As the source itself."""
        return self.source.recognise(document, headers)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """As the source itself."""
        for item, reading in self.source.read(document, headers):
            if isinstance(reading, Ignored):
                self._told.append(Told(item, "ignored", reason=reading.reason))
            yield item, reading


class Trial(Ingest):
    """Ingest that tells. ``catalog`` places events as in a deployment."""

    def __init__(self, catalog: Catalog, redactor: Redactor, known: Known) -> None:
        super().__init__(catalog, redactor, partitions=1, known=known)
        self._source: str | None = None
        self._told: list[Told] = []
        self._unread: tuple[str, ...] = ()
        self._received = ""

    def attempt(self, raw: RawRecord, *, limit: int) -> Tried:
        """What would become of one raw record of at most ``limit`` bytes."""
        self._source, self._told, self._unread = None, [], ()
        self._received = datetime.fromtimestamp(raw.received / 1000, UTC).isoformat()
        self.max_raw_bytes = limit
        self.read(raw)
        document = _parsed(raw.value or b"")
        claimants = self.known.claimants(document, {})
        near = nearest(document, {}, self.known) if self._source is None and document is not None else []
        return Tried(self._source, tuple(self._told), tuple(claimants), tuple(near), self._unread)

    def map(
        self, raw: RawRecord, source: Source, document: object, headers: Mapping[str, str]
    ) -> tuple[list[Placed], list[DeadLetter]]:
        """As ingest does, heard."""
        self._source = source.name
        if isinstance(source, MappedSource):
            each = document if isinstance(document, list) else [document]
            self._unread = tuple(dict.fromkeys(place for part in each for place in unread(source.mapping, part)))
        return super().map(raw, _Heard(source, self._told), document, headers)

    def _place(self, raw: RawRecord, source: str, item: int, draft: Any, placed: list[Placed], scanned: Any) -> None:
        before = len(placed)
        super()._place(raw, source, item, draft, placed, scanned)
        made = placed[before]  # what follows are copies for other domains
        if made.fault is not None:
            self._told.append(Told(item, "refused", None, "validate", made.fault.place, made.fault.reason))
            return
        event = orjson.loads(made.value)
        self._told.append(Told(item, "event", event, wished=tuple(wishes(event, self._received))))

    def _refuse(
        self,
        raw: RawRecord,
        item: int | None,
        stage: Stage,
        reason: str,
        place: str = "",
        source: str | None = None,
    ) -> DeadLetter:
        letter = super()._refuse(raw, item, stage, reason, place, source)
        self._told.append(Told(item, "refused", None, letter.stage, letter.place, letter.reason))
        return letter


def _parsed(value: bytes) -> object:
    try:
        return parse(value)
    except ParseError:
        return plain_text(value)
