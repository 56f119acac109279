"""Cost of the models: ``python tests/bench/models_bench.py``.

Streams a recorded CloudTrail file again and again, shifted in time, through one suite over tables that keep a journal,
as in the engine; then sparse made-up traffic. Prints the best and the median of several rounds, in microseconds of
CPU an event.
"""

from __future__ import annotations

import gzip
import json
import statistics
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models.suite import Suite
from streams.correlation.table import Table, Undo

RECORDING = Path(__file__).resolve().parents[2].parent / "shared/data/cloudtrail-invictus/events.ndjson.gz"


def features(record: dict[str, Any]) -> dict[str, Any]:
    """A CloudTrail record as the models see it."""
    identity = record["userIdentity"]
    issuer = identity.get("sessionContext", {}).get("sessionIssuer", {}).get("arn")
    resources = record.get("resources") or [{}]
    return {
        "time": int(datetime.fromisoformat(record["eventTime"]).timestamp() * 1000),
        "principal": issuer or identity.get("arn"),
        "action": record["eventSource"].removesuffix(".amazonaws.com") + ":" + record["eventName"],
        "resource": resources[0].get("ARN"),
        "ip": record.get("sourceIPAddress"),
        "outcome": "failure" if "errorCode" in record else "success",
        "component": None,
    }


def recording() -> list[dict[str, Any]]:
    with gzip.open(RECORDING, "rt") as lines:
        return [features(json.loads(line)) for line in lines]


def synthetic(principals: int, count: int) -> list[dict[str, Any]]:
    """Sparse traffic: every principal calls less than once a minute, so nearly every event opens a new minute."""
    return [
        {
            "time": n * 60_000 // (principals // 2),
            "principal": f"arn:aws:iam::111122223333:role/service-{n * 7919 % principals}",
            "action": f"s3:Operation{n * 31 % 7}",
            "resource": f"arn:aws:s3:::bucket-{n * 17 % 5}",
            "ip": f"198.51.100.{n * 7919 % principals % 250}",
            "outcome": "success",
            "component": None,
        }
        for n in range(count)
    ]


def rounds(name: str, events: list[dict[str, Any]], repeat: int, gap: int) -> None:
    journal: Undo = []
    suite = Suite(lambda table: Table(table, journal))
    span = events[-1]["time"] - events[0]["time"] + gap
    costs = []
    unusual = 0
    for turn in range(repeat):
        shifted = [event | {"time": event["time"] + turn * span} for event in events]
        start = time.process_time()
        for event in shifted:
            if suite.score_and_learn(event).parts:
                unusual += 1
            journal.clear()
        costs.append((time.process_time() - start) / len(events) * 1e6)
    print(
        f"{name}: best {min(costs):.2f}, median {statistics.median(costs):.2f}, first {costs[0]:.2f} us/event; "
        f"{unusual} of {repeat * len(events)} with parts; "
        f"rows {', '.join(f'{d.name} {len(d._rows)}' for d in suite.detectors)}"
    )


def main() -> None:
    if RECORDING.exists():
        rounds("cloudtrail, 69 events a minute of one principal", recording(), 20, 60_000)
    rounds("sparse, each event in a new minute of its principal", synthetic(400, 20_000), 6, 60_000)


if __name__ == "__main__":
    main()
