"""Rules' field names as the vendor's document has them, where SigmaHQ uses another name; and as entities of ours.

SigmaHQ's rules for CloudTrail, Kubernetes and GitHub use the documents' own names. Those for Google Cloud use the
names of Elastic's Filebeat (``gcp.audit.method_name``), those for Azure the columns of Log Analytics
(``OperationNameValue``), older ones for Okta the names in lower case. A field that no table knows is read as it is
written. A name of our own choice under another one is tried besides the name as written, never instead of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from streams.sigma.condition import Paths
from streams.sigma.logsource import NORMALISED, LogSource


def paths_of(logsource: LogSource, field: str) -> Paths:
    """Where a document of the log source may have the field; the name as written first.

    >>> paths_of(LogSource("gcp", "gcp.audit"), "gcp.audit.method_name")
    ('gcp.audit.method_name', 'protoPayload.methodName')
    """
    match logsource.product:
        case "kubernetes":
            more = _KUBERNETES.get(field, ())
        case "gcp":
            more = _gcp(field)
        case "azure":
            more = _azure(field)
        case "okta":
            more = _okta(field)
        case _:
            more = ()
    return tuple(dict.fromkeys((field, *more)))


_POD = "requestObject.spec"
_TEMPLATE = "requestObject.spec.template.spec"

_KUBERNETES: Mapping[str, Paths] = {
    "hostPath": (f"{_POD}.volumes.hostPath", f"{_TEMPLATE}.volumes.hostPath"),
    "capabilities": (
        f"{_POD}.containers.securityContext.capabilities",
        f"{_TEMPLATE}.containers.securityContext.capabilities",
    ),
    "apiGroup": ("objectRef.apiGroup",),
    "resource": ("objectRef.resource",),
    "subresource": ("objectRef.subresource",),
    "namespace": ("objectRef.namespace",),
    "username": ("user.username",),
}
"""Fields that SigmaHQ's rules name without their place; audit.k8s.io/v1 and the pod specification have the places."""

_GCP: Mapping[str, Paths] = {
    "gcp.audit.authentication_info.principal_email": ("protoPayload.authenticationInfo.principalEmail",),
    "gcp.audit.request_metadata.caller_ip": ("protoPayload.requestMetadata.callerIp",),
    "gcp.audit.request_metadata.caller_supplied_user_agent": ("protoPayload.requestMetadata.callerSuppliedUserAgent",),
    "eventName": ("protoPayload.metadata.event.eventName",),
    "eventService": ("protoPayload.serviceName",),
}


def _gcp(field: str) -> Paths:
    if field in _GCP:
        return _GCP[field]
    if field.startswith("gcp.audit."):
        return ("protoPayload." + _camel(field.removeprefix("gcp.audit.")),)
    if field.startswith("data."):  # as a Pub/Sub message wraps it
        return (field.removeprefix("data."),)
    return ()


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)


_AZURE: Mapping[str, Paths] = {
    "OperationNameValue": ("operationName.value", "operationName"),
    "CategoryValue": ("category.value", "category"),
    "ResourceProviderValue": ("resourceProviderName.value", "resourceProviderName"),
    "ActivityStatusValue": ("status.value", "status", "resultType"),
    "properties.message": ("operationName", "properties.operationName", "properties.activityDisplayName"),
    "ActivityDisplayName": ("properties.activityDisplayName", "activityDisplayName"),
    "LoggedByService": ("properties.loggedByService", "loggedByService"),
    "InitiatedBy": ("properties.initiatedBy", "initiatedBy"),
    "TargetUserName": ("properties.targetResources.userPrincipalName", "targetResources.userPrincipalName"),
    "DeviceDetail.trusttype": ("properties.deviceDetail.trustType", "deviceDetail.trustType"),
    "DeviceDetail.isCompliant": ("properties.deviceDetail.isCompliant", "deviceDetail.isCompliant"),
    "NetworkLocationDetails": ("properties.networkLocationDetails", "networkLocationDetails"),
    "Username": ("properties.userPrincipalName", "userPrincipalName"),
    "Location": ("properties.location.countryOrRegion", "location"),
    "ClientApp": ("properties.clientAppUsed", "clientAppUsed"),
}


def _azure(field: str) -> Paths:
    """A column of Log Analytics is a property of the same name in lower camel case: of the record or its properties."""
    if field in _AZURE:
        return _AZURE[field]
    plain = ".".join(part[:1].lower() + part[1:] for part in field.split("."))
    return (plain,) if plain.startswith("properties.") else (plain, f"properties.{plain}")


_OKTA_NAMES = (
    *("eventType", "displayMessage", "legacyEventType", "outcome.result", "outcome.reason", "severity", "published"),
    *("actor.id", "actor.type", "actor.alternateId", "actor.displayName", "actor.detailEntry"),
    *("client.ipAddress", "client.zone", "client.device", "client.userAgent.rawUserAgent"),
    *("client.geographicalContext.country", "client.geographicalContext.state", "client.geographicalContext.city"),
    *("target.id", "target.type", "target.alternateId", "target.displayName"),
    *("securityContext.asNumber", "securityContext.asOrg", "securityContext.isp", "securityContext.domain"),
    *("securityContext.isProxy", "authenticationContext.externalSessionId"),
    *("authenticationContext.credentialType", "authenticationContext.authenticationProvider"),
    *("debugContext.debugData.requestUri", "debugContext.debugData.url", "debugContext.debugData.behaviors"),
    *("debugContext.debugData.risk", "debugContext.debugData.logOnlySecurityData", "debugContext.debugData.tunnels"),
    *("debugContext.debugData.threatSuspected", "debugContext.debugData.proxyType", "debugContext.debugData.factor"),
)
"""Okta System Log API, object LogEvent."""

_OKTA = {name.lower(): name for name in _OKTA_NAMES}


def _okta(field: str) -> Paths:
    known = _OKTA.get(field.lower())
    return () if known is None else (known,)


_ENTITIES: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("aws", "cloudtrail"): {
        "userIdentity.arn": "principal",
        "userIdentity.principalId": "principal",
        "userIdentity.userName": "principal",
        "userIdentity.sessionContext.sessionIssuer.arn": "principal",
        "userIdentity.accessKeyId": "access_key",
        "userIdentity.accountId": "account",
        "recipientAccountId": "account",
        "sourceIPAddress": "ip",
        "userAgent": "user_agent",
    },
    ("kubernetes", "audit"): {
        "user.username": "principal",
        "username": "principal",
        "sourceIPs": "ip",
        "objectRef.namespace": "namespace",
        "namespace": "namespace",
        "userAgent": "user_agent",
    },
    ("github", "audit"): {"actor": "principal", "user": "principal", "repo": "repository", "actor_ip": "ip"},
    ("gcp", ""): {
        "gcp.audit.authentication_info.principal_email": "principal",
        "protoPayload.authenticationInfo.principalEmail": "principal",
        "protoPayload.requestMetadata.callerIp": "ip",
        "protoPayload.resourceName": "resource",
        "resource.labels.project_id": "account",
    },
    ("azure", ""): {
        "callerIpAddress": "ip",
        "CallerIpAddress": "ip",
        "IPAddress": "ip",
        "properties.ipAddress": "ip",
        "caller": "principal",
        "Caller": "principal",
        "UserPrincipalName": "principal",
        "properties.userPrincipalName": "principal",
        "resourceId": "resource",
    },
    ("okta", ""): {
        "actor.alternateId": "principal",
        "actor.id": "principal",
        "client.ipAddress": "ip",
    },
}


def entity_of(logsource: LogSource, field: str) -> str | None:
    """The kind of entity that a finding of the log source has for a field; a rule over ours names it itself."""
    if logsource.product == NORMALISED:
        return field.removeprefix("entity.")
    if logsource.product is None:
        return None
    for service in (logsource.service or "", ""):
        known = _ENTITIES.get((logsource.product, service), {})
        found = known.get(field)
        if found is not None:
            return found
    return None
