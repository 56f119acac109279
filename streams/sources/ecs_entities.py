"""Whom and what an ECS document is about: its users, ends of the connection, host, cloud, workload, files, names."""

from __future__ import annotations

from typing import Final

from streams.sources.aws_cloudtrail import agent_family
from streams.sources.aws_names import entity_of
from streams.sources.base import EntityDraft, IdentityDraft
from streams.sources.canonical import image, vulnerability
from streams.sources.ecs_fields import Fields, one, several
from streams.sources.fields import address, email, host
from streams.sources.identity import tag_of
from streams.sources.kubernetes_names import workload_of_pod
from streams.sources.packages import package_url

_ADDRESSES: Final = ("source.ip", "client.ip", "destination.ip", "server.ip")
_HOSTS: Final = ("host.name", "host.hostname", "dns.question.name", "tls.client.server_name", "url.domain")
_HASHES: Final = ("file.hash.sha256", "process.hash.sha256")
_EVERYONE: Final = frozenset(("root", "system", "-", "local service", "network service", "anonymous logon", "unknown"))
LIMIT: Final = 64


def actor_of(fields: Fields) -> EntityDraft | None:
    """Who acted: ``user``, and where the change was made under another name, still ``user``."""
    return _user(fields, "user")


def entities(fields: Fields) -> tuple[list[EntityDraft], list[IdentityDraft]]:
    """The document's entities, each once, and who stands for whom: a pod for its workload, a tag for the digest."""
    people = ("user", "user.effective", "user.target")
    found: list[EntityDraft] = [who for prefix in people if (who := _user(fields, prefix))]
    said: list[IdentityDraft] = []
    for name in _ADDRESSES:
        number = address(one(fields, name, 64))
        if number and not number.startswith(("127.", "0.")) and number not in ("::1", "::"):
            found.append(("ip", number))
    for name in _HOSTS:
        if named := host(one(fields, name, 255)):
            spelt = address(named)
            found.append(("ip", spelt) if spelt else ("host", named))
    if instance := one(fields, "cloud.instance.id", 200):
        found.append(("host", instance))
    _image(fields, found, said)
    _workload(fields, found, said)
    if account := one(fields, "cloud.account.id", 128):
        found.append(("account", account))
    if (named := one(fields, "resource.id")) and (thing := entity_of(named) or ("resource", named)):
        found.append(thing)
    if flaw := one(fields, "vulnerability.id", 128):
        found.append(("vulnerability", vulnerability(flaw)))
    if package := one(fields, "package.name", 256):
        kind, version = one(fields, "package.type", 64), one(fields, "package.version", 128)
        if url := package_url(kind, package, version):
            found.append(("package", url))
    if file := one(fields, "file.path"):
        found.append(("file", file))
    found += [("file", hashed.lower()) for name in _HASHES if (hashed := one(fields, name, 64))]
    if url := one(fields, "url.full", 1024):
        found.append(("url", url))
    if agent := one(fields, "user_agent.original", 1024):
        family = agent_family(agent)
        found += [("user_agent", family)] if family else []
    return list(dict.fromkeys(found))[:LIMIT], list(dict.fromkeys(said))


def _user(fields: Fields, prefix: str) -> EntityDraft | None:
    """A user by address, else by ARN, else by name, else by id; nobody where each machine has one of that name."""
    if mail := email(one(fields, f"{prefix}.email", 254)):
        return "principal", mail
    names = [one(fields, f"{prefix}.{field}", 255) for field in ("id", "name")]
    for name in names:
        if name and name.startswith("arn:") and (found := entity_of(name)):
            return found
    given = names[1] or names[0]
    if given is None or given.lower() in _EVERYONE or given.endswith("$"):
        return None
    return "principal", email(given) or given


def _image(fields: Fields, found: list[EntityDraft], said: list[IdentityDraft]) -> None:
    name = one(fields, "container.image.name", 400)
    named = image(name) if name else None
    if named is None:
        return
    tag = next(iter(several(fields, "container.image.tag")), None)
    exact = next(iter(several(fields, "container.image.hash.all")), "").rpartition("@")[2].lower()
    if named.digest is None and exact.startswith("sha256:") and len(exact) == 71:
        named = named._replace(digest=exact)
    if named.tag is None and tag and len(tag) <= 128:
        named = named._replace(tag=tag)
    found.append(("image", named.id))
    said += tag_of(named)


def _workload(fields: Fields, found: list[EntityDraft], said: list[IdentityDraft]) -> None:
    space = one(fields, "orchestrator.namespace", 253)
    name, kind = one(fields, "orchestrator.resource.name", 253), one(fields, "orchestrator.resource.type", 64)
    if name and space and kind and fields.get("orchestrator.type") in (None, "kubernetes"):
        found.append(("workload", f"{space}/{name}"))
        if kind.lower() in ("pod", "pods") and (owner := workload_of_pod(name)):
            said.append(("workload", f"{space}/{name}", "workload", f"{space}/{owner}"))
    if space:
        found.append(("namespace", space))
