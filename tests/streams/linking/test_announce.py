"""A unit tells each strong indicator once, and takes back what it told."""

from __future__ import annotations

import pytest

from schemas.unit import Unit
from streams.correlation.table import Table
from streams.linking.announce import LEAST_WEIGHT, MOST, announce
from tests.streams.linking.build import ADDRESS, told, unit

IP = ("ip", ADDRESS, 0.5)
ROLE = ("principal", "arn:aws:iam::123456789012:role/deploy", 0.5)
KEY = f"ip:{ADDRESS}"
ROLE_KEY = f"principal:{ROLE[1]}"


@pytest.fixture
def table() -> Table:
    return Table("indicators", [])


def closed(given: Unit, **more: object) -> Unit:
    return given.model_copy(update={"status": "closed", "reason": "closed"} | more)


def test_each_indicator_is_told_once(table: Table) -> None:
    """The first revision with it tells it, later ones say nothing, a new one comes alone."""
    assert told(announce(table, unit(IP, ("host", "web-1", 0.9)))) == [("seen", KEY, None)]
    assert announce(table, unit(IP)) == []
    assert told(announce(table, unit(IP, ROLE))) == [("seen", ROLE_KEY, None)]


def test_what_is_lost_is_withdrawn_once(table: Table) -> None:
    """An entity that the unit no longer lists is taken back, and told again if it returns."""
    announce(table, unit(IP, ROLE))
    assert told(announce(table, unit(ROLE))) == [("withdrawn", KEY, None)]
    assert announce(table, unit(ROLE)) == []
    assert told(announce(table, unit(IP, ROLE))) == [("seen", KEY, None)]


def test_what_became_common_is_withdrawn(table: Table) -> None:
    """An entity that the unit was not joined by, because so many share it, is no indicator, also if it was before."""
    assert announce(table, unit(IP, common=[IP[:2]])) == []
    announce(table, unit(IP))
    assert told(announce(table, unit(IP, common=[IP[:2]]))) == [("withdrawn", KEY, None)]


def test_weak_entities_are_not_told_but_held(table: Table) -> None:
    """Below the least weight nothing is told; what was told stays while it is listed; weight 0 is carried along."""
    assert announce(table, unit(("ip", ADDRESS, LEAST_WEIGHT / 2))) == []
    assert told(announce(table, unit(("ip", ADDRESS, LEAST_WEIGHT)))) == [("seen", KEY, None)]
    assert announce(table, unit(("ip", ADDRESS, LEAST_WEIGHT / 2))) == []
    assert told(announce(table, unit(("ip", ADDRESS, 0.0)))) == [("withdrawn", KEY, None)]


def test_closing_takes_everything_back_and_forgets_the_unit(table: Table) -> None:
    """A closed unit has no row; reopened, it tells all of it again."""
    announce(table, unit(IP, ROLE))
    assert told(announce(table, closed(unit(IP, ROLE)))) == [("withdrawn", KEY, None), ("withdrawn", ROLE_KEY, None)]
    assert not table
    assert announce(table, closed(unit(IP, ROLE))) == []
    assert len(announce(table, unit(IP, ROLE))) == 2


@pytest.mark.parametrize("farewell_first", [True, False])
def test_a_merge_hands_indicators_to_the_survivor(table: Table, farewell_first: bool) -> None:
    """The victim withdraws in the survivor's name; all that both held is what it withdraws at its end."""
    victim, survivor = unit(IP, name="wu-victim"), unit(ROLE, name="wu-survivor")
    announce(table, victim)
    announce(table, survivor)
    farewell = closed(victim, status="merged", merged_into="wu-survivor")
    merged = unit(IP, ROLE, name="wu-survivor")
    first, second = (farewell, merged) if farewell_first else (merged, farewell)
    outputs = told([*announce(table, first), *announce(table, second)])
    assert outputs.count(("withdrawn", KEY, "wu-survivor")) == 1
    assert outputs.count(("seen", KEY, None)) == (0 if farewell_first else 1)
    assert set(table) == {"wu-survivor"}
    assert [key for _, key, _ in told(announce(table, closed(merged)))] == [KEY, ROLE_KEY]


def test_the_strongest_of_many_are_told(table: Table) -> None:
    """A unit tells a bounded number, by weight and then by key; two spellings of one indicator are one."""
    many = [("ip", f"8.8.{n // 250}.{1 + n % 250}", round(0.9 - n / 1_000, 3)) for n in range(100)]
    outputs = announce(table, unit(*many))
    assert {key for _, key, _ in told(outputs)} == {f"ip:{id_}" for _, id_, _ in many[:MOST]}
    assert announce(table, unit(*many)) == []
    same = announce(table, unit(("ip", "::ffff:8.8.4.4", 0.1), ("ip", "8.8.4.4", 0.3), name="wu-2"))
    assert len(same) == 1
