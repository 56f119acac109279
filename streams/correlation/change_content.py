"""What a change touched and what signals name, as *marks* that can be compared: entities, digests, commits, packages.

A mark is a pair of kind and value, both sides spell it the same way, and sharing one is evidence. What a change says
of itself in free text (a commit message) is untrusted: only identifiers of a fixed form are taken from it, and they
count only where a signal names the very same one, so that a text can draw suspicion to its own change and to no other.

Title forms: Dependabot's ``Bump NAME from A to B``, Renovate's ``Update dependency NAME to B``. Kinds of attack from
outside: the names of MITRE ATT&CK's techniques T1110, T1190, T1498, T1499, T1566 and T1595. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from streams.correlation.rows import ChangeRow, SignalRow

Mark = tuple[str, str]

STRENGTH: Final[dict[str, float]] = {
    "digest": 1.0,
    "commit": 1.0,
    "commit-prefix": 0.9,
    "package-version": 1.0,
    "package-name": 0.7,
    "vulnerability": 0.8,
    "file": 0.6,
    "port": 0.5,
}
"""How much each kind of content proves that a change and a signal are about the same thing, 0 to 1."""

NOTHING: Final = frozenset({"account", "environment", "user_agent", "url", "namespace"})
"""Entities that changes are not looked up by: they name no one thing."""

ONGOING: Final = frozenset({"detection", "anomaly"})
"""Kinds of signal that tell of something going on."""

NEAR_MS: Final = 1_800_000
"""How far from what is going on a new weakness may be reported and still belong to it."""

INBOUND: Final = "inbound"
"""The kind of a signal that tells of somebody trying from outside, whatever runs inside."""

_PREFIX = 12
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT = re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{12,64}(?![0-9a-zA-Z])")
_WEAKNESS = re.compile(r"\bCVE-[0-9]{4}-[0-9]{4,7}\b|\bGHSA(?:-[0-9a-zA-Z]{4}){3}\b", re.IGNORECASE)
_NAME = r"(@?[A-Za-z0-9][A-Za-z0-9._/:-]{0,200})"
_BUMP = re.compile(rf"\b[Bb]ump {_NAME} from v?(\S{{1,80}}) to v?(\S{{1,80}})")
_UPDATE = re.compile(rf"\b[Uu]pdate (?:dependency |module )?{_NAME} (?:from v?(\S{{1,80}}) )?to v?(\S{{1,80}})")
_PORT = re.compile(r"\bport[ :=]{0,2}([0-9]{1,5})\b|\b([0-9]{1,5})/(?:tcp|udp)\b", re.IGNORECASE)
_SERVICE = re.compile(r"\b(ssh|rdp|smb|telnet|ftp|vnc|mysql|postgresql|redis|mongodb|elasticsearch)\b", re.IGNORECASE)
_PORTS = {
    "ssh": "22", "rdp": "3389", "smb": "445", "telnet": "23", "ftp": "21", "vnc": "5900", "mysql": "3306",
    "postgresql": "5432", "redis": "6379", "mongodb": "27017", "elasticsearch": "9200",
}  # fmt: skip
"""The services' registered ports (IANA), for those that are attacked by name."""
_OUTSIDE = re.compile(
    r"brute[ -]?force|password (?:guess|spray)|credential stuffing|failed (?:\w+ )?log[io]ns?|active scan|port ?scan"
    r"|\bscan(?:ning)? for\b|vulnerability scan|sql injection|cross-site scripting|path traversal|public-facing"
    r"|denial of service|\bddos\b|phishing",
    re.IGNORECASE,
)
_TITLE = 512


class Subject(NamedTuple):
    """What a unit is about, as far as changes are concerned. Event times in ms.

    ``dependencies``: component -> hops from the unit's components to it, 1 or 2. ``grave``: how grave the signals are
    that carry an entity, 0 to 1 against the unit's gravest; 1 for what is not in it. ``starts``: when each grave
    statement is made first, ascending; empty: at ``first``. ``ports``: what its signals tell of by port or by a
    service's name. ``lesser``: by how many levels beyond one this is less severe than ``beside``, the rest of the unit.
    """

    first: int
    last: int
    entities: frozenset[Mark]
    components: frozenset[str]
    kinds: frozenset[str]
    dependencies: Mapping[str, int] = {}
    grave: Mapping[Mark, float] = {}
    starts: tuple[int, ...] = ()
    ports: frozenset[str] = frozenset()
    lesser: int = 0
    beside: Subject | None = None


def about(first: int, last: int, signals: Sequence[SignalRow], dependencies: Mapping[str, int]) -> Subject:
    """The subject of these signals: what is going on, and beside it the weaknesses found, where there are both."""
    ongoing = [s for s in signals if s.kind in ONGOING]
    found = [s for s in signals if s.kind not in ONGOING]
    main = _subject(first, last, signals, _weights(signals, ongoing), dependencies)
    if not ongoing or not found:
        return main
    ahead = max(s.severity for s in ongoing) - max(s.severity for s in found)
    beside = _subject(first, last, found, _weights(found, []), dependencies)
    return main._replace(lesser=max(0, -1 - ahead), beside=beside._replace(lesser=max(0, ahead - 1)))


def _subject(
    first: int, last: int, signals: Sequence[SignalRow], weights: Sequence[float], dependencies: Mapping[str, int]
) -> Subject:
    grave: dict[Mark, float] = {}
    for signal, weight in zip(signals, weights, strict=True):
        for entity in signal.entities:
            if weight > grave.get(entity, 0.0):
                grave[entity] = weight
    gravest = [s for s, weight in zip(signals, weights, strict=True) if weight == 1]
    return Subject(
        first=first,
        last=last,
        entities=frozenset(grave),
        components=frozenset(s.component for s in signals if s.component is not None),
        kinds=frozenset(kind_of(s.kind, s.title) for s in gravest),
        dependencies=dependencies,
        grave={entity: weight for entity, weight in grave.items() if weight < 1},
        starts=tuple(sorted(set(_news(gravest).values()))),
        ports=frozenset(port for s in signals if s.kind == "detection" for port in ports(s.title)),
    )


def _weights(signals: Sequence[SignalRow], ongoing: Sequence[SignalRow]) -> list[float]:
    """How much each signal counts in what the unit is about, 0 to 1; at least one counts whole.

    By severity against the gravest. Where something is going on, a weakness, which may have been there for long, counts
    little, and hardly where nothing happens near it. One that is reported again, of another image perhaps, is nothing
    new.
    """
    gravest = max((s.severity for s in ongoing or signals), default=0)
    times = sorted(s.first for s in ongoing)
    news = _news(signals)
    out: list[float] = []
    for s in signals:
        below = gravest - s.severity
        weight = 1.0 if below <= 1 else 0.4 if below == 2 else 0.2
        if s.kind not in ONGOING:
            if ongoing:
                place = bisect_left(times, s.first - NEAR_MS)
                weight *= 0.6 if place < len(times) and times[place] <= s.first + NEAR_MS else 0.3
            if news[s.kind, s.title] < s.first:
                weight *= 0.2
        out.append(weight)
    return out


def _news(signals: Sequence[SignalRow]) -> dict[tuple[str, str], int]:
    """When each statement was made first."""
    news: dict[tuple[str, str], int] = {}
    for s in signals:
        first = news.get((s.kind, s.title))
        if first is None or s.first < first:
            news[s.kind, s.title] = s.first
    return news


def hops(components: Iterable[str], needs: Callable[[str], Iterable[str]]) -> dict[str, int]:
    """What the components depend on, directly (1) and through one other (2); ``needs`` names the direct ones.

    >>> hops(["web"], {"web": ["api"], "api": ["db", "web"]}.get)
    {'api': 1, 'db': 2}
    """
    own = set(components)
    near = {d for c in sorted(own) for d in needs(c) or ()} - own
    far = {d for c in sorted(near) for d in needs(c) or ()} - own - near
    return dict.fromkeys(sorted(near), 1) | dict.fromkeys(sorted(far), 2)


def kind_of(kind: str, title: str) -> str:
    """The kind of a signal, with detections of an attack from outside told apart.

    >>> kind_of("detection", "Credential stuffing against the login form")
    'inbound'
    """
    return INBOUND if kind == "detection" and _OUTSIDE.search(title[:_TITLE]) else kind


def ports(text: str) -> Iterator[str]:
    """Ports that a text names by number or by their service.

    >>> list(ports("Many failed SSH logins, port 2222"))
    ['2222', '22']
    """
    for found in _PORT.finditer(text[:_TITLE]):
        yield found[1] or found[2]
    for found in _SERVICE.finditer(text[:_TITLE]):
        yield _PORTS[found[1].lower()]


def package(purl: str) -> tuple[str, str]:
    """Name as people write it, lower case, and version ("" where there is none) of a package URL.

    >>> package("pkg:npm/%40solana/web3.js@1.95.6")
    ('@solana/web3.js', '1.95.6')
    >>> package("pkg:maven/org.apache.logging/log4j@2.17")
    ('org.apache.logging:log4j', '2.17')
    """
    kind, _, rest = purl.removeprefix("pkg:").partition("/")
    path, _, version = rest.rpartition("@") if "@" in rest.rpartition("/")[2] else (rest, "", "")
    if kind in ("deb", "apk", "rpm"):
        path = path.rpartition("/")[2]
    elif kind == "maven":
        path = path.replace("/", ":")
    return unquote(path).lower(), unquote(version)


def digest_of(image: str) -> str | None:
    """The digest in an image's id or any other text."""
    found = _DIGEST.search(image)
    return found[0] if found else None


def moved(title: str) -> tuple[str, str, str] | None:
    """Package, version before ("" if not said) and after, of a title that announces a dependency update.

    >>> moved("push to main of a/b: Bump lodash from 4.17.20 to 4.17.21")
    ('lodash', '4.17.20', '4.17.21')
    """
    found = _BUMP.search(title) or _UPDATE.search(title)
    return (found[1].lower(), found[2] or "", found[3].rstrip(".,;)")) if found else None


def of_entities(entities: Iterable[Mark]) -> Iterator[tuple[Mark, Mark]]:
    """Marks of content in entities, each with the entity it comes from."""
    for entity in entities:
        kind, id_ = entity
        if kind == "image":
            if (digest := digest_of(id_)) is not None:
                yield ("digest", digest), entity
            else:
                tag = id_.rpartition(":")[2]
                if len(tag) >= _PREFIX and _COMMIT.fullmatch(tag):
                    yield ("commit-prefix", tag[:_PREFIX]), entity
        elif kind == "commit":
            yield ("commit", id_), entity
            yield ("commit-prefix", id_[:_PREFIX]), entity
        elif kind == "package":
            name, version = package(id_)
            yield ("package-name", name), entity
            if version:
                yield ("package-version", f"{name}@{version}"), entity
        elif kind in ("vulnerability", "file"):
            yield entity, entity


class Traits(NamedTuple):
    """What can be read from a change by itself."""

    content: frozenset[Mark]
    """Marks of content: of its entities, its revision, and the identifiers in its title."""
    images: frozenset[str]
    """The repositories of the images that it brought."""
    removed: Mark | None
    """The package version that it took away, as a mark."""
    agents: frozenset[str]
    """The clients that made it."""


def traits(change: ChangeRow) -> Traits:
    """Read a change."""
    told, gone = _told(change.revision or "", change.title)
    agents = frozenset(id_ for kind, id_ in change.entities if kind == "user_agent")
    images = frozenset(id_.partition("@")[0] for kind, id_ in change.entities if kind == "image" and "@" in id_)
    content = [mark for mark, _ in of_entities(change.entities)]
    return Traits(told.union(content) if content else told, images, gone, agents)


@lru_cache(maxsize=4_096)
def _told(revision: str, title: str) -> tuple[frozenset[Mark], Mark | None]:
    """Marks of content in the texts of a change, which are often the same, and the package version it took away."""
    text = f"{revision} {title[:_TITLE]}"
    found = {("digest", digest) for digest in _DIGEST.findall(text)}
    for word in _COMMIT.findall(_DIGEST.sub(" ", text)):
        if len(word) in (40, 64):
            found.add(("commit", word))
        found.add(("commit-prefix", word[:_PREFIX]))
    for weakness in _WEAKNESS.findall(text):
        folded = weakness.upper()
        found.add(("vulnerability", folded if folded[0] == "C" else "GHSA-" + folded[5:].lower()))
    gone = None
    if (update := moved(title)) is not None:
        name, before, after = update
        found.add(("package-name", name))
        found.add(("package-version", f"{name}@{after}"))
        gone = ("package-version", f"{name}@{before}") if before else None
    found.update(("port", port) for port in ports(title))
    return frozenset(found), gone


def looked_up_by(change: ChangeRow, content: Iterable[Mark]) -> set[Mark]:
    """Every mark by which a change can be found: content, entities that name one thing, component, and who did what."""
    marks = {entity for entity in change.entities if entity[0] not in NOTHING}
    marks.update(content)
    if change.component is not None:
        marks.add(("component", change.component))
    if change.actor is not None:
        marks.add(("principal", change.actor))
    marks.add(call(change.source, change.action, change.actor))
    marks.add(("from", change.source))
    marks.add(("kind", change.kind))
    return marks


def call(source: str, action: str | None, actor: str | None) -> Mark:
    """The mark of a call by an actor, for what a unit did itself."""
    return "call", f"{source}\x1f{action}\x1f{actor}"
