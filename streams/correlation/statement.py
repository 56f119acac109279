"""One statement that an entity stands for another, its evidence, and how long such a statement holds.

Who states what, and in which direction, is decided so that one incident comes together and two do not:

- for ever, on the word of one event: a long-lived access key (AKIA) for the user it was made for; a unique id (AIDA,
  AROA) for the user or role; the session of a function or task for that resource, of an instance for that host, and
  the instance's id for its ARN; a pod for its workload; a short commit hash for the full one; an account (a login, a
  SAML subject) for the e-mail address that its own system gives; a GHSA id for the CVE id of its advisory;
- for 36 hours: a temporary access key (ASIA), and a session (assumed role, federated user), for the principal that
  asked STS for it, or the key with which another session asked; a session's unique id (``AROA…:name``) for its ARN;
- until something else is said: an image by tag for the image by digest (at most 30 days), the alias of a KMS key for
  the key, an address or host name for the host that has it (at most a day);
- while the catalog says so: an account or an e-mail address for a person.

Never stated: that a session stands for its *role* (two hundred sessions share it; the role is an entity of its own, and
weighs what it weighs), for an AWS service that assumed it, or for the account's root user; that an e-mail address
stands for an account (it has one in every system: the address is the hub, and the person behind it); that two service
accounts of one name are one over clusters; that a name without its namespace, a package or an account is another one.

A temporary key's id is unique only together with its secret and token (IAM user guide, "Unique identifiers"), and a
session's name may be used again by somebody else, so both hold for as long as such credentials can live: 36 hours
(STS API reference, ``GetSessionToken``; roles have at most 12).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

SAID: Final = 0
"""Rank of what an event says."""

CATALOG: Final = 1
MANUAL: Final = 2
"""A higher rank overrides a lower one, at the times at which it holds."""

SKEW_MS: Final = 60_000
"""A statement holds from so much before its event: hosts differ about the time, and some write whole seconds."""

HOUR_MS: Final = 3_600_000
SESSION_MS: Final = 36 * HOUR_MS
TAG_MS: Final = 30 * 24 * HOUR_MS
LEASE_MS: Final = 24 * HOUR_MS

EPOCH_MS: Final = 7 * 24 * HOUR_MS
"""What is said again within one is one fact, from the first time to the last."""

SUCCESSION: Final = frozenset({"image", "ip", "host", "resource"})
"""Kinds of which one stands for another until something else is said; for the others, two answers are a conflict."""


class Statement(NamedTuple):
    """``(kind, id)`` stands for ``(of_kind, of_id)``, says the event or context record ``(source, source_id)``.

    Times in event ms. It holds from ``since`` to ``until``, both included; None is without a bound.
    """

    kind: str
    id: str
    of_kind: str
    of_id: str
    source: str
    source_id: str
    time: int
    since: int | None = None
    until: int | None = None
    rank: int = SAID


def hold_ms(kind: str, id_: str, of_kind: str) -> int | None:
    """For how long after an event says so it holds; None for ever. The table above."""
    if kind == "access_key":
        return SESSION_MS if id_.startswith("ASIA") else None
    if kind == "session":
        return None if of_kind == "resource" else SESSION_MS
    if kind in ("ip", "host"):
        return None if id_.startswith("i-") else LEASE_MS  # the id of an EC2 instance is never another's
    return TAG_MS if kind == "image" else None


def said(identity: tuple[str, str, str, str], source: str, source_id: str, time: int) -> Statement:
    """The statement behind one of an event's ``identities``; ``time`` is the event's, ms.

    >>> said(("commit", "ab12cd3", "commit", "ab12cd3" + "0" * 33), "github.webhook", "d-1", 5).until
    """
    kind, id_, of_kind, of_id = identity
    hold = hold_ms(kind, id_, of_kind)
    bounded = hold is not None or kind in SUCCESSION
    last = time // HOUR_MS * HOUR_MS + HOUR_MS if kind in ("ip", "host") else time  # alerts say it all the time
    return Statement(
        kind,
        id_,
        of_kind,
        of_id,
        source,
        source_id,
        time,
        since=time - SKEW_MS if bounded else None,
        until=None if hold is None else last + hold,
    )


def of_context(key: str, record: Mapping[str, Any]) -> list[Statement]:
    """What a context record of kind "alias" says. ``key`` is the record's; what does not fit is left out.

    The record: ``{"entity": [kind, id], "aliases": [[kind, id], …], "since": ms, "until": ms, "manual": bool}``, the
    last three optional. Each alias stands for the entity.

    >>> person = {"entity": ["principal", "user:default/ann"], "aliases": [["principal", "ann@example.com"]]}
    >>> [each[:4] for each in of_context("user:default/ann", person)]
    [('principal', 'ann@example.com', 'principal', 'user:default/ann')]
    """
    of = _pair(record.get("entity"))
    if of is None:
        return []
    since, until = (bound if isinstance(bound := record.get(name), int) else None for name in ("since", "until"))
    given = record.get("aliases")
    rank = MANUAL if record.get("manual") is True else CATALOG
    listed = given if isinstance(given, list | tuple) else ()
    aliases = sorted({pair for item in listed if (pair := _pair(item))} - {of})
    return [
        Statement(kind, id_, *of, source="catalog", source_id=key, time=since or 0, since=since, until=until, rank=rank)
        for kind, id_ in aliases
    ]


def named(value: str) -> tuple[str, str] | None:
    """The entity that a review of kind "unlink" names as ``kind:id``.

    >>> named("session:arn:aws:sts::111122223333:assumed-role/ci/build")
    ('session', 'arn:aws:sts::111122223333:assumed-role/ci/build')
    """
    kind, colon, id_ = value.partition(":")
    return (kind, id_) if colon and kind and id_ else None


def _pair(value: Any) -> tuple[str, str] | None:
    if (
        not isinstance(value, list | tuple)
        or len(value) != 2
        or not all(isinstance(part, str) and part for part in value)
    ):
        return None
    return value[0], value[1]


def latest(times: Iterable[int | None]) -> int | None:
    """The later bound of several, None being without one.

    >>> latest([3, 7]), latest([3, None])
    (7, None)
    """
    found = list(times)
    return None if None in found else max(bound for bound in found if bound is not None)


def earliest(times: Iterable[int | None]) -> int | None:
    """The earlier bound of several, None being without one."""
    found = list(times)
    return None if None in found else min(bound for bound in found if bound is not None)
