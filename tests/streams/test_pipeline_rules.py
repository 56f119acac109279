"""Rules in the fold: what they see, what becomes of their matches, and how they change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from schemas.parameters import Parameters
from streams.cli import app
from streams.pipeline import Pipeline
from streams.records import LogRecord
from streams.settings import load
from tests.streams.correlation.build import (
    DAY,
    DOMAIN,
    HOUR,
    MINUTE,
    SECOND,
    T0,
    Doc,
    activity,
    change,
    config,
    final,
    finding,
    fold,
    iso,
    letters,
    record,
    tables,
    tick,
    timeline,
    units,
)

IP = "198.51.100.7"

BURST: Doc = {
    "name": "burst",
    "version": 1,
    "title": "Many refusals",
    "severity": 4,
    "kind": "count",
    "at_least": 3,
    "timespan": "60s",
    "group_by": "ip",
    "steps": [{"id": "refused", "where": {"action": "signin:Login", "outcome": "failure"}}],
}
UNANSWERED: Doc = {
    "name": "unanswered",
    "version": 1,
    "title": "A leaked key was still there",
    "severity": 5,
    "kind": "absence",
    "timespan": "1h",
    "group_by": "access_key",
    "steps": [
        {"id": "leaked", "where": {"type": "finding", "kind": "secret"}},
        {"id": "removed", "absent": "after", "where": {"action": "iam:DeleteAccessKey"}},
    ],
}


def refused(name: str, at: int, ip: str = IP, **more: Any) -> Doc:
    return activity(name, at, "role/a", "signin:Login", outcome="failure", entities=[("ip", ip)], **more)


def rules(*given: Doc, **settings: Any) -> Doc:
    return config(rules=given, scoring=False, **settings)


def folded(*entries: tuple[int, list[Doc]], given: Doc = BURST) -> tuple[Pipeline, list[Any]]:
    """The fold and the last revision of each unit, an hour later."""
    pipeline = Pipeline(0)
    last = max(at for at, _ in entries)
    out = fold(timeline((min(at for at, _ in entries), [rules(given)]), *entries), pipeline)
    out += fold([record(99, last + HOUR, tick())], pipeline)
    assert not [each for each in letters(out) if each["stage"] != "late"]
    return pipeline, list(final(units(out)).values())


def test_three_in_a_minute_are_one_unit_whichever_comes_last() -> None:
    """The one in the middle arrives last, and only then the rule fires, once, over all three."""
    entry = (MINUTE, [refused("a", 0), refused("c", 50 * SECOND), refused("b", 20 * SECOND)])
    _, (unit,) = folded(entry)
    (signal,) = unit.signals
    assert (signal.source, signal.kind, signal.title, signal.severity) == ("weir.rules", "anomaly", "Many refusals", 4)
    assert (signal.time.isoformat(), signal.last.isoformat()) == (iso(T0), iso(T0 + 50 * SECOND))
    assert (unit.signal_count, unit.severity, signal.count) == (1, 4, 1)
    assert signal.why[0] == f"3 × refused for ip {IP}"
    assert [(entity.kind, entity.id) for entity in unit.entities] == [("ip", IP)]
    assert unit.provenance.rules not in ("", "none")


def test_far_apart_is_no_burst_whatever_the_order() -> None:
    """Three a thousand seconds apart each, the newest first."""
    entry = (HOUR, [refused("c", 2_000 * SECOND), refused("b", 1_000 * SECOND), refused("a", 0)])
    assert folded(entry)[1] == []


def test_two_firings_weeks_apart_are_two_units() -> None:
    """A rule over 24 hours that fires again 19 days later fires for itself."""
    day = BURST | {"timespan": "24h"}
    early = (HOUR, [refused(f"e{n}", n * MINUTE) for n in range(3)])
    late = (19 * DAY + HOUR, [refused(f"l{n}", 19 * DAY + n * MINUTE) for n in range(3)])
    _, found = folded(early, late, given=day)
    assert [(unit.signal_count, unit.signals[0].count) for unit in found] == [(1, 1), (1, 1)]
    lone = (19 * DAY + HOUR, [refused("l0", 19 * DAY)])
    assert folded((HOUR, [refused("e0", 0), refused("e1", 1)]), lone, given=day)[1] == []


def test_a_duplicate_counts_once() -> None:
    """One failure delivered three times is one failure, also where its time is another one each time."""
    entry = (MINUTE, [refused("a", 0), refused("a", 0), refused("a", SECOND)])
    pipeline, found = folded(entry)
    assert found == []
    assert pipeline.counts["duplicate"] == 2


def test_a_match_that_grows_is_the_same_member() -> None:
    """Ten in a row are one member that lasts until the tenth, and says so."""
    entries = [(n * 20 * SECOND, [refused(f"e{n}", n * 20 * SECOND)]) for n in range(10)]
    _, (unit,) = folded(*entries)
    (signal,) = unit.signals
    assert (unit.signal_count, signal.count) == (1, 1)
    assert signal.why[0] == f"10 × refused for ip {IP}"
    assert signal.last.isoformat() == unit.last_at.isoformat() == iso(T0 + 180 * SECOND)


def test_a_match_replaces_another_as_if_the_events_had_come_in_order() -> None:
    """Before the first event another one turns up, or one between two bursts: members and digest are the same."""
    times = [0, 20, 40, 80, 100, 140, 160]
    events = [refused(f"e{at}", at * SECOND) for at in times]
    _, (straight,) = folded((5 * MINUTE, events))
    for order in ([1, 2, 3, 0, 4, 5, 6], [0, 1, 2, 4, 5, 6, 3], [6, 5, 4, 3, 2, 1, 0]):
        _, (unit,) = folded((5 * MINUTE, [events[n] for n in order]))
        assert (unit.signal_count, unit.digest) == (1, straight.digest)
        assert [(s.source_id, s.why, s.count) for s in unit.signals] == [
            (s.source_id, s.why, s.count) for s in straight.signals
        ]


def test_a_match_of_a_whole_day_is_replaced_across_sessions() -> None:
    """Where the runs that a late event joins lie hours apart, one member is left of two."""
    day = BURST | {"timespan": "10h", "lateness": "7d"}
    early = [refused(f"a{n}", n * HOUR) for n in range(3)]
    later = [refused(f"b{n}", (14 + n) * HOUR) for n in range(3)]
    between = refused("m", 8 * HOUR)
    _, (unit,) = folded((DAY, [*early, *later, between]), given=day)
    _, (straight,) = folded((DAY, [*early, between, *later]), given=day)
    assert (unit.signal_count, unit.digest) == (straight.signal_count, straight.digest) == (1, straight.digest)
    assert [signal.count for signal in unit.signals] == [1]


def test_groups_are_apart() -> None:
    """Each address fires for itself; what agrees in no group does not fire."""
    one = [refused(f"a{n}", n * SECOND) for n in range(3)]
    two = [refused(f"b{n}", n * SECOND, "203.0.113.9") for n in range(3)]
    two += [refused("c", 0, "203.0.113.10")]
    _, found = folded((MINUTE, [*one, *two]))
    assert sorted(unit.entities[0].id for unit in found) == [IP, "203.0.113.9"]


def test_a_match_and_its_members_are_one_unit() -> None:
    """Findings that meet the rule are in the unit of its match, though nothing that links them is shared."""
    rule = BURST | {
        "group_by": "file",
        "steps": [{"id": "found", "where": {"type": "finding", "rule": {"prefix": "R"}}}],
    }
    events = [finding(f"f{n}", n * SECOND, ("file", "a.py"), ("url", f"u{n}"), rule=f"R{n}") for n in range(3)]
    _, (unit,) = folded((MINUTE, events), given=rule)
    assert sorted(signal.source for signal in unit.signals) == ["ocsf"] * 3 + ["weir.rules"]
    assert len(folded((MINUTE, events), given=BURST)[1]) == 3


def test_a_rule_that_only_links_is_no_signal() -> None:
    """The same findings are one unit of three members."""
    rule = BURST | {"group_by": "file", "steps": [{"id": "found", "where": {"type": "finding"}}], "link_only": True}
    events = [finding(f"f{n}", n * SECOND, ("file", "a.py"), ("url", f"u{n}"), rule=f"R{n}") for n in range(3)]
    _, (unit,) = folded((MINUTE, events), given=rule)
    assert [signal.source for signal in unit.signals] == ["ocsf"] * 3


def test_an_absence_is_told_by_ticks_alone() -> None:
    """Nothing arrives any more, and still it is said that what should have come did not."""
    leak = finding("leak", 0, ("access_key", "AKIA1"), kind="secret", severity=1)
    _, (unit,) = folded((0, [leak]), (2 * HOUR, [tick()]), given=UNANSWERED)
    (signal,) = unit.signals
    assert (signal.title, signal.severity, signal.status) == ("A leaked key was still there", 5, "open")
    removed = change("gone", 30 * MINUTE, ("access_key", "AKIA1"), action="iam:DeleteAccessKey")
    assert folded((0, [leak]), (30 * MINUTE, [removed]), (2 * HOUR, [tick()]), given=UNANSWERED)[1] == []


def test_a_withdrawn_match_stays_as_fixed() -> None:
    """The key was removed in time, but the news of it is late."""
    leak = finding("leak", 0, ("access_key", "AKIA1"), kind="secret", severity=1)
    removed = change("gone", 30 * MINUTE, ("access_key", "AKIA1"), action="iam:DeleteAccessKey")
    _, (unit,) = folded((0, [leak]), (90 * MINUTE, [tick()]), (92 * MINUTE, [removed]), given=UNANSWERED)
    (signal,) = unit.signals
    assert (signal.status, signal.why[-1]) == ("fixed", "what was missed came after all")


def changing() -> list[LogRecord]:
    """A log in which a rule is replaced by its next version in the middle of a burst, and later taken away."""
    second = BURST | {"version": 2, "at_least": 2}
    return timeline(
        (0, [rules(BURST), refused("a", 0), refused("b", SECOND)]),
        (MINUTE, [rules(second), refused("c", 2 * SECOND), refused("d", 3 * SECOND)]),
        (2 * MINUTE, [rules(), refused("e", 2 * MINUTE), refused("f", 2 * MINUTE), refused("g", 2 * MINUTE)]),
        (HOUR, [tick()]),
    )


def test_a_change_of_rules_is_replayed() -> None:
    """The new version starts with nothing; the same log gives the same bytes, restored after every record too."""
    whole = Pipeline(0)
    out = fold(changing(), whole)
    (unit,) = final(units(out)).values()
    assert [signal.why[1] for signal in unit.signals] == ["rule burst@2: 2 × refused within 1 min"]
    assert unit.signals[0].why[0] == f"2 × refused for ip {IP}"
    rows: dict[bytes, bytes | None] = {}
    parts = Pipeline(0)
    again = []
    for each in changing():
        again += parts.step(each)
        rows.update(parts.drain())
        parts = Pipeline(0)
        for key, value in rows.items():
            parts.load(key, value)
    parts.next_due()
    assert again == out
    assert tables(parts) == tables(whole)


def test_a_rule_may_not_change_its_meaning() -> None:
    """Edited rules, and wrong ones, are a dead letter that names all faults; those in force stay in force."""
    pipeline = Pipeline(0)
    edited = BURST | {"at_least": 2}
    wrong = BURST | {"name": "wrong", "group_by": "iq", "at_least": None}
    out = fold(timeline((0, [rules(BURST)]), (0, [rules(edited, wrong)])), pipeline)
    (letter,) = letters(out)
    assert "differs from the burst@1 in force; call it burst@2" in letter["reason"]
    assert "there is no field iq" in letter["reason"]
    assert "wrong@1: at_least" in letter["reason"]
    assert [rule.at_least for rule in pipeline.state.parameters.rules] == [3]
    assert fold([record(9, 0, *(refused(name, 0) for name in "ab"))], pipeline) == []
    assert pipeline.state.domains[DOMAIN].signals == {}


WRITTEN = """
[[rules]]
name = "{name}"
version = 1
title = "Many refusals"
severity = 4
kind = "count"
at_least = 3
timespan = "60s"
group_by = "ip"

[[rules.steps]]
id = "refused"
where = {{ action = "ConsoleLogin", outcome = "failure" }}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder without settings around it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("WEIR_RULES", "WEIR_CONFIG_FILE", "WEIR_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_rules_come_from_tables_files_and_folders(folder: Path) -> None:
    """All of them end up with the engine's parameters, whose digest they change."""
    (folder / "pack").mkdir()
    (folder / "pack" / "a.toml").write_text(WRITTEN.format(name="a"))
    nested = WRITTEN.format(name="b").replace("[rules", "[engine.rules")
    (folder / "weir.toml").write_text(f'rules = ["pack"]\n{nested}')
    assert [rule.key for rule in load().engine.rules] == ["b@1", "a@1"]
    (folder / "weir.toml").write_text(WRITTEN.format(name="c"))
    loaded = load()
    assert [rule.key for rule in loaded.engine.rules] == ["c@1"]
    assert [rule.key for rule in load(rules=[folder / "pack" / "a.toml"]).engine.rules] == ["a@1"]
    given = orjson.loads(orjson.dumps(loaded.engine.model_dump(mode="json")))
    assert Parameters.model_validate(given) == loaded.engine
    assert loaded.engine.digest() != Parameters().digest() == load(rules=[]).engine.digest()


def test_all_faults_of_all_rules_end_the_command_at_once(folder: Path) -> None:
    """Exit code 2; each fault is named with its file, beside the other settings that are wrong."""
    (folder / "a.toml").write_text(WRITTEN.format(name="a").replace("ip", "iq") + WRITTEN.format(name="b d"))
    (folder / "b.toml").write_text("[[rules]\n")
    (folder / "weir.toml").write_text("[engine]\nsignal_p = 7\n" + WRITTEN.format(name="c").replace("60s", "60y"))
    ran = CliRunner().invoke(app, ["replay", "--rules", "a.toml", "--rules", "b.toml", "--rules", "no.toml", "x.json"])
    assert ran.exit_code == 2
    for text in ("a.toml:2: a@1", "a.toml:16: b d@1", "b.toml: ", "no.toml: No such file", "signal_p = 7"):
        assert text in ran.stderr
    ran = CliRunner().invoke(app, ["replay", "x.json"])
    assert ran.exit_code == 2
    assert "timespan: a number and one of ms, s, m, h, d" in ran.stderr
    ran = CliRunner().invoke(app, ["replay", "--log", "x", "--rules", "a.toml"])
    assert (ran.exit_code, "leave out --rules" in ran.stderr) == (2, True)


def test_replay_takes_rules_from_a_file(folder: Path) -> None:
    """Three refused logins in a CloudTrail file are a unit, in which the rule says why."""
    (folder / "rules.toml").write_text(WRITTEN.format(name="a").replace("ConsoleLogin", "signin:ConsoleLogin"))
    entry = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "accountId": "123456789012", "userName": "ann"},
        "eventSource": "signin.amazonaws.com",
        "eventName": "ConsoleLogin",
        "awsRegion": "us-east-1",
        "sourceIPAddress": IP,
        "errorMessage": "Failed authentication",
        "responseElements": {"ConsoleLogin": "Failure"},
        "recipientAccountId": "123456789012",
    }
    entries = [entry | {"eventID": f"e{n}", "eventTime": f"2025-01-01T12:00:{n}0Z"} for n in (0, 4, 2)]
    (folder / "trail.json").write_text(json.dumps({"Records": entries}))
    ran = CliRunner().invoke(app, ["replay", "--no-models", "--rules", "rules.toml", "trail.json"])
    assert ran.exit_code == 0, ran.stderr
    (unit,) = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [signal["why"][0] for signal in unit["signals"]] == [f"3 × refused for ip {IP}"]
