"""VPC flow logs: text of any format, JSON, what a flow links, and what is no flow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Activity
from streams.sources.aws_vpcflow import FIELDS, VpcFlow
from streams.sources.base import Ignored, Malformed
from tests.contract.samples.aws_vpcflow import (
    ACCEPTED,
    ACCOUNT,
    CUSTOM,
    CUSTOM_LINE,
    DEFAULT,
    ENI,
    NO_DATA,
    RECORD,
    REJECTED,
    SKIPPED,
    SUBSCRIPTION,
)
from tests.streams.sources.reading import events


def test_a_flow_of_the_default_format() -> None:
    """Addresses, interface and account are entities, the window's end is the time, the flow its own natural key."""
    (found,) = events(VpcFlow(), ACCEPTED)
    assert found.entities == (("ip", "203.0.113.77"), ("ip", "10.0.0.12"), ("resource", ENI), ("account", ACCOUNT))
    assert found.time.isoformat() == "2026-03-02T09:12:30+00:00"
    assert (found.action, found.outcome, found.domain) == ("vpc:AcceptFlow", "success", f"aws:{ACCOUNT}")
    assert found.title == "203.0.113.77:49152 to 10.0.0.12:22 tcp accepted, 20 packets, 4249 bytes"
    assert found.source_id == f"{ENI}/203.0.113.77:49152>10.0.0.12:22/6/1772442690-1772442750/ACCEPT"


def test_a_rejected_flow_is_a_failure() -> None:
    """REJECT is a failed activity; the same flow accepted has another key."""
    (found,) = events(VpcFlow(), REJECTED)
    assert (found.action, found.outcome, found.error, found.severity) == ("vpc:RejectFlow", "failure", "REJECT", 1)
    (other,) = events(VpcFlow(), REJECTED.replace("REJECT", "ACCEPT"))
    assert found.source_id != other.source_id


def test_a_custom_format_names_its_fields() -> None:
    """With region and instance the ARNs are whole; packet addresses come beside the interface's."""
    (found,) = events(VpcFlow(), f"{CUSTOM}\n{CUSTOM_LINE}\n")
    place = f"arn:aws:ec2:eu-central-1:{ACCOUNT}"
    assert found.entities == (
        ("ip", "10.0.0.12"),
        ("ip", "10.0.0.220"),
        ("ip", "203.0.113.5"),
        ("resource", f"{place}:network-interface/{ENI}"),
        ("resource", f"{place}:instance/i-0123456789abcdef0"),
        ("host", "i-0123456789abcdef0"),
        ("account", ACCOUNT),
    )
    assert found.title.endswith("udp accepted, 14 packets, 967 bytes")


def test_one_packet_address_is_enough_to_count() -> None:
    """Where only one end of the packet is known, it still comes beside the interface's addresses."""
    for known, other in ((11, 12), (12, 11)):
        words = CUSTOM_LINE.split()
        words[known], words[other] = "203.0.113.9", "-"
        (found,) = events(VpcFlow(), f"{CUSTOM}\n{' '.join(words)}")
        assert ("ip", "203.0.113.9") in found.entities


def test_the_header_of_a_record_names_the_fields_of_bare_lines() -> None:
    """Lines of a custom format without their names are read by the format as the console shows it."""
    spelt = " ".join(f"${{{name}}}" for name in CUSTOM.split())
    readings = list(VpcFlow().read(CUSTOM_LINE, {FIELDS: spelt}))
    assert readings == list(VpcFlow().read(f"{CUSTOM}\n{CUSTOM_LINE}", {}))


def test_json_and_subscriptions_read_as_text_does() -> None:
    """A row of Parquet, and a message of CloudWatch Logs, give what the line gives."""
    assert events(VpcFlow(), RECORD) == events(VpcFlow(), ACCEPTED)
    first, second = events(VpcFlow(), SUBSCRIPTION)
    assert first == events(VpcFlow(), ACCEPTED)[0]
    assert second == Ignored("no data in the window")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (NO_DATA, Ignored("no data in the window")),
        (SKIPPED, Ignored("flows skipped in the window")),
        (ACCEPTED + " more", Malformed("line 1", "15 fields where there should be 14")),
        (ACCEPTED.replace("1772442750", "soon"), Malformed("line 1.end", "not a time in Unix seconds")),
        (ACCEPTED.replace("ACCEPT", "DROP"), Malformed("line 1.action", "neither ACCEPT nor REJECT")),
        (
            ACCEPTED.replace("203.0.113.77", "nowhere").replace("10.0.0.12", "-"),
            Malformed("line 1.srcaddr", "no address"),
        ),
    ],
)
def test_what_is_no_flow(line: str, expected: object) -> None:
    """Empty windows are ignored, damaged lines refused with their number and the field."""
    assert events(VpcFlow(), line) == [expected]


def test_a_damaged_line_stops_nothing() -> None:
    """The lines around a damaged one are read, each an item of its own."""
    items = list(VpcFlow().read(f"{DEFAULT}\n{ACCEPTED}\nrubbish\n\n{REJECTED}\n", {}))
    assert [item for item, _ in items] == [0, 1, 2]
    assert isinstance(items[1][1], Malformed)
    assert items[1][1].place == "line 3"


@pytest.mark.parametrize("text", ["", "a b c", "2 3 4", '{"srcaddr": 1}', "srcaddr dstaddr", ACCEPTED[2:]])
def test_other_texts_are_not_taken(text: str) -> None:
    """Only a line of names or the default format is known by content."""
    assert not VpcFlow().recognise(text, {})


@given(st.integers(1, 65535), st.integers(1, 10**10), st.sampled_from(["ACCEPT", "REJECT"]), st.ip_addresses())
def test_every_flow_of_the_format_is_an_activity(port: int, end: int, action: str, target: object) -> None:
    """Any address, port and time of the format is read, whatever it is."""
    line = f"2 {ACCOUNT} {ENI} 10.0.0.1 {target} {port} {port} 6 1 1 {max(1, end - 60)} {end} {action} OK"
    (found,) = events(VpcFlow(), line)
    assert isinstance(found, Activity)
    assert int(found.time.timestamp()) == end
