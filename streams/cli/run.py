"""``weir run``: everything on one machine, for a first look and for trying things out."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from schemas.unit import Unit
from streams.cli.common import fail, settings
from streams.cli.screen import Screen
from streams.log import configure
from streams.replay import catalog
from streams.settings import BadSettings, Settings, detections_of, redaction_key, with_correlations
from streams.simulate import Scenario

KEPT_RUNS = 10
"""Folders with the logs of earlier runs that are kept."""


def run(
    once: Annotated[bool, typer.Option("--once", help="End with a summary when all input is drained.")] = False,
    in_process: Annotated[bool, typer.Option("--in-process", help="Without Kafka, in this process.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the data of a broker that is started here.")] = False,
    seed: Annotated[int, typer.Option(help="Of the scenario: equal seeds give equal data.")] = 7,
    services: Annotated[int, typer.Option(min=1, max=1_000, help="Services in the scenario.")] = 36,
    hours: Annotated[float, typer.Option(min=0.1, max=2_160, help="Length of the scenario; it ends about now.")] = 6.0,
    events: Annotated[int | None, typer.Option(help="Messages in the scenario. Default: about 1,000 an hour.")] = None,
    feed: Annotated[
        bool | None,
        typer.Option(
            "--feed/--no-feed",
            help="Feed the built-in scenario. Default: unless the raw topics of a given broker hold records.",
        ),
    ] = None,
    rate: Annotated[float | None, typer.Option(min=1, help="Messages a second. Default: as fast as it goes.")] = None,
) -> None:
    """Broker, ingest, correlate, links and the built-in scenario; prints every unit as it opens. Stays up until Ctrl-C.

    Feeds of context that the settings name are read, too, but not waited for.

    Exit code 1: a process gave up, or with --once no unit was opened.
    """
    began = time.monotonic()
    loaded = settings()
    screen = Screen()
    start = datetime.now(UTC) - timedelta(hours=hours)
    try:
        scenario = None if feed is False else Scenario(seed, services, start=start, hours=hours, events=events)
        entities = _catalog(loaded)
    except (ValueError, catalog.UnreadableCatalog) as error:
        raise fail(str(error)) from None
    if in_process:
        raise typer.Exit(_in_process(loaded, screen, scenario, entities, began))
    from streams.edge.broker import BrokerDied, NoBroker, provide

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # until the run has its own
    if keep and loaded.broker_data is None:
        loaded = loaded.model_copy(update={"broker_data": _state() / "broker"})
    try:
        broker = provide(loaded, screen.say)
    except NoBroker as error:
        if loaded.bootstrap is not None:
            raise fail(str(error)) from None
        screen.say(f"{error} It does so now.")
        raise typer.Exit(_in_process(loaded, screen, scenario, entities, began)) from None
    except BrokerDied as error:
        raise fail(f"{error}\n`weir run --in-process` runs the same without a broker", 1) from None
    try:
        loaded = loaded.model_copy(update={"bootstrap": broker.bootstrap, "app": _app(loaded, broker.kind)})
        code = _with_broker(loaded, screen, scenario, entities, began, once=once, feed=feed, rate=rate)
    finally:
        screen.done()
        broker.stop()
    raise typer.Exit(code)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(run)


def _with_broker(
    loaded: Settings,
    screen: Screen,
    scenario: Scenario | None,
    entities: list[object],
    began: float,
    *,
    once: bool,
    feed: bool | None,
    rate: float | None,
) -> int:
    from streams.edge.feed import BadCatalog
    from streams.edge.outcome import judge
    from streams.edge.reach import BrokerFailed, reaching
    from streams.edge.running import Input, Run, RunFailed, prepare
    from streams.edge.units import NoUnits

    folder = _folder()
    with (folder / "run.log").open("a") as log:
        configure(loaded.log_level, json=True, stream=log)
        try:
            present = prepare(loaded, screen.say)
            if present and feed is None and scenario is not None:
                screen.say(
                    f"the topics {loaded.app}.* at {loaded.bootstrap} hold records already: the built-in scenario is "
                    "not fed into them (--feed does it; what was fed before then counts as duplicates, unless --seed "
                    "is another)"
                )
                scenario = None
            elif scenario is not None:
                screen.say(
                    f"feeding the built-in scenario, seed {scenario.seed}, {scenario.events:,} simulated messages, "
                    f"into {loaded.app}.raw.* at {loaded.bootstrap}"
                )
            screen.say(f"logs of ingest, correlate and links: {folder}")
            if loaded.context:
                screen.say(
                    f"feeds of context are read: {', '.join(loaded.context)}; `weir context feeds` tells how they are"
                )
            screen.say(
                f"to read the units elsewhere: KAFKA_BOOTSTRAP_SERVERS={loaded.bootstrap} WEIR_APP={loaded.app} "
                "weir units ls"
            )
            if scenario is not None:
                entities = [*scenario.catalog(), *entities]
            stop = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: _stop(stop))
            work = Run(loaded, folder, screen, stop, began=began, fresh=present == 0)
            messages = None if scenario is None else scenario.messages()
            given = Input(entities, messages, rate, detections_of(loaded).texts)
            with reaching(loaded):
                outcome = work.run(given, once=once)
        except (BadCatalog, BadSettings) as error:
            screen.done()
            raise fail(str(error)) from None
        except (RunFailed, NoUnits, BrokerFailed) as error:
            screen.done()
            raise fail(str(error), 1) from None
        verdict = None if scenario is None else judge(outcome.standing(), scenario.truth())
        screen.summary(outcome, verdict)
        return 1 if once and not outcome.units else 0


def _in_process(
    loaded: Settings, screen: Screen, scenario: Scenario | None, entities: list[object], began: float
) -> int:
    from streams.edge.in_process import InProcess
    from streams.edge.outcome import Outcome, judge

    if scenario is None:
        raise fail("without Kafka there is nothing to run but the built-in scenario; `weir replay` reads files")
    outcome = Outcome()

    def told(unit: Unit) -> None:
        if outcome.first_unit is None:
            outcome.first_unit = time.monotonic() - began
        screen.unit(unit, outcome.take(unit))

    try:
        rules = detections_of(loaded)
        parameters = with_correlations(loaded, rules.correlations).engine
        work = InProcess(redaction_key(loaded), parameters, told, outcome, rules.texts)
    except BadSettings as error:
        raise fail(str(error)) from None
    work.start([*scenario.catalog(), *entities], scenario.start)
    work.feed(scenario.messages())
    work.finish()
    screen.summary(outcome, judge(outcome.standing(), scenario.truth()))
    return 0 if outcome.units else 1


def _catalog(loaded: Settings) -> list[object]:
    return [] if loaded.catalog is None else list(catalog.entities(loaded.catalog))


def _app(loaded: Settings, kind: str) -> str:
    """The prefix: a new one for each run on a broker of ours that keeps its data, unless the user chose one."""
    if kind == "given" or loaded.broker_data is None or "app" in loaded.model_fields_set:
        return loaded.app
    return f"{loaded.app}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def _stop(stop: threading.Event) -> None:
    if stop.is_set():
        raise KeyboardInterrupt  # the second time: no more waiting
    stop.set()


def _state() -> Path:
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "weir"


def _folder() -> Path:
    """A fresh folder for the logs of this run; the oldest ones go."""
    home = _state() / "run"
    folder = home / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}"
    folder.mkdir(parents=True)
    for old in sorted(entry for entry in home.iterdir() if entry.is_dir())[:-KEPT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
    return folder
