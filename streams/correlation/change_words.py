"""The words for each factor of a change's score, as an analyst reads them. Pure."""

from __future__ import annotations

from typing import Any

from streams.correlation.change_content import Subject
from streams.correlation.rows import ChangeRow

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000

_CONTENT = {
    "digest": "image digest",
    "commit": "commit",
    "commit-prefix": "commit",
    "package-version": "package",
    "package-name": "package",
    "vulnerability": "vulnerability",
    "file": "file",
    "port": "port",
}


def span(ms: int) -> str:
    """A duration in words: ``40 s``, ``12 min``, ``3.5 h``, ``2.1 d``."""
    if ms < _MINUTE:
        return f"{ms // 1000} s"
    if ms < _HOUR:
        return f"{ms // _MINUTE} min"
    return f"{ms / _HOUR:.1f} h" if ms < _DAY else f"{ms / _DAY:.1f} d"


def words(name: str, detail: tuple[Any, ...], subject: Subject, change: ChangeRow) -> str:
    """What a factor of that name says, given the detail that the score left with it."""
    kind = change.kind.replace("_", " ")
    match name, detail:
        case "time", (gap,) if change.time <= subject.first:
            early = subject.first - change.time
            grave = f", {span(gap)} before a grave one" if gap > early else ""
            return f"{span(early)} before the first signal{grave}"
        case "time", (gap,):
            return f"{span(change.time - subject.first)} after the first signal, {span(gap)} before a grave one"
        case "entity", shared:
            return "shared: " + ", ".join(map(_entity, shared))
        case "component", (component, common):
            return f"the same component, {component}" + (", which changes all the time" if common else "")
        case "dependency", (component, 1):
            return f"{component}, which it depends on"
        case "dependency", (component, distance):
            return f"{component}, which it depends on in {distance} steps"
        case "content", shared:
            return "it brought what the signals name: " + ", ".join(_contents(shared))
        case "actor", (actor,):
            return f"made by {actor}, who is in the unit"
        case "deed", (actor, address):
            return f"{actor} made it from {address}, where no change came from before: part of it, not its cause"
        case "other_image", (digest,):
            return f"it brought another image than the signals name ({str(digest)[:19]})"
        case "removes", (package,):
            return f"it took {package} away, which the signals name"
        case "unrelated", (somewhat,):
            return "shares " + ("little that is specific" if somewhat else "nothing specific") + " with the signals"
        case "kind", kinds:
            return f"a {kind} change can bring about: {', '.join(map(str, kinds))}"
        case "misfit", kinds:
            return f"a {kind} change does not bring about: {', '.join(map(str, kinds)) or 'anything here'}"
        case "outside", _:
            return f"an attack from outside is in it, which no {kind} change brings about"
        case "history", (confirmed, rejected):
            return f"{kind} changes were shown on {confirmed} confirmed and {rejected} rejected units of the domain"
        case "lesser", _:
            return "what it may be behind is not the gravest in the unit"
        case "later", _:
            return "after the first grave signal, so behind later ones at most"
        case "after", _:
            return "nothing grave and new came after it"
        case "failed", _:
            return "the change failed"
    raise AssertionError(f"a factor without words: {name}")


def _entity(shared: Any) -> str:
    kind, id_, common = shared
    return f"{kind} {id_}" + (" (common)" if common else "")


def _contents(shared: tuple[Any, ...]) -> list[str]:
    """Each content once: a commit matches as itself and by its prefix, a package by its version and its name."""
    out: list[str] = []
    for kind, value in shared:
        text = f"{_CONTENT[kind]} {value}"
        if not any(text in said or said in text for said in out):
            out.append(text)
    return out
