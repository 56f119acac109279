"""Files through ingest and engine: order, clock, context and the account."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from streams.ingest import MAX_ITEMS_SHOWN, MAX_RAW_BYTES
from streams.replay import run as module
from streams.replay.account import Watched
from streams.sources.registry import SOURCES
from tests.streams.replay.conftest import ReplayOf, finding, lines

CATALOG = b"""\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web, annotations: {backstage.io/kubernetes-id: web}}
spec: {type: service, system: shop, owner: team-shop}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: web-host, annotations: {amazonaws.com/arn: "arn:aws:ec2:eu-west-1:111122223333:instance/web-1"}}
spec: {type: ec2-instance, system: shop, dependencyOf: ["component:web"]}
"""


def test_one_files_order_is_kept(replay_of: ReplayOf) -> None:
    """A file is a record of arrivals: what is late in it stays late."""
    done = replay_of({"a.ndjson": lines(finding(1, 5), finding(2, 1), finding(3, 9))})
    assert done.order == ["f-1", "f-2", "f-3"]


def test_several_files_are_merged_by_the_time_of_their_heads(replay_of: ReplayOf) -> None:
    """The next document is the earliest of those that head their files; each file keeps its own order."""
    done = replay_of(
        {
            "a.ndjson": lines(finding(1, 5), finding(2, 1), finding(3, 9)),
            "b.ndjson": lines(finding(4, 4), finding(5, 8)),
            "c.json": orjson.dumps(finding(6, 6)),
        }
    )
    assert done.order == ["f-4", "f-1", "f-2", "f-6", "f-5", "f-3"]


def test_more_files_than_may_be_open(replay_of: ReplayOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """With few files held open the order is the same, and no document is read twice."""
    contents = {
        f"{n}.ndjson": lines(b"", b"broken", finding(2 * n, n), b"{}", finding(2 * n + 1, 20 - n)) for n in range(9)
    }
    wanted = replay_of(contents)
    monkeypatch.setattr(module, "_OPEN", 2)
    done = replay_of(contents)
    assert done.order == wanted.order
    assert (done.documents, done.blank, done.problems) == (36, 9, [])
    assert done.heard.bytes == wanted.heard.bytes


def test_log_time_is_the_highest_event_time_so_far(replay_of: ReplayOf) -> None:
    """The clock never falls, and a unit opens when its wait is over, not when the next event comes."""
    done = replay_of({"a.ndjson": lines(finding(1, 10), finding(2, 5), finding(3, 600, host="db-1"))})
    first = done.heard.units[0]
    assert first.reason == "opened"
    assert first.opened_at.isoformat() == "2026-03-02T09:10:00+00:00"
    assert first.updated_at.isoformat() == "2026-03-02T09:10:10+00:00"
    assert first.signal_count == 2


def test_the_end_opens_what_waits_and_closes_nothing(replay_of: ReplayOf) -> None:
    """The last events of a file are not lost in the group wait, and every unit stays open."""
    done = replay_of({"a.ndjson": lines(finding(1, 1))})
    assert [(unit.reason, unit.status) for unit in done.heard.units] == [("opened", "open")]


def test_the_catalog_counts_from_the_start(replay_of: ReplayOf) -> None:
    """Context is in force before the first event, wherever its file stands in the order."""
    done = replay_of({"a.ndjson": lines(finding(1, 1)), "z.yaml": CATALOG})
    [unit] = done.heard.units
    assert (unit.domain, unit.owner) == ("system:shop", "group:default/team-shop")
    assert done.replay.tallies["backstage"].outcomes == {"steering": 2}


def test_an_exception_counts_from_the_start_and_is_a_change_in_its_time(replay_of: ReplayOf) -> None:
    """Whatever its file is called: its context is folded before all events, its change is placed and waits."""
    exceptions = [
        {"id": f"EX-{n}", "created_at": "2026-03-02T09:03:00Z", "control": "waf", "component": "web", "valid_to": None}
        for n in range(3)
    ]
    done = replay_of(
        {
            "a.ndjson": lines(*exceptions),
            "b.ndjson": lines(finding(1, 1), finding(2, 5)),
            "c.yaml": CATALOG,
        }
    )
    assert done.order == ["f-1", "EX-0", "EX-1", "EX-2", "f-2"]
    kinds = [getattr(event, "kind", event.type) for event in done.heard.events]
    assert kinds[:5] == ["catalog", "catalog", *["policy_exception"] * 3]
    assert [event.domain for event in done.heard.events if event.type == "change"] == ["system:shop"] * 3
    assert (done.problems, done.heard.letters) == ([], [])


def test_parameters_are_in_force_from_the_start(replay_of: ReplayOf) -> None:
    """A parameter given to the replay reaches the engine, and the unit names the parameters it was made under."""
    done = replay_of({"a.ndjson": lines(finding(1, 1))}, signal_severity=6)
    assert done.heard.units == []
    assert done.replay.tallies["ocsf"].outcomes == {"uninteresting": 1}


def test_no_file_name_reaches_the_engine(replay_of: ReplayOf) -> None:
    """Two names of one file give the same bytes, dead letters included."""
    content = lines(finding(1, 1), b"broken")
    one, other = replay_of({"attack.ndjson": content}), replay_of({"x.jsonl": content})
    assert one.heard.bytes == other.heard.bytes
    assert one.heard.letters == other.heard.letters
    assert one.heard.events == other.heard.events
    assert "attack" not in str(one.heard.letters) + str(one.heard.events) + str(one.heard.units)


def test_dead_letters_name_the_document(replay_of: ReplayOf) -> None:
    """A refused document is named by the number of its file, its line and its item."""
    done = replay_of(
        {"a.ndjson": lines(finding(1, 1)), "b.ndjson": lines(finding(2, 2), b"", b"{", finding(3, 3, time="x"))}
    )
    assert [(d.topic, d.partition, d.offset, d.item, d.stage) for d in done.heard.letters] == [
        ("file", 1, 2, None, "parse"),
        ("file", 1, 3, 0, "map"),
    ]


def test_a_line_has_the_limit_of_a_record(replay_of: ReplayOf) -> None:
    """A line above 1 MiB is refused as it would be on Kafka; a whole file of that size is read."""
    large = finding(1, 1, unmapped={"text": "x" * MAX_RAW_BYTES})
    done = replay_of({"a.ndjson": lines(finding(2, 2), large), "b.json": orjson.dumps(large)})
    assert done.order == ["f-1", "f-2"]
    assert [letter.stage for letter in done.heard.letters] == ["read"]


def test_members_are_under_the_unit_that_has_them_last(replay_of: ReplayOf) -> None:
    """A member of a unit that was merged, and one of a unit that closed, are under their final units."""
    bridge = finding(3, 3, host="web-1", actor={"user": {"name": "x", "uid": "u", "credential_uid": "ASIA1"}})
    other = finding(2, 2, host="db-1", actor={"user": {"name": "x", "uid": "u", "credential_uid": "ASIA1"}})
    day = 24 * 60
    done = replay_of(
        {"a.ndjson": lines(finding(1, 1), other, bridge, finding(4, 40 * day), finding(5, 41 * day))}, members=True
    )
    merged = [unit for unit in done.heard.units if unit.status == "merged"]
    assert len(merged) == 1
    by_unit: dict[str, set[str]] = {}
    for unit_id, source_id in done.replay.pipeline.members_by_unit():
        by_unit.setdefault(unit_id, set()).add(source_id)
    assert {"f-1", "f-2", "f-3"} in by_unit.values()
    assert sorted(source_id for members in by_unit.values() for source_id in members) == [
        "f-1",
        "f-2",
        "f-3",
        "f-4",
        "f-5",
    ]
    assert merged[0].unit_id not in by_unit
    closed = {unit.unit_id for unit in done.heard.units if unit.reason == "closed"}
    assert closed & by_unit.keys()


def sarif(name: str, **run: Any) -> bytes:
    result = {"ruleId": "R1", "message": {"text": "bad"}, "level": "error", "guid": name}
    driver = {"driver": {"name": "lint"}}
    return orjson.dumps({"version": "2.1.0", "runs": [{"tool": driver, "results": [result], **run}]})


def test_a_report_without_time_gets_the_logs(replay_of: ReplayOf) -> None:
    """A format that may leave the time out gets the log's, or, where nothing has a time, the file's own."""
    done = replay_of({"b.ndjson": lines(finding(1, 7)), "a.sarif": sarif("11111111-1111-4111-8111-111111111111")})
    times = {event.time.isoformat() for event in done.heard.events if hasattr(event, "time")}
    assert times == {"2026-03-02T09:07:00+00:00"}
    alone = replay_of({"a.sarif": sarif("11111111-1111-4111-8111-111111111111")}, modified=1_772_442_000)
    assert [unit.first_at.isoformat() for unit in alone.heard.units] == ["2026-03-02T09:00:00+00:00"]


def test_every_document_is_accounted_for(replay_of: ReplayOf) -> None:
    """Documents, items and events each end in exactly one place, and the sums say so."""
    many = [finding(100 + n, 2, time=None if n % 2 else 1_772_442_000_000) for n in range(2 * MAX_ITEMS_SHOWN + 10)]
    done = replay_of(
        {
            "a.ndjson": lines(finding(1, 1), finding(1, 1), b"{", b'{"some":"thing"}', finding(2, 2, severity_id=1)),
            "b.json": orjson.dumps({"detail": {"findings": many}, "detail-type": "Findings"}),
            "c.yaml": CATALOG + b"---\nkind: Deployment\n",
            "d.ndjson": lines(finding(3, -60 * 24 * 9)),
            "e.ndjson": b"",
            "f.json": b"",
            "g.json": b'{"Records":[]}',
        }
    )
    assert done.problems == []
    tallies = done.replay.tallies
    ocsf = tallies["ocsf"]
    assert done.documents == 5 + 1 + 3 + 1 + 1 + 1
    assert tallies["aws.cloudtrail"].ignored.total() == 1
    assert ocsf.malformed == MAX_ITEMS_SHOWN + 5
    assert ocsf.outcomes["duplicate"] == 1
    assert ocsf.outcomes["uninteresting"] == 1
    assert ocsf.dead.total() == ocsf.malformed + ocsf.outcomes["too_late"]
    assert tallies["(no source)"].dead.total() == tallies["(no source)"].whole == 4


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("documents", "documents were read"),
        ("readings", "readings were made"),
        ("events", "were placed"),
        ("refused", "were checked"),
    ],
)
def test_a_count_that_is_off_is_noticed(replay_of: ReplayOf, spoil: str, said: str) -> None:
    """One document, reading or event too many on either side makes the account fail, in words."""
    done = replay_of({"a.ndjson": lines(finding(1, 1))})
    assert done.problems == []
    tally = done.replay.tallies["ocsf"]
    setattr(tally, spoil, getattr(tally, spoil) + 1)
    found = done.replay.problems(done.documents)
    assert any(said in problem and problem.startswith("ocsf: ") for problem in found), found
    assert done.replay.problems(done.documents + 1) != found


def test_every_source_is_watched_as_it_is() -> None:
    """The counting source says what the source says, name and lateness included."""
    for source in SOURCES:
        watched = Watched(source)
        assert (watched.name, watched.lateness) == (source.name, source.lateness)
        assert list(watched.read([], {})) == list(source.read([], {}))
