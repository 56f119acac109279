"""Where and why pySigma refuses a document."""

from __future__ import annotations

import re

from sigma.exceptions import (
    SigmaConditionError,
    SigmaCorrelationConditionError,
    SigmaCorrelationRuleError,
    SigmaCorrelationTypeError,
    SigmaDetectionError,
    SigmaError,
    SigmaLogsourceError,
    SigmaTimespanError,
)

MALFORMED = (ValueError, TypeError, AttributeError, LookupError, RecursionError)
"""What pySigma raises for documents of the wrong shape; SigmaError is a ValueError."""

_PLACES: tuple[tuple[type[SigmaError], str], ...] = (
    (SigmaConditionError, "detection.condition"),
    (SigmaLogsourceError, "logsource"),
    (SigmaDetectionError, "detection"),
    (SigmaCorrelationTypeError, "correlation.type"),
    (SigmaCorrelationConditionError, "correlation.condition"),
    (SigmaTimespanError, "correlation.timespan"),
    (SigmaCorrelationRuleError, "correlation"),
)


_ATTRIBUTE = re.compile(
    "Sigma(Title|Identifier|Name|Taxonomy|Related|Level|Status|Tag|Date|Modified|Fields|FalsePositives|Author"
    "|Description|References|Scope|License)Error"
)


def place_of(error: SigmaError) -> str:
    """Where in the document an error of pySigma is: its kind says so."""
    for kind, place in _PLACES:
        if isinstance(error, kind):
            return place
    found = _ATTRIBUTE.fullmatch(type(error).__name__)
    if found is None:
        return "detection"
    return {"Identifier": "id", "Tag": "tags"}.get(found[1], found[1].lower())


def reason_of(error: Exception) -> str:
    """What is wrong, in pySigma's words, without the file."""
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    text = str(error.args[0]) if isinstance(error, SigmaError) and error.args else str(error)
    return text if isinstance(error, SigmaError) else f"is of the wrong type ({text})"
