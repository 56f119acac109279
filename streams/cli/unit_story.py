"""What surrounds a unit, as one block of its page: whose, who is called, where, reachable, when, and what is known of
the vulnerability. Pure; text from outside is neutralised."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from schemas.unit import Unit
from streams.cli.table import plain

FIELDS = {
    "service": "Service",
    "owner": "Owner",
    "on_call": "On call",
    "runs_on": "Runs on",
    "reachable": "Reachable",
    "internet_facing": "Reachable",
    "deployment_window": "Window",
    "freeze": "Freeze",
    "privileged": "Privileges",
    "customer_path": "Customers",
    "criticality": "Criticality",
    "controls": "Controls",
    "exceptions": "Exceptions",
    "kev": "KEV",
    "max_epss": "EPSS",
    "vex": "VEX",
}
"""Fields of the facts in the order of the page, and what the page calls them; others come after."""

_WIDTH = 12


def around(unit: Unit) -> Iterator[Text]:
    """The lines of the block; none where nothing is known."""
    facts = [*(unit.story.facts if unit.story else ()), *unit.exploitability.evidence]
    if any(fact.field == "reachable" for fact in facts):  # the same, in the order of the questions
        facts = [fact for fact in facts if fact.field != "internet_facing"]
    order = {field: place for place, field in enumerate(FIELDS)}
    facts.sort(key=lambda fact: order.get(fact.field, len(order)))  # stable: within a field as the unit has it
    if not facts and not unit.fixed_before:
        return
    yield Text("Context", style="bold underline")
    label = ""
    for fact in facts:
        name = FIELDS.get(fact.field, fact.field.replace("_", " ").capitalize())
        line = Text(f"  {'' if name == label else name:<{_WIDTH}}", style="cyan")
        line.append(plain(fact.text), "yellow" if fact.stale else "not dim")
        yield line
        label = name
    for earlier in unit.fixed_before:
        whose = f"{earlier.unit_id}: " if earlier.unit_id else ""
        took = "" if earlier.days is None or earlier.case else f"; {earlier.days:g} days after its first signal"
        yield Text(f"  {'Fixed before':<{_WIDTH}}", style="cyan").append(plain(f" {whose}{earlier.text}{took}"))
    if unit.story is not None and unit.story.confidence:
        yield Text(plain(f"  {unit.story.confidence[0].upper()}{unit.story.confidence[1:]}."), style="dim")
