"""Reviews on their way into the log."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.events import BATCH, Review
from streams.catalog import Catalog
from streams.ingest import Ingest, RawRecord
from streams.redaction import Redactor
from streams.routing import partition_of
from streams.sources.base import Malformed
from streams.sources.review import Reviews

REVIEW: dict[str, Any] = {
    "type": "review", "source_id": "r-1", "time": "2026-03-02T09:00:00Z", "domain": "system:shop", "unit_id": "wu-1",
    "reviewer": "ada@acme.example", "kind": "verdict", "verdict": "benign", "comment": "token ghp_" + "a1B2" * 9,
}  # fmt: skip


def test_a_review_goes_to_its_domain_whole_and_without_secrets() -> None:
    """It is routed by the domain that it names, is a review again when read, and a secret in its comment is gone."""
    ingest = Ingest(Catalog(), Redactor(b"a key for tests only"), partitions=7)
    placed, dead = ingest.read(RawRecord("weir.reviews", 0, 5, 0, None, (), orjson.dumps(REVIEW), Reviews()))
    packed, unfit = ingest.pack(placed, 10_000)
    assert not dead
    assert not unfit
    (record,) = packed
    assert record.partition == partition_of("system:shop", 7)
    (review,) = BATCH.validate_json(record.value)
    assert isinstance(review, Review)
    assert (review.reviewer, review.verdict, review.unit_id) == ("ada@acme.example", "benign", "wu-1")
    assert "a1B2" not in review.comment


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"verdict": None}, "verdict"),
        ({"kind": "merge"}, "other_unit_id"),
        ({"kind": "split"}, "signals"),
        ({"kind": "suppress", "unit_id": ""}, "pattern"),
        ({"kind": "override", "field": "owner"}, "value"),
        ({"kind": "exception"}, "expires"),
        ({"kind": "unlink"}, "value"),
        ({"unit_id": ""}, "unit_id"),
        ({"time": "2026-03-02T09:00:00"}, "time"),
        ({"colour": "red"}, "colour"),
        ({"kind": "delete"}, "kind"),
    ],
)
def test_a_review_that_says_too_little_is_refused_with_the_place(change: dict[str, Any], place: str) -> None:
    """What the fold could do nothing with becomes a dead letter at ingest, not a silent nothing later."""
    ((_, reading),) = Reviews().read(REVIEW | change, {})
    assert isinstance(reading, Malformed)
    assert reading.place == place
