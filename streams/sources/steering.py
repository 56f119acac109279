"""Weir's own topics as a source: context and configuration records, checked like any other input.

They are no vendor's format and are bound to their topics by name, so this source is not in the registry and claims
nothing by content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, cast

from schemas.events import CONTEXT_KINDS
from streams.sources.base import ContextDraft, Malformed, Reading


class Steering:
    """Reads ``{"kind", "key", "record"}`` of the context topic and ``{"digest", "settings"}`` of the config topic."""

    name = "weir"
    lateness = timedelta(0)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """Never by content."""
        return False

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """The one record of the document."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
        elif "settings" in document:
            draft: Any = {"type": "config", "digest": document.get("digest"), "settings": document["settings"]}
            yield 0, draft
        elif document.get("kind") not in CONTEXT_KINDS:
            yield 0, Malformed("kind", f"not one of {', '.join(CONTEXT_KINDS)}")
        else:
            record: Any = {k: document.get(k) for k in ("kind", "key", "record")}
            yield 0, cast(ContextDraft, {"type": "context", **record})
