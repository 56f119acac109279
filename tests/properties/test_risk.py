"""Laws of the risk, for any unit: its sum, its bounds, and what may never raise or lower it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.unit import Risk
from streams.correlation.context import Context
from streams.correlation.context_forms import STATUSES
from streams.correlation.exploitability import reach
from streams.correlation.facts import Facts
from streams.correlation.risk_score import assess
from streams.correlation.risk_words import Suspect
from streams.correlation.rows import SignalRow
from streams.correlation.table import Table

NOW = 1_772_452_800_000
DAY = 86_400_000
CVES = [f"CVE-2026-1200{n}" for n in range(4)]
KINDS = ["vulnerability", "misconfiguration", "weakness", "secret", "license", "detection", "anomaly"]
ACTIONS = ["iam:CreateUser", "cloudtrail:StopLogging", "s3:GetObject", "ec2:DescribeInstances", "sts:AssumeRole"]
COMPONENTS = ["pay", "web", "db"]

MEMBERS = st.lists(
    st.builds(
        SignalRow,
        source=st.just("s"),
        source_id=st.uuids().map(str),
        kind=st.sampled_from(KINDS),
        first=st.just(NOW - 40 * DAY),
        score=st.just(0.5),
        why=st.just(()),
        entities=st.just(()),
        members=st.just("00"),
        last=st.integers(NOW - 40 * DAY, NOW),
        title=st.sampled_from(["a", "b"]),
        severity=st.integers(0, 6),
        times=st.integers(1, 10**6),
        component=st.none() | st.sampled_from(COMPONENTS),
        status=st.sampled_from(["open", "open", "fixed"]),
        rule=st.none() | st.sampled_from([*CVES, "R-1"]),
        aliases=st.lists(st.sampled_from(CVES), max_size=2).map(tuple),
        kev=st.booleans(),
        epss=st.none() | st.floats(0, 1),
        cvss=st.none() | st.floats(0, 10),
        fix=st.none() | st.just("1.2"),
        action=st.none() | st.sampled_from(ACTIONS),
    ),
    max_size=8,
    unique_by=lambda member: member.source_id,
)
FLAG = st.sampled_from([None, True])
FACTS = st.fixed_dictionaries({
    name: st.builds(
        Facts, internet_facing=FLAG, privileged=FLAG, customer_path=FLAG,
        controls=st.lists(st.sampled_from(["waf", "mfa", "edr", "seg"]), unique=True).map(tuple),
        criticality=st.sampled_from([None, 1, 2, 3, 4]),
    )
    for name in COMPONENTS
})  # fmt: skip
LISTED = st.sets(st.sampled_from(CVES))
WAIVED = st.lists(
    st.tuples(st.sampled_from(COMPONENTS), st.sampled_from(["waf", "mfa", "R-1", *CVES[:2], "anomaly"])), max_size=3
)
SUSPECT = st.none() | st.builds(Suspect, score=st.floats(0.5, 1), title=st.just("deploy"))
WORLD = st.fixed_dictionaries(
    {"facts": FACTS, "listed": LISTED, "waived": WAIVED, "confidence": st.floats(0, 1), "suspect": SUSPECT,
     "as_of": st.integers(NOW, NOW + 30 * DAY),
     "vex": st.lists(st.tuples(st.sampled_from(CVES), st.sampled_from(COMPONENTS), st.sampled_from(STATUSES)),
                     max_size=3)}
)  # fmt: skip


def risk(members: list[SignalRow], world: dict[str, Any]) -> Risk:
    context = Context(Table("context", []))
    for cve in world["listed"]:
        context.put("kev", cve, {"added": "2026-01-01", "ransomware": cve == CVES[0] or None}, NOW)
    for n, (component, control) in enumerate(world["waived"]):
        record = {"component": component, "control": control, "created_at": "2026-01-01T00:00:00Z"}
        context.put("policy_exception", f"EX-{n}", record, NOW)
    for n, (cve, component, status) in enumerate(world["vex"]):
        context.put("vex", f"V-{n}", {"vulnerability": cve, "component": component, "status": status}, NOW)
    found = reach(members, world["facts"].get, context, NOW)
    return assess(found, world["confidence"], world["suspect"], world["as_of"])


@given(MEMBERS, WORLD)
def test_the_factors_are_the_score(members: list[SignalRow], world: dict[str, Any]) -> None:
    """The sum of the named factors, rounded to hundredths, is the score, 0 to 100; no factor is empty or unnamed."""
    made = risk(members, world)
    assert 0 <= made.score <= 100
    assert round(sum(factor.value for factor in made.factors), 2) == made.score
    assert len({factor.name for factor in made.factors}) == len(made.factors)
    assert all(factor.value and factor.text for factor in made.factors)
    lowering = {"age", "controls", "exceptions", "vex", "ceiling"}
    assert all((factor.value < 0) is (factor.name in lowering) for factor in made.factors)


@given(MEMBERS, WORLD, st.randoms(use_true_random=False))
def test_order_decides_nothing(members: list[SignalRow], world: dict[str, Any], random: Any) -> None:
    """The same signals in any order have the same risk, in the same words."""
    shuffled = list(members)
    random.shuffle(shuffled)
    assert risk(shuffled, world) == risk(members, world)


@given(MEMBERS, WORLD, st.data())
def test_closing_never_raises(members: list[SignalRow], world: dict[str, Any], data: st.DataObject) -> None:
    """However the other members are, fixing one, or taking it away, leaves the risk the same or lowers it."""
    if not members:
        return
    at = data.draw(st.integers(0, len(members) - 1))
    closed = [*members[:at], members[at]._replace(status="fixed"), *members[at + 1 :]]
    gone = [*members[:at], *members[at + 1 :]]
    assert risk(gone, world).score <= risk(closed, world).score <= risk(members, world).score


@given(MEMBERS, WORLD, st.sampled_from(CVES))
def test_a_kev_entry_never_lowers(members: list[SignalRow], world: dict[str, Any], cve: str) -> None:
    """To learn that a vulnerability is exploited leaves the risk the same or raises it."""
    assert risk(members, {**world, "listed": world["listed"] | {cve}}).score >= risk(members, world).score


@given(MEMBERS, WORLD, st.integers(0, 90 * DAY))
def test_time_never_raises(members: list[SignalRow], world: dict[str, Any], later: int) -> None:
    """With nothing new, the risk falls or stays as time goes by."""
    assert risk(members, {**world, "as_of": world["as_of"] + later}).score <= risk(members, world).score


@given(MEMBERS, WORLD)
def test_controls_never_raise(members: list[SignalRow], world: dict[str, Any]) -> None:
    """Without any compensating control the risk is the same or higher."""
    bare = {name: facts._replace(controls=()) for name, facts in world["facts"].items()}
    assert risk(members, {**world, "facts": bare}).score >= risk(members, world).score


@given(MEMBERS, WORLD, st.sampled_from(CVES), st.sampled_from(COMPONENTS))
def test_a_statement_never_raises_and_never_hides(
    members: list[SignalRow], world: dict[str, Any], cve: str, component: str
) -> None:
    """To say that something is not affected leaves the risk the same or lowers it, and never to nothing."""
    plain = {**world, "vex": []}
    stated = risk(members, {**world, "vex": [(cve, component, "not_affected")]})
    assert stated.score <= risk(members, plain).score
    assert (stated.score > 0) is (risk(members, plain).score > 0)
