"""Files cut into documents."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streams.ingest import MAX_INFLATED, MAX_RAW_BYTES
from streams.replay import documents as module
from streams.replay.documents import Document, Form, documents


def read(path: Path, form: Form = "json") -> list[Document]:
    with documents(path, form) as found:
        return list(found)


def written(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def values(found: list[Document]) -> list[tuple[int, bytes]]:
    assert all(document.problem is None for document in found)
    return [(document.number, document.value) for document in found]


PRETTY = json.dumps({"a": {"b": [1, 2]}}, indent=2).encode()


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'{"a":1}', [(0, b'{"a":1}')]),
        (b'\n{"a":1}\n\n', [(0, b'\n{"a":1}\n\n'.strip())]),
        (b'{"a":1}\n{"b":2}\n', [(0, b'{"a":1}'), (1, b'{"b":2}')]),
        (b'{"a":1}\r\n\r\n{"b":2}', [(0, b'{"a":1}'), (2, b'{"b":2}')]),
        (PRETTY, [(0, PRETTY)]),
        (b'[{"a": 1}, {"b": 2}]', [(0, b'{"a":1}'), (1, b'{"b":2}')]),
        (b'[\n{"a": 1},\n{"b": 2}\n]', [(0, b'{"a":1}'), (1, b'{"b":2}')]),
        (b'{"Records":[{"a":1},{"b":2}]}', [(0, b'{"Records":[{"a":1},{"b":2}]}')]),
        (b"[]", [(0, b"[]")]),
        (b'\xef\xbb\xbf{"a":1}\n{"b":2}', [(0, b'{"a":1}'), (1, b'{"b":2}')]),
        (b'{"a":1\n{"b":2}\n{"c":3}\n', [(0, b'{"a":1'), (1, b'{"b":2}'), (2, b'{"c":3}')]),
        (b'{"a":\n "b', [(0, b'{"a":\n "b')]),
        (b"\xff\xfe", [(0, b"\xff\xfe")]),
    ],
    ids=[
        "one document",
        "one document among blank lines",
        "lines",
        "lines with CRLF and a blank one",
        "one document over several lines",
        "array on one line",
        "array over several lines",
        "an object of records is its source's",
        "empty array",
        "byte order mark",
        "lines of which the first is broken",
        "one broken document",
        "no text",
    ],
)
def test_json_is_known_by_what_is_in_it(tmp_path: Path, content: bytes, wanted: list[tuple[int, bytes]]) -> None:
    """One document, one a line, or an array: told apart by content, each document with its place in the file."""
    plain = [(number, value.strip()) for number, value in values(read(written(tmp_path, content)))]
    assert plain == wanted
    packed = written(tmp_path, gzip.compress(content), "packed")
    assert [(number, value.strip()) for number, value in values(read(packed))] == wanted


@settings(deadline=None)  # it writes files
@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b" ").replace(b"\r", b" ")), max_size=8))
def test_every_line_is_a_document_or_blank(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    """Whatever stands in a file of lines: each line comes out whole under its number, or is blank."""
    assume(not lines or not lines[0].startswith(b"\x1f\x8b"))  # that is gzip
    path = written(tmp_path_factory.mktemp("lines"), b"".join(line + b"\n" for line in lines))
    with documents(path, "lines") as found:
        given_ = {document.number: document.value for document in found}
        blank = found.blank
    assert len(given_) + blank == len(lines)
    for number, line in enumerate(lines):
        bare = line.removeprefix(b"\xef\xbb\xbf") if number == 0 else line
        assert given_.get(number, b"") == (bare if line.strip() else b"")


def test_limits_are_those_of_kafka_and_of_compressed_records(tmp_path: Path) -> None:
    """A line may be as long as a Kafka record, a whole document as long as what one may inflate to."""
    assert {d.limit for d in read(written(tmp_path, b'{"a":1}\n{"b":2}'))} == {MAX_RAW_BYTES}
    assert {d.limit for d in read(written(tmp_path, b'{"a":1}'))} == {MAX_INFLATED}


def test_a_line_too_long_is_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of an endless line is passed over: the next line is the next document."""
    monkeypatch.setattr(module, "_LONGEST", 64)
    found = read(written(tmp_path, b"x" * 1_000 + b'\n{"b":2}\n'), "lines")
    assert values(found) == [(0, b"x" * 64), (1, b'{"b":2}')]


def test_damaged_gzip_is_said_after_what_could_be_read(tmp_path: Path) -> None:
    """The lines before the damage count, and one more document says where the file broke off."""
    packed = gzip.compress(b"".join(b'{"n":%d}\n' % n for n in range(20_000)))
    found = read(written(tmp_path, packed[: len(packed) // 2]), "lines")
    assert len(found) > 1
    assert all(document.problem is None for document in found[:-1])
    assert found[-1].problem is not None
    assert "damaged gzip" in found[-1].problem.reason
    assert found[-1].number == found[-2].number + 1


def test_yaml_documents_become_json(tmp_path: Path) -> None:
    """Each document of a YAML stream is one JSON document."""
    assert values(read(written(tmp_path, b"kind: System\n---\nkind: Group\n"), "yaml")) == [
        (0, b'{"kind":"System"}'),
        (1, b'{"kind":"Group"}'),
    ]


def test_csv_rows_become_objects(tmp_path: Path) -> None:
    """Each row is an object of the header's names; a quoted line feed is part of its value."""
    found = read(written(tmp_path, b'time,name\n1,"a\nb"\n2,c\n'), "csv")
    assert [orjson.loads(document.value) for document in found] == [
        {"time": "1", "name": "a\nb"},
        {"time": "2", "name": "c"},
    ]


@pytest.mark.parametrize(
    ("form", "content", "reason"),
    [
        ("json", b"", "the file is empty"),
        ("json", b"\n \n", "the file is empty"),
        ("yaml", b"", "the file is empty"),
        ("yaml", b"a: [", "not YAML"),
        ("yaml", b"a: \xff", "not UTF-8"),
        ("yaml", b'a: "\\ud800"', "not "),  # which of the two says no depends on libyaml
        ("csv", b"", "no rows"),
        ("csv", b"a\n\xff\n", "not UTF-8"),
        ("csv", b'a\n"b', "not CSV"),
    ],
)
def test_what_cannot_be_cut_is_one_document_with_the_reason(
    tmp_path: Path, form: Form, content: bytes, reason: str
) -> None:
    """A file that breaks off is never silently empty."""
    *before, last = read(written(tmp_path, content), form)
    assert before == []
    assert last.problem is not None
    assert reason in last.problem.reason


def test_an_empty_file_of_lines_has_no_documents(tmp_path: Path) -> None:
    """A log into which nothing was written has nothing in it; that is no error of the file."""
    assert read(written(tmp_path, b""), "lines") == []
