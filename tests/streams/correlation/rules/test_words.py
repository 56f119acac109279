from __future__ import annotations

from streams.correlation.rules.words import length, why
from tests.streams.correlation.rules.scene import END, SECOND, Caller, activity, compiled, rule, step

T0 = 1_735_732_800_000  # 2025-01-01T12:00:00Z


def said(asked: object, *events: tuple[str, int]) -> tuple[str, ...]:
    caller = Caller(compiled(asked))
    for number, (action, at) in enumerate(events):
        about = (("ip", "198.51.100.7"), ("principal", f"u{number}"))
        caller.observe(activity(f"e{number}", action, *about), T0 + at * SECOND)
    caller.advance(END)
    match = caller.told[-1]
    return why(caller.rules.rule(match.rule), match)


def test_a_sequence_in_words() -> None:
    """What was found for whom, what was asked, and when."""
    events = [("failed", n) for n in range(5)] + [("worked", 9)]
    assert said(rule("sequence", step("failed", 3), step("worked"), timespan="10m"), *events) == (
        "5 × failed, then 1 × worked for ip 198.51.100.7",
        "rule r@1: 3 × failed, then 1 × worked within 10 min",
        "from 2025-01-01T12:00:00Z to 2025-01-01T12:00:09Z",
    )


def test_other_kinds_in_words() -> None:
    """Each kind says what it counted."""
    assert said(rule("count", step("a"), step("b"), at_least=2), ("a", 0), ("b", 1))[:2] == (
        "2 × a or b for ip 198.51.100.7",
        "rule r@1: 2 × a or b within 1 min",
    )
    assert said(rule("distinct", step("a"), at_least=2, field="principal"), ("a", 0), ("a", 1))[:2] == (
        "2 different principal in 2 × a for ip 198.51.100.7",
        "rule r@1: 2 different principal in a within 1 min",
    )
    assert said(rule("all", step("a"), step("b"), group_by=[]), ("a", 0), ("b", 0)) == (
        "1 × a and 1 × b",
        "rule r@1: 1 × a and 1 × b within 1 min",
        "at 2025-01-01T12:00:00Z",
    )
    assert said(rule("absence", step("leaked"), step("revoked", 2, absent="after")), ("leaked", 0))[:2] == (
        "1 × leaked without revoked afterwards for ip 198.51.100.7",
        "rule r@1: leaked and no revoked (2 or more) afterwards within 1 min",
    )


def test_many_values_and_thinned_groups_are_said_to_be_about() -> None:
    """Past what is counted exactly, the words say so."""
    many = rule("distinct", step("a"), at_least=2, field="principal")
    assert said(many, *(("a", 0) for _ in range(100)))[0].startswith("64 or more different principal in 100 × a")
    flood = rule("all", step("a"), step("b"))
    assert said(flood, *(("a", n / 100) for n in range(500)), ("b", 6))[0].startswith("about 500 × a and 1 × b")


def test_lengths() -> None:
    """The largest unit that says it exactly."""
    assert [length(ms) for ms in (1, 90_000, 600_000, 5_400_000, 86_400_000)] == [
        "1 ms",
        "90 s",
        "10 min",
        "90 min",
        "1 d",
    ]
