"""The state of a model set: its header rows, and its file."""

from __future__ import annotations

import doctest
import importlib
import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Suite, state
from models.adopt import HEADER, Model, Schema, StateMismatch, adopt, schema
from models.base import Detector, Row, Store
from models.burst import Burst
from models.frequency import Frequency
from models.rarity import Rarity
from models.suite import CALIBRATION, DETECTORS

ROOT = Path(__file__).parents[2]
MINUTE = 60_000

VALUES = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters())
ROWS = st.dictionaries(
    st.text(st.characters(), min_size=1).filter(lambda key: key[0] != "#"), st.lists(VALUES).map(tuple), max_size=20
)


class Counted(dict[str, Row]):
    """A store that knows how often it was written."""

    writes = 0

    def __setitem__(self, key: str, row: Row) -> None:
        self.writes += 1
        super().__setitem__(key, row)


def event(minute: int, who: int, action: str = "s3:GetObject") -> dict[str, Any]:
    return {
        "time": 1_735_689_600_000 + minute * MINUTE,
        "principal": f"role/{who}",
        "action": action,
        "resource": f"bucket-{who % 2}",
        "ip": "198.51.100.7",
        "component": "shop",
        "outcome": "failure" if minute % 7 == 0 else "success",
        # Now and then a record says too little.
        "fields": {"action": action, "who": f"role/{who}", "region": "eu", "error": minute % 7 == 0}
        if minute % 50
        else None,
    }


def learnt(kind: type[Detector], store: Store) -> Detector:
    adopt(store, kind())
    one = kind(store=store)
    for minute in range(600):
        one.learn_one(event(minute, minute % 5, f"svc:Op{minute % 3}"))
    return one


def written(rows: dict[str, Row], model: Model, **kept: Any) -> bytes:
    return state.dump({schema(model).name: rows}, [model], **({"domain": "shop", "offsets": {0: 7, 3: 12}} | kept))


def signed(lines: list[Any]) -> bytes:
    """A file that says these lines, whole as far as the checksum goes."""
    content = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines)
    return content + b'{"sha256":"%s"}\n' % sha256(content).hexdigest().encode()


def said(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.splitlines()[:-1]]


def refused(data: bytes, models: list[Model], **kept: Any) -> tuple[str, ...]:
    with pytest.raises(StateMismatch) as caught:
        state.load(data, models, **kept)
    assert str(caught.value) == "; ".join(caught.value.differences)
    return caught.value.differences


@given(ROWS)
def test_whatever_rows_hold_comes_back_to_the_bit(rows: dict[str, Row]) -> None:
    """Rows of any strings, ints and finite floats survive the file, types and signs of zero too; so do its bytes."""
    model = Schema("any", 1, {"keys": 5}, ("time",))
    data = written(rows, model)
    tables = state.load(data, [model])
    assert tables["any"].pop(HEADER) == model.header()
    assert repr(sorted(tables["any"].items())) == repr(sorted(rows.items()))
    assert written(tables["any"], model) == data
    assert data.isascii()


@given(ROWS, st.randoms(use_true_random=False))
def test_equal_state_gives_equal_bytes(rows: dict[str, Row], chance: Any) -> None:
    """The order of rows, and of partitions, makes no difference."""
    model = Schema("any", 1, {})
    shuffled = list(rows.items())
    chance.shuffle(shuffled)
    assert written(dict(shuffled), model, offsets={3: 1, 0: 2}) == written(rows, model, offsets={0: 2, 3: 1})


def test_a_whole_suite_goes_through_a_file() -> None:
    """All tables, that of the calibration too: the suite over the loaded ones scores as the one over the originals."""
    tables: dict[str, dict[str, Row]] = {}
    suite = Suite(lambda name: tables.setdefault(name, {}))
    others = [Schema(name, 1, {}) for name in sorted(tables.keys() - {one.name for one in suite.detectors})]
    models: list[Model] = [*suite.detectors, *others]
    assert CALIBRATION in {schema(model).name for model in models}
    for detector in suite.detectors:
        adopt(tables[detector.name], detector)
    for minute in range(3000):
        suite.score_and_learn(event(minute, minute % 5, f"svc:Op{minute % 3}"))
    data = state.dump(tables, models, domain="shop", offsets={0: 3000})
    copies = state.load(data, models, domain="shop")
    for model in models:
        assert copies[schema(model).name] == tables[schema(model).name] | {HEADER: schema(model).header()}
    assert state.header(data) == ("main", said(data)[0]["digest"], "shop", {0: 3000}, sum(map(len, tables.values())))
    other = Suite(copies.__getitem__)
    for minute in range(3000, 3300):
        x = event(minute, minute % 6, f"svc:Op{minute % 4}")
        assert repr(other.score_and_learn(x)) == repr(suite.score_and_learn(x))


def test_scores_after_a_file_are_the_same_in_another_process(tmp_path: Path) -> None:
    """Dumped here and loaded there, under another hash seed, a detector gives the same scores to the last byte."""
    tables: dict[str, Store] = {kind.name: {} for kind in DETECTORS}
    ones = [learnt(kind, tables[kind.name]) for kind in DETECTORS]
    file = tmp_path / "state"
    file.write_bytes(state.dump(tables, ones, domain="shop", offsets={}))
    code = (
        "import sys; from pathlib import Path; from models import state; from models.suite import DETECTORS;"
        "tables = state.load(Path(sys.argv[1]).read_bytes(), [kind() for kind in DETECTORS]);"
        "x = eval(sys.argv[2]);"
        "print([repr(kind(store=tables[kind.name]).score_one(x)) for kind in DETECTORS])"
    )
    odd = event(700, 1, "iam:CreateUser") | {"outcome": "failure"}
    expected = f"{[repr(one.score_one(odd)) for one in ones]}\n"
    for seed in ("1", "77"):
        run = subprocess.run(
            [sys.executable, "-c", code, str(file), repr(odd)],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
        )
        assert run.stdout == expected
    assert expected.count("'0.0'") < len(ones)


def test_what_differs_is_named_with_both_values() -> None:
    """Parameters, features, version, domain, tables and hash: each by name, there and here, all at once."""
    rarity = written({}, Rarity(half_life=30.0, keys=10))
    assert refused(rarity, [Rarity(half_life=7.0, keys=20)]) == (
        "rarity: parameter half_life: 30.0 there, 7.0 here",
        "rarity: parameter keys: 10 there, 20 here",
    )
    mine = Schema("any", 2, {"a": 1, "b": 2}, ("time", "ip"))
    assert refused(written({}, mine._replace(parameters={"a": 1, "c": 2}, features=("time",))), [mine]) == (
        "any: parameter b: absent there, 2 here",
        "any: parameter c: 2 there, absent here",
        "any: features: time there, time ip here",
    )
    for version in (1, 3):
        expected = f"any: version: {version} there, 2 here, and no migration"
        assert refused(written({}, mine._replace(version=version)), [mine]) == (expected,)
    assert refused(rarity, [Rarity(keys=10)], domain="pay") == ("domain: shop there, pay here",)
    assert refused(rarity, [Burst()]) == ("tables: rarity there, burst here",)
    lines = said(rarity)
    assert refused(signed([lines[0] | {"hash": "crc32"}, *lines[1:]]), [Rarity(keys=10)]) == (
        "hash: crc32 there, blake2b-32 here",
    )


def test_a_file_that_is_not_whole_is_refused_whichever_byte_is_wrong() -> None:
    """Cut anywhere, or with any byte altered, a file is refused; never is it an error of another kind."""
    model = Schema("any", 1, {"keys": 5}, ("time",))
    data = written({"p|ann": (1, 2.5, None, "x"), "p|bob": (3,)}, model)
    for at in range(len(data)):
        assert refused(data[:at], [model])
        assert refused(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], [model])
    assert refused(data[:-10], [model])[0].startswith("truncated: ")
    assert refused(data[:-90], [model])[0].startswith("truncated: ")
    assert refused(data.replace(b"ann", b"bob", 1), [model])[0].startswith("checksum: ")
    assert refused(b"PK\x03\x04", [model]) == ("magic: PK\\x03\\x04 there, weir-model-state here",)
    assert refused(data.replace(b'"format":1', b'"format":2'), [model]) == ("format: 2 there, 1 here",)


@pytest.mark.parametrize(
    ("line", "difference"),
    [
        (["p|ann", [1]], "any: row p|ann: list there, int, finite float, str or None here"),
        (["p|ann", True], "any: row p|ann: bool there, int, finite float, str or None here"),
        ([5, 1], "any: row: [5,1] there, [key, values] here"),
        ({"p|ann": 1}, 'any: row: {"p|ann":1} there, [key, values] here'),
        (["p|ann", float("inf")], "any: row: null there, [key, values] here"),
        (["#a", 1], "any: row #a: after p|aaa there, sorted here"),
    ],
)
def test_rows_that_no_detector_writes_are_refused(line: Any, difference: str) -> None:
    """Nested values, truth values, infinities, rows without a key or out of order, though the checksum is right."""
    model = Schema("any", 1, {})
    lines = said(written({"p|aaa": (1,), "p|ann": (1,)}, model))
    assert refused(signed([*lines[:-1], line]), [model]) == (difference,)


def test_lines_that_lack_something_are_refused() -> None:
    """A header or a line about a table that lacks a value, or has one of another type or a wrong digest, is named."""
    model = Schema("any", 1, {"keys": 5})
    head, table = said(written({}, model))
    for name in ("domain", "tables", "offsets"):
        assert refused(signed([{key: head[key] for key in head if key != name}, table]), [model])[0].startswith(name)
    assert refused(signed([head, table | {"version": "1"}]), [model]) == ('version: "1" there, int here',)
    assert refused(signed([head, table | {"digest": "0"}]), [model])[0].startswith("any: digest: 0 there")
    assert refused(signed([head, table, ["p|ann", 1]]), [model])[0].startswith("rows: 1 there, 0")
    with pytest.raises(StateMismatch, match="offset: null there, int here"):
        state.header(signed([head | {"offsets": [{"partition": 1}]}, table]))


def test_what_a_file_could_not_give_back_is_not_written() -> None:
    """Rows that are no flat tuples, infinities among them, and tables of another model are refused before writing."""
    model = Schema("any", 1, {})
    for row in ([1], (1, (2,)), (True,), (float("nan"),), (b"x",)):
        with pytest.raises(StateMismatch, match=r"any: row p\|ann: "):
            written({"p|ann": row}, model)  # type: ignore[dict-item]  # what is not to be
    with pytest.raises(StateMismatch, match=r"half_life: 30\.0 there, 7\.0 here"):
        written({HEADER: schema(Rarity()).header()}, Rarity(half_life=7.0))
    with pytest.raises(StateMismatch, match="adopt them first"):
        written({HEADER: schema(Rarity())._replace(version=1).header()}, Rarity())


def test_a_table_is_adopted_once() -> None:
    """An empty one gets the header, and nothing is written again afterwards, whatever was learnt."""

    store = Counted()
    adopt(store, Frequency())
    assert list(store) == [HEADER]
    learnt(Frequency, store)
    writes = store.writes
    adopt(store, Frequency())
    assert store.writes == writes


def test_another_detectors_rows_are_left_alone() -> None:
    """Other parameters, another detector, a later version, a damaged header: refused, and no row is touched."""
    store: dict[str, Row] = {}
    adopt(store, Frequency(half_life=7.0))
    learnt_rows = store | {"*": (1, 1, 0.0, 0.0, 0, 0, 0)}
    header = store[HEADER]
    for other, difference in (
        (header, "parameter half_life: 7.0 there, 14.0 here"),
        (schema(Rarity()).header(), "detector: rarity there, frequency here"),
        (schema(Frequency())._replace(version=9).header(), "version: 9 there, 1 here, and no migration"),
        (("older", *header[1:]), "magic: older there, weir-model-state here"),
        ((*header[:5], "0", *header[6:]), "digest: 0 there"),
        (header[:4], "header: 4 values there, 9 here"),
    ):
        rows = learnt_rows | {HEADER: other}
        before = dict(rows)
        with pytest.raises(StateMismatch) as caught:
            adopt(rows, Frequency())
        assert difference in str(caught.value)
        assert rows == before


def test_rows_without_a_header_are_of_the_first_version() -> None:
    """A table from before there were headers is migrated from version 1, and refused where there is no way."""
    store = Counted({"p|ann": (1, 2), "p|bob": (1, 2)})
    adopt(store, Rarity())
    assert store == {"p|ann": (1, 2), "p|bob": (1, 2), HEADER: schema(Rarity()).header()}
    assert store.writes == 1  # what a migration leaves as it is stays out of the changelog
    other: Store = {"p|ann": (1, 2)}
    with pytest.raises(StateMismatch, match="any: version: 1 there, 3 here, and no migration"):
        adopt(other, Schema("any", 3, {}))
    assert other == {"p|ann": (1, 2)}


@pytest.mark.parametrize("kind", DETECTORS, ids=lambda kind: kind.name)
def test_the_header_makes_no_difference_to_scores(kind: type[Detector]) -> None:
    """A detector over rows with a header learns and scores as over those without, and keeps it, beyond its cap too."""
    plain, headed = {}, {}  # type: ignore[var-annotated]  # stores
    adopt(headed, kind(keys=300))
    bare, one = kind(store=plain, keys=299), kind(store=headed, keys=300)
    for minute in range(900):
        x = event(minute, minute if minute % 3 else 1, f"svc:Op{minute % 5}")
        assert repr(bare.score_one(x)) == repr(one.score_one(x))
        bare.learn_one(x)
        one.learn_one(x)
        assert headed[HEADER] == schema(one).header()
    assert "#evicted" in plain


def test_parameters_without_end_can_be_said() -> None:
    """An infinite parameter is written as text, so that the file stays JSON, and is told from a finite one."""
    endless = Schema("any", 1, {"least": float("inf")})
    data = written({}, endless)
    assert b"Infinity" not in data
    assert state.load(data, [endless]) == {"any": {HEADER: endless.header()}}
    assert refused(data, [Schema("any", 1, {"least": 5.0})]) == ('any: parameter least: "inf" there, 5.0 here',)


@pytest.mark.parametrize("kind", DETECTORS, ids=lambda kind: kind.name)
def test_features_are_what_a_detector_reads(kind: type[Detector]) -> None:
    """What it says that it reads of an event is what it asks events for, with each of its switches on or off."""
    asked: set[str] = set()

    class Watched(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.add(key)
            return super().get(key, default)

        def __getitem__(self, key: str) -> Any:
            asked.add(key)
            return super().__getitem__(key)

    switches = {name: value for name, value in kind().parameters().items() if isinstance(value, bool)}
    for one in (kind(), *(kind(**{name: not value}) for name, value in switches.items())):
        for minute in range(200):
            x = Watched(event(minute, minute % 5, f"svc:Op{minute % 3}"))
            one.assess(x)
            one.learn_one(x)
    assert asked == set(kind.features)


@pytest.mark.parametrize("kind", DETECTORS, ids=lambda kind: kind.name)
def test_the_digest_is_the_detectors(kind: type[Detector]) -> None:
    """What a header says of the parameters is what units say."""
    assert schema(kind()).digest == kind().digest


@pytest.mark.parametrize("module", ["adopt", "migrations", "quota", "sketch", "state"])
def test_the_examples_in_the_documentation_run(module: str) -> None:
    """Docstring examples are true."""
    assert doctest.testmod(importlib.import_module(f"models.{module}")).failed == 0
