"""What rules see of a document has the number under which its source reads the same event."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from streams.sigma.events import items
from streams.sigma.logsource import LOG_SOURCES
from streams.sources.registry import SOURCES

SAMPLES = Path(__file__).resolve().parents[2] / "contract" / "samples"


def documents(name: str) -> list[tuple[Any, Any]]:
    path = SAMPLES / f"{name.replace('.', '_')}.py"
    spec = importlib.util.spec_from_file_location(f"samples_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.SAMPLES.values())


@pytest.mark.parametrize("source", [s for s in SOURCES if s.name in LOG_SOURCES], ids=lambda source: source.name)
def test_numbers_are_those_of_the_source(source: Any) -> None:
    """Of each sample: all numbers are those of the source, and an event read alone gives its same natural keys.

    A document that a source opens first (text in it, base64) is one event for rules.
    """
    compared = 0
    for document, headers in documents(source.name):
        readings = list(source.read(document, headers))
        seen = dict(items(source.name, document))
        if seen and not (len(seen) == 1 and seen.get(0) is document):
            assert set(seen) == {item for item, _ in readings}
        for number, event in seen.items():
            wanted = [draft["source_id"] for item, draft in readings if item == number and isinstance(draft, dict)]
            alone = [draft["source_id"] for _, draft in source.read(event, headers) if isinstance(draft, dict)]
            if wanted and alone:
                assert wanted == alone
                compared += 1
    assert compared or not any(isinstance(document, dict | list) for document, _ in documents(source.name))
