"""Suricata's EVE JSON: alerts as detections; flows, DNS, HTTP, TLS and SSH as activities.

One object an event, or an array of them: ``event_type`` names the kind and the member that has its content.

- ``alert``: a detection, reporter "suricata", rule the signature id, with its generator where that is not 1. Severity:
  ``signature_severity`` of the rule's metadata where its author states one, else the signature's priority, 1 the
  highest: 1 high, 2 medium, 3 low, others informational. What was blocked is said to be, and stays open: the
  attempt was made.
- ``flow``, ``dns``, ``http``, ``tls``, ``ssh``: activities ``suricata:flow`` and so on, without an actor. They cost as
  little as a flow log, give an alert its surroundings, and rules of proxies and name servers have no other source.
- All other event types (statistics, anomalies, files, drops) are ignored by name.
- Natural key: a digest of the event; EVE has no id, and ``flow_id`` is that of all events of a flow.
- Time: ``timestamp``, whose offset has no colon; of a flow ``flow.end``.
- Lateness: a minute for what is written at once; a flow is written when it has timed out, and its time is its end.
- Entities: both addresses, the names asked for or spoken to, hashes of files. Loopback is left out.
- Domain: the sensor (``host``), where ``sensor-name`` is configured.

Sources: Suricata user guide, "EVE JSON Format", "Eve JSON Output", "Meta Keywords" (priority, metadata); Emerging
Threats, "Metadata" (``signature_severity``, ``mitre_technique_id``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from streams.sources.base import ActivityDraft, EntityDraft, FindingDraft, Ignored, Malformed, Reading
from streams.sources.document import line, mapping, number, sequence, texts
from streams.sources.exported import content_id
from streams.sources.fields import address, dig, host, text
from streams.sources.offset_times import with_offset
from streams.sources.severity import severity_of_word

_ACTIVITIES: Final = frozenset(("flow", "dns", "http", "tls", "ssh"))
_UNREAD: Final = """
anomaly arp bittorrent_dht dcerpc dhcp dnp3 doh2 drop enip fileinfo frame ftp ftp_data http2 ike ikev2 krb5 ldap mdns
metadata modbus mqtt netflow nfs pgsql pop3 quic rdp rfb sip smb smtp snmp stats telnet template tftp verdict websocket
"""
_OTHERS: Final = frozenset(_UNREAD.split())
"""Event types that are not read; their names are safe as a metric label."""

_PRIORITIES: Final = {1: 4, 2: 3, 3: 2}
_LAYERS: Final = frozenset(("http", "dns", "tls", "ssh"))
_ASKED: Final = ("queries", "query", "answers")
_NAMES: Final = 16
"""Names and hashes of one event."""


class Suricata:
    """The source ``suricata``."""

    name = "suricata"
    lateness = timedelta(minutes=1)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``event_type`` and ``timestamp`` beside a flow's fields, or beside the content that the type names."""
        first = document[0] if type(document) is list and document else document
        if type(first) is not dict or type(kind := first.get("event_type")) is not str or "timestamp" not in first:
            return False
        known = kind == "alert" or kind in _ACTIVITIES or kind in _OTHERS
        return known and (kind in first or "src_ip" in first)

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every event."""
        if type(document) is not list:
            yield 0, _read(document, "")
            return
        for item, event in enumerate(document):
            yield item, _read(event, f"[{item}].")


def _read(event: object, place: str) -> FindingDraft | ActivityDraft | Malformed | Ignored:
    if not isinstance(event, dict):
        return Malformed(place.rstrip("."), "not an object")
    kind = event.get("event_type")
    if not isinstance(kind, str):
        return Malformed(f"{place}event_type", "missing")
    if kind != "alert" and kind not in _ACTIVITIES:
        return Ignored(f"event type {kind} not read" if kind in _OTHERS else "event type of unknown name not read")
    time = (with_offset(dig(event, "flow", "end")) if kind == "flow" else None) or with_offset(event.get("timestamp"))
    if time is None:
        return Malformed(f"{place}timestamp", "not a time with an offset")
    sensor = host(event.get("host"))
    domain = f"suricata:{sensor or 'unnamed'}"
    return _alert(event, place, time, domain) if kind == "alert" else _activity(event, kind, time, domain)


def _alert(event: dict[str, Any], place: str, time: str, domain: str) -> FindingDraft | Malformed:
    alert = mapping(event.get("alert"))
    generator, signature = number(alert.get("gid")), number(alert.get("signature_id"))
    if signature is None or not 0 <= signature < 2**63:
        return Malformed(f"{place}alert.signature_id", "not a number")
    rule = f"{signature:.0f}" if generator in (None, 1) else f"{generator:.0f}:{signature:.0f}"
    metadata = mapping(alert.get("metadata"))
    techniques = [each for each in texts(metadata.get("mitre_technique_id"), 64)[:8] if each.startswith("T")]
    heard, ends = _heard(event), _ends(event)
    message = line(alert.get("signature"), 320) or f"signature {rule}"
    stated = severity_of_word(next(iter(texts(metadata.get("signature_severity"), 32)), None))
    what = ", ".join(
        part
        for part in (
            line(alert.get("category"), 200),
            "blocked" if alert.get("action") == "blocked" else None,
            f"ATT&CK: {', '.join(techniques)}" if techniques else None,
            heard.said,
        )
        if part
    )
    return {
        "type": "finding",
        "kind": "detection",
        "source_id": content_id(event),
        "time": time,
        "domain": domain,
        "entities": _entities(event, heard),
        "title": line(f"{message}: {ends}") or message,
        "rule": rule,
        "severity": stated or _PRIORITIES.get(_whole(alert.get("severity")), 1),
        "reporter": "suricata",
        "location": ends,
        "evidence": line(what, 2048),
    }


def _activity(event: dict[str, Any], kind: str, time: str, domain: str) -> ActivityDraft:
    heard = _heard(event)
    draft: ActivityDraft = {
        "type": "activity",
        "source_id": content_id(event),
        "time": time,
        "domain": domain,
        "entities": _entities(event, heard),
        "title": line(f"{kind} {_ends(event)}{f': {heard.said}' if heard.said else ''}") or kind,
        "action": f"suricata:{kind}",
        "outcome": "unknown",
    }
    status = _whole(dig(event, "http", "status")) if kind == "http" else -1
    code = text(dig(event, "dns", "rcode"), 32) if kind == "dns" else None
    if (kind == "http" and status >= 100) or (kind == "dns" and code):
        failed = status >= 400 if kind == "http" else code != "NOERROR"
        draft["outcome"] = "failure" if failed else "success"
        if failed:
            draft["error"] = str(status) if kind == "http" else code
    return draft


def _whole(value: object) -> int:
    if type(value) is int:
        return value if abs(value) < 10**9 else -1
    found = number(value)
    return int(found) if found is not None and abs(found) < 1e9 else -1


def _ends(event: dict[str, Any]) -> str:
    """``203.0.113.9:443 to 10.0.0.4:51234 TCP``."""
    source = text(event.get("src_ip"), 64) or "unknown"
    target = text(event.get("dest_ip"), 64) or "unknown"
    ports = [f":{port}" if (port := _whole(event.get(field))) > 0 else "" for field in ("src_port", "dest_port")]
    return f"{source}{ports[0]} to {target}{ports[1]} {text(event.get('proto'), 16) or ''}".rstrip()


class _Heard(NamedTuple):
    """What the application layer says: names asked for or spoken to, the URL, and all of it in short."""

    names: tuple[str, ...] = ()
    url: str | None = None
    said: str | None = None


_NOTHING: Final = _Heard()


def _heard(event: dict[str, Any]) -> _Heard:
    if event.keys().isdisjoint(_LAYERS):
        return _NOTHING
    names: list[str] = []
    said: list[str] = []
    url = None
    if isinstance(http := event.get("http"), dict):
        name, path = host(http.get("hostname")), text(http.get("url"), 1024)
        if path and "://" in path:
            url = path
        elif name and path and path.startswith("/"):
            url = f"http://{name}{path}"
        said.append(f"{text(http.get('http_method'), 16) or 'request'} {url or name or ''}".strip())
        names += [name] if name else []
    if isinstance(dns := event.get("dns"), dict):
        asked = _queries(dns)
        said += [f"name {', '.join(asked[:4])}"] if asked else []
        names += asked
    if name := host(dig(event, "tls", "sni")):
        said.append(f"server {name}")
        names.append(name)
    if agent := line(dig(event, "ssh", "client", "software_version"), 120):
        said.append(f"client {agent}")
    return _Heard(tuple(names), url, line(", ".join(said)))


def _queries(dns: dict[str, Any]) -> list[str]:
    """The names of a DNS event: in the event itself, or in lists whose names differ by version and in alerts."""
    asked = [mapping(each) for field in _ASKED if field in dns for each in sequence(dns[field])[:_NAMES]]
    names = (host(each.get("rrname")) for each in (dns, *asked))
    return list(dict.fromkeys(name for name in names if name))[:_NAMES]


def _entities(event: dict[str, Any], heard: _Heard) -> list[EntityDraft]:
    numbers = (address(event.get("src_ip")), address(event.get("dest_ip")))
    found: list[EntityDraft] = [
        ("ip", each) for each in numbers if each and not each.startswith("127.") and each != "::1"
    ]
    for name in heard.names:
        spelt = address(name)
        found.append(("ip", spelt) if spelt else ("host", name))
    if heard.url:
        found.append(("url", heard.url))
    if "files" in event or "fileinfo" in event:
        files = [mapping(event.get("fileinfo")), *map(mapping, sequence(event.get("files"))[:_NAMES])]
        found += [("file", hashed.lower()) for each in files if (hashed := text(each.get("sha256"), 64))]
    return list(dict.fromkeys(found))
