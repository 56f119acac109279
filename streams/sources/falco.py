"""Falco's alerts as JSON (``json_output: true``), as any of its outputs and falcosidekick's Kafka output write them.

One object an alert: ``time``, ``rule``, ``priority``, ``output``, ``output_fields``, ``tags``, ``source`` and
``hostname``. ``output_fields`` has the fields of the rule by name (``"k8s.pod.name"``); a log pipeline may have nested
them.

- A detection, reporter "falco". Severity: the priority's word, one table with syslog's.
- Natural key: ``uuid`` where falcosidekick added one, else a hash of time, host, rule and fields: Falco gives none.
- Time: ``time``, of the system call or log entry, in nanoseconds; what is beyond microseconds is kept in the key.
- Lateness: a minute; Falco drops what it cannot write at once.
- Tags: ATT&CK techniques and tactics (``T1555``, ``mitre_credential_access``) are named in the evidence, after the
  rule's own text; the others (``container``, ``maturity_stable``) say nothing of the alert.
- Who stands for whom: a pod for its workload, a tagged image for the digest that the alert names with it.
- Entities: pod, namespace, image, file, user, remote address, host. Neither the loopback address
  nor root: every machine has them.
- Falco's own messages (source ``internal``: dropped events) are ignored.
- Domain: the cluster, by header ``x-weir-cluster`` or by ``k8s.cluster.name`` where ``append_output`` adds it; of an
  alert that has nothing of Kubernetes, without that header, the host.

Sources: Falco documentation, "Output channels", "Supported fields", "Rule fields"; its ``formats.cpp``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import orjson

from streams.sources.base import EntityDraft, FindingDraft, IdentityDraft, Ignored, Malformed, Reading
from streams.sources.canonical import image
from streams.sources.document import digest, line, mapping, texts
from streams.sources.fields import address, host, instant, text
from streams.sources.identity import tag_of
from streams.sources.kubernetes_objects import domain_of, owned
from streams.sources.severity import severity_of_word

_TECHNIQUE = re.compile(r"T[0-9]{4}(?:\.[0-9]{3})?")
_PREFIX = re.compile(r"^\S{8,40}: [A-Z][a-z]+ ")
"""Time and priority before the text."""

_ABSENT = frozenset(("", "<NA>", "null", "host", "none"))
_FIELDS = 256
"""Fields of one alert that are looked at."""

_ADDRESSES = ("fd.rip", "fd.sip", "fd.cip")
_USERS = ("user.name", "ka.user.name", "ct.user", "ct.user.arn")


class Falco:
    """The source ``falco``."""

    name = "falco"
    lateness = timedelta(minutes=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By rule and priority beside ``output_fields``, or beside an output and a time."""
        first = document[0] if isinstance(document, list) and document else document
        if not isinstance(first, dict) or not isinstance(first.get("rule"), str) or "priority" not in first:
            return False
        return "output_fields" in first or ("output" in first and "time" in first)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every alert."""
        if not isinstance(document, list):
            yield 0, _read(document, "", headers)
            return
        for item, alert in enumerate(document):
            yield item, _read(alert, f"[{item}].", headers)


def _read(alert: object, place: str, headers: Mapping[str, str]) -> FindingDraft | Malformed | Ignored:
    if not isinstance(alert, dict):
        return Malformed(place.rstrip("."), "not an object")
    rule = text(alert.get("rule"), 512)
    if rule is None:
        return Malformed(f"{place}rule", "missing")
    if alert.get("source") == "internal":
        return Ignored("Falco's word on itself")
    time = instant(alert.get("time"))
    if time is None:
        return Malformed(f"{place}time", "not an RFC 3339 time with an offset")
    given = mapping(alert.get("output_fields"))
    fields = _flat(given)
    node = text(alert.get("hostname"), 253)
    output = line(alert.get("output"), 2048) or line(alert.get("message"), 2048) or ""
    output = _PREFIX.sub("", output)
    techniques = [tag for tag in texts(alert.get("tags"), 64)[:64] if _TECHNIQUE.fullmatch(tag)]
    tactics = [tag[6:].replace("_", " ") for tag in texts(alert.get("tags"), 64)[:64] if tag.startswith("mitre_")]
    marks = ", ".join([*techniques, *tactics])
    entities, said = _entities(fields, node)
    uuid = text(alert.get("uuid"), 128)
    headline = output.partition(" (")[0].partition(" | ")[0] or rule
    domain = domain_of(headers)
    cluster = fields.get("k8s.cluster.name")
    if cluster and domain.endswith(":unnamed"):
        domain = f"kubernetes:{cluster[:200]}"
    if domain.endswith(":unnamed") and not any(field.startswith(("k8s.", "ka.")) for field in fields):
        domain = f"host:{(host(node) if node else None) or 'unnamed'}"
    evidence = f"{output} ATT&CK: {marks}" if marks else output
    draft: FindingDraft = {
        "type": "finding",
        "kind": "detection",
        "source_id": uuid or digest((time, node, rule, output, _spelt(given))),
        "time": time,
        "domain": domain,
        "entities": entities,
        "title": line(f"{rule}: {headline}" if headline != rule else rule) or rule,
        "rule": rule,
        "severity": severity_of_word(alert.get("priority")),
        "reporter": "falco",
        "location": line(fields.get("fd.name") or fields.get("container.name") or fields.get("proc.exepath"), 1024),
        "evidence": line(evidence, 2048),
    }
    if said:
        draft["identities"] = said
    return draft


def _spelt(given: dict[str, Any]) -> str:
    """The fields in one spelling, whatever their order."""
    return orjson.dumps(given, option=orjson.OPT_SORT_KEYS).decode()


def _flat(given: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, str]:
    """Fields that have a value, by their dotted names; Falco writes what it could not tell as ``<NA>`` or null."""
    found: dict[str, str] = {}
    for name, value in list(given.items())[:_FIELDS]:
        if isinstance(value, dict) and depth < 8:
            found |= _flat(value, f"{prefix}{name}.", depth + 1)
        elif isinstance(value, str) and value not in _ABSENT and len(value) <= 4096:
            found[f"{prefix}{name}"] = value
    return found


def _entities(fields: dict[str, str], node: str | None) -> tuple[list[EntityDraft], list[IdentityDraft]]:
    found: list[EntityDraft] = []
    said: list[IdentityDraft] = []
    space, pod = text(fields.get("k8s.ns.name"), 253), text(fields.get("k8s.pod.name"), 253)
    space = space or text(fields.get("ka.target.namespace"), 253)
    if pod:
        found.append(("workload", f"{space}/{pod}" if space else pod))
        said += owned("pods", space, pod)
    names = (text(fields.get(field), 253) for field in ("k8s.deployment.name", "k8s.rc.name"))
    found += [("workload", f"{space}/{name}" if space else name) for name in names if name]
    if space:
        found.append(("namespace", space))
    if repository := text(fields.get("container.image.repository"), 400):
        tag, exact = text(fields.get("container.image.tag"), 128), text(fields.get("container.image.digest"), 256)
        reference = f"{repository}{f':{tag}' if tag else ''}{f'@{exact}' if exact else ''}"
        if named := image(reference):
            found.append(("image", named.id))
            said += tag_of(named)
    elif (reference := text(fields.get("container.image"), 400) or "") and (named := image(reference)):
        found.append(("image", named.id))
    kind = fields.get("fd.typechar") or fields.get("fd.type") or ""
    file = text(fields.get("fd.name"), 512)
    if file and file.startswith("/") and kind not in ("4", "6", "u", "ipv4", "ipv6", "unix"):
        found.append(("file", file))
    users = (text(fields.get(field), 255) for field in _USERS)
    found += [("principal", user) for user in users if user and user != "root"]
    numbers = (address(fields.get(field)) for field in _ADDRESSES)
    found += [("ip", each) for each in numbers if each and not each.startswith(("127.", "0.")) and each != "::1"]
    if node and (machine := host(node)):
        found.append(("host", machine))
    return list(dict.fromkeys(found)), said
