"""The forms of the context records that have no format of their own, and what is wrong with one. Pure.

They come through the context topic as ``{"kind", "key", "record"}``; a record of null withdraws the key. Times are
RFC 3339 (or a day), a missing bound is none. What a record is about is its ``component``, else its ``system``, else,
of who is on call, its ``team``; a window or freeze that names none of them is about everything.

- ``on_call``, a key for each schedule: ``{component | team, person, from, to, contact}``. Of one key the record with
  the newest ``from`` by then counts, whatever order they come in.
- ``deployment_window`` and ``freeze``: ``{component | system, title, from, to}``, or weekly within from and to:
  ``{…, weekly: [{days: ["sat"], start: "22:00", end: "02:00"}], time_zone: "Europe/Berlin"}``. An end at or before the
  start is of the next day. Time zones: ``streams.correlation.zones``. ``created_at`` says since when it was known.
- ``vex``: ``{vulnerability, aliases, component | package | image, packages: [purl], status, justification, statement,
  timestamp, author}``. ``status`` is not_affected, affected, fixed or under_investigation; ``package`` is the product,
  ``packages`` the parts of it that are meant. It counts from its ``timestamp`` on, in whatever order statements come.
- ``case``: ``{component, title, cve | rule, aliases, opened_at, closed_at, resolution, change, team, person, url}``:
  an incident or a ticket that was closed, and the change that ended it.
- ``feed``, its key a kind of record: ``{read_at, source}``. All records of the kind were read anew then, so what says
  the same as before is as fresh as that. Write one after each poll that saw everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.correlation import calendars
from streams.correlation.context import instant

STATUSES: Final = ("not_affected", "affected", "fixed", "under_investigation")
_LONGEST = 512


def unfit(kind: str, record: Mapping[str, Any]) -> str | None:
    """What is wrong with a record of one of these kinds, in words; None if nothing is, and for any other kind."""
    match kind:
        case "on_call":
            if not (_named(record, "component") or _named(record, "team")) or not _named(record, "person"):
                return "on_call: no person, or neither component nor team"
            return _times(record, "from", "to")
        case "deployment_window" | "freeze":
            wrong = calendars.unfit(record) or _times(record, "created_at")
            return None if wrong is None else f"{kind}: {wrong}"
        case "vex":
            if not _named(record, "vulnerability") or record.get("status") not in STATUSES:
                return f"vex: no vulnerability, or a status that is none of {', '.join(STATUSES)}"
            if not any(_named(record, field) for field in ("component", "package", "image")):
                return "vex: neither component, package nor image"
            return _times(record, "timestamp")
        case "case":
            if not any(_named(record, field) for field in ("cve", "rule", "title")):
                return "case: neither cve, rule nor title"
            return _times(record, "opened_at", "closed_at")
        case "feed":
            return None if instant(record.get("read_at")) is not None else "feed: read_at is not an RFC 3339 time"
    return None


def _named(record: Mapping[str, Any], field: str) -> bool:
    value = record.get(field)
    return isinstance(value, str) and 0 < len(value) <= _LONGEST


def _times(record: Mapping[str, Any], *fields: str) -> str | None:
    for field in fields:
        if record.get(field) is not None and instant(record[field]) is None:
            return f"{field}: not an RFC 3339 time"
    return None
