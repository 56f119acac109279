"""Whom and what an OCSF event is about, as entities: its resources, device, actor, endpoints, observables, account.

Objects and observable types of OCSF 1.1 to 1.8. An ARN is canonicalised wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.entity import EntityKind
from streams.sources.aws_names import entity_of
from streams.sources.base import EntityDraft
from streams.sources.canonical import image, vulnerability
from streams.sources.document import mapping, sequence
from streams.sources.fields import address, dig, text

LIMIT = 64
"""Entities of one event; an event about more things than this is about none of them in particular."""

_OBSERVABLES: dict[int, EntityKind] = {
    1: "host",
    4: "principal",
    5: "principal",
    6: "url",
    7: "file",
    8: "file",  # a hash names a file's content
    16: "user_agent",
    19: "access_key",
    27: "workload",
    31: "principal",
    35: "account",
    45: "file",
    46: "host",
}
_WORKLOADS = frozenset({"pod", "deployment", "statefulset", "daemonset", "job", "cronjob", "replicaset"})


def entities(event: dict[str, Any]) -> list[EntityDraft]:
    """The event's entities, each once, what was affected before who acted."""
    found: list[EntityDraft] = []
    _resources(event, found)
    if isinstance(resource := event.get("resource"), dict):
        found += _resource(resource)
    _part(event, found)
    for evidence in sequence(event.get("evidences"))[:LIMIT]:
        if isinstance(evidence, dict):
            _resources(evidence, found)
            _part(evidence, found)
    for observable in sequence(event.get("observables"))[: 4 * LIMIT]:
        if isinstance(observable, dict) and (seen := _observable(observable)):
            found.append(seen)
    if account := text(dig(event, "cloud", "account", "uid"), 128):
        found.append(("account", account))
    return list(dict.fromkeys(found))[:LIMIT]


def _resources(part: dict[str, Any], found: list[EntityDraft]) -> None:
    for resource in sequence(part.get("resources"))[: 4 * LIMIT]:
        if isinstance(resource, dict):
            found += _resource(resource)


def _part(part: dict[str, Any], found: list[EntityDraft]) -> None:
    """The objects that an event and each of its evidences may have. Most have few: only what is there is read."""
    if isinstance(device := part.get("device"), dict):
        found += _endpoint(device)
    if isinstance(container := part.get("container"), dict):
        found += _container(container)
    if isinstance(user := part.get("user"), dict):
        found += _user(user)
    if isinstance(actor := part.get("actor"), dict):
        if isinstance(user := actor.get("user"), dict):
            found += _user(user)
        if session := _name(dig(actor, "session", "uid"), "session"):
            found.append(session)
    if isinstance(source := part.get("src_endpoint"), dict):
        found += _endpoint(source)
    if isinstance(target := part.get("dst_endpoint"), dict):
        found += _endpoint(target)
    if file := text(dig(part, "file", "path")):
        found.append(("file", file))
    if url := text(dig(part, "url", "url_string"), 1024):
        found.append(("url", url))


def _name(value: object, kind: EntityKind) -> EntityDraft | None:
    """The named thing: what its ARN says it is, else of the given kind."""
    name = text(value)
    if name is None:
        return None
    return (entity_of(name) if name.startswith("arn:") else None) or (kind, name)


def _resource(resource: dict[str, Any]) -> Iterable[EntityDraft]:
    kind = (text(resource.get("type")) or "").lower()
    if kind.rpartition("::")[2] in ("account", "awsaccount"):
        return
    named: EntityKind = "access_key" if "accesskey" in kind else "resource"
    if found := _name(resource.get("uid"), named):
        yield found
    namespace, name = text(resource.get("namespace"), 253), text(resource.get("name"), 253)
    if namespace:
        if name and kind.rpartition(".")[2] in _WORKLOADS:
            yield "workload", f"{namespace}/{name}"
        yield "namespace", namespace
    yield from _endpoint(resource, named=False)


def _endpoint(endpoint: dict[str, Any], *, named: bool = True) -> Iterable[EntityDraft]:
    host = text(endpoint.get("hostname")) or (text(endpoint.get("name")) if named else None)
    if host:
        yield "host", host.lower()
    if instance := text(endpoint.get("instance_uid")):
        yield "host", instance
    if found := address(endpoint.get("ip")):
        yield "ip", found
    if named:
        uid = text(endpoint.get("uid"))
        if uid and uid.startswith("arn:") and (arn := entity_of(uid)):
            yield arn
        if isinstance(container := endpoint.get("container"), dict):
            yield from _container(container)


def _container(container: dict[str, Any]) -> Iterable[EntityDraft]:
    given = mapping(container.get("image"))
    name, uid = text(given.get("name")), text(given.get("uid")) or ""
    if found := image(name or uid):
        digest = uid.rpartition("@")[2]
        if found.digest is None and digest.startswith("sha256:"):
            found = found._replace(digest=digest)
        elif found.digest is None and found.tag is None and (tag := text(given.get("tag"), 128)):
            found = found._replace(tag=tag)
        yield "image", found.id


def _user(user: dict[str, Any]) -> Iterable[EntityDraft]:
    names = [user.get("uid_alt"), user.get("uid"), user.get("name"), user.get("email_addr")]
    known = [found for found in (_name(name, "principal") for name in names) if found]
    arns = [found for found in known if found[1].startswith("arn:")]
    yield from (arns or known)[:1]
    if key := text(user.get("credential_uid")):
        yield "access_key", key
    if account := text(dig(user, "account", "uid"), 128):
        yield "account", account


def _observable(observable: dict[str, Any]) -> EntityDraft | None:
    kind, value = observable.get("type_id"), text(observable.get("value"))
    if value is None or not isinstance(kind, int):
        return None
    if kind == 2:
        found = address(value)
        return ("ip", found) if found else None
    if kind == 10:
        return _name(value, "resource")
    if kind == 18:
        return "vulnerability", vulnerability(value)
    if kind in (1, 8):
        return _OBSERVABLES[kind], value.lower()
    return _name(value, _OBSERVABLES[kind]) if kind in _OBSERVABLES else None
