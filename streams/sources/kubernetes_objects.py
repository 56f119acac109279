"""What the Kubernetes sources have in common: objects in lists and watches, and their names as entities.

A document may be one object, a list (``kind: …List`` with ``items``), a watch event (``{"type": "ADDED", "object"}``,
Argo CD's has ``application``), or an array of these. No Kubernetes object says which cluster it is of: whoever ships
it does, in the record header ``x-weir-cluster``.

Names: a workload or pod is ``namespace/name``, a node a host, a service account its user name
``system:serviceaccount:namespace:name``, anything else ``k8s:resource/namespace/name`` with the plural of the API's
path, without a namespace where it has none. A pod stands for its workload where ``kubernetes_names`` is sure.

Sources: Kubernetes API concepts, "Collections", "Watch"; "Managing Service Accounts" (user names).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from streams.sources.base import EntityDraft, IdentityDraft
from streams.sources.canonical import image
from streams.sources.document import mapping, sequence
from streams.sources.fields import host, text
from streams.sources.kubernetes_names import workload_of_pod
from streams.sources.memo import Memo

CLUSTER = "x-weir-cluster"
"""Record header with the name of the cluster."""

_WORKLOADS = "deployments statefulsets daemonsets replicasets replicationcontrollers jobs cronjobs pods rollouts"
WORKLOADS = frozenset(_WORKLOADS.split())
LIMIT = 16
"""Images, or objects that another one names, of one event."""

_WATCHED = frozenset(("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"))


class Found(NamedTuple):
    """An object in a document, and its place. ``change`` is the type of a watch event, empty outside a watch."""

    place: str
    value: object
    change: str = ""


def unwrap(document: object) -> list[Found]:
    """The objects of a document, in order."""
    if isinstance(document, list):
        return [
            each._replace(place=f"[{index}].{each.place}".rstrip("."))
            for index, element in enumerate(document)
            for each in _unlisted(element)
        ]
    return _unlisted(document)


def head(document: object) -> dict[str, Any]:
    """The first object of a document, for recognising it; an empty one where there is none."""
    if isinstance(document, list):
        document = document[0] if document else None
    if not isinstance(document, dict):
        return {}
    value: object = document
    if _is_watch(document):
        value = document.get("object", document.get("application"))
    elif isinstance(items := document.get("items"), list) and items:
        value = items[0]
        if isinstance(value, dict) and "kind" not in value:  # items of a typed list leave kind and version out
            kind = document.get("kind")
            value = {
                **value,
                "kind": kind.removesuffix("List") if isinstance(kind, str) else None,
                "apiVersion": document.get("apiVersion"),
            }
    return mapping(value)


def _unlisted(document: object) -> list[Found]:
    if not isinstance(document, dict):
        return [Found("", document)]
    if _is_watch(document):
        field = "object" if "object" in document else "application"
        return [Found(field, document[field], document["type"])]
    items = document.get("items")
    if isinstance(items, list):
        kind = document.get("kind")
        common = {"apiVersion": document.get("apiVersion")}
        if isinstance(kind, str) and kind.endswith("List") and kind != "List":
            common["kind"] = kind.removesuffix("List")
        return [
            Found(f"items[{index}]", {**common, **each} if isinstance(each, dict) and "kind" not in each else each)
            for index, each in enumerate(items)
        ]
    return [Found("", document)]


def _is_watch(document: dict[str, Any]) -> bool:
    kind = document.get("type")
    return isinstance(kind, str) and kind in _WATCHED and ("object" in document or "application" in document)


def domain_of(headers: Mapping[str, str]) -> str:
    """The fallback correlation domain: the cluster."""
    return f"kubernetes:{text(headers.get(CLUSTER), 200) or 'unnamed'}"


def plural(kind: str) -> str:
    """The resource of a kind, as the API's paths spell it.

    >>> plural("NetworkPolicy"), plural("Ingress"), plural("Gateway"), plural("Endpoints")
    ('networkpolicies', 'ingresses', 'gateways', 'endpoints')
    """
    name = kind.lower()
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    if name.endswith(("ss", "x", "ch")):
        return f"{name}es"
    return name if name.endswith("s") else f"{name}s"


def account(namespace: str, name: str) -> str:
    """The user name of a service account."""
    return f"system:serviceaccount:{namespace}:{name}"


def entity(resource: str, namespace: str | None, name: str) -> EntityDraft | None:
    """What an object is as an entity; None for a node that is called localhost."""
    if resource in WORKLOADS:
        return "workload", f"{namespace}/{name}" if namespace else name
    if resource == "nodes":
        return ("host", node) if (node := host(name)) else None
    if resource == "namespaces":
        return "namespace", name
    if resource == "serviceaccounts" and namespace:
        return "principal", account(namespace, name)
    return "resource", f"k8s:{resource}/{namespace}/{name}" if namespace else f"k8s:{resource}/{name}"


def owned(resource: str, namespace: str | None, name: str, owners: Iterable[Any] = ()) -> list[IdentityDraft]:
    """That a pod or replica set stands for its workload; ``owners`` are its ``metadata.ownerReferences``."""
    if not namespace or resource not in ("pods", "replicasets"):
        return []
    if resource == "pods":
        workload = workload_of_pod(name, [each for each in owners if isinstance(each, dict)])
    else:
        workload = workload_of_pod(name, [{"kind": "ReplicaSet", "name": name}])
    if not workload or workload == name or len(workload) > 253:
        return []
    return [("workload", f"{namespace}/{name}", "workload", f"{namespace}/{workload}")]


def images(spec: object) -> list[EntityDraft]:
    """The images of a pod's specification, or of the template that a workload makes pods of."""
    pod = mapping(spec)
    for step in ("jobTemplate", "spec", "template", "spec"):
        if isinstance(pod.get("containers"), list):
            break
        if step in pod:
            pod = mapping(pod.get(step))
    found: dict[EntityDraft, None] = {}
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for each in sequence(pod.get(field))[:LIMIT]:
            reference = each.get("image") if isinstance(each, dict) else None
            if isinstance(reference, str) and (named := _IMAGES[reference]):
                found["image", named] = None
    return list(found)[:LIMIT]


def _image(reference: str) -> str | None:
    named = image(reference) if len(reference) <= 400 else None
    return named.id if named else None


_IMAGES = Memo(_image)
