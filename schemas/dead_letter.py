"""What could not be taken: a redacted copy with its place and reason. The untouched original stays in the raw topic."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Contract, SchemaVersion

Stage = Literal["read", "parse", "recognise", "map", "validate", "route", "late", "correlate"]


class DeadLetter(Contract):
    """One refused input. ``value`` is text: the redacted input, at most its first 64 KiB."""

    v: SchemaVersion = 1
    topic: str
    partition: int
    offset: int
    item: int | None = Field(default=None, description="item inside the record; None refuses the whole record")
    stage: Stage
    reason: str = Field(max_length=1024, description="what is wrong, in words; redacted")
    place: str = Field(
        default="", max_length=512, description="path inside the input, for example Records[3].eventTime"
    )
    source: str | None = Field(default=None, description="source that tried to read it")
    key: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    value: str = Field(default="", max_length=70_000)
    size: int = Field(ge=0, description="bytes of the original value")
    digest: str = Field(description="BLAKE2b-128 of the original value, hex")
    truncated: bool = False
