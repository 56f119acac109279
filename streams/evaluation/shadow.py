"""Two model sets on the same recorded files: which signals and units each of them makes, and at what cost.

Each set acts once, with the other in its shadow. What a set says must not depend on which it is: that is what makes a
shadow worth looking at before it is switched to, and the promise that is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.table import Table

from schemas.model_set import ModelSet
from schemas.parameters import Parameters
from schemas.unit import Unit
from streams.records import Output
from streams.redaction import Redactor
from streams.replay import files
from streams.replay.run import Replay, Told
from streams.replay.run import run as replayed
from streams.shadow import TABLE, Counts, Difference, read

SHOWN = 20
"""Differences in the result, the least probable first."""

_KEY = b"the same pseudonyms in every run"


class _Last(Told):
    """The last revision of each unit, and where it is."""

    def __init__(self) -> None:
        self.units: dict[str, Unit] = {}

    def output(self, output: Output) -> None:
        """Keeps a revision."""
        if output.role in ("units", "suppressed"):
            unit = Unit.model_validate_json(output.value)
            self.units[unit.unit_id] = unit


def run(
    paths: Sequence[str],
    acting: ModelSet,
    second: ModelSet,
    parameters: Parameters,
    told: Callable[[str], None],
) -> dict[str, Any]:
    """Replay the files with ``acting`` and ``second`` beside it, then the other way round.

    Raises ``files.Unreadable``.
    """
    inputs, _ = files.find(list(paths), None)
    if not inputs:
        raise files.Unreadable("no file that any source reads")
    runs: list[tuple[Replay, _Last]] = []
    for models, shadow in ((acting, second), (second, acting)):
        last = _Last()
        both = Parameters.model_validate(parameters.model_dump() | {"models": models, "shadow": shadow})
        replay = Replay(Redactor(_KEY), both, last, members=True)
        documents, _ = replayed(replay, inputs)
        runs.append((replay, last))
        told(f"{models.name}: {documents:,} documents, {len(last.units):,} units")
    (counts, differences), (mirrored, _) = (_noted(replay) for replay, _ in runs)
    members = [_members(replay) for replay, _ in runs]
    same = counts == mirrored._replace(active=mirrored.shadow, shadow=mirrored.active)
    return {
        "acting": acting.model_dump(mode="json"),
        "shadow": second.model_dump(mode="json"),
        "files": [str(entry.path) for entry in inputs],
        "events": counts.events,
        "signals": {"both": counts.both, "acting alone": counts.active, "shadow alone": counts.shadow},
        "units": {
            "acting": _counted(runs[0][1]),
            "shadow": _counted(runs[1][1]),
            "of both": len(_shared(members[0], members[1])),
        },
        "differences": [each._asdict() for each in differences],
        "promises": {"a set says the same in the shadow and acting": same},
        "passed": same,
    }


def _noted(replay: Replay) -> tuple[Counts, list[Difference]]:
    total = Counts()
    found: list[Difference] = []
    for _, domain in sorted(replay.pipeline.state.domains.items()):
        counts, noted = read(domain.tables.get(TABLE, {}))
        total = Counts(*map(sum, zip(total, counts, strict=True)))
        found += noted
    found.sort(key=lambda each: (min(each.active_p, each.shadow_p), each.source, each.source_id))
    return total, found[:SHOWN]


def _members(replay: Replay) -> dict[str, set[str]]:
    of: dict[str, set[str]] = {}
    for unit, member in replay.pipeline.members_by_unit():
        of.setdefault(unit, set()).add(member)
    return of


def _shared(one: dict[str, set[str]], other: dict[str, set[str]]) -> set[str]:
    """The units of ``one`` of which a member is in a unit of ``other``."""
    known = set().union(*other.values()) if other else set()
    return {unit for unit, members in one.items() if not members.isdisjoint(known)}


def _counted(last: _Last) -> dict[str, int]:
    alive = [unit for unit in last.units.values() if unit.status != "merged"]
    return {"shown": sum(not unit.hidden for unit in alive), "held back": sum(unit.hidden for unit in alive)}


def tables(result: dict[str, Any]) -> list[Table]:
    """The result for a reader."""
    counts = Table("", "acting", "shadow", "both", title=f"{result['events']:,} events scored by both sets")
    signals, units = result["signals"], result["units"]
    counts.add_row("signals of one set alone", str(signals["acting alone"]), str(signals["shadow alone"]), "")
    counts.add_row("signals of both", "", "", str(signals["both"]))
    for kind in ("shown", "held back"):
        counts.add_row(f"units {kind}", str(units["acting"][kind]), str(units["shadow"][kind]), "")
    counts.add_row("units that share a member", "", "", str(units["of both"]))
    listed = Table("acting p", "shadow p", "event", "what the one that spoke says", title="Where they differ most")
    for each in result["differences"]:
        listed.add_row(f"{each['active_p']:.1e}", f"{each['shadow_p']:.1e}", each["title"], each["why"])
    return [counts, listed]
