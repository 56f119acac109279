"""The DARPA evaluation, on a stream of our own in the same layout."""

from __future__ import annotations

import gzip
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from streams.evaluation import darpa


def write(folder: Path, lines: list[str]) -> Path:
    (folder / "anomaly").mkdir(parents=True)
    with gzip.open(folder / darpa.EDGES, "wt") as file:
        file.write("".join(line + "\n" for line in lines))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 minutes of quiet edges; after half of them, a flood from one host, and later another."""
    lines = []
    for minute in range(1000):
        when = f"{minute // 60:02d}:{minute % 60:02d}"
        lines += [f"10.0.0.{n},10.0.1.{(n + minute) % 7},{when},-" for n in range(5)]
        if minute in (500, 501, 502, 800, 801):
            lines += [f"10.9.9.9,10.0.1.1,{when},flood"] * 100
    return write(tmp_path_factory.mktemp("data"), lines)


def test_the_tick_is_the_rank_of_the_minute(tmp_path: Path) -> None:
    """Gaps between minutes are left out, hosts are numbered, and only a dash is normal."""
    edges = darpa.read(write(tmp_path, ["a,b,07:00,-", "b,a,09:30,smurf", "a,c,08:15,-"]))
    assert edges.names == ["a", "b", "c"]
    assert list(edges.tick) == [0, 2, 1]
    assert edges.attack.tolist() == [False, True, False]


def test_floods_are_found_and_everything_is_said(folder: Path) -> None:
    """Both runs, the baselines, the poison and the promises are in the result, and the tables can be printed."""
    said: list[str] = []
    result = darpa.run(folder, said.append, iter(range(1000)).__next__, lambda: ["x", "x"], poison=True)
    assert [each["name"] for each in result["passes"]] == ["shipped", "frozen on the first 20 %"]
    assert result["passes"][0]["areas"]["roc"] > 0.9
    assert {each["name"] for each in result["sample"]["baselines"]} == {
        "river HalfSpaceTrees",
        "river OneClassSVM",
        "river LODA",
        "rrcf",
    }
    assert set(result["poison"]) == set(darpa.POISON)
    assert len(result["met"]) == 4
    assert result["passed"] == all(result["met"].values())
    console = Console(width=200, record=True, file=StringIO())
    for table in darpa.tables(result):
        console.print(table)
    printed = console.export_text()
    assert "frozen on the first 20 %" in printed
    assert "MIDAS-F [1]" in printed
    assert "surge is an option of a set of models, outside the standard set" in printed
    assert any("hosts" in line for line in said)


def test_hash_seeds_that_differ_break_the_promise(folder: Path) -> None:
    """Two digests that are not equal make the whole fail."""
    result = darpa.run(folder, lambda _: None, iter(range(1000)).__next__, lambda: ["x", "y"])
    assert not result["met"]["equal under all hash seeds"]
    assert not result["passed"]


def test_the_digest_depends_on_the_edges(folder: Path, tmp_path: Path) -> None:
    """Equal for equal streams, another for another."""
    assert darpa.digest(folder) == darpa.digest(folder)
    assert darpa.digest(folder) != darpa.digest(write(tmp_path, ["a,b,07:00,-"]))
