"""Which units context that came lately is looked into for: few, and none without need."""

from __future__ import annotations

import pytest

from schemas.events import ContextRecord
from schemas.unit import Unit
from streams.correlation import stirring
from streams.correlation.rows import UnitRow
from streams.correlation.state import Domain
from streams.pipeline import Pipeline
from tests.streams.correlation.build import DAY, HOUR, T0, Doc, finding, fold, iso, record, tick, units


def context(kind: str, key: str, said: Doc | None) -> Doc:
    return {"type": "context", "kind": kind, "key": key, "record": said, "origin": ["raw", 0, 0, 0]}


def listed(cve: str, added: int) -> Doc:
    return context("kev", cve, {"added": iso(T0 + added)[:10]})


OF = {"owner": "group:default/money", "system": "system:default/shop"}


def component(name: str, *on: str) -> Doc:
    return context("catalog", f"component:default/{name}", OF | {"depends_on": [f"component:default/{n}" for n in on]})


def waived(name: str, created: int) -> Doc:
    return context("policy_exception", "ex-1", {"control": "mfa", "component": name, "created_at": iso(T0 + created)})


def started() -> tuple[Pipeline, dict[str, Unit]]:
    """A unit each on pay, which depends on db, and on web; by component."""
    pipeline = Pipeline(0)
    found = [
        finding(name, 0, ("image", name), kind="vulnerability", rule=rule, component=name)
        for name, rule in (("pay", "CVE-2024-0001"), ("web", "CVE-2024-1001"))
    ]
    known = [component("pay", "db"), listed("CVE-2024-0001", -DAY)]
    told = units(fold([record(0, 0, *known, *found), record(1, HOUR, tick())], pipeline))
    return pipeline, {unit.components[0]: unit for unit in told}


def asked(event: Doc) -> list[str]:
    """The components of the units that are built for this record to see whether they differ."""
    pipeline, told = started()
    out: list[str] = []

    def build(domain: Domain, cluster: str, unit: UnitRow) -> Unit:
        (name,) = (name for name, each in told.items() if each.unit_id == unit.unit_id)
        out.append(name)
        return told[name]

    state = pipeline.state
    given = ContextRecord.model_validate(event)
    stirring.note(state, given, 7)
    state.context.put(given.kind, given.key, given.record, T0 + 2 * HOUR, 7)
    assert stirring.differing(state, pipeline.facts, pipeline.catalog.name, build) == []
    assert not stirring.waits(state)
    return out


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (listed("CVE-2024-1001", -DAY), ["web"]),
        (listed("CVE-2024-1001", 2 * DAY), []),
        (listed("CVE-2024-0001", -DAY), []),
        (component("web", "db"), ["web"]),
        (component("db", "disk"), ["pay"]),
        (component("pay", "db"), []),
        (waived("pay", -HOUR), ["pay"]),
        (waived("pay", 2 * DAY), []),
        (context("epss", "CVE-2024-1xxx", {"date": iso(T0)[:10], "scores": ";1001=0.5"}), ["web"]),
        (context("alias", "user:a", {"entity": ["ip", "198.51.100.7"], "aliases": []}), []),
        (context("on_call", "s", {"component": "pay", "person": "al"}), ["pay"]),
        (context("on_call", "s", {"team": "money", "person": "al"}), ["pay"]),
        (context("on_call", "s", {"team": "other", "person": "al"}), []),
        (context("freeze", "f", {"from": iso(T0)}), ["web", "pay"]),
        (context("freeze", "f", {"system": "shop", "from": iso(T0)}), ["pay"]),
        (context("deployment_window", "w", {"component": "Component:default/web", "from": iso(T0)}), ["web"]),
        (context("vex", "v", {"vulnerability": "cve-2024-1001", "component": "web", "status": "fixed"}), ["web"]),
        (context("vex", "v", {"vulnerability": "CVE-2024-9999", "component": "web", "status": "fixed"}), []),
        (context("case", "t", {"cve": "CVE-2024-0001", "closed_at": iso(T0 - DAY)}), ["pay"]),
        (context("feed", "epss", {"read_at": iso(T0)}), []),
        (context("freeze", "f", None), []),
    ],
)
def test_only_whom_it_concerns_is_asked(event: Doc, expected: list[str]) -> None:
    """By CVE, by component and what depends on it; not of later, not of what is known already."""
    assert asked(event) == expected


def test_nothing_is_noted_where_there_is_no_unit() -> None:
    """A catalog that is read at the start of a log costs no row."""
    pipeline = Pipeline(0)
    fold([record(0, 0, component("pay", "db"), listed("CVE-2024-0001", -DAY))], pipeline)
    assert not stirring.waits(pipeline.state)
