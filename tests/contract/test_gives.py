"""The list of what sources give is what their samples show."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from streams.sources.gives import GIVES, ORDER
from streams.sources.registry import SOURCES

SAMPLES = Path(__file__).parent / "samples"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_a_source_gives_what_its_samples_show(source) -> None:  # type: ignore[no-untyped-def]  # a parameter
    """Each source is listed with the types of event that its samples become, and no other."""
    path = SAMPLES / f"{source.name.replace('.', '_')}.py"
    spec = importlib.util.spec_from_file_location(f"given_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shown = {
        content["type"]
        for document, headers in module.SAMPLES.values()
        for _, content in source.read(document, headers)
        if isinstance(content, dict)
    }
    wanted = tuple(type_ for type_ in ORDER if type_ in shown)
    assert GIVES.get(source.name) == wanted, f'streams/sources/gives.py wants the line "{source.name}": {wanted!r},'


def test_no_source_is_listed_that_is_gone() -> None:
    """Every name of the list is that of a source."""
    assert set(GIVES) <= {source.name for source in SOURCES}
