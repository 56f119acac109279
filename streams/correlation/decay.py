"""How much of a signal's weight is left as time goes by. Pure.

What happened is over some time after it happened; what is broken stays broken until it is fixed. So unusual activity
and detections fade, each with its half-life, down to a floor, since what nobody has looked at is not nothing; an open
vulnerability does not fade. A finding that is fixed keeps a residue, which fades too: it was there, and may come back.

AiSOC halves after 4 h, Splunk's risk-based alerting forgets after 24 h, Elastic's entity scores keep 30 days undecayed;
an analyst's shift is 8 to 12 h, and an alert of yesterday's shift should count clearly less.
"""

from __future__ import annotations

from typing import Final

_HOUR: Final = 3_600_000

HALF_LIFE_MS: Final[dict[str, int]] = {"anomaly": 12 * _HOUR, "detection": 24 * _HOUR}
"""By kind of signal; kinds that are not here do not fade."""

FLOOR: Final = 0.1
"""Of what is open."""

RESIDUE: Final = 0.05
"""Of what is fixed; it halves every ``RESIDUE_HALF_LIFE_MS`` from when it was last seen."""

RESIDUE_HALF_LIFE_MS: Final = 7 * 24 * _HOUR


def left(kind: str, is_open: bool, age_ms: int) -> float:
    """The share that age leaves, 0 to 1; an age below zero is none. Never rises with age.

    >>> left("anomaly", True, 12 * 3_600_000), left("vulnerability", True, 10**12)
    (0.5, 1.0)
    """
    half_life = HALF_LIFE_MS.get(kind) if is_open else RESIDUE_HALF_LIFE_MS
    if half_life is None or age_ms <= 0:
        return 1.0
    share: float = 0.5 ** (age_ms / half_life)
    return max(FLOOR, share) if is_open else share
