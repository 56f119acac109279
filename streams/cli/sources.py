"""``weir sources``: what Weir reads, and what a file of yours would become."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from streams.catalog import Catalog
from streams.cli import source_pages
from streams.cli.common import clear_errors, fail, settings
from streams.cli.table import plain
from streams.ingest import RawRecord
from streams.redaction import Redactor
from streams.replay import files
from streams.replay.documents import Document, documents
from streams.replay.trial import Told, Trial, Tried
from streams.settings import BadSettings, Settings, redaction_key
from streams.sources.base import Source
from streams.sources.known import known_with
from streams.sources.registry import UnknownSourceError

group = typer.Typer(help="What Weir reads, and what a file would become.", no_args_is_help=True)

Mappings = Annotated[
    list[Path] | None,
    typer.Option("--mapping", help="Mappings of other formats: files and folders, instead of weir.toml's."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One object a line.")]


@group.command("ls")
def ls(mapping: Mappings = None, as_json: AsJson = False) -> None:
    """List every source: what it reads, the topics bound to it, the types of event it gives, and its lateness."""
    configured = settings(mappings=mapping)
    rows = [source_pages.row(source, topics) for source, topics in _all(configured)]
    if as_json:
        for row in rows:
            _write(row)
        return
    shown = Table(box=None, pad_edge=False)
    for name in ("SOURCE", "GIVES", "LATENESS", "TOPIC", "READS"):
        shown.add_column(name, no_wrap=name in ("SOURCE", "LATENESS"), overflow="fold")
    for row in rows:
        cells = (row["name"], ", ".join(row["gives"]) or "?", row["lateness"], "\n".join(row["topics"]) or "-")
        shown.add_row(*cells, plain(row["reads"]))
    _console().print(shown)


@group.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name of a source, as ls has it.")],
    mapping: Mappings = None,
    as_json: AsJson = False,
) -> None:
    """Show one source: its documentation, how it is known, and its fields."""
    configured = settings(mappings=mapping)
    with clear_errors(UnknownSourceError):
        source = known_with(*configured.mappings).by_name(name)
    topics = _topics(configured).get(source.name, [])
    if as_json:
        _write(source_pages.row(source, topics) | {"documentation": source_pages.about(source)})
        return
    for line in source_pages.page(source, topics):
        typer.echo(plain(line))


@group.command("try")
def try_(
    paths: Annotated[list[str], typer.Argument(metavar="FILE...", help="Files and folders, or NAME=FILE.")],
    source: Annotated[str | None, typer.Option(help="Source of the files, instead of by content.")] = None,
    mapping: Mappings = None,
    catalog: Annotated[list[Path] | None, typer.Option(help="Backstage entities, to place the events.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Items that are shown of each file; 0: all.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Say what files would become: each item's event, what is ignored, refused and missing. Nothing is kept or sent.

    What is shown is redacted, as everything that Weir writes. Exit code 1 if anything is refused or not recognised.
    """
    configured = settings(mappings=mapping)
    known = known_with(*configured.mappings)
    with clear_errors(BadSettings):
        redactor = Redactor(redaction_key(configured))
    trial = Trial(Catalog(), redactor, known)
    try:
        with clear_errors(files.Unreadable, UnknownSourceError):
            for path in catalog or [path for path in [configured.catalog] if path]:
                _place(trial, path)
            inputs, skipped = files.find(paths, source, known)
        entries = [*inputs, *(files.Input(0, each.path, files.form(each.path), None, "events") for each in skipped)]
        good = True
        for entry in sorted(entries, key=lambda each: each.path):
            good &= _tell(trial, entry, limit, as_json)
    except OSError as error:
        raise fail(f"{error.filename or 'input'}: {error.strerror or error}") from None
    if not entries:
        raise fail("there is no file in it")
    raise typer.Exit(0 if good else 1)


def _tell(trial: Trial, entry: files.Input, limit: int, as_json: bool) -> bool:
    """Print what becomes of a file; whether all of it is read."""
    console = _console()
    tried: list[Tried] = []
    shown = 0
    named = entry.source.name if entry.source else None
    last: tuple[str | None, bool] | None = None
    for number, found in _attempts(trial, entry):
        tried.append(found)
        for one in found.told:
            if limit and shown >= limit:
                break
            shown += 1
            if as_json:
                _write(_record(entry.path, number, found, one))
                continue
            if last != (found.source, bool(found.told)):
                last = (found.source, bool(found.told))
                for line in _heading(entry.path, named, found):
                    console.print(line, markup=False, soft_wrap=True)
            label = f"{number}.{'-' if one.item is None else one.item}"
            for line in source_pages.told(label, one, max(console.width, 80)):
                console.print(line, markup=False, soft_wrap=True)
    total = sum(len(found.told) for found in tried)
    if not as_json:
        if total > shown:
            console.print(f"  … {total - shown:,} more; --limit 0 shows all", markup=False)
        for line in source_pages.sums(tried):
            console.print(line, markup=False, soft_wrap=True)
    return bool(tried) and not any(one.outcome == "refused" for found in tried for one in found.told)


def _attempts(trial: Trial, entry: files.Input) -> Iterator[tuple[int, Tried]]:
    received = int(entry.path.stat().st_mtime) * 1000
    with documents(entry.path, entry.form) as found:
        for document in found:
            yield document.number, _attempt(trial, entry, document, received)


def _attempt(trial: Trial, entry: files.Input, document: Document, received: int) -> Tried:
    if document.problem is not None:
        place, reason = document.problem
        return Tried(None, (Told(None, "refused", None, "parse", place, reason),))
    raw = RawRecord(entry.path.name, 0, document.number, received, None, (), document.value, entry.source)
    return trial.attempt(raw, limit=document.limit)


def _heading(path: Path, named: str | None, found: Tried) -> Iterator[str]:
    name = plain(str(path))
    if found.source is None:
        yield f"{name}: no source reads this" if named is None else f"{name}: not read by {named}"
        for near in found.near:
            yield f"  near {near.source}: {plain(near.why)}"
        return
    how = "as named" if named else "by content" if found.source in found.claimants else "opened from its envelope"
    others = [other for other in found.claimants if other != found.source]
    yield f"{name}: {found.source}, {how}" + (f"; also claimed by {', '.join(others)}" if others else "")


def _record(path: Path, number: int, found: Tried, one: Told) -> dict[str, Any]:
    return {
        "file": str(path),
        "document": number,
        "source": found.source,
        "claimants": found.claimants,
        "item": one.item,
        "outcome": one.outcome,
        "event": one.event,
        "stage": one.stage or None,
        "place": one.place or None,
        "reason": one.reason or None,
        "missing": [{"field": name, "why": why} for name, why in one.wished],
        "unread": found.unread,
        "near": [near._asdict() for near in found.near],
    }


def _place(trial: Trial, path: Path) -> None:
    """Let the catalog know the entities of a file."""
    entry = files.catalog(path, 0)
    for _, found in _attempts(trial, entry):
        for one in found.told:
            if one.event is not None and one.event.get("kind") == "catalog":
                trial.catalog.apply(one.event["key"], one.event["record"])


def _all(configured: Settings) -> Iterator[tuple[Source, list[str]]]:
    topics = _topics(configured)
    for source in sorted(known_with(*configured.mappings).sources, key=lambda each: each.name):
        yield source, topics.get(source.name, [])


def _topics(configured: Settings) -> dict[str, list[str]]:
    """The topics by the name of the source that reads them."""
    from streams.edge.ingest import sources
    from streams.sources.family import Family

    found: dict[str, list[str]] = {}
    for topic, bound in sources(configured).items():
        for source in bound.sources if isinstance(bound, Family) else (bound,):
            found.setdefault(source.name, []).append(topic)
    return found


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def _write(content: dict[str, Any]) -> None:
    typer.echo(orjson.dumps(content).decode())


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="sources")
