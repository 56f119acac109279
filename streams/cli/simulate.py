"""``weir simulate``: a seeded scenario in vendor formats, to files or to the raw topics."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from streams.cli.common import connected, fail
from streams.replay import simulated
from streams.simulate import Scenario

START = datetime(2026, 1, 5, tzinfo=UTC)
"""Where a scenario in files begins unless told otherwise: fixed, so that equal arguments give equal bytes."""

Seed = Annotated[int, typer.Option(help="Equal arguments with an equal seed give equal bytes.")]
Services = Annotated[int, typer.Option(min=1, max=1000, help="Services of the company.")]
Hours = Annotated[float, typer.Option(min=0.1, max=2160, help="How long the scenario is.")]
Events = Annotated[int | None, typer.Option(min=500, help="Exact number of messages. Default: 1,000 an hour at 36.")]
Start = Annotated[
    str | None, typer.Option(help="First instant, RFC 3339. Default: fixed for files, HOURS ago for topics.")
]
Out = Annotated[
    Path | None, typer.Option(help="Write DIR/input/, to be replayed, and DIR/truth.ndjson.", metavar="DIR")
]
Topics = Annotated[bool, typer.Option("--topics", help="Write to the raw topics, the catalog to the context topic.")]
Rate = Annotated[float | None, typer.Option(min=0.01, help="Messages a second into the topics. Default: no limit.")]
Truth = Annotated[Path | None, typer.Option(help="Write the truth here too, with --topics.", metavar="FILE")]
Force = Annotated[bool, typer.Option("--force", help="Write into a folder that has files already.")]


def simulate(
    seed: Seed = 1,
    services: Services = 36,
    hours: Hours = 24,
    events: Events = None,
    start: Start = None,
    out: Out = None,
    topics: Topics = False,
    rate: Rate = None,
    truth: Truth = None,
    force: Force = False,
) -> None:
    """Write a company's security data with attacks and bad deploys in it, to files (--out) or to Kafka (--topics)."""
    if (out is None) != topics:
        raise fail("say where to: --out DIR for files, or --topics for Kafka")
    if out is not None and (rate is not None or truth is not None):
        raise fail("--rate and --truth go with --topics")
    if out is not None and out.exists() and not force and (not out.is_dir() or any(out.iterdir())):
        raise fail(f"{out} is not an empty folder; --force writes into it")
    first = _instant(start) or (START if out is not None else datetime.now(UTC) - timedelta(hours=hours))
    try:
        scenario = Scenario(seed, services, start=first, hours=hours, events=events)
    except ValueError as error:
        raise fail(str(error)) from None
    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 200)
    status = console.status("") if console.is_terminal else None
    began = time.monotonic()

    def progress(done: int) -> None:
        if status is not None:
            status.update(f"{done:,} of {scenario.events:,} messages, {done / (time.monotonic() - began):,.0f}/s")

    try:
        with status or nullcontext():
            said = _to_topics(scenario, rate, truth, progress) if out is None else _to_files(scenario, out, progress)
    except OSError as error:
        raise fail(f"{error.filename}: {error.strerror}") from None
    console.print(f"{said}, in {time.monotonic() - began:.1f} s; the scenario begins {first.isoformat()}", markup=False)


def _to_files(scenario: Scenario, out: Path, progress: simulated.Progress) -> str:
    written = simulated.write(scenario, out, progress)
    left_out = f" ({written.left_out:,} without a value left out, which no line can hold)" if written.left_out else ""
    return f"{written.lines:,} messages in {out / simulated.INPUT}{left_out}, the truth in {out / simulated.TRUTH}"


def _to_topics(scenario: Scenario, rate: float | None, truth: Path | None, progress: simulated.Progress) -> str:
    from streams.edge.dump import NoTopic
    from streams.edge.feed import feed, publish_catalog, require_topics
    from streams.edge.reach import BrokerFailed, reaching

    settings = connected()
    if truth is not None:
        with truth.open("wb") as file:
            file.writelines(orjson.dumps(entry) + b"\n" for entry in scenario.truth())
    try:
        with reaching(settings):
            require_topics(settings, [*settings.raw_topics.values(), settings.topic("context")])
            entities = publish_catalog(settings, scenario.catalog())
            sent = feed(settings, scenario.messages(), rate, progress)
    except NoTopic as error:
        raise fail(str(error)) from None
    except BrokerFailed as error:
        raise fail(str(error), code=1) from None
    return f"{entities:,} catalog records and {sent:,} messages written to {settings.bootstrap}"


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise fail(f"--start {text}: not an RFC 3339 instant, for example 2026-01-05T00:00:00Z") from None
    return found.replace(tzinfo=UTC) if found.utcoffset() is None else found


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(simulate)
