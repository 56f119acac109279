"""A cheap look at raw JSON: may a secret be in it? What is clean is not walked, and clean is nearly everything.

The words alone would not do: nearly all CloudTrail records say secret, token or key somewhere. So a name counts only
where a value follows it.
"""

from __future__ import annotations

import re

from streams.redaction.names import HARMLESS, KEYWORDS
from streams.redaction.patterns import PATTERNS
from streams.redaction.search import CHUNK, OVERLAP, BytesSearch
from streams.redaction.text import CODED

_SHORT = ("SK", "key-", "Q~", "sk-")
"""Literals that are frequent in harmless text, so that a look at what follows pays."""

_SHORTS = BytesSearch(_SHORT)
_SHORT_SHAPES = re.compile(
    rb"(?:SK|key-)[0-9a-f]{32}|Q~[A-Za-z0-9_~.-]{31}|(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))sk-[A-Za-z0-9_-]{20}"
)

_CORES = ("sk-", "xox", "shp", "dckr_", "k_live_", "k_test_", "sntry", "oGZXIvYXdz")
"""One literal for many that share it; the fewer there are the faster the search."""

_SHAPES = BytesSearch(
    {
        next((core for core in _CORES if core in literal), literal)
        for pattern in PATTERNS
        for literal in pattern.literals
    }.difference(_SHORT)
    | {*CODED, "PRIVATE KEY", "jdbc:oracle:", r"\u00"}  # escaped ASCII: anything may hide behind it
)

_COMMON = ("auth", "pass", "sig", "signature")
"""Ends of names that are in nearly every harmless record too: author, passed, SignatureVersion."""

_WORDS = BytesSearch(
    [
        *(word for word in KEYWORDS if word not in _COMMON and not word.endswith("key")),
        *(f"key{sign}" for sign in "\"\\'=:> "),
        *('auth"', "auth\\", 'pass"', "pass\\", "pass=", "sig=", "signature="),
        *('secrets"', "secrets\\", 'secretlist"', "secretlist\\", "basic ", "bearer "),
    ]
)
_KEYS = tuple({word.translate(str.maketrans("", "", "_- ")).encode() for word in KEYWORDS if word.endswith("key")})

_LETTERS = range(ord("a"), ord("z") + 1)
_COLON = ord(":")
_K = ord("k")
_FOLLOW = frozenset(b"\"'\\])}=:> \t")

_ENDS = re.compile(
    rb"[\"'\\\])}]{1,9}\s{0,8}(?::\s{0,4}+(?![tfn{])|=)"  # "name": but not true, false, null or an object
    rb"|\s{0,8}[=:]|>|\s{1,4}[\\\"']"
)
"""After a name: its value follows."""

_FIELDS = tuple(
    f'"{field}{quote}'.encode()
    for field in ("name", "key", "kind", "resource", "parameterkey", "parametername")
    for quote in ('"', '\\"')
)
_FLAG = re.compile(rb"[\s\"'\[(,=]--?(?:[a-z0-9][a-z0-9_-]*)?\Z|login\s+\S+\s+\Z")
_QUOTES = b'"\\'
_DASH = ord("-")

_HARMLESS = tuple(name.encode() for name in HARMLESS)
_JOINERS = b'_-. "\\'
_AT_SIGNS = 64


def suspicious(value: bytes) -> bool:
    """Whether JSON text may hold a secret; never false where ``Redactor`` would find one by name or shape.

    Two exceptions: the pair of an AWS key id and its secret in running text, because key ids are in every record, and
    base64 that says neither password, secret, token nor private key.
    """
    if len(value) <= CHUNK:
        return _suspicious(value)
    return any(_suspicious(value[start : start + CHUNK + OVERLAP]) for start in range(0, len(value), CHUNK))


def _suspicious(value: bytes) -> bool:
    for find in _SHAPES.finds:
        if find(value):
            return True
    for find in _SHORTS.finds:
        for _, start, _ in find(value):
            if _SHORT_SHAPES.match(value, start):
                return True
    lower = value.lower()
    size = len(lower)
    for find in _WORDS.finds:
        for _, start, end in find(lower):
            if lower[end - 1] not in _LETTERS:
                if lower[start] != _K:
                    return True
                end -= 1  # one of many keys: which?
                if not lower[max(0, start - 24) : end].translate(None, _JOINERS).endswith(_KEYS):
                    continue
            elif end == size:
                return True
            follows = lower[end]
            if follows not in _FOLLOW or (follows == _COLON and lower[start - 1] in b":/"):
                continue  # secretsmanager, arn:aws:secretsmanager:…:secret:name
            if _names_secret(lower, start, end):
                return True
    return b"@" in value and _userinfo(value)


def _names_secret(lower: bytes, start: int, end: int) -> bool:
    if _ENDS.match(lower, end):
        return not lower[max(0, start - 32) : end].translate(None, _JOINERS).endswith(_HARMLESS)
    if lower[end] in _QUOTES:
        # A name that is itself a value: {"name": "DB_PASSWORD", "value": …}, {"kind": "Secret"}, ["--password", …].
        quote = lower.rfind(b'"', max(0, start - 64), start)
        if quote < 0:
            return True
        return lower[quote + 1] == _DASH or lower[max(0, quote - 24) : quote].rstrip(b" \t\r\n:\\").endswith(_FIELDS)
    return _FLAG.search(lower[max(0, start - 64) : start]) is not None


def _userinfo(value: bytes) -> bool:
    """Whether some ``@`` ends the userinfo of a URL: ``//`` before it, no space, quote or slash between."""
    at = value.find(b"@")
    for _ in range(_AT_SIGNS):
        if at < 0:
            return False
        before = value[max(0, at - 256) : at]
        slash = before.rfind(b"/")
        if slash > 0 and before[slash - 1] in b"/\\":
            userinfo = before[slash + 1 :]
            if (b":" in userinfo or len(userinfo) >= 20) and not any(sign in userinfo for sign in (b'"', b" ", b"<")):
                return True
        elif slash < 0 and len(before) == 256 and b'"' not in before and b" " not in before:
            return True
        at = value.find(b"@", at + 1)
    return True
