"""Detectors that a set of models may name beside the standard ones."""

from __future__ import annotations

from typing import Any

from models.base import Row
from models.suite import DETECTORS, STANDARD, Suite

MINUTE, DAY = 60_000, 86_400_000


def call(at: int, **more: Any) -> dict[str, Any]:
    fields = {"action": "s3:GetObject", "outcome": "success", "severity": None, "error": None}
    x = {"time": at, "principal": "role/web", "action": "s3:GetObject", "outcome": "success", "source": "trail"}
    return x | {"fields": fields} | more


def test_the_standard_set_is_the_default_and_part_of_all_there_are() -> None:
    """A suite without further words has burst, rarity, frequency and ratio; surge and tokens are options."""
    assert Suite(lambda _: {}).names() == Suite(lambda _: {}, STANDARD).names()
    assert [kind.name for kind in STANDARD] == ["burst", "rarity", "frequency", "ratio"]
    assert [kind.name for kind in DETECTORS if kind not in STANDARD] == ["surge", "tokens"]


def test_options_say_what_the_standard_set_does_not() -> None:
    """Ten calls a minute over ten minutes, with an error that no record had: surge and tokens are among the parts, in
    one pass as in two."""
    tables: dict[str, dict[str, Row]] = {}
    suite = Suite(lambda name: tables.setdefault(name, {}), DETECTORS)
    for minute in range(2 * 1440):
        suite.learn(call(minute * MINUTE))
    odd = {"error": "AccessDenied", "severity": "high", "action": "s3:GetObject", "outcome": "failure"}
    for n in range(100):
        suite.learn(call(2 * DAY + n // 10 * MINUTE + n, fields=odd))
    last = call(2 * DAY + 9 * MINUTE + 101, fields=odd)
    verdict = suite.assess(last)
    assert {part.detector for part in verdict.parts} >= {"surge", "tokens"}
    assert verdict.p <= 0.01
    assert suite.score_and_learn(last) == verdict
    assert {"surge", "tokens"} <= tables.keys()
