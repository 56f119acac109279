"""Backstage catalog entities (``catalog-info.yaml``, or the catalog API's ``/entities``) as context records.

Descriptor format ``backstage.io/v1alpha1``: Component, Resource, System, API, Group and User are read. What Weir keeps
of one, ``record`` below, is small, so that a catalog of thousands fits the log:

    {kind, name, namespace, system, owner, depends_on: [ref], dependency_of: [ref], provides: [ref], tags: [text],
     links: {repository: [owner/name], images: [reference], namespaces: [name], workloads: [name], arns: [arn]},
     controls: [text], criticality: 1 to 4}

References are full and in lower case, ``component:default/pay``: kind and namespace default as the documentation of
each field says. An API that a component consumes counts among ``depends_on``. Lists are sorted.

Annotations that link an entity to what events name: ``github.com/project-slug``, ``gitlab.com/project-slug``, else
``backstage.io/source-location``; ``backstage.io/kubernetes-namespace`` and ``backstage.io/kubernetes-id``; any that
ends in ``/container-image``; those of ``amazonaws.com`` and ``aws.amazon.com`` that hold an ARN. A value may list
several, separated by commas.

Two annotations are Weir's own, and their fields are there only where the entity has them:
``weir.dev/compensating-controls: waf, mfa`` names what makes the component harder to reach, in words that a policy
exception can name again; ``weir.dev/criticality: tier-1`` (to ``tier-4``, or ``1`` to ``4``; else a tag ``tier-1`` or
``tier1``) says how much depends on it, 1 the most. Tags ``internet-facing``, ``not-internet-facing`` (which
goes before what the log shows), ``privileged`` and ``customer-path`` count as they are.

Of a User only its accounts are kept, in a record of kind "alias" that says they are one person's:

    {entity: [principal, user:default/ann], aliases: [[principal, id]]}

They are the logins in ``github.com/user-login``, the address in ``spec.profile.email``, and the principals among the
ARNs of ``amazonaws.com`` and ``aws.amazon.com`` annotations. An account that several people use does not belong there.
Without any, the record is withdrawn.

YAML is parsed by ``documents_from_yaml``; ``read`` takes the documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from streams.sources.aws_names import canonical, entity_of
from streams.sources.base import ContextDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image, repository
from streams.sources.document import mapping, sequence, texts
from streams.sources.fields import email, text
from streams.sources.yaml_documents import documents_from_yaml as documents_from_yaml

KINDS = frozenset({"component", "resource", "system", "api", "group", "user"})

CONTROLS = "weir.dev/compensating-controls"
CRITICALITY = "weir.dev/criticality"

_TIER = re.compile(r"(?:tier-?)?([1-4])")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_REFERENCE = re.compile(r"(?:(?P<kind>[A-Za-z]+):)?(?:(?P<namespace>[^:/]+)/)?(?P<name>[^:/]+)")
_AWS = ("amazonaws.com", "aws.amazon.com")


class Backstage:
    """Catalog entities; gives context records of kind "catalog", of users "alias", by the entity's reference."""

    name = "backstage"
    lateness = timedelta(seconds=1)
    """Nominal: a record counts from its place in the log, it has no time of its own."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``apiVersion: backstage.io/…``, of the first entity where the document is an array."""
        first = document[0] if isinstance(document, list) and document else document
        return isinstance(first, dict) and _is_backstage(first)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every entity; an empty array is one ignored item."""
        entities = document if isinstance(document, list) else [document]
        for item, entity in enumerate(entities):
            yield item, _read(f"[{item}]." if isinstance(document, list) else "", entity)
        if not entities:
            yield 0, Ignored("no entities")


def reference(value: object, kind: str | None, namespace: str) -> str | None:
    """A full, lower-case reference of a string or compound one; ``kind`` and ``namespace`` are its field's defaults.

    >>> reference("group:pet-managers", "group", "default")
    'group:default/pet-managers'
    """
    if isinstance(value, dict):
        given = {"kind": value.get("kind"), "namespace": value.get("namespace"), "name": value.get("name")}
    else:
        match = _REFERENCE.fullmatch(text(value, 200) or "")
        given = dict(match.groupdict()) if match else {}
    name, kind = text(given.get("name"), 63), text(given.get("kind"), 63) or kind
    if name is None or kind is None:
        return None
    return f"{kind}:{text(given.get('namespace'), 63) or namespace}/{name}".lower()


def _read(place: str, entity: object) -> ContextDraft | Malformed | Ignored:
    if not isinstance(entity, dict):
        return Malformed(place.rstrip("."), "not an object")
    if not _is_backstage(entity):
        return Malformed(f"{place}apiVersion", "not of backstage.io")
    kind = text(entity.get("kind"), 63)
    if kind is None:
        return Malformed(f"{place}kind", "missing")
    kind = kind.lower()
    if kind not in KINDS:
        return Ignored("kind of entity not read")
    metadata = mapping(entity.get("metadata"))
    name = text(metadata.get("name"), 63)
    if name is None or not _NAME.fullmatch(name):
        return Malformed(f"{place}metadata.name", "missing, or not 1 to 63 of [A-Za-z0-9_.-]")
    namespace = metadata.get("namespace") or "default"
    if not isinstance(namespace, str) or not _NAME.fullmatch(namespace):
        return Malformed(f"{place}metadata.namespace", "not 1 to 63 of [A-Za-z0-9_.-]")
    name, namespace = name.lower(), namespace.lower()
    spec = mapping(entity.get("spec"))
    if kind == "user":
        return _person(f"user:{namespace}/{name}", mapping(metadata.get("annotations")), spec)
    needs = [
        *_references(spec.get("dependsOn"), "component", namespace),
        *_references(spec.get("consumesApis"), "api", namespace),
    ]
    record: dict[str, Any] = {
        "kind": kind,
        "name": name,
        "namespace": namespace,
        "system": reference(spec.get("system"), "system", namespace),
        "owner": reference(spec.get("owner"), "group", namespace),
        "depends_on": sorted(set(needs)),
        "dependency_of": _references(spec.get("dependencyOf"), "component", namespace),
        "provides": _references(spec.get("providesApis"), "api", namespace),
        "tags": sorted({tag.lower() for tag in texts(metadata.get("tags"), 63)}),
        "links": _links(mapping(metadata.get("annotations"))),
    }
    annotations = mapping(metadata.get("annotations"))
    if controls := sorted(set(_listed(annotations.get(CONTROLS)))):
        record["controls"] = controls
    if (tier := _tier(annotations.get(CRITICALITY), record["tags"])) is not None:
        record["criticality"] = tier
    return {"type": "context", "kind": "catalog", "key": f"{kind}:{namespace}/{name}", "record": record}


def _person(ref: str, annotations: dict[str, Any], spec: dict[str, Any]) -> ContextDraft:
    given = {name: _listed(value) for name, value in annotations.items() if isinstance(name, str)}
    accounts = {f"github:{login.lower()}" for login in given.get("github.com/user-login", ())}
    if address := email(mapping(spec.get("profile")).get("email")):
        accounts.add(address)
    accounts.update(
        found[1]
        for name, values in given.items()
        if name.partition("/")[0].endswith(_AWS)
        for value in values
        if (found := entity_of(value)) is not None and found[0] == "principal"
    )
    aliases = [["principal", account] for account in sorted(accounts)]
    record = {"entity": ["principal", ref], "aliases": aliases} if aliases else None
    return {"type": "context", "kind": "alias", "key": ref, "record": record}


def _tier(annotation: object, tags: list[str]) -> int | None:
    """The annotation goes before the tags; of several tags the most critical."""
    given = _TIER.fullmatch((text(annotation, 16) or "").strip().lower())
    if given is not None:
        return int(given[1])
    tiers = [int(found[1]) for tag in tags if tag.startswith("tier") and (found := _TIER.fullmatch(tag))]
    return min(tiers, default=None)


def _is_backstage(entity: dict[str, Any]) -> bool:
    version = entity.get("apiVersion")  # never str(): the aliases of a YAML document can make it exponentially long
    return isinstance(version, str) and version.startswith("backstage.io/")


def _references(value: object, kind: str, namespace: str) -> list[str]:
    return sorted({found for item in sequence(value) if (found := reference(item, kind, namespace))})


def _links(annotations: dict[str, Any]) -> dict[str, list[str]]:
    given = {name: _listed(value) for name, value in annotations.items() if isinstance(name, str)}
    slugs = [*given.get("github.com/project-slug", ()), *given.get("gitlab.com/project-slug", ())]
    sources = slugs or given.get("backstage.io/source-location", [])
    repositories = [found.path for source in sources if (found := repository(source))]
    images = [value for name, values in given.items() if name.endswith("/container-image") for value in values]
    namespaces = given.get("backstage.io/kubernetes-namespace", [])
    workloads = given.get("backstage.io/kubernetes-id", [])
    if namespaces:
        workloads = [f"{namespace}/{workload}" for namespace in namespaces for workload in workloads]
    arns = [
        value
        for name, values in given.items()
        if name.partition("/")[0].endswith(_AWS)
        for value in values
        if entity_of(value)
    ]
    return {
        "repository": sorted(set(repositories)),
        "images": sorted({_image(value) for value in images if image(value)}),
        "namespaces": sorted(set(namespaces)),
        "workloads": sorted(set(workloads)),
        "arns": sorted({canonical(value) for value in arns}),
    }


def _listed(value: object) -> list[str]:
    return [part for item in (text(value, 4096) or "").split(",") if (part := item.strip()) and len(part) <= 512]


def _image(value: str) -> str:
    """The reference in canonical spelling with all it has: repository, tag and digest."""
    found = image(value)
    assert found is not None
    tag = f":{found.tag}" if found.tag else ""
    return f"{found.repository}{tag}" + (f"@{found.digest}" if found.digest else "")
