"""``weir bench pipeline``, ``edge``, ``correlate``, ``models``, ``rules``: what an event costs, here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from streams.cli.common import clear_errors, settings

if TYPE_CHECKING:
    from streams.bench.measure import Figure
    from streams.bench.models import Measured
    from streams.bench.processes import Took

bench = typer.Typer(no_args_is_help=True, help="Measure CPU an event, events a second and peak memory.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout instead of tables.")]
_END = datetime(2026, 3, 2, 8, tzinfo=UTC)


@bench.command("edge")
def edge(
    events: Annotated[int, typer.Option(min=1_000, help="Events of 370 bytes, 200 packed in a record.")] = 2_000_000,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of the log.")] = 4,
    json: AsJson = False,
) -> None:
    """The transport alone: one worker with a fold that only counts, transactions on, on a broker."""
    from streams.bench import measure, on_broker, processes
    from streams.edge import broker, reach

    with clear_errors(broker.NoBroker, reach.BrokerFailed, processes.ChildFailed):
        result = on_broker.edge(settings(), events, partitions, _progress)
    took = result.worker
    if json:
        _print_json({"machine": measure.machine(), **result._asdict(), "worker": _took(took, events)})
        return
    table = Table("edge", "", title=_machine(measure.machine()))
    table.add_row(
        "events", f"{events:,} of {result.event_bytes} bytes, {result.packed} a record, {partitions} partitions"
    )
    for name, value in _rows(took, events):
        table.add_row(name, value)
    Console().print(table)


@bench.command("pipeline")
def pipeline(
    events: Annotated[int, typer.Option(min=500, help="Raw CloudTrail records of the end-to-end run.")] = 200_000,
    pure: Annotated[int, typer.Option(min=500, help="Records of the run without a broker.")] = 20_000,
    repetitions: Annotated[int, typer.Option(min=1, help="Repetitions of the run without a broker.")] = 5,
    data: Annotated[
        Path | None, typer.Option(help="A recorded CloudTrail file, one record a line, used again and again.")
    ] = None,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of the log.")] = 4,
    only_pure: Annotated[bool, typer.Option("--only-pure", help="Leave the broker out.")] = False,
    json: AsJson = False,
) -> None:
    """Ingest and correlate on CloudTrail records: stage by stage in one process, then both processes on a broker."""
    from streams.bench import events as sample
    from streams.bench import measure, on_broker, processes, stages
    from streams.edge import broker, reach

    def given(count: int, span: timedelta | None = None) -> sample.Given:
        if data is None:
            return sample.synthetic(count, _END, span=span)
        return sample.recorded(data, count, _END, span=span)

    with clear_errors(sample.Unusable, OSError, ValueError):
        records = given(pure)
        ingested = stages.ingest(records, repetitions, _progress)
        correlated = stages.correlate(records, repetitions, _progress)
    whole = None
    if not only_pure:
        with clear_errors(broker.NoBroker, reach.BrokerFailed, processes.ChildFailed):
            whole = on_broker.end_to_end(settings(), given(events), partitions, _progress)
    if json:
        out: dict[str, Any] = {
            "machine": measure.machine(),
            "data": records.name,
            "ingest": _plain(ingested),
            "correlate": _plain(correlated),
        }
        if whole is not None:
            out["end_to_end"] = {
                **whole._asdict(),
                "records_per_second": round(whole.records / whole.seconds),
                "ingest": _took(whole.ingest, whole.records),
                "correlate": _took(whole.correlate, whole.events),
            }
        _print_json(out)
        return
    console = Console()
    table = Table("ingest, µs CPU a raw record", "median", "best", "worst", title=_machine(measure.machine()))
    for name, value in ingested.stages.items():
        _figure(table, name, value)
    _figure(table, "total", ingested.total)
    _figure(table, "orjson.loads + dumps, the floor", ingested.floor)
    console.print(table)
    console.print(
        f"{ingested.records:,} records of {ingested.mean_bytes:.0f} bytes ({records.name}), "
        f"{ingested.events:,} events; "
        f"{ingested.over_floor:.1f} times the floor"
    )
    table = Table("correlate, µs CPU an event", "median", "best", "worst")
    for name, value in correlated.stages.items():
        _figure(table, name, value)
    _figure(table, "of fold: models", correlated.models)
    _figure(table, "total", correlated.total)
    console.print(table)
    console.print(
        f"{correlated.events:,} events in {correlated.domains} domains, {correlated.units} revisions, "
        f"{correlated.state_rows:,} changelog rows, state {_megabytes(correlated.memory)}; {correlated.outcomes}"
    )
    if whole is not None:
        table = Table("end to end", "ingest", "correlate")
        for (name, one), (_, two) in zip(
            _rows(whole.ingest, whole.records), _rows(whole.correlate, whole.events), strict=True
        ):
            table.add_row(name, one, two)
        console.print(table)
        console.print(
            f"{whole.records:,} raw records of {whole.mean_bytes:.0f} bytes, {whole.events:,} events, in "
            f"{whole.seconds:.1f} s: {whole.records / whole.seconds:,.0f} records a second, "
            "both processes and the broker on this machine"
        )


@bench.command("correlate")
def correlate(
    units: Annotated[list[int] | None, typer.Option(min=10, help="Open units; repeat for several sizes.")] = None,
    entities: Annotated[
        int, typer.Option(min=0, help="Entities that one more size tracks, forty a unit; 0 leaves it out.")
    ] = 1_000_000,
    signals: Annotated[int, typer.Option(min=100, help="Signals that each size gets in a turn.")] = 1_000,
    repetitions: Annotated[int, typer.Option(min=1, help="Turns.")] = 11,
    json: AsJson = False,
) -> None:
    """Grouping with few and many open units: CPU of a signal, and memory. Takes minutes, and gigabytes."""
    from streams.bench import grouping, measure

    sizes = tuple(units or (1_000, 10_000, 100_000))
    found = grouping.levels(sizes, entities, signals, repetitions, _progress)
    if json:
        _print_json({"machine": measure.machine(), **found._asdict(), "wanted": grouping.FLAT})
        return
    table = Table(
        *("units", "domains", "entities", "rows", "µs CPU a signal: median", "best", "worst", "to the first"),
        *("process grew by", "bytes a unit"),
        title=_machine(measure.machine()),
    )
    for level in found.levels:
        sizes_of = (level.units, level.domains, level.entities, level.rows)
        table.add_row(
            *(f"{n:,}" for n in sizes_of),
            *(f"{n:.1f}" for n in level.cpu),
            f"{level.against:.2f}",
            _megabytes(level.held),
            f"{level.bytes_per_unit:,.0f}",
        )
    console = Console()
    console.print(table)
    for name, ratio in (("CPU", found.cpu), ("memory", found.memory)):
        verdict = "met" if ratio <= grouping.FLAT else "missed"
        console.print(f"{name}, dearest against cheapest: {ratio:.2f}; wanted: at most {grouping.FLAT} ({verdict})")


@bench.command("rules")
def rules(
    events: Annotated[int, typer.Option(min=500, help="CloudTrail records.")] = 20_000,
    sizes: Annotated[list[int] | None, typer.Option("--rules", min=1, help="Rules; repeat for several sizes.")] = None,
    repetitions: Annotated[int, typer.Option(min=1, help="Repetitions.")] = 5,
    data: Annotated[
        Path | None, typer.Option(help="A recorded CloudTrail file, one record a line, used again and again.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Sigma detections over parsed CloudTrail records, with few and many rules: CPU of an event over parsing it."""
    from streams.bench import events as sample
    from streams.bench import measure
    from streams.bench import rules as measured

    with clear_errors(sample.Unusable, OSError, ValueError):
        given = sample.synthetic(events, _END) if data is None else sample.recorded(data, events, _END)
        found = measured.measure(given, tuple(sizes or measured.SIZES), repetitions, _progress)
    if json:
        aims = {str(count): aim for count, aim in measured.AIMS.items()}
        _print_json(
            {"machine": measure.machine(), **found._asdict(), "wanted": {"event": aims, "ratio": measured.RATIO}}
        )
        return
    table = Table(
        *(
            "rules",
            "µs CPU an event: median",
            "best",
            "worst",
            "events a second",
            "matches an event",
            "fields looked at",
        ),
        "µs CPU to compile one",
        title=_machine(measure.machine()),
    )
    _figure(table, "none: parsing alone", found.parse)
    for level in found.levels:
        numbers = (f"{number:.2f}" for number in level.event)
        rest = (f"{level.events_per_second:,}", f"{level.matches_per_event}", f"{level.fields}", f"{level.compile:.0f}")
        table.add_row(f"{level.rules:,}", *numbers, *rest)
    console = Console()
    console.print(table)
    console.print(f"{found.events:,} records of {found.mean_bytes:.0f} bytes ({found.data}); over parsing")
    for level in found.levels:
        aim = measured.AIMS.get(level.rules)
        if aim is not None:
            verdict = "met" if level.event.median <= aim else "missed"
            console.print(f"{level.rules:,} rules: {level.event.median:.2f} µs; wanted: at most {aim} ({verdict})")
    verdict = "met" if found.ratio <= measured.RATIO else "missed"
    console.print(f"most rules against fewest: {found.ratio:.2f}; wanted: at most {measured.RATIO} ({verdict})")


@bench.command("models")
def models(
    events: Annotated[int, typer.Option(min=100, help="Events of each stream that are measured.")] = 20_000,
    warm_up: Annotated[int, typer.Option(min=0, help="Events of each stream that are learnt first.")] = 40_000,
    data: Annotated[
        Path | None, typer.Option(help="A recorded CloudTrail file, one record a line: a third stream, repeated.")
    ] = None,
    json: AsJson = False,
) -> None:
    """All models together, event by event, with calibration and reasons; each alone; bytes a key."""
    from streams.bench import activities, measure
    from streams.bench import events as sample
    from streams.bench import models as measuring

    with clear_errors(sample.Unusable, OSError, ValueError):
        streams = [
            activities.simulated(events, warm_up, _END),
            activities.sparse(events, warm_up, _END),
            *([] if data is None else [activities.recorded(data, events, warm_up, _END)]),
        ]
    clock = measuring.clock_cost()
    results = [measuring.measure(stream, clock, _progress) for stream in streams]
    if json:
        _print_json({"machine": measure.machine(), "clock_us": clock, "met": _met(results), "streams": results})
    else:
        console = Console()
        for result in results:
            _models(console, result, _machine(measure.machine()))
        console.print(f"a look at the clock takes {clock:.2f} µs, subtracted")
    if not _met(results):
        raise typer.Exit(1)


def _met(results: list[Measured]) -> bool:
    return all(promise.met for result in results for promise in result.promises)


def _models(console: Console, result: Measured, title: str) -> None:
    table = Table("models, µs CPU an event", "median", "best", "worst", "share", "keys", "bytes a key", title=title)
    for name, figure in result.suite.items():
        _figure(table, f"all, {name}", figure)
    costs = {
        **result.detectors,
        "calibration, reasons": result.rest,
        "HalfSpaceTrees": result.baseline,
        "numbers for these": result.vectors,
    }
    for name, cost in costs.items():
        held = result.held_by.get("calibration" if cost is result.rest else name)
        numbers = () if held is None else (f"{held.keys:,}", f"{held.bytes_per_key:.0f}")
        table.add_row(name, *(f"{number:.2f}" for number in cost.mean), f"{cost.share:.0%}", *numbers)
    table.add_row("all", "", "", "", "", f"{result.held.keys:,}", f"{result.held.bytes_per_key:.0f}")
    console.print(table)
    console.print(
        f"{result.name}: {result.events:,} events after {result.warm_up:,} to warm up, {result.principals:,} "
        f"principals in {result.domains} domains, {result.new_minutes:.0%} open a minute of their principal, "
        f"{result.unusual:,} have reasons; HalfSpaceTrees takes {result.over_baseline:.2f} times as long as all models"
    )
    for promise in result.promises:
        verdict = "met" if promise.met else "not met"
        console.print(f"{promise.what}: {promise.found:.1f}; promised: at most {promise.wanted:g} ({verdict})")


def _progress(line: str) -> None:
    typer.echo(line, err=True)


def _machine(machine: dict[str, Any]) -> str:
    return f"{machine['processor']}, {machine['cores']} cores, load {machine['load']}, {machine['python']}"


def _figure(table: Table, name: str, value: Figure) -> None:
    table.add_row(name, *(f"{number:.2f}" for number in value))


def _rows(took: Took, events: int) -> list[tuple[str, str]]:
    return [
        ("CPU an event", f"{took.cpu / events * 1e6:.2f} µs"),
        ("events a second", f"{events / took.seconds:,.0f}"),
        ("seconds", f"{took.seconds:.1f}"),
        ("peak memory", _megabytes(took.peak)),
        (
            "commits",
            f"{took.commits}, {took.commit_mean * 1000:.0f} ms each, at most {took.commit_longest * 1000:.0f} ms",
        ),
    ]


def _megabytes(size: int | None) -> str:
    return "not known here" if size is None else f"{size / 2**20:.0f} MiB"


def _took(took: Took, events: int) -> dict[str, float]:
    return {
        **took._asdict(),
        "cpu_us_per_event": round(took.cpu / events * 1e6, 3),
        "events_per_second": round(events / took.seconds),
    }


def _plain(value: Any) -> Any:
    """Named tuples as objects."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, dict) else value


def _print_json(value: Any) -> None:
    typer.echo(orjson.dumps(_plain(value)).decode())


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(bench, name="bench")
