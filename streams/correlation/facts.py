"""What the catalog says about a component, as correlation needs it. Pure."""

from __future__ import annotations

from collections.abc import Container
from typing import NamedTuple


class Facts(NamedTuple):
    """None means not known, never no. ``ref`` is the full reference, under which the context has its versions."""

    owner: str | None = None
    internet_facing: bool | None = None
    privileged: bool | None = None
    customer_path: bool | None = None
    depends_on: tuple[str, ...] = ()
    ref: str | None = None
    controls: tuple[str, ...] = ()
    criticality: int | None = None
    """1 (the business stands still without it) to 4."""
    name: str | None = None
    """As ``depends_on`` of others gives it."""
    dependents: int = 0
    """How many depend on it directly."""
    system: str | None = None


def facing(tags: Container[str]) -> bool | None:
    """Whether the tags of a component say that it is reachable from the internet; None where they say nothing.

    >>> facing(["internet-facing"]), facing(["not-internet-facing"]), facing([])
    (True, False, None)
    """
    return True if "internet-facing" in tags else False if "not-internet-facing" in tags else None


UNKNOWN = Facts()
