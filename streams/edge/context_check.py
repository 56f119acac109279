"""Whether a context record has the form that those who read it count on. Pure.

Ingest and the fold refuse, one by one, what they cannot use; who writes to the context topic by hand or from a feed of
records should hear of it before it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from streams.correlation import context_forms, resolving
from streams.correlation.context import instant
from streams.sources.kev import FEED, cve, day

_ENTITY = re.compile(r"[a-z]{1,63}:[^:/\s]{1,63}/[^:/\s]{1,63}")
_BLOCK = re.compile(r"CVE-[0-9]{4}-[0-9]{1,16}xxx")
_LISTS = ("depends_on", "dependency_of", "provides", "tags", "controls")


def unfit(kind: str, key: str, record: Mapping[str, Any] | None) -> str | None:
    """What is wrong with a record, in words; None if nothing is, and for what is withdrawn.

    >>> unfit("kev", "CVE-2026-1000", {"added": "yesterday"})
    'added: not a day YYYY-MM-DD'
    """
    if record is None:
        return None
    check = _CHECKS.get(kind)
    return context_forms.unfit(kind, record) if check is None else check(key, record)


def _catalog(key: str, record: Mapping[str, Any]) -> str | None:
    if not _ENTITY.fullmatch(key):
        return "the key is not kind:namespace/name in lower case"
    for field in ("system", "owner"):
        if not isinstance(record.get(field), str | None):
            return f"{field}: not text"
    for field in _LISTS:
        if not _texts(record.get(field, [])):
            return f"{field}: not an array of text"
    links = record.get("links") or {}
    if not isinstance(links, dict) or not all(map(_texts, links.values())):
        return "links: not an object of arrays of text"
    tier = record.get("criticality")
    return None if tier is None or tier in (1, 2, 3, 4) else "criticality: not 1 to 4"


def _kev(key: str, record: Mapping[str, Any]) -> str | None:
    if key == FEED:
        return None if instant(record.get("released")) is not None else "released: not an RFC 3339 time"
    if cve(key) != key:
        return "the key is not a CVE id"
    if day(record.get("added")) is None:
        return "added: not a day YYYY-MM-DD"
    return None if record.get("due") is None or day(record["due"]) else "due: not a day YYYY-MM-DD"


def _epss(key: str, record: Mapping[str, Any]) -> str | None:
    if _BLOCK.fullmatch(key):
        if not isinstance(record.get("scores"), str):
            return "scores: not text"
        return None if instant(record.get("date")) is not None else "date: not an RFC 3339 time"
    if cve(key) != key:
        return "the key is not a CVE id"
    score = record.get("epss")
    fits = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    return None if fits else "epss: not a probability"


def _exception(_key: str, record: Mapping[str, Any]) -> str | None:
    for field in ("control", "component"):
        if not isinstance(record.get(field), str) or not record[field]:
            return f"{field}: not text"
    for field in ("created_at", "valid_from", "valid_to"):
        if record.get(field) is not None and instant(record[field]) is None:
            return f"{field}: not an RFC 3339 time"
    return None


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


_CHECKS: dict[str, Callable[[str, Mapping[str, Any]], str | None]] = {
    "catalog": _catalog,
    "alias": resolving.unfit,
    "kev": _kev,
    "epss": _epss,
    "policy_exception": _exception,
}
