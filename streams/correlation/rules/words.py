"""Why a match is here, in words that an analyst reads."""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.rule import Rule
from streams.correlation.rules.match import Match
from streams.correlation.rules.run import DISTINCT

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms"))

_SIDES = {"after": "afterwards", "before": "beforehand", "around": "before or after"}


def why(rule: Rule, match: Match) -> tuple[str, ...]:
    """What was found for whom, what the rule asks, and where in time. One line each; ``rule`` is the match's own."""
    return found(rule, match), asked(rule), _when(match)


def found(rule: Rule, match: Match) -> str:
    """For example ``7 failed, then 1 worked for ip 198.51.100.7``."""
    about = "".join(f" for {name} {value}" if n == 0 else f", {name} {value}" for n, (name, value) in _numbered(match))
    least = "" if match.exact else "about "
    if rule.kind == "count":
        return f"{least}{match.members:,} × {_either(rule)}{about}"
    if rule.kind == "distinct":
        number = f"{match.distinct}" + (" or more" if match.distinct >= DISTINCT else "")
        return f"{number} different {rule.field} in {least}{match.members:,} × {_either(rule)}{about}"
    if rule.kind == "absence":
        present = next(step.id for step in rule.steps if step.absent is None)
        absent = ", ".join(f"{step.id} {_SIDES[step.absent]}" for step in rule.steps if step.absent is not None)
        return f"{least}{match.members:,} × {present} without {absent}{about}"
    word = ", then " if rule.kind == "sequence" else " and "
    return least + word.join(f"{number:,} × {step}" for step, number in match.counts) + about


def asked(rule: Rule) -> str:
    """For example ``rule console-brute-force@1: 5 × failed, then 1 × worked within 10 min``."""
    span = length(rule.timespan)
    if rule.kind == "count":
        asks = f"{rule.at_least} × {_either(rule)} within {span}"
    elif rule.kind == "distinct":
        asks = f"{rule.at_least} different {rule.field} in {_either(rule)} within {span}"
    elif rule.kind == "absence":
        present = next(step.id for step in rule.steps if step.absent is None)
        absent = ", ".join(
            f"no {step.id}" + (f" ({step.at_least} or more)" if step.at_least > 1 else "") + f" {_SIDES[step.absent]}"
            for step in rule.steps
            if step.absent is not None
        )
        asks = f"{present} and {absent} within {span}"
    else:
        word = ", then " if rule.kind == "sequence" else " and "
        asks = word.join(f"{step.at_least} × {step.id}" for step in rule.steps) + f" within {span}"
    return f"rule {rule.key}: {asks}"


def length(ms: int) -> str:
    """The largest units that say it exactly: ``90 s``, ``10 min``, ``1 d``."""
    return next(f"{ms // size} {unit}" for size, unit in _UNITS if ms % size == 0)


def _when(match: Match) -> str:
    if match.first == match.last:
        return f"at {_instant(match.first)}"
    return f"from {_instant(match.first)} to {_instant(match.last)}"


def _instant(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _either(rule: Rule) -> str:
    return " or ".join(step.id for step in rule.steps)


def _numbered(match: Match) -> list[tuple[int, tuple[str, str]]]:
    return list(enumerate(match.group))
