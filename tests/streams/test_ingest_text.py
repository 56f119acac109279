"""Raw records that are text, or that a shipper put the event into: read where a source knows them, else refused."""

import orjson
import pytest

from streams.catalog import Catalog
from streams.ingest import Ingest, RawRecord
from streams.redaction import Redactor
from streams.sources.aws_vpcflow import VpcFlow
from streams.sources.family import AWS
from streams.sources.registry import by_name
from tests.contract.samples import weir_review
from tests.contract.samples.asff import DETECTION
from tests.contract.samples.aws_eventbridge import SERVICE
from tests.contract.samples.aws_guardduty import KEY, event
from tests.contract.samples.aws_vpcflow import ACCEPTED, DEFAULT, REJECTED

REVIEW = next(iter(weir_review.SAMPLES.values()))[0]
LINES = f"{DEFAULT}\n{ACCEPTED}\n{REJECTED}\nrubbish\n".encode()


def outcome(value, source=None):
    """Source and count of the events of a raw record, and what was refused."""
    ingest = Ingest(Catalog(), Redactor(b"0123456789abcdef"), 1)
    bound = by_name(source) if isinstance(source, str) else source
    placed, dead = ingest.read(RawRecord("raw", 0, 0, 1_772_438_400_000, None, (), value, bound))
    return [orjson.loads(each.value)["source"] for each in placed], [(each.stage, each.reason) for each in dead]


@pytest.mark.parametrize("source", [None, "aws.vpcflow", VpcFlow()])
def test_lines_of_text_are_items(source):
    """A text that a source knows is read line by line; only the damaged line is a dead letter."""
    assert outcome(LINES, source) == (
        ["aws.vpcflow"] * 2,
        [("map", "1 fields where there should be 14")],
    )


@pytest.mark.parametrize(("value", "source"), [(LINES, "trivy"), (b"a line of nobody", None), (b'{"log": ', None)])
def test_text_that_nobody_reads_is_no_json(value, source):
    """On another source's topic, or where nobody knows it, text stays what it is: not JSON."""
    events, refused = outcome(value, source)
    assert (events, len(refused), refused[0][0]) == ([], 1, "parse")


def test_a_shipped_event_is_read_without_its_secrets():
    """An event inside a shipper's envelope is read, also where its JSON stands in a text, and redacted as ever."""
    leaky = {**KEY, "description": "password=hunter2hunter2 was in the request"}
    for message in (leaky, orjson.dumps(leaky).decode()):
        ingest = Ingest(Catalog(), Redactor(b"0123456789abcdef"), 1)
        value = orjson.dumps({"message": message, "host": "a"})
        (placed,), dead = ingest.read(RawRecord("raw", 0, 0, 0, None, (), value))
        assert not dead
        assert orjson.loads(placed.value)["source"] == "aws.guardduty"
        assert b"hunter2" not in placed.value


def test_an_envelope_with_nothing_known_is_refused():
    """An envelope that holds nothing known is refused as a format that no source reads."""
    assert outcome(orjson.dumps({"message": "nothing"})) == ([], [("recognise", "no source reads this format")])


@pytest.mark.parametrize(
    ("document", "source"),
    [
        (event(KEY), "aws.guardduty"),
        (SERVICE, "aws.eventbridge"),
        (DETECTION, "asff"),
        ({"message": orjson.dumps(KEY).decode()}, "aws.guardduty"),
    ],
)
def test_a_topic_of_a_family_is_read_by_content(document, source):
    """A topic that carries several formats gives each to its own source."""
    ingest = Ingest(Catalog(), Redactor(b"0123456789abcdef"), 1)
    placed, dead = ingest.read(RawRecord("raw", 0, 0, 0, None, (), orjson.dumps(document), AWS))
    assert not dead
    assert {orjson.loads(each.value)["source"] for each in placed} == {source}


@pytest.mark.parametrize("steering", [REVIEW, {"message": REVIEW}])
def test_a_topic_of_a_family_does_not_steer(steering):
    """What a review or a catalog would be elsewhere is refused there: a topic carries what it is for."""
    ingest = Ingest(Catalog(), Redactor(b"0123456789abcdef"), 1)
    value = orjson.dumps(steering)
    assert ingest.read(RawRecord("raw", 0, 0, 0, None, (), value))[0]
    placed, dead = ingest.read(RawRecord("raw", 0, 0, 0, None, (), value, AWS))
    assert not placed
    assert [(each.stage, each.source) for each in dead] == [("recognise", "aws")]
