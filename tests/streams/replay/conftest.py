"""Small inputs that a person can follow, and a replay of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.dead_letter import DeadLetter
from schemas.events import Event
from schemas.parameters import Parameters
from schemas.unit import Unit
from streams.records import Output
from streams.redaction import Redactor
from streams.replay import files
from streams.replay.run import Replay, Told, run


def finding(number: int, minute: int, host: str = "web-1", **fields: Any) -> dict[str, Any]:
    """An OCSF detection finding of 2026-03-02, ``minute`` minutes after nine; its ``metadata.uid`` is f-<number>."""
    return {
        "activity_id": 1,
        "category_uid": 2,
        "class_uid": 2004,
        "type_uid": 200401,
        "time": 1_772_442_000_000 + minute * 60_000,
        "severity_id": 4,
        "status_id": 1,
        "metadata": {"version": "1.5.0", "uid": f"f-{number}", "product": {"name": "Watchtower"}},
        "finding_info": {"uid": f"finding-{number}", "title": f"Alert {number}", "analytic": {"uid": "w-1"}},
        "device": {"type_id": 1, "hostname": host, "instance_uid": host},
        "cloud": {"provider": "AWS", "account": {"uid": "111122223333"}},
        **fields,
    }


def lines(*documents: Any) -> bytes:
    return b"".join((d if isinstance(d, bytes) else orjson.dumps(d)) + b"\n" for d in documents)


class Heard(Told):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.units: list[Unit] = []
        self.late: list[DeadLetter] = []
        self.letters: list[DeadLetter] = []
        self.events: list[Event] = []
        self.bytes = b""

    def output(self, output: Output) -> None:
        self.bytes += output.key + output.value
        if output.role == "units":
            self.units.append(Unit.model_validate_json(output.value))
        elif output.role == "dead-letters":
            self.late.append(DeadLetter.model_validate_json(output.value))

    def event(self, event: Event) -> None:
        self.events.append(event)

    def letter(self, letter: DeadLetter) -> None:
        self.letters.append(letter)


class Done:
    """A finished replay: what it said and counted."""

    def __init__(self, folder: Path, parameters: Parameters, members: bool) -> None:
        self.heard = Heard()
        inputs, _ = files.find([str(folder)])
        self.replay = Replay(Redactor(b"a key for tests only"), parameters, self.heard, members=members)
        self.documents, self.blank = run(self.replay, inputs)
        self.problems = self.replay.problems(self.documents)

    @property
    def order(self) -> list[str]:
        """Source ids in the order of the fold."""
        return [event.source_id for event in self.heard.events if hasattr(event, "source_id")]


ReplayOf = Callable[..., Done]


@pytest.fixture
def replay_of(tmp_path: Path) -> ReplayOf:
    """``replay_of({"name": content})``: those files, last written at ``modified`` (s), replayed."""

    def make(
        contents: dict[str, bytes], *, members: bool = False, modified: int = 1_700_000_000, **parameters: Any
    ) -> Done:
        folder = tmp_path / "input"
        folder.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
            os.utime(folder / name, (modified, modified))
        return Done(folder, Parameters(**parameters), members)

    return make
