"""A partition log folded again."""

from __future__ import annotations

import orjson
import pytest

from schemas.parameters import Parameters
from streams.pipeline import Pipeline
from streams.records import LogRecord
from streams.replay.log import OutOfOrder, fold_log

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def finding(number: int, domain: str) -> dict[str, object]:
    return {
        "type": "finding",
        "source": "ocsf",
        "source_id": f"finding-{number}",
        "time": f"2026-01-01T00:00:{number:02d}Z",
        "domain": domain,
        "entities": [["host", f"{domain}-host"]],
        "origin": ["raw", 0, number, 0],
        "kind": "detection",
        "rule": "r-1",
        "severity": 4,
        "reporter": "test",
    }


def batch(partition: int, offset: int, seconds: int, *events: dict[str, object]) -> LogRecord:
    return LogRecord(partition, offset, START + seconds * 1_000, orjson.dumps(events))


LOG = [
    batch(0, 0, 1, finding(1, "a")),
    batch(1, 0, 2, finding(2, "b")),
    batch(0, 2, 20, {"type": "tick"}),
    batch(1, 5, 3, finding(3, "b")),
    batch(1, 6, 40, finding(4, "b"), {"type": "tick"}),
    batch(1, 7, 60, {"type": "tick"}),
]


def test_each_partition_is_folded_as_its_worker_would() -> None:
    """The outputs of a partition are those of one pipeline over that partition's records alone."""
    folded = list(fold_log(LOG))
    assert {partition for partition, _ in folded} == {0, 1}
    for number in (0, 1):
        pipeline = Pipeline(number)
        alone = [output for record in LOG if record.partition == number for output in pipeline.step(record)]
        assert [output for partition, output in folded if partition == number] == alone
        assert alone


def test_the_order_between_partitions_decides_nothing() -> None:
    """Partitions one after the other or mixed: each gives the same outputs."""
    apart = sorted(LOG, key=lambda record: record.partition)
    assert sorted(fold_log(apart)) == sorted(fold_log(LOG))


def test_parameters_come_from_the_log() -> None:
    """A config record in the log decides when units open; there is no other way in."""
    parameters = Parameters(group_wait_ms=0)
    config = {"type": "config", "digest": parameters.digest(), "settings": parameters.model_dump()}
    records = [batch(0, 0, 0, config), batch(0, 1, 1, finding(1, "a")), batch(0, 2, 2, {"type": "tick"})]
    assert len(list(fold_log(records))) == 1
    assert list(fold_log(records[1:])) == []


def test_the_end_of_the_log_opens_nothing() -> None:
    """What waits at the end of the log stays waiting, since its worker would wait too."""
    assert list(fold_log(LOG[:1])) == []


@pytest.mark.parametrize("offset", [0, 2])
def test_offsets_must_rise(offset: int) -> None:
    """A record at or behind the offset before it is refused: it would be folded twice."""
    with pytest.raises(OutOfOrder, match="partition 0: offset"):
        list(fold_log([LOG[0], LOG[2], LOG[2]._replace(offset=offset)]))
