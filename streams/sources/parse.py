"""Bytes to one JSON document, strictly: the first step of every source, and the same for all.

RFC 8259 as orjson reads it. What that means at the edges:

- NaN and Infinity are refused. Of a repeated key the last value counts.
- An integer outside -2^63 .. 2^64-1 arrives as a float and has lost digits; a source that takes an integer as an
  identity therefore refuses floats.
- A UTF-8 byte order mark is stripped; any other encoding is refused.
- Nesting deeper than ``MAX_DEPTH`` is refused, so that whatever was read can be walked recursively and written again
  (orjson reads 1024 levels, but writes 254).
- gzip (magic 1f 8b, several members allowed: RFC 1952) is inflated first, up to a bound.

Wrong for files with one document a line: split the lines first.
"""

from __future__ import annotations

import zlib

import orjson

MAX_DEPTH = 254
MAX_INFLATED = 64 * 1024 * 1024
"""Bytes that a compressed input may grow to, unless the caller says otherwise."""

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_FED = 16 * 1024  # small, since zlib copies what follows a member, and there may be many members


class ParseError(ValueError):
    """The bytes are not one JSON document. ``place`` is a position in the (inflated) text, empty for the whole."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}" if place else reason)
        self.place = place
        self.reason = reason


def inflate(value: bytes, limit: int = MAX_INFLATED) -> bytes:
    """The content of a gzip file; ``value`` itself if it is none. ``ParseError`` if it is damaged or beyond ``limit``.

    Never inflates more than ``limit`` bytes plus one, whatever the compression ratio.
    """
    if not value.startswith(_GZIP):
        return value
    parts: list[bytes] = []
    size = at = 0
    while value.startswith(_GZIP, at):
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            fed = value[at : at + _FED]
            if not fed:
                raise ParseError("", "gzip ends before its end mark")
            try:
                part = member.decompress(fed, limit - size + 1)
            except zlib.error as error:
                raise ParseError("", f"damaged gzip: {error}") from None
            size += len(part)
            if size > limit:
                raise ParseError("", f"gzip content is larger than {limit} bytes")
            parts.append(part)
            at += len(fed) - len(member.unused_data)
    if value[at:].strip(b"\0"):
        raise ParseError("", "bytes after the end of the gzip content")
    return b"".join(parts)


def parse(value: bytes, limit: int = MAX_INFLATED) -> object:
    """The document in ``value``; ``limit`` bounds the size of a gzip input's content. Raises ``ParseError``."""
    if value.startswith(_GZIP):
        value = inflate(value, limit)
    if value.startswith(_BOM):
        value = value[3:]
    try:
        document: object = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _explain(value, error) from None
    if value.count(b"[") + value.count(b"{") > MAX_DEPTH:
        try:
            orjson.dumps(document)
        except orjson.JSONEncodeError:
            raise _too_deep() from None
    return document


def _too_deep() -> ParseError:
    return ParseError("", f"nested deeper than {MAX_DEPTH} levels")


def _explain(value: bytes, error: orjson.JSONDecodeError) -> ParseError:
    if not value.strip():
        return ParseError("", "empty")
    try:
        text = value.decode()
    except UnicodeDecodeError as undecodable:
        return ParseError(f"byte {undecodable.start}", "not UTF-8")
    if "depth limit" in error.msg or "ecursion limit" in error.msg:
        return _too_deep()
    place = f"line {error.lineno} column {error.colno}"
    if text[error.pos :].lstrip("-").startswith(("NaN", "Infinity")):
        return ParseError(place, "not JSON: NaN and Infinity are not allowed")
    return ParseError(place, f"not JSON: {error.msg.partition(': line ')[0]}")
