"""What a unit says of its surroundings, each with the record behind it, its version, its age, and whether it is stale.
Pure."""

from __future__ import annotations

from schemas.parameters import Parameters
from schemas.unit import ContextFact
from streams.correlation.context import Context, Fact
from streams.correlation.freshness import Freshness

SOURCE = " ["
"""What parts a statement from its record, in the text of a ``ContextFact`` that has one."""


class Evidence:
    """Statements by field and name, as of an event time in ms; each name once."""

    def __init__(self, context: Context, as_of: int, parameters: Parameters) -> None:
        self.context = context
        self.as_of = as_of
        self._freshness = Freshness(context, parameters)
        self._said: dict[tuple[str, str], ContextFact] = {}

    def put(self, field: str, name: str, text: str, fact: Fact | None) -> None:
        """Say something that rests on a record; None where nobody but the finding itself, or nothing, says so."""
        if fact is None:
            self._said[field, name] = ContextFact(field=field, text=text)
            return
        stale = self._freshness.stale(fact, self.as_of)
        self._said[field, name] = ContextFact(
            field=field,
            text=f"{text}{SOURCE}{fact.words()}{'' if stale is None else f'; {stale}'}]",
            record=f"{fact.kind}:{fact.key}@{fact.version}",
            age_s=None if fact.age is None else fact.age / 1000,
            stale=stale is not None,
        )

    def seen(self, field: str, name: str, text: str, event: str, age: int) -> None:
        """Say something that was seen in the log itself; ``event`` is ``source/id``, ``age`` in ms."""
        self._said[field, name] = ContextFact(
            field=field, text=f"{text}{SOURCE}event {event}]", record=f"event:{event}", age_s=age / 1000
        )

    def copy(self, fact: ContextFact, field: str) -> None:
        """Say under another field what was said before."""
        self._said[field, fact.text] = fact.model_copy(update={"field": field})

    def listed(self, most: int) -> tuple[ContextFact, ...]:
        """All of it, by field and name."""
        return tuple(self._said[key] for key in sorted(self._said)[:most])


def bare(fact: ContextFact) -> str:
    """The statement without its record, which has a version and an age of its own.

    >>> bare(ContextFact(field="kev", text="CVE-1 is listed [kev CVE-1 version 3-aa, 2 days old]", record="kev:CVE-1"))
    'CVE-1 is listed'
    """
    return fact.text if fact.record is None else fact.text.rpartition(SOURCE)[0]
