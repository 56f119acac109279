"""The fold of one partition: score, learn, group, annotate, decide. Pure; shared by worker, replay and tests.

State and record in, changed rows and outputs out. Nothing else decides anything: not how the records were fetched, not
when they were committed, not in which process. So folding the same log again gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import orjson
from pydantic import ValidationError

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
from streams.catalog import Catalog
from streams.catalog_facts import CatalogFacts
from streams.correlation import context_forms, correlator, exposure, fixing, group, moving, queue, resolving, stirring
from streams.correlation.arrival import arrive
from streams.correlation.context import Context
from streams.correlation.facts import Facts
from streams.correlation.finding_identity import keys as identity
from streams.correlation.instants import at, instant
from streams.correlation.interval import FOREVER
from streams.correlation.queue import Revision
from streams.correlation.reviews import absent, review
from streams.correlation.rows import Near, SignalRow, tuples
from streams.correlation.signal import finding_signal
from streams.correlation.state import SHARED, Domain, State
from streams.correlation.unit import Engine
from streams.correlation.watermark import MINUTE_MS
from streams.failures import FAILED, Failures
from streams.linking.announce import TABLE, announce
from streams.members import Members
from streams.records import LogRecord, Output
from streams.refusals import first, refuse, salvage
from streams.rule_fold import DEFAULT_LATENESS_MS, LATENESS_MS, RuleFold, Told
from streams.scoring import Scoring
from streams.unit_record import unit_records
from streams.version import VERSION

_OBSERVED = (Activity, Finding, Change, Scan)


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
        self.components = CatalogFacts(self.catalog)
        self.scoring = Scoring()
        self.state.rule = self.scoring.rule
        self.rules = RuleFold(self.state)
        self.counts: Counter[str] = Counter()
        self.revisions: Counter[str] = Counter()
        self.clamped = 0
        self.members: Members | None = None
        self._restoring = False
        self._failures = Failures()

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
        self.scoring.check(self.state)
        self.state.index()
        self.state.journal.clear()

    def _reread(self) -> None:
        """Take parameters and catalog from their rows again."""
        row = self.state.clock.get("parameters")
        self.state.parameters = Parameters() if row is None else Parameters.model_validate_json(row[0])
        self.scoring.adopt(self.state.parameters)
        self.rules.restore()
        self.state.context = Context(self.state.shared.table("context"))
        catalog = Catalog()
        for key, record in self.state.context.latest("catalog"):
            catalog.apply(key, record)
        self.catalog = catalog
        self.components = CatalogFacts(catalog)

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
            if row is not None and now // MINUTE_MS != row[0] // MINUTE_MS:
                for name, told in self.rules.wait(now, offset):
                    self._note(name, told)
            correlator.begin(self.state, now)
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
            self._failures.good()
        except Exception as error:
            self._undo(event)
            del out[length:]
            if self.members is not None and mark is not None:
                self.members.back(mark)
            self.counts[FAILED] += 1
            reason = f"{type(error).__name__}: {first(error)[1] if isinstance(error, ValidationError) else error}"
            out.append(refuse(event, "correlate", reason))
            if (too_many := self._failures.failed(self.counts, reason)) is not None:
                raise too_many from error

    def _undo(self, event: Event) -> None:
        """Everything as before the event, what is derived included."""
        self.scoring.forget()
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
            if problem is None and event.kind == "verdict":
                self.scoring.judge(domain, event, now)
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
        stands = isinstance(event, Finding) and event.kind != "detection"
        verdict, time = arrive(
            domain, source, event.type[0] + event.source_id, given, now, lateness, parameters, stands=stands
        )
        if time < given:
            self.clamped += 1
        if verdict == "duplicate":
            return verdict
        if verdict == "too_late":
            out.append(refuse(event, "late", f"older than what {source} is still taken for in {domain.name}"))
            return verdict
        if event.identities:
            resolving.learn(state, domain, event.identities, source, event.source_id, time, now)
        if isinstance(event, Activity):
            level = parameters.signal_p
            signal = self.scoring.signal(domain, event, time, now, level) if parameters.scoring else None
        elif isinstance(event, Finding):
            signal = self._found(domain, event, time, given, now)
        elif isinstance(event, Scan):
            fixing.note_scan(state, domain, event, given, now)
            return "uninteresting"
        else:
            signal = None
            correlator.add_change(state, domain, event, time, now)
            for place in exposure.note(domain, event, time) if event.exposes else ():
                stirring.note_open(state, domain, place, offset)
        late = verdict == "late"
        if signal is not None:
            self._join(domain, event, signal, now, offset, late=late)
        self._note(domain.name, self.rules.observe(domain, event, time, now, offset, late=late))
        if isinstance(event, Change):
            return "change"
        return "uninteresting" if signal is None else "member"

    def _join(
        self,
        domain: Domain,
        event: Activity | Finding | Change,
        signal: SignalRow,
        now: int,
        offset: int,
        *,
        late: bool,
    ) -> None:
        """A member more: into a session, and that into a unit."""
        state = self.state
        signal = self.rules.hooked(event, signal)
        session = group.add(state, domain, signal, late=late, log_time=now, offset=offset)
        if signal.keys:
            fixing.recall(domain, session)
        moving.note_signal(state, domain, session, now)
        if self.members is not None:
            self.members.add(domain.name, session, event.source_id)

    def _note(self, domain: str, told: Told) -> None:
        """Keep what rules said where members are kept."""
        if self.members is not None:
            for session, name in told:
                self.members.add(domain, session, name)

    def _found(self, domain: Domain, event: Finding, time: int, given: int, now: int) -> SignalRow | None:
        """The signal that a finding is, None if it is none; what it says about others is put into force."""
        interesting = event.status == "open" and event.severity >= self.state.parameters.signal_severity
        if not interesting and event.status != "fixed" and event.scan is None:
            return None
        keys = identity(event)
        status = fixing.note_finding(self.state, domain, event, keys, given, now)
        if not interesting:
            return None
        signal = finding_signal(event, time, keys)._replace(status=status)
        if time > given:
            since = f"stands since {at(given):%Y-%m-%d %H:%M}Z, longer than is remembered; counted from here on"
            signal = signal._replace(why=(*signal.why, since))
        return signal

    def _context(self, event: ContextRecord, now: int, offset: int, out: list[Output]) -> None:
        if (said := event.record) is not None:
            alias = event.kind == "alias"
            problem = resolving.unfit(event.key, said) if alias else context_forms.unfit(event.kind, said)
            if problem is not None:
                out.append(refuse(event, "correlate", problem))
                return
        if event.kind == "alias":
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
            catalog = self.catalog
            places = catalog.places(event.key) if news else {}
            catalog.apply(event.key, event.record)
            self.components.clear()
            for component, home in sorted(catalog.places(event.key).items()) if places else ():
                if places.get(component, home) != home:
                    moving.note_move(self.state, component, places[component], home, now)
        if news and event.kind in ("catalog", "kev"):
            name = self.catalog.name(event.key) if event.kind == "catalog" else event.key.upper()
            queue.learn(self.state, event.kind, name, now)

    def _configure(self, event: ConfigRecord, now: int) -> None:
        parameters = Parameters.model_validate(event.settings)
        if parameters == self.state.parameters:
            return
        self.rules.adopt(parameters.rules)
        self.scoring.replace(self.state, parameters)
        self.state.parameters = parameters
        self.state.touched.add(SHARED)
        self.state.clock["parameters"] = (parameters.model_dump_json(),)
        queue.refit(self.state, now)
        self.state.index()

    # Around it

    def facts(self, component: str) -> Facts | None:
        """What the catalog says about a component."""
        return self.components.facts(component)

    def near(self, component: str) -> tuple[Near, ...]:
        """What a component depends on closely enough for its signals to be linked."""
        return self.components.near(component, self.state.parameters.max_dependents)

    def _engine(self, domain: Domain) -> Engine:
        scoring = self.state.parameters.scoring
        return Engine(
            version=f"weir/{VERSION}",
            config=self.state.parameters.digest(),
            models=self.scoring.names(domain) if scoring else (),
            health=self.scoring.health(domain) if scoring else (),
            context=self.state.context.digest(),
            partition=self.partition,
            rules=self.rules.digest(),
        )

    def _emit(self, revision: Revision, out: list[Output]) -> None:
        unit = revision.unit
        self.revisions[unit.reason] += 1
        out += unit_records(unit, revision.places)
        out += announce(self.state.domain(unit.domain).table(TABLE), unit)
