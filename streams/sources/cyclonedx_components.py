"""The components of a CycloneDX document by reference: package URL, name and where they lie."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

from streams.sources.canonical import purl
from streams.sources.document import mapping, sequence
from streams.sources.fields import text
from streams.sources.packages import kind_of_file, package_url

LIMIT = 100_000
"""Components that are looked at; those beyond are known by their reference alone."""

_KIND = frozenset({"syft:package:type", "aquasecurity:trivy:PkgType"})
_PATH = frozenset({"syft:location:0:path", "aquasecurity:trivy:FilePath"})


class Component(NamedTuple):
    """``files``: its place, or the manifests that bring it in; empty where the place says nothing."""

    url: str | None
    name: str
    version: str
    files: tuple[str, ...]


def components(document: dict[str, Any]) -> dict[str, Component]:
    """Every component with a ``bom-ref``, nested ones included (specification, "components")."""
    found: dict[str, Component] = {}
    manifests: dict[str, str] = {}
    left = deque(sequence(document.get("components")))
    while left and len(found) < LIMIT:
        given = mapping(left.popleft())
        left.extend(sequence(given.get("components")))
        ref = text(given.get("bom-ref"), 1024)
        if ref is None:
            continue
        name = text(given.get("name"), 512) or ""
        if given.get("type") == "application" and kind_of_file(name):
            manifests[ref] = name
        found[ref] = _component(given, name)
    if manifests:
        _place(found, manifests, sequence(document.get("dependencies")))
    return found


def _component(given: dict[str, Any], name: str) -> Component:
    version, group = text(given.get("version"), 256) or "", text(given.get("group"), 256)
    kind = path = None
    for entry in map(mapping, sequence(given.get("properties"))[:256]):
        called = text(entry.get("name"), 128)
        if called in _KIND:
            kind = kind or text(entry.get("value"), 64)
        elif called in _PATH:
            path = path or text(entry.get("value"), 1024)
    for occurrence in map(mapping, sequence(mapping(given.get("evidence")).get("occurrences"))[:1]):
        path = path or text(occurrence.get("location"), 1024)
    full = f"{group}/{name}" if group else name
    url = purl(text(given.get("purl"), 1024) or "") or (package_url(kind, full, version) if name else None)
    files = (path,) if path and not _is_database(path) else ()
    return Component(url, full, version, files)


def _is_database(path: str) -> bool:
    """Whether it is a package manager's own list, which holds all packages of a system."""
    return path.endswith(
        ("/dpkg/status", "/apk/db/installed", "/rpm/Packages", "/rpm/rpmdb.sqlite", "/rpm/Packages.db")
    )


def _place(found: dict[str, Component], manifests: dict[str, str], dependencies: list[Any]) -> None:
    """Give those without a place the manifests from which the graph leads to them."""
    below: dict[str, list[str]] = {}
    for entry in map(mapping, dependencies[:LIMIT]):
        if ref := text(entry.get("ref"), 1024):
            below[ref] = [other for other in sequence(entry.get("dependsOn")) if isinstance(other, str)]
    for manifest, file in sorted(manifests.items()):
        seen: set[str] = {manifest}
        left = deque(below.get(manifest, ()))
        while left:
            ref = left.popleft()
            if ref in seen:
                continue
            seen.add(ref)
            left.extend(below.get(ref, ()))
            component = found.get(ref)
            if component is not None and file not in component.files and len(component.files) < 4:
                found[ref] = component._replace(files=(*component.files, file))
