"""A rule's own tests: events that it must match, and events that it must not.

They stand in the rule's document (Sigma allows attributes of one's own)::

    tests:
      - name: A new access key for another user     # not needed
        match: true
        event: {eventSource: iam.amazonaws.com, eventName: CreateAccessKey}
      - match: false
        event: {eventSource: iam.amazonaws.com, eventName: ListAccessKeys}

An event is what the rule's log source gives: the vendor's document of one event, or for ``product: weir`` a normalised
event as ``streams.sigma.normalised`` makes it. Tests are left behind when a rule is sent through the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from streams.sigma.condition import predicate
from streams.sigma.documents import TESTS, Document
from streams.sigma.rule import Case, Fault, Rule


class Outcome(NamedTuple):
    """Of one case: what the rule decided."""

    rule: Rule
    case: Case
    matched: bool

    @property
    def right(self) -> bool:
        """Whether that is what the case wants."""
        return self.matched == self.case.match


def cases(document: Document) -> tuple[tuple[Case, ...], list[Fault]]:
    """The tests in a document, and what is wrong with them."""
    given = document.body.get(TESTS)
    if given is None:
        return (), []
    if not isinstance(given, list):
        return (), [document.fault(TESTS, "is no list of tests")]
    found: list[Case] = []
    faults: list[Fault] = []
    for number, each in enumerate(given):
        place = f"{TESTS}.{number}"
        if not isinstance(each, dict):
            faults.append(document.fault(place, "is no test; it has match and event"))
            continue
        name, match, event = each.get("name", f"test {number + 1}"), each.get("match"), each.get("event")
        odd = sorted(each.keys() - {"name", "match", "event"})
        if odd:
            faults.append(document.fault(f"{place}.{odd[0]}", "is no part of a test; there are name, match and event"))
        elif not isinstance(match, bool):
            faults.append(document.fault(f"{place}.match", "is not true or false"))
        elif not isinstance(event, dict):
            faults.append(document.fault(f"{place}.event", "is no object"))
        else:
            found.append(Case(str(name), match, event))
    return tuple(found), faults


def run(rules: Iterable[Rule]) -> list[Outcome]:
    """Every case of every rule, decided by the rule's own condition."""
    out = []
    for rule in rules:
        holds = predicate(rule.node)
        out += [Outcome(rule, case, holds(case.event)) for case in rule.cases]
    return out
