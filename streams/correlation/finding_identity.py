"""When two findings are the same weakness: they share a key. Pure; says why in words.

A key joins *what* and *where*, spelt so that every report format comes to the same text:

- A vulnerability (or a licence) is an id in a package in a place. Ids: the finding's own and its aliases that name one
  weakness (CVE, GHSA and the like; of a GHSA with several CVEs none, of a CVE no other CVE). A vendor's advisory (DSA,
  RHSA, ALAS...) fixes many at once, so it counts only as the finding's own id, and then lends its CVE only if it has
  but one. Packages go without version, so that an upgrade that does not help is no new weakness, and without the
  distribution, which the place decides: all packages of operating systems, and those of no known type, are of one.
- The place is an image by digest *and* by every name that the report gave it (formats carry one, the other or both; a
  tag that is built again stays the place that its owners named), else a cloud resource or host, else a file in a
  repository or component, else what was scanned. A directory's own path is left out: each checkout has another one.
- A weakness in code or configuration, or a secret, is a rule with a fingerprint in a file. Lines move, so a finding
  with fingerprints has no key by line; one without has its file and line, or its resource.
- A detection is what its fingerprints say, nothing else: two alerts of one rule are two events.

Wrong for telling how often something was reported, and across domains: a relative path says nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import unquote

from schemas.events import Finding

MAX_KEYS = 64
"""Keys of one finding; those beyond are left out, the most telling come first."""

_IDS, _PACKAGES, _PLACES, _FILES, _WORDS = 6, 8, 6, 4, 256

_ADVISORY = re.compile(
    r"(DSA|DLA|DTSA|USN|LSN|GLSA|AVG|ASA|MGASA|VMSA|PHSA|KB|SSA|CISCO-SA|CE[SBE]A|RH[SBE]A|EL[SBE]A|AL[SBE]A|RL[SBE]A"
    r"|OL[SBE]A|XS[SBE]A|FEDORA(-EPEL)?|SUSE-[A-Z]+|OPENSUSE-[A-Z]+|ALAS[0-9A-Z_.]*)-.*\d"
)
_SYSTEM = frozenset({"deb", "apk", "rpm", "alpm", "ebuild", "qpkg", "generic"})
_VULNERABLE = frozenset({"vulnerability", "license"})
_PURL = re.compile(r"pkg:([^/@]+)/(@?[^@?#]+)")
_DIGEST = re.compile(r"[a-z0-9+._-]+:[0-9a-f]{32,}")
_POSITION = re.compile(r":\d+(-\d+)?$")
_LEAST = 16
"""Characters of a fingerprint; shorter ones are counters or columns."""


class Key(NamedTuple):
    """``line``: 32 hex digits, equal exactly for the same weakness; ``words`` a function of what it was made of."""

    line: str
    words: str


class Group(NamedTuple):
    """Members that are one weakness, sorted, and why: keys that hold them together, fewer than the members."""

    members: tuple[str, ...]
    reasons: tuple[str, ...]


_Part = tuple[tuple[str, ...], str]
"""What is hashed, and how it reads."""


def keys(finding: Finding) -> tuple[Key, ...]:
    """The identity of a finding, at most ``MAX_KEYS``; none where nothing says what and where it is.

    Line keys for grouping, with an unlimited window, and inside a unit the way to one signal with several reporters.
    """
    whats = _what(finding)
    if not whats:
        return ()
    where = _where(finding)
    found: dict[str, Key] = {}
    for what, words in whats:
        for place, place_words in where:
            line = _hash((*what, "@", *place))
            found[line] = Key(line, f"{words}{place_words}"[:_WORDS])
    return tuple(found.values())[:MAX_KEYS]


def inside(finding: Finding) -> tuple[str, ...]:
    """What the finding is inside its scan's target, under each id it has: for ``scans``, which knows the place.

    The same in every scan of the target that gives the same ids; empty where nothing says what it is.
    """
    image = finding.target is not None and finding.target.startswith("image ")
    files = () if image and finding.kind in _VULNERABLE else sorted(_files(finding))
    lines = [_hash((*what, "@", *files)) for what, _ in _what(finding)]
    return tuple(dict.fromkeys(lines))[:_IDS]


def same(a: Finding, b: Finding) -> str | None:
    """Why the two are the same weakness: the words of the first key that they share; None if they are not."""
    known = {key.line for key in keys(b)}
    return next((key.words for key in keys(a) if key.line in known), None)


def collapse(rows: Iterable[tuple[str, Sequence[Key]]]) -> tuple[Group, ...]:
    """Rows (a name and its keys) as groups that share keys, also through others: A with B, B with C makes one of three.

    In the order of their first member, whatever the order of the rows. A row without keys stays alone.

    >>> musl = Key("1f", "CVE-2019-14697 in musl of image sha256:0a")
    >>> collapse([("grype", (musl,)), ("other", ()), ("trivy", (musl,))])[0]
    Group(members=('grype', 'trivy'), reasons=('CVE-2019-14697 in musl of image sha256:0a',))
    """
    holders: dict[str, set[str]] = {}
    words: dict[str, str] = {}
    parent: dict[str, str] = {}
    for name, held in rows:
        parent[name] = name
        for key in held:
            holders.setdefault(key.line, set()).add(name)
            words[key.line] = min(words.get(key.line, key.words), key.words)

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    # The keys that hold most together come first, so that one reason does for as many as it can.
    joins = [(line, sorted(names)) for line, names in holders.items() if len(names) > 1]
    joins.sort(key=lambda join: (-len(join[1]), words[join[0]], join[0]))
    used: dict[str, list[str]] = {}
    for line, names in joins:
        roots = sorted({root(name) for name in names})
        if len(roots) > 1:
            for other in roots[1:]:
                parent[other] = roots[0]
            used.setdefault(names[0], []).append(words[line])
    groups: dict[str, list[str]] = {}
    for name in sorted(parent):
        groups.setdefault(root(name), []).append(name)
    return tuple(
        Group(tuple(members), tuple(dict.fromkeys(why for member in members for why in used.get(member, ()))))
        for members in sorted(groups.values())
    )


def _hash(parts: Iterable[str]) -> str:
    return blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


# What


def _what(finding: Finding) -> Sequence[_Part]:
    if finding.kind in _VULNERABLE:
        packages = _packages(finding.entities) or [("", "", "")]
        return [
            (("package", i.casefold(), kind, name), f"{i} in {label}" if label else i)
            for i in (_ids(finding) if finding.kind == "vulnerability" else [finding.rule])
            for kind, name, label in packages
        ]
    prints = [value for text in finding.fingerprints if len(value := text.partition("=")[2]) >= _LEAST][:_PACKAGES]
    if finding.kind == "detection":
        return [(("print", value), f"{finding.rule} with fingerprint {value[:64]}") for value in prints]
    rules = [rule for rule in dict.fromkeys((finding.rule, *finding.aliases)) if not rule.startswith("CWE-")][:_IDS]
    if prints:
        return [
            (("print", rule.casefold(), value), f"{rule} with fingerprint {value[:64]}")
            for rule in rules
            for value in prints
        ]
    position = _POSITION.search(_path(finding))
    if position is None and finding.kind != "misconfiguration":
        return []  # a rule breaks often in one file
    line = position[0] if position else ""
    return [(("place", rule.casefold(), line), f"{rule} at line {line[1:]}" if line else rule) for rule in rules]


def _ids(finding: Finding) -> list[str]:
    """The ids that name this weakness alone, its own first."""
    given = list(dict.fromkeys(i.strip() for i in (finding.rule, *finding.aliases[:32])))
    own, others = given[0], given[1:]
    if not others:
        return given
    cves = [i for i in others if i.upper().startswith("CVE-")]
    usable = [] if own.upper().startswith("CVE-") or len(cves) != 1 else cves
    if not _ADVISORY.match(own.upper()):
        usable += [i for i in others if i not in cves and i and not i.startswith("CWE-") and not _bundle(i)]
    return [own, *usable][:_IDS]


def _bundle(reference: str) -> bool:
    return _ADVISORY.match(reference.upper()) is not None


def _packages(entities: Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Type, name and label of each package entity."""
    found = [_package(url) for kind, url in entities if kind == "package"]
    return list(dict.fromkeys(package for package in found if package))[:_PACKAGES]


@lru_cache(maxsize=4096)
def _package(url: str) -> tuple[str, str, str] | None:
    match = _PURL.match(url)
    if match is None:
        return None
    kind, path = match[1].lower(), unquote(match[2]).strip("/")
    if kind in _SYSTEM:
        kind, path = "os", path.rpartition("/")[2]
    elif kind == "pypi":
        path = re.sub(r"[-_.]+", "-", path)
    return kind, path.casefold(), path


# Where


def _where(finding: Finding) -> Sequence[_Part]:
    images = _images(finding)
    vulnerable = finding.kind in _VULNERABLE
    if finding.kind == "detection":
        return [((), "")]
    files = [] if vulnerable and images else _files(finding)
    if images:
        return [((*place, *files[:1]), _in(files) + words) for place, words in images][:_PLACES]
    named = _named(finding.entities, ("resource", "host", "workload")) or _named(finding.entities, ("principal",))
    if named and (vulnerable or not files):
        return [((kind, id_.casefold()), f" of {kind} {id_}") for kind, id_ in named]
    scopes: list[_Part] = [
        (("repository", id_.casefold()), f" of repository {id_}")
        for kind, id_ in dict.fromkeys(finding.entities)
        if kind == "repository"
    ]
    if finding.component:
        scopes.append((("component", finding.component), f" of component {finding.component}"))
    if not files:
        if not scopes and finding.target:
            scopes.append((("target", finding.target), f" of {finding.target}"))
        return scopes[:_PLACES]
    scopes = scopes[:_PLACES] or [((), "")]
    if vulnerable:  # each file by itself: a report that knows fewer of them is still about one
        return [((*scope, file), f" of {file}{words}") for scope, words in scopes for file in files]
    return [((*scope, files[0]), f"{_in(files)}{words}") for scope, words in scopes]


def _named(entities: Sequence[tuple[str, str]], kinds: Sequence[str]) -> list[tuple[str, str]]:
    """The first entity of each kind: what a finding is about comes before what lies around it."""
    first: dict[str, str] = {}
    for kind, id_ in entities:
        if kind in kinds:
            first.setdefault(kind, id_)
    return sorted(first.items())


def _in(files: Sequence[str]) -> str:
    return f" in {files[0]}" if files else ""


def _images(finding: Finding) -> Sequence[_Part]:
    """The image's digests, then its names."""
    named = [id_ for kind, id_ in finding.entities if kind == "image"]
    if finding.target and finding.target.startswith("image "):
        named.append(finding.target[6:])
    digests, names = [], []
    for id_ in named:
        _, at, digest = id_.rpartition("@")
        if _DIGEST.fullmatch(digest if at else id_):
            digests.append(digest if at else id_)
        else:
            names.append(id_)
    return [(("image", id_), f" of image {id_}") for id_ in dict.fromkeys((*digests, *names))]


def _files(finding: Finding) -> list[str]:
    """Paths without what differs between tools: a leading slash or dot, a Windows separator."""
    found = [id_ for kind, id_ in finding.entities if kind == "file"]
    if not found and (path := _path(finding)):
        found = [_POSITION.sub("", path)]
    trimmed = (file.replace("\\", "/").removeprefix("./").lstrip("/") for file in found)
    return list(dict.fromkeys(file for file in trimmed if file))[:_FILES]


def _path(finding: Finding) -> str:
    """The location if it is a path, with or without a line; empty if it is a URL, an ARN or the like."""
    location = finding.location or ""
    return "" if location.startswith("arn:") or "::" in location or "://" in location else location
