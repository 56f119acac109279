"""Which audited calls of Google Cloud change something, and what kind of change that is.

The Admin Activity log holds by definition calls that alter configuration or metadata, so a call in it is a change
unless its name says that it reads or asks; names beginning with such a verb are skipped in every log. Calls of the Data
Access log move data and are none. Where the log's name is missing, the verb alone decides.

Kinds: policies are access whatever the service; then by call (``_CALLS``), then the service's (``_SERVICES``), else
infrastructure. Calls to the Kubernetes API of GKE (``k8s.io``) are decided as ``kubernetes.audit`` decides them.

Sources: Cloud Audit Logs, "Types of audit logs"; the services' pages "audit logging", which list their methods.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from schemas.events import ChangeKind
from streams.sources.kubernetes_changes import Alteration, alteration

READS: Final = re.compile(
    r"(?i:(?:batch|aggregated)?_?(?:get|list|search|test|check|query|lookup|read|describe|watch|wait|fetch|export|analyze"
    r"|count|scan|view|report|validate|preview|download|generate|sign|authorize|troubleshoot|connect|proxy))(?![a-z])"
)
_WRITES: Final = re.compile(
    r"(?i:(?:batch)?_?(?:create|insert|update|patch|replace|delete|destroy|undelete|set|add|remove|attach|detach|enable"
    r"|disable|start|stop|reset|resume|suspend|move|import|upload|restore|rollback|deploy|release|promote|approve"
    r"|assign|grant|revoke|modify|migrate|resize|rotate|activate|deactivate|change|deprecate|cancel|run|invite"
    r"|transfer))(?![a-z])"
)
_POLICY: Final = re.compile(r"(?i:(?:set|add|remove|update|create|delete)Iam(?:Policy|Permissions|PolicyBinding))")
_MOVES: Final = frozenset(("storage.objects", "jobservice", "JobService", "TableDataService", "tabledata"))
"""What carries data, for entries that do not say of which log they are."""


_SERVICE_NAMES: Final[dict[ChangeKind, str]] = {
    "access": """
        iam accesscontextmanager orgpolicy iap cloudidentity admin oslogin binaryauthorization privilegedaccessmanager
        apikeys identitytoolkit
    """,
    "configuration": """
        logging monitoring serviceusage servicemanagement secretmanager cloudkms securitycenter cloudscheduler osconfig
        essentialcontacts billingbudgets cloudbilling
    """,
    "code": "artifactregistry cloudbuild sourcerepo",
}
_SERVICES: Final = {name: kind for kind, names in _SERVICE_NAMES.items() for name in names.split()}
_CALLS: Final[dict[tuple[ChangeKind, bool], dict[str, str]]] = {
    ("deploy", True): {
        "run": "CreateService ReplaceService UpdateService CreateJob ReplaceJob UpdateJob",
        "cloudfunctions": "CreateFunction UpdateFunction",
        "appengine": "CreateVersion UpdateService",
        "clouddeploy": "CreateRelease CreateRollout AdvanceRollout",
        "aiplatform": "DeployModel",
    },
    ("rollback", True): {"clouddeploy": "RollbackTarget"},
    ("code", True): {"cloudbuild": "CreateBuild RunBuildTrigger"},
    ("secret_rotation", False): {
        "secretmanager": "AddSecretVersion EnableSecretVersion DisableSecretVersion DestroySecretVersion",
        "cloudkms": "CreateCryptoKeyVersion UpdateCryptoKeyPrimaryVersion DestroyCryptoKeyVersion"
        " RestoreCryptoKeyVersion",
    },
    ("configuration", False): {
        "compute": "setMetadata setCommonInstanceMetadata setTags setLabels setScheduling",
        "storage": "update patch",
        "cloudbuild": "CreateBuildTrigger UpdateBuildTrigger DeleteBuildTrigger",
        "container": "SetLoggingService SetMonitoringService SetMasterAuth",
    },
    ("access", False): {
        "compute": "setServiceAccount setSecurityPolicy addAccessConfig",
        "storage": "createHmacKey deleteHmacKey",
    },
}
_BY_CALL: Final = {
    (service, name.lower()): verdict
    for verdict, services in _CALLS.items()
    for service, names in services.items()
    for name in names.split()
}


class Made(NamedTuple):
    """The change that a call makes; ``begins`` where its success only means that it has begun."""

    kind: ChangeKind
    begins: bool = False


def verb_of(method: str) -> str:
    """The last part of a method's name.

    >>> verb_of("google.iam.admin.v1.CreateServiceAccount"), verb_of("v1.compute.firewalls.delete")
    ('CreateServiceAccount', 'delete')
    """
    return method.rpartition(".")[2]


def change_of(service: str, method: str, log: str) -> Made | None:
    """What a successful call changes. ``service`` without ``.googleapis.com``, ``log`` as ``activity``, or empty.

    >>> change_of("iam", "google.iam.admin.v1.CreateServiceAccountKey", "activity")
    Made(kind='access', begins=False)
    >>> change_of("storage", "storage.objects.create", "data_access") is None
    True
    """
    if log not in ("activity", ""):
        return None
    verb = verb_of(method)
    if READS.match(verb) or (not log and not _WRITES.match(verb)):
        return None
    if _POLICY.fullmatch(verb):
        return Made("access")
    parts = method.split(".")
    if ".".join(parts[-3:-1]) in _MOVES or (len(parts) > 1 and parts[-2] in _MOVES) or service == "login":
        return None
    known = _BY_CALL.get((service, verb.lower()))
    return Made(*known) if known else Made(_SERVICES.get(service, "infrastructure"))


class Object(NamedTuple):
    """A request to the Kubernetes API, out of a method and a resource's name. Parts that are not there are empty."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    subresource: str


def object_of(method: str, resource: str) -> Object | None:
    """``io.k8s.apps.v1.deployments.patch`` of ``apps/v1/namespaces/shop/deployments/pay``; None for anything else.

    >>> object_of("io.k8s.core.v1.pods.exec.create", "core/v1/namespaces/shop/pods/pay-1/exec")
    Object(verb='create', group='', resource='pods', namespace='shop', name='pay-1', subresource='exec')
    """
    verb, parts = verb_of(method), resource.split("/")
    if not verb or len(parts) < 3:
        return None
    group, rest, namespace = "" if parts[0] == "core" else parts[0], parts[2:], ""
    if rest[0] == "namespaces" and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    rest += [""] * (3 - len(rest))
    return Object(verb, group, rest[0], namespace, rest[1], rest[2]) if rest[0] else None


def change_of_object(request: Object) -> Alteration | None:
    """What a successful request to the Kubernetes API changes."""
    return alteration(request.verb, request.resource, request.subresource or None, request.group, request.name)
