"""``weir review``: what a person decides about a unit or a pattern. It enters the log, and the fold acts on it."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.entity import ENTITY_KINDS
from schemas.unit import Unit
from streams.cli import table
from streams.cli.common import fail
from streams.cli.reviewing import Target, make, until, write
from streams.correlation.suppression.shown import patterns_of

group = typer.Typer(
    help="Decide: verdicts, merges, suppressions. Each is a record in the log with your name.", no_args_is_help=True
)

UnitId = Annotated[str, typer.Argument(metavar="UNIT", help="Id of a unit, or the beginning of one; old ids work.")]
Comment = Annotated[str, typer.Option("--comment", "-m", help="Why; shown with the unit.")]
Until = Annotated[str | None, typer.Option(help="End: a span such as 12h, 30d, 2w, a date, or an instant.")]
Who = Annotated[
    str | None, typer.Option("--reviewer", help="Your name; else WEIR_REVIEWER, git's user.email, or your login.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the record as it was written.")]
File = Annotated[Path | None, typer.Option(help="Append to this file instead, for `weir replay`.")]


class Verdicts(StrEnum):
    """What a unit was."""

    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    BENIGN = "benign"
    DUPLICATE = "duplicate"
    INSUFFICIENT_DATA = "insufficient_data"


@group.command("verdict")
def verdict(
    unit: UnitId, was: Annotated[Verdicts, typer.Argument(metavar="VERDICT", help="What it was.")],
    comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None,
) -> None:  # fmt: skip
    """Say what a unit was."""
    _on(Target(), unit, who, as_json, file, kind="verdict", verdict=was.value, comment=comment)


@group.command("comment")
def comment_(
    unit: UnitId, text: Annotated[str, typer.Argument(help="The comment.")],
    who: Who = None, as_json: Json = False, file: File = None,
) -> None:  # fmt: skip
    """Add a comment."""
    _on(Target(), unit, who, as_json, file, kind="comment", comment=text)


@group.command("approve")
def approve(unit: UnitId, comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None) -> None:
    """Approve what waits for an approval."""
    _on(Target(), unit, who, as_json, file, kind="approval", comment=comment)


@group.command("override")
def override(
    unit: UnitId,
    severity: Annotated[str | None, typer.Option(help="Another severity: its name, or its OCSF number.")] = None,
    owner: Annotated[str | None, typer.Option(help="Another owner.")] = None,
    comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None,
) -> None:  # fmt: skip
    """Set severity or owner over the engine's."""
    if (severity is None) == (owner is None):
        raise fail("give either --severity or --owner")
    fields = (
        {"field": "owner", "value": owner} if severity is None else {"field": "severity", "value": _number(severity)}
    )
    _on(Target(), unit, who, as_json, file, kind="override", comment=comment, **fields)


@group.command("exception")
def exception(
    unit: UnitId, until_: Annotated[str, typer.Option("--until", help="End: 30d, 2w, a date, or an instant.")],
    comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None,
) -> None:  # fmt: skip
    """Accept the risk until a date."""
    end = until(until_, _now())
    _on(Target(), unit, who, as_json, file, kind="exception", expires=end, comment=comment)


@group.command("merge")
def merge(
    unit: UnitId, other: Annotated[str, typer.Argument(help="The unit that belongs to it.")],
    comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None,
) -> None:  # fmt: skip
    """Make two units of one domain one; the earlier one survives, the other's id stays an alias."""
    target = Target()
    first = target.unit(unit)
    second = target.other(other, first)
    _about(target, first, who, as_json, file, kind="merge", other_unit_id=second.unit_id, comment=comment)


@group.command("split")
def split(
    unit: UnitId, signals: Annotated[list[str], typer.Argument(help="Ids of the signals that leave.")],
    comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None,
) -> None:  # fmt: skip
    """Move signals out into a unit of their own."""
    target = Target()
    of = target.unit(unit)
    known = {signal.id for signal in of.signals}
    if unknown := [name for name in signals if name not in known and not of.truncated]:
        raise fail(f"{table.plain(of.unit_id)} has no signal {', '.join(map(table.plain, unknown))}")
    if known <= set(signals) and not of.truncated:
        raise fail("these are all signals of the unit; nothing would be left")
    _about(target, of, who, as_json, file, kind="split", signals=tuple(dict.fromkeys(signals)), comment=comment)


@group.command("unmerge")
def unmerge(
    unit: UnitId, other: Annotated[str, typer.Argument(help="Id, in full, of the unit that was merged in.")],
    comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None,
) -> None:  # fmt: skip
    """Take a merge back: both units are as they would be without it."""
    target = Target()
    of = target.unit(unit)
    if other not in of.aliases:
        aliases = ", ".join(map(table.plain, of.aliases)) or "nothing"
        raise fail(f"{table.plain(other)} was not merged into {table.plain(of.unit_id)}; merged in: {aliases}")
    _about(target, of, who, as_json, file, kind="unmerge", other_unit_id=other, comment=comment)


@group.command("escalate")
def escalate(unit: UnitId, comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None) -> None:
    """Escalate a unit: it stays in the queue, and so does what looks like it."""
    _on(Target(), unit, who, as_json, file, kind="escalate", comment=comment)


@group.command("suppress")
def suppress(
    unit: Annotated[str | None, typer.Argument(metavar="[UNIT]", help="All patterns of this unit.")] = None,
    pattern: Annotated[str | None, typer.Option(help="This pattern only, by its id.")] = None,
    domain: Annotated[str | None, typer.Option(help="Domain of the pattern, where no unit is named.")] = None,
    until_: Annotated[str | None, typer.Option("--until", help="End: 30d, 2w, a date; default and most 90 d.")] = None,
    comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None,
) -> None:  # fmt: skip
    """Take a kind of noise out of the primary queue: what looks like this unit, or a pattern by its id.

    Known exploited, critical, and high severity reachable from the internet stay in the queue all the same.
    """
    end = None if until_ is None else until(until_, _now())
    if not comment:
        raise fail("say why with --comment: a suppression is shown with its reason")
    target = Target()
    fields: dict[str, Any] = {"kind": "suppress", "pattern": pattern, "expires": end, "comment": comment}
    if unit is not None:
        _about(target, target.unit(unit), who, as_json, file, **fields)
    elif pattern is None or domain is None:
        raise fail("name a unit, or a --pattern and its --domain")
    else:
        write(target, [make(domain, "", who, _now(), fields)], file=file, as_json=as_json)


@group.command("unsuppress")
def unsuppress(
    what: Annotated[str, typer.Argument(metavar="PATTERN|UNIT", help="Id of a pattern, or of a unit that it hides.")],
    domain: Annotated[str | None, typer.Option(help="Only there; else wherever the pattern hides units.")] = None,
    comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None,
) -> None:  # fmt: skip
    """Bring back what a pattern hid, all of it, as of now."""
    target = Target()
    units = [revision.unit for revision in target.found.revisions.values()]
    hiding = {unit.domain for unit in units if unit.suppression is not None and what in patterns_of(unit.suppression)}
    fields: dict[str, Any] = {"kind": "unsuppress", "comment": comment}
    if domain is not None or hiding:
        now = _now()
        domains = [domain] if domain is not None else sorted(hiding)
        reviews = [make(name, "", who, now, {**fields, "pattern": what}) for name in domains]
        write(target, reviews, file=file, as_json=as_json)
        return
    unit = target.unit(what)
    if unit.suppression is None:
        raise fail(f"{table.plain(unit.unit_id)} is not suppressed, and no pattern of that id hides a unit", 1)
    _about(target, unit, who, as_json, file, **fields)


@group.command("unlink")
def unlink(
    unit: UnitId,
    entity: Annotated[str, typer.Argument(metavar="KIND:ID", help="The entity that was taken for another.")],
    comment: Comment = "", who: Who = None, as_json: Json = False, file: File = None,
) -> None:  # fmt: skip
    """Revoke what was learnt about who stands for whom, in the unit's domain."""
    kind, colon, name = entity.partition(":")
    if not colon or not name or kind not in ENTITY_KINDS:
        raise fail(f"{table.plain(entity)}: KIND:ID with a KIND of {', '.join(ENTITY_KINDS)}")
    _on(Target(), unit, who, as_json, file, kind="unlink", value=entity, comment=comment)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="review")


def _on(target: Target, unit: str, who: str | None, as_json: bool, file: Path | None, **fields: Any) -> None:
    _about(target, target.unit(unit), who, as_json, file, **fields)


def _about(target: Target, unit: Unit, who: str | None, as_json: bool, file: Path | None, **fields: Any) -> None:
    write(target, [make(unit.domain, unit.unit_id, who, _now(), fields)], file=file, as_json=as_json)


def _now() -> datetime:
    return datetime.now(UTC)


def _number(text: str) -> str:
    for number, (name, _) in table.SEVERITY.items():
        if text.lower() in (name, str(number)):
            return str(number)
    raise fail(f"--severity {text!r}: one of {', '.join(name for name, _ in table.SEVERITY.values())}, or 0 to 6")
