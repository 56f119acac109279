"""Bytes that are no JSON as one text: a log of lines, such as a flow log or its line of names."""

from __future__ import annotations


def plain_text(value: bytes) -> str | None:
    """The text, None for what began as JSON (and is broken), is not UTF-8, or holds a NUL.

    >>> plain_text(b"version account-id"), plain_text(b'{"a":')
    ('version account-id', None)
    """
    if not value or value.lstrip()[:1] in (b"", b"{", b"[", b'"') or b"\0" in value:
        return None
    try:
        return value.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
