"""When a feed is looked at again, and what is remembered of a look."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from streams.edge.poll import FIRST_WAIT, wait_after
from streams.edge.poll_http import Validators
from streams.edge.poll_read import Look, Same, Seen
from streams.edge.poll_state import FeedState, failed, read_whole, settings_of, went_well
from streams.feeds import Feed

FEED = Feed(type="kev", path=Path("kev.json"), every="1h")
SEEN = Seen(Validators('"1"', None))
LOOK = Look({("kev", "feed"): {}}, (), 0, True, 500, SEEN)


@given(st.integers(0, 100), st.floats(1, 1e6), st.none() | st.floats(0, 86_400), st.floats(0, 1))
def test_waits_are_bounded_and_honour_the_server(
    failures: int, every: float, asked: float | None, chance: float
) -> None:
    """Never more than one and a half of the interval unless the server asks, never less than it asks after a failure,
    and never no wait at all."""
    wait = wait_after(failures, every, asked, chance)
    assert wait >= min(every, FIRST_WAIT) / 2
    assert wait <= max(1.5 * every, asked or 0)
    if failures:
        assert wait >= (asked or 0)


def test_waits_grow_with_failures() -> None:
    """They double until they are the interval."""
    assert [wait_after(number, 300, None, 0.5) for number in range(1, 7)] == [30, 60, 120, 240, 300, 300]


def good(before: FeedState | None, now: int, problem: str | None = None) -> FeedState:
    return went_well("kev", FEED, before, LOOK, now, changed=True, problem=problem)


def test_a_failure_keeps_what_was_known() -> None:
    """Since when it is good, how old it is and what was seen stay; the failures are counted and the reason is kept."""
    state = failed("kev", FEED, failed("kev", FEED, good(None, 1_000), "first", 2_000), "503", 3_000)
    assert (state.good, state.looked, state.failures, state.problem) == (1_000, 3_000, 2, "503")
    assert (state.seen, state.age(4_000)) == (SEEN, 3_500)
    assert not state.silent(FEED.silent_ms)
    assert state.silent(FEED.silent_ms + 1_001)


def test_a_feed_that_never_answered_has_its_settings() -> None:
    """So that its failures add up."""
    state = failed("kev", FEED, None, "no", 1_000)
    assert (state.settings, state.good, state.silent(1_000), state.age(1_000)) == (settings_of(FEED), None, True, None)


def test_what_was_left_out_is_looked_at_again() -> None:
    """A look with problems is not remembered as seen, and says nothing of when all was read."""
    state = good(good(None, 1_000), 2_000, "3 are wrong")
    assert (state.good, state.read_whole, state.seen, state.problem) == (2_000, 1_000, Seen(), "3 are wrong")


def test_the_same_again_is_as_fresh() -> None:
    """An unchanged feed that was whole counts as read whole now."""
    state = went_well("kev", FEED, good(None, 1_000), Same(SEEN), 9_000, changed=False, problem=None)
    assert (state.read_whole, state.changed, state.records, state.dated) == (9_000, 1_000, 1, 500)


def test_a_kind_is_as_fresh_as_its_oldest_feed() -> None:
    """Of several feeds of one kind the one read longest ago counts; one never read leaves it unknown, and one that is
    not whole says nothing."""
    other = Feed(type="kev", path=Path("other.json"))
    partial = Feed(type="kev", path=Path("partial.json"), complete=False)
    feeds = {"kev": FEED, "other": other, "partial": partial}
    states = {"kev": good(None, 5_000), "other": good(None, 3_000)}
    assert read_whole("kev", states, feeds) == 3_000
    assert read_whole("kev", {"kev": states["kev"]}, feeds) is None
    assert read_whole("epss", states, feeds) is None


def test_another_address_is_another_feed() -> None:
    """What decides whether a server's validators still mean anything: not the interval, but the address."""
    assert settings_of(FEED) == settings_of(FEED.model_copy(update={"every": 1}))
    assert settings_of(FEED) != settings_of(FEED.model_copy(update={"path": Path("b")}))
