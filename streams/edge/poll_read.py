"""One look at a feed: what it says now, as context records, or that it says the same as at the last look.

Whatever comes is checked record by record, as ingest will check it: one that is wrong is named and left out, and then
nothing is withdrawn, since what is gone may only be unreadable. A document that is not of the feed's format at all,
such as a login page, fails the whole look.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from schemas.check import fault
from streams.correlation.context import instant
from streams.edge import poll_backstage
from streams.edge.context_check import unfit
from streams.edge.poll_delta import Subject
from streams.edge.poll_http import FetchFailed, Http, Validators
from streams.feeds import Feed
from streams.ingest import MAX_RAW_BYTES
from streams.replay.documents import Form, documents
from streams.sources.backstage import Backstage
from streams.sources.base import Malformed, Source
from streams.sources.epss import Epss
from streams.sources.kev import FEED, Kev
from streams.sources.parse import ParseError, parse
from streams.sources.policy_exceptions import PolicyExceptions
from streams.sources.steering import Steering

SHOWN = 5
"""Problems that are told of one look; all are counted."""

FILES = 10_000
"""Files of a folder that are read."""

_SOURCES: dict[str, Source] = {
    "kev": Kev(),
    "epss": Epss(),
    "backstage": Backstage(),
    "catalog": Backstage(),
    "policy_exceptions": PolicyExceptions(),
    "url-json": Steering(),
}
_OF_ONE_DOCUMENT = frozenset(("kev", "epss"))
_MAY_BE_EMPTY = frozenset(("policy_exceptions", "url-json"))


class LookFailed(Exception):
    """Nothing can be taken of this look; the text says why. ``retry_after``: seconds that the server asks for."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Seen(NamedTuple):
    """What is remembered of a look: the server's validators, and of files their names, sizes and times as a hash."""

    validators: Validators = Validators()
    stamp: str | None = None


class Look(NamedTuple):
    """What a feed says. ``whole``: nothing of it is missing. ``dated``: the feed's own date, ms since 1970.

    ``raw``: of policy exceptions the documents themselves, since each is a change as well, which only ingest can place.
    """

    records: dict[Subject, dict[str, Any] | None]
    problems: tuple[str, ...]
    wrong: int
    whole: bool
    dated: int | None
    seen: Seen
    raw: Mapping[Subject, bytes] = {}


class Same(NamedTuple):
    """It says what it said at the last look."""

    seen: Seen


def look(feed: Feed, http: Http, before: Seen) -> Look | Same:
    """Read a feed. ``before`` is of the last good look.

    Raises:
        LookFailed: it cannot be had, or is not what it should be.
    """
    deadline = time.monotonic() + feed.timeout / 1000
    try:
        if feed.type == "backstage":
            entities, all_there = poll_backstage.entities(feed, http, deadline)
            return _look(feed, ((f"entity {at}", each) for at, each in enumerate(entities)), Seen(), all_there)
        if feed.url is not None:
            with tempfile.NamedTemporaryFile(prefix="weir-") as file:
                answer = http.get(
                    feed.url,
                    file,  # type: ignore[arg-type] # the wrapper of a temporary file writes like the file itself
                    secrets=feed.headers,
                    deadline=deadline,
                    max_bytes=feed.max_bytes,
                    before=before.validators,
                )
                if not answer.changed:
                    return Same(before)
                file.flush()
                return _look(feed, _documents(feed, [Path(file.name)]), Seen(answer.validators))
        assert feed.path is not None
        paths = _paths(feed, feed.path)
        seen = Seen(stamp=_stamp(paths))
        if seen == before:
            return Same(before)
        return _look(feed, _documents(feed, paths, feed.path if feed.path.is_dir() else None), seen)
    except FetchFailed as error:
        raise LookFailed(str(error), error.retry_after) from None
    except OSError as error:
        raise LookFailed(f"{feed.path or 'a temporary file'}: {error.strerror or error}") from None


def _look(feed: Feed, given: Iterable[tuple[str, object]], seen: Seen, all_there: bool = True) -> Look:
    source = _SOURCES[feed.type]
    records: dict[Subject, dict[str, Any] | None] = {}
    raw: dict[Subject, bytes] = {}
    problems: list[str] = []
    wrong = 0
    whole = feed.whole and all_there
    for place, document in given:
        if isinstance(document, Problem):
            wrong += 1
            problems.append(f"{place}: {document.text}")
            continue
        if document == []:
            continue
        if feed.type in _OF_ONE_DOCUMENT and not source.recognise(document, {}):
            raise LookFailed(f"not {feed.type}: {_kind_of(document)}")
        whole = whole and (feed.type != "epss" or (isinstance(document, dict) and "rows" in document))
        for _, reading in source.read(document, {}):
            problem = None
            if isinstance(reading, Malformed):
                problem = ": ".join(filter(None, (place, reading.place, reading.reason)))
            elif isinstance(reading, dict) and reading["type"] == "context":
                found = wrong_with(reading)
                problem = None if found is None else f"{place}: {found}"
                if problem is None:
                    records[reading["kind"], reading["key"]] = reading["record"]
                    if feed.type == "policy_exceptions":
                        raw[reading["kind"], reading["key"]] = orjson.dumps(document)
            if problem is not None:
                wrong += 1
                if len(problems) < SHOWN:
                    problems.append(problem)
    if not records and (wrong or feed.type not in _MAY_BE_EMPTY):
        raise LookFailed("; ".join(problems[:SHOWN]) or "there is nothing in it")
    dated = _dated(feed, records)
    if feed.type == "kev" and (short := _short(records, wrong)):
        raise LookFailed(short)
    return Look(records, tuple(problems[:SHOWN]), wrong, whole and not wrong, dated, seen, raw)


class Problem(NamedTuple):
    """In place of a document that cannot be read."""

    text: str


def wrong_with(record: Mapping[str, Any]) -> str | None:
    """What is wrong with a context record as it would come to ingest; None if nothing is."""
    draft: dict[str, Any] = {"type": "context", **{name: record.get(name) for name in ("kind", "key", "record")}}
    if (found := fault({**draft, "origin": ("context", 0, 0, 0)})) is not None:
        return f"{found.place}: {found.reason}"
    if (problem := unfit(draft["kind"], draft["key"], draft["record"])) is not None:
        return f"{draft['kind']} {draft['key'][:100]}: {problem}"
    if len(orjson.dumps(draft)) > MAX_RAW_BYTES:
        return f"{draft['kind']} {draft['key'][:100]}: more than {MAX_RAW_BYTES} bytes"
    return None


def _documents(feed: Feed, paths: list[Path], folder: Path | None = None) -> Iterator[tuple[str, object]]:
    size = 0
    for path in paths:
        with documents(path, _form(feed, path)) as found:
            for document in found:
                size += len(document.value)
                if size > feed.max_bytes:
                    raise LookFailed(f"more than {feed.max_bytes} bytes when inflated")
                at = f"{path.relative_to(folder) if folder else ''}[{document.number}]"
                if document.problem is not None:
                    reason = ": ".join(filter(None, document.problem))
                    if folder is None and document.number == 0:
                        raise LookFailed(reason)
                    yield at, Problem(reason)
                    continue
                try:
                    yield at, parse(document.value)
                except ParseError as error:
                    if feed.type in _OF_ONE_DOCUMENT:
                        raise LookFailed(f"not {feed.type}: {error}") from None
                    yield at, Problem(str(error))


def _form(feed: Feed, path: Path) -> Form:
    """By its first bytes: addresses often have no suffix, and YAML begins as JSON only where it is JSON."""
    if feed.type in ("kev", "policy_exceptions", "url-json"):
        return "json"
    with documents(path, "lines") as found:
        first = next((document.value.lstrip()[:1] for document in found), b"")
    if first in (b"{", b"["):
        return "json"
    return "csv" if feed.type == "epss" else "yaml"


def _paths(feed: Feed, path: Path) -> list[Path]:
    """The file, or the files of a folder; nothing through links, which a checkout may bring from anybody."""
    if not path.is_dir():
        return [path]
    found = sorted(
        file
        for file in path.glob(feed.glob)
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and not any(at.is_symlink() for at in (file, *file.parents) if at.is_relative_to(path) and at != path)
    )
    if not found:
        raise LookFailed(f"{path}: no file in it matches {feed.glob}")
    if len(found) > FILES:
        raise LookFailed(f"{path}: {len(found)} files match {feed.glob}; at most {FILES} are read")
    return found


def _stamp(paths: list[Path]) -> str:
    hashed = blake2b(digest_size=16)
    for path in paths:
        found = path.stat()
        hashed.update(orjson.dumps([str(path), found.st_size, found.st_mtime_ns, found.st_ino]))
    return hashed.hexdigest()


def _dated(feed: Feed, records: dict[Subject, dict[str, Any] | None]) -> int | None:
    """When the feed says that it was made: KEV's release, the newest date of EPSS scores."""
    if feed.type == "kev":
        return instant((records.get(("kev", FEED)) or {}).get("released"))
    if feed.type == "epss":
        dates = (instant(record.get("date")) for record in records.values() if record is not None)
        return max((date for date in dates if date is not None), default=None)
    return None


def _short(records: dict[Subject, dict[str, Any] | None], wrong: int) -> str | None:
    """Why the catalogue is not whole: it says itself how many there are."""
    stated = (records.get(("kev", FEED)) or {}).get("count")
    found = len(records) - 1 + wrong
    return f"says that it has {stated} entries, and has {found}" if isinstance(stated, int) and found < stated else None


def _kind_of(document: object) -> str:
    if isinstance(document, dict):
        return f"an object with {', '.join(sorted(map(str, document))[:5]) or 'nothing in it'}"[:200]
    return f"a JSON {type(document).__name__}"
