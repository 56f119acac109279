"""Cost of mapping Kubernetes audit events: ``python -m tests.bench.audit_bench``.

Reads made-up events again and again: a person's request at level Metadata, a service account's with the extras that
its token brings, and a rollout at level Request, which is an activity and a change; then, where the recordings are, the
requests of a cluster while Helm installs charts. Prints the best of several rounds, in microseconds of CPU an event.
"""

from __future__ import annotations

import csv
import gzip
import time
from pathlib import Path
from typing import Any

from streams.sources.kubernetes_audit import KubernetesAudit
from streams.sources.kubernetes_audit_rows import nested
from tests.contract.samples.kubernetes_audit import ROLLOUT, event, robot

RECORDING = Path(__file__).resolve().parents[2].parent / "shared/data/k8s-audit-helm/audit.csv.gz"


def measure(events: list[dict[str, Any]], rounds: int = 7, least: int = 20_000) -> float:
    """Microseconds of CPU an event, the best of ``rounds`` over at least ``least`` events each."""
    source = KubernetesAudit()
    times = max(1, least // len(events))
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(times):
            for each in events:
                list(source.read(each, {}))
        best = min(best, (time.process_time() - began) / (times * len(events)))
    return best * 1e6


def main() -> None:
    """Print each figure."""
    cases = {"a person": [event()], "a service account": [event(user=robot())], "a rollout": [ROLLOUT]}
    if RECORDING.is_file():
        with gzip.open(RECORDING, "rt") as table:
            cases["recorded"] = [nested(row) for row in csv.DictReader(table)]
    for name, events in cases.items():
        print(f"{name:18} {measure(events):6.2f} µs an event")


if __name__ == "__main__":
    main()
