"""Suppression from the command line's own records: a replay of recorded files with reviews beside them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.unit import Unit
from streams.cli import app
from streams.cli.reviewing import make
from streams.cli.suppressed import by_pattern, hidden_by, rows, unit_rows

INPUT = Path(__file__).resolve().parents[2] / "golden" / "replay" / "input"


@pytest.fixture
def replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``replay(reviews, *arguments)``: the units that the golden input and these reviews give."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEIR_REDACTION_KEY", "a key for tests only")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)

    def run(reviews: list[Any], *arguments: object) -> list[Unit]:
        path = tmp_path / "reviews.ndjson"
        path.write_text("".join(review.model_dump_json(exclude_none=True) + "\n" for review in reviews))
        given = [str(INPUT), *([str(path)] if reviews else []), *map(str, arguments)]
        ran = CliRunner().invoke(app, ["replay", *given])
        assert ran.exit_code == 0, ran.stderr
        return [Unit.model_validate_json(line) for line in ran.stdout_bytes.splitlines()]

    return run


def test_a_replay_tells_suppressed_units_too_and_each_once(replay: Any, tmp_path: Path) -> None:
    """Suppressed by ``weir review``, they are printed with owner and end, keep their members, and come back whole."""
    before = replay([])
    late = max(unit.updated_at for unit in before) + timedelta(minutes=5)

    def about(unit: Unit, kind: str, at: datetime, **fields: Any) -> Any:
        return make(unit.domain, unit.unit_id, "ada", at, {"kind": kind, **fields})

    away = [about(unit, "suppress", late, comment="known scanner") for unit in before if unit.severity < 4]
    assert away
    members = tmp_path / "members"
    after = replay(away, "--members", members)
    assert [unit.unit_id for unit in after] == [unit.unit_id for unit in before]
    hidden = [unit for unit in after if unit.hidden]
    assert hidden
    assert {unit.unit_id for unit in hidden} <= {review.unit_id for review in away}
    assert all(unit.suppression and unit.suppression.owner == "ada" for unit in hidden)
    listed = {json.loads(line)["unit_id"] for line in members.read_bytes().splitlines()}
    assert listed == {unit.unit_id for unit in after}

    pattern = hidden[0].suppression.pattern
    back = make(hidden[0].domain, "", "ben", late + timedelta(hours=1), {"kind": "unsuppress", "pattern": pattern})
    revisions = replay([*away, back], "--revisions")
    named = [(unit.unit_id, unit.revision) for unit in revisions]
    assert len(named) == len(set(named))
    told = {unit.unit_id: where for unit, where in hidden_by(pattern, revisions)}
    assert told[hidden[0].unit_id] == "came back"
    assert "hidden" not in told.values()
    last = {unit.unit_id: unit for unit in revisions}[hidden[0].unit_id]
    assert last.diff is not None
    assert "ben took back the suppression" in last.diff.text
    assert (last.signals, last.digest) == (hidden[0].signals, hidden[0].digest)
    assert any(pattern in line.plain for line in rows(by_pattern(revisions), 200))
    assert any("came back" in line.plain for line in unit_rows(hidden_by(pattern, revisions), 200))
