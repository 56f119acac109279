"""Values of an untyped document, taken only if they are what they should be.

Every function takes any value at all and gives None for what does not fit, so that a source can leave an optional
field out, or name the place of a required one.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime

from streams.sources.memo import Memo

_INSTANT = re.compile(
    r"(?P<year>[0-9]{4})-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-2][0-9]:[0-5][0-9])"
)
_EMAIL = re.compile(r"([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_DOTTED = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")


def instant(value: object) -> str | None:
    """RFC 3339 text with an offset that names a real instant, as given but in upper case.

    Years before 1970 are refused: they are the zero values of programming languages, not times.
    """
    return INSTANTS[value] if type(value) is str else None


def _instant(value: object) -> str | None:
    form = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if not isinstance(value, str) or form is None or not "1970" <= form["year"] <= "9998":
        return None
    value = value.upper()
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return None
    return value


INSTANTS: Memo[object, str | None] = Memo(_instant, size=40)
"""``instant``, for hot paths: ``INSTANTS[value]`` raises TypeError for an object or array."""


def text(value: object, limit: int = 512) -> str | None:
    """Text that is not empty and not longer than ``limit`` characters: for ids, which must not be cut."""
    return value if isinstance(value, str) and 0 < len(value) <= limit else None


def cut(value: object, limit: int = 512) -> str | None:
    """Text that is not empty, cut after ``limit`` characters: for what a person reads."""
    return value[:limit] if isinstance(value, str) and value else None


def dig(document: object, *path: str) -> object:
    """The value at a path of keys; None where a step is missing or leads through something else than an object."""
    for key in path:
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


def host(value: object) -> str | None:
    """A host name in lower case, without the dot of a fully qualified one: DNS tells neither apart (RFC 4343, 1034).

    None for ``localhost``, which every host calls itself.

    >>> host("Web-1.Example.COM.")
    'web-1.example.com'
    """
    name = text(value, 255)
    name = name.strip().lower().removesuffix(".") if name else None
    return None if not name or name.partition(".")[0] == "localhost" else name


def email(value: object) -> str | None:
    """An e-mail address, its domain in lower case. The part before the at sign is its host's business (RFC 5321, 2.4).

    >>> email("Ann.Lee@Example.COM"), email("ann")
    ('Ann.Lee@example.com', None)
    """
    found = _EMAIL.fullmatch(value) if isinstance(value, str) and len(value) <= 254 else None
    return f"{found[1]}@{found[2].lower()}" if found else None


def address(value: object) -> str | None:
    """An IP address in canonical text; None for anything else, such as the service names of CloudTrail.

    Leading zeros of decimal IPv4 parts are dropped (anonymised data has them: ``075.050.255.67``), IPv4 inside IPv6 is
    given as IPv4, and a zone id is dropped.
    """
    return _ADDRESSES[value] if type(value) is str else None


def _address(value: str) -> str | None:
    if len(value) > 64:
        return None
    if _DOTTED.fullmatch(value):
        parts = [int(part) for part in value.split(".")]
        return "{}.{}.{}.{}".format(*parts) if max(parts) <= 255 else None
    if ":" not in value:
        return None
    try:
        number = ipaddress.IPv6Address(value.partition("%")[0])
    except ValueError:
        return None
    return str(number.ipv4_mapped or number)


_ADDRESSES = Memo(_address, size=64)
