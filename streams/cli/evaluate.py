"""``weir eval NAME``: quality against labelled data. Exit code 1 where a promise is not kept."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table

from streams.cli.common import clear_errors, fail

evaluate = typer.Typer(no_args_is_help=True, help="Measure the quality of the answers on labelled data.")

Data = Annotated[
    Path, typer.Option("--data", exists=True, file_okay=False, help="The shared folder, or the data folder in it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout instead of tables.")]


def grouping(
    data: Data,
    streams: Annotated[
        list[str] | None,
        typer.Option(help="original, simul-attacks, more-noise-1, -2 or -6; repeat for several. All by default."),
    ] = None,
    at_default: Annotated[
        bool, typer.Option("--at-default", help="Only as shipped, without the sweep that ROC areas need: minutes.")
    ] = False,
    json: AsJson = False,
) -> None:
    """AIT-ADS and AIT-ADS-A: do alerts of one attack step come into one unit, and no others with them?"""
    from streams.evaluation import grouping as evaluation
    from streams.evaluation import report

    chosen = tuple(streams or evaluation.CONFIGS)
    unknown = [name for name in chosen if name not in evaluation.CONFIGS]
    if unknown:
        raise fail(f"no streams {', '.join(unknown)}; there are {', '.join(evaluation.CONFIGS)}")
    folder = data_folder(data)
    with clear_errors(evaluation.Unusable, OSError, ValueError):
        results = evaluation.run(folder, configs=chosen, at_default=at_default, clock=time.process_time, progress=told)
        published = evaluation.published(folder)
    targets = evaluation.targets(results)
    if json:
        as_json(report.plain(results, targets, published))
    else:
        for table in report.tables(results, targets, published):
            Console().print(table)
    if not all(target.met for target in targets):
        raise typer.Exit(1)


def windows(data: Data, json: AsJson = False) -> None:
    """Published correlation cases, written as rules: are co-occurrence, counts and absence in time exact?"""
    from streams.evaluation import windows as evaluation

    with clear_errors(OSError, ValueError, KeyError):
        result = evaluation.run(data_folder(data), told)
    if json:
        as_json(result)
    else:
        table = Table("case", "kind", "tests right", title="Correlation cases")
        for case in result["results"]:
            tests = case["tests"]
            right = sum(test["right"] and test["same_in_all_orders"] for test in tests)
            table.add_row(case["case"], case["kind"], f"{right} of {len(tests)}")
        Console().print(table)
    if not result["passed"]:
        raise typer.Exit(1)


def noise(
    data: Data,
    scenarios: Annotated[
        list[str] | None,
        typer.Option("--scenario", help="fox, russellmitchell, santos or shaw; repeat for several. All by default."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each, with other units reviewed.")] = 3,
    json: AsJson = False,
) -> None:
    """AIT-ADS with simulated reviews: how much noise leaves the primary queue, and does an attack step with it?"""
    from streams.evaluation import noise as evaluation
    from streams.evaluation import noise_report as report
    from streams.evaluation.ait_ads import SCENARIOS

    chosen = tuple(scenarios or SCENARIOS)
    if unknown := [name for name in chosen if name not in SCENARIOS]:
        raise fail(f"no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    with clear_errors(OSError, ValueError):
        folder = data_folder(data)
        results = evaluation.run(folder, scenarios=chosen, seeds=seeds, clock=time.process_time, progress=told)
    if json:
        as_json(report.plain(results))
    else:
        Console().print(report.table(results))
    if not all(met for *_, met in report.judged(results)):
        raise typer.Exit(1)


def changes(
    data: Data,
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", help="A seed of the simulated scenarios; repeat for several.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Changes behind units: is the right one shown first, and none where there is none? Takes minutes."""
    from streams.evaluation import changes as evaluation

    with clear_errors(OSError, ValueError, KeyError):
        result = evaluation.run(data_folder(data), told, seeds or evaluation.SEEDS)
    if json:
        as_json(result)
    else:
        for table in evaluation.tables(result):
            Console().print(table)
    if not result["passed"]:
        raise typer.Exit(1)


def ait_noise(
    data: Data,
    scenarios: Annotated[
        list[str] | None,
        typer.Option("--scenario", help="fox, russellmitchell, santos or shaw; repeat for several. All by default."),
    ] = None,
    baselines: Annotated[
        list[str] | None,
        typer.Option("--baseline", help="HalfSpaceTrees, OneClassSVM or LODA, by river; repeat for several. Minutes."),
    ] = None,
    json: AsJson = False,
) -> None:
    """AIT-ADS alert by alert: do the models tell an attack step from noise, and is their p what it says?"""
    from models.baselines import BASELINES
    from streams.evaluation import ait_noise as evaluation
    from streams.evaluation.ait_ads import SCENARIOS

    chosen = _known("scenario", scenarios, SCENARIOS) or SCENARIOS
    beside = _known("baseline", baselines, tuple(BASELINES))
    with clear_errors(OSError, ValueError):
        results, calibrated = evaluation.run(
            data_folder(data), scenarios=chosen, baselines=beside, clock=time.process_time, progress=told
        )
    result = evaluation.plain(results, calibrated)
    if json:
        as_json(result)
    else:
        table = Table(
            "scorer", "scenarios", "ROC", "AP", "least ROC", "µs an alert", title="Attack steps against noise"
        )
        for row in result["scorers"]:
            table.add_row(
                row["scorer"],
                f"{', '.join(row['scenarios'])} ({row['set']})",
                *(f"{row[name]:.3f}" for name in ("roc", "ap", "least_roc")),
                f"{row['cpu_us']:.1f}",
            )
        Console().print(table)
        Console().print(_targets(result["targets"]))
    if not result["passed"]:
        raise typer.Exit(1)


def nab(
    data: Data,
    baselines: Annotated[
        list[str] | None,
        typer.Option("--baseline", help="HalfSpaceTrees, OneClassSVM or LODA, by river; repeat for several. Minutes."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Rates of the Numenta anomaly benchmark: are anomalies found early, and little else?"""
    from models.baselines import BASELINES
    from streams.evaluation import nab as evaluation
    from streams.evaluation.nab_score import PROFILES

    beside = _known("baseline", baselines, tuple(BASELINES))
    with clear_errors(OSError, ValueError, KeyError):
        result = evaluation.run(data_folder(data), baselines=beside, clock=time.process_time, progress=told)
    if json:
        as_json(result)
    else:
        table = Table("detector", *PROFILES, "µs a record", title="NAB score, the half at hand")
        for row in result["results"]:
            scores = (f"{row['profiles'][name]['score']:.1f}" for name in PROFILES)
            table.add_row(row["detector"], *scores, f"{row['cpu_us']:.1f}")
        for name, given in result["published"].get("scores", {}).items():
            table.add_row(f"{name}, published", *(f"{given[profile]:.1f}" for profile in PROFILES), "")
        Console().print(table)
        Console().print(_targets(result["targets"]))
    if not result["passed"]:
        raise typer.Exit(1)


def poisoning(
    seeds: Annotated[
        list[int] | None,
        typer.Option("--seed", help="Of the made-up traffic; repeat for several. 1, 2 and 3 by default."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Can the models be taught wrong? On traffic made up from seeds; two minutes."""
    from streams.evaluation import poisoning as evaluation

    result = evaluation.run(seeds or (1, 2, 3), told)
    if json:
        as_json(result)
    else:
        console = Console()
        table = Table(
            "poison", "ROC loss, mean", "most", "attacks at p <= 1e-3", title=f"ROC {result['roc']:.4f} without"
        )
        for name, loss in result["loss"].items():
            recall = result["recall"][name]
            table.add_row(name.replace("_", " "), f"{loss['mean']:.4f}", f"{loss['most']:.4f}", f"{recall:.0%}")
        console.print(table)
        ramps = Table(
            "calls a day", "median days", "p90", "within ten days", "false alarms a year", title="Ramps of 2 % a day"
        )
        for calls, ramp in result["ramp"].items():
            figures = (f"{ramp['median']:.0f}", f"{ramp['p90']:.0f}", f"{ramp['within_ten_days']:.0%}")
            ramps.add_row(calls, *figures, f"{ramp['false_alarms_a_year']:.2f}")
        console.print(ramps)
        console.print(_targets(result["targets"]))
    if not result["passed"]:
        raise typer.Exit(1)


def shadow(
    paths: Annotated[list[str], typer.Option("--data", help="Recorded file or folder; repeat for several.")],
    second: Annotated[
        Path, typer.Option("--set", exists=True, dir_okay=False, help="TOML of the model set to compare.")
    ],
    acting: Annotated[
        Path | None,
        typer.Option("--against", exists=True, dir_okay=False, help="TOML of another than the standard set."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Two model sets on recorded files: where would the second have spoken otherwise?"""
    from schemas.model_set import ModelSet
    from schemas.parameters import Parameters
    from streams.cli.models import set_of
    from streams.evaluation import shadow as evaluation
    from streams.replay.files import Unreadable

    with clear_errors(Unreadable, OSError, ValueError):
        result = evaluation.run(
            paths, ModelSet() if acting is None else set_of(acting), set_of(second), Parameters(), told
        )
    if json:
        as_json(result)
    else:
        for table in evaluation.tables(result):
            Console().print(table)
    if not result["passed"]:
        raise typer.Exit(1)


def rules(data: Data, json: AsJson = False) -> None:
    """Sample logs that were published with other rules: does the pack decide them as they are to be decided?"""
    from streams.evaluation import rules as evaluation

    with clear_errors(OSError, ValueError, KeyError):
        result = evaluation.run(data_folder(data), told)
    if json:
        as_json(result)
    else:
        for table in evaluation.tables(result):
            Console().print(table)
    if not result["passed"]:
        raise typer.Exit(1)


Poison = Annotated[bool, typer.Option("--poison", help="Also with poisoned streams: about twice as long.")]


def darpa(data: Data, poison: Poison = False, json: AsJson = False) -> None:
    """DARPA 1998 as a stream of edges: does surge, an option outside the standard set, rank attacks above the rest?

    Constants of surge were frozen on the first 20 %, the form was found with all labels in view. Takes minutes.
    """
    from streams.evaluation import darpa as evaluation

    _ranked(evaluation, data, poison, json)


def kdd99(data: Data, poison: Poison = False, json: AsJson = False) -> None:
    """KDD Cup 1999, a fifth of it attacks: does tokens, an option outside the standard set, rank them above the rest?

    Constants of tokens were frozen on the first 20 %, the form was found with all labels in view. Takes minutes.
    """
    from streams.evaluation import kdd99 as evaluation

    _ranked(evaluation, data, poison, json)


def _ranked(evaluation: Any, data: Path, poison: bool, json: bool) -> None:
    with clear_errors(OSError, ValueError):
        folder = data_folder(data)
        result = evaluation.run(
            folder, told, time.process_time, lambda: _digests(evaluation.__name__, folder), poison=poison
        )
    if json:
        as_json(result)
    else:
        for table in evaluation.tables(result):
            Console().print(table)
    if not result["passed"]:
        raise typer.Exit(1)


HASH_SEEDS: Final = (0, 1, 2, 3, 4)


def _digests(module: str, data: Path) -> Sequence[str]:
    """What the evaluation's ``digest`` is in processes of their own, each with another seed of Python's hash."""
    code = f"import sys, pathlib; from {module} import digest; print(digest(pathlib.Path(sys.argv[1])))"
    found = []
    for seed in HASH_SEEDS:
        told(f"a prefix under hash seed {seed}")
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", code, str(data)],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            check=True,
            capture_output=True,
            text=True,
        )
        found.append(done.stdout.strip())
    return found


EVALUATIONS: Final[tuple[tuple[str, Callable[..., None]], ...]] = (
    ("grouping", grouping),
    ("windows", windows),
    ("noise", noise),
    ("changes", changes),
    ("ait-noise", ait_noise),
    ("nab", nab),
    ("poisoning", poisoning),
    ("shadow", shadow),
    ("darpa", darpa),
    ("kdd99", kdd99),
    ("rules", rules),
)
"""To add an evaluation: a function here, and one entry."""


def _known(what: str, given: list[str] | None, there_are: tuple[str, ...]) -> tuple[str, ...]:
    chosen = tuple(given or ())
    if unknown := [name for name in chosen if name not in there_are]:
        raise fail(f"no {what} {', '.join(unknown)}; there are {', '.join(there_are)}")
    return chosen


def _targets(targets: list[dict[str, Any]]) -> Table:
    table = Table("promised", "measured", "wanted", "met", title="Targets")
    for target in targets:
        table.add_row(target["name"], f"{target['measured']:.3g}", target["wanted"], "yes" if target["met"] else "NO")
    return table


def data_folder(given: Path) -> Path:
    """The folder that holds the data sets: the one given, or ``data`` in it."""
    return given / "data" if (given / "data").is_dir() else given


def told(line: str) -> None:
    """Progress, on stderr."""
    typer.echo(line, err=True)


def as_json(value: dict[str, Any]) -> None:
    """One object on stdout."""
    typer.echo(orjson.dumps(value).decode())


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for name, command in EVALUATIONS:
        evaluate.command(name)(command)
    app.add_typer(evaluate, name="eval")
