"""Names of rows: readable, unambiguous, and bounded in length."""

from __future__ import annotations

from hashlib import blake2b

_LONGEST = 200


def row_key(kind: str, principal: str, value: str | None = None) -> str:
    """``kind|principal`` or ``kind|principal|value``; distinct arguments give distinct keys.

    The principal is escaped, so that a bar in a name cannot pretend to be a separator; a long name keeps its first 100
    characters and a BLAKE2b-128 of the whole.

    >>> row_key("a", "role|web", "s3:GetObject")
    'a|role%7Cweb|s3:GetObject'
    """
    principal = _short(principal)
    if "|" in principal or "%" in principal:
        principal = principal.replace("%", "%25").replace("|", "%7C")
    return f"{kind}|{principal}" if value is None else f"{kind}|{principal}|{_short(value)}"


def _short(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    return name[:100] + "…" + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
