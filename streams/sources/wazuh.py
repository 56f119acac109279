"""Wazuh's alerts (``alerts.json``, or a hit of its indexer): detections, and what its scanners found.

One object an alert, an array of them, or a search's hit with the alert in ``_source``.

- A detection, reporter "wazuh", rule the rule's id. Severity by ``rule.level``: to 3 informational (notifications and
  what was allowed), to 6 low, to 11 medium, to 14 high, above critical: the bands of Wazuh's dashboard, of which the
  lowest is parted as the rule classification parts it.
- ``data.vulnerability``: a vulnerability of a package on the host, fixed where its status is Solved; severity its own
  word. A check of ``data.sca`` is a misconfiguration, fixed where it passed; its summaries are ignored.
- Natural key: the manager's name and ``id``, which is unique in the manager's log; without ``id`` a digest of all.
- Time: ``timestamp``, whose offset has no colon; an indexer's copy may have ``@timestamp`` alone.
- Lateness: five minutes; an agent that was offline sends what it kept, and that is later still.
- Entities: the agent's name and address (not those of the manager itself, which stand for what it receives), the host
  that wrote the line, and of the decoded ``data`` the addresses, users, URL; the file of ``syscheck``. Loopback
  addresses and root are left out: every machine has them.
- Domain: the cluster's name, else the manager's.

Wrong for Wazuh's archives, which hold events without a rule, and for version 5, whose findings are in ECS.

Sources: Wazuh documentation, "Rules classification", "Alert management", "Capabilities" (file integrity monitoring,
vulnerability detection, security configuration assessment); sample alerts of its dashboard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from streams.sources.base import EntityDraft, FindingDraft, Ignored, Malformed, Reading
from streams.sources.canonical import vulnerability
from streams.sources.document import digest, line, mapping, number, texts
from streams.sources.exported import content_id
from streams.sources.fields import address, dig, email, host, text
from streams.sources.offset_times import with_offset
from streams.sources.packages import package_url
from streams.sources.severity import severity_of_word

_BANDS: Final = ((3, 1), (6, 2), (11, 3), (14, 4))
_MANAGER: Final = "000"
"""Id of the agent that the manager itself is."""

_ADDRESSES: Final = ("srcip", "dstip", "src_ip", "dest_ip")
_USERS: Final = ("srcuser", "dstuser", "user")
_WINDOWS: Final = ("targetUserName", "subjectUserName")
_EVERYWHERE: Final = frozenset(("root", "system", "-", "local service", "network service", "anonymous logon"))


class Wazuh:
    """The source ``wazuh``."""

    name = "wazuh"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By a rule with id and level beside an agent or a manager."""
        first = _opened(document[0] if isinstance(document, list) and document else document)
        if not isinstance(first, dict) or not ("agent" in first or "manager" in first):
            return False
        rule = first.get("rule")
        return isinstance(rule, dict) and "level" in rule and "id" in rule

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every alert."""
        if not isinstance(document, list):
            yield 0, _read(_opened(document), "")
            return
        for item, alert in enumerate(document):
            yield item, _read(_opened(alert), f"[{item}].")


def _opened(alert: object) -> object:
    return alert["_source"] if isinstance(alert, dict) and isinstance(alert.get("_source"), dict) else alert


def _read(alert: object, place: str) -> FindingDraft | Malformed | Ignored:
    if not isinstance(alert, dict):
        return Malformed(place.rstrip("."), "not an object")
    given = mapping(alert.get("rule"))
    rule, level = _id(given.get("id")), number(given.get("level"))
    if rule is None or level is None:
        return Malformed(f"{place}rule.{'id' if rule is None else 'level'}", "missing")
    time = with_offset(alert.get("timestamp")) or with_offset(alert.get("@timestamp"))
    if time is None:
        return Malformed(f"{place}timestamp", "not a time with an offset")
    data = mapping(alert.get("data"))
    manager = text(dig(alert, "manager", "name"), 253)
    number_ = text(alert.get("id"), 128)
    description = line(given.get("description"), 400) or f"rule {rule}"
    where = line(dig(alert, "agent", "name"), 80) or line(dig(alert, "predecoder", "hostname"), 80)
    techniques = ", ".join(texts(dig(given, "mitre", "id"), 32)[:8])
    said = line(alert.get("full_log"), 1800) or line(dig(alert, "syscheck", "event"), 200)
    draft: FindingDraft = {
        "type": "finding",
        "kind": "detection",
        "source_id": digest((manager, number_)) if number_ else content_id(alert),
        "time": time,
        "domain": f"wazuh:{(text(dig(alert, 'cluster', 'name'), 200) or manager or 'unnamed')}",
        "entities": _entities(alert, data),
        "title": line(f"{description} on {where}" if where else description) or description,
        "rule": rule,
        "severity": next((severity for top, severity in _BANDS if level <= top), 5),
        "reporter": "wazuh",
        "location": line(alert.get("location"), 1024),
        "evidence": line(f"{said or description}{f' ATT&CK: {techniques}' if techniques else ''}", 2048),
    }
    if isinstance(data.get("vulnerability"), dict):
        return _vulnerable(draft, data["vulnerability"], place)
    if isinstance(data.get("sca"), dict):
        return _checked(draft, data["sca"])
    return draft


def _id(value: object) -> str | None:
    """A rule's id: digits as text, in older versions a number."""
    return str(value) if type(value) is int and 0 <= value < 10**12 else text(value, 128)


def _vulnerable(draft: FindingDraft, given: dict[str, Any], place: str) -> FindingDraft | Malformed:
    cve = text(given.get("cve"), 128)
    if cve is None:
        return Malformed(f"{place}data.vulnerability.cve", "missing")
    rule = vulnerability(cve)
    name, version = text(dig(given, "package", "name"), 256), text(dig(given, "package", "version"), 256)
    about: list[EntityDraft] = [("vulnerability", rule)]
    if name and (url := package_url(None, name, version)):
        about.append(("package", url))
    score = number(dig(given, "cvss", "cvss3", "base_score"))
    draft["kind"] = "vulnerability"
    draft["rule"] = rule
    draft["entities"] = [*about, *draft["entities"]]
    draft["severity"] = severity_of_word(given.get("severity")) or draft["severity"]
    draft["status"] = "fixed" if given.get("status") in ("Solved", "Obsolete") else "open"
    draft["cvss"] = score if score is not None and 0 < score <= 10 else None
    draft["location"] = line(f"{name} {version}" if version else name, 1024)
    return draft


def _checked(draft: FindingDraft, given: dict[str, Any]) -> FindingDraft | Ignored:
    check = mapping(given.get("check"))
    result = text(check.get("result"), 32)
    number_ = _id(check.get("id"))
    if number_ is None or result not in ("failed", "passed"):
        return Ignored("assessment without a result of a check")
    draft["kind"] = "misconfiguration"
    draft["rule"] = f"sca-{number_}"
    draft["status"] = "fixed" if result == "passed" else "open"
    draft["title"] = line(check.get("title")) or draft["title"]
    draft["fix"] = line(check.get("remediation"))
    return draft


def _entities(alert: dict[str, Any], data: dict[str, Any]) -> list[EntityDraft]:
    found: list[EntityDraft] = []
    agent = mapping(alert.get("agent"))
    if text(agent.get("id"), 32) != _MANAGER:
        if name := host(agent.get("name")):
            found.append(("host", name))
        if number_ := _outside(agent.get("ip")):
            found.append(("ip", number_))
    if written := host(dig(alert, "predecoder", "hostname")):
        found.append(("host", written))
    windows = mapping(dig(data, "win", "eventdata"))
    ends = (*(data.get(field) for field in _ADDRESSES), windows.get("ipAddress"))
    found += [("ip", number_) for number_ in map(_outside, ends) if number_]
    people = [*(data.get(field) for field in _USERS), *(windows.get(field) for field in _WINDOWS)]
    people += [dig(alert, "syscheck", "audit", "user", "name")]
    for value in people:
        user = text(value, 255)
        if user and user.lower() not in _EVERYWHERE and not user.endswith("$"):
            found.append(("principal", email(user) or user))
    if (url := text(data.get("url"), 1024)) and "://" in url:
        found.append(("url", url))
    if file := text(dig(alert, "syscheck", "path"), 512):
        found.append(("file", file))
    return list(dict.fromkeys(found))


def _outside(value: object) -> str | None:
    found = address(value)
    return None if found is None or found.startswith(("127.", "0.")) or found in ("::1", "::") else found
