"""AWS CloudTrail: management, data and network activity events.

Read: an S3 log file ``{"Records": [...]}``, a bare array of records, an EventBridge event whose ``detail`` is a record
(detail types "... via CloudTrail"), and a single record. Insights events are ignored.

Every record is an activity. A successful call that changes something (``aws_changes``) is a change as well, with the
same ``source_id``; a failed one changed nothing, and a call with ``readOnly`` true never does.

- Natural key: ``eventID``. The copies of one call in several accounts have different ``eventID`` and one
  ``sharedEventID``; each account's copy counts as its own event, as it belongs to that account's domain.
- Time: ``eventTime``, when the service completed the call, by the clock of its API host.
- Lateness: delivery within 15 minutes on average, says the CloudTrail user guide ("How CloudTrail works").
- Severity: CloudTrail states none (0); a failed call is informational (1).
- Session or role, path or no path: see ``aws_names``.

Source: CloudTrail user guide, "CloudTrail record contents for management, data, and network activity events".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from operator import itemgetter

from schemas.events import ChangeKind, ChangeStatus, Outcome
from streams.sources.aws_changes import change_of
from streams.sources.aws_exposure import Call as Seen
from streams.sources.aws_exposure import Read, exposing
from streams.sources.aws_identities import STATES, Issue, scope_of, statements
from streams.sources.aws_names import ENTITIES, partition_of, principal_of
from streams.sources.aws_resources import MAX_ENTITIES, Found, collect, parameters_of
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, IdentityDraft, Ignored, Malformed, Reading
from streams.sources.document import mapping
from streams.sources.fields import INSTANTS, address, dig, instant, text
from streams.sources.memo import Memo

_AGENT = re.compile(r"\[?([A-Za-z][A-Za-z0-9.-]{0,39})")
_KEY_ID = re.compile(r"A[KS]IA[A-Z0-9]{12,124}")
_ACCOUNT = re.compile(r"[0-9]{12}")


_FIELD_NAMES = (
    "eventID",
    "eventTime",
    "eventSource",
    "eventName",
    "eventVersion",
    "userIdentity",
    "recipientAccountId",
    "sourceIPAddress",
    "userAgent",
    "awsRegion",
    "readOnly",
    "requestParameters",
    "responseElements",
)
_FIELDS = itemgetter(*_FIELD_NAMES)
MAX_NAME = 128
"""Characters of an event source or name."""


class CloudTrail:
    """The source ``aws.cloudtrail``."""

    name = "aws.cloudtrail"
    lateness = timedelta(minutes=15)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``Records`` or an array of records, by the EventBridge detail type, or by a record's own fields."""
        if type(document) is dict:
            if "eventSource" in document or "insightDetails" in document:
                return _is_record(document)
            kind = document.get("detail-type")
            if kind is not None:
                return type(kind) is str and kind.endswith(" via CloudTrail")
            records = document.get("Records")
            return type(records) is list and (_is_record(records[0]) if records else len(document) == 1)
        return type(document) is list and bool(document) and _is_record(document[0])

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every record: one reading for an activity, two with the same item where it is a change as well."""
        if type(document) is dict:
            if "eventID" in document:
                return iter(_read(document, 0, "", None))
            if "Records" in document:
                return _read_all(document["Records"], "Records")
            if "detail" in document:
                return iter(_read(document["detail"], 0, "detail", document.get("account")))
            return iter(_read(document, 0, "", None))
        return _read_all(document, "")


def _is_record(value: object) -> bool:
    """Lambda's, S3's and other ``Records`` have an ``eventSource`` such as ``aws:s3``."""
    if type(value) is not dict:
        return False
    source = value.get("eventSource")
    if type(source) is str:
        return not source.startswith("aws:") and ("eventName" in value or "eventID" in value)
    return "eventID" in value and ("insightDetails" in value or "eventName" in value)


def _read_all(records: object, place: str) -> Iterator[Reading]:
    if type(records) is not list:
        yield 0, Malformed(place, "not a list of CloudTrail records")
        return
    for item, record in enumerate(records):
        yield from _read(record, item, f"{place}[{item}]", None)


def _read(record: object, item: int, place: str, default_account: object) -> list[Reading]:
    if type(record) is not dict:
        return [(item, Malformed(place, "not an object"))]
    try:
        values = _FIELDS(record)
    except KeyError:  # records before version 1.05 have fewer
        values = tuple(map(record.get, _FIELD_NAMES))
    source_id, time, source, name, version, identity, recipient, origin, agent, region, read_only, asked, answer = (
        values
    )
    try:
        time = INSTANTS[time]
        call = _CALLS[source, name, version]
    except TypeError:  # an object or array where text belongs; it has no hash
        call = None
    if call is None or time is None or type(source_id) is not str or not 0 < len(source_id) <= 512:
        return [(item, _refusal(record, place))]
    action, known, change, states, opens = call

    get = record.get
    caller = identity.get if type(identity) is dict else {}.get
    context = caller("sessionContext")
    issuer = grant = None
    if context:
        issuer = dig(context, "sessionIssuer", "arn")
        scope = caller("inScopeOf")
        grant = dig(scope, "credentialsIssuedTo") if scope else dig(context, "ec2RoleDelivery")
    traits = (
        recipient,
        default_account,
        origin,
        agent,
        caller("accountId"),
        caller("accessKeyId"),
        grant,
        caller("type"),
        caller("arn") or region,  # without one it is made, and its partition depends on the region
        issuer,
        caller("principalId"),
        caller("userName"),
        caller("invokedBy"),
    )
    try:
        account, domain, actor, who, common, said = _CALLERS[traits]
    except TypeError:
        account, domain, actor, who, common, said = _caller(tuple(t if type(t) is str else None for t in traits))
    if type(region) is not str or len(region) > 32:
        region = ""

    found = common.copy()
    resources = get("resources")
    if type(resources) is list:
        for resource in resources:
            named = resource.get("ARN") if type(resource) is dict else None
            entity = ENTITIES[named] if type(named) is str else None
            if entity is not None:
                found[entity] = None
    if asked:
        collect(found, asked, known, region, account)
    if answer and (read_only is not True or action[:4] == "sts:"):
        collect(found, answer, known, region, account)
    entities = list(found)
    if len(entities) > MAX_ENTITIES:
        del entities[MAX_ENTITIES:]

    outcome: Outcome = "success"
    error = get("errorCode") or get("errorMessage")
    if error:
        outcome = "failure"
    elif answer and dig(answer, name) == "Failure":  # {"ConsoleLogin": "Failure"}
        outcome, error = "failure", "Failure"

    activity: ActivityDraft = {
        "type": "activity",
        "source_id": source_id,
        "time": time,
        "domain": domain,
        "entities": entities,
        "title": f"{who} called {action}",
        "action": action,
        "actor": actor,
        "outcome": outcome,
        "read_only": read_only if type(read_only) is bool else None,
    }
    if states is not None and outcome == "success":
        more = (
            mapping(identity),
            account,
            region,
            mapping(asked),
            mapping(answer),
            mapping(get("additionalEventData")),
        )
        said = (*said, *statements(Issue(*more), states))
    if said:
        activity["identities"] = list(said)
    if outcome == "failure":
        error = error[:256] if type(error) is str else "unreadable error code"
        activity["error"] = error
        activity["severity"] = 1
        activity["title"] = f"{who} called {action}: {error}"[:512]
        return [(item, activity)]
    if change is None or read_only is True:
        return [(item, activity)]
    altered: ChangeDraft = {
        "type": "change",
        "source_id": source_id,
        "time": time,
        "domain": domain,
        "entities": entities.copy(),
        "title": f"{who} called {action}",
        "kind": change[0],
        "actor": actor,
        "status": change[1],
        "action": action,
    }
    if change[0] in ("deploy", "code"):
        altered["revision"] = _revision(answer)
    if said:
        altered["identities"] = list(said)
    if opens is not None and (exposes := opens(Seen(region, account, mapping(asked), mapping(answer)))):
        altered["exposes"] = exposes
    return [(item, activity), (item, altered)]


def _refusal(record: dict[str, object], place: str) -> Malformed | Ignored:
    """Why a record was not read."""
    if "eventName" not in record and (record.get("eventType") == "AwsCloudTrailInsight" or "insightDetails" in record):
        return Ignored("CloudTrail Insights event")
    if text(record.get("eventID")) is None:
        field, reason = "eventID", "not a text of 1 to 512 characters"
    elif instant(record.get("eventTime")) is None:
        field, reason = "eventTime", "not an RFC 3339 time with an offset"
    elif text(record.get("eventSource"), MAX_NAME) is None:
        field, reason = "eventSource", f"not a text of 1 to {MAX_NAME} characters"
    elif text(record.get("eventName"), MAX_NAME) is None:
        field, reason = "eventName", f"not a text of 1 to {MAX_NAME} characters"
    else:
        field, reason = "eventVersion", "major version is not 1"
    return Malformed(f"{place}.{field}" if place else field, reason)


States = Callable[[Issue], list[IdentityDraft]]
Call = tuple[str, dict[str, str], tuple[ChangeKind, ChangeStatus] | None, States | None, Read | None]
"""Action, the parameters that name something, the change it makes, what it says about who stands for whom, and how to
read what it opens to the internet."""


def _call(key: tuple[object, object, object]) -> Call | None:
    """What all records of one call have in common; None if the record cannot be read."""
    source, name, version = text(key[0], MAX_NAME), text(key[1], MAX_NAME), key[2]
    if source is None or name is None or not (version is None or (isinstance(version, str) and version[:2] == "1.")):
        return None
    service = source.removesuffix(".amazonaws.com") or source
    action = f"{service}:{name}"
    return action, parameters_of(service, name), change_of(service, name), STATES.get(action), exposing(action)


_CALLS = Memo(_call)

Caller = tuple[str, str, str | None, str, Found, tuple[IdentityDraft, ...]]
"""Account, domain, actor, name for readers, entities (shared: copy before adding), who stands for whom."""


def _caller(traits: tuple[object, ...]) -> Caller:
    """What the same caller's records have in common. Callers repeat, so this is worked out once for each."""
    recipient, default, origin, user_agent, own, access_key, grant, *identity = traits
    account = "unknown"
    for candidate in (recipient, default, own):
        if isinstance(candidate, str) and _ACCOUNT.fullmatch(candidate):
            account = candidate
            break
    kind, arn, issuer, principal_id, user_name, invoked_by = [text(value) or "" for value in identity]
    partition = partition_of(arn)
    principal = principal_of(kind, arn, issuer, text(own) or "", principal_id, user_name, invoked_by, partition)
    entities: list[EntityDraft] = list(principal.entities)
    if isinstance(access_key, str) and _KEY_ID.fullmatch(access_key):
        entities.append(("access_key", access_key))
    ip = address(origin)
    if ip is not None:
        entities.append(("ip", ip))
    if account != "unknown":
        entities.append(("account", account))
    family = agent_family(user_agent) if isinstance(user_agent, str) else ""
    if family:
        entities.append(("user_agent", family))
    said: tuple[IdentityDraft, ...] = ()
    acting = entities[len(principal.entities) - 1] if principal.entities else None
    if acting is not None and acting[0] == "session" and isinstance(grant, str) and grant:
        said = scope_of(acting, grant)
    label = principal.label or "someone"
    return account, f"aws:{account}", principal.id, label, dict.fromkeys(entities), said


_CALLERS = Memo(_caller)


def agent_family(agent: str) -> str:
    """The client behind a user agent, without versions: ``aws-cli``, ``boto3``, ``terraform``, ``mozilla``.

    Terraform hides in the middle of its SDK's agent; a service that calls for somebody is its own host name.
    """
    if "Terraform/" in agent:
        return "terraform"
    first = _AGENT.match(agent)
    return first[1].rstrip(".-").lower() if first else ""


def _revision(answer: object) -> str | None:
    """The version that the call made, where its response says one."""
    for path in (
        ("codeSha256",),
        ("taskDefinition", "taskDefinitionArn"),
        ("service", "taskDefinition"),
        ("image", "imageId", "imageDigest"),
        ("deploymentId",),
        ("pipelineExecutionId",),
        ("version",),
    ):
        value = dig(answer, *path)
        if isinstance(value, str) and 0 < len(value) <= 512:
            return value
    return None
