"""What a unit says beside its signals: where changes were looked for, reviews, other units, entities that did not join
it to more, and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, cast

from schemas.parameters import Parameters
from schemas.unit import (
    ChangeSearch,
    FixedBefore,
    NotJoined,
    RelatedUnit,
    SourceFreshness,
    Unit,
    UnitDiff,
    UnitReview,
)
from streams.correlation import cases
from streams.correlation.change_fixes import FIXES, Fixes, FixRow, statements
from streams.correlation.changes import Search
from streams.correlation.context import Context
from streams.correlation.instants import at
from streams.correlation.rows import SignalRow, UnitRow
from streams.correlation.spread import TARGETS, counted
from streams.correlation.state import Domain
from streams.correlation.story import told

SHARED: Final = 10
"""Entities named that did not join; those shared by most."""

RELATED: Final = 100


def reviews(domain: Domain, cluster: str) -> tuple[UnitReview, ...]:
    """All reviews of the unit and of those that were merged into it, by time."""
    rows = [domain.reviews[key] for key in domain.notes_of.get(("reviews", cluster), ())]
    return tuple(
        UnitReview(id=row[0], time=at(row[1]), reviewer=row[2], kind=row[3], verdict=row[4], comment=row[5])
        for row in sorted(rows, key=lambda r: (r[1], r[0]))
    )


def approvals(domain: Domain, cluster: str) -> tuple[str, ...]:
    """Who approved, by time."""
    rows = [domain.reviews[key] for key in domain.notes_of.get(("reviews", cluster), ())]
    return tuple(dict.fromkeys(row[2] for row in sorted(rows, key=lambda r: (r[1], r[0])) if row[3] == "approval"))


def overridden(domain: Domain, cluster: str, field: str) -> str | None:
    """What the last reviewer put in the place of a field."""
    rows = [domain.reviews[key] for key in domain.notes_of.get(("reviews", cluster), ())]
    found = sorted((row[1], row[0], row[8]) for row in rows if row[3] == "override" and row[7] == field)
    return found[-1][2] if found else None


def fixed_before(domain: Domain, unit: UnitRow, rows: Sequence[SignalRow], context: Context) -> tuple[FixedBefore, ...]:
    """What ended earlier units that said the same, and imported cases of the same."""
    return (*_fixes(domain, unit, rows), *cases.closed(context, rows, unit.last))


def _fixes(domain: Domain, unit: UnitRow, rows: Sequence[SignalRow]) -> tuple[FixedBefore, ...]:
    """Earlier units that said the same, and the changes that ended them; but for those that went on all the same."""
    table = domain.table(FIXES)
    if not table:
        return ()

    def holds(fix: FixRow) -> bool:
        other = cast(UnitRow | None, domain.units.get(domain.cluster_of.get(fix.unit_id, "")))
        return other is None or other.status != "open" or other.last < fix.time

    return tuple(
        FixedBefore(
            unit_id=fix.unit_id,
            change_id=change_id(fix.source, fix.source_id),
            source=fix.source,
            title=fix.title,
            actor=fix.actor,
            time=at(fix.time),
            text=fix.words(unit.first),
            team=fix.team,
            days=None if fix.took is None else round(fix.took / 86_400_000, 2),
        )
        for fix in Fixes(table, domain.gone).find(statements(rows), unit.first, {unit.unit_id, *unit.aliases}, holds)
    )


def change_id(source: str, source_id: str) -> str:
    """The id under which units name a change."""
    return blake2b(f"{source}\x1f{source_id}".encode(), digest_size=8).hexdigest()


def change_search(search: Search) -> ChangeSearch:
    """Where was looked, how fresh each source of changes was, and the outcome in words."""
    return ChangeSearch.model_validate(
        {
            "from": at(search.since),
            "to": at(search.until),
            "searched": search.searched,
            "silent_sources": search.silent,
            "sources": tuple(
                SourceFreshness(
                    source=source.source,
                    newest=at(source.heard),
                    silent_s=source.silent_ms / 1000,
                    silent=source.silent,
                )
                for source in search.sources
            ),
            "text": search.words(),
        }
    )


def related(domain: Domain, cluster: str, unit: UnitRow) -> tuple[RelatedUnit, ...]:
    """Other units, never the unit itself under an id of before."""
    own = {unit.unit_id, *unit.aliases}
    rows = [domain.related[key] for key in domain.notes_of.get(("related", cluster), ())]
    return tuple(
        RelatedUnit(unit_id=other, domain=where, relation=relation, indicator_kind=kind, indicator=id_, text=text)
        for other, where, relation, kind, id_, text in sorted(
            rows, key=lambda r: (r[2] == "indicator", r[0], r[2], r[3] or "", r[4] or "")
        )
        if other not in own
    )[:RELATED]


def not_joined(domain: Domain, rows: Sequence[SignalRow], parameters: Parameters) -> tuple[NotJoined, ...]:
    """The entities of the unit that too many share, as of their newest signal."""
    size = parameters.spread_bucket_ms
    newest: dict[tuple[str, str], int] = {}
    for row in rows:
        for entity in counted(row):
            root = domain.root(*entity, row.first)
            newest[root] = max(newest.get(root, row.last), row.last)
    found = []
    for (kind, id_), time in newest.items():
        sharing = domain.spread.sharing((kind, id_), time // size)
        if not domain.spread.specific((kind, id_), time // size, parameters):
            text = (
                f"not joined: {kind} {id_} is shared by {sharing.signals} signals, "
                f"at least {sharing.unrelated} of them unrelated"
            )
        elif kind not in TARGETS and sharing.targets >= parameters.max_targets:
            text = f"not joined by what {kind} {id_} touched: at least {sharing.targets} targets"
        else:
            continue
        found.append(NotJoined(kind=kind, id=id_, signals=sharing.signals, unrelated=sharing.unrelated, text=text))
    return tuple(sorted(found, key=lambda n: (-n.signals, n.kind, n.id))[:SHARED])


SEVERITY: Final = 2
"""Where the summary has the severity."""


def summary(unit: Unit) -> tuple[Any, ...]:
    """What the next revision is compared with."""
    return (
        unit.signal_count,
        unit.risk.score,
        unit.severity,
        tuple(change.source_id for change in unit.changes if change.score > 0.5),
        unit.status,
        unit.disposition,
        unit.owner,
        unit.title,
        unit.components,
        len(unit.entities),
        len(unit.related),
        told(unit.story, unit.exploitability, unit.fixed_before),
    )


def suspects(shown: tuple[Any, ...]) -> tuple[str, ...]:
    """Source ids of the suspects that the revision of this summary shows; none of a unit that was never shown."""
    return shown[3] if shown else ()


_FIELDS: Final = ("status", "disposition", "owner", "title", "components", "entities", "related", "context")


def difference(before: tuple[Any, ...], now: tuple[Any, ...]) -> UnitDiff | None:
    """What the revision says that the one before did not, from their summaries; None for a first revision.

    A summary that an older engine kept is shorter: of what it does not have nothing is said.
    """
    if not before:
        return None
    signals, risk, severity = now[0] - before[0], round(now[1] - before[1], 2), now[2] - before[2]
    old, new = set(before[3]), set(now[3])
    fields = tuple(name for name, one, other in zip(_FIELDS, before[4:], now[4:], strict=False) if one != other)
    words = []
    if signals:
        words.append(f"{abs(signals)} signal{'s' if abs(signals) != 1 else ''} {'more' if signals > 0 else 'less'}")
    if severity:
        words.append("more severe" if severity > 0 else "less severe")
    if risk:
        words.append(f"risk {risk:+g}")
    words += [f"suspect {name}" for name in sorted(new - old)] + [
        f"no suspect any more: {n}" for n in sorted(old - new)
    ]
    words += [f"{name} differs" if name in ("entities", "related", "context") else f"other {name}" for name in fields]
    return UnitDiff(
        signals_added=max(0, signals),
        signals_removed=max(0, -signals),
        risk=risk,
        severity=severity,
        changes=tuple(sorted(old ^ new)),
        fields=fields,
        text="; ".join(words) or "nothing that is shown",
    )
