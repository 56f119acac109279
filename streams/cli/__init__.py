"""The command line. Data on stdout, logs on stderr; exit code 0 good, 1 check failed, 2 bad usage or input.

One file a group of commands, each with ``register(app)``.
"""

from __future__ import annotations

import sys

import typer

from streams.cli import (
    bench,
    context,
    doctor,
    evaluate,
    models,
    processes,
    replay,
    review,
    rules,
    run,
    simulate,
    sources,
    topics,
    units,
)
from streams.version import VERSION

app = typer.Typer(
    name="weir",
    help="Streaming event correlation for security operations.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
    run, processes, replay, simulate, sources, rules, topics, context, units, review, models, doctor, bench, evaluate,
)  # fmt: skip
"""To add a command: one file, one entry here."""

for _module in COMMANDS:
    _module.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(VERSION)
        raise typer.Exit


@app.callback()
def _options(version: bool = typer.Option(False, "--version", callback=_version, help="Print the version.")) -> None:
    """Streaming event correlation for security operations."""


def main() -> None:
    """Entry point of the console script."""
    sys.exit(app())
