"""What an analyst asks first of a unit that is about a vulnerability: whose it is, who is called, where it runs,
whether it can be reached, when it may be changed. Pure.

Service, owner, place and reach are as of the newest signal. Who is on call, windows and freezes are for acting, so they
are as of the revision, which is a log time. Other units say of these only what somebody has a record of. What makes a
vulnerability worse or better (KEV, EPSS, VEX, controls, exceptions) is in ``Exploitability``, and not said twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Final

from schemas.parameters import Parameters
from schemas.unit import ContextFact, Exploitability, FixedBefore, Story
from streams.correlation.calendars import Span, next_span
from streams.correlation.context import FEED, Context, Fact, bare, instant
from streams.correlation.evidence import Evidence
from streams.correlation.evidence import bare as statement_of
from streams.correlation.exploitability import WEAKNESSES
from streams.correlation.facts import UNKNOWN, Facts
from streams.correlation.rows import SignalRow

SHOWN: Final = 10
"""Components told of, and things of a kind that are named."""

AHEAD_MS: Final = 14 * 86_400_000
"""How long before it begins a freeze is told of."""

LOOKED: Final = 100
"""Windows, freezes or duties of one subject that are looked at, by key."""

_RUNS = {"image": "image", "workload": "workload", "host": "host"}
_VULNERABILITY = ("CVE-", "GHSA-")


def story(
    rows: Sequence[SignalRow],
    facts: Callable[[str], Facts | None],
    context: Context,
    known: Exploitability,
    as_of: int,
    now: int,
    parameters: Parameters,
) -> Story | None:
    """What surrounds the unit; None where there is nothing to say.

    ``as_of`` is the event time of the newest signal, ``now`` the time of the revision, both in ms; ``known`` is what
    was found of the unit's exploitability. The order of the signals decides nothing.
    """
    about = any(row.kind in WEAKNESSES and _names(row) for row in rows)
    said, acting = Evidence(context, as_of, parameters), Evidence(context, now, parameters)
    places = sorted({row.component for row in rows if row.component is not None})[:SHOWN]
    for name in places:
        of = facts(name) or UNKNOWN
        fact = None if of.ref is None else context.at("catalog", of.ref, as_of)
        record = {} if fact is None else fact.record
        owner = str(record.get("owner") or of.owner or "") or None
        system = str(record.get("system") or of.system or "") or None
        if about:
            _service(said, name, owner, system, fact)
        _on_call(acting, name, owner)
        _calendar(acting, name, system)
    if about:
        _runs(said, rows)
        _reachable(said, known)
    told = (*said.listed(4 * SHOWN), *acting.listed(4 * SHOWN))
    feed = context.at("kev", FEED, as_of) if about else None
    if feed is not None:
        said.put("kev", FEED, "KEV", feed)
    rests = {each.record: each for each in (*said.listed(8 * SHOWN), *acting.listed(8 * SHOWN), *known.evidence)}
    confidence = _confidence([each for name, each in sorted(rests.items(), key=lambda e: e[0] or "") if name])
    if not told and not any(each.stale for each in known.evidence):
        return None
    return Story(facts=told, confidence=confidence)


def told(unit_story: Story | None, known: Exploitability, fixed: Iterable[FixedBefore]) -> str:
    """A hash of what context says beyond risk and owner, so that two revisions can be compared; "" for nothing.

    Windows and freezes count by their records: that a week has gone by is nothing new.
    """
    facts = () if unit_story is None else unit_story.facts
    parts = [
        f"{each.field}\x1f{each.record if each.field in ('deployment_window', 'freeze') else statement_of(each)}"
        for each in (*facts, *(each for each in known.evidence if each.field == "vex"))
        if each.record is not None and each.field in ("on_call", "deployment_window", "freeze", "reachable", "vex")
    ]
    parts += [f"case\x1f{each.record}" for each in fixed if each.case is not None]
    return blake2b("\x1e".join(parts).encode(), digest_size=8).hexdigest() if parts else ""


def _names(row: SignalRow) -> bool:
    return any(name.upper().startswith(_VULNERABILITY) for name in (row.rule or "", *row.aliases))


def _service(said: Evidence, name: str, owner: str | None, system: str | None, fact: Fact | None) -> None:
    said.put("service", name, f"{name}{'' if system is None else f' of {_short(system)}'}", fact)
    said.put("owner", name, f"{name} is owned by {owner}" if owner else f"nobody is known to own {name}", fact)


def _on_call(said: Evidence, name: str, owner: str | None) -> None:
    context, now = said.context, said.as_of
    if not context.knows("on_call"):
        return
    for subject in (f"component:{bare(name)}", *((f"team:{bare(owner)}",) if owner else ())):
        duties = [
            fact
            for fact in context.about("on_call", subject, now)[:LOOKED]
            if Span(instant(fact.record.get("from")), instant(fact.record.get("to"))).on(now)
        ]
        for fact in duties:
            until = f" until {fact.record['to']}" if fact.record.get("to") else ""
            contact = f" ({fact.record['contact']})" if fact.record.get("contact") else ""
            what = f"for {name}" if subject.startswith("component:") else f"for {_short(str(owner))}, who own {name}"
            said.put("on_call", f"{name} {fact.key}", f"{fact.record.get('person')}{contact} {what}{until}", fact)
        if duties:
            return
    said.put("on_call", name, f"nobody is known to be on call for {name}", None)


def _calendar(said: Evidence, name: str, system: str | None) -> None:
    """Freezes, and the next deployment window that is not within one."""
    subjects = [f"component:{bare(name)}", *([f"system:{bare(system)}"] if system else []), ""]
    context, now = said.context, said.as_of
    freezes = []
    if context.knows("freeze"):
        for subject in subjects:
            for fact in context.about("freeze", subject, now)[:LOOKED]:
                span = next_span(fact.record, now)
                if span is None or (span.start is not None and span.start > now + AHEAD_MS):
                    continue
                freezes.append(fact)
                state = "in force" if span.on(now) else "to come"
                whom = subject.partition(":")[2] or "everything"
                text = f"freeze of {whom}{_titled(fact)}, {state}, {span.words()}"
                said.put("freeze", f"{whom} {fact.key}", text, fact)
    if not context.knows("deployment_window"):
        return
    for subject in subjects:
        windows = context.about("deployment_window", subject, now)[:LOOKED]
        found = _next(windows, freezes, now)
        if found is not None:
            fact, span = found
            state = "open now" if span.on(now) else "next"
            said.put("deployment_window", name, f"{name}: {state}{_titled(fact)}, {span.words()}", fact)
        if windows:
            if found is None:
                said.put("deployment_window", name, f"{name}: no deployment window to come", None)
            return


def _next(windows: Sequence[Fact], freezes: Sequence[Fact], now: int) -> tuple[Fact, Span] | None:
    """The first window from ``now`` on that is not all within a freeze, by its begin and key."""
    time = now
    for _ in range(16):
        spans = [(span, fact) for fact in windows if (span := next_span(fact.record, time)) is not None]
        if not spans:
            return None
        span, fact = min(spans, key=lambda each: (each[0].start or 0, each[1].key))
        begins = max(time, span.start or time)
        frozen = [
            until for freeze in freezes if (until := next_span(freeze.record, begins)) is not None and until.on(begins)
        ]
        if not frozen:
            return fact, span._replace(start=begins) if begins > now else span
        ends = max((each.end for each in frozen if each.end is not None), default=None)
        if ends is None or any(each.end is None for each in frozen):
            return None
        time = ends
    return None


def _runs(said: Evidence, rows: Sequence[SignalRow]) -> None:
    count: dict[str, dict[str, int]] = {kind: {} for kind in _RUNS}
    for row in rows:
        for kind, name in row.entities:
            if kind in count:
                count[kind][name] = count[kind].get(name, 0) + 1
    parts = []
    for kind, names in count.items():
        if names:
            ordered = sorted(names, key=lambda name: ("@" not in name, -names[name], name))
            more = f" and {len(ordered) - 5} more" if len(ordered) > 5 else ""
            parts.append(f"{kind}{'s' if len(ordered) > 1 else ''} {', '.join(ordered[:5])}{more}")
    said.put("runs_on", "", "; ".join(parts) or "not known where it runs", None)


def _reachable(said: Evidence, known: Exploitability) -> None:
    found = [each for each in known.evidence if each.field == "internet_facing"]
    for each in found[:SHOWN]:
        said.copy(each, "reachable")
    if not found:
        said.put("reachable", "", "not known whether it can be reached from the internet", None)


def _confidence(rests: Sequence[ContextFact]) -> str:
    """How far to trust it, in words."""
    if not rests:
        return ""
    stale = [each for each in rests if each.stale]
    undated = sum(each.age_s is None for each in rests)
    text = f"none of {len(rests)} context records is stale"
    if stale:
        named = ", ".join(str(each.record).partition("@")[0] for each in stale[:SHOWN])
        more = f" and {len(stale) - SHOWN} more" if len(stale) > SHOWN else ""
        text = f"{len(stale)} of {len(rests)} context records are stale, do not rely on them: {named}{more}"
    return text + (f"; {undated} of unknown age" if undated else "")


def _titled(fact: Fact) -> str:
    title = fact.record.get("title") or fact.record.get("reason")
    return f" {fact.key}" + (f" ({str(title)[:80]})" if title else "")


def _short(name: str) -> str:
    return name.partition(":")[2].removeprefix("default/") if ":" in name else name
