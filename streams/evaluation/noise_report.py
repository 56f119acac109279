"""The noise evaluation: what is promised of it, as an object for JSON, and as a table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from schemas.parameters import Parameters
from streams.correlation.suppression.thresholds import Thresholds
from streams.evaluation.noise import ANALYSTS, MISTAKEN, OUT, REPORTED, REVIEWED, SHIFTS, Result


def simulated() -> str:
    """How the reviews came about, in words."""
    shifts = ", ".join(f"{hour:02}:00" for hour in SHIFTS)
    return (
        f"Reviews are simulated: at {shifts} UTC {len(ANALYSTS)} analysts in turn judge {REVIEWED:.0%} of the units "
        f"that are in the queue and grew since, chosen by a hash; the verdict is whether an alert in it has an event "
        f"label, and {MISTAKEN:.0%} of the verdicts are wrong. Nobody suppresses, escalates or takes back."
    )


def plain(results: Sequence[Result]) -> dict[str, Any]:
    """Everything, as dicts, lists and numbers."""
    targets = judged(results)
    return {
        "reviews": {
            "text": simulated(),
            "share": REVIEWED,
            "mistaken": MISTAKEN,
            "analysts": len(ANALYSTS),
            "shifts": SHIFTS,
        },
        "thresholds": Thresholds.of(Parameters())._asdict(),
        "runs": [
            result._asdict()
            | {
                "steps": {name: step._asdict() for name, step in result.steps.items()},
                "lost": result.lost,
                "set": "reported" if result.scenario in REPORTED else "tuned on",
            }
            for result in results
        ],
        "targets": [dict(zip(("name", "measured", "wanted", "met"), target, strict=True)) for target in targets],
        "met": all(met for *_, met in targets),
    }


def judged(results: Sequence[Result]) -> list[tuple[str, float, str, bool]]:
    """What is promised: name, measured, wanted, met. Shares are those of the reported scenarios, a mean over seeds."""
    lost = sum(len(result.lost) for result in results)  # in any run
    found: list[tuple[str, float, str, bool]] = [("attack steps lost", lost, "none", lost == 0)]
    reported = [result for result in results if result.scenario in REPORTED]
    if reported:
        share = sum(result.out * result.benign for result in reported) / max(1, sum(r.benign for r in reported))
        name = f"benign alerts out of the primary queue, {' and '.join(sorted({r.scenario for r in reported}))}"
        found.append((name, share, f"at least {OUT:.2f}", share >= OUT))
    return found


def table(results: Sequence[Result]) -> Table:
    """For reading."""
    shown = Table(
        "scenario", "benign alerts", "out", "apart from attacks", "spared", "spared, later days",
        "attack alerts hidden", "steps lost", "units hidden", "verdicts",
        title="Noise out of the primary queue, at the end", caption=simulated(),
    )  # fmt: skip
    for result in results:
        attack = sum(step.alerts for step in result.steps.values())
        hidden = sum(step.hidden for step in result.steps.values())
        shown.add_row(
            f"{result.scenario} {result.seed}" + ("" if result.scenario in REPORTED else ", tuned on"),
            f"{result.benign:,}",
            f"{result.out:.1%}",
            f"{result.out_apart:.1%}",
            f"{result.spared:.1%}",
            f"{result.spared_later:.1%}",
            f"{hidden:,} of {attack:,}",
            ", ".join(result.lost) or f"none of {len(result.steps)}",
            f"{result.hidden} of {result.units}",
            str(sum(result.verdicts.values())),
        )
    return shown
