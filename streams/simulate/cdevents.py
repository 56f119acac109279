"""CDEvents of the delivery controller, in CloudEvents binary and structured mode.

Source: CDEvents 0.4.1 (continuous deployment events) and its CloudEvents binding; CloudEvents 1.0 Kafka protocol
binding. The data is the whole CDEvent in both modes. The natural key is source + id.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import orjson

from streams.simulate.message import Headers
from streams.simulate.world import CLUSTER, Service

SOURCE = f"/argocd/{CLUSTER}"

Predicate = Literal["service.deployed", "service.upgraded", "service.rolledback", "environment.modified"]


def service_event(predicate: Predicate, service: Service, digest: str, event_id: str, time: datetime) -> dict[str, Any]:
    """A ``service.*`` event: which artifact now runs in production."""
    artifact = f"pkg:oci/{service.name}@{digest.replace(':', '%3A')}?repository_url={service.image.replace('/', '%2F')}"
    subject = {
        "id": f"{service.system}/{service.name}",
        "source": SOURCE,
        "type": "service",
        "content": {"environment": {"id": "production", "source": SOURCE}, "artifactId": artifact},
    }
    return _event(predicate, subject, event_id, time)


def environment_event(system: str, event_id: str, time: datetime) -> dict[str, Any]:
    """An ``environment.modified`` event: the namespace of a system was changed."""
    subject = {
        "id": f"production/{system}",
        "source": SOURCE,
        "type": "environment",
        "content": {"name": f"{system} in production", "url": f"https://argocd.harbour.example/applications/{system}"},
    }
    return _event("environment.modified", subject, event_id, time)


def binary(event: dict[str, Any]) -> tuple[Headers, bytes]:
    """Headers and value in binary mode."""
    context = event["context"]
    headers: Headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", context["id"].encode()),
        ("ce_source", context["source"].encode()),
        ("ce_type", context["type"].encode()),
        ("ce_subject", event["subject"]["id"].encode()),
        ("ce_time", context["timestamp"].encode()),
        ("content-type", b"application/cdevents+json"),
    )
    return headers, orjson.dumps(event)


def structured(event: dict[str, Any]) -> tuple[Headers, bytes]:
    """Headers and value in structured mode."""
    context = event["context"]
    envelope = {
        "specversion": "1.0",
        "id": context["id"],
        "source": context["source"],
        "type": context["type"],
        "subject": event["subject"]["id"],
        "time": context["timestamp"],
        "datacontenttype": "application/cdevents+json",
        "data": event,
    }
    return (("content-type", b"application/cloudevents+json; charset=utf-8"),), orjson.dumps(envelope)


def _event(predicate: Predicate, subject: dict[str, Any], event_id: str, time: datetime) -> dict[str, Any]:
    return {
        "context": {
            "version": "0.4.1",
            "id": event_id,
            "source": SOURCE,
            "type": f"dev.cdevents.{predicate}.0.2.0",
            "timestamp": time.isoformat(timespec="milliseconds")[:23] + "Z",
        },
        "subject": subject,
    }
