"""What is fixed, and what came back, put into force: on the sessions of a domain's units, by their identity keys.

Two things say so: complete scans of one target compared (``scans``), and a finding that is reported as fixed itself.
Either touches sessions of the same reporter only: what one tool no longer sees another may. A unit of which every
session is fixed closes at its next revision; within ``reopen_ms`` what came back opens it again.

Reports may come in any order, so what was fixed is remembered with its event time: an older report that comes late
begins as fixed. In doubt a finding is open.

Wrong for suppression: what was set aside is still there. Times are event ms, ``log_time`` is log ms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final, Literal, cast

from schemas.events import Finding, FindingStatus, Scan
from streams.correlation.arrival import arrive
from streams.correlation.closing import PAST, relate
from streams.correlation.finding_identity import Key, inside
from streams.correlation.hooks import identity_key
from streams.correlation.interval import Line
from streams.correlation.lifecycle import touch
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.scans import Scans, Verdict
from streams.correlation.state import Domain, State
from streams.correlation.table import Table

LIMIT: Final = 50_000
"""Keys of a domain that are remembered as fixed; the oldest go first, counted, and a late report of them is open."""

_State = Literal["open", "fixed"]


def note_finding(
    state: State, domain: Domain, event: Finding, keys: Sequence[Key], time: int, log_time: int
) -> FindingStatus:
    """Take a finding, whatever its status and severity, once for each (source, source_id).

    ``time`` is that of the event as given, equal for all findings of a scan. Returns the status that its session
    begins with: its own, or "fixed" of an open one if that is known by then.
    """
    lines = [key.line for key in keys]
    if event.scan is not None and event.target is not None:
        verdicts = _scans(domain).note_finding(
            event.reporter,
            event.target,
            event.scan,
            time,
            event.source,
            event.source_id,
            () if event.status == "fixed" else inside(event),
            lines,
        )
        if verdicts:
            _take(state, domain, event.reporter, event.target, verdicts, time, log_time)
    fixed = domain.table("fixed")
    if event.status == "fixed":
        if lines:
            _remember(domain, fixed, [_at(event, line) for line in lines], time - 1)
            _mark(state, domain, event.reporter, dict.fromkeys(lines, "fixed"), log_time, before=time)
    elif event.status == "open" and fixed:
        rows = [fixed.get(_at(event, line)) for line in lines]
        if any(row is not None and time <= row[0] for row in rows):
            return "fixed"
    return event.status


def note_scan(state: State, domain: Domain, event: Scan, time: int, log_time: int) -> None:
    """Take the event that says how much a scan found."""
    verdicts = _scans(domain).note_scan(event.reporter, event.target, event.scan, time, event.findings)
    if verdicts:
        _take(state, domain, event.reporter, event.target, verdicts, time, log_time)


def note_elsewhere(state: State, event: Scan, time: int, log_time: int, lateness: int) -> None:
    """Take the event that says where a scan found something: in all other domains that know its target it is empty."""
    for name in sorted(state.domains):
        domain = state.domains[name]
        if name in event.elsewhere or "scans" not in domain.tables:
            continue
        if not _scans(domain).knows(event.reporter, event.target):
            continue
        state.touched.add(name)
        key = event.type[0] + event.source_id
        verdict, _ = arrive(domain, event.source, key, time, log_time, lateness, state.parameters)
        if verdict in ("new", "late"):
            note_scan(state, domain, event, time, log_time)


def recall(domain: Domain, session: str) -> None:
    """Relate the unit of a session to forgotten ones that were about the same weakness."""
    past = domain.table(PAST)
    if not past:
        return
    row = cast(SignalRow, domain.signals[domain.key_of[session]])
    for line, _ in row.keys:
        if (found := past.get(line)) is not None:
            earlier = found[0]
            text = f"{earlier} was about the same weakness, and is closed"
            relate(domain, domain.unit_of(session), (earlier, domain.name, "earlier", None, None, text))


def settled(domain: Domain, cluster: str) -> bool:
    """Whether every session of a unit is fixed."""
    keys = domain.signals_of.get(cluster)
    return bool(keys) and all(cast(SignalRow, domain.signals[key]).status == "fixed" for key in keys or ())


def _scans(domain: Domain) -> Scans:
    return Scans(domain.table("scans"), domain.table("scanned"))


def _at(event: Finding, line: str) -> str:
    return _name(event.reporter, event.target or "", line)


def _name(reporter: str, target: str, line: str) -> str:
    text = f"{reporter}\x1f{target}\x1f{line}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _take(
    state: State,
    domain: Domain,
    reporter: str,
    target: str,
    verdicts: Iterable[Verdict],
    time: int,
    log_time: int,
) -> None:
    """Put verdicts into force. What came back prevails where two of them share a key."""
    now: dict[str, _State] = {}
    for verdict in verdicts:
        for line in verdict.keys:
            if verdict.state == "reopened":
                now[line] = "open"
            else:
                now.setdefault(line, "fixed")
    fixed = domain.table("fixed")
    for line, found in now.items():
        if found == "open":
            fixed.discard(_name(reporter, target, line))
    names = [_name(reporter, target, line) for line, found in now.items() if found == "fixed"]
    _remember(domain, fixed, names, time)
    _mark(state, domain, reporter, now, log_time)


def _remember(domain: Domain, fixed: Table, names: Iterable[str], until: int) -> None:
    """Reports up to ``until`` are known as fixed."""
    for name in names:
        row = fixed.get(name)
        if row is None or row[0] < until:
            fixed[name] = (until,)
    if len(fixed) > LIMIT:
        gone = sorted((row[0], name) for name, row in fixed.items())[: len(fixed) - LIMIT * 9 // 10]
        for _, name in gone:
            del fixed[name]
        before = domain.gone.get("fixed", (0,))[0]
        domain.gone["fixed"] = (before + len(gone),)


def _mark(
    state: State,
    domain: Domain,
    reporter: str,
    lines: Mapping[str, _State],
    log_time: int,
    before: int | None = None,
) -> None:
    """Set the status of the reporter's sessions on these lines, of those that ended before an event time if given."""
    found = {unit for line in lines for _, _, unit in cast(Line, domain.links.get(identity_key(line), ()))}
    for cluster in sorted(found):
        turned: set[str] = set()
        for key in sorted(domain.signals_of.get(cluster, ())):
            row = cast(SignalRow, domain.signals[key])
            if row.reporter != reporter or not row.keys or key.split("\x1f")[1].startswith("~"):
                continue
            said = {lines[line] for line, _ in row.keys if line in lines}
            if not said or (before is not None and row.last >= before):
                continue
            status = "open" if "open" in said else "fixed"
            if status != row.status:
                domain.signals[key] = row._replace(status=status)
                turned.add(status)
        if turned:
            _retouch(state, domain, cluster, log_time, reopened="open" in turned)


def _retouch(state: State, domain: Domain, cluster: str, log_time: int, *, reopened: bool) -> None:
    unit = cast(UnitRow, domain.units[cluster])
    if reopened and unit.status == "closed" and not unit.sealed:
        unit = unit._replace(status="open", closed_log=0, last_log=log_time)
        unit = touch(unit, "reopened", log_time, state.parameters)
    else:
        unit = touch(unit, "signal", log_time, state.parameters)
    domain.units[cluster] = unit
    state.arm(domain, cluster, unit)
