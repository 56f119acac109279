"""A format that a mapping file describes: read without code, by paths into its JSON (``mapping_model``).

- Recognised by the file's ``recognise``, by topic, or by name. A JSON array is its elements, one document each.
- Every item is told: an event; ignored, with the reason of the table that says so; or malformed, with every required
  field that is missing or unfit. An optional field that is unfit is left out, and that is told beside the event as an
  ignored part, with a reason that never holds a value.
- What follows without being written: ``actor`` is a principal among the entities, ``component`` a component, and
  ``rule`` of a finding of kind vulnerability a vulnerability. ``domain`` and ``reporter`` are else the mapping's name.

Wrong for complete scans (what a later report no longer has stays open), for who stands for whom, and for formats that
are no JSON: these need a source of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from streams.sources.base import Ignored, Malformed, Reading
from streams.sources.mapping_event import EventReader, Told
from streams.sources.mapping_model import MappingFile
from streams.sources.mapping_path import Scope
from streams.sources.mapping_when import lack, tests_of

_NO_HEADERS: Mapping[str, str] = {}


class BadFields(ValueError):
    """Fixed values, or values of maps, that their fields do not allow: number of the event table, key in it, reason."""

    def __init__(self, faults: list[tuple[int, str, str]]) -> None:
        super().__init__("; ".join(f"event[{number}].{place}: {reason}" for number, place, reason in faults))
        self.faults = faults


class MappedSource:
    """The source that a mapping file describes.

    Raises:
        BadFields: fixed values that their fields do not allow.
    """

    def __init__(self, mapping: MappingFile) -> None:
        self.mapping = mapping
        self.name = mapping.name
        self.lateness = mapping.lateness
        self._recognise = tests_of(mapping.recognise)
        self._readers = [EventReader(table, mapping.name) for table in mapping.event]
        if faults := [(number, *bad) for number, reader in enumerate(self._readers) for bad in reader.faults]:
            raise BadFields(faults)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the conditions of ``recognise``, of an array's first element; never without conditions."""
        first = document[0] if isinstance(document, list) and document else document
        if not self._recognise or not isinstance(first, dict):
            return False
        return lack(self._recognise, Scope(first, first, headers)) is None

    def lacks(self, document: object, headers: Mapping[str, str] = _NO_HEADERS) -> tuple[int, list[str]]:
        """How many conditions of ``recognise`` hold, and in words those that do not."""
        first = document[0] if isinstance(document, list) and document else document
        if not self._recognise:
            return 0, ["the mapping has no recognise: only its topic or --source tell"]
        if not isinstance(first, dict):
            return 0, ["not an object"]
        scope = Scope(first, first, headers)
        lacking = [test.lack for test in self._recognise if not test.holds(scope)]
        return len(self._recognise) - len(lacking), lacking

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every item of the document."""
        item = 0
        parts = (
            [(f"[{n}]", each) for n, each in enumerate(document)] if isinstance(document, list) else [("", document)]
        )
        for place, part in parts:
            for found in self._items(place, part, headers):
                if isinstance(found, Scope):
                    for told in self._told(found):
                        yield item, told
                else:
                    yield item, found
                item += 1

    def _items(self, place: str, document: object, headers: Mapping[str, str]) -> Iterator[Scope | Malformed | Ignored]:
        if not isinstance(document, dict):
            yield Malformed(place, "not an object")
            return
        whole = Scope(document, document, headers, place)
        items = self.mapping.items
        if items is None:
            yield whole
            return
        lists = items.all(whole)
        if not lists:
            yield Malformed(items.place(whole), "missing, and the items are expected there")
        for found in lists:
            if not isinstance(found.value, list):
                yield Malformed(found.place, "not a list, and the items are expected there")
                continue
            for number, element in enumerate(found.value):
                at = f"{found.place}[{number}]"
                known = isinstance(element, dict)
                yield Scope(element, document, headers, at) if known else Malformed(at, "not an object")
        if lists and all(found.value == [] for found in lists):
            yield Ignored("no items")

    def _told(self, scope: Scope) -> Iterator[Told]:
        lacks: list[str] = []
        for reader in self._readers:
            lacking = lack(reader.tests, scope)
            if lacking is None:
                yield from reader.read(scope)
                return
            lacks.append(lacking)
        yield Malformed(scope.place, f"no event table is for it: {'; '.join(dict.fromkeys(lacks))}")
