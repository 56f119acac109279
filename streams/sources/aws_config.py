"""AWS Config: items of changed resources are changes, results of rules are misconfigurations.

A document is an event of EventBridge ("Config Configuration Item Change", "Config Rules Compliance Change"), the
notification in it or in an SNS message, what a rule's function is invoked with (``invokingEvent``), or a history file
(``configurationItems``). A snapshot says what is, not what changed: its items are ignored, as is progress.

- Time: ``configurationItemCaptureTime``, when Config saw the resource, so up to minutes after the change; of a result
  ``resultRecordedTime``.
- Identity: the resource with that time and status, so that notification and history are one event; of a result the
  rule, the resource, the time and the compliance.
- Kind: access for identity services, else as the calls of that service are (``aws_changes``), else infrastructure.
- Status of a result: NON_COMPLIANT is open, COMPLIANT and NOT_APPLICABLE fixed. Config states no severity.

Sources: AWS Config developer guide, "Notifications that AWS Config sends to an Amazon SNS topic", "Example events for
AWS Config rules", "Components of a configuration item"; Config API reference, "ConfigurationItem", "EvaluationResult".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from schemas.events import FindingStatus
from streams.sources.aws_changes import SERVICE_KINDS
from streams.sources.aws_config_resources import resource_entities
from streams.sources.aws_envelope import account_of, envelope, kind_of
from streams.sources.base import ChangeDraft, EntityDraft, FindingDraft, Ignored, Malformed, Reading
from streams.sources.document import digest, line, mapping, sequence
from streams.sources.fields import dig, instant, text
from streams.sources.parse import ParseError, parse

_ITEM, _COMPLIANCE = "ConfigurationItemChangeNotification", "ComplianceChangeNotification"
_OVERSIZED = "OversizedConfigurationItemChangeNotification"
_VERBS = {"CREATE": "created", "UPDATE": "updated", "DELETE": "deleted", "NONE": "updated"}
_BY_STATUS = {"OK": "updated", "ResourceDiscovered": "created", "ResourceDeleted": "deleted"}
_RESULTS: dict[str, FindingStatus] = {"NON_COMPLIANT": "open", "COMPLIANT": "fixed", "NOT_APPLICABLE": "fixed"}
_PROPERTIES = 5


class Config:
    """The source ``aws.config``."""

    name = "aws.config"
    lateness = timedelta(hours=1)
    """Notifications come within minutes. History files come every six hours: what only they say is late."""

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the detail type, the message type, the invoking event beside a rule, or the file's items."""
        if type(document) is not dict:
            return False
        kind = kind_of(document)
        if kind is not None:
            return kind.startswith("Config ")
        if "messageType" in document:
            return _is_message(document)
        return ("invokingEvent" in document and "configRuleName" in document) or (
            "configurationItems" in document and "fileVersion" in document
        )

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every item of a file; a notification is one item, or as many as it lists."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        account = ""
        if kind_of(document) is not None:
            event = envelope(document)
            if isinstance(event, Malformed):
                yield 0, event
                return
            document, account = event.detail, event.account
        elif isinstance(document.get("invokingEvent"), str):
            account = account_of(document.get("accountId"))
            try:
                document = parse(document["invokingEvent"].encode("utf-8", "surrogatepass"))
            except ParseError as error:
                yield 0, Malformed("invokingEvent", error.reason)
                return
        yield from enumerate(_readings(mapping(document), account))


def _is_message(document: dict[str, Any]) -> bool:
    kind = document["messageType"]
    return isinstance(kind, str) and ("Config" in kind or kind == _COMPLIANCE) and "logEvents" not in document


def _readings(document: dict[str, Any], account: str) -> Iterator[ChangeDraft | FindingDraft | Ignored | Malformed]:
    items = document.get("configurationItems")
    if isinstance(items, list):
        snapshot = "configSnapshotId" in document
        for place, given in enumerate(items):
            yield (
                Ignored("an item of a snapshot")
                if snapshot
                else _item(f"configurationItems[{place}].", given, {}, account)
            )
        return
    kind = document.get("messageType")
    diff = mapping(document.get("configurationItemDiff"))
    if kind == _COMPLIANCE:
        yield _result(document, account)
    elif kind == _OVERSIZED:
        yield _item("configurationItemSummary.", document.get("configurationItemSummary"), diff, account)
    elif kind == _ITEM:
        given = document.get("configurationItem")
        for each in given if isinstance(given, list) else [given]:
            yield _item("configurationItem.", each, diff, account)
    elif isinstance(kind, str) and kind:
        yield Ignored("progress of AWS Config")
    else:
        yield Malformed("messageType", "missing, or not a text")


def _item(place: str, given: object, diff: dict[str, Any], default: str) -> ChangeDraft | Ignored | Malformed:
    if not isinstance(given, dict):
        return Malformed(place.rstrip("."), "not an object")
    kind, name = text(given.get("resourceType"), 256), text(given.get("resourceId"), 768)
    if kind is None or name is None:
        field = "resourceType" if kind is None else "resourceId"
        return Malformed(f"{place}{field}", "not a text, or too long")
    time = instant(given.get("configurationItemCaptureTime"))
    if time is None:
        return Malformed(f"{place}configurationItemCaptureTime", "not an RFC 3339 time with an offset")
    status = text(given.get("configurationItemStatus"), 64) or ""
    verb = _BY_STATUS.get(status)
    if verb is None:
        return Ignored("a resource that is not recorded")
    if kind == "AWS::Config::ResourceCompliance":
        return Ignored("compliance as a resource")
    change_type = diff.get("changeType") or given.get("changeType")
    verb = _VERBS.get(change_type, verb) if isinstance(change_type, str) else verb
    account = account_of(given.get("awsAccountId")) or account_of(given.get("accountId")) or default
    region = text(given.get("awsRegion"), 32) or ""
    arn = text(given.get("ARN"), 512) or text(given.get("arn"), 512)
    service = kind.split("::")[1].lower() if kind.count("::") >= 2 else ""
    changed = [key for key in mapping(diff.get("changedProperties")) if key][:_PROPERTIES]
    label = text(given.get("resourceName"), 256) or name
    title = f"{kind} {label} {verb}" + (f": {', '.join(changed)}" if changed else "")
    identity = f"{arn or f'{account}/{region}/{kind}/{name}'}/{time}/{status}"
    return {
        "type": "change",
        "source_id": identity if len(identity) <= 512 else digest((identity,)),
        "time": time,
        "domain": f"aws:{account or 'unknown'}",
        "entities": [
            *resource_entities(kind, name, arn, account, region, sequence(given.get("relationships"))),
            *_owner(account),
        ],
        "title": line(title) or kind,
        "kind": SERVICE_KINDS.get(service, "infrastructure"),
        "status": "succeeded",
        "action": f"config:Resource{verb.title()}",
        "revision": text(given.get("configurationStateId"), 128) or text(given.get("configurationStateID"), 128),
    }


def _result(document: dict[str, Any], default: str) -> FindingDraft | Ignored | Malformed:
    rule = text(document.get("configRuleName"), 128)
    kind, name = text(document.get("resourceType"), 256), text(document.get("resourceId"), 768)
    if rule is None or kind is None or name is None:
        field = "configRuleName" if rule is None else "resourceType" if kind is None else "resourceId"
        return Malformed(field, "not a text, or too long")
    result = mapping(document.get("newEvaluationResult"))
    compliance = text(result.get("complianceType"), 32) or ""
    status = _RESULTS.get(compliance)
    if status is None:
        return Ignored("no result" if compliance in ("", "INSUFFICIENT_DATA") else "a result that is not known")
    recorded = instant(result.get("resultRecordedTime"))
    time = recorded or instant(dig(result, "evaluationResultIdentifier", "orderingTimestamp"))
    if time is None:
        return Malformed("newEvaluationResult.resultRecordedTime", "not an RFC 3339 time with an offset")
    account = account_of(document.get("awsAccountId")) or default
    region = text(document.get("awsRegion"), 32) or ""
    identity = f"{rule}/{kind}/{name}/{time}/{compliance}"
    found = [*resource_entities(kind, name, None, account, region, []), *_owner(account)]
    return {
        "type": "finding",
        "kind": "misconfiguration",
        "source_id": identity if len(identity) <= 512 else digest((identity,)),
        "time": time,
        "domain": f"aws:{account or 'unknown'}",
        "entities": list(dict.fromkeys(found)),
        "title": line(f"{kind} {name} is {compliance.lower().replace('_', ' ')} with {rule}") or rule,
        "rule": rule,
        "severity": 0,
        "status": status,
        "reporter": "config",
        "location": line(f"{kind} {name}", 1024),
        "evidence": line(result.get("annotation"), 2048),
        "target": line(f"account {account} {region}", 1024) if kind == "AWS::::Account" else None,
    }


def _owner(account: str) -> list[EntityDraft]:
    return [("account", account)] if account else []
