"""Every vendor's severity as an OCSF ``severity_id``: one table for all sources.

0 unknown, 1 informational, 2 low, 3 medium, 4 high, 5 critical, 6 fatal (``schemas.base.Severity``). All functions
take any value at all and give 0 for what they do not know, so that a wrong-typed field never refuses an event.

Sources of the words: Trivy ``UNKNOWN``..``CRITICAL``; Grype ``Negligible``..``Critical``; GitHub advisories ``low``,
``moderate``, ``medium``, ``high``, ``critical``; SARIF 2.1.0 section 3.27.10 ``level``; ASFF ``Severity.Label``;
Falco and syslog (RFC 5424 section 6.2.1) priorities; OCSF 1.x ``severity``. CVSS bands: CVSS 3.1 section 5.
"""

from __future__ import annotations

import re

WORDS = {
    "unknown": 0,
    "undefined": 0,
    "other": 0,
    "none": 1,
    "negligible": 1,
    "informational": 1,
    "information": 1,
    "info": 1,
    "debug": 1,
    "trace": 1,
    "low": 2,
    "minor": 2,
    "note": 2,
    "notice": 2,
    "medium": 3,
    "moderate": 3,
    "warning": 3,
    "warn": 3,
    "high": 4,
    "major": 4,
    "important": 4,
    "error": 4,
    "critical": 5,
    "blocker": 5,
    "alert": 5,
    "emergency": 6,
    "fatal": 6,
}

_DECIMAL = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")


def severity_of_word(word: object) -> int:
    """A vendor's word, in any case."""
    if not isinstance(word, str) or len(word) > 32:
        return 0
    return WORDS.get(word.strip().lower(), 0)


def severity_of_cvss(score: object) -> int:
    """A CVSS base score: 0 is informational, below 4 low, below 7 medium, below 9 high, up to 10 critical."""
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 10:
        return 0
    return 1 if score == 0 else _banded(score)


def severity_of_cvss_text(score: object) -> int:
    """A CVSS score as decimal text: the SARIF property ``security-severity`` of GitHub code scanning."""
    return severity_of_cvss(cvss_of_text(score))


def cvss_of_text(score: object) -> float | None:
    """The number in a decimal text such as ``"7.5"``, if it is a CVSS score. Not for vectors."""
    if not isinstance(score, str) or not _DECIMAL.fullmatch(score.strip()):
        return None
    number = float(score)
    return number if number <= 10 else None


def severity_of_guardduty(score: object) -> int:
    """Amazon GuardDuty's ``severity``, 1.0 to 10.0; below 1 is informational."""
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 10:
        return 0
    return 1 if score < 1 else _banded(score)


def severity_of_normalized(score: object) -> int:
    """ASFF ``Severity.Normalized``: 0 informational, 1-39 low, 40-69 medium, 70-89 high, 90-100 critical."""
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 100:
        return 0
    return 1 if score == 0 else _banded(score / 10)


def severity_of_ocsf(severity_id: object) -> int:
    """OCSF's own id; 99 (other) and anything outside 0 to 6 is unknown."""
    if isinstance(severity_id, bool) or not isinstance(severity_id, int):
        return 0
    return severity_id if 0 <= severity_id <= 6 else 0


def _banded(score: float) -> int:
    if score < 4:
        return 2
    if score < 7:
        return 3
    return 4 if score < 9 else 5
