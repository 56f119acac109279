"""What shippers put events into, and text that is no JSON: opened once, and only where nothing else reads it."""

from __future__ import annotations

import orjson
import pytest

from streams.sources.plain_text import plain_text
from streams.sources.shipped import opened
from tests.contract.samples.aws_guardduty import KEY, event
from tests.contract.samples.aws_vpcflow import ACCEPTED


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"log_type": "AWS.VPCFlow", "log": ACCEPTED}, "aws.vpcflow"),
        ({"message": orjson.dumps(event(KEY)).decode(), "host": "a"}, "aws.guardduty"),
        ({"time": 1, "sourcetype": "aws", "event": KEY}, "aws.guardduty"),
        ({"Type": "Notification", "TopicArn": "arn", "Message": orjson.dumps(KEY).decode()}, "aws.guardduty"),
        ({"log": "a line of nobody", "message": ACCEPTED}, "aws.vpcflow"),
    ],
)
def test_the_event_inside_is_read(document: object, name: str) -> None:
    """An object, its JSON as text or a line, in the first place that holds what a source reads."""
    found = opened(document, {})
    assert found is not None
    assert found.source.name == name


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        "text",
        {"log": "a line"},
        {"message": "{broken"},
        {"event": {"event": KEY}},
        {"log": 1, "body": []},
    ],
)
def test_what_holds_nothing_known_stays_shut(document: object) -> None:
    """No source, no event: nothing is opened twice, and broken JSON inside is not taken for text."""
    assert opened(document, {}) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a line\n", "a line\n"),
        (b"\xef\xbb\xbfa line", "a line"),
        (b'{"a": ', None),
        (b"  [1,", None),
        (b'"open', None),
        (b"", None),
        (b" \n", None),
        (b"\xff\xfe", None),
        (b"a\x00b", None),
    ],
)
def test_only_text_is_text(value: bytes, expected: str | None) -> None:
    """What began as JSON, what is not UTF-8 and what holds a NUL is no text."""
    assert plain_text(value) == expected
