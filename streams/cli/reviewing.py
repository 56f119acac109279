"""What a review is made of: who reviews, which unit is meant, until when. Shared by the commands of ``weir review``."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from schemas.events import Review
from schemas.unit import Unit
from streams.cli import table
from streams.cli.common import clear_errors, connected, fail

if TYPE_CHECKING:
    from streams.edge.units import Latest

_SPAN = re.compile(r"(\d+)\s*([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


def reviewer(given: str | None) -> str:
    """Who reviews: as given, else ``WEIR_REVIEWER``, else git's ``user.email``, else the login. Never nobody."""
    name = given or os.environ.get("WEIR_REVIEWER") or _of_git()
    if not name:
        try:
            name = getpass.getuser()
        except (KeyError, OSError):
            raise fail("who reviews? Give --reviewer NAME, or set WEIR_REVIEWER") from None
    return name[:256]


def _of_git() -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    asked = subprocess.run(  # noqa: S603 # a fixed command
        [git, "config", "--get", "user.email"], capture_output=True, text=True, check=False, timeout=5
    )
    return asked.stdout.strip()


def until(text: str, now: datetime) -> datetime:
    """An instant in the future: a span such as ``12h``, ``30d`` or ``2w``, a date (its end, UTC) or an instant."""
    span = _SPAN.fullmatch(text.strip().lower())
    try:
        if span is not None:
            instant = now + timedelta(hours=int(span[1]) * _HOURS[span[2]])
        else:
            instant = datetime.fromisoformat(text.strip())
            if len(text.strip()) == 10:
                instant += timedelta(days=1)
            if instant.tzinfo is None:
                instant = instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise fail(f"--until {text!r}: a span such as 12h, 30d or 2w, a date, or an instant (ISO 8601)") from None
    if instant <= now:
        raise fail(f"--until {text!r} is in the past")
    return instant.astimezone(UTC)


class Target:
    """Where units are looked up: both topics of units, read once, when the first one is asked for."""

    def __init__(self) -> None:
        self.settings = connected()
        self._found: Latest | None = None

    @property
    def found(self) -> Latest:
        """The last revision of every unit, suppressed ones included."""
        from streams.edge.units import NoUnits, latest

        if self._found is None:
            try:
                self._found = latest(self.settings, ("units", "suppressed"))
            except NoUnits as error:
                raise fail(str(error), 1) from None
        return self._found

    def unit(self, name: str) -> Unit:
        """The unit that an id, an id merged away, or the beginning of an id names. Says so if it is another one."""
        found = self.found.find(name)
        if not found:
            raise fail(f"there is no unit {table.plain(name)}", 1)
        if len(found) > 1:
            some = ", ".join(table.plain(revision.unit.unit_id) for revision in found[:5])
            raise fail(f"{len(found)} units begin with {table.plain(name)}: {some}")
        unit = found[0].unit
        if not unit.unit_id.startswith(name):
            typer.echo(f"{table.plain(name)} was merged into {table.plain(unit.unit_id)}", err=True)
        return unit

    def other(self, name: str, unit: Unit) -> Unit:
        """A second unit of the same domain, another than the first."""
        other = self.unit(name)
        if other.unit_id == unit.unit_id:
            raise fail(f"{table.plain(name)} is {table.plain(unit.unit_id)} itself")
        if other.domain != unit.domain:
            domains = f"{table.plain(unit.domain)} and {table.plain(other.domain)}"
            raise fail(f"units of two domains are linked, never merged: {domains}")
        return other


def make(domain: str, unit_id: str, who: str | None, now: datetime, fields: dict[str, Any]) -> Review:
    """A review with an id of its own."""
    try:
        return Review(
            source_id=str(uuid.uuid4()), time=now, domain=domain, unit_id=unit_id, reviewer=reviewer(who), **fields
        )
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise fail(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}") from None


def write(target: Target, reviews: list[Review], *, file: Path | None, as_json: bool) -> None:
    """Into the log's way or, with ``file``, as lines at its end, for a replay; and say what was written."""
    from streams.edge.dump import NoTopic
    from streams.edge.feed import publish_reviews
    from streams.edge.reach import BrokerFailed, reaching

    if file is not None:
        try:
            with file.open("a") as out:
                out.writelines(review.model_dump_json(exclude_none=True) + "\n" for review in reviews)
        except OSError as error:
            raise fail(f"{file}: {error.strerror}") from None
        where = str(file)
    else:
        where = target.settings.topic("reviews")
        with clear_errors(NoTopic, BrokerFailed), reaching(target.settings):
            publish_reviews(target.settings, reviews)
    for review in reviews:
        typer.echo(review.model_dump_json(exclude_none=True) if as_json else words(review))
    typer.echo(f"written to {where}", err=True)


def words(review: Review) -> str:
    """One line for a reader."""
    what = {
        "verdict": str(review.verdict).replace("_", " "),
        "override": f"{review.field} {review.value}",
        "merge": f"with {review.other_unit_id}",
        "unmerge": f"of {review.other_unit_id}",
        "split": f"of {len(review.signals)} signals",
        "unlink": str(review.value),
    }.get(review.kind, "")
    about = review.unit_id if review.pattern is None else f"pattern {review.pattern}"
    end = f" until {review.expires:%Y-%m-%d %H:%M}Z" if review.expires else ""
    text = f"{review.kind} {what}".rstrip() + f" on {about or review.domain} in {review.domain}{end}"
    comment = f": {review.comment}" if review.comment else ""
    return table.plain(f"{text} by {review.reviewer} ({review.source_id}){comment}")
