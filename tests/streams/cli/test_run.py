"""``weir run`` without a broker, how it restarts its processes, and what it prints."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from schemas.parameters import Parameters
from schemas.unit import Unit
from streams.cli import app, run
from streams.cli.screen import summary
from streams.edge import children
from streams.edge.children import Child
from streams.edge.in_process import InProcess
from streams.edge.outcome import Outcome, Verdict, judge
from streams.settings import Settings
from streams.simulate import Scenario

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
SMALL = Scenario(7, 36, start=START, hours=6, events=2_000)


def in_one_process(scenario: Scenario) -> tuple[Outcome, list[Unit]]:
    told: list[Unit] = []
    outcome = Outcome()

    def tell(unit: Unit) -> None:
        told.append(unit)
        outcome.take(unit)

    work = InProcess(b"k" * 32, Parameters(), tell, outcome)
    work.start(scenario.catalog(), scenario.start)
    work.feed(scenario.messages())
    return work.finish(), told


def test_every_message_of_the_scenario_is_accounted_for() -> None:
    """Each message is read, each event of the log is folded under one outcome, and broken ones are dead letters."""
    outcome, _ = in_one_process(SMALL)
    injected = SMALL.truth()[-1]
    assert outcome.fed == outcome.raw == injected["messages"]
    assert outcome.unaccounted == 0
    assert outcome.refused.total() == injected["malformed"]
    assert outcome.folded["member"] > 0
    outcome.folded["member"] -= 1
    assert outcome.unaccounted == 1


def test_units_of_one_process_know_the_true_suspect() -> None:
    """Every incident has a unit, some with the true change first; no change is blamed for an attack from outside."""
    outcome, told = in_one_process(SMALL)
    verdict = judge(outcome.standing(), SMALL.truth())
    assert verdict.found == verdict.incidents > 0
    assert 0 < verdict.suspect_first <= verdict.incident_units
    assert verdict.accused == 0
    assert outcome.revisions == len(told)


def test_two_runs_give_the_same_revisions() -> None:
    """Without a clock of its own, the run in one process repeats itself to the byte."""
    _, one = in_one_process(SMALL)
    _, two = in_one_process(SMALL)
    assert [unit.model_dump_json() for unit in one] == [unit.model_dump_json() for unit in two]


def test_a_wrong_suspect_is_not_counted_as_right() -> None:
    """A unit whose first suspect is another change than the truth's does not count."""
    outcome, _ = in_one_process(SMALL)
    right = judge(outcome.standing(), SMALL.truth()).suspect_first
    spoilt = [
        unit.model_copy(update={"changes": tuple(c.model_copy(update={"source_id": "x"}) for c in unit.changes)})
        for unit in outcome.standing()
    ]
    assert right > 0
    assert judge(spoilt, SMALL.truth()).suspect_first == 0


def test_in_process_prints_units_and_a_summary(tmp_path: Path) -> None:
    """``weir run --in-process`` needs no broker: rows and summary on stdout, exit code 0."""
    environment = {"XDG_STATE_HOME": str(tmp_path), "WEIR_REDACTION_KEY": "a key for tests only", "NO_COLOR": "1"}
    result = CliRunner().invoke(app, ["run", "--in-process", "--events", "2000"], env=environment)
    assert result.exit_code == 0, result.output
    assert "SEVERITY RISK CONF SIGNALS" in result.stdout
    assert "true suspect change first in" in result.stdout
    assert "all accounted for" in result.stdout
    assert "\x1b" not in result.stdout


def test_without_any_broker_it_says_so_and_runs_in_one_process(tmp_path: Path) -> None:
    """No address, no Docker, no Java: one sentence on stderr, and the units all the same."""
    environment = {
        "PATH": str(tmp_path),
        "JAVA_HOME": str(tmp_path),
        "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
        "XDG_STATE_HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path),
        "WEIR_REDACTION_KEY": "a key for tests only",
        "KAFKA_BOOTSTRAP_SERVERS": "",
    }
    result = CliRunner().invoke(app, ["run", "--once", "--events", "2000"], env=environment)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("There is no Kafka broker") == 1
    assert "true suspect change first in" in result.stdout


def test_wrong_scenario_is_bad_usage() -> None:
    """Fewer messages than a scenario has stories for: one clear line and exit code 2."""
    result = CliRunner().invoke(app, ["run", "--in-process", "--events", "10"])
    assert result.exit_code == 2
    assert "at least 500" in result.stderr


def test_summary_says_what_is_not_accounted_for() -> None:
    """A lost event shows in the summary, unless a restart makes the counts incomplete anyway."""
    outcome = Outcome(raw=1, items=Counter(activity=2), folded=Counter(uninteresting=1))
    text = dict(summary(outcome, Verdict(3, 2, 2, 1, 1, 0)))
    assert "1 NOT ACCOUNTED FOR" in text["folded"]
    assert text["truth"].startswith("true suspect change first in 1 of 2 incident units; 2 of 3 incidents")
    outcome.whole = False
    assert "NOT ACCOUNTED" not in dict(summary(outcome, None))["folded"]


def test_fresh_prefix_only_on_a_kept_broker_of_ours(tmp_path: Path) -> None:
    """A given broker, a named prefix and a temporary broker keep the prefix; kept data gets a new one for each run."""
    assert run._app(Settings(bootstrap="b:1", broker_data=tmp_path), "given") == "weir"
    assert run._app(Settings(), "local") == "weir"
    assert run._app(Settings(app="mine", broker_data=tmp_path), "local") == "mine"
    assert run._app(Settings(broker_data=tmp_path), "local").startswith("weir-2")


# Child processes: a child that runs Python instead of a command of ours shows the rules.


def child(tmp_path: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> Child:
    folder = tmp_path / "streams" / "cli"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "__init__.py").touch()
    (folder / "__main__.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    return Child("correlate", ["correlate"], {"PYTHONPATH": str(tmp_path)}, tmp_path / "log")


def until(child: Child, seconds: float = 20.0) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (said := child.watch()) is not None:
            return said
        time.sleep(0.02)
    raise AssertionError("nothing happened")


def test_dead_child_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that ends is named with its last line and started again after a wait that grows."""
    one = child(tmp_path, "print('out of luck'); raise SystemExit(70)", monkeypatch)
    one.start()
    said = until(one)
    assert "exit code 70 (out of luck), next start in 0.5 s" in said
    assert until(one) == "correlate was started again"
    assert "next start in 1 s" in until(one)
    assert one.failed == 2


def test_refused_start_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 78 is not tried again, and the reason of the log's last critical line is given."""
    line = '{"level": "critical", "event": "refused to start", "reason": "the log was cut"}'
    one = child(tmp_path, f"print('{line}'); print('more'); raise SystemExit(78)", monkeypatch)
    one.start()
    assert until(one) == "correlate refused to start: the log was cut"
    assert one.watch() is None
    assert not one.running


def test_stop_ends_children_by_sigterm_and_kills_who_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who obeys SIGTERM ends by itself; who does not is killed when the time is over, and named."""
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\n"
        "time.sleep(60)\n"
    )
    one = child(tmp_path, code, monkeypatch)
    one.start()
    deadline = time.monotonic() + 20
    while "up" not in one.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert children.stop([one], seconds=0.3) == ["correlate"]
    assert not one.running


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel ties children to their parent on Linux")
def test_children_end_with_a_killed_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After kill -9 of the parent no child is left."""
    child(tmp_path, "import time\nprint('up', flush=True)\ntime.sleep(60)\n", monkeypatch)
    root = Path(__file__).parents[3]
    parent = (
        "import sys, time\n"
        f"sys.path.insert(0, {str(root)!r})\n"
        "from pathlib import Path\n"
        "from streams.edge.children import Child\n"
        f"one = Child('c', [], {{'PYTHONPATH': {str(tmp_path)!r}}}, Path({str(tmp_path / 'log')!r}))\n"
        "one.start(); print(one.process.pid, flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    deadline = time.monotonic() + 20
    while "up" not in (tmp_path / "log").read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(pid)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
