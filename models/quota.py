"""A quota of new principals a source and hour: one that makes up names fills no store with them."""

from __future__ import annotations

from models.base import Row, Store
from models.keys import row_key

LIMIT = 5_000
"""New principals of one source in one hour of event time."""

_HOUR = 60  # ticks
_SOURCES = 1_000  # beyond which sources share one quota
_NONE: Row = (-1, 0, 0, 0)


class NewKeys:
    """Whether events of principals that are not known yet may be learnt. An event that may not is still scored.

    ``store``: a row a source, ``(hour, admitted in it, refused in it, refused ever)``, at most a thousand and one for
    all others. ``limit``: new principals a source and hour of event time; an earlier hour's late events count with the
    newest. A principal that was refused is asked for again at its next event, and counted again.

    Which of the new principals of a minute are admitted when the limit is reached depends on their order. Clamp times
    far in the future beforehand: the quota of that hour holds until it is over.

    >>> quota = NewKeys({}, limit=1)
    >>> quota.admit("aws.cloudtrail", 0, known=False), quota.admit("aws.cloudtrail", 0, known=False)
    (True, False)
    >>> quota.admit("aws.cloudtrail", 1, known=True), quota.admit("aws.cloudtrail", 60, known=False)
    (True, True)
    >>> quota.refused("aws.cloudtrail")
    1
    """

    def __init__(self, store: Store, limit: int = LIMIT) -> None:
        self.limit = limit
        self._rows = store

    def admit(self, source: str, tick: int, known: bool) -> bool:
        """Whether an event of ``source`` in minute ``tick`` may be learnt. ``known``: its principal has rows."""
        if known:
            return True
        rows = self._rows
        key = row_key("s", source)
        row = rows.get(key)
        if row is None:
            if len(rows) >= _SOURCES:
                key = "*"
            row = rows.get(key, _NONE)
        hour, admitted, refused, ever = row
        if tick // _HOUR > hour:
            hour, admitted, refused = tick // _HOUR, 0, 0
        if admitted < self.limit:
            rows[key] = (hour, admitted + 1, refused, ever)
            return True
        rows[key] = (hour, admitted, refused + 1, ever + 1)
        return False

    def refused(self, source: str) -> int:
        """How many events of the source were refused, ever."""
        return int(self._rows.get(row_key("s", source), _NONE)[3])

    def refusals(self) -> dict[str, int]:
        """The same of all rows that have any, by row; ``*`` is that of the sources beyond the thousandth."""
        return {key: row[3] for key, row in sorted(self._rows.items()) if key[:1] != "#" and row[3]}
