"""A policy exception as a file holds it: context of the risk, and a suspect of what follows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from schemas.parameters import Parameters
from schemas.unit import Unit
from streams.ingest import RawRecord
from streams.redaction import Redactor
from streams.replay.run import Replay
from tests.streams.replay.conftest import Heard

CATALOG = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "Component",
    "metadata": {"name": "pay", "annotations": {"acme.example/container-image": "ghcr.io/acme/pay"}},
    "spec": {"type": "service", "owner": "team-pay", "system": "shop", "lifecycle": "production"},
}
EXCEPTION = {
    "id": "EX-7",
    "created_at": "2026-03-02T09:00:00Z",
    "control": "CVE-2021-23337",
    "component": "pay",
    "requested_by": "ann@acme.example",
    "approved_by": "bob@acme.example",
    "reason": "no fixed release yet",
    "valid_from": "2026-03-02T09:00:00Z",
    "valid_to": "2026-06-02T09:00:00Z",
}
REPORT = {
    "SchemaVersion": 2,
    "CreatedAt": "2026-03-02T10:00:00Z",
    "ArtifactName": "ghcr.io/acme/pay:1.4",
    "ArtifactType": "container_image",
    "Metadata": {"RepoTags": ["ghcr.io/acme/pay:1.4"], "RepoDigests": [f"ghcr.io/acme/pay@sha256:{'0a' * 32}"]},
    "Results": [
        {
            "Target": "package-lock.json",
            "Class": "lang-pkgs",
            "Type": "npm",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2021-23337",
                    "PkgName": "lodash",
                    "InstalledVersion": "4.17.20",
                    "Severity": "HIGH",
                    "Title": "lodash: command injection via template",
                }
            ],
        }
    ],
}


def told(*documents: tuple[str, Any]) -> list[Unit]:
    """Every revision of a replay of documents, each with its time of arrival."""
    heard = Heard()
    replay = Replay(Redactor(b"a key for tests only"), Parameters(scoring=False), heard)
    for number, (at, document) in enumerate(documents):
        arrival = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() * 1000)
        raw = RawRecord("file", 0, number, arrival, None, (), orjson.dumps(document), None)
        replay.fold(replay.take(raw, limit=1_000_000))
    replay.finish()
    assert not heard.letters
    return heard.units


@pytest.mark.parametrize("late", [False, True])
def test_an_exception_is_suspect_and_context(late: bool) -> None:
    """What it waives is found an hour later: the suspect, and an accepted risk; in a revision where it is told late."""
    elsewhere = REPORT | {"CreatedAt": "2026-03-02T10:20:00Z", "ArtifactName": "other:1", "Metadata": {}}
    report, exception = ("2026-03-02T10:00:01", REPORT), ("2026-03-02T09:00:05", EXCEPTION)
    order = [report, ("2026-03-02T10:20:01", elsewhere), exception] if late else [exception, report]
    told_of = told(("2026-03-02T08:00:00", CATALOG), *order)
    revisions = [unit for unit in told_of if unit.domain == "system:shop"]
    assert len(revisions) == (2 if late else 1)
    if late:
        assert revisions[0].changes == ()
        assert revisions[1].reason in ("context", "change")
    unit = revisions[-1]
    (found,) = unit.changes
    assert (found.source, found.source_id, found.kind) == ("policy.exceptions", "EX-7", "policy_exception")
    assert found.actor == "bob@acme.example"
    assert found.score > 0.5
    assert {"component", "content", "kind"} <= {factor.name for factor in found.factors}
    assert unit.exploitability.exceptions == ("EX-7",)
