"""Why a unit is in the primary queue although it was suppressed, or might have been: in words. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from streams.correlation.suppression.rows import Decision

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def undecided(pattern: str, decision: Decision | None, lacking: str, now: int) -> str:
    """Why a pattern hides nothing at log time ``now``: taken back, run out, shaken, or never suppressed.

    ``pattern`` in words; ``lacking`` as ``Tally.lacking`` says it.
    """
    if decision is None:
        return f"not suppressed: {pattern}"
    if not decision.automatic and decision.after == decision.time:
        reason = f": {decision.reason}" if decision.reason else ""
        return f"{decision.owner} took back the suppression of {pattern}{reason}"
    if decision.until_log <= now:
        end = _EPOCH + timedelta(milliseconds=decision.until_log)
        return f"the suppression ended on {end:%Y-%m-%d}: {pattern}"
    return f"the suppression ended, {lacking}: {pattern}"


def surging(pattern: str, rate: float, judged: float) -> str:
    """A unit shows far more of a pattern an hour than was ever judged."""
    return f"{rate:.3g} an hour, where at most {judged:.3g} were judged: {pattern}"
