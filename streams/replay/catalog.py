"""The entities in a catalog file."""

from __future__ import annotations

from pathlib import Path

from streams.replay import files
from streams.replay.documents import documents
from streams.sources.parse import ParseError, parse


class UnreadableCatalog(ValueError):
    """The file is not there, or is neither YAML nor JSON; the text says which file, and where it breaks off."""


def entities(path: Path) -> list[object]:
    """The documents of a YAML or JSON file, not checked to be Backstage entities. Raises ``UnreadableCatalog``."""
    try:
        source = files.catalog(path, 0)
    except files.Unreadable as error:
        raise UnreadableCatalog(str(error)) from None
    found = []
    with documents(source.path, source.form) as given:
        for document in given:
            if document.problem is not None:
                raise UnreadableCatalog(f"{path}: {document.problem.place} {document.problem.reason}")
            try:
                found.append(parse(document.value))
            except ParseError as error:
                raise UnreadableCatalog(f"{path}: {error}") from None
    return found
