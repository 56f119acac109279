"""``weir topics``: make the topics, check them, write one out."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from streams.cli.common import connected, fail
from streams.cli.table import plain
from streams.settings import BadSettings, Settings, detections_of

topics = typer.Typer(help="Make the topics, check them, write one out.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
Out = Annotated[Path | None, typer.Option(help="File to write to. Default: stdout.", metavar="FILE")]


@topics.command()
def create() -> None:
    """Make the topics that are missing; put the engine's parameters, the detections and the catalog into theirs.

    What is there already is left as it is, so it may run at every start.
    """
    from streams.edge import topics as edge
    from streams.edge.detections import publish
    from streams.edge.feed import BadCatalog, catalog_records, publish_catalog
    from streams.edge.reach import BrokerFailed, admin, reaching
    from streams.replay import catalog

    settings = connected()
    try:
        entities = catalog.entities(settings.catalog) if settings.catalog else []
        catalog_records(entities)  # before anything is made
        detections = detections_of(settings)
        with reaching(settings):
            made = edge.create(admin(settings), settings, lambda text: typer.echo(text, err=True))
            rules = publish(settings, detections.texts)
            records = publish_catalog(settings, entities) if entities else 0
    except BrokerFailed as error:
        raise fail(str(error), code=1) from None
    except catalog.UnreadableCatalog as error:
        raise fail(str(error)) from None
    except BadCatalog as error:
        raise fail(f"{settings.catalog}: {error}") from None
    except BadSettings as error:
        raise fail(str(error)) from None
    typer.echo(
        f"{len(made)} topics made, {len(edge.wanted(settings)) - len(made)} were there; parameters "
        f"{settings.engine.digest()} {'written' if rules.config else 'unchanged'}; {records} catalog records written; "
        f"{len(detections.texts)} detection rules, {rules.written} written, {rules.withdrawn} withdrawn",
        err=True,
    )
    for fault in rules.faults:
        typer.echo(plain(f"not in force: {fault}"), err=True)


@topics.command()
def check(as_json: AsJson = False) -> None:
    """Compare the broker's topics with what Weir needs; exit code 1 if something would make it wrong or stop it."""
    from streams.edge import topics as edge
    from streams.edge.reach import BrokerFailed, admin, reaching

    settings = connected()
    try:
        with reaching(settings):
            problems = edge.check(admin(settings), settings)
    except BrokerFailed as error:
        raise fail(str(error), code=1) from None
    if as_json:
        found = [problem._asdict() for problem in problems]
        typer.echo(orjson.dumps({"topics": len(edge.wanted(settings)), "problems": found}).decode())
    elif problems:
        table = Table("topic", "problem", "what to do", box=None, pad_edge=False)
        for problem in problems:
            table.add_row(*problem)
        Console(width=None if sys.stdout.isatty() else 240, highlight=False, markup=False).print(table)
    else:
        typer.echo(f"{len(edge.wanted(settings))} topics are as they should be")
    raise typer.Exit(1 if problems else 0)


@topics.command()
def dump(topic: Annotated[str, typer.Argument(help="Full name, or ours without the prefix.")], out: Out = None) -> None:
    """Write the committed records of a topic, as of now, as lines of JSON: what `weir replay --log FILE` reads."""
    from streams.edge import dump as edge
    from streams.edge.reach import BrokerFailed, reaching

    settings = connected()
    console = Console(stderr=True, highlight=False)
    try:
        with reaching(settings):
            name = _full_name(settings, topic)
        with (
            reaching(settings),
            out.open("wb") if out is not None else nullcontext(sys.stdout.buffer) as stream,
            console.status(f"reading {name}") as status,
        ):
            lines = edge.dump(
                settings, name, stream, progress=lambda done, total: status.update(f"{name}: {done:,} of {total:,}")
            )
            stream.flush()
    except edge.NoTopic as error:
        raise fail(str(error)) from None
    except BrokerFailed as error:
        raise fail(str(error), code=1) from None
    except OSError as error:
        raise fail(f"{out}: {error.strerror}") from None
    typer.echo(f"{lines:,} records of {name}", err=True)


def _full_name(settings: Settings, topic: str) -> str:
    """Ours without the prefix, if there is no topic of the name itself."""
    from streams.edge.feed import missing_topics

    return settings.topic(topic) if missing_topics(settings, [topic]) else topic


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(topics, name="topics")
