"""``weir doctor``: is it well, and if not, what to do."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.cli.common import connected, fail
from streams.cli.table import plain

_MARKS = {"good": ("ok", "green"), "note": ("note", "yellow"), "failed": ("FAILED", "bold red")}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False) -> None:
    """Check settings, broker, topics, groups, and whether correlate could start. Exit code 1 if a check fails."""
    from streams.edge.doctor import examine
    from streams.edge.reach import BrokerFailed, reaching

    loaded = connected()
    try:
        with reaching(loaded):
            report = examine(loaded, os.environ)
    except BrokerFailed as error:
        raise fail(str(error), 1) from None
    if as_json:
        value = {
            "good": report.good,
            "checks": [check._asdict() for check in report.checks],
            "partitions": [fold._asdict() for fold in report.folds],
            "model_health": {
                models: {
                    name: [each._asdict() | {"text": each.text} for each in found] for name, found in domains.items()
                }
                for models, domains in report.models.items()
            },
        }
        sys.stdout.write(orjson.dumps(value).decode() + "\n")
        raise typer.Exit(0 if report.good else 1)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    for check in report.checks:
        word, style = _MARKS[check.state]
        console.print(Text.assemble((f"{word:<7}", style), f"{check.name}: {plain(check.text)}"), soft_wrap=True)
        if check.fix:
            console.print(Text(f"       -> {plain(check.fix)}", style="cyan"), soft_wrap=True)
    if report.folds:
        table = Table(box=None, pad_edge=False)
        for name in ("partition", "log from", "log to", "group at", "changelog at", "genesis"):
            table.add_column(name, justify="right")
        for fold in report.folds:
            known = (fold.partition, fold.first, fold.end, fold.group, fold.position, "yes" if fold.genesis else None)
            table.add_row(*("-" if value is None else str(value) for value in known))
        console.print()
        console.print(table)
    raise typer.Exit(0 if report.good else 1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)
