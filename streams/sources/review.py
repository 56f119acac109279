"""Reviews as ``weir review`` writes them: one ``schemas.events.Review`` a document, the contract is the format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from schemas.events import Review
from streams.sources.base import Malformed, Reading


class Reviews:
    """Bound to the reviews topic; in a replay known by its ``type``. Its drafts name their domain themselves."""

    name = "weir.review"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """Whether it calls itself a review, and names who made it."""
        return isinstance(document, dict) and document.get("type") == "review" and "reviewer" in document

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """The one review of the document, whole, or the first thing about it that the contract does not allow."""
        try:
            review = Review.model_validate(document)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            yield 0, Malformed(".".join(map(str, problem["loc"])), problem["msg"])
            return
        lacking = _lacking(review)
        if lacking is not None:
            yield 0, Malformed(lacking, f"a review of kind {review.kind} needs it")
            return
        draft: Any = review.model_dump(mode="json", exclude_none=True)
        yield 0, draft


def _lacking(review: Review) -> str | None:
    """The field that a review of this kind cannot do without."""
    fields = {
        "verdict": ("unit_id", "verdict"),
        "comment": ("unit_id", "comment"),
        "approval": ("unit_id",),
        "override": ("unit_id", "field", "value"),
        "exception": ("unit_id", "expires"),
        "merge": ("unit_id", "other_unit_id"),
        "split": ("unit_id", "signals"),
        "unmerge": ("unit_id", "other_unit_id"),
        "escalate": ("unit_id",),
        "unlink": ("value",),
    }
    if review.kind in ("suppress", "unsuppress"):
        return None if review.unit_id or review.pattern else "pattern"
    return next((name for name in fields[review.kind] if not getattr(review, name)), None)
