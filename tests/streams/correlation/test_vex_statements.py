"""Which VEX statement counts for a finding, and what it does to the risk."""

from __future__ import annotations

from typing import Any

import pytest

from streams.correlation.cases import closed
from streams.correlation.context import MAX_VERSIONS, Context
from streams.correlation.exploitability import reach
from streams.correlation.risk_score import assess
from streams.correlation.table import Table
from streams.correlation.vex import statement
from tests.streams.correlation.build import DAY, T0, iso
from tests.streams.correlation.test_story import CVE, row

DIGEST = "@sha256:" + "0" * 64
ROW = row(entities=(("image", f"ghcr.io/pay{DIGEST}"), ("package", "pkg:npm/left-pad@1.0"), ("image", "web:1")))


def made(*records: dict[str, Any]) -> Context:
    context = Context(Table("context", []))
    for n, record in enumerate(records):
        given = {"vulnerability": CVE, "status": "not_affected", "timestamp": iso(T0 - DAY)} | record
        context.put("vex", f"v{n}", given, T0 - DAY, n)
    return context


@pytest.mark.parametrize(
    ("product", "meant"),
    [
        ({"component": "Component:default/pay"}, True),
        ({"component": "web"}, False),
        ({"image": f"ghcr.io/pay{DIGEST}"}, True),
        ({"image": f"other.io/pay{DIGEST}"}, True),
        ({"image": f"ghcr.io/web{DIGEST}"}, False),
        ({"image": "ghcr.io/pay"}, True),
        ({"image": "web:1"}, True),
        ({"image": "web:2"}, False),
        ({"package": "pkg:npm/left-pad@1.0"}, True),
        ({"package": "pkg:npm/left-pad"}, True),
        ({"package": "pkg:npm/left"}, False),
        ({"package": "pkg:npm/left-pad@2.0"}, False),
        ({"component": "pay", "packages": ["pkg:npm/left-pad"]}, True),
        ({"component": "pay", "packages": ["pkg:npm/right-pad"]}, False),
        ({"component": "pay", "image": "web:2"}, False),
        ({}, False),
        ({"component": "pay", "vulnerability": "CVE-2026-1", "aliases": [CVE.lower()]}, True),
        ({"component": "pay", "vulnerability": "CVE-2026-1"}, False),
        ({"component": "pay", "timestamp": iso(T0 + DAY)}, False),
        ({"component": "pay", "status": "harmless"}, False),
    ],
)
def test_a_statement_is_about_its_product(product: dict[str, Any], meant: bool) -> None:
    """The component, the image or the package that it names, its parts where it says which, from its time on."""
    assert (statement(made(product), [CVE], ROW, T0) is not None) is meant


def test_the_newest_counts_and_of_one_time_the_worst() -> None:
    """Later words take the place of earlier ones; of two at once the one that warns."""

    def counts(*records: dict[str, Any]) -> str | None:
        found = statement(made(*({"component": "pay"} | record for record in records)), [CVE], ROW, T0)
        return None if found is None else found.record["status"]

    worse = {"status": "affected"}
    assert counts({}, worse) == counts(worse, {}) == "affected"
    assert counts(worse, {"timestamp": iso(T0)}) == "not_affected"


def test_not_affected_lowers_the_risk_by_name_and_is_shown() -> None:
    """A factor of its own, with the statement and its record; the unit and its finding stay as they are."""
    context = made({"component": "pay", "justification": "code_not_reachable", "author": "acme"})
    with_it, without = (reach([ROW], lambda _: None, each, T0) for each in (context, made()))
    high, low = assess(without, 0.5, None, T0), assess(with_it, 0.5, None, T0)
    (factor,) = (factor for factor in low.factors if factor.name == "vex")
    assert 0 < low.score < high.score
    assert round(high.score + factor.value, 2) == low.score
    assert f"{CVE}: not affected in pay, code not reachable, says acme [vex v0 version 0-" in factor.text
    assert with_it.summary.evidence[0].field == "vex"


@pytest.mark.parametrize("status", ["affected", "fixed", "under_investigation"])
def test_other_statements_are_shown_and_lower_nothing(status: str) -> None:
    """Only that it is not affected does."""
    found = reach([ROW], lambda _: None, made({"component": "pay", "status": status}), T0)
    assert [fact.field for fact in found.summary.evidence] == ["vex"]
    assert found.exposed[0].vex is None


def case(key: str, **record: Any) -> tuple[str, dict[str, Any]]:
    given = {"cve": CVE, "component": "pay", "opened_at": iso(T0 - 9 * DAY), "closed_at": iso(T0 - 6 * DAY)}
    return key, given | record


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ([case("T-1")], ["T-1"]),
        ([case("T-1", component="web"), case("T-2", closed_at=iso(T0 - 8 * DAY))], ["T-2", "T-1"]),
        ([case("T-1", closed_at=None)], []),
        ([case("T-1", closed_at=iso(T0 + 1))], []),
        ([case("T-1", cve="CVE-2020-1", aliases=[CVE])], ["T-1"]),
        ([case("T-1", cve="CVE-2020-1")], []),
        ([case("T-1", cve=None, title="Pod 17 of pay is down")], ["T-1"]),
        ([case("T-1", cve=None, title="Pod 17 of pay is down", component="web")], []),
        ([case(f"T-{n}") for n in range(5)], ["T-0", "T-1", "T-2"]),
    ],
)
def test_cases_about_the_same_are_found(cases: list[tuple[str, dict[str, Any]]], expected: list[str]) -> None:
    """By CVE, rule or alias, else by title and component; closed by then; those of the component first."""
    context = Context(Table("context", []))
    for key, record in cases:
        context.put("case", key, record, T0)
    rows = [row(title="Pod 3 of pay is down")]
    assert [each.case for each in closed(context, rows, T0)] == expected


def test_a_case_says_change_team_and_days() -> None:
    """What ended it, whose it was, how long it took, with the record behind it."""
    context = Context(Table("context", []))
    key, record = case("T-1", change="bump left-pad", team="money", person="al")
    context.put("case", key, record, T0, 4)
    (found,) = closed(context, [row()], T0)
    assert (found.title, found.team, found.days, found.actor) == ("bump left-pad", "money", 3.0, "al")
    assert found.record is not None
    assert found.record.startswith("case:T-1@4-")
    assert found.text == (
        f"case T-1, {CVE} in pay: closed 6.0 d before, 3.0 d after it was opened, by bump left-pad of money"
    )


def test_a_case_that_was_closed_again_and_again_is_not_told_of_the_time_before() -> None:
    """Where the versions of a time were evicted, the oldest that is kept was closed later than that."""
    context = Context(Table("context", []))
    for n in range(MAX_VERSIONS + 1):
        context.put(*("case", *case("T-1", closed_at=iso(T0 + n * DAY))), T0)
    assert closed(context, [row()], T0) == ()
    assert [each.case for each in closed(context, [row()], T0 + DAY)] == ["T-1"]
