from __future__ import annotations

from pathlib import Path

from streams.rule_files import parse_rules, read_rules

SOUND = """
[[rules]]
name = "{name}"
version = 1
title = "T"
kind = "count"
at_least = 2
timespan = "1m"

[[rules.steps]]
id = "s"
where = {{ action = "a:b" }}
"""


def test_folders_are_read_in_the_order_of_names(tmp_path: Path) -> None:
    """Every TOML file below a folder, and single files."""
    (tmp_path / "pack" / "deep").mkdir(parents=True)
    (tmp_path / "pack" / "b.toml").write_text(SOUND.format(name="b"))
    (tmp_path / "pack" / "deep" / "c.toml").write_text(SOUND.format(name="c") + SOUND.format(name="d"))
    (tmp_path / "pack" / "notes.txt").write_text("no rules")
    (tmp_path / "a.toml").write_text(SOUND.format(name="a"))
    rules, faults = read_rules([tmp_path / "pack", tmp_path / "a.toml"])
    assert [rule.name for rule in rules] == ["b", "c", "d", "a"]
    assert not faults


def test_all_faults_of_all_files_at_once(tmp_path: Path) -> None:
    """Unreadable files, bad TOML, bad values, meaningless rules and doubles, each with file, line and place."""
    good, bad, torn, empty = (tmp_path / name for name in ("good.toml", "bad.toml", "torn.toml", "empty"))
    good.write_text(SOUND.format(name="good"))
    bad.write_text(
        SOUND.format(name="good")
        + SOUND.format(name="two words").replace("at_least = 2", "at_least = 0")
        + SOUND.format(name="lost").replace("action", "actoin")
        + "[other]\n"
    )
    torn.write_text('[[rules]]\nname = "x\n')
    empty.mkdir()
    rules, faults = read_rules([good, bad, torn, empty, tmp_path / "nowhere.toml"])
    assert [rule.name for rule in rules] == ["good"]
    told = [str(fault).replace(f"{tmp_path}/", "") for fault in faults]
    assert [line.split(": ")[:2] for line in told] == [
        ["bad.toml", "other"],
        ["bad.toml:14", "two words@1.name"],
        ["bad.toml:14", "two words@1.at_least"],
        ["torn.toml", "Illegal character '\\n' (at line 2, column 10)"],
        ["empty", "no *.toml file in this folder"],
        ["nowhere.toml", "No such file or directory"],
        ["bad.toml:2", "good@1"],
        ["bad.toml:26", "lost@1.steps.0.where.actoin"],
    ]
    assert "good.toml:2 already" in told[6]
    assert "did you mean action" in told[7]


def test_what_holds_no_list_of_rules() -> None:
    """A document without rules, or with something else of that name, is a fault."""
    assert [fault.message for fault in parse_rules({}, "weir.toml")[1]] == ["is missing"]
    assert [fault.message for fault in parse_rules({"rules": {"a": 1}}, "weir.toml")[1]] == ["is no list of tables"]
    (fault,) = parse_rules({"rules": [7]}, "weir.toml")[1]
    assert fault.place == "rules.0"


def test_one_fault_a_place(tmp_path: Path) -> None:
    """A value of no right type is told once, not for each type it could have had, and nothing that follows from it."""
    file = tmp_path / "f.toml"
    file.write_text(SOUND.format(name="f").replace('"a:b"', "[[1]]"))
    rules, faults = read_rules([file])
    assert not rules
    assert [(fault.line, fault.place) for fault in faults] == [(2, "f@1.steps.0.where.action.any_of.0")]
