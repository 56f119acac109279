"""Paths into files, and what each is read as."""

from __future__ import annotations

import gzip
from pathlib import Path

import orjson
import pytest

from streams.replay.files import Unreadable, find
from streams.sources.registry import UnknownSourceError, recognise

RECORD = orjson.dumps({"eventSource": "s3.amazonaws.com", "eventName": "GetObject", "eventID": "1"})
ENTITY = b"apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: shop}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in {
        "b/late.json": RECORD,
        "b/.hidden/x.json": RECORD,
        ".x.json": RECORD,
        "a.ndjson": b"not JSON\n" + RECORD,
        "c.yaml": ENTITY,
        "d.log": b"plain text\n",
        "e.log": RECORD + b"\n" + RECORD,
        "f.csv": b"a,b\n1,2\n",
        "g.jsonl.gz": gzip.compress(RECORD),
        "h.json": b'{"what":"ever"}',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def test_folders_are_searched_and_sorted(folder: Path) -> None:
    """Every file that is not hidden is read, in the order of its path, or named with the reason why not."""
    inputs, skipped = find([str(folder)])
    assert [str(entry.path.relative_to(folder)) for entry in inputs] == [
        "a.ndjson",
        "b/late.json",
        "c.yaml",
        "e.log",
        "g.jsonl.gz",
        "h.json",
    ]
    assert [entry.number for entry in inputs] == list(range(6))
    assert [entry.form for entry in inputs] == ["lines", "json", "yaml", "json", "lines", "json"]
    assert [entry.path.name for entry in skipped] == ["d.log", "f.csv"]
    assert all("no source reads this format" in entry.reason for entry in skipped)


def test_the_catalog_counts_from_the_start(folder: Path) -> None:
    """A file of catalog entities is context whatever it is called; the others are events."""
    (folder / "entities.json").write_bytes(
        b'[{"apiVersion":"backstage.io/v1alpha1","kind":"System","metadata":{"name":"a"}}]'
    )
    inputs, _ = find([str(folder)])
    assert {entry.path.name for entry in inputs if entry.role == "context"} == {"c.yaml", "entities.json"}


def test_feeds_and_exceptions_are_known_by_content(folder: Path) -> None:
    """KEV, EPSS and policy exceptions under any name are context; exceptions are read after it, being changes too."""
    (folder / "k.json").write_bytes(b'{"catalogVersion":"2026.03.02","vulnerabilities":[]}')
    (folder / "p.csv").write_bytes(b"#model_version:v1,score_date:2026-03-02T12:00:00Z\ncve,epss,percentile\n")
    (folder / "x.ndjson").write_bytes(
        b'{"id":"EX-1","created_at":"2026-03-01T09:00:00Z","control":"waf","component":"pay","valid_to":null}'
    )
    inputs, _ = find([str(folder)])
    roles = {entry.path.name: entry.role for entry in inputs if entry.role != "events"}
    assert roles == {"c.yaml": "context", "k.json": "context", "p.csv": "context", "x.ndjson": "exceptions"}


def test_context_records_are_read_as_such_in_files_only(tmp_path: Path) -> None:
    """A file of records of the context topic is context; what only looks a little like it is not."""
    record = {"kind": "freeze", "key": "f", "record": {"from": "2026-03-01"}}
    (tmp_path / "a.ndjson").write_bytes(orjson.dumps(record) + b"\n" + orjson.dumps(record))
    (tmp_path / "b.json").write_bytes(orjson.dumps(record | {"more": 1}))
    (tmp_path / "c.json").write_bytes(orjson.dumps({"@context": "https://openvex.dev/ns/v0.2.0", "statements": []}))
    inputs, _ = find([str(tmp_path)])
    assert [(entry.role, entry.source and entry.source.name) for entry in inputs] == [
        ("context", "weir"), ("events", None), ("context", None),
    ]  # fmt: skip
    assert recognise(record, {}) is None


def test_a_named_source_is_not_questioned(folder: Path) -> None:
    """NAME=PATH binds its path and --source all others; then any suffix and any content is read."""
    inputs, skipped = find(
        [f"ocsf={folder / 'd.log'}", str(folder / "f.csv"), str(folder / "h.json")], "aws.cloudtrail"
    )
    assert skipped == []
    assert [entry.source.name for entry in inputs if entry.source] == ["ocsf", "aws.cloudtrail", "aws.cloudtrail"]
    inputs, _ = find([str(folder), f"trivy={folder / 'h.json'}"])
    assert [entry.source and entry.source.name for entry in inputs].count("trivy") == 1


def test_an_equals_sign_in_a_path_is_no_source(folder: Path) -> None:
    """A file that exists under the whole argument is that file."""
    odd = folder / "x=y.json"
    odd.write_bytes(RECORD)
    [entry], _ = find([str(odd)])
    assert (entry.path, entry.source) == (odd, None)


def test_order_does_not_depend_on_the_arguments(folder: Path) -> None:
    """The same files in another order get the same numbers, so the same bytes come out."""
    names = [str(folder / name) for name in ("h.json", "a.ndjson", "c.yaml")]
    assert find(names) == find(names[::-1])


def test_what_cannot_be_read_is_said(folder: Path) -> None:
    """A missing path, a name that no source has, and a stream are errors with the path or name in them."""
    with pytest.raises(Unreadable, match=r"nothing\.json: there is no such file"):
        find([str(folder / "nothing.json")])
    with pytest.raises(Unreadable, match="neither a file nor a folder"):
        find(["/dev/null"])
    with pytest.raises(UnknownSourceError, match=r"'sysmon'; known: .*aws\.cloudtrail"):
        find([f"sysmon={folder / 'a.ndjson'}"])
    with pytest.raises(UnknownSourceError):
        find([str(folder)], "sysmon")
