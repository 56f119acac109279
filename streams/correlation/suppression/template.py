"""Titles without what differs from one occurrence to the next: numbers, ids and addresses. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

LONGEST: Final = 200

_KEPT: Final = (
    r"(?P<kept>\b(?:CVE-\d{4}-\d+|GHSA(?:-[0-9a-z]{4}){3}|CWE-\d+|T\d{4}(?:\.\d{3})?)\b|<(?:n|id|ip|mail|url)>)"
)
"""Ids that say what it is, not which one: two weaknesses are two patterns. And what a template put there already."""

_VARIES: Final = (
    ("url", r"\bhttps?://[^\s\"'<>]+"),
    ("mail", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("id", r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),  # UUID
    ("ip", r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?(?![\w.]*\w)"),
    ("ip", r"(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:/\d+)?(?![\w:])"),
    ("id", r"(?<=-)[0-9a-f]{7,10}-[0-9a-z]{5}\b"),  # the end of a pod's name
    ("id", r"\b(?=[a-f]*\d)[0-9a-f]{8,}\b"),  # digests, commits, resource ids
    ("n", r"(?<![\w<])[+-]?\d+(?:[.,:]\d+)*(?![\w>])"),
)
_PATTERN: Final = re.compile(
    "|".join((_KEPT, *(f"(?P<{name}{at}>{text})" for at, (name, text) in enumerate(_VARIES)))), re.IGNORECASE
)


@lru_cache(maxsize=16_384)
def template(title: str) -> str:
    """The title with what varies replaced by what it is; at most ``LONGEST`` characters, spaces made uniform.

    Names of weaknesses and techniques stay. A template of a template is itself.

    >>> template("Login failed 17 times for jo@acme.example from 198.51.100.7:22")
    'Login failed <n> times for <mail> from <ip>'
    >>> template("CVE-2021-44228 in pod pay-7f9c6b5d4f-x2x9z")
    'CVE-2021-44228 in pod pay-<id>'
    """
    return " ".join(_PATTERN.sub(_name, title).split())[:LONGEST]


def _name(match: re.Match[str]) -> str:
    group = match.lastgroup or "kept"
    return match[0] if group == "kept" else f"<{group.rstrip('0123456789')}>"
