"""One severity table: known words, monotone numbers, and 0 for everything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.base import SEVERITY_NAMES
from streams.sources import severity as s

ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()) | st.binary()
FUNCTIONS = [
    s.severity_of_word,
    s.severity_of_cvss,
    s.severity_of_cvss_text,
    s.severity_of_guardduty,
    s.severity_of_normalized,
    s.severity_of_ocsf,
]


@given(ANYTHING, st.sampled_from(FUNCTIONS))
def test_every_value_has_a_severity(value, function):
    """Whatever stands in a severity field, the answer is an int from 0 to 6."""
    answer = function(value)
    assert type(answer) is int
    assert 0 <= answer <= 6


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("UNKNOWN LOW MEDIUM HIGH CRITICAL", [0, 2, 3, 4, 5]),  # Trivy
        ("Unknown Negligible Low Medium High Critical", [0, 1, 2, 3, 4, 5]),  # Grype
        ("low moderate medium high critical", [2, 3, 3, 4, 5]),  # GitHub
        ("none note warning error", [1, 2, 3, 4]),  # SARIF
        ("INFORMATIONAL LOW MEDIUM HIGH CRITICAL", [1, 2, 3, 4, 5]),  # ASFF
        ("Debug Informational Notice Warning Error Critical Alert Emergency", [1, 1, 2, 3, 4, 5, 5, 6]),  # Falco
        ("severe", [0]),
    ],
)
def test_words(words, expected):
    """Each vendor's words, in their own case, have the severity of the table."""
    assert [s.severity_of_word(word) for word in words.split()] == expected


def test_ocsf_names_and_ids_agree():
    """OCSF's own names and ids pass through unchanged; 99 is unknown."""
    assert [s.severity_of_word(name) for name in SEVERITY_NAMES] == list(range(7))
    assert [s.severity_of_ocsf(i) for i in range(7)] == list(range(7))
    assert s.severity_of_ocsf(99) == 0


@pytest.mark.parametrize(
    ("function", "points"),
    [
        (s.severity_of_cvss, {0: 1, 0.1: 2, 3.9: 2, 4.0: 3, 6.9: 3, 7.0: 4, 8.9: 4, 9.0: 5, 10: 5, 10.1: 0, -1: 0}),
        (s.severity_of_guardduty, {0.5: 1, 1: 2, 3.9: 2, 4: 3, 6.9: 3, 7: 4, 8.9: 4, 9: 5, 10: 5, 11: 0}),
        (s.severity_of_normalized, {0: 1, 1: 2, 39: 2, 40: 3, 69: 3, 70: 4, 89: 4, 90: 5, 100: 5, 101: 0}),
        (s.severity_of_cvss_text, {"0.0": 1, "3.9": 2, " 7.5 ": 4, "9.8": 5, "nan": 0, "1e1": 0, "1_0": 0, "11": 0}),
    ],
)
def test_bands(function, points):
    """Every edge of the published bands falls on the stated side."""
    assert {score: function(score) for score in points} == points


@given(st.floats(0, 10), st.floats(0, 10), st.sampled_from([s.severity_of_cvss, s.severity_of_guardduty]))
def test_a_higher_score_is_never_a_lower_severity(a, b, function):
    """Severity rises with the score."""
    low, high = sorted((a, b))
    assert function(low) <= function(high)


@given(st.floats(0, 10, allow_subnormal=False).map(lambda f: round(f, 1)))
def test_number_and_text_of_a_score_agree(score):
    """A CVSS score as number and as SARIF's text have one severity."""
    assert s.severity_of_cvss_text(str(score)) == s.severity_of_cvss(score)


def test_a_boolean_is_no_number():
    """True is not the score 1."""
    assert s.severity_of_cvss(True) == s.severity_of_ocsf(True) == s.severity_of_guardduty(True) == 0
