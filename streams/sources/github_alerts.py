"""GitHub's ``code_scanning_alert`` and ``secret_scanning_alert``: findings, and what became of them.

Each delivery is an observation of one alert, which its number in the repository names (fingerprint ``github-alert``).

- Code scanning: a weakness, reporter the tool; a vulnerability where the rule is a CVE's or an advisory's. Severity:
  ``security_severity_level``, else the rule's level. Dismissed is suppressed.
- Secret scanning: a secret, reporter "github", rule the kind of secret. GitHub states no severity; a secret that is
  known to work, or to be public, is critical, any other high, one that works no more medium. Revoked is fixed, any
  other resolution suppressed. The secret itself is never carried.
- Time: ``updated_at``; payloads without it have only the alert's creation, so then what the action names (``fixed_at``,
  ``dismissed_at``, ``resolved_at``), else the broker's time of arrival, else the creation.

Source: GitHub documentation, "Webhook events and payloads", "About code scanning alerts", "Evaluating alerts from
secret scanning" (validity, resolutions).
"""

from __future__ import annotations

import re
from typing import Any, Final

from schemas.events import FindingKind, FindingStatus
from streams.sources.base import EntityDraft, FindingDraft, Malformed
from streams.sources.canonical import vulnerability
from streams.sources.document import line, mapping, number, sequence
from streams.sources.fields import dig, instant, text
from streams.sources.github_delivery import Delivery, hash_of
from streams.sources.severity import severity_of_word

_STATES: Final[dict[str, FindingStatus]] = {
    "open": "open",
    "fixed": "fixed",
    "dismissed": "suppressed",
    "closed": "suppressed",
}
_CREATED: Final = frozenset(("created", "appeared_in_branch"))
_FLAW: Final = re.compile(r"(?:CVE-[0-9]{4}-[0-9]{4,19}|GHSA(?:-[a-z0-9]{4}){3})", re.IGNORECASE)


def code_scanning_alert(delivery: Delivery) -> FindingDraft | Malformed:
    """The finding of a delivery of ``code_scanning_alert``."""
    alert = mapping(delivery.payload.get("alert"))
    rule = text(dig(alert, "rule", "id"), 256) or text(dig(alert, "rule", "name"), 256)
    key, time = _number(alert), _time(delivery, alert, ("fixed_at", "dismissed_at"))
    if key is None or rule is None or time is None:
        return _refusal(delivery, key, "alert.rule.id" if rule is None else None)
    given = mapping(alert.get("rule"))
    where = mapping(alert.get("most_recent_instance")) or mapping(next(iter(sequence(alert.get("instances"))), None))
    path, start = text(dig(where, "location", "path"), 1000), number(dig(where, "location", "start_line"))
    commit = hash_of(delivery.payload.get("commit_oid")) or hash_of(where.get("commit_sha"))
    flaws = list(dict.fromkeys(vulnerability(found) for found in _FLAW.findall(rule)))
    kind: FindingKind = "vulnerability" if len(flaws) == 1 else "weakness"
    entities: list[EntityDraft] = [("repository", delivery.repository)]
    entities += [("vulnerability", flaws[0])] if kind == "vulnerability" else []
    entities += [("file", path)] if path else []
    entities += [("commit", commit)] if commit else []
    said = line(given.get("description"), 320) or line(given.get("name"), 320) or "no description"
    draft = _draft(delivery, time, f"code-scanning/{key}", kind, flaws[0] if kind == "vulnerability" else rule)
    draft["entities"] += [entity for entity in entities if entity not in draft["entities"]]
    draft["title"] = line(f"{draft['rule']}: {said}") or rule
    draft["severity"] = severity_of_word(given.get("security_severity_level")) or severity_of_word(
        given.get("severity")
    )
    draft["status"] = _STATES.get(text(alert.get("state"), 32) or "", "open")
    draft["reporter"] = (text(dig(alert, "tool", "name"), 128) or "github").lower()
    draft["location"] = line(f"{path}:{start:.0f}" if path and start and start > 0 else path, 1024)
    draft["evidence"] = line(dig(where, "message", "text"), 2048) or line(alert.get("dismissed_reason"), 200)
    return draft


def secret_scanning_alert(delivery: Delivery) -> FindingDraft | Malformed:
    """The finding of a delivery of ``secret_scanning_alert``."""
    alert = mapping(delivery.payload.get("alert"))
    rule, key = text(alert.get("secret_type"), 256), _number(alert)
    time = _time(delivery, alert, ("resolved_at",))
    if key is None or rule is None or time is None:
        return _refusal(delivery, key, "alert.secret_type" if rule is None else None)
    resolution, validity = text(alert.get("resolution"), 32), text(alert.get("validity"), 32)
    worst = validity == "active" or alert.get("publicly_leaked") is True
    named = line(alert.get("secret_type_display_name"), 200) or rule
    draft = _draft(delivery, time, f"secret-scanning/{key}", "secret", rule)
    draft["title"] = line(f"{named} in {delivery.repository}") or rule
    draft["severity"] = 3 if validity == "inactive" else 5 if worst else 4
    draft["status"] = "open" if resolution is None else "fixed" if resolution == "revoked" else "suppressed"
    draft["reporter"] = "github"
    draft["location"] = f"secret-scanning/{key}"
    draft["evidence"] = line(", ".join(filter(None, (validity, resolution))), 200)
    return draft


def _draft(delivery: Delivery, time: str, alert: str, kind: FindingKind, rule: str) -> FindingDraft:
    name = f"{delivery.repository}/{alert}"
    return {
        "type": "finding",
        "kind": kind,
        "source_id": delivery.id,
        "time": time,
        "domain": f"github:{delivery.repository}",
        "entities": [("repository", delivery.repository), ("resource", f"github:{name}")],
        "title": rule,
        "rule": rule,
        "severity": 0,
        "reporter": "github",
        "fingerprints": [f"github-alert={name}"],
    }


def _number(alert: dict[str, Any]) -> int | None:
    found = alert.get("number")
    return found if type(found) is int and 0 < found < 2**53 else None


def _time(delivery: Delivery, alert: dict[str, Any], ended: tuple[str, ...]) -> str | None:
    created = instant(alert.get("created_at"))
    first = created if text(delivery.payload.get("action"), 32) in _CREATED else None
    named = (instant(alert.get(field)) for field in ended)
    return instant(alert.get("updated_at")) or first or next((at for at in named if at), delivery.received) or created


def _refusal(delivery: Delivery, key: int | None, rule: str | None) -> Malformed:
    if key is None:
        return Malformed(f"{delivery.place}alert.number", "not a number")
    if rule is not None:
        return Malformed(f"{delivery.place}{rule}", "missing")
    return Malformed(f"{delivery.place}alert.updated_at", "no time of the alert, and no time of arrival either")
