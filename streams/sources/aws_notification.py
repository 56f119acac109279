"""What AWS services hand to a queue, a topic or a function by themselves: notifications without EventBridge's envelope.

Read: S3's event notifications and CodeCommit's triggers (``Records``), CloudWatch alarms (the message of an SNS
notification, or SNS ``Records`` with it), the steps of a rotation by Secrets Manager, and CodePipeline's jobs.

- Objects made or removed, alarms and jobs are activities; a pushed reference is a change of code, a rotation one of a
  secret, succeeded with its last step.
- Time: the record's own; a rotation's step and a job have none and take the broker's.
- Identity: S3's request, key, event and sequencer; CodeCommit's ``eventId`` and part; an alarm's ARN, time and state;
  of a rotation the secret's new version and the step; a job's id.
- S3 does not say whose the bucket is: its fallback domain is ``s3:<bucket>``.

Sources: S3 user guide, "Event message structure"; CodeCommit user guide, "Example triggers"; CloudWatch user guide,
"Notifying users on alarm changes"; Secrets Manager user guide, "Rotation by Lambda function"; Lambda developer guide,
"Using AWS Lambda with CodePipeline".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from schemas.events import ChangeKind, Outcome
from streams.sources.aws_envelope import account_of, commit_entity, known
from streams.sources.aws_times import when
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, Ignored, Malformed, Reading
from streams.sources.document import digest, line, mapping, sequence
from streams.sources.fields import address, dig, instant, text
from streams.sources.parse import ParseError, parse
from streams.sources.scan import RECEIVED

_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_STATES: dict[str, Outcome] = {"ALARM": "failure", "OK": "success"}
_REFERENCES = 16

_Found = ActivityDraft | ChangeDraft | Ignored | Malformed


class Notification:
    """The source ``aws.notification``."""

    name = "aws.notification"
    lateness = timedelta(minutes=15)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the first record's ``eventSource``, an alarm's names, a rotation's step, or the job."""
        if type(document) is not dict:
            return False
        records = document.get("Records")
        if type(records) is list and records and type(records[0]) is dict:
            first = records[0]
            if first.get("eventSource") in ("aws:s3", "aws:codecommit"):
                return True
            return first.get("EventSource") == "aws:sns" and isinstance(_alarm(first), dict)
        if "AlarmName" in document:
            return "NewStateValue" in document
        return ("Step" in document and "SecretId" in document) or "CodePipeline.job" in document

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every record; all else is one item."""
        if not isinstance(document, dict):
            yield 0, Malformed("", "not an object")
            return
        received = instant(headers.get(RECEIVED))
        records = document.get("Records")
        if isinstance(records, list):
            for item, record in enumerate(records):
                for found in _record(f"Records[{item}].", record):
                    yield item, found
            if not records:
                yield 0, Ignored("no records")
        elif "AlarmName" in document:
            yield 0, _alarmed("", document)
        elif "CodePipeline.job" in document:
            yield 0, _job(mapping(document["CodePipeline.job"]), received)
        else:
            yield 0, _step(document, received)


def _alarm(record: dict[str, Any]) -> object:
    """The alarm in a record of SNS; None for any other message."""
    message = dig(record, "Sns", "Message")
    if not isinstance(message, str):
        return None
    try:
        found = parse(message.encode("utf-8", "surrogatepass"))
    except ParseError:
        return None
    return found if isinstance(found, dict) and "AlarmName" in found and "NewStateValue" in found else None


def _record(place: str, record: object) -> Iterator[_Found]:
    if not isinstance(record, dict):
        yield Malformed(place.rstrip("."), "not an object")
    elif record.get("eventSource") == "aws:s3":
        yield _stored(place, record)
    elif record.get("eventSource") == "aws:codecommit":
        yield from _pushed(place, record)
    elif record.get("EventSource") == "aws:sns":
        alarm = _alarm(record)
        yield _alarmed(f"{place}Sns.Message.", alarm) if isinstance(alarm, dict) else Ignored("another message of SNS")
    else:
        yield Ignored("records of another service")


def _id(*parts: str | None) -> str:
    joined = "/".join(part or "-" for part in parts)
    return joined if len(joined) <= 512 else digest(parts)


def _activity(
    identity: str, time: str, account: str, action: str, title: str, entities: list[EntityDraft], outcome: Outcome
) -> ActivityDraft:
    owner: list[EntityDraft] = [("account", account)] if account else []
    return {
        "type": "activity",
        "source_id": identity,
        "time": time,
        "domain": f"aws:{account or 'unknown'}",
        "entities": list(dict.fromkeys([*entities, *owner])),
        "title": line(title) or action,
        "action": action,
        "outcome": outcome,
    }


def _change(
    identity: str, time: str, account: str, kind: ChangeKind, title: str, entities: list[EntityDraft], action: str
) -> ChangeDraft:
    owner: list[EntityDraft] = [("account", account)] if account else []
    return {
        "type": "change",
        "source_id": identity,
        "time": time,
        "domain": f"aws:{account or 'unknown'}",
        "entities": list(dict.fromkeys([*entities, *owner])),
        "title": line(title) or action,
        "kind": kind,
        "status": "succeeded",
        "action": action,
    }


def _account(arn: str) -> str:
    parts = arn.split(":", 5)
    return account_of(parts[4]) if len(parts) == 6 else ""


def _stored(place: str, record: dict[str, Any]) -> ActivityDraft | Malformed:
    time, name = instant(record.get("eventTime")), text(record.get("eventName"), 128)
    if time is None or name is None:
        return Malformed(f"{place}{'eventTime' if time is None else 'eventName'}", "missing, or not of its form")
    bucket = text(dig(record, "s3", "bucket", "name"), 128) or "a bucket"
    key = text(dig(record, "s3", "object", "key"), 3072) or ""
    entities = known(dig(record, "s3", "bucket", "arn"))
    who = text(dig(record, "userIdentity", "principalId"), 256) or ""
    unique = who.removeprefix("AWS:").partition(":")[0]
    entities += [("principal", unique)] if unique.startswith(("AIDA", "AROA")) else []
    origin = address(dig(record, "requestParameters", "sourceIPAddress"))
    entities += [("ip", origin)] if origin else []
    request = text(dig(record, "responseElements", "x-amz-request-id"), 64)
    identity = _id(request, time, name, bucket, key, text(dig(record, "s3", "object", "sequencer"), 64))
    title = f"{name} of {unquote_plus(key)} in {bucket}"
    found = _activity(identity, time, "", f"s3:{name}", title, entities, "success")
    found["domain"] = f"s3:{bucket}"
    return found


def _pushed(place: str, record: dict[str, Any]) -> Iterator[ChangeDraft | Ignored | Malformed]:
    time, identity = when(record.get("eventTime")), text(record.get("eventId"), 128)
    if time is None or identity is None:
        yield Malformed(f"{place}{'eventTime' if time is None else 'eventId'}", "missing, or not of its form")
        return
    arn = text(record.get("eventSourceARN"), 512) or ""
    who = known(record.get("userIdentityARN"))
    references = [mapping(each) for each in sequence(dig(record, "codecommit", "references"))[:_REFERENCES]]
    if not references:
        yield Ignored("no reference")
    part = record.get("eventPartNumber")
    for number, each in enumerate(references):
        commit, branch = text(each.get("commit"), 64), text(each.get("ref"), 256) or "a reference"
        entities = [*known(arn), *commit_entity(commit), *who]
        title = f"{arn.rpartition(':')[2] or 'a repository'} {branch.removeprefix('refs/heads/')}: pushed"
        key = _id(identity, str(part) if isinstance(part, int) else None, str(number))
        draft = _change(key, time, _account(arn), "code", title, entities, "codecommit:GitPush")
        draft["revision"] = commit
        draft["actor"] = who[0][1] if who else None
        yield draft


def _alarmed(place: str, alarm: dict[str, Any]) -> ActivityDraft | Malformed:
    name, state = text(alarm.get("AlarmName"), 255), text(alarm.get("NewStateValue"), 32)
    time = when(alarm.get("StateChangeTime"))
    for field, value in (("AlarmName", name), ("NewStateValue", state), ("StateChangeTime", time)):
        if value is None:
            return Malformed(f"{place}{field}", "missing, or not of its form")
    arn = text(alarm.get("AlarmArn"), 512)
    account = account_of(alarm.get("AWSAccountId"))
    title = f"alarm {name} is {state}: {text(alarm.get('NewStateReason'), 2048) or 'no reason'}"
    outcome = _STATES.get(state or "", "unknown")
    identity = _id(arn or name, time, state)
    found = _activity(identity, time or "", account, "cloudwatch:AlarmStateChange", title, known(arn), outcome)
    if outcome == "failure":
        found["error"], found["severity"] = "ALARM", 1
    return found


def _step(document: dict[str, Any], received: str | None) -> ChangeDraft | Malformed:
    secret, step = text(document.get("SecretId"), 512), text(document.get("Step"), 64)
    version = text(document.get("ClientRequestToken"), 256)
    if secret is None or step is None or version is None:
        field = "SecretId" if secret is None else "Step" if step is None else "ClientRequestToken"
        return Malformed(field, "not a text, or too long")
    if step.replace("_", "").lower() not in [each.lower() for each in _STEPS]:
        return Malformed("Step", "no step of a rotation")
    if received is None:
        return Malformed("", "no time: the record says none, nor when it was received")
    title = f"rotation of {secret.rpartition(':')[2]}: {step}"
    identity = _id(version, step, secret)
    action = "secretsmanager:RotateSecret"
    draft = _change(identity, received, _account(secret), "secret_rotation", title, known(secret), action)
    draft["status"] = "succeeded" if step.lower().startswith("finish") else "started"
    draft["revision"] = version
    return draft


def _job(job: dict[str, Any], received: str | None) -> ActivityDraft | Malformed:
    identity = text(job.get("id"), 256)
    if identity is None:
        return Malformed("CodePipeline.job.id", "not a text of 1 to 256 characters")
    if received is None:
        return Malformed("", "no time: the record says none, nor when it was received")
    function = text(dig(job, "data", "actionConfiguration", "configuration", "FunctionName"), 256)
    title = f"pipeline job for {function or 'a function'}"
    return _activity(identity, received, account_of(job.get("accountId")), "codepipeline:Job", title, [], "unknown")
