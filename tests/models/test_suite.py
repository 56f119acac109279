"""All detectors of a domain together."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import subprocess
import sys
from datetime import datetime
from math import log10
from pathlib import Path
from typing import Any

import pytest

from models import Burst, Rarity, Suite, text
from models.base import Row, Store
from models.suite import UNTESTED
from streams.correlation.table import Table, Undo, undo

MINUTE, DAY = 60_000, 86_400_000
ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT.parent / "shared/data/cloudtrail-invictus/events.ndjson.gz"

# Run in another process: rows and events in, the verdicts and the rows after them out.
REPLAY = """
import json, sys
from models import Suite
tables, events = json.load(sys.stdin)
tables = {name: {key: tuple(row) for key, row in rows} for name, rows in tables.items()}
suite = Suite(tables.__getitem__)
verdicts = [repr(suite.score_and_learn(event)) for event in events]
json.dump([verdicts, {name: sorted(rows.items()) for name, rows in tables.items()}], sys.stdout)
"""


def call(at: int, principal: str | None = "role/0", action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    return {"time": at, "principal": principal, "action": action, "outcome": "success"} | more


def suite_over(tables: dict[str, Store]) -> Suite:
    return Suite(lambda name: tables.setdefault(name, {}))


def traffic(count: int, seed: int = 1, start: int = 0, odd: float = 0.001) -> list[dict[str, Any]]:
    """Two days of ten roles with their own actions; a thousandth of the calls is something else."""
    chance = random.Random(seed)
    events = []
    for n in range(count):
        who = chance.randrange(10)
        action = f"svc:Op{chance.randrange(30) if chance.random() < odd else who % 5 + chance.randrange(3)}"
        address = f"198.51.100.{who % 4}"
        events.append(call(start + n * 2 * DAY // count, f"role/{who}", action, ip=address, resource=f"b-{who % 3}"))
    return events


def test_an_intruder_in_a_mature_role_is_a_signal() -> None:
    """New actions from a new address by a role with two days of history give p <= 1e-3, each with its reasons."""
    suite = suite_over({})
    for event in traffic(10_000, odd=0):
        suite.score_and_learn(event)
    verdict = suite.score_and_learn(call(2 * DAY, action="iam:CreateUser", ip="203.0.113.9", resource="arn:admin"))
    assert verdict.p <= 1e-3
    assert not verdict.learning
    assert {part.feature for part in verdict.parts} == {"action", "ip", "resource", "pair"}
    assert all("no other principal does it" in text(part) for part in verdict.parts if part.detector == "rarity")
    assert sum(part.score for part in verdict.parts) == pytest.approx(-log10(verdict.p))


def test_where_odd_things_happen_they_are_less_odd() -> None:
    """The same intruder has a p a hundred times as large among roles of which one call in a thousand is new."""
    ps = []
    for odd in (0.0, 0.001):
        suite = suite_over({})
        for event in traffic(10_000, odd=odd):
            suite.score_and_learn(event)
        intruder = call(2 * DAY, action="iam:CreateUser", ip="203.0.113.9", resource="arn:admin")
        ps.append(suite.score_and_learn(intruder).p)
    assert ps[1] > 100 * ps[0]


def test_quiet_traffic_stays_below_one_signal_in_a_thousand() -> None:
    """Of 10,000 ordinary events after two days of learning, fewer than ten have p <= 1e-3."""
    suite = suite_over({})
    for event in traffic(10_000):
        suite.score_and_learn(event)
    after = [suite.score_and_learn(event).p for event in traffic(10_000, seed=2, start=2 * DAY)]
    assert sum(p <= 1e-3 for p in after) < 10


def test_cold_start_says_so() -> None:
    """The first events of a principal come with ``learning``; an extreme burst among them is held at the cap."""
    suite = suite_over({})
    verdicts = [suite.score_and_learn(call(n)) for n in range(200)]
    assert all(verdict.learning for verdict in verdicts)
    assert min(verdict.p for verdict in verdicts) == 1e-3
    assert suite.assess(call(0, principal=None)) is UNTESTED


def test_first_times_alone_are_no_signal_while_learning() -> None:
    """A new principal that does something else every minute has no verdict below 0.01."""
    suite = suite_over({})
    verdicts = [suite.score_and_learn(call(n * MINUTE, action=f"svc:Op{n}", ip=f"ip-{n}")) for n in range(100)]
    assert min(verdict.p for verdict in verdicts) >= 0.01


def test_ordinary_verdicts_are_shared() -> None:
    """Nothing unusual allocates nothing: the same object twice."""
    suite = suite_over({})
    suite.learn(call(0))
    assert suite.score_and_learn(call(MINUTE)) is suite.score_and_learn(call(2 * MINUTE))


def test_the_names_identify_detector_version_and_parameters() -> None:
    """``name@version:digest``, in a fixed order."""
    names = suite_over({}).names()
    models = ["burst", "rarity", "frequency", "ratio", "calibration", "health", "quota"]
    assert [name.split("@")[0] for name in names] == models
    assert all(re.fullmatch(r"[a-z]+@\d+:[0-9a-f]{8}", name) for name in names)


def test_tests_and_digest_are_in_the_rows() -> None:
    """What was tested and the digest of the state come back with the rows; provenance names each model with it."""
    tables: dict[str, Store] = {}
    suite = suite_over(tables)
    assert (suite.tests, suite.state_digest()) == (0, "0" * 16)
    for event in [*traffic(3_000), call(3 * DAY)]:
        suite.score_and_learn(event)
    assert suite.tests == len({(event["time"] // MINUTE, event["principal"]) for event in traffic(3_000)})
    again = suite_over({name: dict(rows) for name, rows in tables.items()})
    assert (again.tests, again.state_digest()) == (suite.tests, suite.state_digest())
    assert suite.provenance() == tuple(f"{name}+{suite.state_digest()}" for name in suite.names())
    again.score_and_learn(call(9 * DAY, "role/1"))
    assert again.state_digest() != suite.state_digest()


def test_the_digest_tells_what_was_scored_otherwise() -> None:
    """One odd call among thousands, a day ago, is another state; the same events in another order of the minute not."""
    digests: list[str] = []
    for odd in (False, True, False):
        suite = suite_over({})
        events = traffic(3_000)
        if odd:
            events[2_000] |= {"action": "iam:CreateUser"}
        if digests:
            events.sort(key=lambda event: (event["time"] // MINUTE, str(event)))
        for event in [*events, call(3 * DAY)]:
            suite.score_and_learn(event)
        digests.append(suite.state_digest())
    assert digests[0] != digests[1]
    assert digests[0] == digests[2]


def test_a_second_set_has_its_own_detectors_and_parameters() -> None:
    """Fewer detectors, other parameters: other names, and verdicts by those alone."""
    other = Suite(
        lambda _: {},
        (Burst, Rarity),
        {"burst": {"guard": 1e-4}, "calibration": {"half_life": 5e3, "prior": 100.0}, "health": {"block": 30}},
    )
    usual = suite_over({}).names()
    assert [name.split("@")[0] for name in other.names()] == ["burst", "rarity", "calibration", "health", "quota"]
    assert other.names()[1] == usual[1]
    assert not {other.names()[n] for n in (0, 2, 3)} & set(usual)
    assert other.detectors[0].parameters()["guard"] == 1e-4
    assert other.calibration.parameters()["half_life"] == 5e3
    assert Suite(lambda _: {}, parameters={"quota": {"limit": 9}}).names() != usual
    for event in traffic(500):
        assert {part.detector for part in other.score_and_learn(event).parts} <= {"burst", "rarity"}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"brust": {}}, "no model is called brust; there are burst, rarity"),
        ({"burst": {"gard": 1}}, "no parameter of burst is called gard; there are guard, keys"),
        ({"calibration": {"tial": 1}}, "no parameter of calibration is called tial; there are half_life, kinds"),
        ({"health": {"x": 1}}, "no parameter of health is called x; there are span"),
        ({"quota": {"x": 1}}, "no parameter of quota is called x; there are limit"),
    ],
)
def test_a_name_that_there_is_not_is_refused(parameters: dict[str, dict[str, Any]], words: str) -> None:
    """The error says which there are."""
    with pytest.raises(ValueError, match=words):
        Suite(lambda _: {}, parameters=parameters)


def test_a_source_that_makes_up_names_is_not_learnt_from() -> None:
    """Beyond the quota a new principal of that source is scored and leaves nothing; known ones, other sources go on."""
    tables: dict[str, Store] = {}
    suite = Suite(
        lambda name: tables.setdefault(name, {}), parameters={"quota": {"limit": 3}, "calibration": {"wait": 1}}
    )
    for n in range(10):
        verdict = suite.score_and_learn(call(n, f"made-up/{n}", source="aws"))
        assert verdict.learning
    assert {key for key in tables["burst"] if key[:2] == "p|"} == {f"p|made-up/{n}" for n in range(3)}
    suite.score_and_learn(call(20, "made-up/1", "svc:New", source="aws"))
    suite.score_and_learn(call(21, "made-up/7", source="other"))
    suite.score_and_learn(call(22, "made-up/8"))
    assert {"p|made-up/7", "p|made-up/8", "a|made-up/1|svc:New"} <= tables["burst"].keys()
    suite.score_and_learn(call(3_600_000, "made-up/9", source="aws"))
    assert suite.tests == 5
    assert "p|made-up/9" in tables["burst"]


def test_what_was_lost_is_told_with_health() -> None:
    """Keys that the quota refused, rows evicted, and who is still learning, are numbers of each model."""
    tables: dict[str, Store] = {}
    suite = Suite(
        lambda name: tables.setdefault(name, {}),
        parameters={"quota": {"limit": 30}, "burst": {"keys": 50}, "health": {"block_units": 10}},
    )
    for minute in range(200):
        suite.score_and_learn(call(minute * MINUTE, "role/a"))
        suite.score_and_learn(call(minute * MINUTE, f"role/{minute}", f"svc:Op{minute}", source="aws"))
    health = {each.model: each for each in suite.health()}
    assert list(health) == ["burst", "rarity", "frequency", "all"]
    assert health["burst"].evicted > 10
    assert health["rarity"].evicted == 0.0
    assert health["all"].evicted == health["burst"].evicted
    assert health["all"].refused > 20
    assert {each.state for each in health.values()} == {"learning"}
    assert 0.3 < (health["burst"].young or 0.0) < 0.9  # role/a is known after an hour, to the bursts
    assert health["rarity"].young == health["all"].young == 1.0


def test_a_step_can_be_taken_back() -> None:
    """Over the engine's tables, undoing an event leaves rows and verdicts as if it had never been learnt."""
    journal: Undo = []
    tables: dict[str, Table] = {}
    suite = Suite(lambda name: tables.setdefault(name, Table(name, journal)))
    for event in traffic(500):
        suite.score_and_learn(event)
    journal.clear()
    before = {name: dict(table) for name, table in tables.items()}
    odd = call(2 * DAY, "role/1", "iam:CreateUser", ip="203.0.113.9", outcome="failure")
    verdict = suite.score_and_learn(odd)
    assert {name: dict(table) for name, table in tables.items()} != before
    undo(journal)
    assert {name: dict(table) for name, table in tables.items()} == before
    assert suite.score_and_learn(odd) == verdict


def test_verdicts_are_byte_equal_in_another_process() -> None:
    """Rows dumped as JSON, shuffled and loaded under other hash seeds give the same verdicts and rows, bit for bit."""
    tables: dict[str, Store] = {}
    suite = suite_over(tables)
    for event in traffic(6000):
        suite.score_and_learn(event)
    events = traffic(400, seed=3, start=2 * DAY)
    events += [call(4 * DAY + n, "role/1", "iam:CreateUser", ip="203.0.113.9", outcome="failure") for n in range(40)]
    dumped = {name: list(rows.items()) for name, rows in tables.items()}
    for rows_of in dumped.values():
        random.Random(5).shuffle(rows_of)
    given = json.dumps([dumped, events])
    here = [repr(suite.score_and_learn(event)) for event in events]
    assert sum("Part(" in line for line in here) > 20
    rows: dict[str, list[tuple[str, Row]]] = {name: sorted(table.items()) for name, table in tables.items()}
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", REPLAY],
            input=given,
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        )
        assert json.loads(done.stdout) == json.loads(json.dumps([here, rows]))


@pytest.mark.skipif(not RECORDING.exists(), reason="needs the recorded CloudTrail sample in ../shared/data")
def test_half_an_hour_of_real_cloudtrail() -> None:
    """On a recording that is all cold start: every verdict is a p-value, mature ones aside none is below the cap, and
    fewer than one event in twenty is a signal."""
    tables: dict[str, Store] = {}
    suite = suite_over(tables)
    signals = 0
    with gzip.open(RECORDING, "rt") as lines:
        records = [json.loads(line) for line in lines]
    for record in records:
        verdict = suite.score_and_learn(
            {
                "time": int(datetime.fromisoformat(record["eventTime"]).timestamp() * 1000),
                "principal": record["userIdentity"].get("arn"),
                "action": record["eventSource"].removesuffix(".amazonaws.com") + ":" + record["eventName"],
                "ip": record.get("sourceIPAddress"),
                "outcome": "failure" if "errorCode" in record else "success",
            }
        )
        assert (1e-3 if verdict.learning else 0.0) <= verdict.p <= 1.0
        assert all(text(part) for part in verdict.parts)
        signals += verdict.p <= 1e-3
    assert 0 < signals < len(records) / 20
