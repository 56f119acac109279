"""Strict parsing: every refusal has its words, and nothing but ``ParseError`` leaves."""

import gzip
import zlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.parse import MAX_DEPTH, ParseError, inflate, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON, st.booleans(), st.booleans())
def test_reads_what_was_written(document, compressed, marked):
    """Any JSON document survives writing and parsing, with or without a byte order mark and gzip."""
    value = b"\xef\xbb\xbf" * marked + orjson.dumps(document)
    assert parse(gzip.compress(value) if compressed else value) == document


@given(st.binary() | st.binary().map(lambda tail: b"\x1f\x8b\x08" + tail))
def test_random_bytes_are_read_or_refused(value):
    """No bytes at all make it raise anything but ParseError, whose reason is never empty."""
    try:
        parse(value)
        refused = None
    except ParseError as error:
        refused = error
    assert refused is None or (refused.reason and str(refused).endswith(refused.reason))


@pytest.mark.parametrize(
    ("value", "place", "reason"),
    [
        (b"", "", "empty"),
        (b" \n", "", "empty"),
        (b"\xef\xbb\xbf", "", "empty"),
        (b'{"a": "\xff"}', "byte 7", "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "byte 0", "not UTF-8"),
        (b"[1,\n NaN]", "line 2 column 2", "NaN and Infinity"),
        (b"[-Infinity]", "line 1 column 3", "NaN and Infinity"),
        (b'{"a":1} {"b":2}', "line 1 column 9", "not JSON"),
        (b'{"a":1', "line 1 column 7", "not JSON"),
        (b"{'a':1}", "line 1 column 2", "not JSON"),
        (b'"\\ud800"', "line 1 column 2", "not JSON"),
    ],
)  # fmt: skip
def test_refuses_with_place_and_reason(value, place, reason):
    """What is not one JSON document is refused with the place where it stops being one."""
    with pytest.raises(ParseError) as caught:
        parse(value)
    assert caught.value.place == place
    assert reason in caught.value.reason


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1024, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_refuses_deep_nesting(depth, opening, closing):
    """Nesting beyond the stated limit is refused as such, however deep; the limit itself is read and can be written."""
    with pytest.raises(ParseError, match="nested deeper than 254"):
        parse(opening * depth + b"0" + closing * depth)
    assert orjson.dumps(parse(opening * MAX_DEPTH + b"0" + closing * MAX_DEPTH))


def test_many_brackets_are_not_deep():
    """A long flat document is no deep one, and brackets in text do not count."""
    assert len(parse(b"[" + b",".join([b"{}"] * 5000) + b"]")) == 5000
    assert parse(b'"' + b"[" * 5000 + b'"') == "[" * 5000


def test_large_integers_become_floats():
    """An integer of 64 bits stays exact; beyond, it is a float, as documented."""
    assert parse(b"18446744073709551615") == 2**64 - 1
    assert isinstance(parse(b"18446744073709551616"), float)
    assert isinstance(parse(b"-9223372036854775809"), float)


def test_gzip_beyond_the_bound_is_refused():
    """A gzip file that grows beyond the bound is refused; at the bound it is read."""
    value = b'"' + b"a" * 998 + b'"'
    assert parse(gzip.compress(value), limit=1000) == "a" * 998
    with pytest.raises(ParseError, match="larger than 999 bytes"):
        parse(gzip.compress(value), limit=999)
    with pytest.raises(ParseError, match="larger than 67108864 bytes"):
        parse(gzip.compress(b" " * (64 * 1024 * 1024 + 1)))


def test_gzip_members_are_joined():
    """Several gzip members are one text, padding zeros are nothing, and 50,000 members take no noticeable time."""
    assert parse(gzip.compress(b'{"a":') + gzip.compress(b"1}") + b"\0\0") == {"a": 1}
    assert inflate(gzip.compress(b"") * 50_000 + gzip.compress(b"[]")) == b"[]"


@pytest.mark.parametrize(
    "value",
    [gzip.compress(b"{}")[:-1], gzip.compress(b"{}") + b"x", b"\x1f\x8b", gzip.compress(b"{}")[:12] + b"\xff" * 20],
    ids=["cut", "followed", "head", "corrupted"],
)
def test_damaged_gzip_is_refused(value):
    """A cut, followed or corrupted gzip file is refused."""
    with pytest.raises(ParseError, match="gzip"):
        parse(value)


def test_inflate_leaves_other_bytes_alone():
    """What is not gzip comes back as it is, zlib streams included."""
    assert inflate(zlib.compress(b"{}")) == zlib.compress(b"{}")
