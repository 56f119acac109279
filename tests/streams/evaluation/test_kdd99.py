"""The KDD Cup 1999 evaluation, on records of our own in the same layout."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from zlib import crc32

import pytest

from streams.evaluation import kdd99


def line(chance: random.Random, label: str) -> str:
    attack = label != "normal."
    values = []
    for name in kdd99.FIELDS:
        if name == "protocol_type":
            values.append("icmp" if attack else "tcp")
        elif name == "service":
            values.append("ecr_i" if attack else chance.choice(["http", "smtp", "dns"]))
        elif name == "flag":
            values.append("SF")
        elif name.endswith("_rate"):
            values.append("1.00" if attack else "0.00")
        else:
            values.append(str(chance.randrange(3) + 500 * attack))
    return ",".join([*values, label])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,400 normal rows, and 40 attacks in a row in each 400, of which 6 % are kept."""
    chance = random.Random(1)
    data = tmp_path_factory.mktemp("data")
    (data / "anomaly").mkdir()
    with gzip.open(data / kdd99.RECORDS, "wt") as file:
        for block in range(6):
            for _ in range(400):
                file.write(line(chance, "normal.") + "\n")
            for _ in range(300):
                file.write(line(chance, "smurf." if block else "neptune.") + "\n")
    return data


def test_attacks_are_thinned_by_the_hash_of_their_row(folder: Path) -> None:
    """All normal rows and of the attacks those of the rule, with numbers as numbers."""
    stream = kdd99.read(folder)
    attacks = [at for at in range(6 * 700) if at % 700 >= 400]
    kept = [at for at in attacks if crc32(str(at).encode()) % 10_000 < kdd99.KEPT]
    assert len(stream.records) == 2400 + len(kept)
    assert int(stream.attack.sum()) == len(kept) > 50
    assert set(stream.records[0]) == set(kdd99.FIELDS)
    assert len(kdd99.FIELDS) == 41
    assert isinstance(stream.records[0]["serror_rate"], float)
    assert isinstance(stream.records[0]["src_bytes"], int)
    assert stream.spare


def test_everything_is_said(folder: Path) -> None:
    """Runs, baselines, poison and promises are in the result; digests that differ, and it fails; tables can be made."""
    result = kdd99.run(folder, lambda _: None, iter(range(1000)).__next__, lambda: ["x", "y"], poison=True)
    assert [each["name"] for each in result["passes"]][:2] == ["shipped", "frozen on the first 20 %"]
    assert result["passes"][0]["areas"]["roc"] > 0.9
    assert len(result["baselines"]) == 4
    assert set(result["poison"]) == set(kdd99.POISON)
    assert not result["met"]["equal under all hash seeds"]
    assert not result["passed"]
    assert len(kdd99.tables(result)) == 4
    assert "tokens is an option of a set of models, outside the standard set." in result["constants"]


def test_the_digest_is_repeatable(folder: Path) -> None:
    """Equal for equal streams."""
    assert kdd99.digest(folder) == kdd99.digest(folder)
