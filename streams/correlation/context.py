"""What was known of the world at a time: context records in versions, looked up as of an event. Pure.

One row a key in one table of the partition; the log holds a record once a partition, whatever its domains are. A record
that says nothing new makes no version, so a whole feed taken again costs no state.

When a version is in force from:

- ``epss``, ``vex``, ``feed``, ``on_call``, ``case``: its own date (of the score, of the statement, of the reading,
  of the beginning of the duty, of the closing). Versions come in any order. One without a date is as all else.
- ``kev``, ``policy_exception``, ``deployment_window``, ``freeze``: the first version from the day it was added,
  created or, of the catalogue itself, released; a later one (the due date was moved) from its place in the log on,
  since nobody says when that happened.
- ``catalog`` and all else: a first version holds for all time before it too, being the best that is known; a later one
  from its place in the log on.

Wrong for what changes more often than ``MAX_VERSIONS`` times within the life of a unit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple, cast

from streams.correlation.table import Table

MAX_VERSIONS = 8
"""Versions kept of one key; the oldest go, and are counted in its row."""

DATED = frozenset({"epss", "vex", "feed", "on_call", "case"})
"""Kinds whose versions are in force from their own dates on, in whatever order they come."""

MOST = {"on_call": 5_000, "deployment_window": 1_000, "freeze": 1_000, "vex": 50_000, "case": 20_000, "feed": 100}
"""Keys kept of a kind, where it can grow without end; beyond, a tenth goes: the withdrawn, then what is oldest."""

KEPT = 256
"""Parsed records that are remembered; then all are forgotten."""

ALWAYS = -(2**62)
"""In force from: before every event."""

FEED = "feed"
"""Key of the record in which a feed says what it is: its version and date."""

_SEP = "\x1f"

Version = tuple[int, int | None, int, str | None]
"""In force from (event ms), dated (ms, None where nothing says), log offset, record as JSON (None: withdrawn)."""

Row = tuple[int, tuple[Version, ...]]
"""Versions that were evicted, versions by the time they are in force from."""


class Fact(NamedTuple):
    """A record as it was at a time. ``age`` in ms at that time, None where the record has no date."""

    kind: str
    key: str
    record: Mapping[str, Any]
    version: str
    """Log offset and content, so that two versions never share it: ``17-3f9a0c42``."""
    age: int | None

    def words(self) -> str:
        """The record, its version and its age, as an analyst reads them."""
        return f"{self.kind} {self.key} version {self.version}, {old(self.age)}"


class Context:
    """Context records by kind and key, over one table.

    A new one must be made when rows of the table were put back by somebody else: after a restore, and after an undo.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._parsed: dict[str, tuple[dict[str, Any], str]] = {}
        self._about: dict[tuple[str, str], set[str]] = {}
        self._count: dict[str, int] = {}
        self._sum = 0
        for name, row in table.items():
            kind, _, key = name.partition(_SEP)
            versions = cast(Row, row)[1]
            if not key:
                continue  # how many of the kind were evicted
            self._sum += _hash(name, versions[-1][3])
            self._index(kind, key, versions)
            self._count[kind] = self._count.get(kind, 0) + 1

    def put(self, kind: str, key: str, record: dict[str, Any] | None, log_time: int, offset: int = 0) -> bool:
        """Take a record that arrived at ``log_time`` (ms); None withdraws. False if it says nothing new."""
        name = kind + _SEP + key
        row = cast(Row | None, self._table.get(name))
        dropped, versions = row or (0, ())
        text = None if record is None else json.dumps(record, sort_keys=True, separators=(",", ":"))
        if text is None and not versions:
            return False
        stated = _stated(kind, record)
        if kind in DATED and stated is not None:
            since = stated
        elif not versions:
            since = ALWAYS if stated is None else stated
        elif versions[-1][3] == text:
            return False
        else:
            last = versions[-1][0]
            since = stated if stated is not None and stated > last else max(log_time, last)
        dated = since if since > 0 else log_time if log_time > 0 else None
        if any(version[0] == since and version[3] == text for version in versions):
            return False
        kept = [version for version in versions if version[0] != since]
        kept.append((since, dated, offset, text))
        kept.sort(key=lambda version: version[0])
        over = max(0, len(kept) - MAX_VERSIONS)
        now = tuple(kept[over:])
        if versions:
            self._sum -= _hash(name, versions[-1][3])
        self._sum += _hash(name, now[-1][3])
        self._table[name] = (dropped + over, now)
        self._index(kind, key, now)
        if row is None:
            self._count[kind] = self._count.get(kind, 0) + 1
            if self._count[kind] > MOST.get(kind, self._count[kind]):
                self._evict(kind)
        return True

    def at(self, kind: str, key: str, time: int) -> Fact | None:
        """The record as it was at ``time`` (event ms); None where there was none, or it had been withdrawn.

        Where versions of that time were evicted, the oldest that is kept.
        """
        row = cast(Row | None, self._table.get(kind + _SEP + key))
        if row is None:
            return None
        dropped, versions = row
        found = next((version for version in reversed(versions) if version[0] <= time), None)
        if found is None and dropped:
            found = versions[0]
        if found is None:
            return None
        _, dated, offset, text = found
        if text is None:
            return None
        record, content = self._read(text)
        return Fact(kind, key, record, f"{offset}-{content}", None if dated is None else time - dated)

    def has(self, kind: str, key: str) -> bool:
        """Whether there is any version of the record, withdrawn ones included."""
        return kind + _SEP + key in self._table

    def exceptions(self, component: str, time: int) -> list[Fact]:
        """The policy exceptions of a component, under any spelling, that were in force at ``time``; by id."""
        found = []
        for fact in self.about("policy_exception", spelt(component), time):
            since, until = instant(fact.record.get("valid_from")), instant(fact.record.get("valid_to"))
            if (since is None or since <= time) and (until is None or time < until):
                found.append(fact)
        return found

    def about(self, kind: str, subject: str, time: int) -> list[Fact]:
        """The records of a kind that were about a subject, as ``subjects`` spells it, at ``time``; by key."""
        facts = (self.at(kind, key, time) for key in sorted(self._about.get((kind, subject), ())))
        return [fact for fact in facts if fact is not None and subject in subjects(kind, fact.record)]

    def knows(self, kind: str) -> bool:
        """Whether there is any record of a kind, withdrawn ones included."""
        return kind in self._count

    def epss(self, cve: str, time: int) -> tuple[float, Fact] | None:
        """Exploit probability of a CVE as the newest feed before ``time`` says, and the record it stands in."""
        alone, block = self.at("epss", cve, time), self.at("epss", block_of(cve), time)
        score = None if alone is None else _number(alone.record.get("epss"))
        among = None if block is None else _among(block.record.get("scores"), cve)
        if alone is not None and score is not None and (block is None or among is None or _younger(alone, block)):
            return score, alone
        return None if block is None or among is None else (among, block)

    def latest(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Key and newest record of a kind, withdrawn ones left out, by key."""
        prefix = kind + _SEP
        for name in sorted(name for name in self._table if name.startswith(prefix) and name != prefix):
            text = cast(Row, self._table[name])[1][-1][3]
            if text is not None:
                yield name[len(prefix) :], json.loads(text)

    @property
    def dropped(self) -> int:
        """Versions that were evicted, in all."""
        return sum(cast(Row, row)[0] for row in self._table.values())

    def digest(self) -> str:
        """A hash of the newest versions in hex, whatever the order they came in."""
        return f"{self._sum % (1 << 128):032x}"

    def _index(self, kind: str, key: str, versions: tuple[Version, ...]) -> None:
        if kind not in _INDEXED:
            return
        for version in versions:
            if version[3] is not None:
                for subject in subjects(kind, json.loads(version[3])):
                    self._about.setdefault((kind, subject), set()).add(key)

    def _evict(self, kind: str) -> None:
        prefix = kind + _SEP
        names = [name for name in self._table if name.startswith(prefix) and name != prefix]
        names.sort(key=lambda name: (self._table[name][1][-1][3] is not None, self._table[name][1][-1][0], name))
        gone = cast(Row | None, self._table.get(prefix))
        over = names[: max(1, len(names) // 10)]
        for name in over:
            row = cast(Row, self._table[name])
            self._sum -= _hash(name, row[1][-1][3])
            del self._table[name]
            for version in row[1]:
                if version[3] is not None:
                    for subject in subjects(kind, json.loads(version[3])):
                        self._about.get((kind, subject), set()).discard(name[len(prefix) :])
        self._count[kind] -= len(over)
        self._table[prefix] = ((gone[0] if gone else 0) + len(over), ())

    def _read(self, text: str) -> tuple[dict[str, Any], str]:
        """The record, and a short hash of it."""
        found = self._parsed.get(text)
        if found is None:
            if len(self._parsed) >= KEPT:
                self._parsed.clear()
            found = self._parsed[text] = json.loads(text), blake2b(text.encode(), digest_size=4).hexdigest()
        return found


def spelt(component: str) -> str:
    """One spelling of a component's name for all: ``pay`` for ``Component:default/pay``."""
    return component.lower().removeprefix("component:").removeprefix("default/")


_INDEXED = frozenset({"policy_exception", "on_call", "deployment_window", "freeze", "vex", "case"})
"""Kinds that are looked up by what they are about."""


def subjects(kind: str, record: Mapping[str, Any]) -> tuple[str, ...]:
    """What a record is about, as ``about`` finds it: components, systems and teams in their short spelling, CVEs and
    rules in upper case. Whatever the record holds.

    >>> subjects("freeze", {"system": "system:default/Shop"}), subjects("freeze", {})
    (('system:shop',), ('',))
    """
    match kind:
        case "policy_exception":
            return (spelt(str(record.get("component"))),)
        case "on_call" | "deployment_window" | "freeze":
            for field in ("component", "system", "team"):
                if isinstance(value := record.get(field), str) and value:
                    return (f"{field}:{bare(value)}",)
            return ("",)
        case "vex" | "case":
            aliases = record.get("aliases")
            names = [record.get(field) for field in ("vulnerability", "cve", "rule")]
            names += aliases[:16] if isinstance(aliases, list) else ()
            found = [name.upper() for name in names if isinstance(name, str) and name]
            if kind == "case" and not found and isinstance(title := record.get("title"), str):
                found.append(same_title(title, bare(str(record.get("component")))))
            return tuple(dict.fromkeys(found))
    return ()


_VARIABLE = re.compile(r"\b(?=[a-f]*[0-9])[0-9a-f]{7,64}\b|[0-9]+(?:[.:][0-9]+)*")


def same_title(title: str, component: str) -> str:
    """A title about a component as a subject: without its numbers, which differ each time."""
    return f"{component}\x1f{_VARIABLE.sub('#', title)}"


def bare(name: str) -> str:
    """One short spelling of a component, system or team: ``payments`` for ``group:default/payments``."""
    name = name.lower()
    for kind in ("component:", "system:", "group:", "team:", "user:"):
        name = name.removeprefix(kind)
    return name.removeprefix("default/")


def block_of(cve: str) -> str:
    """The key under which a feed's scores of a thousand neighbouring CVEs stand.

    >>> block_of("CVE-2021-44228")
    'CVE-2021-44xxx'
    """
    return cve[:-3] + "xxx"


def old(age: int | None) -> str:
    """An age in words.

    >>> old(3_600_000 * 50), old(59_000), old(None)
    ('2 days old', 'less than an hour old', 'of unknown age')
    """
    if age is None:
        return "of unknown age"
    hours = abs(age) // 3_600_000
    days = hours // 24
    if hours < 1:
        span = "less than an hour"
    elif days < 2:
        span = f"{hours} hour{'s' if hours > 1 else ''}"
    else:
        span = f"{days} days"
    return f"{span} old" if age >= 0 else f"recorded {span} later"


def instant(value: object) -> int | None:
    """A day or RFC 3339 instant in ms, UTC where it names no offset; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        given = datetime.fromisoformat(value)
    except ValueError:
        return None
    if given.tzinfo is None:
        given = given.replace(tzinfo=UTC)
    return round(given.timestamp() * 1000)


def _stated(kind: str, record: dict[str, Any] | None) -> int | None:
    """The date that the record itself gives for when it began to hold."""
    if record is None:
        return None
    match kind:
        case "epss":
            return instant(record.get("date"))
        case "kev":
            return instant(record.get("added") or record.get("released"))
        case "policy_exception" | "deployment_window" | "freeze":
            return instant(record.get("created_at"))
        case "vex":
            return instant(record.get("timestamp"))
        case "feed":
            return instant(record.get("read_at"))
        case "on_call":
            return instant(record.get("from"))
        case "case":
            return instant(record.get("closed_at"))
    return None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1 else None


def _among(scores: object, cve: str) -> float | None:
    """The score after ``;44228=`` of ``;44227=0.1;44228=0.9``: a search, since reading a thousand is a waste."""
    if not isinstance(scores, str):
        return None
    mark = ";" + cve.rpartition("-")[2] + "="
    start = scores.find(mark)
    if start < 0:
        return None
    try:
        return _number(float(scores[start + len(mark) :][:24].partition(";")[0]))
    except ValueError:
        return None


def _younger(one: Fact, other: Fact) -> bool:
    return one.age is not None and (other.age is None or one.age < other.age)


def _hash(name: str, text: str | None) -> int:
    if text is None:
        return 0
    return int.from_bytes(blake2b((name + _SEP + text).encode(), digest_size=16).digest(), "big")
