"""Entities: the things that events have in common, by which signals are linked."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

EntityKind = Literal[
    "account",  # cloud account, subscription, project or organisation
    "principal",  # IAM user or role ARN, service account, login
    "access_key",  # key id, never the secret
    "session",  # one assumed-role or console session
    "ip",
    "host",
    "workload",  # namespace/name of a deployment, job, function or service
    "namespace",
    "image",  # repository@digest where the digest is known, else repository:tag
    "package",  # purl
    "vulnerability",  # CVE, GHSA or vendor id
    "repository",  # host-less owner/name
    "commit",  # full hash
    "file",  # path inside a repository or image
    "resource",  # ARN or another full resource name
    "component",  # catalog component
    "url",
    "environment",
    "user_agent",
]
ENTITY_KINDS: tuple[str, ...] = get_args(EntityKind)


class Entity(NamedTuple):
    """One thing an event is about: a kind and its canonical id, for example ``("ip", "198.51.100.7")``.

    On the wire a two-element array. Two events are about the same thing exactly if both fields are equal, so ids
    are canonicalised by the source that reads them.
    """

    kind: EntityKind
    id: str
