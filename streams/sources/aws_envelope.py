"""Amazon EventBridge's envelope around what a service says: opened once, here, for every source that reads one.

Fields: EventBridge user guide, "AWS service event metadata": ``id``, ``detail-type``, ``source``, ``account``, ``time``
(RFC 3339, the time of the event as the service gives it), ``region``, ``resources`` (ARNs) and ``detail``.

The sources of findings read what is in the envelope by themselves (``aws.guardduty``, ``aws.inspector2``, ``asff``,
``ocsf``, ``aws.config``), and CloudTrail its records; ``aws.eventbridge`` reads all else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from streams.sources.aws_names import ENTITIES, partition_of
from streams.sources.base import EntityDraft, Malformed
from streams.sources.document import mapping, texts
from streams.sources.fields import instant, text

_ACCOUNT = re.compile(r"[0-9]{12}")
_RESOURCES = 16
_COMMIT = re.compile(r"[0-9a-f]{40}")
_INSTANCE = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")


class Envelope(NamedTuple):
    """One event of EventBridge. ``account`` and ``region`` are empty where the event does not say them."""

    id: str
    kind: str
    origin: str
    account: str
    region: str
    time: str
    resources: tuple[str, ...]
    detail: dict[str, Any]

    @property
    def domain(self) -> str:
        """The account's fallback domain."""
        return f"aws:{self.account or 'unknown'}"

    def arn(self, service: str, resource: str) -> list[EntityDraft]:
        """The entity of a resource of this event's account and region; none where either is not known."""
        if not (self.account and self.region and resource):
            return []
        return known(f"arn:{partition_of(self.region)}:{service}:{self.region}:{self.account}:{resource}")

    def named(self) -> list[EntityDraft]:
        """What ``resources`` names, and the account last."""
        found = [entity for name in self.resources for entity in known(name)]
        return found + self.owner()

    def owner(self) -> list[EntityDraft]:
        """The account as an entity."""
        return [("account", self.account)] if self.account else []


def is_enveloped(document: object) -> bool:
    """Whether a document is an event of EventBridge."""
    return (
        type(document) is dict
        and type(document.get("detail-type")) is str
        and type(document.get("source")) is str
        and "detail" in document
    )


def kind_of(document: object) -> str | None:
    """The ``detail-type`` of an event of EventBridge, None for anything else."""
    return document["detail-type"] if isinstance(document, dict) and is_enveloped(document) else None


def envelope(document: dict[str, Any]) -> Envelope | Malformed:
    """The event, or the place and reason why it is none."""
    identity = text(document.get("id"), 256)
    if identity is None:
        return Malformed("id", "not a text of 1 to 256 characters")
    time = instant(document.get("time"))
    if time is None:
        return Malformed("time", "not an RFC 3339 time with an offset")
    detail = document.get("detail")
    if not isinstance(detail, dict):
        return Malformed("detail", "not an object")
    return Envelope(
        id=identity,
        kind=text(document.get("detail-type"), 256) or "",
        origin=text(document.get("source"), 256) or "",
        account=account_of(document.get("account")),
        region=text(document.get("region"), 32) or "",
        time=time,
        resources=tuple(texts(document.get("resources"), 1024)[:_RESOURCES]),
        detail=mapping(detail),
    )


def findings_in(
    document: object, plain: Callable[[object], list[Any]]
) -> tuple[Envelope | None, list[Any]] | Malformed:
    """The findings of a document, and the envelope if it is one; ``plain`` finds them where it is none."""
    if not isinstance(document, dict) or kind_of(document) is None:
        return None, plain(document)
    opened = envelope(document)
    return opened if isinstance(opened, Malformed) else (opened, [opened.detail])


def account_of(value: object) -> str:
    """An account id of 12 digits, else empty."""
    return value if isinstance(value, str) and _ACCOUNT.fullmatch(value) else ""


def known(arn: object) -> list[EntityDraft]:
    """The entity of an ARN, as a list; none for anything else."""
    found = ENTITIES[arn] if isinstance(arn, str) else None
    return [found] if found is not None else []


def instance_entities(instance: object, account: str, region: str) -> list[EntityDraft]:
    """An EC2 instance as a resource, where account and region are known, and as a host."""
    if not isinstance(instance, str) or not _INSTANCE.fullmatch(instance):
        return []
    host: EntityDraft = ("host", instance)
    if not account or not region:
        return [host]
    return [*known(f"arn:{partition_of(region)}:ec2:{region}:{account}:instance/{instance}"), host]


def commit_entity(value: object) -> list[EntityDraft]:
    """A full commit hash as an entity; none for anything else, such as the version of an S3 object."""
    return [("commit", value)] if isinstance(value, str) and _COMMIT.fullmatch(value) else []


def registry_image(account: str, region: str, repository: str) -> str:
    """The name of a repository of Amazon ECR as image references spell it.

    >>> registry_image("111122223333", "eu-central-1", "acme/pay")
    '111122223333.dkr.ecr.eu-central-1.amazonaws.com/acme/pay'
    """
    suffix = ".cn" if region.startswith("cn-") else ""
    return f"{account}.dkr.ecr.{region}.amazonaws.com{suffix}/{repository}"
