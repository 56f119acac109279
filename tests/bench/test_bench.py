"""The benchmarks run and give figures that can be; what the figures are is no test's business."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from models.suite import STANDARD
from streams.bench import activities
from streams.bench import events as sample
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


def test_the_models_are_measured_on_every_stream(tmp_path: Path) -> None:
    """Each stream has percentiles, a cost of each detector and its keys, and a verdict on what was promised; the exit
    code follows from these."""
    recorded = tmp_path / "recorded.ndjson"
    recorded.write_bytes(b"\n".join(sample.synthetic(300, datetime(2026, 1, 5, tzinfo=UTC), seed=2).records))
    arguments = ["bench", "models", "--events", "500", "--warm-up", "1000", "--data", str(recorded), "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code in (0, 1), done.output
    result = orjson.loads(done.stdout)
    assert result["clock_us"] > 0
    assert [stream["name"].partition(":")[0] for stream in result["streams"]] == ["simulated", "sparse", "recorded"]
    kept = True
    for stream in result["streams"]:
        assert stream["events"] == 500
        assert 0 < stream["suite"]["p50"]["median"] <= stream["suite"]["p99"]["median"]
        assert stream["detectors"].keys() == {detector.name for detector in STANDARD}
        assert all(cost["mean"]["best"] > 0 for cost in stream["detectors"].values())
        assert stream["baseline"]["mean"]["best"] > 0
        assert stream["held_by"].keys() >= stream["detectors"].keys() | {"calibration"}
        assert stream["held"]["keys"] == sum(held["keys"] for held in stream["held_by"].values())
        assert all(held["bytes_per_key"] > 50 for held in stream["held_by"].values() if held["keys"])
        assert [promise["wanted"] for promise in stream["promises"]] == [15, 150, 300]
        for promise in stream["promises"]:
            assert promise["met"] == (promise["found"] <= promise["wanted"])
            kept = kept and promise["met"]
    assert result["met"] == kept
    assert done.exit_code == (0 if kept else 1)


def test_the_sparse_stream_is_as_it_says() -> None:
    """A third of the minutes are new, as asked for, times rise, and equal seeds give equal events."""
    stream = activities.sparse(3_000, 1_000, datetime(2026, 3, 2, 8, tzinfo=UTC))
    assert len(stream.given) == 4_000
    assert activities.new_minutes(stream.given) == pytest.approx(0.3, abs=0.01)
    times = [x["time"] for _, x in stream.given]
    assert times == sorted(times)
    assert stream == activities.sparse(3_000, 1_000, datetime(2026, 3, 2, 8, tzinfo=UTC))


def test_the_models_are_given_what_the_engine_gives_them() -> None:
    """Every activity of the records comes with its domain, in order, as features of the engine's own making."""
    stream = activities.simulated(200, 100, datetime(2026, 3, 2, 8, tzinfo=UTC))
    assert len(stream.given) == 300
    assert len({domain for domain, _ in stream.given}) > 1
    for _, x in stream.given:
        assert x.keys() >= {"time", "principal", "action", "resource", "ip", "outcome", "component"}
        assert x["principal"]
        assert ":" in x["action"]


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
