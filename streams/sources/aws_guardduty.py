"""Amazon GuardDuty findings in their own format (``schemaVersion`` 2.0).

A document is EventBridge's "GuardDuty Finding", one finding, an array of them, or the answer of GetFindings; the export
to S3 has one a line. Names are read in the API's spelling (``accountId``) and in that of SDKs and CLI (``AccountId``).

- Time: ``service.eventLastSeen``, else ``updatedAt``, else ``createdAt``.
- Identity: ``id`` with ``updatedAt``: GuardDuty sends a finding again, with a higher ``service.count``, for the same
  activity. Its updates, and what Security Hub says of it, are one detection by the finding's ARN.
- Severity: 1.0 to 10.0 in GuardDuty's bands, low below 4, medium below 7, high below 9, critical from 9.
- Status: ``service.archived`` (by a suppression rule or a person) is suppressed. GuardDuty never says that a finding
  is fixed.
- Tactic: a type is ``ThreatPurpose:Resource/Family``; where the purpose is a tactic of MITRE ATT&CK, ``evidence`` says.

Sources: GuardDuty API reference, "Finding"; GuardDuty user guide, "GuardDuty finding format", "Severity levels",
"Processing GuardDuty findings with Amazon EventBridge".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from streams.sources.aws_envelope import Envelope, account_of, findings_in, kind_of
from streams.sources.aws_guardduty_entities import entities, identities
from streams.sources.base import FindingDraft, Ignored, Malformed, Reading
from streams.sources.document import digest, line, mapping, number, sequence
from streams.sources.fields import dig, instant, text
from streams.sources.severity import severity_of_guardduty

KIND = "GuardDuty Finding"

_TACTICS = {
    name.replace(" ", ""): name
    for name in (
        "Initial Access", "Execution", "Persistence", "Privilege Escalation", "Defense Evasion", "Credential Access",
        "Discovery", "Lateral Movement", "Collection", "Command and Control", "Exfiltration", "Impact",
    )
}  # fmt: skip
"""Threat purposes that are tactics. ``Recon``, ``Stealth``, ``Backdoor`` and the like are none."""
_PASCAL = re.compile(r"[A-Z][^A-Z]")


class GuardDuty:
    """The source ``aws.guardduty``; ``rule`` is the finding's type."""

    name = "aws.guardduty"
    lateness = timedelta(hours=1)
    """A new finding comes within five minutes. Updates are gathered for up to six hours, if not set to less; so long a
    lateness would hold back what waits for the domain's other sources, so the later ones count as late."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the detail type, or by ``service``, ``resource`` and ``severity`` beside ``accountId`` in the first."""
        if kind_of(document) is not None:
            return kind_of(document) == KIND
        found = _findings(document)
        return bool(found) and _is_finding(found[0])

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every finding; an empty array is one ignored item."""
        opened = findings_in(document, _findings)
        if isinstance(opened, Malformed):
            yield 0, opened
            return
        outer, found = opened
        for item, given in enumerate(found):
            yield item, _read(f"[{item}]." if len(found) > 1 else "", given, outer)
        if not found:
            yield 0, Ignored("no findings")


def _findings(document: object) -> list[Any]:
    if isinstance(document, list):
        return document
    if isinstance(document, dict):
        for name in ("findings", "Findings"):
            if isinstance(document.get(name), list):
                return sequence(document[name])
        return [document]
    return []


def _is_finding(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return ("accountId" in value and "service" in value and "resource" in value and "severity" in value) or (
        "AccountId" in value and "Service" in value and "Resource" in value and "Severity" in value
    )


def _lowered(value: object) -> object:
    """The value with the first letter of every name that begins like ``AccountId`` in lower case."""
    if isinstance(value, dict):
        return {
            (name[0].lower() + name[1:] if _PASCAL.match(name) else name): _lowered(member)
            for name, member in value.items()
        }
    return [_lowered(member) for member in value] if isinstance(value, list) else value


def _read(place: str, given: object, outer: Envelope | None) -> FindingDraft | Malformed:
    if not isinstance(given, dict):
        return Malformed(place.rstrip("."), "not an object")
    if "accountId" not in given and "AccountId" in given:
        given = mapping(_lowered(given))
    identity = text(given.get("id"), 300)
    if identity is None:
        return Malformed(f"{place}id", "not a text of 1 to 300 characters")
    rule = text(given.get("type"), 256)
    if rule is None:
        return Malformed(f"{place}type", "not a text of 1 to 256 characters")
    service = mapping(given.get("service"))
    updated = instant(given.get("updatedAt"))
    time = instant(service.get("eventLastSeen")) or updated or instant(given.get("createdAt"))
    time = time or (outer.time if outer else None)
    if time is None:
        return Malformed(f"{place}updatedAt", "no time: not RFC 3339 with an offset")
    account = account_of(given.get("accountId")) or (outer.account if outer else "")
    region = text(given.get("region"), 32) or (outer.region if outer else "")
    archived = service.get("archived") is True
    arn = text(given.get("arn"), 480) or identity
    source_id = f"{identity}/{updated or time}" + ("/archived" if archived else "")
    found = entities(given, account, region)
    draft: FindingDraft = {
        "type": "finding",
        "kind": "detection",
        "source_id": source_id if len(source_id) <= 512 else digest((source_id,)),
        "time": time,
        "domain": f"aws:{account or 'unknown'}",
        "entities": found,
        "title": line(given.get("title")) or rule,
        "rule": rule,
        "severity": severity_of_guardduty(given.get("severity")),
        "status": "suppressed" if archived else "open",
        "reporter": "guardduty",
        "fingerprints": [f"finding={arn}"],
        "location": line(dig(given, "resource", "resourceType"), 128),
        "evidence": _evidence(given, service, rule),
    }
    said = identities(given, account, region)
    if said:
        draft["identities"] = said
    return draft


def tactic_of(rule: str) -> str | None:
    """The tactic of MITRE ATT&CK that the purpose in a finding's type is.

    >>> tactic_of("CredentialAccess:IAMUser/AnomalousBehavior"), tactic_of("Recon:EC2/Portscan")
    ('Credential Access', None)
    """
    return _TACTICS.get(rule.partition(":")[0])


def _evidence(given: dict[str, Any], service: dict[str, Any], rule: str) -> str | None:
    """How often and since when, the tactic, and the description."""
    parts: list[str] = []
    count, first = number(service.get("count")), instant(service.get("eventFirstSeen"))
    if count is not None and 0 < count < 1e15:
        parts.append(f"seen {count:.0f} times" + (f" since {first}" if first else ""))
    if tactic := tactic_of(rule):
        parts.append(f"ATT&CK tactic {tactic}")
    if name := line(dig(service, "action", "actionType"), 64):
        parts.append(name)
    said = line(given.get("description"), 1024)
    return line("; ".join(parts) + (": " if parts and said else "") + (said or ""), 2048)
