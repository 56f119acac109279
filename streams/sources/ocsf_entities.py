"""Whom and what an OCSF event is about, as entities: its resources, device, actor, endpoints, observables, account.

Objects and observable types of OCSF 1.1 to 1.8. An ARN is canonicalised wherever it stands.

Who stands for whom is read from what one object of the event names: an image by tag for the one by digest; a
pod for its workload, where its name leaves no doubt; a host name for the instance, and a private address for the host
or instance; an instance for its ARN, where region and account are given; an access key for the user; a user for the
e-mail address.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from schemas.entity import EntityKind
from streams.sources.aws_identities import INSTANCE
from streams.sources.aws_names import entity_of, partition_of
from streams.sources.base import EntityDraft, IdentityDraft
from streams.sources.canonical import image, vulnerability
from streams.sources.document import mapping, sequence
from streams.sources.fields import address, dig, email, host, text
from streams.sources.identity import MAX_IDENTITIES, tag_of
from streams.sources.kubernetes_names import workload_of_pod
from streams.sources.memo import Memo

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
_SESSION_ID = re.compile(r"AROA[A-Z0-9]{12,124}:[\w+=,.@-]{2,64}")
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_NETWORKS = [ipaddress.ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]


def _is_local(number: str) -> bool:
    """Whether it is one host's own address: of a private network (RFC 1918, RFC 4193), neither loopback nor NAT's."""
    given = ipaddress.ip_address(number)
    return any(given in network for network in _NETWORKS)


_LOCAL: Memo[str, bool] = Memo(_is_local, size=64)
_WORKLOADS = frozenset({"pod", "deployment", "statefulset", "daemonset", "job", "cronjob", "replicaset"})


Said = list[IdentityDraft]


def entities(event: dict[str, Any]) -> tuple[list[EntityDraft], list[IdentityDraft]]:
    """The event's entities, each once, what was affected before who acted; and who stands for whom."""
    found: list[EntityDraft] = []
    said: Said = []
    _resources(event, found, said)
    if isinstance(resource := event.get("resource"), dict):
        _resource(resource, found, said)
    _part(event, found, said)
    for evidence in sequence(event.get("evidences"))[:LIMIT]:
        if isinstance(evidence, dict):
            _resources(evidence, found, said)
            _part(evidence, found, said)
    observables = sequence(event.get("observables"))[: 4 * LIMIT]
    found += [seen for each in observables if isinstance(each, dict) and (seen := _observable(each))]
    cloud = mapping(event.get("cloud"))
    account = text(dig(cloud, "account", "uid"), 128)
    if account:
        found.append(("account", account))
        if region := text(cloud.get("region"), 32):
            place = f"arn:{partition_of(region)}:ec2:{region}:{account}:instance"
            instances = [name for kind, name in found if kind == "host" and INSTANCE.fullmatch(name)]
            said += [("host", name, "resource", f"{place}/{name}") for name in instances]
    if said:
        said = [each for each in dict.fromkeys(said) if each[:2] != each[2:]][:MAX_IDENTITIES]
    return list(dict.fromkeys(found))[:LIMIT], said


def actor_of(event: dict[str, Any], *, own: bool = False) -> EntityDraft | None:
    """Who acted: the actor's user; with ``own`` the event's, who is the actor where somebody logs on."""
    for user in (event.get("user"), dig(event, "actor", "user")) if own else (dig(event, "actor", "user"),):
        found: list[EntityDraft] = []
        if isinstance(user, dict):
            _user(user, found, [])
        if who := next((each for each in found if each[0] in ("principal", "session")), None):
            return who
    return None


def _resources(part: dict[str, Any], found: list[EntityDraft], said: Said) -> None:
    for resource in sequence(part.get("resources"))[: 4 * LIMIT]:
        if isinstance(resource, dict):
            _resource(resource, found, said)


def _part(part: dict[str, Any], found: list[EntityDraft], said: Said) -> None:
    """The objects that an event and each of its evidences may have. Most have few: only what is there is read."""
    if isinstance(device := part.get("device"), dict):
        _endpoint(device, found, said)
    if isinstance(container := part.get("container"), dict):
        _container(container, found, said)
    if isinstance(user := part.get("user"), dict):
        _user(user, found, said)
    if isinstance(actor := part.get("actor"), dict):
        if isinstance(user := actor.get("user"), dict):
            _user(user, found, said)
        if session := _name(dig(actor, "session", "uid"), "session"):
            found.append(session)
    if isinstance(source := part.get("src_endpoint"), dict):
        _endpoint(source, found, said)
    if isinstance(target := part.get("dst_endpoint"), dict):
        _endpoint(target, found, said)
    if file := text(dig(part, "file", "path")):
        found.append(("file", file))
    if url := text(dig(part, "url", "url_string"), 1024):
        found.append(("url", url))


def _name(value: object, kind: EntityKind) -> EntityDraft | None:
    """The named thing: what its ARN says it is, else of the given kind."""
    name = text(value)
    if name is None:
        return None
    if name.startswith("arn:"):
        return entity_of(name) or (kind, name)
    if kind == "principal":
        if _SESSION_ID.fullmatch(name):
            return "session", name
        return ("account", name) if _ACCOUNT_ID.fullmatch(name) else (kind, email(name) or name)
    return kind, name


def _resource(resource: dict[str, Any], found: list[EntityDraft], said: Said) -> None:
    kind = (text(resource.get("type")) or "").lower()
    if kind.rpartition("::")[2] in ("account", "awsaccount"):
        return
    if thing := _name(resource.get("uid"), "access_key" if "accesskey" in kind else "resource"):
        found.append(thing)
    if namespace := text(resource.get("namespace"), 253):
        kind = kind.rpartition(".")[2]
        name = text(resource.get("name"), 253)
        if name and kind in _WORKLOADS:
            found.append(("workload", f"{namespace}/{name}"))
            if kind == "pod" and (owner := workload_of_pod(name)):
                said.append(("workload", f"{namespace}/{name}", "workload", f"{namespace}/{owner}"))
        found.append(("namespace", namespace))
    _endpoint(resource, found, said, named=False)


def _endpoint(endpoint: dict[str, Any], found: list[EntityDraft], said: Said, *, named: bool = True) -> None:
    """Its name, instance and address. What stands in a name's place and is an address is one."""
    name = host(endpoint.get("hostname")) or (host(endpoint.get("name")) if named else None)
    machine: EntityDraft | None = None
    if name:
        if spelt := address(name):
            found.append(("ip", spelt))
        else:
            found.append(("host", name))
            machine = ("host", name)
    if instance := text(endpoint.get("instance_uid")):
        if machine:
            said.append((*machine, "host", instance))
        found.append(("host", instance))
        machine = ("host", instance)
    if number := address(endpoint.get("ip")):
        found.append(("ip", number))
        if machine and _LOCAL[number]:
            said.append(("ip", number, *machine))
    if named:
        uid = text(endpoint.get("uid"))
        if uid and uid.startswith("arn:") and (arn := entity_of(uid)):
            found.append(arn)
        if isinstance(container := endpoint.get("container"), dict):
            _container(container, found, said)


def _container(container: dict[str, Any], found: list[EntityDraft], said: Said) -> None:
    given = mapping(container.get("image"))
    name, uid = text(given.get("name")), text(given.get("uid")) or ""
    if (named := image(name or uid)) is None:
        return
    tag = text(given.get("tag"), 128)
    digest = uid.rpartition("@")[2]
    if named.digest is None and digest.startswith("sha256:"):
        named = named._replace(digest=digest)
    elif named.digest is None and named.tag is None and tag:
        named = named._replace(tag=tag)
    found.append(("image", named.id))
    said += tag_of(named, tag)


def _user(user: dict[str, Any], found: list[EntityDraft], said: Said) -> None:
    written = user.get("email_addr")
    names = [user.get("uid_alt"), user.get("uid"), user.get("name"), written]
    known = [each for each in (_name(name, "principal") for name in names) if each]
    who = next((each for each in known if each[1].startswith("arn:")), known[0] if known else None)
    if who:
        found.append(who)
        if who[0] == "principal" and (mail := email(written)):
            said.append((*who, "principal", mail))
    if key := text(user.get("credential_uid")):
        found.append(("access_key", key))
        if who and key.startswith("AKIA") and ":user/" in who[1]:
            said.append(("access_key", key, *who))
    if account := text(dig(user, "account", "uid"), 128):
        found.append(("account", account))


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
    if kind in (1, 46):
        name = host(value)
        return ("host", name) if name else None
    if kind == 8:
        return "file", value.lower()
    return _name(value, _OBSERVABLES[kind]) if kind in _OBSERVABLES else None
