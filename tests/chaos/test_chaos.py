"""Kill and freeze real processes on a real broker; the outputs must be those of an uninterrupted fold.

The large version is ``python -m tests.chaos.run``; these are its small sisters, and the proof that each can fail.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import QUICK, run
from tests.conftest import MakeSettings

pytestmark = [pytest.mark.broker, pytest.mark.chaos, pytest.mark.timeout(400)]


def test_kills_and_freezes_leave_no_trace(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Whatever process dies or freezes when, nothing is lost, doubled or different, and SIGTERM ends all in time."""
    settings = make_settings(partitions=4, engine=QUICK, session_timeout_ms=4_000)
    result = run(settings, tmp_path, events=20_000, kills=4, freezes=1, rate=1_000, seed=3)
    assert result.wrong == []
    assert result.units > 10
    assert set(result.stopped.values()) == {0}


BROKEN = [
    ({"ingest": "early_ack"}, 4, 0),
    ({"correlate": "early_ack"}, 4, 0),
    ({"ingest": "no_position"}, 2, 0),
    ({"correlate": "no_position"}, 2, 0),
    ({"ingest": "dropped_batch"}, 0, 0),
    ({"correlate": "dropped_batch"}, 0, 0),
    ({"correlate": "unfenced"}, 0, 2),
]


@pytest.mark.parametrize(
    ("mutants", "kills", "freezes"), BROKEN, ids=lambda m: "-".join(*m.items()) if isinstance(m, dict) else ""
)
def test_a_broken_rule_is_seen(
    make_settings: MakeSettings, tmp_path: Path, mutants: dict[str, str], kills: int, freezes: int
) -> None:
    """With one rule of delivery broken on purpose, the oracles find something."""
    settings = make_settings(partitions=4, engine=QUICK, session_timeout_ms=3_000)
    result = run(
        settings,
        tmp_path,
        events=8_000,
        kills=kills,
        freezes=freezes,
        rate=500,
        seed=5,
        mutants=mutants,
        patience=30,
        each=2 if freezes else 1,
        role=next(iter(mutants)),
        between=(1.0, 3.0),
    )
    assert result.wrong
