"""The fold of one partition: score, learn, group, annotate, decide. Pure; shared by worker, replay and tests.

State and record in, changed rows and outputs out. Nothing else decides anything: not how the records were fetched, not
when they were committed, not in which process. So folding the same log again gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import orjson
from pydantic import ValidationError

from models.reason import text
from models.suite import Suite
from schemas.events import (
    BATCH,
    Activity,
    Change,
    ConfigRecord,
    ContextRecord,
    Event,
    Finding,
    Related,
    Review,
    Scan,
)
from schemas.parameters import Parameters
from streams.catalog import CACHE, Catalog
from streams.correlation import correlator, fixing, group, moving, queue, resolving, stirring
from streams.correlation.arrival import arrive
from streams.correlation.context import Context
from streams.correlation.facts import Facts
from streams.correlation.finding_identity import keys as identity
from streams.correlation.instants import instant
from streams.correlation.interval import FOREVER
from streams.correlation.queue import Revision
from streams.correlation.reviews import absent, review
from streams.correlation.rows import Near, SignalRow, tuples
from streams.correlation.rule_matches import hooked, tell
from streams.correlation.rules.check import edited
from streams.correlation.rules.match import Match
from streams.correlation.rules.rule_set import compile_rules
from streams.correlation.signal import anomaly_signal, finding_signal
from streams.correlation.state import SHARED, Domain, State
from streams.correlation.topology import near
from streams.correlation.unit import Engine
from streams.correlation.watermark import MINUTE_MS, hear, watermark
from streams.linking.announce import TABLE, announce
from streams.members import Members
from streams.records import LogRecord, Output
from streams.refusals import first, refuse, salvage
from streams.sources.registry import SOURCES
from streams.unit_record import unit_records
from streams.version import VERSION

DEFAULT_LATENESS_MS = 300_000
LATENESS_MS = {source.name: int(source.lateness.total_seconds() * 1000) for source in SOURCES}

FAILED_IN_A_ROW = 100
FAILED_SHARE = 0.01
FAILED_SAMPLE = 1_000
"""An event on which the fold fails is a dead letter; more than these, and the fault is ours: the worker stops."""


MODELS = Suite(lambda _: {}).names()
"""The detectors, as units name them: those in force, whether or not the domain has given them anything to score."""


_OBSERVED = (Activity, Finding, Change, Scan)


class BadRules(ValueError):
    """The rules of a config record cannot be taken: the record is a dead letter, and what was in force stays."""


class TooManyFailures(Exception):
    """The fold fails on too many events for the events to be to blame."""


class Pipeline:
    """One partition's fold. ``load`` all changelog rows first, then ``step`` record by record.

    ``counts`` tells what became of the events, for metrics and summaries; it is no part of the state. Every event
    counts under exactly one of member, change, uninteresting, duplicate, too_late, failed, invalid, steering.
    ``clamped`` counts those with an event time ahead of the log's clock.
    """

    def __init__(self, partition: int | None = None) -> None:
        self.partition = partition
        self.state = State()
        self.state.near = self.near
        self.catalog = Catalog()
        self.suites: dict[str, Suite] = {}
        self.rules, _ = compile_rules(())
        self.counts: Counter[str] = Counter()
        self.revisions: Counter[str] = Counter()
        self.clamped = 0
        self.members: Members | None = None
        self._restoring = False
        self._in_a_row = 0
        self._facts: dict[str, Facts | None] = {}
        self._near: dict[str, tuple[Near, ...]] = {}

    def keep_members(self) -> None:
        """Keep which member is in which unit, from now on."""
        self.members = Members(self.state)

    def members_by_unit(self) -> Iterator[tuple[str, str]]:
        """Unit id and source id of every kept member, under the unit that it is in now. ``flush`` first."""
        return iter(()) if self.members is None else self.members.by_unit()

    # State in and out

    def load(self, key: bytes, value: bytes | None) -> None:
        """Take one changelog record back."""
        table, name, row_key = orjson.loads(key)
        row = None if value is None else tuples(orjson.loads(value))
        self.state.domain(name).load(table, row_key, row)
        self._restoring = True

    def drain(self) -> list[tuple[bytes, bytes | None]]:
        """Changed rows since the last drain, as changelog records."""
        dumps = orjson.dumps
        return [
            (dumps((table, name, key)), None if row is None else dumps(tuple(row)))
            for table, name, key, row in self.state.drain()
        ]

    def next_due(self) -> int | None:
        """The log time at which something is due even if nothing arrives, ms."""
        self._ready()
        due = correlator.next_due(self.state)
        row = self.state.clock.get("log_time")
        if row is None or not stirring.waits(self.state):
            return due
        soon: int = row[0] + 1
        return soon if due is None else min(due, soon)

    def _ready(self) -> None:
        if not self._restoring:
            return
        self._restoring = False
        self.state.touched.clear()
        self._reread()
        self.state.index()

    def _reread(self) -> None:
        """Take parameters and catalog from their rows again."""
        row = self.state.clock.get("parameters")
        self.state.parameters = Parameters() if row is None else Parameters.model_validate_json(row[0])
        self.rules, _ = compile_rules(self.state.parameters.rules)
        self.state.context = Context(self.state.shared.table("context"))
        self.catalog = Catalog()
        for key, record in self.state.context.latest("catalog"):
            self.catalog.apply(key, record)
        self._facts.clear()
        self._near.clear()

    # The fold

    def step(self, record: LogRecord) -> list[Output]:
        """Fold one record of the log.

        Raises:
            TooManyFailures: the caller must stop without committing.
        """
        self._ready()
        out: list[Output] = []
        events: list[Event] = []
        try:
            events = BATCH.validate_json(record.value)
        except ValidationError:
            events, letters = salvage(record)
            self.counts["invalid"] += len(letters)
            out += letters
        now = self.advance(record.log_time, out, record.offset)
        for event in events:
            self.fold(event, now, record.offset, out)
        self.state.journal.clear()
        return out

    def advance(self, log_time: int, out: list[Output], offset: int = 0) -> int:
        """Move the log's clock, never back, and emit what is due by then. Returns the clock, ms."""
        row = self.state.clock.get("log_time")
        now = log_time if row is None or log_time > row[0] else row[0]
        if row is None or now != row[0]:
            self.state.touched.add(SHARED)
            self.state.clock["log_time"] = (now,)
            if self.rules.plans and row is not None and now // MINUTE_MS != row[0] // MINUTE_MS:
                for name in sorted(self.state.domains):
                    self._wait(self.state.domains[name], now, offset)
            if stirring.waits(self.state):
                correlator.stir(self.state, now, self._engine, self.facts, self.catalog.name)
        timers = self.state.timers
        if timers and timers[0][0] <= now:
            for revision in correlator.due(self.state, now, self._engine, self.facts):
                self._emit(revision, out)
        return now

    def flush(self, out: list[Output]) -> None:
        """The end of a replay: emit what waits for its interval; close nothing."""
        row = self.state.clock.get("log_time")
        if stirring.waits(self.state):
            correlator.stir(self.state, row[0] if row else 0, self._engine, self.facts, self.catalog.name)
        for revision in correlator.flush(self.state, row[0] if row else 0, self._engine, self.facts):
            self._emit(revision, out)

    def fold(self, event: Event, now: int, offset: int, out: list[Output]) -> None:
        """Fold one event. If that fails, the state is as before, and the event is a dead letter."""
        state = self.state
        state.journal.clear()
        length = len(out)
        mark = None if self.members is None else self.members.mark()
        try:
            self.counts[self._fold(event, now, offset, out)] += 1
            self._in_a_row = 0
        except Exception as error:
            self._undo(event)
            del out[length:]
            if self.members is not None and mark is not None:
                self.members.back(mark)
            self.counts["failed"] += 1
            self._in_a_row += 1
            reason = f"{type(error).__name__}: {first(error)[1] if isinstance(error, ValidationError) else error}"
            out.append(refuse(event, "correlate", reason))
            total = sum(self.counts.values())
            if self._in_a_row >= FAILED_IN_A_ROW or (
                total >= FAILED_SAMPLE and self.counts["failed"] > FAILED_SHARE * total
            ):
                raise TooManyFailures(
                    f"the fold failed on {self.counts['failed']} of {total} events, {self._in_a_row} of them in a row; "
                    f"the last: {reason}"
                ) from error

    def _undo(self, event: Event) -> None:
        """Everything as before the event, what is derived included."""
        if isinstance(event, ContextRecord | ConfigRecord):
            self.state.undo(None)
            self._reread()
            self.state.index()
        else:
            wide = getattr(event, "elsewhere", ()) or self.state.shared.tables.get(moving.MOVED)  # in several domains
            self.state.undo(None if wide else getattr(event, "domain", None))

    def _fold(self, event: Event, now: int, offset: int, out: list[Output]) -> str:
        """What became of the event: the name it counts under."""
        if isinstance(event, _OBSERVED):
            return self._observe(event, now, offset, out)
        if isinstance(event, ContextRecord):
            self._context(event, now, offset, out)
        elif isinstance(event, ConfigRecord):
            self._configure(event, now)
        elif isinstance(event, Review | Related):
            self._steer(event, now, out)
        return "steering"

    def _steer(self, event: Review | Related, now: int, out: list[Output]) -> None:
        """A review or a relation, of a unit that is still here."""
        domain = self.state.domains.get(event.domain)
        if isinstance(event, Related):
            if domain is not None and correlator.add_related(self.state, domain, event, now):
                self.state.touched.add(event.domain)
            return
        problem: str | None = absent(event)
        if domain is not None:
            self.state.touched.add(event.domain)
            problem = review(self.state, domain, event, now)
        if problem is not None:
            out.append(refuse(event, "correlate", problem))

    def _observe(self, event: Activity | Finding | Change | Scan, now: int, offset: int, out: list[Output]) -> str:
        state = self.state
        parameters = state.parameters
        if isinstance(event, Scan) and event.elsewhere:
            lateness = LATENESS_MS.get(event.source, DEFAULT_LATENESS_MS)
            fixing.note_elsewhere(state, event, instant(event.time), now, lateness)
            return "steering"
        domain = state.domain(event.domain)
        source = event.source
        lateness = LATENESS_MS.get(source, DEFAULT_LATENESS_MS)
        given = instant(event.time)
        verdict, time = arrive(domain, source, event.type[0] + event.source_id, given, now, lateness, parameters)
        if time != given:
            self.clamped += 1
        if verdict == "duplicate":
            return verdict
        if verdict == "too_late":
            out.append(refuse(event, "late", f"older than what {source} is still taken for in {domain.name}"))
            return verdict
        if event.identities:
            resolving.learn(state, domain, event.identities, source, event.source_id, time, now)
        if isinstance(event, Activity):
            signal = self._score(domain, event, time) if parameters.scoring else None
        elif isinstance(event, Finding):
            signal = self._found(domain, event, time, given, now)
        elif isinstance(event, Scan):
            fixing.note_scan(state, domain, event, given, now)
            return "uninteresting"
        else:
            correlator.add_change(state, domain, event, time, now)
            self._match(domain, event, time, now, offset, late=verdict == "late")
            return "change"
        if signal is None:
            self._match(domain, event, time, now, offset, late=verdict == "late")
            return "uninteresting"
        if self.rules.plans:
            signal = hooked(self.rules, event, signal)
        session = group.add(state, domain, signal, late=verdict == "late", log_time=now, offset=offset)
        if signal.keys:
            fixing.recall(domain, session)
        moving.note_signal(state, domain, session, now)
        if self.members is not None:
            self.members.add(domain.name, session, event.source_id)
        self._match(domain, event, time, now, offset, late=verdict == "late")
        return "member"

    def _match(
        self, domain: Domain, event: Activity | Finding | Change, time: int, now: int, offset: int, *, late: bool
    ) -> None:
        """Let the rules see an event."""
        rules = self.rules
        if not rules.plans:
            return
        table = domain.table("watermark")
        hear(table, event.source, now)
        passed = watermark(table, domain.seen, now, LATENESS_MS, DEFAULT_LATENESS_MS)
        if missed := rules.advance(domain.rules, passed):
            self._tell(domain, missed, now, offset)
        if matches := rules.observe(domain.rules, event, time, passed):
            self._tell(domain, matches, now, offset, late=late)

    def _wait(self, domain: Domain, now: int, offset: int) -> None:
        """Let the rules see that time passed in a domain, though nothing arrived."""
        if not domain.rules.groups:
            return
        self.state.touched.add(domain.name)
        passed = watermark(domain.table("watermark"), domain.seen, now, LATENESS_MS, DEFAULT_LATENESS_MS)
        if matches := self.rules.advance(domain.rules, passed):
            self._tell(domain, matches, now, offset)

    def _tell(self, domain: Domain, matches: Sequence[Match], now: int, offset: int, *, late: bool = False) -> None:
        """Put what the rules say into units."""
        for session, name in tell(self.state, domain, self.rules, matches, late=late, log_time=now, offset=offset):
            if self.members is not None:
                self.members.add(domain.name, session, name)

    def _found(self, domain: Domain, event: Finding, time: int, given: int, now: int) -> SignalRow | None:
        """The signal that a finding is, None if it is none; what it says about others is put into force."""
        interesting = event.status == "open" and event.severity >= self.state.parameters.signal_severity
        if not interesting and event.status != "fixed" and event.scan is None:
            return None
        keys = identity(event)
        status = fixing.note_finding(self.state, domain, event, keys, given, now)
        return finding_signal(event, time, keys)._replace(status=status) if interesting else None

    def _score(self, domain: Domain, event: Activity, time: int) -> SignalRow | None:
        suite = self.suites.get(domain.name)
        if suite is None:
            suite = self.suites[domain.name] = Suite(domain.table)
        ip = resource = None
        for kind, id_ in event.entities:
            if kind == "ip":
                ip = ip or id_
            elif kind == "resource":
                resource = resource or id_
        verdict = suite.score_and_learn(
            {
                "time": time,
                "principal": event.actor,
                "action": event.action,
                "resource": resource,
                "ip": ip,
                "outcome": event.outcome,
                "component": event.component,
            }
        )
        if verdict.p > self.state.parameters.signal_p:
            return None
        why = tuple(text(part) for part in verdict.parts[:4])
        return anomaly_signal(event, time, verdict.p, verdict.maturity, why, learning=verdict.learning)

    def _context(self, event: ContextRecord, now: int, offset: int, out: list[Output]) -> None:
        if event.kind == "alias":
            if event.record is not None and (problem := resolving.unfit(event.key, event.record)) is not None:
                out.append(refuse(event, "correlate", problem))
                return
            before = self.state.context.at("alias", event.key, FOREVER)
            resolving.replace(self.state, event.key, before and before.record, event.record, now)
        if event.kind == "catalog" and event.record is not None:
            alone = Catalog()  # what this record alone breaks, it must break here and not when a unit is due
            alone.apply(event.key, event.record)
            alone.facts(event.key)
        self.state.touched.add(SHARED)
        stirring.note(self.state, event, offset)
        news = self.state.context.put(event.kind, event.key, event.record, now, offset)
        if event.kind == "catalog":
            places = self.catalog.places(event.key) if news else {}
            self.catalog.apply(event.key, event.record)
            self._facts.clear()
            self._near.clear()
            for component, home in sorted(self.catalog.places(event.key).items()) if places else ():
                if places.get(component, home) != home:
                    moving.note_move(self.state, component, places[component], home, now)
        if news and event.kind in ("catalog", "kev"):
            name = self.catalog.name(event.key) if event.kind == "catalog" else event.key.upper()
            queue.learn(self.state, event.kind, name, now)

    def _configure(self, event: ConfigRecord, now: int) -> None:
        parameters = Parameters.model_validate(event.settings)
        if parameters == self.state.parameters:
            return
        rules, faults = compile_rules(parameters.rules)
        if faults := [*faults, *edited(self.state.parameters.rules, parameters.rules)]:
            raise BadRules("; ".join(map(str, faults)))
        self.rules = rules
        self.state.parameters = parameters
        self._near.clear()
        self.state.touched.add(SHARED)
        self.state.clock["parameters"] = (parameters.model_dump_json(),)
        for name, domain in self.state.domains.items():
            if domain.rules.tallies:
                self.state.touched.add(name)
                domain.rules.adopt(rules.plans)
        queue.refit(self.state, now)
        self.state.index()

    # Around it

    def facts(self, component: str) -> Facts | None:
        """What the catalog says about a component."""
        if component not in self._facts:
            found = self.catalog.facts(component)
            self._facts[component] = found and Facts(
                owner=found.owner,
                internet_facing=found.internet_facing,
                privileged=found.privileged,
                customer_path=found.customer_path,
                depends_on=tuple(self.catalog.name(ref) for ref in found.depends_on),
                ref=found.ref,
                controls=found.controls,
                criticality=found.criticality,
                name=self.catalog.name(found.ref),
                dependents=found.dependents,
            )
        return self._facts[component]

    def near(self, component: str) -> tuple[Near, ...]:
        """What a component depends on closely enough for its signals to be linked."""
        found = self._near.get(component)
        if found is None:
            if len(self._near) >= CACHE:
                self._near.clear()
            found = self._near[component] = near(component, self.facts, self.state.parameters.max_dependents)
        return found

    def _engine(self, domain: Domain) -> Engine:
        return Engine(
            version=f"weir/{VERSION}",
            config=self.state.parameters.digest(),
            models=MODELS if self.state.parameters.scoring else (),
            context=self.state.context.digest(),
            partition=self.partition,
            rules=self.rules.digest(),
        )

    def _emit(self, revision: Revision, out: list[Output]) -> None:
        unit = revision.unit
        self.revisions[unit.reason] += 1
        out += unit_records(unit, revision.places)
        out += announce(self.state.domain(unit.domain).table(TABLE), unit)
