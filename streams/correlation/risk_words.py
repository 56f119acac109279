"""The words for each factor of a unit's risk, as an analyst reads them. Pure."""

from __future__ import annotations

from typing import NamedTuple

from schemas.base import SEVERITY_NAMES
from streams.correlation.change_words import span
from streams.correlation.decay import HALF_LIFE_MS
from streams.correlation.exploitability import Exposed, Reach
from streams.correlation.tactics import tactic

_TITLE = 80


class Suspect(NamedTuple):
    """The best suspect among the changes: its score, 0 to 1, and what it is."""

    score: float
    title: str


class Words:
    """``lead`` is the signal that brings most; the rest as ``streams.correlation.risk_score.assess`` takes it."""

    def __init__(
        self,
        reach: Reach,
        lead: Exposed,
        confidence: float,
        suspect: Suspect | None,
        as_of: int,
        severity: int | None,
    ) -> None:
        self.reach = reach
        self.lead = lead
        self.confidence = confidence
        self.suspect = suspect
        self.as_of = as_of
        self.severity = severity

    def of(self, name: str) -> str:
        """What the factor of that name says."""
        lead, signal = self.lead, self.lead.signal
        match name:
            case "severity":
                state = "" if lead.open else "all is fixed; a residue of "
                if self.severity is not None:
                    return f"{state}{SEVERITY_NAMES[self.severity]}, as a reviewer set it"
                return f"{state}{SEVERITY_NAMES[signal.severity]}: {signal.title[:_TITLE]}"
            case "kev":
                return self._said("kev", lead.kev)
            case "epss":
                if lead.epss == self.reach.summary.max_epss:
                    return self._said("max_epss", None)
                return f"EPSS {lead.epss:.5g}"
            case "cvss":
                return f"CVSS {signal.cvss:g}"
            case "fix_available":
                return "a fix is there and not applied: " + self._fix()
            case "variety":
                return "signals of " + ", ".join(sorted({each.signal.kind for each in self.reach.exposed}))
            case "attack_chain":
                return "unusual calls that serve " + ", ".join(self._tactics())
            case "volume":
                return f"{sum(each.signal.times for each in self.reach.exposed)} signals, repeats included"
            case "confidence":
                return f"confidence {self.confidence:.2f}"
            case "suspect_change":
                assert self.suspect is not None
                return f"suspected change ({self.suspect.score:.2f}): {self.suspect.title[:_TITLE]}"
            case "age":
                return self._age()
            case "controls" | "exceptions" | "vex":
                return self._said(name, None)
            case "ceiling":
                return "more than 100 is 100"
        return self._said(name, None)

    def _said(self, field: str, name: str | None) -> str:
        """The evidence of a field, that of ``name`` first where there is one; more are counted."""
        found = [each.text for each in self.reach.summary.evidence if each.field == field]
        if name is not None:
            found.sort(key=lambda text: not text.startswith(f"{name} "))
        if not found:
            return name or field.replace("_", " ")
        return found[0] + (f"; and {len(found) - 1} more" if len(found) > 1 else "")

    def _tactics(self) -> list[str]:
        actions = {each.signal.action for each in self.reach.exposed if each.signal.action is not None}
        return sorted({found for action in actions if (found := tactic(action)) is not None})

    def _fix(self) -> str:
        fixes = sorted({each.signal.fix for each in self.reach.exposed if each.open and each.signal.fix})
        return fixes[0][:_TITLE] + (f"; and {len(fixes) - 1} more" if len(fixes) > 1 else "")

    def _age(self) -> str:
        """Which kinds fade, and how old the newest of each is."""
        newest: dict[str, int] = {}
        for each in self.reach.exposed:
            kind = each.signal.kind if each.open else "fixed"
            if not each.open or kind in HALF_LIFE_MS:
                newest[kind] = max(newest.get(kind, each.signal.last), each.signal.last)
        parts = []
        for kind in sorted(newest):
            age = span(max(0, self.as_of - newest[kind]))
            halves = f", halves every {HALF_LIFE_MS[kind] // 3_600_000} h" if kind in HALF_LIFE_MS else ""
            parts.append(f"newest {kind if kind != 'fixed' else 'of what is fixed'} {age} ago{halves}")
        return "; ".join(parts)
