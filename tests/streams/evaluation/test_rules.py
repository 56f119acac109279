from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from streams.evaluation.rule_counterparts import COUNTERPARTS, WITHOUT
from streams.evaluation.rules import FOLDER, WANTED, run
from streams.sigma.load import load
from streams.sigma_files import pack

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"

ROOT_ACTS = {"eventSource": "s3.amazonaws.com", "eventName": "PutBucketAcl", "userIdentity": {"type": "Root"}}
"""What ``aws_root_activity`` matches."""


def log(rule: str, log: dict[str, Any], *, alerts: bool, kind: str = "AWS.CloudTrail") -> dict[str, Any]:
    name = f"{log.get('eventName')}, {alerts}"
    return {"rule_id": rule, "log_types": [kind], "test": name, "expected_alert": alerts, "log": log}


def written(folder: Path, *logs: dict[str, Any]) -> Path:
    (folder / FOLDER).mkdir()
    half = len(logs) // 2
    (folder / FOLDER / "some_rules.ndjson").write_text("".join(json.dumps(each) + "\n" for each in logs[:half]))
    with gzip.open(folder / FOLDER / "other_rules.ndjson.gz", "wt") as file:
        file.writelines(json.dumps(each) + "\n" for each in logs[half:])
    return folder


def measured(folder: Path, *logs: dict[str, Any], ours: dict[str, tuple[str, ...]], **without: str) -> dict[str, Any]:
    return run(written(folder, *logs), lambda _: None, ours, without)


def test_a_rule_is_right_only_if_every_log_is(tmp_path: Path) -> None:
    """One log that must not alert and does makes the rule wrong, and is counted as matched wrongly."""
    logs = [
        log("Good", ROOT_ACTS, alerts=True),
        log("Good", ROOT_ACTS | {"readOnly": True}, alerts=False),
        log("Bad", ROOT_ACTS, alerts=True),
        log("Bad", ROOT_ACTS, alerts=False),
        log("Bad", ROOT_ACTS | {"readOnly": True}, alerts=True),
    ]
    result = measured(tmp_path, *logs, ours={"Good": ("aws_root_activity",), "Bad": ("aws_root_activity",)})
    assert {each["rule"]: each["right"] for each in result["results"]} == {"Good": True, "Bad": False}
    assert (result["rules_right"], result["rules_right_both_ways"], result["logs_right"]) == (1, 1, 3)
    assert (result["missed"], result["false"], result["passed"]) == (1, 1, False)


def test_only_the_counterpart_counts(tmp_path: Path) -> None:
    """That another rule of the pack matches a log does not make it right."""
    result = measured(tmp_path, log("Other", ROOT_ACTS, alerts=True), ours={"Other": ("aws_root_login_failed",)})
    assert result["logs_right"] == 0


def test_fields_of_the_publisher_are_not_looked_at(tmp_path: Path) -> None:
    """A log goes through the rules without the fields that the platform it was published for has added."""
    row = log("Own", {"p_user": "Root"} | ROOT_ACTS | {"userIdentity": {"type": "IAMUser"}}, alerts=False)
    assert measured(tmp_path, row, ours={"Own": ("aws_root_activity",)})["logs_right"] == 1


def test_a_log_that_no_source_reads_matches_nothing(tmp_path: Path) -> None:
    """A log type without a source of ours gives no match, whatever the log looks like."""
    row = log("Own", ROOT_ACTS, alerts=True, kind="Some.Other")
    assert measured(tmp_path, row, ours={"Own": ("aws_root_activity",)})["missed"] == 1


def test_what_is_in_neither_table_is_told(tmp_path: Path) -> None:
    """A published rule is a counterpart's, has a reason, or is listed as not looked at."""
    logs = [log(name, ROOT_ACTS, alerts=True) for name in ("A", "B", "C")]
    result = measured(tmp_path, *logs, ours={"A": ("aws_root_activity",)}, B="needs a list")
    assert (result["without"], result["unsaid"]) == ({"B": "needs a list"}, ["C"])


@pytest.mark.parametrize(
    ("ours", "without", "said"),
    [
        ({"Gone": ("aws_root_activity",)}, {}, "not among the published rules: Gone"),
        ({"A": ("no_such_rule",)}, {}, "not in the pack: no_such_rule"),
        ({"A": ("aws_root_activity",)}, {"A": "none"}, "with a counterpart and without: A"),
    ],
)
def test_a_table_that_is_wrong_is_refused(
    tmp_path: Path, ours: dict[str, tuple[str, ...]], without: dict[str, str], said: str
) -> None:
    """Names that nothing has, on either side, and rules on both sides are errors."""
    with pytest.raises(ValueError, match=said):
        measured(tmp_path, log("A", ROOT_ACTS, alerts=True), ours=ours, **without)


def test_a_folder_without_logs_is_refused(tmp_path: Path) -> None:
    """Nothing to measure is no success."""
    with pytest.raises(FileNotFoundError, match=r"no \*_rules.ndjson"):
        run(tmp_path, lambda _: None)


def test_the_tables_are_sorted_and_name_rules_of_the_pack() -> None:
    """Ids stand in order, so that two who add to a table do not meet; each counterpart is a rule that the pack has."""
    assert list(COUNTERPARTS) == sorted(COUNTERPARTS)
    assert list(WITHOUT) == sorted(WITHOUT)
    names = {rule.name for rule in load(pack()).rules}
    assert [name for ours in COUNTERPARTS.values() for name in ours if name not in names] == []


@pytest.mark.skipif(not (DATA / FOLDER).is_dir(), reason="no shared data beside the repository")
def test_the_pack_decides_the_published_logs() -> None:
    """At least 60 published rules are decided as a whole by counterparts, and each without one has its reason."""
    result = run(DATA, lambda _: None)
    assert result["passed"]
    assert result["rules_right"] >= WANTED
    assert result["unsaid"] == []
