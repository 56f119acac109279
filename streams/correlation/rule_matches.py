"""What rules say, into units: each match one member, as a signal of the source ``weir.rules``.

- A match that **grew** is the same member: its session lasts longer and says so in its words.
- A match that takes the place of others (a late event came before them, or joined them) is the member instead of them;
  their ids are gone from the unit.
- A match that is **withdrawn** (what was missed came after all) stays, as a signal whose status is ``fixed``: units
  that were told of it can explain why. Where its session tells of other matches too, it is only taken off their number.
- A rule that only links says nothing; the signals that meet its steps are linked within its timespan.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, cast

from schemas.rule import Rule
from streams.correlation import correlator, group, member_hash
from streams.correlation.interval import Line, near
from streams.correlation.regroup import regroup
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.rules.fields import Event
from streams.correlation.rules.match import Match
from streams.correlation.rules.rule_set import RuleSet
from streams.correlation.session import signature
from streams.correlation.signal import RULES, rule_hook, rule_signal
from streams.correlation.state import Domain, State

KEPT: Final = 20_000
"""Matches of which a domain knows where they are; of the oldest ones beyond that, growth counts as a match anew."""

WITHDRAWN: Final = "what was missed came after all"


def hooked(rules: RuleSet, event: Event, signal: SignalRow) -> SignalRow:
    """The signal with the hooks of the rules that its event is a part of."""
    hooks = [rule_hook(line, rule.timespan if rule.link_only else 0) for line, rule in rules.lines(event)]
    return signal._replace(hooks=tuple(sorted({*signal.hooks, *hooks}))) if hooks else signal


def tell(
    state: State,
    domain: Domain,
    rules: RuleSet,
    matches: Iterable[Match],
    *,
    late: bool,
    log_time: int,
    offset: int,
) -> Iterator[tuple[str, str]]:
    """Put matches, in the order in which the rules gave them, into units.

    Yields session and id of each that is a new member, and "" and the id of each that is none any more. Does nothing
    until it is iterated.
    """
    for match in matches:
        rule = rules.rule(match.rule)
        if rule.link_only:
            continue
        if match.withdrawn:
            if _withdraw(state, domain, rule, match, log_time):
                yield "", match.id
            continue
        session, gone = _put(state, domain, rule, match, late=late, log_time=log_time, offset=offset)
        if session is not None:
            yield session, match.id
        for other in gone:
            yield "", other


def _put(
    state: State, domain: Domain, rule: Rule, match: Match, *, late: bool, log_time: int, offset: int
) -> tuple[str | None, list[str]]:
    """Its session, if it is a member that was not known; the matches that are no members any more."""
    table = domain.table("rule_matches")  # id -> (signature, event time of its first event, session when it was told)
    signal = rule_signal(rule, match)
    name = signature(signal)
    known = table.get(match.id)
    if known is not None and "~" in known[2]:  # counted in a unit that is full
        return None, []
    grown = known is not None and _session(domain, name, match.first) is not None
    if grown:
        signal = signal._replace(times=0, members=member_hash.EMPTY)
    session = group.add(state, domain, signal, late=late, log_time=log_time, offset=offset)
    if not grown:
        table[match.id] = (name, match.first, session)
        if len(table) > KEPT:
            _evict(domain)
    replaced = [gone for gone in match.replaces if _replace(state, domain, gone, log_time)]
    key = domain.key_of.get(session, "")
    row = cast("SignalRow | None", domain.signals.get(key))
    if row is not None and row.source_id in (match.id, *match.replaces):
        said = row._replace(source_id=match.id, why=signal.why, status="open")
        if said != row:
            domain.signals[key] = said
    return None if grown else session, replaced


def _session(domain: Domain, name: str, time: int) -> str | None:
    """The key of the session of this signature at an event time."""
    for first, last, unit in near(cast(Line, domain.links.get(f"=\x1f{name}", ())), time):
        if first <= time <= last:
            runs = domain.runs_of.get(f"{unit}\x1f{name}", [])
            place = bisect_right(runs, (time, "\x7f"))
            if place and cast(SignalRow, domain.signals[runs[place - 1][1]]).last >= time:
                return runs[place - 1][1]
    return None


def _found(domain: Domain, match_id: str) -> str | None:
    """The key of the session that holds a match: the one it was put in, or the one that this went into since."""
    known = domain.table("rule_matches").get(match_id)
    if known is None:
        return None
    name, first, session = known
    key = domain.key_of.get(session) or _session(domain, name, first)
    if key is None:
        return None
    row = cast(SignalRow, domain.signals[key])
    its = row.times > 1 or row.members == member_hash.add(member_hash.EMPTY, RULES, match_id)
    return key if its else None


def _withdraw(state: State, domain: Domain, rule: Rule, match: Match, log_time: int) -> bool:
    """Whether it was taken off its session's number."""
    key = _found(domain, match.id)
    if key is None:
        return False
    row = cast(SignalRow, domain.signals[key])
    several = row.times > 1
    if several:
        _less(state, domain, key, match.id)
        del domain.table("rule_matches")[match.id]
    else:
        domain.signals[key] = row._replace(status="fixed", why=(*rule_signal(rule, match).why, WITHDRAWN))
    correlator.retouch(state, domain, key.partition("\x1f")[0], "late", log_time)
    return several


def _replace(state: State, domain: Domain, gone: str, log_time: int) -> bool:
    """Take a match out that another one stands for: that has been put in, and overlaps it, so it is in the same unit
    unless this one is full or a reviewer set them apart. A unit's only session stays, as ``fixed``. Whether it went."""
    key = _found(domain, gone)
    domain.table("rule_matches").discard(gone)
    if key is None:
        return False
    cluster, _, session = key.split("\x1f")
    row = cast(SignalRow, domain.signals[key])
    keys = domain.signals_of[cluster]
    if row.times > 1:
        _less(state, domain, key, gone)
    elif len(keys) == 1:
        domain.signals[key] = row._replace(status="fixed")
        correlator.retouch(state, domain, cluster, "late", log_time)
        return False
    else:
        _less(state, domain, key, gone)
        domain.unrun(key)
        del domain.signals[key]
        del domain.key_of[session]
        keys.discard(key)
        unit = cast(UnitRow, domain.units[cluster])
        domain.units[cluster] = unit._replace(signals=len(keys))
        regroup(state, domain, cluster, log_time)
    return True


def _less(state: State, domain: Domain, key: str, match_id: str) -> None:
    """One member fewer, in the session and in its unit."""
    cluster = key.partition("\x1f")[0]
    row, unit = cast(SignalRow, domain.signals[key]), cast(UnitRow, domain.units[cluster])
    domain.signals[key] = row._replace(times=row.times - 1, members=member_hash.take(row.members, RULES, match_id))
    members = member_hash.take(unit.member_hash, RULES, match_id)
    domain.units[cluster] = unit._replace(members=unit.members - 1, member_hash=members)


def _evict(domain: Domain) -> None:
    table = domain.table("rule_matches")
    oldest = sorted((row[1], name) for name, row in table.items())[: KEPT // 8]
    for _, name in oldest:
        del table[name]
    before = domain.gone.get("rule_matches", (0,))
    domain.gone["rule_matches"] = (before[0] + len(oldest),)
