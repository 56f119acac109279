"""The changes of a domain, and the search for the ones behind a unit."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple, cast

from schemas.unit import Factor
from streams.correlation import change_sources
from streams.correlation.change_content import Mark, Subject, Traits, call, looked_up_by, of_entities, traits
from streams.correlation.change_history import History
from streams.correlation.change_index import NEAR, Index
from streams.correlation.change_score import LONGEST, LOOK_BACK, View, factors, scores, view
from streams.correlation.change_sources import Freshness
from streams.correlation.entity_weight import weight
from streams.correlation.rows import ChangeRow
from streams.correlation.table import Table

SUSPECT: Final = 0.5
"""A change with a score above this is a suspect."""

MOST: Final = 512
"""Changes that are scored for one unit. Those found by the rarest marks go first."""

SCRIPT_MS: Final = 60_000
"""Like calls this close to one another are one script's."""

_SHIFT = 2**62  # makes times before 1970 sort as text, too


_Found = tuple[int, float, int, str]
"""0: behind the main matter, 1: behind what was found beside it, 2: no suspect; score and time, negated; key."""


class Candidate(NamedTuple):
    """A change with its score and the factors of it."""

    change: ChangeRow
    score: float
    factors: tuple[Factor, ...]


class Search(NamedTuple):
    """What was found, and where it was looked for; event times in ms.

    ``best`` are the changes to show, best first (see ``_scored``); ``suspects`` source and source id of all suspects,
    shown or not. ``searched`` counts the changes of the domain from ``since`` to ``until``, ``scored`` those of them
    that lie in their kind's look-back and are no part of the unit. ``silent``: sources heard before, but not in that
    time. ``sources``: how fresh each source was at the end of it.
    """

    best: tuple[Candidate, ...]
    suspects: tuple[tuple[str, str], ...]
    scored: int
    searched: int
    since: int
    until: int
    silent: tuple[str, ...]
    sources: tuple[Freshness, ...] = ()

    def words(self) -> str:
        """The outcome in a line: ``no suspect among 12 changes; github.webhook fresh, argo silent for 6.0 h``."""
        count = len(self.suspects)
        among = f"among {self.scored} change{'s' if self.scored > 1 else ''}"
        if count:
            what = f"{count} suspect{'s' if count > 1 else ''} {among}"
        elif self.scored:
            what = f"no suspect {among}"
        else:
            what = "no change found"
        sources = ", ".join(source.words() for source in sorted(self.sources, key=lambda s: (s.silent, s.source)))
        return f"{what}; {sources or 'no source of changes was heard yet'}"


class Own(NamedTuple):
    """What a unit did itself, which explains nothing: its members, and the repeats that it only counts.

    ``members``: (source, source id). ``repeats``: first and last event time by (source, action, actor).
    """

    members: Collection[tuple[str, str]] = ()
    repeats: Mapping[tuple[str, str | None, str | None], tuple[int, int]] = {}

    def has(self, change: ChangeRow) -> bool:
        """Whether the change is one of the unit's own members."""
        if (change.source, change.source_id) in self.members:
            return True
        span = self.repeats.get((change.source, change.action, change.actor))
        return span is not None and span[0] <= change.time <= span[1]


class Changes:
    """Changes by time over a table. ``keys``, the index and ``read`` are derived.

    ``heard``: source -> ``change_sources.HeardRow``. ``forgotten``: how many went because there were too many, and the
    newest event time among them; before it a silence proves nothing. ``verdicts``: what reviews say of kinds of change.
    """

    def __init__(self, rows: Table, heard: Table, forgotten: Table, verdicts: History) -> None:
        self.rows = rows
        self.heard = heard
        self.forgotten = forgotten
        self.verdicts = verdicts
        self.index()

    def index(self) -> None:
        """Build what is derived again after a restore."""
        self.keys = sorted(self.rows)
        self.by = Index()
        self.ids: dict[tuple[str, str], str] = {}
        self.read: dict[str, Traits] = {}
        for key in self.keys:
            self._enter(key, cast(ChangeRow, self.rows[key]))

    def _enter(self, key: str, change: ChangeRow) -> None:
        found = self.read[key] = traits(change)
        self.ids[change.source, change.source_id] = key
        self.by.add(looked_up_by(change, found.content), change.time, key)

    def _leave(self, key: str) -> None:
        change = cast(ChangeRow, self.rows[key])
        self.by.drop(looked_up_by(change, self.read.pop(key).content), change.time, key)
        if self.ids.get((change.source, change.source_id)) == key:
            del self.ids[change.source, change.source_id]

    def add(self, change: ChangeRow, cap: int) -> None:
        """Keep the change; beyond ``cap`` the oldest goes, counted, and so does what no unit can look back to."""
        key = key_of(change)
        if key not in self.rows:
            insort(self.keys, key)
        else:
            self._leave(key)
        self.rows[key] = change
        self._enter(key, change)
        change_sources.hear(self.heard, change.source, change.time)
        stale = _stamp(max(row[1] for row in self.heard.values()) - 2 * LONGEST)
        gone = max(len(self.keys) - cap, bisect_left(self.keys, stale))
        if gone <= 0:
            return
        for old in self.keys[:gone]:
            self._leave(old)
            del self.rows[old]
        count, horizon = self.forgotten.get("changes", (0, -_SHIFT))
        last = int(self.keys[gone - 1].partition("\x1f")[0]) - _SHIFT
        self.forgotten["changes"] = (count + gone, max(horizon, last))
        del self.keys[:gone]

    def move(self, key: str, time: int) -> ChangeRow | None:
        """Put a change at another event time; None if it is no longer kept. Nothing is heard of its source by that."""
        change = cast(ChangeRow | None, self.rows.get(key))
        if change is None or change.time == time:
            return change
        self._leave(key)
        del self.rows[key]
        del self.keys[bisect_left(self.keys, key)]
        change = change._replace(time=time)
        fresh = key_of(change)
        insort(self.keys, fresh)
        self.rows[fresh] = change
        self._enter(fresh, change)
        return change

    # What the score asks for

    def rate(self, mark: Mark, before: int) -> float:
        """See ``change_score.Known``."""
        return self.by.rate(mark, before)

    def first(self, mark: Mark) -> int | None:
        """See ``change_score.Known``."""
        return self.by.first(mark)

    def history(self, kind: str) -> tuple[float, int, int]:
        """See ``change_score.Known``."""
        return self.verdicts.history(kind)

    def traits(self, change: ChangeRow) -> Traits:
        """See ``change_score.Known``."""
        known = self.read.get(key_of(change))
        return traits(change) if known is None else known

    def kinds(self, source_ids: Iterable[str]) -> set[str]:
        """The kinds of the changes of these ids, whatever their source; of what is forgotten none."""
        named = [(source, id_) for id_ in source_ids for source in self.heard]
        return {self._row(key).kind for name in named if (key := self.ids.get(name)) is not None}

    # The search

    def search(self, subject: Subject, own: Own, shown: int, newest: Mapping[str, int] | None = None) -> Search:
        """The changes that may be behind the subject, best first, without its own members.

        ``newest``: event time of the newest event of any kind by source, ms, where it is known: a source that goes on
        telling of other things is not silent.
        """
        since, until = subject.first - LONGEST, subject.last
        mine = self._own(own)
        of = view(subject)
        found = self._scored(of, mine, shown)
        suspects = [self._row(key)[:2] for _, value, _, key in found if -value > SUSPECT]
        _, horizon = self.forgotten.get("changes", (0, -_SHIFT))
        low, high = bisect_left(self.keys, _stamp(since)), bisect_left(self.keys, _stamp(until + 1))
        return Search(
            best=tuple(
                Candidate(change, value, factors(of, change, self)) for value, change in self._different(found, shown)
            ),
            suspects=tuple(sorted(suspects)),
            scored=self._count(subject, mine),
            searched=high - low,
            since=since,
            until=until,
            silent=tuple(
                sorted(
                    source
                    for source, row in self.heard.items()
                    if row[0] <= until
                    and not self.by.count(("from", source), since, until + 1)
                    and not row[0] <= horizon >= since
                )
            ),
            sources=change_sources.freshness(self.heard, until, newest or {}),
        )

    def touching(self, subject: Subject, since: int, until: int, most: int) -> list[str]:
        """The keys of the changes of ``since <= time < until`` that share something with the subject, by time.

        Of each shared thing the first ``most``.
        """
        marks = {entity for entity in subject.entities if weight(*entity)}
        marks.update(("component", component) for component in subject.components)
        marks.update(mark for mark, _ in of_entities(subject.entities))
        return sorted({key for mark in marks for key in self.by.keys(mark, since, until)[:most]})

    def _row(self, key: str) -> ChangeRow:
        return cast(ChangeRow, self.rows[key])

    def _scored(self, of: View, mine: set[str], unrelated: int) -> list[_Found]:
        """Best first; of the suspects those behind what is going on before those behind a weakness found beside it."""
        self.by.since = self._row(self.keys[0]).time if self.keys else 0
        found: list[_Found] = []
        for key in self._candidates(of, unrelated):
            change = self._row(key)
            if key in mine or change.time < of.subject.first - LOOK_BACK[change.kind]:
                continue
            main, beside = scores(of, change, self)
            place = 0 if main > SUSPECT else 1 if beside > SUSPECT else 2
            found.append((place, -max(main, beside), -change.time, key))
        found.sort()
        return found

    def _candidates(self, of: View, unrelated: int) -> Iterable[str]:
        """The changes that share something, at most ``MOST``, and the nearest few of each kind that need not."""
        subject = of.subject
        since, at, until = subject.first - LONGEST, of.starts[0], subject.last + 1
        marks: set[Mark] = set(of.content)
        marks.update(entity for entity in subject.entities if weight(*entity))
        marks.update(("component", component) for component in subject.components)
        near = self.by.near
        lines = [near(mark, since, at, until, NEAR) for mark in marks if mark in self.by.by]
        lines += [near(("component", needed), since, at, until, NEAR // 2) for needed in subject.dependencies]
        if sum(map(len, lines)) > MOST:
            lines.sort(key=lambda line: (len(line), line))
        out: dict[str, None] = {}
        for line in lines:
            for key in line:
                out[key] = None
            if len(out) >= MOST:
                break
        for kind, back in LOOK_BACK.items():
            for key in near(("kind", kind), subject.first - back, at, until, unrelated + 1):
                out[key] = None
        return out

    def _own(self, own: Own) -> set[str]:
        """The keys of the unit's own members among the changes."""
        mine = {key for member in own.members if (key := self.ids.get(member)) is not None}
        for (source, action, actor), (first, last) in own.repeats.items():
            mine.update(self.by.keys(call(source, action, actor), first, last + 1))
        return mine

    def _count(self, subject: Subject, mine: set[str]) -> int:
        """Changes in their kind's look-back that are not the unit's own."""
        count = sum(
            self.by.count(("kind", kind), subject.first - back, subject.last + 1) for kind, back in LOOK_BACK.items()
        )
        for key in mine:
            change = self._row(key)
            count -= subject.first - LOOK_BACK[change.kind] <= change.time <= subject.last
        return count

    def _different(self, found: list[_Found], shown: int) -> list[tuple[float, ChangeRow]]:
        """The best of each sort: fifty calls of one script, or the four steps of one deployment, are one line for the
        reader; all are counted. Calls further apart than ``SCRIPT_MS`` are different ones."""
        out: list[tuple[float, ChangeRow]] = []
        told: dict[tuple[str | None, ...], list[int]] = {}
        for _, negative, _, key in found:
            if len(out) == shown:
                break
            change = self._row(key)
            sort = (change.source, change.kind, change.actor, change.component, change.revision or change.title)
            times = told.setdefault(sort, [])
            if not times or (change.revision is None and all(abs(change.time - t) > SCRIPT_MS for t in times)):
                out.append((-negative, change))
            times.append(change.time)
        return out


def key_of(change: ChangeRow) -> str:
    """The key of a change's row: its time, as text that sorts, and its identity."""
    return f"{_stamp(change.time)}\x1f{change.source}\x1f{change.source_id}"


def _stamp(time: int) -> str:
    """Event time in ms as text that sorts."""
    return f"{time + _SHIFT:020d}"
