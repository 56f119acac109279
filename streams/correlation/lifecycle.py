"""When a unit gets a revision, and why: decided by the log's clock alone, never by commit or poll. Pure."""

from __future__ import annotations

from typing import Final

from schemas.parameters import Parameters
from schemas.unit import Reason
from streams.correlation.rows import UnitRow

RANK: Final[dict[str, int]] = {
    name: rank
    for rank, name in enumerate(
        (
            "suppression", "change", "signal", "context", "related", "review", "late", "split", "reopened", "opened",
            "merged", "closed",
        )
    )
}  # fmt: skip
"""Of several reasons that wait for one revision, the highest names it.

A change and a suppression come last: whether they make a difference is known only when the revision is built, so they
must not hide a reason that surely does.
"""


def touch(unit: UnitRow, reason: Reason, log_time: int, parameters: Parameters) -> UnitRow:
    """The unit with a revision due for ``reason``, at the earliest moment its intervals allow."""
    if unit.revision == 0:
        due = unit.opened_log + parameters.group_wait_ms
        return unit if unit.due == due else unit._replace(pending=unit.pending or "opened", due=due)
    if unit.pending is None:
        return unit._replace(pending=reason, due=max(log_time, unit.ready_log))
    return unit._replace(pending=reason) if RANK[reason] > RANK[unit.pending] else unit


def looked(unit: UnitRow, log_time: int, parameters: Parameters) -> UnitRow:
    """The unit after a look at ``log_time``, whether or not a revision came of it: the next has to wait."""
    return unit._replace(pending=None, due=None, ready_log=log_time + parameters.update_interval_ms)


def idle_from(unit: UnitRow, parameters: Parameters) -> int:
    """Log time from which the unit is idle: as rules say of their matches in it, else as all units are."""
    return unit.last_log + (unit.idle or parameters.idle_close_ms)


def idle_due(unit: UnitRow, parameters: Parameters) -> int:
    """Log time at which the unit closes if no signal comes, or because it has lived its longest."""
    return max(min(idle_from(unit, parameters), unit.opened_log + parameters.max_life_ms), unit.ready_log)


def aged(unit: UnitRow, log_time: int, parameters: Parameters) -> bool:
    """Whether the unit has lived its longest."""
    return unit.opened_log + parameters.max_life_ms <= log_time


def forget_due(unit: UnitRow, parameters: Parameters) -> int:
    """Log time from which a closed unit is not reopened any more."""
    return unit.closed_log + parameters.reopen_ms


def decide(unit: UnitRow, log_time: int, parameters: Parameters) -> Reason | None:
    """Whether a revision is due at ``log_time``, and its reason.

    A unit that is idle by then closes, though it was to be looked at for a suppression: where units go must not change
    when they end.
    """
    idle = unit.status == "open" and unit.revision > 0 and idle_due(unit, parameters) <= log_time
    if unit.pending is not None and unit.due is not None and unit.due <= log_time:
        if unit.pending == "suppression" and idle:
            return "closed"
        return unit.pending  # type: ignore[return-value] # only reasons are put there
    return "closed" if idle else None


def next_due(unit: UnitRow, parameters: Parameters) -> int | None:
    """The next log time at which ``decide`` may say something, or the unit is to be forgotten."""
    if unit.due is not None:
        return unit.due
    if unit.status == "open":
        return idle_due(unit, parameters)
    return forget_due(unit, parameters) if unit.status == "closed" else None
