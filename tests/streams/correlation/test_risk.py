"""The risk's factors: what each says, and that their sum is the score."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.unit import Risk
from streams.correlation.context import Context
from streams.correlation.exploitability import reach
from streams.correlation.facts import Facts
from streams.correlation.risk_score import assess
from streams.correlation.risk_words import Suspect
from streams.correlation.rows import SignalRow
from streams.correlation.table import Table
from streams.correlation.tactics import tactic
from tests.streams.correlation.test_exploitability import CVE, DAY, NOON, context, member, waived

HOUR = 3_600_000
EMPTY = Context(Table("context", []))


def risk(*members: SignalRow, known: Facts | None = None, of: Context = EMPTY, confidence: float = 0.0,
         suspect: Suspect | None = None, as_of: int = NOON) -> Risk:  # fmt: skip
    made = assess(reach(members, lambda _: known, of, NOON), confidence, suspect, as_of)
    assert round(sum(factor.value for factor in made.factors), 2) == made.score
    return made


def values(made: Risk) -> dict[str, float]:
    return {factor.name: factor.value for factor in made.factors}


def text(made: Risk, name: str) -> str:
    return next(factor.text for factor in made.factors if factor.name == name)


def call(number: int, action: str, **fields: Any) -> SignalRow:
    given = {"kind": "anomaly", "rule": None, "action": action, "component": None, "title": f"unusual {action}"}
    return member(number, **given | fields)


def test_a_plain_finding_is_its_severity() -> None:
    """Nothing is known of it but that: one factor, in the words of the finding."""
    made = risk(member(rule="R-1", component=None))
    assert values(made) == {"severity": 32.0}
    assert text(made, "severity") == "high: Command injection in gateway"


def test_everything_at_once() -> None:
    """KEV, EPSS, CVSS, place, fix, confidence and suspect each add what the table says, with their records."""
    suspect = Suspect(0.75, "pay 1.5 deployed")
    made = risk(member(cvss=9.8, fix="1.6", severity=5), known=Facts(ref="component:default/pay"), of=context(),
                confidence=0.5, suspect=suspect)  # fmt: skip
    assert values(made) == {
        "severity": 48, "kev": 28, "epss": 7, "cvss": 4.9, "internet_facing": 10, "criticality": 6,
        "fix_available": 3, "confidence": 3, "suspect_change": 3, "controls": -31.33,
    }  # fmt: skip
    assert made.score == 81.57
    assert "catalogue 2026.03.02 12 hours old" in text(made, "kev")
    assert text(made, "epss").startswith(f"{CVE}: EPSS 0.25, model v4")
    assert text(made, "suspect_change") == "suspected change (0.75): pay 1.5 deployed"
    assert text(made, "fix_available") == "a fix is there and not applied: 1.6"
    assert "and 1 more" in text(made, "controls")


def test_the_words_of_epss_are_those_of_the_signal_that_leads() -> None:
    """Where another signal has the unit's highest EPSS, its record is not given for this one's."""
    made = risk(member(severity=5, epss=0.3, rule="R-1"), member(1, severity=1, epss=0.4, rule="R-2"))
    assert values(made)["epss"] == 7.6
    assert text(made, "epss") == "EPSS 0.3"


def test_the_ceiling_is_a_factor() -> None:
    """What goes beyond 100 is taken off by name, so the sum is 100."""
    known = Facts(internet_facing=True, privileged=True, customer_path=True, criticality=1)
    made = risk(member(cvss=10, epss=0.97, kev=True, severity=5, fix="2"), known=known, confidence=1.0)
    assert made.score == 100
    assert values(made)["ceiling"] < 0


def test_unusual_activity_fades_and_an_open_weakness_does_not() -> None:
    """Half after twelve hours, a tenth at the least; a vulnerability is what it was."""
    activity = call(0, "iam:ListUsers", severity=4)
    fresh, aged, ancient = (risk(activity, as_of=NOON + n * HOUR) for n in (0, 12, 2400))
    assert [made.score for made in (fresh, aged, ancient)] == [32.0, 16.0, 3.2]
    assert values(aged) == {"severity": 32.0, "age": -16.0}
    assert text(aged, "age") == "newest anomaly 12.0 h ago, halves every 12 h"
    assert risk(member(), as_of=NOON + 999 * DAY).score == 32.0
    assert risk(activity, as_of=NOON - DAY).score == 32.0


def test_it_falls_when_members_close() -> None:
    """A fixed finding leaves a twentieth, which fades too; what is still open counts in full."""
    critical, medium = member(0, severity=5, kev=True), member(1, severity=3, rule="R-2")
    both = risk(critical, medium)
    one = risk(critical._replace(status="fixed"), medium)
    none = risk(critical._replace(status="fixed"), medium._replace(status="fixed"))
    assert both.score > one.score > none.score > 0
    assert values(one)["severity"] == 16.0
    assert none.score == 2.4
    assert text(none, "severity").startswith("all is fixed; a residue of critical")
    assert risk(critical._replace(status="fixed"), as_of=NOON + 14 * DAY).score == 0.6


def test_several_kinds_and_tactics_are_a_chain() -> None:
    """Each further kind of signal and each further ATT&CK tactic adds; more of one does not."""
    calls = [call(0, "iam:CreateUser"), call(1, "iam:CreateAccessKey"), call(2, "cloudtrail:StopLogging")]
    made = risk(*calls, member(9, rule="R-1", component=None))
    assert (values(made)["attack_chain"], values(made)["variety"]) == (4.0, 3.0)
    assert text(made, "attack_chain") == "unusual calls that serve defense evasion, persistence"
    assert text(made, "variety") == "signals of anomaly, vulnerability"
    assert "attack_chain" not in values(risk(*calls[:2]))


def test_a_burst_is_not_a_sum() -> None:
    """400,000 repeats of one signal add eight points, a single signal none."""
    made = risk(member(rule="R-1", component=None, times=400_000))
    assert values(made) == {"severity": 32.0, "volume": 8.0}
    assert text(made, "volume") == "400000 signals, repeats included"


def test_an_accepted_finding_counts_less() -> None:
    """An exception that names the vulnerability takes 40 %, by name; one that waives a control takes nothing."""
    known = Facts(ref="component:default/pay")
    plain, accepted, waf = (risk(member(), known=known, of=of) for of in (context(), waived(CVE), waived("waf")))
    assert accepted.score == pytest.approx(plain.score * 0.6, abs=0.01)
    assert text(accepted, "exceptions").startswith(f"EX-7: {CVE} is waived for pay until")
    assert waf.score > plain.score
    assert "exceptions" not in values(waf)


def test_a_reviewer_sets_the_severity() -> None:
    """It takes the place of the signals' own, and says so; the rest counts as before."""
    found = reach([member(rule="R-1", component=None, cvss=5)], lambda _: None, EMPTY, NOON)
    made = assess(found, 0, None, NOON, severity=2)
    assert values(made) == {"severity": 4.0, "cvss": 2.5}
    assert text(made, "severity") == "low, as a reviewer set it"


def test_no_signals_no_risk() -> None:
    """A unit that lost all its signals has none."""
    assert risk() == Risk(score=0)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("signin:ConsoleLogin", "initial access"),
        ("iam:AttachRolePolicy", "privilege escalation"),
        ("guardduty:DeleteDetector", "defense evasion"),
        ("secretsmanager:GetSecretValue", "credential access"),
        ("secretsmanager:ListSecrets", "discovery"),
        ("ec2:ModifySnapshotAttribute", "exfiltration"),
        ("s3:GetObject", "collection"),
        ("kms:ScheduleKeyDeletion", "impact"),
        ("sts:GetCallerIdentity", "discovery"),
        ("sts:GetSessionToken", None),
        ("iam:TagUser", None),
        ("", None),
    ],
)
def test_tactics(action: str, expected: str | None) -> None:
    """A call has the tactic of the technique that names it; reads are discovery; the rest has none."""
    assert tactic(action) == expected
