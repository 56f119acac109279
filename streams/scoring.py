"""Activities through the models of their domain: a signal for what is unusual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, cast

from models.adopt import StateMismatch, adopt
from models.base import Detector, Features
from models.budget import Budget
from models.feedback import Feedback, Move
from models.health import Health, health
from models.reason import text
from models.state import dump, header, load
from models.suite import DETECTORS, HEALTH, STANDARD, Suite
from schemas.events import Activity, Review
from schemas.model_set import ModelSet
from schemas.parameters import Parameters
from schemas.unit import ModelHealth
from streams import shadow
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.signal import anomaly_signal
from streams.correlation.state import Domain, State

REASONS: Final = 4
"""Parts of a verdict that a signal tells of."""

FEEDBACK: Final = "feedback"
"""The table of what reviewers' verdicts did to the levels of a domain's detectors."""

BUDGET: Final = "budget"
"""The table of the alert budget of a domain."""

DAY_MS: Final = 86_400_000


def table_of(models: ModelSet, name: str) -> str:
    """The table in which a set keeps the rows ``name``."""
    return f"{models.name}/{name}"


def detectors_of(models: ModelSet) -> Sequence[type[Detector]]:
    """The detectors of a set, the standard ones if it names none. ``ValueError`` says what of it there is not."""
    known = {detector.name: detector for detector in DETECTORS}
    if unknown := sorted(set(models.detectors) - known.keys()):
        raise ValueError(f"no detector is called {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in models.detectors] or STANDARD


def suite_of(models: ModelSet, domain: Domain | None = None) -> Suite:
    """The detectors of a set over the tables of a domain, or over none. ``ValueError`` says what of it there is not."""
    detectors = detectors_of(models)
    if domain is None:
        return Suite(lambda _: {}, detectors, models.parameters)
    return Suite(lambda name: domain.table(table_of(models, name)), detectors, models.parameters)


def faults(models: ModelSet) -> str:
    """What is wrong with a set, in words; empty if nothing is."""
    try:
        suite_of(models)
    except ValueError as error:
        return str(error)
    return ""


MODELS: Final = suite_of(ModelSet()).names()
"""The detectors of the standard set, as units name them, before the digest of their state."""


class Scoring:
    """The models of all domains of a partition; what they learn is in the domains' tables.

    ``models`` and ``shadow`` are the sets in force. A suite is made at the first event of its domain, and holds nothing
    that does not follow from the rows, so it may be thrown away at any time.
    """

    def __init__(self) -> None:
        self.suites: dict[tuple[str, str], Suite] = {}
        self._blank: Suite | None = None
        self.shadow: ModelSet | None = None
        self.adopt(Parameters())

    def adopt(self, parameters: Parameters) -> None:
        """Put the sets of the parameters into force. ``ValueError`` if one of them cannot be made; then nothing is."""
        for models in (parameters.models, parameters.shadow):
            if models is not None and (wrong := faults(models)):
                raise ValueError(f"model set {models.name}: {wrong}")
        self.models, self.shadow = parameters.models, parameters.shadow
        in_force = [models for models in (self.models, self.shadow) if models is not None]
        # Nobody else reads them, and they cost as much as a detector.
        self.with_fields = any("fields" in kind.features for models in in_force for kind in detectors_of(models))
        self.alert_fdr, self.alert_cap = parameters.alert_fdr, parameters.alert_cap
        self.forget()

    def forget(self) -> None:
        """Throw the suites away: rows were taken back, or are other ones."""
        self.suites.clear()
        self._blank = None

    def replace(self, state: State, parameters: Parameters) -> None:
        """Put other sets into force at a place in the log: what a set learnt that is in neither role goes.

        A name stands for one thing: ``ValueError`` if a set that is in force is said to be another one now.
        """
        known = {models.name: models for models in (self.models, self.shadow) if models is not None}
        wanted = {models.name: models for models in (parameters.models, parameters.shadow) if models is not None}
        for name in sorted(known.keys() & wanted.keys()):
            if known[name] != wanted[name]:
                raise ValueError(f"model set {name} says something else than the one in force: give it another name")
        pair = (self.models, self.shadow)
        self.adopt(parameters)
        gone = known.keys() - wanted.keys()
        for domain in state.domains.values():
            for table in [name for name in domain.tables if name.partition("/")[0] in gone and "/" in name]:
                _empty(domain, table)
                state.touched.add(domain.name)
            if pair != (self.models, self.shadow) and shadow.TABLE in domain.tables:
                _empty(domain, shadow.TABLE)
                state.touched.add(domain.name)

    def check(self, state: State) -> None:
        """Make sure that restored rows are of the models in force, older ones migrated.

        ``models.adopt.StateMismatch`` names the domain, the table and what differs.
        """
        for domain in state.domains.values():
            for models in (self.models, self.shadow):
                if models is not None and any(name.startswith(models.name + "/") for name in domain.tables):
                    try:
                        self._suite(models, domain)
                    except StateMismatch as error:
                        raise StateMismatch(
                            [f"{domain.name}, model set {models.name}: {each}" for each in error.differences]
                        ) from None

    def signal(self, domain: Domain, event: Activity, time: int, now: int, signal_p: float) -> SignalRow | None:
        """Score the activity, learn it, and give a signal if its p is low enough.

        ``time``: event ms; ``now``: log ms; ``signal_p``: the level, which reviewers' verdicts move for each detector.
        """
        ip = resource = None
        for kind, id_ in event.entities:
            if kind == "ip":
                ip = ip or id_
            elif kind == "resource":
                resource = resource or id_
        x: Features = {
            "time": time,
            "principal": event.actor,
            "action": event.action,
            "resource": resource,
            "ip": ip,
            "outcome": event.outcome,
            "component": event.component,
            "source": event.source,
        }
        if self.with_fields:
            x["fields"] = {
                "action": event.action,
                "outcome": event.outcome,
                "error": event.error,
                "read_only": event.read_only,
                "severity": event.severity,
                "component": event.component,
                "entities": _kinds(tuple([kind for kind, _ in event.entities])),
            }
        verdict = self._suite(self.models, domain).score_and_learn(x)
        if self.shadow is not None:
            other = self._suite(self.shadow, domain).score_and_learn(x)
            shadow.note(domain.table(shadow.TABLE), event, time, verdict, other, signal_p)
        if not verdict.parts or verdict.p > self.level(domain, verdict.parts[0].detector, now, signal_p):
            return None
        why = tuple(text(part) for part in verdict.parts[:REASONS])
        detector = verdict.parts[0].detector
        return anomaly_signal(event, time, verdict.p, verdict.maturity, why, detector, learning=verdict.learning)

    def level(self, domain: Domain, detector: str, now: int, signal_p: float) -> float:
        """The p at or below which what a detector says most in is told: ``signal_p``, moved by reviewers' verdicts."""
        rows = domain.tables.get(FEEDBACK)
        return Feedback(rows).level(signal_p, detector, now // DAY_MS) if rows else signal_p

    def judge(self, domain: Domain, event: Review, now: int) -> None:
        """Let a verdict on a unit count for the detector that said most in it, if one did. ``now``: log ms."""
        cluster = domain.cluster_of.get(event.unit_id)
        if cluster is None:
            return
        signals = [cast(SignalRow, domain.signals[key]) for key in domain.signals_of.get(cluster, ())]
        said = min(((row.p, row.detector) for row in signals if row.detector), default=None)
        if said is not None:
            unit = cast(UnitRow, domain.units[cluster]).unit_id
            feedback = Feedback(domain.table(FEEDBACK))
            feedback.judge(said[1], event.reviewer, unit, event.verdict, now // DAY_MS)

    def rule(self, domain: Domain, unit_id: str, p: float, day: int) -> tuple[bool, float, int | None]:
        """The alert budget: whether a unit that rests on models alone is shown, at what level, and its rank if not."""
        budget = Budget(domain.table(BUDGET), rate=self.alert_fdr, cap=self.alert_cap)
        ruling = budget.rule(unit_id, p, day, self.tests(domain))
        return ruling.shown, ruling.level, ruling.rank

    def tests(self, domain: Domain) -> int | None:
        """How many principal-minutes of the domain were tested; None as long as p is not calibrated."""
        suite = self._asked(domain)
        return suite.tests if suite.calibration.in_force else None

    def names(self, domain: Domain) -> tuple[str, ...]:
        """What decided, for units of the domain: the set, its models with their parameters, and their state."""
        return (self.models.name, *self._asked(domain).provenance())

    def health(self, domain: Domain) -> tuple[ModelHealth, ...]:
        """How the models of a domain are, for its units."""
        return tuple(
            ModelHealth(model=each.model, state=cast(Any, each.state), text=each.text)
            for each in self._asked(domain).health()
        )

    def _asked(self, domain: Domain) -> Suite:
        """The acting suite of the domain; where nothing was scored, one without rows, since asking writes none."""
        if (self.models.name, domain.name) in self.suites or self.has(domain):
            return self._suite(self.models, domain)
        if self._blank is None:
            self._blank = suite_of(self.models)
        return self._blank

    def healths(self) -> Iterable[tuple[Health, ...]]:
        """How the models of each domain are that was scored since the suites were made."""
        return (suite.health() for (name, _), suite in self.suites.items() if name == self.models.name)

    def has(self, domain: Domain) -> bool:
        """Whether the acting set has learnt anything in the domain."""
        return any(name.startswith(self.models.name + "/") and rows for name, rows in domain.tables.items())

    def dump(self, domain: Domain, offsets: Mapping[int, int]) -> bytes:
        """What the acting set has learnt in a domain, as a file. ``offsets``: by partition, where the log goes on."""
        return learnt_file(self.models, domain.name, domain.tables, offsets)

    def load(self, state: State, data: bytes) -> str:
        """Begin with what a file says was learnt; gives the domain that it is of.

        Raises ``models.adopt.StateMismatch``, which says what differs from the set that acts.
        """
        name = header(data).domain
        domain = state.domain(name)
        self.suites.pop((self.models.name, name), None)
        suite = suite_of(self.models, domain)
        for table, rows in load(data, suite.learnt()).items():
            kept = domain.table(table_of(self.models, table))
            _empty(domain, kept.name)
            for key, row in rows.items():
                kept[key] = row
        return name

    def _suite(self, models: ModelSet, domain: Domain) -> Suite:
        at = (models.name, domain.name)
        suite = self.suites.get(at)
        if suite is None:
            suite = suite_of(models, domain)
            for model in suite.learnt():
                adopt(domain.table(table_of(models, model.name)), model)
            self.suites[at] = suite
            suite = self.suites[at]
        return suite


def of_models(table: str) -> bool:
    """Whether a table tells how models are: their health, what the shadow said, what reviewers did."""
    return table in (shadow.TABLE, FEEDBACK) or table.endswith("/health")


def health_of(models: ModelSet, tables: Mapping[str, Mapping[str, Any]]) -> tuple[Health, ...]:
    """How a domain's models of a set are, out of its tables as a changelog has them."""
    return health(tables.get(table_of(models, HEALTH), {}))


def learnt_file(
    models: ModelSet, domain: str, tables: Mapping[str, Mapping[str, Any]], offsets: Mapping[int, int]
) -> bytes:
    """What a set has learnt in a domain, as a file, out of the domain's tables as the fold or a changelog has them.

    Raises ``models.adopt.StateMismatch`` if that is not of this set, or of another version.
    """
    suite = suite_of(models)
    kept = {model.name: tables.get(table_of(models, model.name), {}) for model in suite.learnt()}
    return dump(kept, suite.learnt(), domain=domain, offsets=offsets, name=models.name)


def moves_of(tables: Mapping[str, Mapping[str, Any]]) -> list[Move]:
    """What reviewers' verdicts did in a domain, oldest first, out of its tables as a changelog has them."""
    return Feedback(dict(tables.get(FEEDBACK, {}))).moves()


def described(models: ModelSet) -> dict[str, Any]:
    """A set for a reader: its detectors with versions, digests and all their parameters."""
    suite = suite_of(models)
    return {
        "name": models.name,
        "detectors": [
            f"{detector.name}@{detector.version}:{detector.digest} "
            + ", ".join(f"{name} {value:g}" for name, value in sorted(detector.parameters().items()))
            for detector in suite.detectors
        ],
    }


@lru_cache(maxsize=4096)
def _kinds(kinds: tuple[str, ...]) -> str:
    """Which kinds of entities a record names: a shape of few values."""
    return " ".join(sorted(set(kinds)))


def _empty(domain: Domain, name: str) -> None:
    table = domain.tables[name]
    for key in sorted(table):
        del table[key]
