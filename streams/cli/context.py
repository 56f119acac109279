"""``weir context``: look at feeds, what the context topic holds, and records written by hand."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from schemas.events import CONTEXT_KINDS
from streams.cli.common import connected, fail, settings
from streams.cli.processes import Instance, MetricsPort
from streams.cli.table import plain, short
from streams.settings import Settings

group = typer.Typer(help="Context: feeds, what the topic holds, records by hand.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]


@group.command("poll")
def poll(
    names: Annotated[
        list[str] | None, typer.Argument(help="Feeds of the settings. Default: all.", metavar="NAME")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once, now, say what came of it, and end.")] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="With --once: withdraw what is gone, even if it is most of the feed.")
    ] = False,
    as_json: AsJson = False,
    instance: Instance = None,
    metrics_port: MetricsPort = None,
) -> None:
    """Read the feeds of [context.NAME] and write what is new to the context topic. Runs until SIGTERM.

    With --once, exit code 1 if a feed could not be read, or not whole.
    """
    from streams.edge import poll as process
    from streams.edge.dump import NoTopic
    from streams.edge.feed import require_topics
    from streams.edge.reach import BrokerFailed, reaching

    if withdraw and not once:
        raise fail("--withdraw goes with --once")
    loaded = settings(instance=instance, metrics_port=metrics_port)
    chosen = _chosen(loaded, names or [])
    loaded = connected(instance=instance, metrics_port=metrics_port)
    try:
        with reaching(loaded):
            require_topics(loaded, [loaded.topic("context"), loaded.topic("feeds")])
            if not once:
                raise typer.Exit(process.run(loaded, chosen))
            outcomes = process.look_once(loaded, chosen, os.environ, withdraw=withdraw)
    except (BrokerFailed, NoTopic) as error:
        raise fail(str(error), 1) from None
    for outcome in outcomes:
        if as_json:
            typer.echo(orjson.dumps(outcome._asdict()).decode())
        elif not outcome.good:
            typer.echo(f"{outcome.feed}: failed: {plain(outcome.problem or '')}")
        else:
            told = f"{outcome.written} written, {outcome.withdrawn} withdrawn, {outcome.unchanged} unchanged"
            typer.echo(f"{outcome.feed}: {told}" + (f"; {plain(outcome.problem)}" if outcome.problem else ""))
    raise typer.Exit(1 if any(outcome.problem for outcome in outcomes) else 0)


@group.command("ls")
def ls(
    kind: Annotated[str | None, typer.Argument(help="Of this kind only.", metavar="KIND")] = None,
    as_json: AsJson = False,
) -> None:
    """What the context topic holds: kind, key, version, date, age, and whether it is stale; by which feed."""
    from streams.edge.context_list import listed
    from streams.edge.context_topic import entries
    from streams.edge.dump import NoTopic
    from streams.edge.feed import held_config
    from streams.edge.reach import BrokerFailed, reaching

    if kind is not None and kind not in CONTEXT_KINDS:
        raise fail(f"no such kind: {kind}; there are {', '.join(CONTEXT_KINDS)}")
    loaded = connected()
    try:
        with reaching(loaded):
            parameters = held_config(loaded) or loaded.engine
            found = listed(entries(loaded), parameters, _now(), kind)
    except (BrokerFailed, NoTopic) as error:
        raise fail(str(error), 1) from None
    if as_json:
        for each in found:
            row = each._asdict() | {"dated": _time(each.dated), "written": _time(each.written)}
            row["age_seconds"] = None if (age := row.pop("age")) is None else age // 1000
            typer.echo(orjson.dumps(row).decode())
        return
    table = Table("kind", "key", "version", "dated", "age", "stale", "feed", box=None, pad_edge=False)
    for each in found:
        stale = "" if each.stale is None else each.stale
        table.add_row(
            each.kind,
            short(each.key, 60),
            each.version,
            _day(each.dated),
            _age(each.age),
            plain(stale),
            each.feed or "",
        )
    _print(table)
    typer.echo(f"{len(found)} records, {sum(each.stale is not None for each in found)} stale", err=True)


@group.command("feeds")
def feeds(as_json: AsJson = False) -> None:
    """The feeds of the settings: when each was last read well, how old it says it is, and what is wrong with it.

    Exit code 1 if one was not read for three of its intervals.
    """
    from streams.edge.dump import NoTopic
    from streams.edge.poll_state import read_states
    from streams.edge.reach import BrokerFailed, reaching

    loaded = connected()
    chosen = _chosen(loaded, [])
    try:
        with reaching(loaded):
            states = read_states(loaded)
    except (BrokerFailed, NoTopic) as error:
        raise fail(str(error), 1) from None
    now = _now()
    table = Table("feed", "type", "read well", "its date", "records", "failures", "problem", box=None, pad_edge=False)
    late = 0
    for name in chosen:
        state = states.get(name)
        silent = state is None or state.silent(now)
        late += silent
        row: dict[str, Any] = {
            "feed": name,
            "type": loaded.context[name].type,
            "good": _time(state.good if state else None),
            "dated": _time(state.dated if state else None),
            "records": state.records if state else 0,
            "failures": state.failures if state else 0,
            "silent": silent,
            "problem": state.problem if state else "never looked at; does `weir context poll` run?",
        }
        if as_json:
            typer.echo(orjson.dumps(row).decode())
            continue
        good = _age(None if state is None or state.good is None else now - state.good)
        dated = "" if state is None or state.dated is None else _age(now - state.dated)
        cells = (name, row["type"], f"{good}{' LATE' if silent else ''}", dated, f"{row['records']:,}")
        table.add_row(*cells, str(row["failures"]), short(row["problem"] or "", 160))
    if not as_json:
        _print(table)
    raise typer.Exit(1 if late else 0)


@group.command("put")
def put(
    file: Annotated[str, typer.Argument(help="JSON, an array, or lines of JSON; - is stdin.", metavar="FILE")],
) -> None:
    """Write context records {"kind", "key", "record"}, all of them or none; a record of null withdraws its key."""
    from streams.edge.context_put import BadRecords, read
    from streams.edge.context_put import put as write
    from streams.edge.dump import NoTopic
    from streams.edge.reach import BrokerFailed, reaching

    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        records = read(content)
    except OSError as error:
        raise fail(f"{file}: {error.strerror}") from None
    except BadRecords as error:
        raise fail("\n".join(f"{file}: {line}" for line in str(error).splitlines())) from None
    loaded = connected()
    try:
        with reaching(loaded):
            write(loaded, records)
    except (BrokerFailed, NoTopic) as error:
        raise fail(str(error), 1) from None
    gone = sum(record is None for record in records.values())
    typer.echo(f"{len(records) - gone} records written, {gone} withdrawn", err=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="context")


def _chosen(loaded: Settings, names: list[str]) -> list[str]:
    if not loaded.context:
        raise fail("no feeds: weir.toml has no section [context.NAME]")
    if unknown := sorted(set(names) - loaded.context.keys()):
        raise fail(f"no such feed: {', '.join(unknown)}; there are {', '.join(sorted(loaded.context))}")
    return sorted(names or loaded.context)


def _print(table: Table) -> None:
    Console(width=None if sys.stdout.isatty() else 240, highlight=False, markup=False).print(table)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _time(ms: int | None) -> str | None:
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _day(ms: int | None) -> str:
    return "" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _age(ms: int | None) -> str:
    """An age with its largest unit."""
    if ms is None:
        return ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)):
        if ms >= size:
            return f"{ms // size} {unit}"
    return f"{max(0, ms) // 1000} s"
