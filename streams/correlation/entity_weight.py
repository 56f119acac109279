"""How strongly a shared entity speaks for two signals being one matter: a prior by kind, less the more share it.

Only kinds that name one thing link. An account, an environment or a package name is shared by what has nothing to do
with each other; they are shown, and weigh nothing by themselves.
"""

from __future__ import annotations

from typing import Final

PRIOR: Final[dict[str, float]] = {
    "access_key": 1.0,
    "session": 1.0,
    "principal": 0.9,
    "host": 0.9,
    "workload": 0.9,
    "image": 0.9,
    "resource": 0.8,
    "component": 0.8,
    "commit": 0.8,
    "ip": 0.7,
    "file": 0.4,
    "repository": 0.4,
    "package": 0.3,
    "vulnerability": 0.3,
    "namespace": 0.2,
    "url": 0.2,
    "environment": 0.0,
    "account": 0.0,
    "user_agent": 0.0,
}
LINKS_FROM: Final = 0.7
"""An entity links by itself from this weight on."""


def weight(kind: str, id_: str) -> float:
    """0 to 1. A cloud provider's own services act for everybody, so they carry no weight as principals."""
    if kind == "principal" and id_.endswith((".amazonaws.com", ":root")):
        return 0.0
    return PRIOR[kind]


def shared_weight(kind: str, id_: str, unrelated: float, ceiling: int) -> float:
    """The prior; where more than ``ceiling`` unrelated signals lately carried the entity, times ceiling / unrelated."""
    prior = weight(kind, id_)
    return prior if unrelated <= ceiling else prior * ceiling / unrelated


def links(kind: str, id_: str) -> bool:
    """Whether sharing this entity within the link window joins two signals, as long as few share it."""
    return weight(kind, id_) >= LINKS_FROM
