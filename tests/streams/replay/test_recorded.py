"""Kafka records as lines of JSON."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.replay.recorded import BadDump, Recorded, decode, encode, log_records

CONTENT = st.none() | st.binary(max_size=40) | st.text(max_size=20).map(str.encode)
RECORDS = st.builds(
    Recorded,
    st.text(max_size=10),
    st.integers(0, 4096),
    st.integers(0, 2**53),
    st.integers(-1, 2**53),
    CONTENT,
    CONTENT,
    st.lists(st.tuples(st.text(max_size=5), CONTENT), max_size=3).map(tuple),
)


@given(st.lists(RECORDS, max_size=4))
def test_every_record_survives_its_line(records: list[Recorded]) -> None:
    """Decoding gives back the bytes that were encoded, whatever they are, one line a record."""
    lines = [encode(record) for record in records]
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    assert list(decode(lines)) == records


def test_text_stays_readable() -> None:
    """A value in UTF-8 is plain text on its line; only other bytes are base64."""
    fields = orjson.loads(encode(Recorded("t", 1, 2, 3, b"\xff", '["é"]'.encode())))
    assert fields["value"] == '["é"]'
    assert fields["key"] == {"base64": "/w=="}


@pytest.mark.parametrize(
    "line",
    [
        b"not JSON",
        b"[]",
        b"{}",
        b'{"topic":"t","partition":"0","offset":1,"timestamp":2,"value":null}',
        b'{"topic":"t","partition":0,"offset":1,"timestamp":2}',
        b'{"topic":"t","partition":0,"offset":1,"timestamp":2,"value":{"base64":"*"}}',
        b'{"topic":"t","partition":0,"offset":1,"timestamp":2,"value":7}',
    ],
)
def test_another_form_is_refused_by_its_line_number(line: bytes) -> None:
    """A line that is no dump line is an error that names it."""
    good = encode(Recorded("t", 0, 0, 0, None, b"[]"))
    with pytest.raises(BadDump, match="line 2: "):
        list(decode([good, line]))


def test_the_fold_gets_the_timestamp_as_log_time() -> None:
    """A record of the log has its append time as log time, and an empty value where there is none."""
    [record] = log_records([Recorded("t", 3, 9, 1_234, b"k", None)])
    assert record == (3, 9, 1_234, b"")
