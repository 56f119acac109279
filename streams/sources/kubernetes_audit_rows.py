"""Audit events that were flattened into the rows of a table: columns are paths joined by ``_`` or ``.``.

``user_username`` or ``user.username`` is the user's name, ``objectRef_resource`` the resource, and so on, as exports to
tables and log stores name them. An empty field is one that is not there. Namespace and group are in the URI as well
(Kubernetes documentation, "API concepts: resource URIs"), so a table may leave them out.
"""

from __future__ import annotations

import re
from typing import Any

from streams.sources.fields import text

_PLACE = re.compile(r"/apis?(?:/(?P<group>[^/?]+))?/v[0-9a-z]+(?:/namespaces/(?P<namespace>[^/?]+)/[^/?])?")


def is_row(event: dict[str, Any]) -> bool:
    """Whether an event without a ``user`` is a row."""
    return "user_username" in event or "user.username" in event


def nested(row: dict[str, Any]) -> dict[str, Any]:
    """The event that a row was made of, with the fields that the source reads."""

    def value(*path: str) -> str | None:
        return text(row.get("_".join(path)), 8192) or text(row.get(".".join(path)), 8192)

    uri = value("requestURI")
    place = _PLACE.match(uri or "")
    code = value("responseStatus", "code")
    event: dict[str, Any] = {field: value(field) for field in ("auditID", "stage", "verb", "userAgent")}
    event |= {field: value(field) for field in ("requestReceivedTimestamp", "stageTimestamp")}
    event["requestURI"] = uri
    event["user"] = {"username": value("user", "username")}
    event["responseStatus"] = {"code": int(code) if code and code.isdecimal() and len(code) == 3 else None}
    if resource := value("objectRef", "resource"):
        group = value("objectRef", "apiGroup")
        namespace = value("objectRef", "namespace")
        event["objectRef"] = {
            "resource": resource,
            "subresource": value("objectRef", "subresource"),
            "apiGroup": group or (place["group"] if place else None),
            "namespace": namespace or (place["namespace"] if place else None),
            "name": value("objectRef", "name") or value("responseObject", "metadata", "name"),
        }
    return event
