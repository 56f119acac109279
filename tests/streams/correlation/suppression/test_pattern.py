"""What counts as one kind of noise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.correlation.suppression.pattern import entity_class, pattern_of, shapes
from streams.correlation.suppression.posterior import below, upper
from streams.correlation.suppression.template import LONGEST, template

from .build import HOUR, NOON, signal


def test_what_varies_is_left_out_of_a_title() -> None:
    """Numbers, ids and addresses differ between occurrences of one pattern."""
    one = "Login of 4f1c2ab9d0 from 203.0.113.9:4711 failed 3 times, session 0b5f7c1e-8a52-4cf1-9d0a-53d5cf8c9a10"
    other = "Login of 99aa17cd01 from 2001:db8::7 failed 12,000 times, session 7d4c1f2a-1111-4cf1-9d0a-53d5cf8c9a11"
    assert template(one) == template(other) == "Login of <id> from <ip> failed <n> times, session <id>"


def test_what_it_is_stays_in_a_title() -> None:
    """Two weaknesses, techniques, or names with a digit in them are not one pattern."""
    titles = ("CVE-2021-44228 in a", "CVE-2021-45046 in a", "T1059.001 used", "T1059.003 used", "s3 open", "ec2 open",
              "GHSA-jfh8-c2jp-5v3q", "GHSA-7rjr-3q55-vv33", "CWE-79", "CWE-89")  # fmt: skip
    assert len({template(title) for title in titles}) == len(titles)


@given(st.text(max_size=300))
def test_template_of_a_template_is_itself(title: str) -> None:
    """So an id made from it does not depend on how often it went through; and it is bounded."""
    once = template(title)
    assert len(once) <= LONGEST
    assert template(once)[: LONGEST - 10] == once[: LONGEST - 10]


def test_a_finding_is_told_by_its_rule_and_a_call_by_its_name() -> None:
    """A title that holds the package or the actor makes no pattern of its own."""
    rule = {"rule": "DS-0002", "reporter": "trivy"}
    assert pattern_of(signal("root user in a", **rule)) == pattern_of(signal("root user in b", **rule))
    assert pattern_of(signal("root user in a", **rule)) != pattern_of(signal("root user in a", rule="DS-0002"))
    call = {"action": "iam:CreateUser", "kind": "anomaly"}
    assert pattern_of(signal("unusual iam:CreateUser by a", actor="a", **call)) == pattern_of(
        signal("unusual iam:CreateUser by b", actor="b", **call)
    )


def test_source_component_and_entities_part_patterns() -> None:
    """The same rule elsewhere, or from outside instead of inside, is another pattern with another id."""
    base = signal()
    others = (
        base,
        base._replace(source="edr"),
        base._replace(component="pay"),
        base._replace(component=None),
        base._replace(entities=(("host", "web-1"), ("ip", "10.0.0.1"))),
        base._replace(entities=(("host", "web-1"), ("ip", "203.0.113.9"))),
    )
    assert len({pattern_of(row).id for row in others}) == len(others)
    assert pattern_of(base._replace(entities=(("host", "web-2"),))) == pattern_of(base)
    assert entity_class((("ip", "fd00::1"), ("ip", "no address"), ("component", "x"))) == "ip+private ip"


def test_rate_is_the_highest_of_each_and_all() -> None:
    """A burst shows in a long unit, and many small signals show together; nothing is counted over less than an hour."""
    burst = signal("a", NOON + 40 * HOUR, times=600, last=NOON + 40 * HOUR + 60_000)
    (shape,) = shapes([signal("a", NOON), burst]).values()
    assert shape.rate == 600
    (shape,) = shapes([signal("a", NOON + number) for number in range(50)]).values()
    assert shape == (50, 50.0, 1, (NOON // (24 * HOUR),))


def test_fixed_signals_make_no_pattern_unless_all_are_fixed() -> None:
    """What is fixed is no reason for or against hiding what is left; a unit that is all fixed stays what it was."""
    (left,) = shapes([signal("a", status="fixed"), signal("b")])
    assert left.rule == "b"
    assert shapes([signal(status="fixed")]).keys() == shapes([signal()]).keys()


def test_posterior_agrees_with_closed_forms() -> None:
    """With no hits the bound is 1 - 0.05^(1/(n+1)); Beta(a, b) mirrors Beta(b, a); a median is a half."""
    for misses in (0, 1, 9, 28, 400, 30_000):
        assert abs(upper(0, misses) - (1 - 0.05 ** (1 / (misses + 1)))) < 1e-9
    assert abs(below(0.3, 2.5, 7.25) + below(0.7, 7.25, 2.5) - 1) < 1e-12
    assert abs(below(0.5, 31.4, 31.4) - 0.5) < 1e-12


@given(st.floats(0, 500), st.floats(0, 500), st.floats(0.1, 50))
def test_more_hits_raise_and_more_misses_lower_the_bound(hits: float, misses: float, more: float) -> None:
    """The bound moves with the evidence, never against it."""
    assert upper(hits + more, misses) >= upper(hits, misses) - 1e-9
    assert upper(hits, misses + more) <= upper(hits, misses) + 1e-9
