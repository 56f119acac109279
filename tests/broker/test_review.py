"""``weir review`` and ``weir units suppressed`` against a real broker."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Message, Producer
from typer.testing import CliRunner

from schemas.events import Review
from schemas.unit import Unit
from streams.cli import app
from streams.edge import client
from streams.settings import Settings

ReadAll = Callable[..., list[Message]]
pytestmark = pytest.mark.broker

_FILE = Path(__file__).parents[1] / "streams" / "cli" / "test_review.py"
_SPEC = importlib.util.spec_from_file_location("review_samples", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
samples: Any = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(samples)


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Weir = Callable[..., Ran]


@pytest.fixture
def weir(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Weir:
    """``weir(*arguments)``: the command under these settings; the reviewer is ada."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.bootstrap or "")
    monkeypatch.setenv("WEIR_APP", settings.app)
    monkeypatch.setenv("WEIR_REVIEWER", "ada")

    def run(*arguments: object) -> Ran:
        result = CliRunner().invoke(app, [*map(str, arguments)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def units(settings: Settings) -> None:
    """Two open units, one that was merged into the first, one that is suppressed, one of another domain."""
    unit, hiding = samples.unit, samples.hiding
    producer = Producer(client.producer(settings))

    def send(role: str, value: Unit) -> None:
        producer.produce(settings.topic(role), value.model_dump_json(by_alias=True).encode(), value.unit_id.encode())

    send("units", unit("wu-11", 1, None, aliases=("wu-99",)))
    send("units", unit("wu-12", 1, None))
    send("units", unit("wu-99", 1, None, status="merged", merged_into="wu-11"))
    send("suppressed", unit("wu-20", 1, hiding("aa", "bb")))
    send("units", unit("wu-30", 1, None, domain="system:pay"))
    assert producer.flush(30) == 0


@pytest.mark.usefixtures("units")
def test_each_command_writes_its_review(weir: Weir, settings: Settings, read_all: ReadAll) -> None:
    """Domain looked up, old ids resolved, the reviewer named, one record each: what is printed is what is written."""
    said = [
        weir("review", *words, "--json")
        for words in (
            ("verdict", "wu-11", "false_positive", "-m", "the nightly scan"),
            ("comment", "wu-99", "asked the owner"),
            ("approve", "wu-12", "--reviewer", "ben"),
            ("override", "wu-12", "--severity", "high"),
            ("override", "wu-12", "--owner", "team-net"),
            ("exception", "wu-12", "--until", "30d"),
            ("merge", "wu-11", "wu-12"),
            ("split", "wu-11", "s", "-m", "x"),
            ("unmerge", "wu-11", "wu-99"),
            ("escalate", "wu-20"),
            ("suppress", "wu-12", "--until", "2w", "-m", "known scanner"),
            ("suppress", "--pattern", "aa", "--domain", "system:pay", "-m", "known scanner"),
            ("unsuppress", "bb"),
            ("unsuppress", "wu-20"),
            ("unlink", "wu-12", "access_key:AKIAEXAMPLE"),
        )
    ]
    codes = [ran.code for ran in said]
    assert codes[7] == 2, "a split of the only signal leaves nothing"
    assert [code for at, code in enumerate(codes) if at != 7] == [0] * 14, [ran.err for ran in said if ran.code]
    written = [record.value() for record in read_all(settings, settings.topic("reviews"))]
    assert written == [ran.out.strip().encode() for ran in said if ran.code == 0]
    reviews = [Review.model_validate_json(value or b"") for value in written]
    assert [review.unit_id for review in reviews[:3]] == ["wu-11", "wu-11", "wu-12"]
    assert "was merged into wu-11" in said[1].err
    assert [review.reviewer for review in reviews[:3]] == ["ada", "ada", "ben"]
    assert [(review.field, review.value) for review in reviews[3:5]] == [("severity", "4"), ("owner", "team-net")]
    expires = reviews[5].expires
    assert expires is not None
    assert timedelta(days=29) < expires - datetime.now(UTC) <= timedelta(days=30)
    assert (reviews[6].other_unit_id, reviews[7].other_unit_id) == ("wu-12", "wu-99")
    assert [(review.unit_id, review.pattern, review.domain) for review in reviews[9:13]] == [
        ("wu-12", None, "system:shop"),
        ("", "aa", "system:pay"),
        ("", "bb", "system:shop"),
        ("wu-20", None, "system:shop"),
    ]
    assert len({review.source_id for review in reviews}) == len(reviews)


@pytest.mark.usefixtures("units")
def test_what_cannot_be_is_refused_and_nothing_written(weir: Weir, settings: Settings, read_all: ReadAll) -> None:
    """Unknown and unclear units, units of two domains, a unit with itself, no reason, no such signal, a past date."""
    for words, code, why in (
        (("verdict", "wu-7", "benign"), 1, "no unit wu-7"),
        (("verdict", "wu-", "benign"), 2, "units begin with wu-"),
        (("verdict", "wu-11", "nice"), 2, "nice"),
        (("merge", "wu-11", "wu-30"), 2, "two domains"),
        (("merge", "wu-11", "wu-99"), 2, "itself"),
        (("unmerge", "wu-11", "wu-12"), 2, "was not merged"),
        (("split", "wu-11", "nope"), 2, "no signal nope"),
        (("override", "wu-11"), 2, "either"),
        (("suppress", "wu-11"), 2, "say why"),
        (("suppress", "--pattern", "aa", "-m", "x"), 2, "--domain"),
        (("unsuppress", "wu-12"), 1, "not suppressed"),
        (("exception", "wu-11", "--until", "2020-01-01"), 2, "past"),
        (("unlink", "wu-11", "AKIAEXAMPLE"), 2, "KIND:ID"),
    ):
        ran = weir("review", *words)
        assert ran.code == code, (words, ran)
        assert why in ran.err, (words, ran.err)
    assert read_all(settings, settings.topic("reviews")) == []


@pytest.mark.usefixtures("units")
def test_a_review_can_be_kept_in_a_file(weir: Weir, settings: Settings, read_all: ReadAll, tmp_path: Path) -> None:
    """One line a review, which a replay reads, and nothing in the topic."""
    file = tmp_path / "reviews.jsonl"
    for verdict in ("benign", "true_positive"):
        assert weir("review", "verdict", "wu-11", verdict, "--file", file).code == 0
    lines = [Review.model_validate_json(line) for line in file.read_bytes().splitlines()]
    assert [review.verdict for review in lines] == ["benign", "true_positive"]
    assert read_all(settings, settings.topic("reviews")) == []


@pytest.mark.usefixtures("units")
def test_suppressed_units_are_listed(weir: Weir) -> None:
    """By pattern, and the units of one pattern, as lines of JSON and as text."""
    ran = weir("units", "suppressed", "--json")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert {(row["pattern"], row["hidden_now"], row["owner"]) for row in rows} == {("aa", 1, "ada"), ("bb", 1, "ada")}
    assert "aa" in weir("units", "suppressed").out
    (unit,) = map(json.loads, weir("units", "suppressed", "--by", "bb", "--json").out.splitlines())
    assert (unit["unit_id"], unit["where"]) == ("wu-20", "hidden")
    assert "wu-20  hidden" in weir("units", "suppressed", "--by", "aa").out
    assert weir("units", "suppressed", "--by", "cc").code == 1
