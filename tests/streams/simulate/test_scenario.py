from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.simulate import Delivery, Message, Scenario

START = datetime(2026, 3, 2, 8, tzinfo=UTC)

DIGEST = """
from datetime import UTC, datetime
from hashlib import blake2b
from orjson import dumps
from streams.simulate import Scenario
scenario = Scenario(11, start=datetime(2026, 3, 2, 8, tzinfo=UTC), hours=6, events=4000)
state = blake2b()
for message in scenario.messages():
    state.update(repr(message).encode())
state.update(dumps([scenario.truth(), scenario.catalog()]))
print(state.hexdigest())
"""


def _digest(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", DIGEST],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_equal_arguments_give_equal_bytes_in_every_process():
    """Messages, truth and catalog do not depend on the hash seed."""
    assert _digest("1") == _digest("4242")


def test_messages_can_be_asked_for_again(scenario: Scenario, deliveries: list[Delivery]):
    """A second run over the same object gives the same messages, also after the truth was told."""
    scenario.truth()
    again = list(islice(scenario.messages(), 1500))
    assert again == [delivery.message for delivery in deliveries[:1500]]


def test_another_seed_is_another_scenario(scenario: Scenario):
    """Two seeds share no CloudTrail event."""
    other = Scenario(8, start=START, hours=6)
    ours = {m.value for m in islice(scenario.messages(), 500)}
    assert ours.isdisjoint(m.value for m in islice(other.messages(), 500))


def test_arrival_never_steps_back(deliveries: list[Delivery]):
    """Messages come in the order of their arrival, aware and in UTC."""
    arrivals = [delivery.message.arrival for delivery in deliveries]
    assert all(a <= b for a, b in pairwise(arrivals))
    assert all(arrival.tzinfo is UTC for arrival in arrivals)
    assert arrivals[0] >= START
    assert arrivals[-1] <= START + timedelta(hours=7, minutes=15)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([1, 2, 7, 36, 60]),
    st.sampled_from([0.1, 0.5, 3.0, 30.0]),
    st.integers(600, 3000),
)
def test_the_number_of_messages_is_what_was_asked_for(seed: int, services: int, hours: float, events: int):
    """Whatever the parameters, exactly ``events`` messages come, in order, and the truth counts them."""
    scenario = Scenario(seed, services, start=START, hours=hours, events=events)
    arrivals = [message.arrival for message in scenario.messages()]
    assert len(arrivals) == events == scenario.truth()[-1]["messages"]
    assert all(a <= b for a, b in pairwise(arrivals))


def test_the_default_is_about_a_thousand_messages_an_hour(deliveries: list[Delivery]):
    """Six hours of 36 services are 6,000 messages, most of them CloudTrail, all six kinds among them."""
    seen = Counter(delivery.message.source for delivery in deliveries)
    assert len(deliveries) == 6000
    assert set(seen) == {"cloudtrail", "github", "cdevents", "trivy", "sarif", "ocsf"}
    assert seen["cloudtrail"] > 5000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"start": datetime(2026, 3, 2, 8)}, "time zone"),  # noqa: DTZ001 - the naive time is the point
        ({"hours": 0.01}, "hours"),
        ({"events": 10}, "at least 500"),
        ({"services": 0}, "services"),
        ({"hours": 2000.0, "events": 1000, "services": 1000}, None),
    ],
)
def test_arguments_outside_the_bounds_are_refused(arguments: dict[str, object], words: str | None):
    """A wrong argument raises ``ValueError`` and says what is wrong; a sparse scenario is none."""
    given_arguments = {"seed": 1, "start": START, "hours": 6.0} | arguments
    if words is None:
        assert sum(1 for _ in Scenario(**given_arguments).messages()) == given_arguments["events"]
        return
    with pytest.raises(ValueError, match=words):
        Scenario(**given_arguments)


def test_memory_does_not_grow_with_the_number_of_messages():
    """The second half of a long run allocates nothing that stays."""
    messages = Scenario(5, start=START, hours=6, events=24_000).messages()
    for _ in islice(messages, 8000):
        pass
    tracemalloc.start()
    for _ in islice(messages, 1000):
        pass
    early, _ = tracemalloc.get_traced_memory()
    for _ in messages:
        pass
    late, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert late - early < 1_500_000
    assert peak < 12_000_000


def test_events_arrive_within_the_lateness_of_their_source(deliveries: list[Delivery]):
    """CloudTrail is minutes late, never above fifteen unless it was put in as a straggler; the rest takes seconds."""
    delays = [
        (delivery.message.arrival - datetime.fromisoformat(orjson.loads(delivery.message.value)["eventTime"]))
        for delivery in deliveries
        if delivery.message.source == "cloudtrail"
        and delivery.slot == "ordinary"
        and delivery.message.value.startswith(b'{"eventVersion"')
    ]
    ordered = sorted(delay.total_seconds() for delay in delays)
    assert ordered[0] >= 0
    assert ordered[-1] <= 901
    assert 120 <= ordered[len(ordered) // 2] <= 300


def test_stragglers_are_late_beyond_the_lateness(deliveries: list[Delivery]):
    """A far-late record is more than fifteen minutes old."""
    late = [delivery.message for delivery in deliveries if delivery.slot == "far_late"]
    assert late
    for message in late:
        time = datetime.fromisoformat(orjson.loads(message.value)["eventTime"])
        assert message.arrival - time > timedelta(minutes=15)
        assert time >= START


def test_a_duplicate_repeats_an_earlier_message(deliveries: list[Delivery]):
    """Value, key and headers (with GitHub's delivery id) are those of the original; only the arrival is later."""
    seen: dict[bytes, Message] = {}
    repeated: Counter[str] = Counter()
    for message, slot in ((delivery.message, delivery.slot) for delivery in deliveries):
        if slot == "duplicate":
            original = seen[message.value]
            assert message._replace(arrival=original.arrival) == original
            repeated[message.source] += 1
        elif slot == "ordinary":
            assert message.value not in seen
            seen[message.value] = message
    assert repeated["cloudtrail"]
    assert repeated.total() - repeated["cloudtrail"]


def test_what_was_injected_is_counted_as_the_truth_says(scenario: Scenario, deliveries: list[Delivery]):
    """The truth's counts of duplicates, stragglers and defects are those of the messages."""
    seen = Counter(delivery.slot for delivery in deliveries)
    told = scenario.truth()[-1]
    assert told["type"] == "injected"
    assert told["duplicate"] == seen.pop("duplicate")
    assert told["far_late"] == seen.pop("far_late")
    del seen["ordinary"]
    assert told["malformed_by_defect"] == dict(seen)
    assert told["malformed"] == seen.total() > 0


def test_every_defect_comes_up_in_a_long_run():
    """A load of 60,000 messages has each kind of broken message, with about 1 % repeats and 0.3 % broken."""
    told = Scenario(3, start=START, hours=6, events=60_000).truth()[-1]
    assert set(told["malformed_by_defect"]) == {
        "truncated",
        "wrong_type",
        "no_time",
        "not_utf8",
        "empty",
        "unknown_format",
        "oversize",
    }
    assert told["malformed"] / 60_000 == pytest.approx(0.003, rel=0.2)
    assert told["duplicate"] / 60_000 == pytest.approx(0.01, rel=0.1)


def test_the_night_is_quieter_than_the_day():
    """Over a day the busiest hour has at least one and a half times the messages of the quietest."""
    scenario = Scenario(4, start=datetime(2026, 3, 2, tzinfo=UTC), hours=24, events=12_000)
    hours = Counter(message.arrival.hour for message in scenario.messages())
    assert max(hours.values()) > 1.5 * min(hours[hour] for hour in range(1, 24))
    assert hours[13] > hours[2]
