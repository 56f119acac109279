"""How many points each factor of the risk can give. Pure.

| factor | points |
|---|---|
| severity | fatal and critical 48, high 32, medium 16, low and unknown 4, informational 2 |
| kev | 24; 4 more if ransomware uses it |
| epss | 12 times the probability; from 0.1 on 4 more, from 0.5 on 8 more |
| cvss | half the base score: up to 5; parts what one word of severity holds together |
| internet_facing | 10: the attack vector of CVSS, of the place instead of the weakness |
| privileged | 6: what runs with high privileges gives them away |
| customer_path | 6 |
| criticality | tier 1: 6, tier 2: 3 |
| fix_available | 3: a fix tells attackers, too, where to look, and can be rolled out now |
| variety | 3 for each further kind of signal, up to 9: kinds see with other eyes, so they confirm each other |
| attack_chain | 4 for each further ATT&CK tactic, up to 12 |
| volume | 2 for each tenfold of signals, up to 8: 400,000 alerts are not 400,000 times as bad |
| confidence | 6 times the unit's confidence |
| suspect_change | 4 times the best suspect's score: a likely cause is there, and can be taken back |
| age | less: ``streams.correlation.decay`` |
| controls | 15 % less for each compensating control in force, of three at most |
| exceptions | 40 % less of what a policy exception accepts: accepted is not gone |
| vex | 60 % less of what a VEX statement says is not affected: a word on it, not a proof; it is never hidden for it |
| ceiling | less: what goes beyond 100 |

Severity, KEV and EPSS keep the proportions of GitLab's vulnerability risk score (base 0.6, 0.4, 0.2, 0.05; 0.3 for
KEV; 0.3 times EPSS, 0.1 more from 0.1, 0.2 more from 0.5) at 80 points to its 1, EPSS at half, since here it adds to
exposure and activity. rsigma makes an incident of three tactics, Elastic multiplies by 0.5 to 2 for an asset's
criticality, AiSOC halves after four hours; a product of factors would hide what each of them did, so all but the last
five add.

The bands that follow: a critical vulnerability somewhere is about 60, exploited and exposed it is above 90, a single
unusual call of medium severity about 20, an attack of four tactics above 60.
"""

from __future__ import annotations

from typing import Final

SEVERITY: Final = (4.0, 2.0, 4.0, 16.0, 32.0, 48.0, 48.0)
"""By OCSF ``severity_id``."""

KEV: Final = 24.0
RANSOMWARE: Final = 4.0
EPSS: Final = 12.0
EPSS_STEPS: Final = ((0.1, 4.0), (0.5, 4.0))
"""From this probability on so many points more."""
CVSS: Final = 0.5
"""A point of the base score."""

INTERNET_FACING: Final = 10.0
PRIVILEGED: Final = 6.0
CUSTOMER_PATH: Final = 6.0
CRITICALITY: Final = {1: 6.0, 2: 3.0}

FIX: Final = 3.0
VARIETY, VARIETY_MOST = 3.0, 9.0
CHAIN, CHAIN_MOST = 4.0, 12.0
VOLUME, VOLUME_MOST = 2.0, 8.0
CONFIDENCE: Final = 6.0
SUSPECT: Final = 4.0

CONTROL: Final = 0.85
"""Share that each compensating control leaves."""
CONTROLS_MOST: Final = 3
ACCEPTED: Final = 0.6
"""Share that an exception leaves of what it accepts."""
NOT_AFFECTED: Final = 0.4
"""Share that a VEX statement leaves of what it says is not affected."""


def epss(probability: float | None) -> float:
    """Points of an exploit probability.

    >>> epss(0.5), epss(None)
    (14.0, 0.0)
    """
    if probability is None:
        return 0.0
    return EPSS * probability + sum(more for step, more in EPSS_STEPS if probability >= step)


def cvss(score: float | None) -> float:
    """Points of a base score."""
    return 0.0 if score is None else CVSS * score
