"""Which sources an unknown document comes close to: what it has, what it lacks, and that asking changes no answer."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from streams.replay.nearest import nearest, watched
from streams.sources.known import BUILT_IN, known_with
from streams.sources.mapping_file import parse_mapping
from streams.sources.registry import SOURCES

SAMPLES = Path(__file__).parents[2] / "contract" / "samples"
MAPPING = """
name = "guard"
[recognise]
exists = ["alert.id", "alert.rule"]
equals = { product = "Guard" }
[[event]]
type = "activity"
time = "at"
id = "id"
action = "what"
"""


def test_what_is_missing_for_a_source_is_named() -> None:
    """A document with half of what a source looks for names that source, what is there and what is not."""
    [near] = nearest({"class_uid": 2004, "time": 1}, {}, BUILT_IN, limit=1)
    assert (near.source, near.found) == ("ocsf", 1)
    assert near.why.startswith("has class_uid; ")
    assert "metadata missing" in near.why
    assert nearest({"entirely": "else"}, {}, BUILT_IN) == []
    assert nearest(["text"], {}, BUILT_IN) == []


def test_a_mapping_names_its_conditions() -> None:
    """Of a mapping the number of conditions that hold is told, and those that do not."""
    mapped, _ = parse_mapping(MAPPING, "guard.toml")
    assert mapped is not None
    [near] = nearest({"alert": {"id": 1}, "product": "Other"}, {}, known_with(mapped.source), limit=1)
    assert near.source == "guard"
    assert near.why == "1 of 3 conditions hold; alert.rule is missing; product is not 'Guard'"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_writing_down_what_is_asked_changes_no_answer(source) -> None:  # type: ignore[no-untyped-def]  # a parameter
    """A source recognises a document whose keys are watched exactly if it recognises the document."""
    for path in sorted(SAMPLES.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"near_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        for document, headers in loaded.SAMPLES.values():
            assert source.recognise(watched(document, {}), headers) == source.recognise(document, headers), path.stem
