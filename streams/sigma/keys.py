"""What rules are called, which version they are, and what their levels are."""

from __future__ import annotations

import re
from datetime import date

from sigma.rule import SigmaRuleBase

SEVERITY = {"informational": 1, "low": 2, "medium": 3, "high": 4, "critical": 5}
"""Sigma's level to OCSF ``severity_id``; a rule without one is medium."""


def key_of(rule: SigmaRuleBase) -> str:
    """What a rule is called in findings: its id, else its name, else its title in plain characters."""
    if rule.id is not None:
        return str(rule.id).lower()
    return rule.name or re.sub(r"[^a-z0-9]+", "-", rule.title.lower()).strip("-")[:120] or "untitled"


def version_of(rule: SigmaRuleBase) -> int:
    """The day of ``modified``, else of ``date``, counted from 1970; 1 without either."""
    day = rule.modified or rule.date
    return max(1, (day - date(1970, 1, 1)).days) if isinstance(day, date) else 1


def same_key(reference: str) -> str:
    """An id in the one way that ids are written, or the name as it is."""
    digits = re.sub(r"urn:uuid:|[-{}]", "", reference.lower())
    if re.fullmatch(r"[0-9a-f]{32}", digits) is None:
        return reference
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
