"""Taking values: what is given back fits the contracts, and everything else is None."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.base import Utc
from streams.sources import fields

UTC = TypeAdapter(Utc)


@pytest.mark.parametrize(
    "value",
    [
        "2024-02-29T23:59:59Z",
        "2024-01-01T00:00:00.123456789+05:30",
        "2024-01-01t00:00:00z",
        "1970-01-01T00:00:00-23:59",
    ],
)
def test_instants_are_taken(value):
    """RFC 3339 text is taken and names the same instant as the contract reads."""
    taken = fields.instant(value)
    assert taken == value.upper()
    assert UTC.validate_python(taken) == datetime.fromisoformat(taken)


@pytest.mark.parametrize(
    "value",
    [
        None, 1700000000, "", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01",
        "2024-01-01T00:00:60Z", "2024-01-01T00:00:00", "2024-01-01 00:00:00Z", "20240101T000000Z",
        "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00",
        "2024-W01-1T00:00:00Z", "2024-01-01T00:00:00+01", "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00-00:60",
        "٢٠٢٤-01-01T00:00:00Z", ["x"],
    ],
)  # fmt: skip
def test_other_times_are_none(value):
    """What is not an instant with an offset is None."""
    assert fields.instant(value) is None


@given(st.from_regex(r"(1[89]|2[0-9]|99)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
                     r"(\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-6][0-9])", fullmatch=True))  # fmt: skip
def test_whatever_is_taken_is_valid(value):
    """No text passes that the contract would refuse later."""
    taken = fields.instant(value)
    if taken is not None:
        UTC.validate_python(taken)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("075.050.255.67", "75.50.255.67"),
        ("06.237.252.245", "6.237.252.245"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1"),
        ("256.1.1.1", None),
        ("ec2.amazonaws.com", None),
        ("AWS Internal", None),
        ("1.2.3", None),
        ("٣.1.1.1", None),
        (None, None),
        (3232235777, None),
    ],
)
def test_addresses(value, expected):
    """One address has one text, and a service name is no address."""
    assert fields.address(value) == expected


@given(st.ip_addresses().map(str))
def test_canonical_addresses_are_fixed_points(value):
    """A canonical address is its own canonical form."""
    taken = fields.address(value)
    assert taken is not None
    assert fields.address(taken) == taken


def test_text_refuses_and_cut_cuts():
    """An id is whole or none; a title may be cut."""
    assert fields.text("abc", 2) is None
    assert fields.cut("abc", 2) == "ab"
    assert [fields.text(v) for v in ("", None, 1, [])] == [fields.cut(v) for v in ("", None, 1, [])] == [None] * 4


def test_dig_stops_at_what_is_no_object():
    """A path through a list, text or nothing leads to None."""
    document = {"a": {"b": 1}, "c": [{"d": 1}], "e": "text", "f": None}
    assert fields.dig(document, "a", "b") == 1
    assert [fields.dig(document, *path.split(".")) for path in ("a.x", "c.d", "e.x", "f.x", "x.y")] == [None] * 5
    assert fields.dig(document) is document
