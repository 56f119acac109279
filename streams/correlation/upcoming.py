"""Policy exceptions that are approved before they begin: as a change, they take place when they come into force. Pure.

Until then the change stands at the time it was approved; at the first moment of the log's clock from its ``valid_from``
on it is moved there. One that was withdrawn by then stays where it is; one whose beginning was put off waits on.
"""

from __future__ import annotations

from typing import Final, cast

from streams.correlation.context import Context, instant
from streams.correlation.interval import FOREVER
from streams.correlation.state import Domain, State

TABLE: Final = "upcoming"
"""Shared by all domains: domain \\x1f exception -> (event ms from which it is in force, key of the change's row)."""

LIMIT: Final = 1_000
"""Exceptions that are waited for; beyond, the one that begins last is not, counted."""

KIND: Final = "policy_exception"
_SEP = "\x1f"


def begins(context: Context, exception: str) -> int | None:
    """Event ms from which the exception is in force, as its newest record says; None if withdrawn or not said."""
    fact = context.at(KIND, exception, FOREVER)
    return None if fact is None else instant(fact.record.get("valid_from"))


def note(state: State, domain: Domain, exception: str, since: int, key: str) -> None:
    """Wait for an exception to come into force; ``key`` is that of its change."""
    table = state.shared.table(TABLE)
    state.touched.add("")
    table[domain.name + _SEP + exception] = (since, key)
    if len(table) > LIMIT:
        del table[max(table, key=lambda each: (table[each][0], each))]
        state.shared.gone[TABLE] = (cast(tuple[int], state.shared.gone.get(TABLE, (0,)))[0] + 1,)


def due(state: State, log_time: int) -> list[tuple[Domain, str, int]]:
    """Domain, key of the change and time of each exception that came into force by ``log_time``, no longer waited for.

    In order of domain and exception. Costs what is waited for, and nothing where that is nothing.
    """
    table = state.shared.tables.get(TABLE)
    if not table:
        return []
    out: list[tuple[Domain, str, int]] = []
    for name in sorted(name for name, row in table.items() if row[0] <= log_time):
        domain_name, _, exception = name.rpartition(_SEP)
        key = cast(str, table[name][1])
        del table[name]
        since = begins(state.context, exception)
        if since is None:
            continue
        if since > log_time:
            note(state, state.domain(domain_name), exception, since, key)
        else:
            out.append((state.domain(domain_name), key, since))
    return out
