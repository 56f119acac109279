"""Which Kubernetes requests open something to the internet, or close it again, as audit events say.

An Ingress opens, unless its class or an annotation says that it is internal; a Service of type LoadBalancer does so,
too, and closes with another type. What an event does not carry (requests are logged at level Metadata) is not guessed
of a Service; an Ingress is made to be reached, so its creation counts.

Annotations and defaults: the documentation of the cloud providers' controllers (AWS Load Balancer Controller: the
scheme of an Ingress is internal unless said; GKE; AKS; Application Gateway).
"""

from __future__ import annotations

from typing import Any, Final

from schemas.events import Exposing
from streams.sources.document import mapping
from streams.sources.fields import dig

RESOURCES: Final = frozenset(("ingresses", "services"))

_INTERNAL: Final = {
    "service.beta.kubernetes.io/aws-load-balancer-internal": frozenset(("true", "0.0.0.0/0")),
    "service.beta.kubernetes.io/aws-load-balancer-scheme": frozenset(("internal",)),
    "service.beta.kubernetes.io/azure-load-balancer-internal": frozenset(("true",)),
    "networking.gke.io/load-balancer-type": frozenset(("internal",)),
    "cloud.google.com/load-balancer-type": frozenset(("internal",)),
    "alb.ingress.kubernetes.io/scheme": frozenset(("internal",)),
    "appgw.ingress.kubernetes.io/use-private-ip": frozenset(("true",)),
}
_ALB_SCHEME = "alb.ingress.kubernetes.io/scheme"
_CLASS = "kubernetes.io/ingress.class"


def exposes(verb: str, resource: str, subject: str, asked: object, answer: object) -> list[Exposing]:
    """What a successful request for an object of ``RESOURCES`` opens or closes; ``subject`` is its entity's id.

    ``asked`` and ``answer`` are the objects of request and response, anything else where the event has none.

    >>> exposes("create", "services", "k8s:services/shop/pay", {"spec": {"type": "LoadBalancer"}}, None)
    [('k8s:services/shop/pay', 'load balancer', True)]
    """
    if verb == "delete":
        return [(subject, "", False)]
    if verb not in ("create", "update", "patch"):
        return []
    whole = mapping(answer) if isinstance(mapping(answer).get("spec"), dict) else mapping(asked)
    opened = _service(whole) if resource == "services" else _ingress(whole, verb)
    if opened is None or (verb == "create" and not opened):
        return []
    return [(subject, ("load balancer" if resource == "services" else "ingress") if opened else "", opened)]


def _service(whole: dict[str, Any]) -> bool | None:
    kind = dig(whole, "spec", "type")
    if not isinstance(kind, str):
        return False if _internal(whole) else None
    return kind == "LoadBalancer" and not _internal(whole)


def _ingress(whole: dict[str, Any], verb: str) -> bool | None:
    annotations = mapping(dig(whole, "metadata", "annotations"))
    name = dig(whole, "spec", "ingressClassName") or annotations.get(_CLASS)
    named = name.lower() if isinstance(name, str) else ""
    if (
        _internal(whole)
        or "internal" in named
        or "private" in named
        or (named == "alb" and _ALB_SCHEME not in annotations)
    ):
        return False
    return True if verb == "create" or "spec" in whole else None


def _internal(whole: dict[str, Any]) -> bool:
    annotations = mapping(dig(whole, "metadata", "annotations"))
    return any(str(annotations.get(name, ""))[:32].lower() in values for name, values in _INTERNAL.items())
