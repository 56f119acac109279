"""Dead letters: what an input looked like that could not be taken, without its secrets."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Sequence

import orjson

from schemas.dead_letter import DeadLetter, Stage
from streams.redaction import Redactor

SHOWN = 65_536
"""Characters of the value that are kept."""

_MARGIN = 8_192
"""Bytes read beyond what is shown, so that a secret across the border is seen whole and not shown in half."""

_REASON = 1024
_PLACE = 512
_KEY = 4096
_HEADERS = 64
_HEADER_NAME = 256

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_CUT = " […]"


def dead_letter(
    redactor: Redactor,
    *,
    topic: str,
    partition: int,
    offset: int,
    item: int | None,
    stage: Stage,
    reason: str,
    place: str,
    source: str | None,
    key: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    value: bytes | None,
) -> DeadLetter:
    """The letter for one refused input, valid against the schema whatever the input is.

    ``value`` is the untouched Kafka value, of any size: 72 KiB of it are read, decompressed if it is gzip, decoded,
    redacted, and then cut to the first 64 Ki characters. ``size`` and ``digest`` are those of the whole original.
    Control and direction characters, and bytes that are no UTF-8, are kept as escapes, so that a terminal stays
    safe. Compressed or encrypted text other than gzip can't be redacted and is kept as escapes.
    """
    value = value or b""
    text, cut = _shown(redactor, value)
    return DeadLetter(
        topic=_plain(topic),
        partition=partition,
        offset=offset,
        item=item,
        stage=stage,
        reason=_line(redactor, reason, _REASON),
        place=_line(redactor, place, _PLACE),
        source=None if source is None else _plain(source),
        key=None if key is None else _content(redactor, "", key),
        headers=tuple(_header(redactor, name, content) for name, content in headers[:_HEADERS]),
        value=text,
        size=len(value),
        digest=hashlib.blake2b(value, digest_size=16).hexdigest(),
        truncated=cut,
    )


def headers(letter: DeadLetter) -> list[tuple[str, bytes]]:
    """The Kafka headers that say where the original is and why it was refused, after Kafka Connect's (KIP-298)."""
    fields = (
        ("topic", letter.topic),
        ("partition", str(letter.partition)),
        ("offset", str(letter.offset)),
        ("stage", letter.stage),
        ("reason", letter.reason),
        ("place", letter.place),
    )
    return [(f"__weir.errors.{name}", content.encode()) for name, content in fields]


def _shown(redactor: Redactor, value: bytes) -> tuple[str, bool]:
    """The redacted beginning of the value, and whether it is only a beginning."""
    window = value[: SHOWN + _MARGIN]
    longer = len(value) > len(window)
    if window.startswith(b"\x1f\x8b"):
        window, longer = _unzipped(value)
    text = _redacted(redactor, window, whole=not longer)
    if longer:
        # What touches the end of the window may be half a secret that nobody could recognise.
        text = text[:-_MARGIN]
    text = _escaped(text)
    return text[:SHOWN], longer or len(text) > SHOWN


def _redacted(redactor: Redactor, window: bytes, *, whole: bool) -> str:
    text = _decoded(window)
    if whole:
        # Names, and what Kubernetes says is a Secret, are surer in the document than in its text.
        try:
            document = orjson.loads(window)
        except orjson.JSONDecodeError:
            document = None
        if document is not None and (clean := redactor.redact(window, document)) is not document:
            text = orjson.dumps(clean).decode()
    return redactor.redact_text(text)


def _unzipped(value: bytes) -> tuple[bytes, bool]:
    """The beginning of gzip's content, as far as it is intact, and whether there is more. Reads only what it needs."""
    stream = zlib.decompressobj(wbits=31)
    out = b""
    for start in range(0, min(len(value), SHOWN + _MARGIN), 4096):
        try:
            out += stream.decompress(value[start : start + 4096], SHOWN + _MARGIN - len(out))
        except zlib.error:
            return out, True
        if len(out) >= SHOWN + _MARGIN or stream.eof:
            break
    return out, not stream.eof


def _decoded(value: bytes) -> str:
    """Text of the bytes: UTF-8 or, by byte-order mark or by its zeros, UTF-16; other bytes as escapes."""
    head = value[:64]
    if value.startswith((b"\xff\xfe", b"\xfe\xff")):
        return value.decode("utf-16", "backslashreplace")
    if len(head) >= 4 and not any(head[1::2]) and all(head[0::2]):
        return value.decode("utf-16-le", "backslashreplace")
    if len(head) >= 4 and not any(head[0::2]) and all(head[1::2]):
        return value.decode("utf-16-be", "backslashreplace")
    return value.decode("utf-8-sig", "backslashreplace")


def _plain(text: str) -> str:
    return _escaped(_utf8(text))


def _utf8(text: str) -> str:
    """Text that UTF-8 can carry: lone surrogates as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def _escaped(text: str) -> str:
    return _CONTROLS.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _line(redactor: Redactor, text: str, limit: int) -> str:
    """Redacted, escaped and cut text."""
    window = _utf8(text[: limit + _MARGIN])
    return _fitted(redactor.redact_text(window), limit, longer=len(text) > limit + _MARGIN)


def _header(redactor: Redactor, name: str, content: bytes | None) -> tuple[str, str]:
    """A header, whose name may promise a secret."""
    return _line(redactor, name, _HEADER_NAME), "" if content is None else _content(redactor, name, content)


def _content(redactor: Redactor, name: str, content: bytes) -> str:
    """The value of a header, or the key."""
    text = redactor.redact_field(name, _decoded(content[: _KEY + _MARGIN]))
    return _fitted(redactor.redact_text(text), _KEY, longer=len(content) > _KEY + _MARGIN)


def _fitted(text: str, limit: int, *, longer: bool) -> str:
    """Escaped and cut redacted text. If the original went on, the end may be half a secret, and goes."""
    text = _escaped(text[:-_MARGIN] if longer else text)
    return text if len(text) <= limit and not longer else text[: limit - len(_CUT)] + _CUT
