"""When a pattern is suppressed, what it hides, and what brings that back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.unit import Suppression
from streams.correlation.rows import SignalRow
from streams.correlation.suppression.guard import Look
from streams.correlation.suppression.pattern import pattern_of
from streams.correlation.suppression.shown import PATTERN, patterns_of, sampled
from streams.correlation.suppression.thresholds import Thresholds

from .build import DAY, EASY, HOUR, NOON, Bench, look, signal

SCAN = pattern_of(signal()).id


def ask(
    bench: Bench, now: int, rows: list[SignalRow] | None = None, cluster: str = "c", of: Look | None = None
) -> Suppression | None:
    return bench.patterns.decide(cluster, of or look(f"wu-{cluster}"), rows or [signal(at=now)], now, EASY).suppression


@pytest.fixture
def known() -> tuple[Bench, int]:
    """A pattern with enough evidence, and a time just after it."""
    bench = Bench()
    return bench, bench.judged() + 1


def test_enough_evidence_hides_and_says_why(known: tuple[Bench, int]) -> None:
    """Forty verdicts of two people over three days: hidden, with owner, expiry and every number in words."""
    bench, now = known
    found = ask(bench, now, of=look("wu-c", owner="team-net"))
    assert found is not None
    assert found.pattern == SCAN
    assert (found.owner, found.sampled) == ("team-net", False)
    assert found.expires is not None
    assert (found.expires - found.since).days == 30
    evidence = {factor.name: factor for factor in found.evidence}
    assert evidence["verdicts"].value == 40
    assert evidence["reviewers"].text == "judged by 2 people"
    assert evidence["days"].value == 3
    assert evidence["actionable"].value < EASY.actionable
    assert "2026-03-04" in evidence["verdicts"].text
    assert patterns_of(found) == (SCAN,)
    assert evidence[PATTERN + SCAN].text == "Port scan from <ip> on shop about host (from ids)"


@pytest.mark.parametrize(
    ("less", "why"),
    [
        ({"units": 12}, "not sure enough"),
        ({"days": 2}, "2 of the 3 days"),
        ({"reviewers": ("ada",), "units": 200}, "1 of the 2 reviewers"),
        ({"verdict": "duplicate"}, "0 of the 2 reviewers"),
        ({"verdict": "true_positive"}, "0 of the 2 reviewers"),
    ],
)
def test_too_little_evidence_hides_nothing(less: dict[str, object], why: str) -> None:
    """Too few verdicts, days or people, and verdicts that say nothing: each alone is enough to stay."""
    bench = Bench()
    now = bench.judged(**less) + 1
    assert ask(bench, now) is None
    lacking = bench.patterns.evidence.tally(SCAN, now, EASY, None, None).lacking(EASY)
    assert lacking is not None
    assert why in lacking


def test_a_unit_with_one_other_pattern_stays(known: tuple[Bench, int]) -> None:
    """All patterns of a unit must be suppressed, not most of them."""
    bench, now = known
    assert ask(bench, now, [signal(at=now), signal("Web shell found", at=now)]) is None
    assert ask(bench, now, [signal(at=now), signal("Port scan from 203.0.113.77", at=now)]) is not None


def test_a_surge_stays(known: tuple[Bench, int]) -> None:
    """What was judged one at a time says nothing about a thousand an hour."""
    bench, now = known
    assert ask(bench, now, [signal(at=now, times=1_000)]) is None
    assert ask(bench, now, [signal(at=now, times=1_000, last=now + 100 * HOUR)]) is not None


GUARDED = st.one_of(
    st.builds(lambda s: (look(severity=s), signal(severity=s)), st.integers(5, 6)),
    st.builds(lambda s: (look(severity=3), signal(severity=s)), st.integers(5, 6)),
    st.builds(lambda s: (look(severity=s, kev=True), signal(severity=s)), st.integers(0, 6)),
    st.builds(lambda s: (look(severity=s), signal(severity=s, kev=True)), st.integers(0, 6)),
    st.just((look(severity=4, internet_facing=True), signal(severity=4))),
    st.just((look(severity=4, internet_facing=True), signal(severity=1))),
    st.just((look(escalated=True), signal())),
    st.just((look(disposition="true_positive"), signal())),
)


@given(GUARDED, st.integers(0, 120), st.integers(1, 4), st.booleans())
@settings(max_examples=60, deadline=None)
def test_never_whatever_the_evidence(case: tuple[Look, SignalRow], units: int, people: int, by_hand: bool) -> None:
    """Exploited, critical, high on the internet, escalated, confirmed: no evidence and no reviewer hides it."""
    of, row = case
    bench = Bench()
    reviewers = tuple(f"p{number}" for number in range(people))
    now = bench.judged(units=units, reviewers=reviewers, days=5) + 1 if units else NOON
    if by_hand:
        bench.patterns.suppress([SCAN], "ada", "noise", None, now, "r", now, EASY)
    assert ask(bench, now, [row._replace(first=now, last=now)], of=of) is None


@given(st.integers(1, 3_000), st.sampled_from(["0", "1", "0101", "0000", "9"]), st.integers(1, 10))
@settings(max_examples=40, deadline=None)
def test_a_flood_of_one_reviewer_hides_nothing(flood: int, honest: str, days: int) -> None:
    """However many verdicts one person writes, and whoever agrees a few times or once at length, the pattern stays."""
    bench = Bench()
    evidence = bench.patterns.evidence
    evidence.seen(SCAN, "scan", tuple(range(NOON // DAY, NOON // DAY + days)))
    now = NOON + days * DAY
    for number in range(flood):
        evidence.verdict(SCAN, (now - number, f"f{number}", "mallory", f"wu-{number}", 0, 1.0, 24))
    for number, person in enumerate(honest):
        hours = 24 if person == "9" else 1
        evidence.verdict(SCAN, (now - number, f"h{number}", f"p{person}", f"wu-h{number}", 0, 1.0, hours))
    assert ask(bench, now) is None


def test_one_reviewer_on_one_unit_is_one_verdict() -> None:
    """Saying it again adds nothing; changing one's mind replaces it, in whatever order the two arrive."""
    tallies = []
    for order in ((0, 1, 2), (2, 1, 0)):
        bench = Bench()
        evidence = bench.patterns.evidence
        evidence.seen(SCAN, "scan", (0,))
        words = ((NOON, "a", 0), (NOON + 1, "b", 0), (NOON + 2, "c", 1))
        for number in order:
            time, review, worth = words[number]
            evidence.verdict(SCAN, (time, review, "ada", "wu-1", worth, 1.0, 1))
        tallies.append(evidence.tally(SCAN, NOON + 2, EASY, None, None))
    assert tallies[0] == tallies[1]
    assert (tallies[0].actionable, tallies[0].benign, tallies[0].verdicts) == (1.0, 0.0, 1)


def test_verdicts_fade() -> None:
    """After a year without a word, forty verdicts are no evidence any more."""
    bench = Bench()
    now = bench.judged() + 365 * DAY
    assert ask(bench, now) is None


def test_an_escalation_ends_it_and_forbids_it(known: tuple[Bench, int]) -> None:
    """The units that the pattern hid come back, and no number of verdicts hides it again for ninety days."""
    bench, now = known
    assert ask(bench, now, cluster="hidden") is not None
    assert ask(bench, now, cluster="other") is not None
    assert bench.patterns.note_escalation("other", now, "e", now, EASY) == ["hidden", "other"]
    assert ask(bench, now, cluster="hidden") is None
    later = bench.judged(units=100, start=now, prefix="more") + 1
    assert ask(bench, later) is None


def test_verdicts_against_end_it(known: tuple[Bench, int]) -> None:
    """Once it may be worth acting on too often, what it hid comes back at once."""
    bench, now = known
    hidden = [f"c{number}" for number in range(12)]
    for cluster in hidden:
        assert ask(bench, now, cluster=cluster) is not None
    back: list[str] = []
    for number, cluster in enumerate(hidden):
        back = bench.patterns.note_verdict(
            cluster, f"wu-{cluster}", "ben", "true_positive", now + number, f"t{number}", now + number, EASY
        )
        if back:
            break
    assert back == sorted(hidden)
    assert ask(bench, now + 20, cluster="c11") is None


def test_the_first_unit_that_is_hidden_names_the_others_in_the_queue() -> None:
    """Units with the pattern that wait in the queue get a revision when it is first suppressed, and leave, too."""
    bench = Bench()
    assert ask(bench, NOON, cluster="early") is None
    assert ask(bench, NOON, [signal("Web shell found")], cluster="unrelated") is None
    now = bench.judged() + 1
    assert bench.patterns.decide("c", look(), [signal(at=now)], now, EASY).again == ["early"]
    assert ask(bench, now, cluster="early") is not None


def test_the_verdict_that_is_enough_names_the_units_that_may_leave() -> None:
    """So the queue is cleared by the review itself, not by the next signal of each unit."""
    bench = Bench()
    now = bench.judged(units=14) + 1
    named: list[list[str]] = []
    for number in range(6):
        cluster = f"c{number}"
        ask(bench, now + number, cluster=cluster)
        named.append(
            bench.patterns.note_verdict(
                cluster, cluster, "ben", "false_positive", now + number, f"v{number}", now + number, EASY
            )
        )
    first = next(number for number, clusters in enumerate(named) if clusters)
    assert first > 0
    assert named[first] == [f"c{number}" for number in range(first + 1)]


def test_a_reviewer_suppresses_until_a_date(known: tuple[Bench, int]) -> None:
    """No evidence is needed, what is hidden comes back at the date, and nobody's decision outlasts the limit."""
    del known
    bench = Bench()
    assert ask(bench, NOON) is None
    assert bench.patterns.suppress([SCAN], "ada", "known scanner", NOON + DAY, NOON, "r1", NOON, EASY) == ["c"]
    found = ask(bench, NOON + 1)
    assert found is not None
    assert (found.owner, found.reason) == ("ada", "known scanner")
    assert bench.patterns.next_due() == NOON + DAY
    assert bench.patterns.due(NOON + DAY - 1) == []
    assert bench.patterns.due(NOON + DAY) == ["c"]
    assert ask(bench, NOON + DAY) is None
    assert bench.patterns.next_due() is None
    bench.patterns.suppress([SCAN], "ada", "for ever", None, NOON + 2 * DAY, "r2", NOON + 2 * DAY, EASY)
    assert bench.patterns.next_due() == NOON + 2 * DAY + EASY.longest_ms


def test_what_runs_out_on_evidence_needs_a_newer_verdict(known: tuple[Bench, int]) -> None:
    """A suppression does not renew itself on what it began with."""
    bench, now = known
    easy = EASY._replace(half_life_ms=1_000 * DAY)
    assert bench.patterns.decide("c", look(), [signal(at=now)], now, easy).suppression is not None
    end = now + easy.for_ms
    assert bench.patterns.due(end) == ["c"]
    assert bench.patterns.decide("c", look(), [signal(at=end)], end, easy).suppression is None
    bench.patterns.note_verdict("c", "wu-1", "ada", "benign", end + 1, "new", end + 1, easy)
    assert bench.patterns.decide("c", look(), [signal(at=end)], end + 2, easy).suppression is not None


@given(st.sets(st.integers(0, 30), min_size=1), st.sets(st.integers(0, 30)), st.booleans())
@settings(max_examples=50, deadline=None)
def test_unsuppress_restores_all(hidden: set[int], mixed: set[int], by_hand: bool) -> None:
    """Every unit that the pattern hid is named once, none of them is hidden when asked again, nor later on."""
    bench = Bench()
    now = bench.judged() + 1 if not by_hand else NOON
    if by_hand:
        bench.patterns.suppress([SCAN], "ada", "noise", None, now, "s", now, EASY)
    for number in sorted(hidden | mixed):
        rows = [signal(at=now)] + ([signal("Web shell found", at=now)] if number not in hidden else [])
        assert (ask(bench, now, rows, cluster=f"c{number:02}") is not None) == (number in hidden)
    back = bench.patterns.unsuppress([SCAN], "ben", "mine", now + 1, "u", now + 1)
    assert back == [f"c{number:02}" for number in sorted(hidden)]
    for cluster in back:
        assert ask(bench, now + 2, cluster=cluster) is None
    assert bench.patterns.unsuppress([SCAN], "ben", "mine", now + 1, "u", now + 1) == []
    assert ask(bench, now + DAY, cluster="new") is None


def test_an_older_decision_does_not_replace_a_newer_one() -> None:
    """Two reviews that arrive in the wrong order end as in the right one."""
    ends = []
    for order in ((0, 1), (1, 0)):
        bench = Bench()
        for number in order:
            if number:
                bench.patterns.unsuppress([SCAN], "ben", "mine", NOON + 5, "u", NOON + 10)
            else:
                bench.patterns.suppress([SCAN], "ada", "noise", None, NOON, "s", NOON + 10, EASY)
        ends.append(ask(bench, NOON + 11))
    assert ends == [None, None]


def test_a_sample_is_surfaced_and_stays_the_same() -> None:
    """About the stated share, decided by unit and pattern alone."""
    hits = [sampled(f"wu-{number}", SCAN, 0.02) for number in range(5_000)]
    assert 60 <= sum(hits) <= 140
    assert hits == [sampled(f"wu-{number}", SCAN, 0.02) for number in range(5_000)]
    assert not any(sampled(f"wu-{number}", SCAN, 0.0) for number in range(100))
    bench = Bench()
    now = bench.judged() + 1
    found = bench.patterns.decide("c", look(), [signal(at=now)], now, Thresholds(sample=1.0)).suppression
    assert found is not None
    assert found.sampled


def test_idle_closes_alone_hide_nothing_and_count_a_little() -> None:
    """A thousand units that nobody looked at weigh three verdicts; hidden ones weigh nothing."""
    bench = Bench()
    ask(bench, NOON, cluster="c")
    for _ in range(1_000):
        bench.patterns.note_idle("c", NOON // DAY)
    assert bench.patterns.evidence.tally(SCAN, NOON, EASY, None, None).idle == 3.0
    assert ask(bench, NOON) is None
    now = bench.judged() + 1
    assert ask(bench, now, cluster="hidden") is not None
    before = bench.dump()
    bench.patterns.note_idle("hidden", NOON // DAY)
    assert bench.dump() == before


def test_patterns_are_bounded_and_what_is_forgotten_is_counted() -> None:
    """Beyond the limit the patterns that nobody judged go first; what is suppressed stays."""
    bench = Bench()
    limits = EASY._replace(patterns=50)
    now = bench.judged() + 1
    assert ask(bench, now, cluster="hidden") is not None
    for number in range(400):
        name = f"rule-{chr(97 + number % 26)}{chr(97 + number // 26)}"
        bench.patterns.decide("x", look("wu-x"), [signal(name, at=now)], now, limits)
    evidence = bench.patterns.evidence
    assert len(evidence.repeats) <= 50
    assert bench.table("patterns_forgotten")["patterns"][0] == 401 - len(evidence.repeats)
    assert SCAN in evidence.repeats
    assert ask(bench, now, cluster="later") is not None


EVENT = st.one_of(
    st.tuples(st.just("unit"), st.integers(0, 8), st.integers(0, 3)),
    st.tuples(st.just("verdict"), st.integers(0, 8), st.sampled_from(["benign", "true_positive", "duplicate"])),
    st.tuples(st.just("suppress"), st.integers(0, 3), st.integers(1, 4)),
    st.tuples(st.just("unsuppress"), st.integers(0, 3), st.just(0)),
    st.tuples(st.just("escalate"), st.integers(0, 8), st.just(0)),
    st.tuples(st.just("close"), st.integers(0, 8), st.just(0)),
    st.tuples(st.just("time"), st.integers(0, 3), st.just(0)),
)
TITLES = ("Port scan", "Login failed", "Odd DNS name", "Web shell found")


def play(bench: Bench, events: list[tuple[str, int, object]], start: int) -> list[object]:
    """Any course of things; what each step answered."""
    said: list[object] = []
    now = NOON + start
    for number, (what, which, detail) in enumerate(events, start):
        now += 1_000
        cluster = f"c{which}"
        patterns = bench.patterns
        if what == "unit":
            assert isinstance(detail, int)
            rows = [signal(TITLES[detail], at=now + number * DAY), signal(TITLES[0], at=now)]
            said.append(patterns.decide(cluster, look(f"wu-{which}"), rows, now, LOOSE))
        elif what == "verdict":
            who = ("ada", "ben")[number % 2]
            said.append(patterns.note_verdict(cluster, cluster, who, str(detail), now, f"r{number}", now, LOOSE))
        elif what == "suppress":
            pattern = pattern_of(signal(TITLES[which])).id
            assert isinstance(detail, int)
            said.append(patterns.suppress([pattern], "ada", "", now + detail * DAY, now, f"r{number}", now, LOOSE))
        elif what == "unsuppress":
            pattern = pattern_of(signal(TITLES[which])).id
            said.append(patterns.unsuppress([pattern], "ada", "", now, f"r{number}", now))
        elif what == "escalate":
            said.append(patterns.note_escalation(cluster, now, f"r{number}", now, LOOSE))
        elif what == "close":
            patterns.note_idle(cluster, now // DAY)
            patterns.forget(cluster)
        else:
            now += which * DAY
            said.append((patterns.next_due(), patterns.due(now)))
    return said


LOOSE = Thresholds(actionable=0.8, days=1, reviewers=1, sample=0.3)


@given(st.lists(EVENT, max_size=40), st.integers(0, 40))
@settings(max_examples=80, deadline=None)
def test_dump_and_load_anywhere_decides_the_same(events: list[tuple[str, int, object]], cut: int) -> None:
    """Rows through JSON into another process at any point: every later answer and row is the same."""
    whole = Bench()
    first = play(whole, events[:cut], 0)
    moved = whole.again()
    assert moved.dump() == whole.dump()
    assert play(whole, events[cut:], cut) == play(moved, events[cut:], cut)
    assert moved.dump() == whole.dump()
    assert first == play(Bench(), events[:cut], 0)


@given(st.lists(EVENT, max_size=25), st.lists(EVENT, max_size=25))
@settings(max_examples=60, deadline=None)
def test_undo_takes_back_everything(
    before: list[tuple[str, int, object]], undone: list[tuple[str, int, object]]
) -> None:
    """After an undo nothing tells that it was tried."""
    bench, twin = Bench(), Bench()
    play(bench, before, 0)
    play(twin, before, 0)
    bench.journal.clear()
    kept = bench.dump()
    play(bench, undone, len(before))
    bench.undo()
    assert bench.dump().replace(" ", "") == kept.replace(" ", "")
    assert bench.patterns.next_due() == twin.patterns.next_due()
    assert play(bench, undone, len(before)) == play(twin, undone, len(before))


@given(st.permutations(list(range(12))), st.data())
@settings(max_examples=40, deadline=None)
def test_verdicts_in_any_order_are_the_same_evidence(order: list[int], data: st.DataObject) -> None:
    """Rows do not tell in which order verdicts, outcomes and days came."""
    entries = [
        (NOON + data.draw(st.integers(0, 5)), f"r{number}", data.draw(st.sampled_from("ab")),
         f"wu-{data.draw(st.integers(0, 4))}", data.draw(st.sampled_from((-1, 0, 1))), 1.0, 1)
        for number in order
    ]  # fmt: skip
    dumps = set()
    for sequence in (range(12), sorted(range(12), key=lambda at: order[at]), reversed(range(12))):
        bench = Bench()
        evidence = bench.patterns.evidence
        evidence.seen(SCAN, "scan", (0,))
        for at in sequence:
            evidence.verdict(SCAN, entries[at])
            evidence.idle(SCAN, at % 3)
            evidence.escalated(SCAN, NOON + at % 4, "e")
            evidence.seen(SCAN, "scan", (at % 5,))
        dumps.add(bench.dump())
    assert len(dumps) == 1
