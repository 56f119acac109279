"""The sources that one process knows: those of the registry, and those that mapping files describe.

A value that is handed on, never a registry that is added to. By content those of the registry go first, since the
contract tests hold that they never claim each other's documents, and a mapping may claim too much; then the mappings
in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from streams.sources.base import Source
from streams.sources.registry import SOURCES, UnknownSourceError


class Known(NamedTuple):
    """Sources, in the order in which they are asked."""

    sources: tuple[Source, ...]

    def by_name(self, name: str) -> Source:
        """The source of this name, or ``UnknownSourceError``, which lists the names."""
        for source in self.sources:
            if source.name == name:
                return source
        raise UnknownSourceError(name, self.sources)

    def recognise(self, document: object, headers: Mapping[str, str]) -> Source | None:
        """The first source that claims the document, or None."""
        for source in self.sources:
            if source.recognise(document, headers):
                return source
        return None

    def claimants(self, document: object, headers: Mapping[str, str]) -> list[str]:
        """The names of all that claim the document: more than one is a mapping's ``recognise`` that is too wide."""
        return [source.name for source in self.sources if source.recognise(document, headers)]


BUILT_IN = Known(SOURCES)
"""The sources of the registry."""


def known_with(*sources: Source) -> Known:
    """The sources of the registry and these."""
    return Known((*SOURCES, *sources)) if sources else BUILT_IN
