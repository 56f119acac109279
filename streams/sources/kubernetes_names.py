"""Which workload a pod belongs to.

By its ``ownerReferences`` where they are known. A pod of a Deployment is owned by a ReplicaSet, whose name is the
Deployment's and a hash; a pod of a CronJob by a Job, whose name is the CronJob's and a time in minutes. By the name
alone only where its form leaves no doubt.

Sources: Kubernetes documentation, "ReplicaSet", "Deployments: pod-template-hash label", "CronJob"; the alphabet of
hashes and suffixes, which has no vowels, is that of ``k8s.io/apimachinery/pkg/util/rand``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_HASHED = re.compile(rf"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)-[{_LETTERS}]{{8,10}}")
_POD = re.compile(rf"(?P<owner>.+)-[{_LETTERS}]{{5}}")
_TIMED = re.compile(r"(?P<name>.+)-[0-9]{8}")
LONGEST_BASE = 58
"""Of a longer name Kubernetes cuts the end before it adds a suffix, so that the owner's name is not in it whole."""


def workload_of_pod(name: str, owners: Iterable[dict[str, Any]] = ()) -> str | None:
    """The name of a pod's workload, None where that is not sure. ``owners`` are its ``metadata.ownerReferences``.

    >>> workload_of_pod("pay-api-7d9c6b5f4d-x2x7k"), workload_of_pod("pay-api-blue-green")
    ('pay-api', None)
    >>> workload_of_pod("db-0", [{"kind": "StatefulSet", "name": "db", "controller": True}])
    'db'
    """
    for owner in owners:
        owned = owner.get("name")
        if owner.get("controller") is False or not isinstance(owned, str) or not owned:
            continue
        if owner.get("kind") == "ReplicaSet":
            found = _HASHED.fullmatch(owned)
            return found["name"] if found else owned
        if owner.get("kind") == "Job":
            found = _TIMED.fullmatch(owned)
            return found["name"] if found else owned
        return owned if owner.get("kind") in ("StatefulSet", "DaemonSet", "ReplicationController") else None
    pod = _POD.fullmatch(name)
    if pod is None or len(pod["owner"]) >= LONGEST_BASE:
        return None
    found = _HASHED.fullmatch(pod["owner"]) or _TIMED.fullmatch(pod["owner"])
    return found["name"] if found else None
