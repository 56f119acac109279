"""Units of different domains that share an indicator are told of each other; what too many share links nothing."""

from __future__ import annotations

import itertools

import orjson

from schemas.dead_letter import DeadLetter
from streams.linking.links import Bounds, Links
from tests.streams.linking.build import ADDRESS, DAY, T0, fold, log, pairs, related, seen, state, withdrawn


def test_both_units_are_told_with_the_reason_in_words() -> None:
    """The second unit with an address makes one record for each domain: each names the other, and says why."""
    outputs = fold(Links(), log([seen("shop", "wu-1"), seen("bank", "wu-2")]))
    assert [(output.role, output.key) for output in outputs] == [("events", b"bank"), ("events", b"shop")]
    bank, shop = related(outputs)
    assert (shop.unit_id, shop.other_unit_id, shop.other_domain) == ("wu-1", "wu-2", "bank")
    assert (bank.unit_id, bank.other_unit_id, bank.other_domain) == ("wu-2", "wu-1", "shop")
    assert shop.indicator == ("ip", ADDRESS)
    assert shop.reason == f"the same public address {ADDRESS} is in wu-2 of bank"
    assert int(shop.time.timestamp() * 1000) == T0 + 1_000


def test_units_of_one_domain_are_not_linked_here() -> None:
    """Grouping sees both of them: only pairs over domains are told."""
    outputs = fold(Links(), log([seen("shop", "wu-1"), seen("shop", "wu-2"), seen("bank", "wu-3")]))
    assert sorted(pairs(outputs)) == [("wu-1", "wu-3"), ("wu-2", "wu-3"), ("wu-3", "wu-1"), ("wu-3", "wu-2")]


def test_another_indicator_is_another_matter() -> None:
    """Nothing links units that share none; equal ids of two kinds are two indicators."""
    links = Links()
    values = [seen("shop", "wu-1"), seen("bank", "wu-2", id_="8.8.4.4"), seen("bank", "wu-3", kind="url")]
    assert fold(links, log(values)) == []
    assert links.counts == {"alone": 3}


def test_said_twice_is_told_once() -> None:
    """A repeated indicator, as a replayed record would be, tells nobody anything."""
    links = Links()
    values = [seen("shop", "wu-1"), seen("bank", "wu-2"), seen("shop", "wu-1"), seen("bank", "wu-2")]
    assert len(pairs(fold(links, log(values)))) == 2
    assert links.counts == {"alone": 1, "linked": 1, "repeated": 2}


def test_a_unit_that_withdrew_links_no_more() -> None:
    """After a close, later units are not linked with it, and its row is gone with the last of them."""
    links = Links()
    values = [seen("shop", "wu-1"), withdrawn("shop", "wu-1"), seen("bank", "wu-2"), withdrawn("bank", "wu-2")]
    assert fold(links, log([*values, withdrawn("bank", "wu-2")])) == []
    assert links.held == 0
    assert links.counts == {"alone": 2, "withdrawn": 2, "unknown": 1}


def test_after_a_merge_the_survivor_stands_for_the_merged() -> None:
    """Who was linked with the merged unit is told of the survivor, and later ones are linked with it alone."""
    values = [seen("shop", "wu-1"), seen("bank", "wu-2"), withdrawn("shop", "wu-1", "wu-0"), seen("mail", "wu-3")]
    outputs = [Links.step(links, record) for links in [Links()] for record in log(values)]
    assert sorted(pairs(outputs[2])) == [("wu-0", "wu-2"), ("wu-2", "wu-0")]
    assert sorted(pairs(outputs[3])) == [("wu-0", "wu-3"), ("wu-2", "wu-3"), ("wu-3", "wu-0"), ("wu-3", "wu-2")]


def test_merge_and_the_survivors_own_word_commute() -> None:
    """Whether the survivor says it before or after the farewell, the same are linked, none twice."""
    middle = [withdrawn("shop", "wu-1", "wu-0"), seen("shop", "wu-0")]
    told = []
    states = []
    for order in itertools.permutations(middle):
        links = Links()
        told.append(sorted(pairs(fold(links, log([seen("shop", "wu-1"), seen("bank", "wu-2"), *order])))))
        states.append({key: row[2][0][:2] for key, row in state(links).items() if key.startswith("indicators")})
    assert told[0] == told[1]
    assert len(told[0]) == len(set(told[0])) == 4
    assert states[0] == states[1]


def test_what_too_many_share_is_common() -> None:
    """Beyond the number of units, or of domains, an indicator links nothing further; that is counted."""
    for bounds, domains in ((Bounds(units=3, domains=99), 2), (Bounds(units=99, domains=3), 9)):
        links = Links(bounds=bounds)
        outputs = [links.step(r) for r in log(seen(f"d{n % domains}", f"wu-{n}") for n in range(9))]
        assert all(pairs(each) for each in outputs[1:3])
        assert not any(outputs[3:])
        assert links.counts["common"] == 6
        assert links.told["common"] == 1
        assert state(links)[f"indicators ip:{ADDRESS}"] == [T0 + 8_000, 9, []]


def test_one_indicator_of_5000_units_stays_bounded() -> None:
    """State, records and pairs are bounded by the units that may share it, however many say it."""
    links = Links()
    outputs = fold(links, log(seen(f"d{n}", f"wu-{n}") for n in range(5_000)))
    most = Bounds().domains
    assert len(related(outputs)) == most * (most - 1)
    assert len(orjson.dumps(state(links))) < 200
    assert state(links)[f"indicators ip:{ADDRESS}"][1] == 5_000
    assert len(links._oldest) < 2_000


def test_the_window_is_log_time() -> None:
    """A unit that said it longer ago than the window is not linked, and the rows go by themselves."""
    links = Links()
    values = [(0, seen("shop", "wu-1")), (0, seen("shop", "wu-9", id_="8.8.4.4")), (14 * DAY, seen("bank", "wu-2"))]
    assert len(pairs(fold(links, log(values)))) == 2
    assert fold(links, log([(14 * DAY + 1, seen("mail", "wu-3", id_="1.1.1.1"))])) == []
    assert links.told["expired"] == 1
    third = fold(links, log([(15 * DAY, seen("mail", "wu-3"))]))
    assert sorted(pairs(third)) == [("wu-2", "wu-3"), ("wu-3", "wu-2")]


def test_a_common_indicator_is_forgotten_when_it_is_quiet() -> None:
    """When nobody said it for the length of the window, it may link again."""
    links = Links(bounds=Bounds(units=1))
    fold(links, log([(0, seen("shop", "wu-1")), (0, seen("bank", "wu-2"))]))
    assert links.told["common"] == 1
    fold(links, log([(15 * DAY, seen("mail", "wu-3", id_="8.8.4.4"))]))
    assert links.held == 1


def test_the_longest_silent_indicator_is_evicted() -> None:
    """Beyond the cap the one that was not said for longest goes, and is counted; the clock never steps back."""
    links = Links(bounds=Bounds(indicators=2))
    values = [(0, "1.1.1.1"), (1, "8.8.4.4"), (2, "1.1.1.1"), (1, "9.9.9.9")]
    fold(links, log((after, seen(f"d{n}", f"wu-{n}", id_=id_)) for n, (after, id_) in enumerate(values)))
    assert {key for key in state(links) if "ip" in key} == {"indicators ip:1.1.1.1", "indicators ip:9.9.9.9"}
    assert links.told["evicted"] == 1
    assert state(links)["clock log_time"] == [T0 + 2]


def test_what_is_no_indicator_is_a_dead_letter_with_its_place() -> None:
    """A broken record changes nothing and is refused with where and why."""
    links = Links(3)
    (output,) = fold(links, log([orjson.dumps(orjson.loads(seen("shop", "wu-1")) | {"kind": "host"})]))
    letter = DeadLetter.model_validate_json(output.value)
    assert (output.role, letter.topic, letter.stage, letter.place) == ("dead-letters", "indicators", "validate", "kind")
    assert fold(links, log([b"\xff"]))[0].role == "dead-letters"
    assert links.counts == {"invalid": 2}
    assert links.held == 0
