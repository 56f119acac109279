"""Sessions: repeats of one signature with short gaps between them. What grouping joins, and splits, is sessions."""

from __future__ import annotations

from hashlib import blake2b

from streams.correlation import member_hash
from streams.correlation.finding_identity import MAX_KEYS
from streams.correlation.rows import MAX_NEAR, SignalRow


def signature(row: SignalRow) -> str:
    """Equal for repeats: the same statement of the same source about the same entities.

    Titles alone do not tell findings apart: two weaknesses of one package may be called the same.
    """
    said = row.title if row.rule is None else f"{row.title}\x1f{row.rule}"
    text = "\x1e".join((row.source, row.kind, said, *(f"{k}\x1f{i}" for k, i in sorted(row.entities))))
    return blake2b(text.encode(), digest_size=8).hexdigest()


def statement(row: SignalRow) -> tuple[str, str, str]:
    """What is said, whatever it is said about."""
    return row.source, row.kind, row.action or row.rule or row.title


def summary(row: SignalRow) -> str:
    """The signature under which a full unit counts what it is told again about ever other things."""
    return "~" + blake2b("\x1e".join(statement(row)).encode(), digest_size=8).hexdigest()


def node(domain: str, row: SignalRow) -> str:
    """The name of the session that begins with this occurrence."""
    text = f"{domain}\x1f{row.source}\x1f{row.source_id}\x1f{row.first}"  # an id may come again, weeks later
    return blake2b(text.encode(), digest_size=8).hexdigest()


def fuse(one: SignalRow, other: SignalRow) -> SignalRow:
    """Two sessions of one signature as one. Commutes and associates."""
    mine, theirs = (one.first, one.source_id), (other.first, other.source_id)
    swapped = mine > theirs if mine != theirs else _words(one) > _words(other)
    first, second = (other, one) if swapped else (one, other)
    hooks = first.hooks if first.hooks == second.hooks else tuple(sorted({*first.hooks, *second.hooks}))
    keys = first.keys if first.keys == second.keys else tuple(sorted({*first.keys, *second.keys}))[:MAX_KEYS]
    near = first.near if first.near == second.near else tuple(sorted({*first.near, *second.near}))[:MAX_NEAR]
    known = [epss for epss in (first.epss, second.epss) if epss is not None]
    p, detector = min((first.p, first.detector), (second.p, second.detector))
    return first._replace(
        last=max(first.last, second.last),
        times=first.times + second.times,
        severity=max(first.severity, second.severity),
        score=max(first.score, second.score),
        p=p,
        detector=detector,
        kev=first.kev or second.kev,
        epss=max(known, default=None),
        members=member_hash.union(first.members, second.members),
        hooks=hooks,
        keys=keys,
        near=near,
        idle=max(first.idle, second.idle),
        status=min(first.status, second.status, key=openness),
    )


def openness(status: str) -> int:
    """Of several reports of one thing, the least of these holds: what is open anywhere is open."""
    return ("open", "suppressed", "fixed").index(status)


def _words(row: SignalRow) -> str:
    """What fusing leaves as it is in the earlier row."""
    return repr((row.title, row.why, row.entities, row.component, row.cvss, row.fix, row.action, row.actor))
