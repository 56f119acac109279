"""``weir ingest``, ``weir correlate`` and ``weir links``: one process each, as deployed."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.common import connected

Instance = Annotated[
    str | None,
    typer.Option(help="Stable name of this process among its kind; the same after a restart. Default: host name."),
]
MetricsPort = Annotated[int | None, typer.Option(help="Port of /healthz, /readyz and /metrics; 0: none.")]


def ingest(instance: Instance = None, metrics_port: MetricsPort = None) -> None:
    """Read the raw topics, write the partition log and dead letters. Runs until SIGTERM."""
    from streams.edge import ingest as process

    raise typer.Exit(process.run(connected(instance=instance, metrics_port=metrics_port)))


def correlate(instance: Instance = None, metrics_port: MetricsPort = None) -> None:
    """Fold the partition log into investigation units. Runs until SIGTERM."""
    from streams.edge import correlate as process

    process.run(connected(instance=instance, metrics_port=metrics_port))


def links(instance: Instance = None, metrics_port: MetricsPort = None) -> None:
    """Link units of different domains that share a strong indicator. Runs until SIGTERM."""
    from streams.edge import links as process

    process.run(connected(instance=instance, metrics_port=metrics_port))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(ingest)
    app.command()(correlate)
    app.command()(links)
