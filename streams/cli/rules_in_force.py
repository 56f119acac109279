"""``weir rules push``, ``withdraw`` and ``ls``: the Sigma rules that ingest evaluates now."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from streams.cli.common import connected, fail
from streams.cli.table import plain
from streams.settings import BadSettings, Settings

if TYPE_CHECKING:
    from streams.edge.detections import Held

Paths = Annotated[list[Path] | None, typer.Argument(help="Files or folders with Sigma rules.", exists=True)]
Pack = Annotated[bool, typer.Option("--pack", help="The built-in rules.")]
Skip = Annotated[bool, typer.Option("--skip-broken", help="Push those that compile, if others do not.")]
Keys = Annotated[list[str], typer.Argument(metavar="KEY...", help="Ids or names, as `weir rules ls` prints them.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a rule on stdout.")]


def push(paths: Paths = None, pack: Pack = False, skip_broken: Skip = False) -> None:
    """Put rules in force, in all running processes and without a restart; one with the key of another replaces it.

    They stay until they are withdrawn; a rule of that key in weir.toml takes the place again at the next start. Exit
    code 1, and nothing is pushed, if a rule does not compile.
    """
    from streams.edge.detections import push
    from streams.sigma_files import PACK, read_detections

    if not paths and not pack:
        raise fail("name files or folders, or --pack")
    found = read_detections([*map(str, paths or ()), *([PACK] if pack else [])])
    for fault in found.faults:
        typer.echo(plain(str(fault)), err=True)
    if found.faults and not skip_broken:
        raise fail("nothing was pushed; --skip-broken pushes the others", code=1)
    with _reached() as settings:
        done = push(settings, found.texts)
    same = len(found.texts) - done.written
    typer.echo(f"{done.written} rules pushed, {same} were in force already{_config(done.config)}", err=True)


def withdraw(keys: Keys) -> None:
    """Take rules out of force, without a restart. Those that weir.toml names are back at the next start."""
    from streams.edge.detections import withdraw

    with _reached() as settings:
        done = withdraw(settings, keys)
    typer.echo(f"{done.withdrawn} rules withdrawn{_config(done.config)}", err=True)


def ls(json: AsJson = False) -> None:
    """The rules in the context topic: what each is, who put it there, and why where it is not in force."""
    from streams.edge.detections import held
    from streams.edge.feed import require_topics

    with _reached() as settings:
        require_topics(settings, [settings.topic("context")])
        rules = held(settings)
    rows = list(_rows(rules))
    if json:
        for row in rows:
            typer.echo(orjson.dumps(row).decode())
        return
    table = Table("key", "state", "level", "log source", "by", "digest", "title", box=None, pad_edge=False)
    for row in rows:
        state = f"refused: {row['why']}" if row["why"] else row["state"]
        cells = (row["key"], state, row["level"], row["logsource"], row["by"], row["digest"], row["title"])
        table.add_row(*(plain(str(cell or "")) for cell in cells))
    Console(width=None if sys.stdout.isatty() else 240, highlight=False, markup=False).print(table)


def _rows(rules: dict[str, Held]) -> Iterator[dict[str, Any]]:
    """A row a rule: ``state`` is detection, silent, correlation, filter or refused."""
    if not rules:
        return
    from streams.sigma.bundle import unbundle

    loaded = unbundle(rule.text for rule in rules.values())
    detections = {rule.file: rule for rule in loaded.rules}
    why = {fault.file: f"{fault.place}: {fault.reason}" if fault.place else fault.reason for fault in loaded.faults}
    for key, rule in rules.items():
        body = orjson.loads(rule.text.text) if rule.text.text.startswith("{") else {}
        found = detections.get(key)
        kind = next((kind for kind in ("correlation", "filter") if kind in body), "detection")
        yield {
            "key": key,
            "state": "refused" if key in why else "silent" if found and found.silent else kind,
            "level": found.level if found else body.get("level"),
            "logsource": str(found.logsource) if found else None,
            "by": rule.by,
            "digest": rule.text.digest,
            "title": body.get("title"),
            "why": why.get(key),
        }


def _config(changed: bool) -> str:
    return "; the engine's correlation rules changed" if changed else ""


@contextmanager
def _reached() -> Iterator[Settings]:
    """Settings with a broker that answers; what is wrong otherwise is one clear line."""
    from streams.edge.dump import NoTopic
    from streams.edge.reach import BrokerFailed, reaching

    settings = connected()
    try:
        with reaching(settings):
            yield settings
    except (NoTopic, BadSettings) as error:
        raise fail(str(error)) from None
    except BrokerFailed as error:
        raise fail(str(error), code=1) from None
