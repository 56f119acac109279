"""The benchmarks run and give figures that can be; what the figures are is no test's business."""

from __future__ import annotations

import orjson
import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.edge.broker import Broker


def test_the_pure_part_is_measured_stage_by_stage() -> None:
    """Every stage has a figure, they add up to the total, and every event is accounted for."""
    done = CliRunner().invoke(
        app, ["bench", "pipeline", "--only-pure", "--pure", "500", "--repetitions", "1", "--json"]
    )
    assert done.exit_code == 0, done.output
    result = orjson.loads(done.stdout)
    for part in ("ingest", "correlate"):
        total = result[part]["total"]["median"]
        stages = sum(stage["median"] for stage in result[part]["stages"].values())
        assert total > 0
        assert stages == pytest.approx(total, rel=0.05)
    assert (
        sum(n for name, n in result["correlate"]["outcomes"].items() if name != "steering")
        == (result["correlate"]["events"])
    )


def test_grouping_is_measured_at_every_size() -> None:
    """Each size has as many units and entities as were asked for, a cost, and a ratio to the first."""
    sizes = ["--units", "50", "--units", "200", "--entities", "1000"]
    done = CliRunner().invoke(
        app, ["bench", "correlate", *sizes, "--signals", "100", "--repetitions", "2", "--json"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    result = orjson.loads(done.stdout)
    small, large, wide = result["levels"]
    assert small["units"] >= 50
    assert large["units"] >= 200
    assert wide["units"] >= 25
    assert wide["entities"] >= 1_000
    assert small["against"] == 1.0
    assert result["cpu"] >= 1.0
    assert all(level["cpu"]["best"] > 0 and level["bytes_per_unit"] > 1_000 for level in result["levels"])


@pytest.mark.broker
@pytest.mark.timeout(180)
def test_the_transport_is_measured_on_a_broker(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real worker folds what was written before, and CPU, memory and commits are read off its process."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap)
    done = CliRunner().invoke(app, ["bench", "edge", "--events", "20000", "--partitions", "2", "--json"])
    assert done.exit_code == 0, done.output
    worker = orjson.loads(done.stdout)["worker"]
    assert worker["commits"] > 0
    assert worker["cpu_us_per_event"] > 0
    assert worker["peak"] > 10_000_000
