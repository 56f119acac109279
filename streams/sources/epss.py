"""FIRST's EPSS scores, how probable it is that a CVE is exploited within 30 days, as context records of kind "epss".

Three forms:

- The daily file of all CVEs (CSV), handed over as one table, ``{"comment", "columns", "rows"}``. Its first line is a
  comment with model and date, ``#model_version:v2025.03.14,score_date:2026-03-02T12:00:00Z`` (also with ``+0000``).
  A quarter of a million scores are too many for a record each in every partition, so a record holds the scores of up
  to a thousand CVEs that are alike but for the last three digits:
  ``CVE-2026-12xxx -> {date, model, scores: ";12001=0.00043;12003=0.2"}``, as text, since it is searched and not read.
- The answer of the API (``https://api.first.org/epss``): ``{"data": [{"cve", "epss", "percentile", "date"}]}``.
- A row ``{"cve", "epss", "percentile"}`` of a CSV file without the comment.

The latter two name CVEs as they come, so a record each: ``CVE-2026-12003 -> {epss, date}``. Which one counts, the
newer, is for whoever looks it up (``streams.correlation.context.Context.epss``). Percentiles say nothing that the score
does not, and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from streams.sources.base import ContextDraft, Ignored, Malformed, Reading
from streams.sources.document import number, sequence, texts
from streams.sources.fields import instant, text
from streams.sources.kev import cve, day

_COMMENT = re.compile(r"#\s*model_version:(?P<model>[^,]{1,64}),\s*score_date:(?P<date>\S{10,40})")
_ROW = frozenset(("cve", "epss", "percentile"))


class Epss:
    """EPSS scores; an item of the daily file is a record, then each row that is none; else an item is a row."""

    name = "first.epss"
    lateness = timedelta(seconds=1)
    """Nominal: scores have a date of their own."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the columns; of the API's answer by its first element."""
        if not isinstance(document, dict):
            return False
        if "rows" in document:
            return text(document.get("comment"), 512) is not None and set(texts(document.get("columns"))) >= _ROW
        rows = document.get("data")
        row = rows[0] if isinstance(rows, list) and rows else document
        return isinstance(row, dict) and row.keys() >= _ROW

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every score; an answer without any is one ignored item."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
        elif "rows" in document:
            yield from _table(document.get("comment"), texts(document.get("columns")), document.get("rows"))
        elif "data" in document:
            rows = document["data"]
            if not isinstance(rows, list):
                yield 0, Malformed("data", "not an array")
                return
            for item, row in enumerate(rows):
                yield item, _row(f"data[{item}].", row)
            if not rows:
                yield 0, Ignored("no scores")
        else:
            yield 0, _row("", document)


def _table(comment: object, columns: list[str], rows: object) -> Iterator[Reading]:
    stated = _COMMENT.match(comment) if isinstance(comment, str) else None
    date = _date(stated["date"]) if stated else None
    if stated is None or date is None:
        yield 0, Malformed("comment", "no model_version and score_date")
        return
    if not isinstance(rows, list):
        yield 0, Malformed("rows", "not an array")
        return
    if not {"cve", "epss"} <= set(columns):
        yield 0, Malformed("columns", "no cve and epss")
        return
    name_at, score_at = columns.index("cve"), columns.index("epss")
    blocks: dict[str, dict[str, str]] = {}
    wrong: list[Malformed] = []
    for at, row in enumerate(rows):
        cells = sequence(row)
        if len(cells) <= max(name_at, score_at):
            wrong.append(Malformed(f"rows[{at}]", "not an array of all columns"))
            continue
        name, score = cve(cells[name_at]), _score(cells[score_at])
        if name is None or score is None:
            wrong.append(Malformed(f"rows[{at}]", "not a CVE id and a probability"))
            continue
        blocks.setdefault(name[:-3] + "xxx", {})[name.rpartition("-")[2]] = f"{score:.9g}"
    item = -1
    for item, key in enumerate(sorted(blocks)):
        scores = "".join(f";{digits}={blocks[key][digits]}" for digits in sorted(blocks[key]))
        record = {"date": date, "model": stated["model"], "scores": scores}
        yield item, {"type": "context", "kind": "epss", "key": key, "record": record}
    for problem in wrong:
        item += 1
        yield item, problem
    if item < 0:
        yield 0, Ignored("no scores")


def _row(place: str, row: object) -> ContextDraft | Malformed:
    if not isinstance(row, dict):
        return Malformed(place.rstrip("."), "not an object")
    name = cve(row.get("cve"))
    if name is None:
        return Malformed(f"{place}cve", "not a CVE id")
    score = _score(row.get("epss"))
    if score is None:
        return Malformed(f"{place}epss", "not a probability")
    return {
        "type": "context",
        "kind": "epss",
        "key": name,
        "record": {"epss": score, "date": day(row.get("date"))},
    }


def _score(value: object) -> float | None:
    found = number(value)
    return found if found is not None and 0 <= found <= 1 else None


def _date(value: str) -> str | None:
    """The date of the comment as RFC 3339, which ``+0000`` is not."""
    try:
        return instant(datetime.fromisoformat(value).isoformat())
    except ValueError:
        return None
