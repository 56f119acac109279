"""What every contract shares: immutability, UTC, and the refusal of unknown fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field


def _to_utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("not between the years 1 and 9999 in UTC") from None


Utc = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An aware instant, held in UTC. Naive values are refused."""

Severity = Annotated[int, Field(ge=0, le=6)]
"""OCSF ``severity_id``: 0 unknown, 1 informational, 2 low, 3 medium, 4 high, 5 critical, 6 fatal."""

SEVERITY_NAMES = ("unknown", "informational", "low", "medium", "high", "critical", "fatal")

SchemaVersion = Literal[1]
"""The version that every record carries as ``v``; a change that old readers cannot take raises it."""


class Contract(BaseModel):
    """A frozen record that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
