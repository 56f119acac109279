"""What events of every OCSF class have: time, product, and the domain they are of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from streams.sources.document import mapping
from streams.sources.fields import dig, instant, text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_214_400_000
"""9999-12-31 in milliseconds."""


def time_of(event: dict[str, Any]) -> str | None:
    """``time`` in milliseconds, or in seconds where some producers write those; else ``time_dt``."""
    given = event.get("time")
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, int) and not isinstance(given, bool):
        milliseconds = given * 1000 if 0 < given < 100_000_000_000 else given
        if 0 < milliseconds < _LAST:
            return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat().replace("+00:00", "Z")
    return instant(event.get("time_dt"))


def reporter_of(event: dict[str, Any]) -> str:
    """The product's name, else its vendor's, in lower case."""
    product = mapping(dig(event, "metadata", "product"))
    return (text(product.get("name"), 128) or text(product.get("vendor_name"), 128) or "ocsf").lower()


def domain_of(event: dict[str, Any], reporter: str) -> str:
    """The cloud account, else ``ocsf:`` and the product."""
    cloud = mapping(event.get("cloud"))
    account = text(dig(cloud, "account", "uid"), 128)
    provider = (text(cloud.get("provider"), 64) or "cloud").lower()
    return f"{provider}:{account}" if account else f"ocsf:{reporter}"
