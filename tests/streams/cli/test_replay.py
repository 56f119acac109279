"""The command that replays: golden input, exit codes, the same bytes in any process, and recorded data."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from streams.cli import app
from streams.edge.dump import encode
from streams.replay.recorded import Recorded

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "replay"
SHARED = ROOT.parent / "shared" / "data"
recorded = pytest.mark.skipif(not SHARED.is_dir(), reason="recorded data is not beside the repository")


class Ran(NamedTuple):
    code: int
    out: bytes
    err: str

    @property
    def units(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Replay = Callable[..., Ran]


@pytest.fixture
def replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """``replay(*arguments)``: the command in this process, in an empty folder, under a key for tests."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("WEIR_REDACTION_KEY", "a key for tests only")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)

    def run(*arguments: object) -> Ran:
        result = CliRunner().invoke(app, ["replay", *map(str, arguments)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout_bytes, result.stderr)

    return run


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def table(err: str) -> list[str]:
    """The rows of the summary, blanks folded."""
    rows = [line.split() for line in err.splitlines()]
    return sorted(" ".join(row) for row in rows if len(row) >= 12 and all(cell.isdigit() for cell in row[-11:]))


def test_the_golden_story(replay: Replay, tmp_path: Path) -> None:
    """Four files of one morning give the units, members, suspects, dead letters and counts that a person worked out."""
    wanted = json.loads((GOLDEN / "expected.json").read_bytes())
    members, letters = tmp_path / "members", tmp_path / "letters"
    ran = replay(GOLDEN / "input", "--members", members, "--dead-letters", letters)
    assert ran.code == 0, ran.err
    by_unit: dict[str, list[str]] = {}
    for member in lines(members):
        by_unit.setdefault(member["unit_id"], []).append(member["source_id"])
    found = [
        {
            "unit_id": unit["unit_id"],
            "domain": unit["domain"],
            "owner": unit["owner"],
            "title": unit["title"],
            "members": by_unit[unit["unit_id"]],
            "suspects": [change["source_id"] for change in unit["changes"]],
        }
        for unit in ran.units
    ]
    assert found == wanted["units"]
    names = sorted(path.name for path in (GOLDEN / "input").iterdir())
    place = [
        [names[letter["partition"]], letter["offset"], letter["item"], letter["stage"]] for letter in lines(letters)
    ]
    assert sorted(place, key=str) == wanted["dead_letters"]
    assert table(ran.err) == wanted["summary"]
    assert "accounted for: 17 of 17 documents, 18 of 18 readings of their items, 17 of 17 events" in ran.err


def test_several_paths_are_one_replay(replay: Replay) -> None:
    """Files named one by one, in any order, with the source of one of them or not, give what their folder gives."""
    paths = sorted((GOLDEN / "input").iterdir())
    whole = replay(GOLDEN / "input")
    named = [f"aws.cloudtrail={path}" if path.name == "trail.json" else path for path in paths]
    assert len(paths) == 4
    for ran in (replay(*paths), replay(*reversed(paths)), replay(*named)):
        assert (ran.code, ran.out) == (0, whole.out)
        assert table(ran.err) == table(whole.err)
    assert whole.units


def test_all_revisions_in_order(replay: Replay) -> None:
    """--revisions prints every revision as it comes, and the last of each unit is what is printed without."""
    last, every = replay(GOLDEN / "input"), replay(GOLDEN / "input", "--revisions")
    assert len(every.units) > len(last.units)
    newest = {unit["unit_id"]: unit for unit in every.units}
    assert [newest[key] for key in sorted(newest)] == last.units
    for unit_id in newest:
        numbers = [unit["revision"] for unit in every.units if unit["unit_id"] == unit_id]
        assert numbers == list(range(1, len(numbers) + 1))


def test_events_are_written_in_the_order_of_the_fold(replay: Replay, tmp_path: Path) -> None:
    """--events holds the catalog first, then every event with its copy for the dependent domain."""
    assert replay(GOLDEN / "input", "--events", tmp_path / "events").code == 0
    events = lines(tmp_path / "events")
    assert [event["type"] for event in events[:4]] == ["context"] * 4
    assert len(events) == 17
    copies = [event for event in events if event.get("home") is False]
    assert [(copy["component"], copy["domain"]) for copy in copies] == [("orders", "system:shop")]


def test_the_catalog_may_stand_elsewhere(replay: Replay, tmp_path: Path) -> None:
    """--catalog, and the catalog of the settings, count as if they stood among the files; without, domains differ."""
    apart = tmp_path / "apart"
    shutil.copytree(GOLDEN / "input", apart)
    catalog = (apart / "catalog.yaml").rename(tmp_path / "catalog.yaml")
    wanted = replay(GOLDEN / "input").out
    assert replay(apart, "--catalog", catalog).out == wanted
    (tmp_path / "home" / "weir.toml").write_text(f'catalog = "{catalog}"\n')
    assert replay(apart).out == wanted
    (tmp_path / "home" / "weir.toml").unlink()
    assert {unit["domain"] for unit in replay(apart).units}.isdisjoint({"system:shop", "system:books"})


def test_parameters_come_from_settings_and_flags(replay: Replay, tmp_path: Path) -> None:
    """weir.toml, then --set, then --no-models decide the parameters; the unit names their digest."""
    default = replay(GOLDEN / "input").units[0]["provenance"]["config"]
    (tmp_path / "home" / "weir.toml").write_text("[engine]\nsignal_severity = 4\n")
    ran = replay(GOLDEN / "input")
    assert [unit["signal_count"] for unit in ran.units] == [2]
    assert [unit["signal_count"] for unit in replay(GOLDEN / "input", "--set", "signal_severity=3").units] == [3]
    digests = {default, ran.units[0]["provenance"]["config"]}
    digests.add(replay(GOLDEN / "input", "--no-models").units[0]["provenance"]["config"])
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the files or folders to replay"),
        (("nowhere",), "nowhere: there is no such file or folder"),
        ((".",), "nothing to replay: no file that any source reads"),
        (("empty.ndjson",), "nothing to replay: the files are empty"),
        (("notes.txt",), "not read: notes.txt: no source reads this format"),
        (("--source", "sysmon", GOLDEN), "no source is named 'sysmon'"),
        (("--set", "speed=9", GOLDEN), "--set speed=9: not KEY=VALUE"),
        (("--set", "signal_p=often", GOLDEN), "--set signal_p=often: "),
        (("--events", "no/where", GOLDEN), "no/where: No such file"),
        (("--catalog", "nowhere.yaml", GOLDEN), "nowhere.yaml: No such file"),
        (("--log", "x", GOLDEN), "--log takes everything from the log; leave out PATH"),
        (("--log", "weir.events"), "set KAFKA_BOOTSTRAP_SERVERS"),
        (("--log", "empty.ndjson"), "nothing in it"),
        (("--log", "notes.txt"), "line 1: not a line of `weir topics dump`"),
    ],
)
def test_bad_input_is_said_in_one_line(replay: Replay, arguments: tuple[object, ...], said: str) -> None:
    """Exit code 2, the cause on stderr, and nothing on stdout."""
    if arguments != (".",):
        Path("empty.ndjson").write_bytes(b"")
        Path("notes.txt").write_text("nothing that a source reads\n")
    ran = replay(*arguments)
    assert (ran.code, ran.out) == (2, b"")
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_accounts_that_do_not_add_up_are_an_error(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """If one reading is not accounted for, the exit code is 1 and the summary says what is missing."""
    from streams.replay import account

    monkeypatch.setattr(account.Watched, "read", lambda self, *given: self.source.read(*given))
    ran = replay(GOLDEN / "input")
    assert ran.code == 1
    assert ran.units
    assert "NOT ACCOUNTED FOR: ocsf: 0 readings were made" in ran.err


def test_quiet_says_nothing(replay: Replay) -> None:
    """With --quiet a good replay has no output but units."""
    ran = replay(GOLDEN / "input", "--quiet")
    assert (ran.code, ran.err) == (0, "")
    assert ran.units


def test_a_log_is_folded_as_it_stands(replay: Replay) -> None:
    """--log takes a dump, plain or gzip, folds each partition by itself, and flushes nothing at the end."""
    events = [
        json.dumps(
            [
                {
                    "type": "finding", "source": "ocsf", "source_id": f"f-{n}", "time": f"2026-01-01T00:00:0{n}Z",
                    "domain": f"d{n}", "origin": ["raw", 0, n, 0], "kind": "detection", "rule": "r", "severity": 4,
                    "reporter": "test", "entities": [["host", f"h-{n}"]],
                }
            ]
        ).encode()
        for n in range(2)
    ]  # fmt: skip
    tick = b'[{"type":"tick"}]'
    records = [
        Recorded("weir.events", 0, 4, 1_767_225_601_000, None, events[0]),
        Recorded("weir.events", 0, 6, 1_767_225_631_000, None, tick),
        Recorded("weir.events", 1, 0, 1_767_225_601_000, None, events[1]),
    ]
    Path("log.ndjson").write_bytes(b"".join(map(encode, records)))
    Path("log.gz").write_bytes(gzip.compress(b"".join(map(encode, records))))
    ran = replay("--log", "log.ndjson", "--revisions")
    assert ran.code == 0, ran.err
    [unit] = ran.units
    assert (unit["domain"], unit["provenance"]["log"]) == ("d0", [0, 4, 4])
    assert "3 records of 2 partitions" in ran.err
    assert replay("--log", "log.gz").out == ran.out
    Path("log.ndjson").write_bytes(b"".join(map(encode, records[::-1])))
    assert replay("--log", "log.ndjson").code == 2


def in_a_process(seed: int, *arguments: object) -> bytes:
    code = "from streams.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "replay", "-q", *map(str, arguments)],
        env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT), "WEIR_REDACTION_KEY": "k" * 16},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


def test_two_processes_give_the_same_bytes() -> None:
    """The order of sets and dicts decides nothing."""
    first, second = (in_a_process(seed, GOLDEN / "input", "--revisions") for seed in (1, 2))
    assert first == second
    assert first.count(b"\n") > 2


@recorded
def test_recorded_cloudtrail_gives_the_same_bytes() -> None:
    """Half an hour of a real account that is all cold start: the same bytes in two processes."""
    path = SHARED / "cloudtrail-invictus" / "events.ndjson.gz"
    first, second = (in_a_process(seed, path) for seed in (1, 2))
    assert first == second


@recorded
@pytest.mark.parametrize(
    "name", ["cloudtrail-stratus", "scanner-trivy/alpine-310.json", "scanner-trivy/alpine-310.sarif", "cdevents"]
)
def test_recorded_data_is_accounted_for(replay: Replay, name: str) -> None:
    """Nothing crashes on real files, and every one of them is read or named."""
    path = SHARED / name
    given = [path] if path.is_file() else [file for file in path.iterdir() if not file.name.isupper()]
    given = [file for file in given if file.name not in ("SOURCE.json", "LICENSE.txt")]
    ran = replay(*given)
    assert ran.code == 0, ran.err
    assert f"{len(given)} files" in ran.err
    assert "NOT ACCOUNTED FOR" not in ran.err
    assert "dead letter" not in ran.err.split("\n", 1)[1]


@recorded
def test_recorded_deliveries_are_accounted_for(replay: Replay, tmp_path: Path) -> None:
    """Real webhook bodies as captures: every delivery is a finding, a change, or ignored; as bare bodies, refused."""
    bodies = sorted((SHARED / "github-webhooks").glob("*/*.json"))
    captures = [
        {"event": body.parent.name, "delivery": f"delivery-{number}", "payload": json.loads(body.read_bytes())}
        for number, body in enumerate(bodies)
    ]
    capture = tmp_path / "captures.ndjson"
    capture.write_text("".join(json.dumps(line) + "\n" for line in captures))
    ran = replay(capture)
    assert ran.code == 0, ran.err
    assert f"accounted for: {len(bodies)} of {len(bodies)} documents" in ran.err
    [row] = table(ran.err)
    assert row.startswith(f"github.webhook {len(bodies)} {len(bodies)} ")
    bare = replay(*bodies)
    assert table(bare.err) == [f"(no source) {len(bodies)}" + " 0" * 9 + f" {len(bodies)}"]
