"""The audit log of the Kubernetes API server, ``audit.k8s.io/v1`` (``v1beta1`` has the same fields).

Read: one event a line, as the log backend writes it; the ``EventList`` of the webhook backend, whose items leave out
kind and version; and a table whose columns are paths joined by ``_`` or ``.`` (``user_username``), as exports have it.

Every request is an activity, once: what came in (``RequestReceived``) and the begin of a watch are ignored, since the
end of the request says more; of ``exec``, ``attach`` and the like the begin counts, since their end may be hours later,
and has the same key. Health checks, leases and the writing of events are ignored while they succeed. A successful
request that alters something (``kubernetes_changes``) is a change as well, with the same key; a dry run is none.

- Natural key: ``auditID``, unique for each request.
- Time: ``requestReceivedTimestamp``; of a watch, which is written when it ends, ``stageTimestamp``.
- Lateness: the webhook backend waits up to 30 seconds for a batch, log files go through a collector; five minutes.
- Addresses: of ``sourceIPs`` only the last, since all others can be set by the client; not the loopback address.
- Severity: none is stated; a refused request (401, 403) is informational.
- Who stands for whom: a pod for its workload, the id of a token that was issued for its service account.
- Domain: the cluster, which the event does not name: header ``x-weir-cluster``.

Contents of secrets and config maps are never carried; of objects only names, images and subjects of bindings.

Sources: kube-apiserver Audit Configuration (v1); Kubernetes documentation, "Auditing"; "Managing Service Accounts" and
KEP-4193 (``authentication.kubernetes.io/…`` in ``user.extra`` and annotations); kubectl's ``rollout undo``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from schemas.events import ChangeKind, ChangeStatus, Outcome
from streams.sources.aws_cloudtrail import agent_family
from streams.sources.aws_names import entity_of
from streams.sources.base import ActivityDraft, ChangeDraft, EntityDraft, IdentityDraft, Ignored, Malformed, Reading
from streams.sources.document import mapping, sequence
from streams.sources.fields import INSTANTS, address, dig, host, instant, text
from streams.sources.kubernetes_audit_rows import is_row, nested
from streams.sources.kubernetes_changes import HELM, Alteration, alteration, is_control_plane
from streams.sources.kubernetes_exposure import RESOURCES
from streams.sources.kubernetes_exposure import exposes as exposes_of
from streams.sources.kubernetes_objects import LIMIT, WORKLOADS, account, domain_of, entity, images, owned
from streams.sources.memo import Memo

_STAGES = frozenset(("ResponseComplete", "ResponseStarted", "Panic"))
_READS = frozenset(("get", "list", "watch", "head", "options"))
_LONG = frozenset(("exec", "attach", "portforward", "proxy", "log"))
"""Subresources whose requests go on; of theirs the begin is read, too."""

_CHECKS = frozenset(("healthz", "livez", "readyz"))
_PATHS = _CHECKS | frozenset(
    ("api", "apis", "metrics", "version", "openapi", "swagger", "swaggerapi", "logs", "debug", ".well-known")
)
_ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:.{1,400}")
_KEY_ID = re.compile(r"A[KS]IA[A-Z0-9]{12,124}")
_HELM = re.compile(re.escape(HELM) + r"(?P<name>.{1,200})\.v(?P<revision>[0-9]{1,9})")
_EXTRA = "authentication.kubernetes.io/"
_ISSUED = f"{_EXTRA}issued-credential-id"
_DETAILED = (WORKLOADS | {"rolebindings", "clusterrolebindings"}) - {"replicationcontrollers"}


class KubernetesAudit:
    """The source ``kubernetes.audit``."""

    name = "kubernetes.audit"
    lateness = timedelta(minutes=5)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By ``auditID`` and ``stage`` of the event, or of a list's first."""
        if type(document) is list:
            return bool(document) and _is_event(document[0])
        if type(document) is not dict or "auditID" in document:
            return _is_event(document)
        items, version = document.get("items"), document.get("apiVersion")
        if type(items) is list and items:
            return _is_event(items[0])
        return type(items) is list and type(version) is str and version.startswith("audit.k8s.io/")

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every event: one reading for an activity, two with the same item where it is a change as well."""
        domain = domain_of(headers)
        if type(document) is not dict:
            return _read_all(document, "", domain)
        if "items" in document:
            return _read_all(document["items"], "items", domain)
        return iter(_read(document, 0, "", domain))


def _is_event(value: object) -> bool:
    return type(value) is dict and "auditID" in value and "stage" in value


def _read_all(events: object, place: str, domain: str) -> Iterator[Reading]:
    if type(events) is not list:
        yield 0, Malformed(place, "not a list of audit events")
        return
    for item, event in enumerate(events):
        yield from _read(event, item, f"{place}[{item}]", domain)


def _read(event: object, item: int, place: str, domain: str) -> list[Reading]:
    if type(event) is not dict:
        return [(item, Malformed(place, "not an object"))]
    get = event.get
    user = get("user")
    if user is None and is_row(event):
        event = nested(event)
        get = event.get
        user = get("user")
    audit_id, stage, verb, ref = get("auditID"), get("stage"), get("verb"), get("objectRef")
    try:
        time = INSTANTS[get("stageTimestamp" if verb == "watch" else "requestReceivedTimestamp")]
        if time is None:
            time = INSTANTS[get("requestReceivedTimestamp")] or INSTANTS[get("stageTimestamp")]
        if type(ref) is dict:
            named = ref.get
            name = named("name")
            if name is None and verb == "create":
                name = dig(get("responseObject"), "metadata", "name") or dig(get("requestObject"), "metadata", "name")
            call = _CALLS[verb, named("resource"), named("subresource"), named("apiGroup"), named("namespace"), name]
        else:
            call = _PATHS_OF[verb, get("requestURI")]
        if stage not in _STAGES:
            call = None
    except TypeError:  # an object or array where text belongs; it has no hash
        call = time = None
    if call is None or time is None or type(audit_id) is not str or not 0 < len(audit_id) <= 512:
        return [(item, _refusal(event, place))]
    if stage == "ResponseStarted" and not call.long:
        return [(item, Ignored("begin of a request whose end is read"))]

    status = mapping(get("responseStatus"))
    code = status.get("code")
    if type(code) is not int:
        code = 0
    if call.ignored is not None and code < 300:
        return [(item, Ignored(call.ignored))]

    who = mapping(user)
    extra = who.get("extra")
    addresses = get("sourceIPs")
    last = addresses[-1] if type(addresses) is list and addresses else None
    traits = (who.get("username"), get("userAgent"), last, *(_extras(extra) if extra else _NO_EXTRAS))
    try:
        caller = _CALLERS[traits]
    except TypeError:
        caller = _caller(tuple(t if type(t) is str else None for t in traits))

    found = dict.fromkeys((*caller.first, *call.entities, *caller.rest))
    said = call.said + caller.said
    if "impersonatedUser" in event and (other := text(dig(event, "impersonatedUser", "username"))):
        found["principal", other] = None
    if call.detailed:
        said += _details(event, call, found)
    if "annotations" in event and call.account is not None:
        issued = dig(event, "annotations", _ISSUED)
        if type(issued) is str and 0 < len(issued) <= 512:
            found["access_key", issued] = None
            said += (("access_key", issued, "principal", call.account),)

    outcome: Outcome = "unknown"
    if stage == "Panic":
        outcome = "failure"
    elif code:
        outcome = "failure" if code >= 400 else "success"
    entities = list(found)
    title = f"{caller.label}: {call.what}"
    activity: ActivityDraft = {
        "type": "activity",
        "source_id": audit_id,
        "time": time,
        "domain": domain,
        "entities": entities,
        "title": title,
        "action": call.action,
        "actor": caller.principal,
        "outcome": outcome,
        "read_only": call.read_only,
    }
    if said:
        activity["identities"] = list(said)
    if outcome == "failure":
        reason = status.get("reason")
        error = reason[:256] if type(reason) is str and reason else "Panic" if stage == "Panic" else str(code)
        activity["error"] = error
        activity["severity"] = 1 if code in (401, 403) else 0
        activity["title"] = f"{title[:380]}: {error[:128]}"
        return [(item, activity)]
    change = call.change
    if change is None or outcome != "success" or caller.controls or (change.persons and caller.service):
        return [(item, activity)]
    uri = get("requestURI")
    if type(uri) is str and "dryRun=" in uri:
        return [(item, activity)]
    kind, state, revision = _decided(event, call, change)
    if kind is None:
        return [(item, activity)]
    altered: ChangeDraft = {
        "type": "change",
        "source_id": audit_id,
        "time": time,
        "domain": domain,
        "entities": entities.copy(),
        "title": title,
        "kind": kind,
        "actor": caller.principal,
        "status": state,
        "action": call.action,
        "revision": revision,
    }
    if said:
        altered["identities"] = list(said)
    if call.exposed is not None:
        exposes = exposes_of(str(verb), *call.exposed, get("requestObject"), get("responseObject"))
        if exposes:
            altered["exposes"] = exposes
    return [(item, activity), (item, altered)]


def _refusal(event: dict[str, object], place: str) -> Malformed | Ignored:
    """Why an event was not read."""
    if event.get("stage") == "RequestReceived":
        return Ignored("request received; its answer is read")
    if text(event.get("auditID")) is None:
        field, reason = "auditID", "not a text of 1 to 512 characters"
    elif not isinstance(event.get("stage"), str) or event["stage"] not in _STAGES:
        field, reason = "stage", "not a stage of audit.k8s.io/v1"
    elif instant(event.get("requestReceivedTimestamp")) is None and instant(event.get("stageTimestamp")) is None:
        field, reason = "requestReceivedTimestamp", "not an RFC 3339 time with an offset"
    elif text(event.get("verb"), 64) is None:
        field, reason = "verb", "not a text of 1 to 64 characters"
    elif isinstance(event.get("objectRef"), dict):
        field, reason = "objectRef", "no resource, or a name that is no text of 1 to 512 characters"
    else:
        field, reason = "requestURI", "neither an object nor a path"
    return Malformed(f"{place}.{field}" if place else field, reason)


class _Call(NamedTuple):
    """What all requests for the same thing have in common."""

    action: str
    what: str
    entities: tuple[EntityDraft, ...]
    said: tuple[IdentityDraft, ...]
    read_only: bool
    change: Alteration | None
    ignored: str | None
    long: bool
    detailed: bool
    account: str | None
    """User name of the service account whose token was asked for."""
    exposed: tuple[str, str] | None = None
    """Resource and entity id of what may be open to the internet."""


def _call(key: tuple[object, ...]) -> _Call | None:
    """None where the request cannot be read."""
    verb, resource = text(key[0], 64), text(key[1], 253)
    if verb is None or resource is None or not all(part is None or isinstance(part, str) for part in key[2:]):
        return None
    subresource, group, namespace, name = (text(part, 512) for part in key[2:])
    if any(isinstance(part, str) and len(part) > 512 for part in key[2:]):
        return None
    custom = group is not None and "." in group and not group.endswith(".k8s.io")
    spelt = f"{resource}.{group}" if custom else resource
    path = f"{spelt}/{subresource}" if subresource else spelt
    found: list[EntityDraft] = []
    said: list[IdentityDraft] = []
    if name and (thing := entity(spelt if custom and resource != "rollouts" else resource, namespace, name)):
        found.append(thing)
        said = owned(resource, namespace, name)
    if namespace and ("namespace", namespace) not in found:
        found.append(("namespace", namespace))
    asks = resource.endswith("reviews")
    ignored = None
    if resource == "leases":
        ignored = "lease"
    elif resource == "events" and verb in ("create", "update", "patch"):
        ignored = "writing of an event"
    at = "/".join(part for part in (namespace if resource != "namespaces" else None, name) if part)
    token = resource == "serviceaccounts" and subresource == "token" and namespace and name
    return _Call(
        f"k8s:{verb} {path}"[:256],
        f"{verb} {path}{f' {at}' if at else ''}"[:380],
        tuple(found),
        tuple(said),
        (verb in _READS and subresource not in _LONG - {"log"}) or asks,
        alteration(verb, resource, subresource, group or "", name or ""),
        ignored,
        subresource in _LONG,
        verb in ("create", "update", "patch") and not subresource and resource in _DETAILED,
        account(namespace or "", name or "") if token else None,
        (resource, found[0][1]) if resource in RESOURCES and name and not subresource and not custom else None,
    )


_CALLS = Memo(_call)


def _path(key: tuple[object, object]) -> _Call | None:
    """A request for no object: its first segment, so that probing gives no end of actions."""
    verb, uri = text(key[0], 64), text(key[1], 8192)
    if verb is None or uri is None:
        return None
    first = uri.partition("?")[0].lstrip("/").partition("/")[0]
    path = f"/{first}" if first in _PATHS or not first else "another path"
    what = f"{verb} {path}"
    checks = "health check" if first in _CHECKS else None
    return _Call(f"k8s:{what}", what, (), (), verb in _READS, None, checks, False, False, None)


_PATHS_OF = Memo(_path)


class _Caller(NamedTuple):
    """What all requests of one caller have in common. ``first`` goes before what was touched, ``rest`` after it."""

    principal: str | None
    label: str
    first: tuple[EntityDraft, ...]
    rest: tuple[EntityDraft, ...]
    said: tuple[IdentityDraft, ...]
    controls: bool
    service: bool


_NO_EXTRAS = (None,) * 5


def _extras(extra: object) -> tuple[object, ...]:
    """Pod, node and token of a service account; ARN and access key that EKS adds for an IAM identity."""
    if type(extra) is not dict:
        return _NO_EXTRAS
    names = (f"{_EXTRA}pod-name", f"{_EXTRA}node-name", f"{_EXTRA}credential-id", "arn", "accessKeyId")
    values = map(extra.get, names)
    return tuple(value[0] if type(value) is list and value else None for value in values)


def _caller(traits: tuple[object, ...]) -> _Caller:
    user, agent, ip, pod, node, credential, arn, key = (text(each) for each in traits)
    first: list[EntityDraft] = [("principal", user)] if user else []
    rest: list[EntityDraft] = []
    said: list[IdentityDraft] = []
    parts = (user or "").split(":")
    service = len(parts) == 4 and parts[:2] == ["system", "serviceaccount"] and all(parts)
    if service and pod:
        rest.append(("workload", f"{parts[2]}/{pod}"))
        said += owned("pods", parts[2], pod)
    if user and user.startswith("system:node:") and node is None:
        node = user.removeprefix("system:node:")
    if node and (machine := host(node)):
        rest.append(("host", machine))
    if credential:
        rest.append(("access_key", credential))
    if arn and _ARN.fullmatch(arn) and (named := entity_of(arn)):
        rest.append(named)
    if key and _KEY_ID.fullmatch(key):
        rest.append(("access_key", key))
    if (number := address(ip)) and not number.startswith("127.") and number != "::1":
        rest.append(("ip", number))
    if agent and (family := agent_family(agent)):
        rest.append(("user_agent", family))
    label = (user or "someone")[:120]
    return _Caller(user, label, tuple(first), tuple(rest), tuple(said), is_control_plane(user or ""), service)


_CALLERS = Memo(_caller)


def _details(event: dict[str, Any], call: _Call, found: dict[EntityDraft, None]) -> tuple[IdentityDraft, ...]:
    """What the object itself names, where the policy logs it: images, who is bound to which role, the pod's owner."""
    asked, answered = event.get("requestObject"), event.get("responseObject")
    given = mapping(answered) if isinstance(dig(answered, "metadata"), dict) else mapping(asked)
    for named in images(given.get("spec")) or images(dig(asked, "spec")):
        found[named] = None
    if isinstance(role := given.get("roleRef"), dict):
        for subject in sequence(given.get("subjects"))[:LIMIT]:
            kind, name = text(dig(subject, "kind"), 64), text(dig(subject, "name"), 253)
            if name and kind == "ServiceAccount" and (space := text(dig(subject, "namespace"), 253)):
                found["principal", account(space, name)] = None
            elif name and kind == "User":
                found["principal", name] = None
        kind, name = text(role.get("kind"), 64), text(role.get("name"), 253)
        if kind in ("Role", "ClusterRole") and name:
            space = text(dig(event, "objectRef", "namespace"), 253) if kind == "Role" else None
            if thing := entity(f"{kind.lower()}s", space, name):
                found[thing] = None
    owners = sequence(dig(given, "metadata", "ownerReferences"))
    if not owners or call.said or not call.entities or call.entities[0][0] != "workload":
        return ()
    space, _, name = call.entities[0][1].partition("/")
    resource = text(dig(event, "objectRef", "resource")) or ""
    return tuple(owned(resource, space, name, owners[:LIMIT]))


def _decided(
    event: dict[str, Any], call: _Call, change: Alteration
) -> tuple[ChangeKind | None, ChangeStatus, str | None]:
    """Kind, status and revision: those of the request, unless its object says more."""
    asked = event.get("requestObject")
    if change.kind == "deploy" and (release := _HELM.search(call.entities[0][1] if call.entities else "")):
        status = dig(asked, "metadata", "labels", "status")
        kind: ChangeKind = "rollback" if status == "pending-rollback" else "deploy"
        return kind, change.status, f"{release['name']} v{release['revision']}"
    if change.kind != "deploy":
        return change.kind, change.status, None
    if isinstance(asked, list):  # kubectl rollout undo
        paths = [dig(each, "path") for each in asked[:LIMIT]]
        if "/spec/template" in paths and "/metadata/annotations" in paths:
            return "rollback", change.status, None
    # Of a patch the request names what changed; the answer names all.
    named = images(dig(asked, "spec")) or images(dig(event, "responseObject", "spec"))
    return "deploy", change.status, named[0][1] if named else None
