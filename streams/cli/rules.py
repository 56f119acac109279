"""``weir rules lint``, ``test`` and ``explain``: Sigma rules before they are in force; and the commands after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from streams.cli.common import fail
from streams.cli.rules_in_force import ls, push, withdraw
from streams.cli.table import plain

if TYPE_CHECKING:
    from streams.sigma.load import Loaded
    from streams.sigma.rule import Fault, Rule

rules = typer.Typer(no_args_is_help=True, help="Check, test and explain Sigma rules; put them in force.")
rules.command("push")(push)
rules.command("withdraw")(withdraw)
rules.command("ls")(ls)

Paths = Annotated[list[Path], typer.Argument(help="Files or folders with Sigma rules (YAML or JSON).", exists=True)]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
Values = Annotated[
    list[str] | None,
    typer.Option("--placeholder", "-p", metavar="NAME=VALUE", help="A value for %NAME%; repeat for several."),
]


@rules.command("lint")
def lint(paths: Paths, placeholder: Values = None, json: AsJson = False) -> None:
    """How many rules compile, and of each that does not where it fails and why.

    Exit code 1 if any rule failed.
    """
    loaded, faults = _loaded(paths, placeholder)
    failed = len({(fault.file, fault.document) for fault in faults})
    total = loaded.compiled + failed
    share = loaded.compiled / total if total else 0.0
    if json:
        out = {
            "rules": total,
            "compiled": loaded.compiled,
            "failed": failed,
            "share": round(share, 4),
            "detections": len(loaded.rules),
            "correlations": len(loaded.correlations),
            "filters": loaded.filters,
            "faults": [fault._asdict() for fault in faults],
            "notes": [note._asdict() for note in loaded.notes],
        }
        typer.echo(orjson.dumps(out).decode())
    else:
        for fault in faults:
            typer.echo(plain(str(fault)))
        for note in loaded.notes:
            typer.echo(plain(f"note: {note}"))
        parts = f"{len(loaded.rules)} detections, {len(loaded.correlations)} correlations, {loaded.filters} filters"
        typer.echo(f"{loaded.compiled} of {total} compiled ({share:.1%}): {parts}")
    if faults:
        raise typer.Exit(1)


@rules.command("test")
def run_tests(paths: Paths, placeholder: Values = None, json: AsJson = False) -> None:
    """Run each rule on its own test events: the list ``tests`` in its document, each with ``match`` and ``event``.

    Exit code 1 if a rule decides one otherwise, fails to compile or no rule has tests.
    """
    from streams.sigma.cases import run

    loaded, faults = _loaded(paths, placeholder)
    outcomes = run(loaded.rules)
    wrong = [outcome for outcome in outcomes if not outcome.right]
    untested = [rule for rule in loaded.rules if not rule.cases]
    if json:
        out = {
            "cases": len(outcomes),
            "right": len(outcomes) - len(wrong),
            "wrong": [
                {"rule": each.rule.key, "title": each.rule.title, "file": each.rule.file, "test": each.case.name,
                 "match": each.case.match, "matched": each.matched} for each in wrong
            ],
            "untested": [rule.key for rule in untested],
            "faults": [fault._asdict() for fault in faults],
        }  # fmt: skip
        typer.echo(orjson.dumps(out).decode())
    else:
        for fault in faults:
            typer.echo(plain(str(fault)))
        for each in wrong:
            did = "matched and must not" if each.matched else "did not match and must"
            typer.echo(plain(f"{each.rule.file}: {each.rule.title}: {each.case.name}: {did}"))
        for rule in untested:
            typer.echo(plain(f"note: {rule.file}: {rule.title}: no tests"))
        typer.echo(f"{len(outcomes) - len(wrong)} of {len(outcomes)} right, {len(untested)} rules without tests")
    if wrong or faults or not outcomes:
        raise typer.Exit(1)


@rules.command("explain")
def explain(
    file: Annotated[Path, typer.Argument(help="A file with Sigma rules.", exists=True, dir_okay=False)],
    event: Annotated[Path, typer.Argument(help="One event as JSON, as the vendor sends it.", exists=True)],
    placeholder: Values = None,
    json: AsJson = False,
) -> None:
    """Which parts of each rule's condition hold for an event, with the values that were compared. + holds, - does not.

    Exit code 1 if no rule matches.
    """
    from streams.sigma.explain import explain as explained

    loaded, faults = _loaded([file], placeholder)
    for fault in faults:
        typer.echo(plain(str(fault)), err=True)
    if not loaded.rules:
        raise fail(f"{file}: no detection rule in it compiles")
    document = _event(event)
    parts = [(rule, explained(rule, document)) for rule in loaded.rules]
    if json:
        out = [
            {"rule": rule.key, "title": rule.title, "matched": part.holds, "condition": part.as_dict()}
            for rule, part in parts
        ]
        typer.echo(orjson.dumps(out).decode())
    else:
        for rule, part in parts:
            typer.echo(plain(f"{'matches' if part.holds else 'does not match'}: {rule.title} ({_what(rule)})"))
            for line in part.lines(1):
                typer.echo(plain(line))
    if not any(part.holds for _, part in parts):
        raise typer.Exit(1)


def _what(rule: Rule) -> str:
    return f"{rule.level or 'no level'}, {rule.logsource}"


def _event(path: Path) -> dict[str, Any]:
    try:
        document = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise fail(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise fail(f"{path}: not a JSON object")
    return document


def _loaded(paths: list[Path], placeholder: list[str] | None) -> tuple[Loaded, list[Fault]]:
    from streams.sigma.load import load
    from streams.sigma_files import correlation_faults, read_texts

    values: dict[str, list[str]] = {}
    for each in placeholder or ():
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise fail(f"--placeholder {each}: not NAME=VALUE")
        values.setdefault(name, []).append(value)
    texts, unread = read_texts(paths)
    loaded = load(texts, values)
    wrong = correlation_faults(loaded)
    broken = {(fault.file, fault.document) for fault in wrong}
    good = tuple(each for each in loaded.correlations if (each.document.file, each.document.number) not in broken)
    return loaded._replace(correlations=good), [*unread, *loaded.faults, *wrong]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(rules, name="rules")
