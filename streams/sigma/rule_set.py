"""The rules in force, and what an event of a source matches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from streams.sigma.index import Index
from streams.sigma.logsource import LOG_SOURCES, LogSource
from streams.sigma.rule import Rule
from streams.sigma.values import Document


class RuleSet:
    """Compiled rules, indexed by source.

    >>> RuleSet(()).detect({"eventName": "CreateUser"}, "aws.cloudtrail")
    ()
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._indexes: dict[str | LogSource, Index | None] = {}

    @property
    def digest(self) -> str:
        """16 hex digits; equal for the same rules, in any order."""
        texts = sorted(f"{rule.key}={rule.digest}" for rule in self.rules)
        return blake2b("\n".join(texts).encode(), digest_size=8).hexdigest()

    def detect(self, document: Document, source: str | LogSource) -> Sequence[Rule]:
        """The rules that hold for one event of a source (or of a log source), in the order they were loaded.

        ``document`` is the vendor's object of that one event, as parsed and redacted; of ``weir.activity``,
        ``weir.finding`` and ``weir.change`` what ``normalised`` makes of the event. It is only read.
        """
        try:
            index = self._indexes[source]
        except KeyError:
            index = self._index(source)
        return () if index is None else index.matches(document)

    def wants(self, source: str) -> bool:
        """Whether any rule is for the source; where none is, its documents need not be looked at."""
        return self._index(source) is not None

    def of(self, source: str | LogSource) -> tuple[Rule, ...]:
        """The rules for a source."""
        given = LOG_SOURCES.get(source, ()) if isinstance(source, str) else (source,)
        return tuple(rule for rule in self.rules if any(rule.logsource.covers(each) for each in given))

    def fields(self, source: str) -> tuple[str, ...]:
        """The fields that are looked at in every event of the source."""
        index = self._index(source)
        return () if index is None else index.fields

    def _index(self, source: str | LogSource) -> Index | None:
        if source not in self._indexes:
            rules = self.of(source)
            self._indexes[source] = Index(rules) if rules else None
        return self._indexes[source]
