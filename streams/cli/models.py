"""``weir models``: which model sets score, how they are, how two compare; and switching between them."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from schemas.model_set import ModelSet
from schemas.parameters import Parameters
from streams.cli.common import connected, fail
from streams.cli.table import plain

group = typer.Typer(help="Model sets: look at them, run a second one in the shadow, switch.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@group.command("show")
def show(
    differences: Annotated[int, typer.Option(min=0, help="Differences shown of each domain.")] = 5,
    as_json: AsJson = False,
) -> None:
    """The sets in force, how each domain's models are, and where a shadow set differs from the acting one."""
    from streams.edge.dump import NoTopic
    from streams.edge.feed import held_config
    from streams.edge.model_rows import read
    from streams.edge.reach import BrokerFailed, reaching
    from streams.scoring import described, health_of, moves_of, of_models
    from streams.shadow import TABLE
    from streams.shadow import read as compared

    loaded = connected()
    try:
        with reaching(loaded):
            parameters = held_config(loaded) or loaded.engine
            domains = read(loaded, of_models)
    except (BrokerFailed, NoTopic, TimeoutError) as error:
        raise fail(str(error), 1) from None
    found: dict[str, Any] = {
        "models": described(parameters.models),
        "shadow": None if parameters.shadow is None else described(parameters.shadow),
        "domains": {},
    }
    for name, tables in sorted(domains.items()):
        counts, noted = compared(tables.get(TABLE, {}))
        found["domains"][name] = {
            "health": [each._asdict() | {"text": each.text} for each in health_of(parameters.models, tables)],
            "shadow": counts._asdict() if counts.events else None,
            "feedback": [move._asdict() for move in moves_of(tables)],
            "differences": [each._asdict() for each in noted[:differences]],
        }
    if as_json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
        return
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    for role in ("models", "shadow"):
        if found[role] is not None:
            console.print(f"{'acting' if role == 'models' else 'shadow'}: {found[role]['name']}", style="bold")
            for each in found[role]["detectors"]:
                console.print(f"  {plain(each)}")
    table = Table("domain", "model", "state", "what it says", box=None, pad_edge=False)
    for name, domain in found["domains"].items():
        for each in domain["health"]:
            table.add_row(plain(name), each["model"], each["state"], plain(each["text"]))
    console.print(table)
    for name, domain in found["domains"].items():
        for move in domain["feedback"][-differences:]:
            console.print(
                plain(
                    f"{name}: level of {move['detector']} moved by {move['before']:.2f} to {move['after']:.2f} on day "
                    f"{move['day']}, by {move['verdicts']} verdicts of {move['reviewers']} people"
                ),
                soft_wrap=True,
            )
    for name, domain in found["domains"].items():
        if domain["shadow"] is None:
            continue
        counts = domain["shadow"]
        console.print(
            f"{plain(name)}: {counts['events']:,} events; signals of both {counts['both']:,}, "
            f"of the acting set alone {counts['active']:,}, of the shadow alone {counts['shadow']:,}"
        )
        for each in domain["differences"]:
            console.print(
                plain(f"  {each['active_p']:.1e} against {each['shadow_p']:.1e}  {each['title']}: {each['why']}"),
                style="dim",
                soft_wrap=True,
            )


@group.command("export")
def export(
    domain: Annotated[str, typer.Argument(help="The domain, as units name it.")],
    out: Annotated[Path | None, typer.Option(help="File to write to. Default: stdout.", metavar="FILE")] = None,
) -> None:
    """What the acting set has learnt in a domain, as a file that `weir replay --learnt` begins with."""
    from models.adopt import StateMismatch
    from streams.edge.dump import NoTopic
    from streams.edge.feed import held_config
    from streams.edge.model_rows import read_with_offsets
    from streams.edge.reach import BrokerFailed, reaching
    from streams.scoring import learnt_file

    loaded = connected()
    try:
        with reaching(loaded):
            models = (held_config(loaded) or loaded.engine).models
            domains, offsets = read_with_offsets(loaded, lambda table: table.startswith(models.name + "/"))
        if domain not in domains:
            raise fail(f"no domain {domain} has learnt anything; there are {', '.join(sorted(domains)) or 'none'}", 1)
        data = learnt_file(models, domain, domains[domain], offsets.get(domain, {}))
    except (BrokerFailed, NoTopic, TimeoutError, StateMismatch) as error:
        raise fail(str(error), 1) from None
    if out is None:
        sys.stdout.buffer.write(data)
    else:
        out.write_bytes(data)


@group.command("shadow")
def shadow(
    file: Annotated[
        Path | None,
        typer.Argument(
            exists=True, dir_okay=False, help="TOML with name, and detectors or parameters where they differ."
        ),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="End the shadow set, and forget what it learnt.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a second set beside the acting one: it scores and learns on the same events, and has no effect."""
    if (file is None) != off:
        raise fail("name the file of a model set, or --off")
    second = None if file is None else set_of(file)

    def change(parameters: Parameters) -> Parameters:
        return _with(parameters, parameters.models, second)

    _change(change, as_json)


@group.command("switch")
def switch(as_json: AsJson = False) -> None:
    """Let the shadow set act, and the acting one go on in the shadow. Once more, and it is rolled back."""

    def change(parameters: Parameters) -> Parameters:
        if parameters.shadow is None:
            raise fail("there is no shadow set to switch to: `weir models shadow FILE` starts one", 1)
        return _with(parameters, parameters.shadow, parameters.models)

    _change(change, as_json)


def set_of(file: Path) -> ModelSet:
    """The model set that a TOML file says; a wrong one ends the command with what is wrong."""
    from streams.scoring import faults

    try:
        made = ModelSet.model_validate(tomllib.loads(file.read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise fail(f"{file}: {error}") from None
    except ValidationError as error:
        lines = [f"{file}: {'.'.join(map(str, each['loc'])) or 'the set'}: {each['msg']}" for each in error.errors()]
        raise fail("\n".join(lines)) from None
    if problem := faults(made):
        raise fail(f"{file}: {problem}")
    return made


def _with(parameters: Parameters, models: ModelSet, second: ModelSet | None) -> Parameters:
    """The parameters with these sets, checked as a whole."""
    try:
        return Parameters.model_validate(parameters.model_dump() | {"models": models, "shadow": second})
    except ValidationError as error:
        raise fail(str(error.errors()[0]["msg"])) from None


def _change(change: Any, as_json: bool) -> None:
    from streams.edge.dump import NoTopic
    from streams.edge.feed import change_config
    from streams.edge.reach import BrokerFailed, reaching
    from streams.scoring import described

    loaded = connected()
    if named := {"models", "shadow"} & loaded.engine.model_fields_set:
        raise fail(f"the settings name {' and '.join(sorted(named))} under [engine]: change them there")
    try:
        with reaching(loaded):
            parameters = change_config(loaded, change)
    except (BrokerFailed, NoTopic, TimeoutError) as error:
        raise fail(str(error), 1) from None
    found = {
        "models": described(parameters.models),
        "shadow": None if parameters.shadow is None else described(parameters.shadow),
    }
    if as_json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
        return
    second = "none" if parameters.shadow is None else parameters.shadow.name
    typer.echo(f"acting: {parameters.models.name}, shadow: {second}, from their record's place in the log on")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="models")
