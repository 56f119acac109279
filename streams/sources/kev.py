"""CISA's catalogue of known exploited vulnerabilities, as its JSON feed gives it, as context records of kind "kev".

Read from the feed's JSON schema (``cisagov/kev-data``, known_exploited_vulnerabilities_schema.json). One record a CVE,
with what decides and no more, since every partition holds it:

    CVE-2026-1 -> {added: "2026-03-02", due: "2026-03-23" | None, ransomware: True | None}
    feed       -> {version, released, count}

The record of a CVE does not name the catalogue's version, so that a new catalogue is new records only for what is new
in it. ``ransomware`` is None for the feed's "Unknown", which means no confirmation. A CVE that is taken out of the
catalogue is not withdrawn by reading the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from streams.sources.base import ContextDraft, Malformed, Reading
from streams.sources.document import number
from streams.sources.fields import instant, text

FEED = "feed"
"""Key of the record about the catalogue itself."""

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")


class Kev:
    """The KEV catalogue; its items are the vulnerabilities in their order, then the catalogue."""

    name = "cisa.kev"
    lateness = timedelta(seconds=1)
    """Nominal: what a record is about has a date of its own."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``catalogVersion`` beside ``vulnerabilities``."""
        return isinstance(document, dict) and "catalogVersion" in document and "vulnerabilities" in document

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every vulnerability, and what the catalogue says of itself."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        given = document.get("vulnerabilities")
        if not isinstance(given, list):
            yield 0, Malformed("vulnerabilities", "not an array")
            return
        for item, entry in enumerate(given):
            yield item, _entry(f"vulnerabilities[{item}]", entry)
        count = number(document.get("count"))
        yield (
            len(given),
            {
                "type": "context",
                "kind": "kev",
                "key": FEED,
                "record": {
                    "version": text(document.get("catalogVersion"), 64),
                    "released": instant(document.get("dateReleased")),
                    "count": len(given) if count is None else int(count),
                },
            },
        )


def day(value: object) -> str | None:
    """A calendar day ``YYYY-MM-DD`` as given; None for anything else."""
    given = text(value, 10)
    try:
        return given if given is not None and date.fromisoformat(given).isoformat() == given else None
    except ValueError:
        return None


def cve(value: object) -> str | None:
    """A CVE id in upper case; None for anything else."""
    given = (text(value, 28) or "").upper()
    return given if _CVE.fullmatch(given) else None


def _entry(place: str, entry: object) -> ContextDraft | Malformed:
    if not isinstance(entry, dict):
        return Malformed(place, "not an object")
    name = cve(entry.get("cveID"))
    if name is None:
        return Malformed(f"{place}.cveID", "not a CVE id")
    added = day(entry.get("dateAdded"))
    if added is None:
        return Malformed(f"{place}.dateAdded", "not a day YYYY-MM-DD")
    known = entry.get("knownRansomwareCampaignUse")
    return {
        "type": "context",
        "kind": "kev",
        "key": name,
        "record": {"added": added, "due": day(entry.get("dueDate")), "ransomware": known == "Known" or None},
    }
