"""``weir units``: what the units topic says."""

from __future__ import annotations

import fnmatch
import json
import signal
import sys
import threading
from collections import OrderedDict
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console

from schemas.unit import Unit
from streams.cli import suppressed, table, unit_compare, unit_page
from streams.cli.common import connected, fail

REMEMBERED = 10_000
"""Units of which ``tail`` remembers the last revision, to say what is new in the next."""

group = typer.Typer(help="Read the investigation units.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One unit a line, as it was written.")]


class Shown(StrEnum):
    """Which units ``ls`` lists."""

    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"
    ALL = "all"


@group.command("ls")
def ls(
    domain: Annotated[str | None, typer.Option(help="Only these domains; * stands for anything.")] = None,
    severity: Annotated[str | None, typer.Option(help="At least this severity: its name, or its OCSF number.")] = None,
    status: Annotated[Shown | None, typer.Option(help="Default: open and closed, without merged.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many, the riskiest first; 0: all.")] = 50,
    as_json: Json = False,
) -> None:
    """List the latest revision of each unit of the primary queue, the riskiest first."""
    from streams.edge.outcome import ranked
    from streams.edge.units import NoUnits, latest

    least = 0 if severity is None else _severity(severity)
    loaded = connected()
    try:
        found = latest(loaded)
    except NoUnits as error:
        raise fail(str(error), 1) from None
    wanted = [
        revision.unit
        for revision in found.revisions.values()
        if not revision.unit.hidden  # its last revision here says that it left
        and revision.unit.severity >= least
        and (domain is None or fnmatch.fnmatch(revision.unit.domain.lower(), domain.lower()))
        and _is(revision.unit, status)
    ]
    units = ranked(wanted)
    shown = units[:limit] if limit else units
    if as_json:
        for unit in shown:
            _write(found.revisions[unit.unit_id].value)
        return
    console = _console()
    if shown:
        console.print(table.head())
    for unit in shown:
        for line in table.opened(unit, console.width):
            console.print(line, no_wrap=True, overflow="ellipsis")
    left = len(units) - len(shown)
    typer.echo(f"{len(shown)} of {len(units)} units" + (f"; {left} more with --limit 0" if left else ""), err=True)


@group.command("show")
def show(
    unit_id: Annotated[str, typer.Argument(help="Id of a unit, of one that was merged away, or the beginning of one.")],
    as_json: Json = False,
) -> None:
    """Show one unit, suppressed or not: its signals and why, suspect changes, and where was looked."""
    from streams.edge.units import NoUnits, latest

    loaded = connected()
    try:
        units = latest(loaded, ("units", "suppressed"))
    except NoUnits as error:
        raise fail(str(error), 1) from None
    found = units.find(unit_id)
    if not found:
        raise fail(f"there is no unit {table.plain(unit_id)} in {loaded.topic('units')}", 1)
    if len(found) > 1:
        some = ", ".join(table.plain(revision.unit.unit_id) for revision in found[:5])
        raise fail(f"{len(found)} units begin with {table.plain(unit_id)}: {some}")
    revision = found[0]
    if not revision.unit.unit_id.startswith(unit_id):
        typer.echo(f"{table.plain(unit_id)} was merged into {table.plain(revision.unit.unit_id)}", err=True)
    if as_json:
        _write(revision.value)
        return
    console = _console()
    for line in unit_page.page(revision.unit):
        console.print(line, soft_wrap=True)  # ids stay whole, to be copied


@group.command("tail")
def tail(as_json: Json = False) -> None:
    """Follow: every revision that is committed from now on, until Ctrl-C."""
    from streams.edge.units import NoUnits, UnitReader

    loaded = connected()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    console = _console()
    before: OrderedDict[str, Unit] = OrderedDict()
    try:
        reader = UnitReader(loaded, beginning=False)
        typer.echo(f"following {reader.topic} at {loaded.bootstrap}", err=True)
        while not stop.is_set():
            for unit, value in reader.read(0.5):
                if as_json:
                    _write(value)
                else:
                    _follow(console, unit, before.get(unit.unit_id))
                before[unit.unit_id] = unit
                before.move_to_end(unit.unit_id)
                if len(before) > REMEMBERED:
                    before.popitem(last=False)
            sys.stdout.flush()
        reader.close()
    except NoUnits as error:
        raise fail(str(error), 1) from None


@group.command("suppressed")
def suppressed_(
    by: Annotated[str | None, typer.Option(metavar="PATTERN", help="The units that this pattern hid.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One pattern a line; with --by, one unit.")] = False,
) -> None:
    """What is out of the primary queue: by pattern with its owner, reason and end, or every unit of one pattern."""
    from streams.edge.units import NoUnits, every

    loaded = connected()
    revisions = (revision.unit for role in ("suppressed", "units") for revision in every(loaded, role))
    try:
        found = suppressed.by_pattern(revisions) if by is None else []
        units = [] if by is None else suppressed.hidden_by(by, revisions)
    except NoUnits as error:
        raise fail(str(error), 1) from None
    console = _console()
    if by is None:
        if as_json:
            for hidden in found:
                typer.echo(json.dumps(hidden.row()))
            return
        for line in suppressed.rows(found, console.width):
            console.print(line, no_wrap=True, overflow="ellipsis")
        typer.echo(f"{len(found)} patterns; `weir units suppressed --by PATTERN` lists units", err=True)
        return
    if not units:
        raise fail(f"no pattern {table.plain(by)} ever hid a unit", 1)
    for unit, where in units if as_json else ():
        _write(json.dumps({"where": where, **unit.model_dump(mode="json", by_alias=True)}).encode())
    for line in () if as_json else suppressed.unit_rows(units, console.width):
        console.print(line, no_wrap=True, overflow="ellipsis")


group.command("compare")(unit_compare.compare)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="units")


def _follow(console: Console, unit: Unit, before: Unit | None) -> None:
    if before is None:
        for line in table.opened(unit, console.width):
            console.print(line, no_wrap=True, overflow="ellipsis")
    elif (news := table.updated(unit, before, console.width)) is not None:
        console.print(news, no_wrap=True, overflow="ellipsis")


def _is(unit: Unit, status: Shown | None) -> bool:
    if status is None:
        return unit.status != "merged"
    return status is Shown.ALL or unit.status == status.value


def _severity(text: str) -> int:
    for number, (name, _) in table.SEVERITY.items():
        if text.lower() in (name, str(number)):
            return number
    names = ", ".join(name for name, _ in table.SEVERITY.values())
    raise fail(f"--severity {text!r}: one of {names}, or 0 to 6")


def _console() -> Console:
    """Colours where stdout is a terminal and NO_COLOR is not set; else plain lines of a readable width."""
    return Console(width=None if sys.stdout.isatty() else 140, highlight=False, soft_wrap=False)


def _write(value: bytes) -> None:
    """One line on stdout; on a terminal in ASCII, since JSON leaves some control characters as they are."""
    if sys.stdout.isatty():
        sys.stdout.write(json.dumps(json.loads(value)) + "\n")
    else:
        sys.stdout.buffer.write(value.replace(b"\n", b" ") + b"\n")
