"""Writes the JSON Schemas into ``schemas/json``: ``python -m schemas.export``; with ``--check`` only compares."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from schemas.dead_letter import DeadLetter
from schemas.events import EVENT
from schemas.indicator import Indicator
from schemas.unit import Unit

FOLDER = Path(__file__).parent / "json"


def documents() -> dict[str, str]:
    """Every schema file by name, as the text it should have."""
    adapters: dict[str, TypeAdapter[Any]] = {
        "event.json": EVENT,
        "unit.json": TypeAdapter(Unit),
        "dead_letter.json": TypeAdapter(DeadLetter),
        "indicator.json": TypeAdapter(Indicator),
    }
    out = {}
    for name, adapter in adapters.items():
        document = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **adapter.json_schema(mode="serialization"),
        }
        out[name] = json.dumps(document, indent=1, sort_keys=True) + "\n"
    return out


def main(arguments: list[str]) -> int:
    """Exit code 1 if ``--check`` is given and a file differs from its model."""
    wanted = documents()
    if "--check" in arguments:
        stale = [n for n, text in wanted.items() if not (FOLDER / n).is_file() or (FOLDER / n).read_text() != text]
        stale += [p.name for p in FOLDER.glob("*.json") if p.name not in wanted]
        for name in stale:
            sys.stderr.write(f"schemas/json/{name} is not up to date; run: python -m schemas.export\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
