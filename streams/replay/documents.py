"""The documents in one file, in order. Lines and rows are streamed; other files are held whole, up to a bound.

A file may be one JSON document, one a line, an array of documents, YAML documents, or CSV rows (each an object of the
header's names). A CSV file that begins with a comment line, ``#…``, is one document ``{"comment", "columns", "rows"}``,
since what the comment says is about all rows. Blank lines are no documents. What can't be cut into documents is one
document with a ``problem``, so that nothing is lost silently.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, TextIO

import orjson

from streams.ingest import MAX_INFLATED, MAX_RAW_BYTES
from streams.sources.parse import ParseError, parse
from streams.sources.yaml_documents import documents_from_yaml

Form = Literal["json", "lines", "yaml", "csv"]

_LONGEST = 16 * 1024 * 1024
"""Bytes kept of a line; far above what ingest takes, so such a line is refused anyway."""

_TRIED = 100
"""Lines that are looked at to tell a file of lines from one broken document."""


class Problem(NamedTuple):
    """Why the bytes are no document, and where."""

    place: str
    reason: str


class Document(NamedTuple):
    """One document as JSON. ``number`` is its line, row or place in the file, from 0; ``limit`` the bytes it may have.

    A line has the limit of a Kafka record; a part of a whole file that of what a compressed record may grow to.
    """

    number: int
    value: bytes
    limit: int = MAX_INFLATED
    problem: Problem | None = None


class documents:  # noqa: N801  # used like the function open
    """Opens a file: ``with documents(path, form) as found: for document in found``.

    ``position`` is how many bytes of the file itself have been read, ``blank`` how many blank lines were passed over.
    """

    def __init__(self, path: Path, form: Form) -> None:
        self.form = form
        self.blank = 0
        self._file = path.open("rb")
        packed = self._file.read(2) == b"\x1f\x8b"
        self._file.seek(0)
        self._stream: io.BufferedReader = self._file
        if packed:
            self._stream = io.BufferedReader(gzip.GzipFile(fileobj=self._file))
        self._documents = self._guarded()

    @property
    def position(self) -> int:
        """Bytes read of the file."""
        return 0 if self._file.closed else self._file.tell()

    def __iter__(self) -> Iterator[Document]:
        return self._documents

    def __enter__(self) -> documents:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._file.close()

    def _guarded(self) -> Iterator[Document]:
        """The documents, and if the compressed data is damaged, one more that says so."""
        number = 0
        found = {"json": self._json, "lines": self._lines, "yaml": self._yaml, "csv": self._csv}[self.form]()
        try:
            for document in found:
                yield document
                number = document.number + 1
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            yield Document(number, b"", problem=Problem("", f"damaged gzip: {error}"))

    def _lines(self) -> Iterator[Document]:
        return self._cut(self._raw_lines())

    def _raw_lines(self) -> Iterator[bytes]:
        read = self._stream.readline
        while line := read(_LONGEST):
            rest = line
            while rest and not rest.endswith(b"\n") and len(rest) == _LONGEST:
                rest = read(_LONGEST)  # passed over: the line is too long to be taken anyway
            yield line

    def _cut(self, lines: Iterator[bytes]) -> Iterator[Document]:
        for number, line in enumerate(lines):
            value = line.rstrip(b"\r\n")
            if not value.strip():
                self.blank += 1
                continue
            yield Document(number, value.removeprefix(b"\xef\xbb\xbf") if number == 0 else value, MAX_RAW_BYTES)

    def _json(self) -> Iterator[Document]:
        first = self._stream.readline(MAX_INFLATED + 1)
        blank = 0
        while first and not first.strip():
            blank += 1
            first = self._stream.readline(MAX_INFLATED + 1)
        before = [b"\n"] * blank + [first]
        if not first:
            yield Document(0, b"", problem=Problem("", "the file is empty"))
            return
        if _is_json(first):
            lines = self._raw_lines()
            between: list[bytes] = []
            for line in lines:
                between.append(line)
                if line.strip():
                    yield from self._cut(chain(before, between, lines))
                    return
            yield from _whole(first)
            return
        content = b"".join(before) + self._stream.read(MAX_INFLATED)
        if len(content) <= MAX_INFLATED and _is_json(content):
            yield from _whole(content)
        elif any(_is_container(line) for line in content.split(b"\n", _TRIED + 1)[1 : _TRIED + 1]):
            yield from self._cut(chain(io.BytesIO(content), self._raw_lines()))
        elif len(content) > MAX_INFLATED:
            yield Document(0, content[:_LONGEST], problem=Problem("", f"larger than {MAX_INFLATED} bytes"))
        else:
            yield Document(0, content)

    def _yaml(self) -> Iterator[Document]:
        content = self._stream.read(MAX_INFLATED + 1)
        if len(content) > MAX_INFLATED:
            yield Document(0, content[:_LONGEST], problem=Problem("", f"larger than {MAX_INFLATED} bytes"))
            return
        try:
            values = [orjson.dumps(found) for found in documents_from_yaml(content.decode("utf-8-sig"))]
        except UnicodeDecodeError as error:
            yield Document(0, content, problem=Problem(f"byte {error.start}", "not UTF-8"))
        except ValueError as error:
            yield Document(0, content, problem=Problem("", str(error)))
        except TypeError as error:  # text that no UTF-8 can carry
            yield Document(0, content, problem=Problem("", f"not to be written as JSON: {error}"))
        else:
            for number, value in enumerate(values):
                yield Document(number, value)
            if not values:
                yield Document(0, content, problem=Problem("", "the file is empty"))

    def _csv(self) -> Iterator[Document]:
        text = io.TextIOWrapper(self._stream, "utf-8-sig", newline="")
        number = -1
        try:
            first = text.readline(_LONGEST)
            if first.startswith("#"):
                number = 0
                yield _table(first, text)
                return
            for number, row in enumerate(csv.DictReader(chain((first,), text), restkey="", strict=True)):
                yield Document(number, orjson.dumps(row), MAX_RAW_BYTES)
        except UnicodeDecodeError as error:
            yield Document(number + 1, b"", problem=Problem("", f"not UTF-8: {error.reason}"))
        except csv.Error as error:
            yield Document(number + 1, b"", problem=Problem(f"row {number + 1}", f"not CSV: {error}"))
        else:
            if number < 0:
                yield Document(0, b"", problem=Problem("", "no rows"))


def _table(comment: str, lines: TextIO) -> Document:
    rows: list[list[str]] = []
    size = 0
    for row in csv.reader(lines, strict=True):
        size += sum(map(len, row))
        if size > MAX_INFLATED:
            return Document(0, b"", problem=Problem("", f"larger than {MAX_INFLATED} characters"))
        if row:
            rows.append(row)
    table = {"comment": comment.rstrip("\r\n"), "columns": rows[0] if rows else [], "rows": rows[1:]}
    return Document(0, orjson.dumps(table))


def _whole(content: bytes) -> Iterator[Document]:
    """One JSON value: the documents of an array, else itself."""
    try:
        value = parse(content)
    except ParseError:
        value = None
    if isinstance(value, list) and value:
        for number, element in enumerate(value):
            yield Document(number, orjson.dumps(element))
    else:
        yield Document(0, content)


def _is_json(content: bytes) -> bool:
    try:
        orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return False
    return True


def _is_container(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False
