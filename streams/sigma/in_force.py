"""The rules that are in force in a process that reads events: of each key the last text that compiled. Pure.

Records come one by one, as the context topic has them, and take effect together before the next event: references of
filters and correlation rules may go to a rule that comes later. A text that cannot be compiled is refused, and what was
in force under its key stays; not so after a restart from a compacted topic, which holds the last record of a key only.

A correlation rule is in force in the engine, by ``Parameters.rules``. Here it decides which detections only feed it
(``Rule.silent``), and by which fields they are grouped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from schemas.check import Fault
from streams.sigma.rule import Fault as RuleFault
from streams.sigma.rule_set import RuleSet

if TYPE_CHECKING:  # pySigma is loaded with the first rule: who has none has neither its time nor its memory to spend
    from streams.sigma.bundle import RuleText

KIND = "sigma"
"""Kind of the context records that carry rules."""

PREFIX = "sigma:"
"""Before the rule's key, as key of the record in its topic: so that an empty value says of which kind it is."""

LONGEST = 262_144
"""Characters of one rule."""


def record_of(text: RuleText, by: str) -> dict[str, Any]:
    """The record that carries a rule. ``by``: who put it there, and may withdraw it."""
    return {"text": text.text, "digest": text.digest, "by": by}


def text_of(record: object) -> str | Fault:
    """The text of the rule in a record, not compiled."""
    from streams.sigma.documents import digest

    if not isinstance(record, Mapping):
        return Fault("record", "is no object with the text of a rule")
    text = record.get("text")
    if not isinstance(text, str):
        return Fault("record.text", "is no text")
    if len(text) > LONGEST:
        return Fault("record.text", f"{len(text)} characters; at most {LONGEST} are read")
    given = digest(text)
    if record.get("digest", given) != given:
        return Fault("record.digest", f"is not that of the text, {given}")
    return text


def refused(key: str, record: object) -> Fault | None:
    """What is wrong with a record, None if it can be in force; a withdrawal can.

    References to other rules are not followed. ``place`` is a path in the rule, or in the record around it.
    """
    if record is None:
        return None
    try:
        text = text_of(record)
        return text if isinstance(text, Fault) else _refused(key, text)
    except Exception as error:  # noqa: BLE001 - whatever a text does to its parsers, it must not stop ingest
        return Fault("record.text", f"cannot be compiled: {type(error).__name__}: {error}")


def _refused(key: str, text: str) -> Fault | None:
    from streams.sigma.correlate import Correlation, correlation
    from streams.sigma.documents import documents
    from streams.sigma.load import load

    found = list(documents(key, text))
    if len(found) > 1:
        return Fault("record.text", f"{len(found)} documents; a record carries one")
    (document,) = found
    wrong: list[RuleFault]
    if isinstance(document, RuleFault):
        wrong, named = [document], key
    elif "correlation" in document.body:
        read = correlation(document)
        wrong, named = ([], read.key) if isinstance(read, Correlation) else (read, key)
    else:
        loaded = load([(key, text)])
        wrong, named = list(loaded.faults), loaded.rules[0].key if loaded.rules else key
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return Fault(wrong[0].place or "record.text", wrong[0].reason + more)
    return None if named == key else Fault("key", f"the rule is {named!r}")


class InForce:
    """Rules by key. ``apply`` records, and ask for ``rules`` at each document; that costs nothing while there are none.

    >>> rules = InForce()
    >>> text = '{"title":"T","name":"t","logsource":{"product":"aws"},"detection":{"s":{"a":1},"condition":"s"}}'
    >>> rules.apply("t", {"text": text}), rules.rules.detect({"a": 1}, "aws.cloudtrail")[0].title
    (None, 'T')
    >>> rules.apply("t", None), rules.rules
    (None, None)
    """

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._rules: RuleSet | None = None
        self._stale = False
        self._faults: tuple[RuleFault, ...] = ()
        self._counts: Counter[str] = Counter()

    def apply(self, key: str, record: object) -> Fault | None:
        """Take a record, None withdraws; what is wrong with it where it was refused."""
        wrong = refused(key, record)
        if wrong is not None:
            return wrong
        text = record["text"] if isinstance(record, Mapping) else None
        if text != self._texts.get(key):
            self._stale = True
            if text is None:
                del self._texts[key]
            else:
                self._texts[key] = text
        return None

    @property
    def rules(self) -> RuleSet | None:
        """The detections in force; None where there are none."""
        if self._stale:
            self._build()
        return self._rules

    @property
    def faults(self) -> tuple[RuleFault, ...]:
        """What of the rules compiles and is not in force for all that: two of one name, references that go nowhere."""
        if self._stale:
            self._build()
        return self._faults

    @property
    def counts(self) -> Counter[str]:
        """How many are ``detection``, ``silent``, ``correlation``, ``filter`` and ``refused``."""
        if self._stale:
            self._build()
        return self._counts

    def _build(self) -> None:
        from streams.sigma.load import load

        loaded = load(sorted(self._texts.items()))
        silent = sum(rule.silent for rule in loaded.rules)
        self._rules = RuleSet(loaded.rules) if loaded.rules else None
        self._faults = loaded.faults
        self._counts = Counter(
            detection=len(loaded.rules) - silent,
            silent=silent,
            correlation=len(loaded.correlations),
            filter=loaded.filters,
            refused=loaded.failed,
        )
        self._stale = False
