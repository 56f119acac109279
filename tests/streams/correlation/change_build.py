"""Changes, signals and subjects for the tests of change suspects. Times are event ms."""

from __future__ import annotations

from typing import Any

from streams.correlation.change_content import Mark, Subject
from streams.correlation.change_history import History
from streams.correlation.changes import Changes
from streams.correlation.rows import ChangeRow, SignalRow
from streams.correlation.table import Table
from tests.streams.correlation.build import T0

HOST: Mark = ("host", "i-1")
WORKLOAD: Mark = ("workload", "shop/pay")
DIGESTS = tuple(f"sha256:{n:064x}" for n in range(1, 6))
IMAGES: tuple[Mark, ...] = tuple(("image", f"registry.example/pay@{digest}") for digest in DIGESTS)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def row(name: str, time: int = T0, *entities: Mark, **more: Any) -> ChangeRow:
    """A deploy that succeeded."""
    fixed: dict[str, Any] = {"source": "cdevents", "source_id": name, "time": time, "kind": "deploy", "actor": None}
    fixed |= {"title": f"change {name}", "status": "succeeded", "revision": None, "component": None, "home": True}
    return ChangeRow(**(fixed | {"entities": entities} | more))


def signal(name: str, time: int = T0, *entities: Mark, **more: Any) -> SignalRow:
    """A high detection."""
    fixed: dict[str, Any] = {"source": "ocsf", "source_id": name, "kind": "detection", "first": time, "last": time}
    fixed |= {"times": 1, "title": f"signal {name}", "severity": 4, "score": 0.8, "why": (), "members": ""}
    return SignalRow(**(fixed | {"entities": entities, "component": None} | more))


def subject(*entities: Mark, first: int = T0, last: int | None = None, **more: Any) -> Subject:
    """A unit of detections."""
    fixed: dict[str, Any] = {"components": frozenset(), "kinds": frozenset({"detection"})}
    return Subject(first, first if last is None else last, frozenset(entities), **(fixed | more))


def table(name: str) -> Table:
    return Table(name, [])


def changes(*rows: ChangeRow, cap: int = 1_000) -> Changes:
    verdicts = History(table("change_history"), table("change_verdicts"), table("gone"))
    kept = Changes(table("changes"), table("heard"), table("forgotten"), verdicts)
    for each in rows:
        kept.add(each, cap)
    return kept
