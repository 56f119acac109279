"""Mappings from the settings: where they may stand, which names they may have, and how they reach ingest."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from streams.catalog import Catalog
from streams.edge.ingest import sources
from streams.ingest import Ingest, RawRecord
from streams.redaction import Redactor
from streams.settings import BadSettings, load
from streams.sources.known import BUILT_IN, known_with
from streams.sources.mapping import MappedSource

TABLE = """\
[[event]]
type = "finding"
time = "at"
id = "id"
kind = "detection"
rule = "rule"
severity = 3
"""
GUARD = 'name = "guard"\n[recognise]\nexists = "guard"\n' + TABLE
ALERT = {"guard": 1, "at": "2026-03-02T09:13:00Z", "id": "a1", "rule": "R"}


@pytest.fixture(autouse=True)
def _empty_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("WEIR_") or name == "KAFKA_BOOTSTRAP_SERVERS":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_files_folders_and_tables() -> None:
    """``mappings`` takes paths of files and folders in the order given, or tables; each is a source with a topic."""
    Path("weir.toml").write_text('mappings = ["one.toml", "more"]\n[raw]\nguard = "soc.guard"\n')
    Path("one.toml").write_text(GUARD)
    Path("more").mkdir()
    for name in ("zed", "able"):
        Path(f"more/{name}.toml").write_text(GUARD.replace("guard", name))
    settings = load()
    assert [source.name for source in settings.mappings] == ["guard", "able", "zed"]
    assert list(settings.raw_topics.values())[-3:] == ["soc.guard", "weir.raw.able", "weir.raw.zed"]
    Path("weir.toml").write_text('[[mappings]]\nname = "inline"\n' + TABLE.replace("[[event]]", "[[mappings.event]]"))
    assert [source.name for source in load().mappings] == ["inline"]
    assert [source.name for source in load(mappings=[Path("one.toml")]).mappings] == ["guard"]


def test_all_faults_stop_the_start() -> None:
    """Every fault of every file is one line of the error; so are names that others have, and paths without a file."""
    Path("weir.toml").write_text('mappings = ["a.toml", "b.toml", "c.toml", "d.toml", "gone.toml", "."]\n')
    Path("a.toml").write_text(GUARD)
    Path("b.toml").write_text(GUARD)
    Path("c.toml").write_text(GUARD.replace('"guard"\n[', '"sarif"\n['))
    Path("d.toml").write_text(GUARD.replace("severity = 3", ""))
    with pytest.raises(BadSettings) as caught:
        load(mappings=["a.toml", "b.toml", "c.toml", "d.toml", "gone.toml"])
    assert sorted(str(caught.value).splitlines()) == [
        "b.toml: name: 'guard' is the name of a.toml already",
        "c.toml: name: 'sarif' is the name of a source that Weir has",
        "d.toml:4: event[0].severity: is missing",
        "gone.toml: No such file or directory",
    ]
    with pytest.raises(BadSettings, match="no such source: guard"):
        load(raw={"guard": "soc.guard"}, mappings=[])


def test_a_topic_is_bound_to_its_mapping() -> None:
    """Ingest reads the raw topic of a mapping as that mapping, and secrets are redacted before it sees them."""
    Path("guard.toml").write_text(GUARD.replace("[recognise]\nexists", "[recognise]\nmissing") + 'title = "note"\n')
    settings = load(mappings=["guard.toml"])
    bound = sources(settings)["weir.raw.guard"]
    assert isinstance(bound, MappedSource)
    ingest = Ingest(Catalog(), Redactor(b"0123456789abcdef"), 1)
    value = orjson.dumps(ALERT | {"note": "password=hunter2secret!"})
    placed, dead = ingest.read(RawRecord("weir.raw.guard", 0, 3, 0, None, (), value, bound))
    assert dead == []
    [event] = [orjson.loads(each.value) for each in placed]
    assert (event["source"], event["source_id"], event["origin"]) == ("guard", "a1", ["weir.raw.guard", 0, 3, 0])
    assert "hunter2" not in event["title"]


def test_content_decides_where_no_topic_does() -> None:
    """A record that is bound to nothing is read by a mapping that ingest knows, also out of a shipper's envelope."""
    Path("guard.toml").write_text(GUARD)
    known = known_with(*load(mappings=["guard.toml"]).mappings)
    ingest = Ingest(Catalog(), Redactor(b"0123456789abcdef"), 1, known=known)
    for document in (ALERT, {"host": "h", "message": orjson.dumps(ALERT).decode()}):
        placed, dead = ingest.read(RawRecord("file", 0, 0, 0, None, (), orjson.dumps(document)))
        assert (len(placed), dead) == (1, [])
    _, [letter] = Ingest(Catalog(), Redactor(b"0123456789abcdef"), 1).read(
        RawRecord("file", 0, 0, 0, None, (), orjson.dumps(ALERT))
    )
    assert letter.stage == "recognise"


def test_a_mapping_that_claims_too_much_takes_nothing_from_others() -> None:
    """By content the sources of the registry go first, and all claimants can be told."""
    Path("wide.toml").write_text(GUARD.replace('exists = "guard"', 'missing = "guard"'))
    known = known_with(*load(mappings=["wide.toml"]).mappings)
    sarif = {"version": "2.1.0", "runs": []}
    assert BUILT_IN.claimants(sarif, {}) == ["sarif"]
    assert known.claimants(sarif, {}) == ["sarif", "guard"]
    assert known.recognise(sarif, {}) is BUILT_IN.by_name("sarif")
