"""``weir units compare``: why one unit is riskier than another, factor by factor."""

from __future__ import annotations

import json
import sys
from typing import Annotated, NamedTuple

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.unit import Unit
from streams.cli.common import connected, fail
from streams.cli.table import plain

REST = "other"
"""What a unit's factors do not add up to; units of this engine have none."""


class Difference(NamedTuple):
    """One factor in both units, in points; 0 and no words where a unit does not have it."""

    name: str
    first: float
    second: float
    first_text: str
    second_text: str

    @property
    def by(self) -> float:
        """How much the first has more."""
        return round(self.first - self.second, 2)


def differences(first: Unit, second: Unit) -> list[Difference]:
    """Every factor of either, the largest difference first; the differences add up to that of the scores."""
    parts = []
    for unit in (first, second):
        factors = {factor.name: (factor.value, factor.text) for factor in unit.risk.factors}
        rest = round(unit.risk.score - sum(value for value, _ in factors.values()), 2)
        if rest:
            factors[REST] = rest, "what the factors do not add up to"
        parts.append(factors)
    one, two = parts
    none = (0.0, "")
    found = []
    for name in one | two:
        (value, text), (other, words) = one.get(name, none), two.get(name, none)
        found.append(Difference(name, value, other, text, words))
    return sorted(found, key=lambda each: (-abs(each.by), each.name))


def compare(
    first: Annotated[
        str, typer.Argument(metavar="A", help="Id of a unit, of one that was merged away, or its beginning.")
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")] = False,
) -> None:
    """Compare the risk of two units factor by factor, the largest difference first."""
    from streams.edge.units import Latest, NoUnits, latest

    def one(known: Latest, name: str) -> Unit:
        found = known.find(name)
        if not found:
            raise fail(f"there is no unit {plain(name)} in {loaded.topic('units')}", 1)
        if len(found) > 1:
            some = ", ".join(plain(revision.unit.unit_id) for revision in found[:5])
            raise fail(f"{len(found)} units begin with {plain(name)}: {some}")
        unit = found[0].unit
        if not unit.unit_id.startswith(name):
            typer.echo(f"{plain(name)} was merged into {plain(unit.unit_id)}", err=True)
        return unit

    loaded = connected()
    try:
        units = latest(loaded)
    except NoUnits as error:
        raise fail(str(error), 1) from None
    a, b = one(units, first), one(units, second)
    if a.unit_id == b.unit_id:
        raise fail(f"{plain(first)} and {plain(second)} are the same unit, {plain(a.unit_id)}")
    if as_json:
        sys.stdout.write(as_line(a, b) + "\n")
        return
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(as_table(a, b))


def as_line(first: Unit, second: Unit) -> str:
    """The comparison as one line of ASCII JSON."""
    return json.dumps(
        {
            "a": {"unit_id": first.unit_id, "revision": first.revision, "score": first.risk.score},
            "b": {"unit_id": second.unit_id, "revision": second.revision, "score": second.risk.score},
            "difference": round(first.risk.score - second.risk.score, 2),
            "factors": [
                {
                    "name": each.name,
                    "a": each.first,
                    "b": each.second,
                    "difference": each.by,
                    "text_a": each.first_text,
                    "text_b": each.second_text,
                }
                for each in differences(first, second)
            ],
        }
    )


def as_table(first: Unit, second: Unit) -> Table:
    """The comparison for a terminal, with the scores as its last line."""
    out = Table(box=None, pad_edge=False, show_footer=True)
    by = round(first.risk.score - second.risk.score, 2)
    out.add_column("FACTOR", footer="score", no_wrap=True)
    out.add_column("A", footer=f"{first.risk.score:g}", justify="right", no_wrap=True)
    out.add_column("B", footer=f"{second.risk.score:g}", justify="right", no_wrap=True)
    out.add_column("A - B", footer=f"{by:+g}", justify="right", no_wrap=True)
    out.add_column("WHY", footer=Text(f"A: {plain(first.unit_id)}\nB: {plain(second.unit_id)}"), overflow="fold")
    for each in differences(first, second):
        words = [f"{side}: {plain(text)}" for side, text in (("A", each.first_text), ("B", each.second_text)) if text]
        if each.first_text == each.second_text:
            words = [plain(each.first_text)]
        values = [f"{value:g}" if value else "" for value in (each.first, each.second)]
        out.add_row(Text(plain(each.name)), *values, f"{each.by:+g}" if each.by else "0", Text("\n".join(words)))
    return out
