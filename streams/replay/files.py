"""Which files to read, in which order, and as what. Their names decide how they are opened, never what the engine sees.

The suffix says the form: ``.ndjson .jsonl`` one document a line, ``.yaml .yml`` YAML documents, ``.csv`` one document
a row, ``.json .sarif`` by what is in it; each also compressed (gzip, known by its first bytes). Any other file, and
CSV, is read only if its content is a format that a source knows, or if its source is named.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from streams.replay.documents import Form, documents
from streams.sources.backstage import Backstage
from streams.sources.base import Source
from streams.sources.cyclonedx_vex import CycloneDxVex
from streams.sources.epss import Epss
from streams.sources.kev import Kev
from streams.sources.known import BUILT_IN, Known
from streams.sources.openvex import OpenVex
from streams.sources.parse import ParseError, parse
from streams.sources.plain_text import plain_text
from streams.sources.policy_exceptions import PolicyExceptions
from streams.sources.shipped import opened
from streams.sources.steering import Steering

_FORMS: dict[str, Form] = {
    ".json": "json",
    ".sarif": "json",
    ".ndjson": "lines",
    ".jsonl": "lines",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".csv": "csv",
}
_LOOK = 20
"""Documents that are looked at to know the format of a file."""

Role = Literal["context", "exceptions", "events"]
"""Context counts from the start of the replay; so does what exceptions say, but as changes they have a time, too."""

_ROLES: dict[str, Role] = {
    Backstage.name: "context",
    Kev.name: "context",
    Epss.name: "context",
    OpenVex.name: "context",
    CycloneDxVex.name: "context",
    Steering.name: "context",
    PolicyExceptions.name: "exceptions",
}


class Unreadable(ValueError):
    """A path that cannot be replayed; the text says which and why."""


class Input(NamedTuple):
    """One file to replay. ``number`` is its place in the sorted list: the partition of its raw records."""

    number: int
    path: Path
    form: Form
    source: Source | None
    role: Role


class Skipped(NamedTuple):
    """A file that is not read, and why."""

    path: Path
    reason: str


def find(
    arguments: Sequence[str], source: str | None = None, known: Known = BUILT_IN
) -> tuple[list[Input], list[Skipped]]:
    """The files that ``PATH`` and ``NAME=PATH`` stand for, folders searched in depth, sorted by path.

    ``source`` names the source of the files that are given without ``NAME``, out of the ``known`` ones. Hidden files in
    folders are left alone.

    Raises:
        Unreadable: a path that is not there or may not be read.
        UnknownSourceError: no source has the name.
    """
    default = known.by_name(source) if source else None
    named: dict[Path, Source | None] = {}
    for argument in arguments:
        path, bound = _split(argument, known)
        for file in _files(path):
            named[file] = bound or named.get(file) or default
    inputs: list[Input] = []
    skipped: list[Skipped] = []
    for path in sorted(named):
        found = _input(len(inputs), path, named[path], known)
        if isinstance(found, Input):
            inputs.append(found)
        else:
            skipped.append(found)
    return inputs, skipped


def catalog(path: Path, number: int) -> Input:
    """A file that is named as the catalog."""
    _readable(path)
    return Input(number, path, _form(path) or "yaml", Backstage(), "context")


def _split(argument: str, known: Known) -> tuple[Path, Source | None]:
    name, equals, path = argument.partition("=")
    if not equals or Path(argument).exists():
        return Path(argument), None
    if any(source.name == name for source in known.sources) or Path(path).exists():
        return Path(path), known.by_name(name)
    return Path(argument), None


def _files(path: Path) -> Iterable[Path]:
    if not path.exists():
        raise Unreadable(f"{path}: there is no such file or folder")
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise Unreadable(f"{path}: neither a file nor a folder; a stream is read once, and this needs two looks")
    return (
        file
        for file in path.rglob("*")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def form(path: Path) -> Form:
    """How a file is cut into documents, by its name; JSON where that says nothing."""
    return _form(path) or "json"


def _form(path: Path) -> Form | None:
    name = path.name.lower().removesuffix(".gz")
    return _FORMS.get(Path(name).suffix)


def _readable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None


def _input(number: int, path: Path, source: Source | None, known: Known) -> Input | Skipped:
    _readable(path)
    form = _form(path)
    if source is None:
        found = _look(path, form or "json", known)
        if found is None and form in (None, "csv"):
            return Skipped(path, "no source reads this format; name one with NAME=PATH if it should")
        if found is None and _holds_records(path, form or "json"):
            source, found = Steering(), Steering.name
    else:
        found = source.name
    return Input(number, path, form or "json", source, _ROLES.get(found or "", "events"))


def _look(path: Path, form: Form, known: Known) -> str | None:
    """The name of the source that reads the first document which any source reads."""
    with documents(path, form) as found:
        for document, _ in zip(found, range(_LOOK), strict=False):
            if document.problem is None:
                source = _source_of(document.value, known)
                if source is not None:
                    return source.name
    return None


def _holds_records(path: Path, form: Form) -> bool:
    """Whether a file begins with a record of the context topic, as who replays it may give them.

    Only here: whoever can write to a raw topic must not be able to steer the engine.
    """
    with documents(path, form) as found:
        first = next(iter(found), None)
        if first is None or first.problem is not None:
            return False
        try:
            document = parse(first.value)
        except ParseError:
            return False
    return isinstance(document, dict) and document.keys() == {"kind", "key", "record"}


def _source_of(value: bytes, known: Known) -> Source | None:
    """The source that ingest would take, by content."""
    try:
        document = parse(value)
    except ParseError:
        lines = plain_text(value)
        return None if lines is None else known.recognise(lines, {})
    source = known.recognise(document, {})
    if source is not None:
        return source
    found = opened(document, {}, known.recognise)
    return None if found is None else found.source
