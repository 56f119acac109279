"""Which models score, with which parameters: data of the ``config`` record, so that a switch is a place in the log."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

STANDARD: Final = "standard"
"""The set of the standard detectors with their own parameters."""


class ModelSet(BaseModel):
    """Detectors with parameters, under a name. What is learnt is kept under the name too, so a set that says something
    else needs another name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(default=STANDARD, pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    detectors: tuple[str, ...] = Field(default=(), description="by name; none: the standard ones")
    parameters: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="of detectors by name, where they differ from the detector's own"
    )
