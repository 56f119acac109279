"""What a replay says at its end."""

from __future__ import annotations

from streams.replay import summary
from streams.replay.account import Tally
from tests.streams.replay.conftest import ReplayOf, finding, lines


def test_equal_reasons_are_one_line() -> None:
    """Sizes do not tell reasons apart; the most frequent come first, and what is beyond the limit is summed up."""
    tally = Tally()
    for size in range(3):
        tally.dead["read", f"{1_150_000 + size} bytes; at most 1048576 are read"] += 1
    tally.dead["map", "not an RFC 3339 time"] += 2
    for number in range(30):
        tally.ignored["ocsf", f"class {number} not read"] += 1
    found = summary.reasons({"ocsf": tally})
    assert [line.split(maxsplit=1) for line in found[:2]] == [
        ["3", "dead letter   ocsf: read: N bytes; at most N are read"],
        ["2", "dead letter   ocsf: map: not an RFC 3339 time"],
    ]
    assert found[-1].split(maxsplit=1) == ["12", "for 12 other reasons"]
    assert sum(int(line.split()[0]) for line in found) == 35


def test_a_row_adds_up(replay_of: ReplayOf) -> None:
    """What became of a source's events and items is all in its row: members, too late, dead and so on."""
    done = replay_of({"a.ndjson": lines(finding(1, 1), finding(2, 2), finding(2, 2), b"{", finding(3, -60 * 24 * 9))})
    rows = {name: summary.row(name, tally) for name, tally in done.replay.tallies.items()}
    by_column = dict(zip(summary.COLUMNS, rows["ocsf"], strict=True))
    assert by_column == dict(
        zip(summary.COLUMNS, ["ocsf", "4", "4", "2", "0", "0", "1", "1", "0", "0", "0", "0"], strict=True)
    )
    assert rows["(no source)"][-1] == "1"
