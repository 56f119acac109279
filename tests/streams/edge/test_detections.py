"""Detection rules at the edge: what is counted, what an empty record says, and the run without a broker."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from prometheus_client import generate_latest

from schemas.parameters import Parameters
from schemas.unit import Unit
from streams.edge.context import withdrawn
from streams.edge.health import Health
from streams.edge.in_process import InProcess
from streams.edge.ingest import IngestTold, Read
from streams.metrics import Metrics
from streams.sigma.bundle import bundle
from streams.simulate import Scenario

RULE = """
title: A key was asked for
name: key_asked
level: high
logsource: {product: weir, service: activity}
detection: {it: {action|startswith: 'iam:'}, condition: it}
"""


def test_what_is_counted() -> None:
    """Findings by level, what made none by reason, rules by state: every label is one of a few."""
    metrics = Metrics("ingest")
    told = IngestTold(metrics, Health())
    for _ in range(2):
        counts = Counter(high=2, silent=1), Counter({"no event": 1}), Counter(detection=4, refused=1)
        told(Read(1, 10, (), (), Counter(), Counter(), 0.1, *counts))
    lines = generate_latest(metrics.registry).decode().splitlines()
    assert sorted(line for line in lines if line.startswith("weir_detection") and "_created" not in line) == [
        'weir_detection_rules{state="detection"} 4.0',
        'weir_detection_rules{state="refused"} 1.0',
        'weir_detections_failed_total{reason="no event"} 2.0',
        'weir_detections_total{level="high"} 4.0',
        'weir_detections_total{level="silent"} 2.0',
    ]


@pytest.mark.parametrize(
    ("key", "kind", "of"),
    [
        ("sigma:0000-1", "sigma", "0000-1"),
        ("user:default/ada", "alias", "user:default/ada"),
        ("component:default/pay", "catalog", "component:default/pay"),
    ],
)
def test_an_empty_value_withdraws_what_its_key_says(key: str, kind: str, of: str) -> None:
    """A rule, a user's aliases, or else an entity of the catalog."""
    assert withdrawn(key) == {"kind": kind, "key": of, "record": None}


def test_a_run_without_a_broker_has_rules() -> None:
    """What they find in the scenario is folded and accounted for; no item is lost or made by them."""
    scenario = Scenario(3, 6, start=datetime(2026, 3, 2, 8, tzinfo=UTC), hours=1, events=600)
    texts, _ = bundle([("r", RULE)])
    units: dict[str, Unit] = {}
    works = []

    def tell(unit: Unit) -> None:
        units[unit.unit_id] = unit

    for rules in ((), texts):
        work = InProcess(b"k" * 32, Parameters(scoring=False), tell, rules=rules)
        work.start(scenario.catalog(), scenario.start)
        work.feed(scenario.messages())
        works.append(work.finish())
    without, with_rules = works
    assert with_rules.items["detection"] > 0
    assert {**without.items, "detection": 0, "context": 0} == {**with_rules.items, "detection": 0, "context": 0}
    assert without.unaccounted == with_rules.unaccounted == 0
    assert with_rules.items["context"] == without.items["context"] + 1
    assert any(signal.title == "A key was asked for" for unit in units.values() for signal in unit.signals)
