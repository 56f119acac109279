"""What became of everything that was read, source by source, counted at each step by somebody else than the doer.

Three sums must hold. Every document is refused whole or mapped by a source. Every reading that a source makes of a
document becomes an event, is ignored or is malformed. Every event, and every copy of one for another domain, is
refused by the schema or folded to exactly one outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from streams.sources.base import Ignored, Malformed, Reading, Source

UNKNOWN = "(no source)"
"""Where documents count that no source reads."""

NOTHING = "nothing in it"
"""The reason under which ``Ingest`` ignores a document of no items."""

EVENTS = ("activity", "finding", "change", "scan", "context", "config", "review")
"""The types of event that sources give."""

OUTCOMES = ("member", "change", "uninteresting", "duplicate", "too_late", "failed", "invalid", "steering")
"""What the fold makes of an event (``Pipeline.counts``)."""


@dataclass(slots=True)
class Tally:
    """The counts of one source. The first group is counted by those who gave, the second by those who took."""

    documents: int = 0
    items: int = 0
    readings: int = 0
    events: int = 0

    whole: int = 0
    """Documents refused as a whole."""
    mapped: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """Of ``Ingest``: events by type, copies, detections, ignored, dead."""
    refused: int = 0
    """Events that the schema or the size limit refused."""
    ignored: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By source and reason."""
    malformed: int = 0
    dead: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dead letters by stage and reason, the fold's included."""
    outcomes: Counter[str] = field(default_factory=Counter)

    @property
    def copies(self) -> int:
        """Changes routed to dependent domains as well, and scans to all domains they may be about."""
        return self.counts["copies"] + self.counts["broadcasts"]

    @property
    def drafts(self) -> int:
        """Events that sources made, without the copies."""
        return sum(self.counts[kind] for kind in EVENTS)

    @property
    def nothing(self) -> int:
        """Mapped documents without any item, which ``Ingest`` counts among the ignored."""
        return sum(count for (_, reason), count in self.ignored.items() if reason == NOTHING)

    def problems(self) -> Iterator[str]:
        """The sums that do not hold, in words."""
        if self.documents != self.whole + self.mapped:
            yield f"{self.documents} documents were read, {self.whole} refused and {self.mapped} mapped"
        ignored = self.ignored.total() - self.nothing
        if self.readings != self.drafts + ignored + self.malformed:
            yield (
                f"{self.readings} readings were made: {self.drafts} events, {ignored} ignored and "
                f"{self.malformed} malformed"
            )
        found = self.counts["detection"]
        if self.drafts + self.copies + found != self.events:
            yield (
                f"{self.drafts} events, {self.copies} copies and {found} detections were placed, {self.events} reached "
                "the check"
            )
        if self.events != self.refused + self.outcomes.total():
            yield f"{self.events} events were checked, {self.refused} refused and {self.outcomes.total()} folded"


class Watched:
    """A source that counts what it says while it is read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.name = source.name
        self.lateness = source.lateness
        self.items = self.readings = self.malformed = self.ignored = 0

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """As the source itself."""
        return self.source.recognise(document, headers)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """As the source itself, counted."""
        last = -1
        for reading in self.source.read(document, headers):
            self.readings += 1
            if reading[0] != last:
                last = reading[0]
                self.items += 1
            if isinstance(reading[1], Malformed):
                self.malformed += 1
            elif isinstance(reading[1], Ignored):
                self.ignored += 1
            yield reading
