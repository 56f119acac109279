"""Writes the golden states, with the code that they are of, and scores with what has become of them.

A new version of a detector is to go on where the one before stopped. To keep the state of the present version, at the
last commit that has it:

    git worktree add ../before COMMIT
    PYTHONPATH=../before python tests/models/golden/golden.py rows rarity ratio > rows.json
    PYTHONPATH=. python tests/models/golden/golden.py states < rows.json
    PYTHONPATH=. python tests/models/golden/golden.py scores rarity 1 > tests/models/golden/rarity-1-as-2.json

Read the scores before keeping them: nothing else says that they are right.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MINUTE, DAYS = 60_000, 5
FEATURES = {  # of the versions from before detectors said so
    ("burst", 1): ("time", "principal", "action", "outcome"),
    ("rarity", 1): ("time", "principal", "action", "ip", "resource"),
}


def learnt() -> Iterator[dict[str, Any]]:
    """Five days of eight principals of different pace, of which one is new on the last day."""
    for minute in range(DAYS * 1440):
        for who in range(10):
            pace = 3 + 4 * who
            if (minute * 7 + who * 13) % pace == 0 and (who < 9 or minute > 4 * 1440):
                for n in range(1 + (minute // pace) % (1 + who % 3)):
                    yield call(minute * MINUTE + n * 100, who, (minute // pace + n) % 4, minute % 23 == 0)


def continued() -> Iterator[dict[str, Any]]:
    """Half a day of these and two new ones, in which each in turn hurries, fails, and does something new."""
    start = DAYS * 1440
    for minute in range(start, start + 720):
        for who in range(10):
            odd = minute - start - 60 * who
            if minute % (61 + who) == 0:
                yield call(minute * MINUTE, who, minute % 4, False)
            if odd == 70:
                yield from (call(minute * MINUTE + n, who, n % 2, False) for n in range(15))
            if odd == 75:
                yield from (call(minute * MINUTE + n, who, n % 2, True) for n in range(5))
            if odd in (80, 90):
                yield call(minute * MINUTE, who, 4, False) | {"ip": "203.0.113.9"}
                yield call(minute * MINUTE, who, 5 + who, False) | {"resource": "vault"}


def call(at: int, who: int, action: int, failed: bool) -> dict[str, Any]:
    return {
        "time": 1_735_689_600_000 + at,
        "principal": f"role/{who}",
        "action": f"svc:Op{action}",
        "resource": f"bucket-{(who + action) % 5}",
        "ip": f"198.51.100.{who}",
        "component": f"shop-{who % 2}",
        "outcome": "failure" if failed else "success",
    }


def detector(name: str, store: Any) -> Any:
    return getattr(importlib.import_module(f"models.{name}"), name.capitalize())(store)


def rows(names: list[str]) -> dict[str, Any]:
    """What the code on the path has learnt."""
    found = {}
    for name in names:
        store: dict[str, Any] = {}
        one = detector(name, store)
        for x in learnt():
            one.learn_one(x)
        found[name] = {"version": one.version, "parameters": one.parameters(), "rows": store}
    return found


def states(found: dict[str, Any]) -> None:
    """Write them as files."""
    from models.adopt import Schema
    from models.state import dump

    for name, said in found.items():
        version = said["version"]
        features = FEATURES.get((name, version)) or detector(name, {}).features
        table = {key: tuple(row) for key, row in said["rows"].items()}
        (HERE / f"{name}-{version}.state").write_bytes(
            dump({name: table}, [Schema(name, version, said["parameters"], features)], domain="golden", offsets={0: 1})
        )


def scores(name: str, version: int) -> str:
    """What the present code says of the events after, one by one, having read the state."""
    from models.state import load

    empty = detector(name, {})
    tables = load((HERE / f"{name}-{version}.state").read_bytes(), [empty])
    return told(detector(name, tables[name]))


def told(one: Any) -> str:
    said = []
    for x in continued():
        said.append(repr(one.score_one(x)))
        one.learn_one(x)
    return json.dumps(said, indent=0) + "\n"


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["rows", *names]:
            json.dump(rows(names), sys.stdout)
        case ["states"]:
            states(json.load(sys.stdin))
        case ["scores", name, version]:
            sys.stdout.write(scores(name, int(version)))
