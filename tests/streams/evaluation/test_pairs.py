from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.evaluation.ait_ads import Alert, Step
from streams.evaluation.pairs import Quality, area, cells, macro, met, qualities

STEPS = [Step("-", "-"), Step("dirb", "dirb"), Step("dnsteal", "dnsteal_start"), Step("dnsteal", "dnsteal_end")]


def alerts(steps: Sequence[int], unclear: Sequence[int] = ()) -> list[Alert]:
    return [Alert(n, "D: a", "192.0.2.1", "h", "S", step, n in unclear) for n, step in enumerate(steps)]


def by_hand(steps: Sequence[int], units: Sequence[int], step: int, *, noise: bool) -> Quality:
    """Over every pair, as the definition reads."""
    kept = [(s, u) for s, u in zip(steps, units, strict=True) if noise or s]
    tp = fn = fp = tn = 0
    for own, unit in kept:
        if own != step:
            continue
        for other, its in kept:
            if other == step:
                tp, fn = tp + (its == unit), fn + (its != unit)
            else:
                fp, tn = fp + (its == unit), tn + (its != unit)
    recall, precision = tp / (tp + fn), tp / (tp + fp)
    return Quality(recall, tn / (tn + fp) if tn + fp else 1.0, 2 * precision * recall / (precision + recall))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30), st.booleans())
def test_counts_by_unit_give_what_all_pairs_give(given_: list[tuple[int, int]], noise: bool) -> None:
    """Recall, TNR and F1 of every instance equal those counted pair by pair."""
    steps, units = zip(*given_, strict=True)
    found = qualities(cells(alerts(steps), units), STEPS, noise=noise)
    for step in set(steps) - {0}:
        (mine,) = found[STEPS[step]]
        assert mine == pytest.approx(by_hand(steps, units, step, noise=noise))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30).filter(any))
def test_the_true_grouping_is_perfect_and_one_for_all_recalls_everything(steps: list[int]) -> None:
    """Grouping by the truth scores 1, 1, 1; all in one unit has recall 1 and separates nothing."""
    for noise in (True, False):
        assert macro([qualities(cells(alerts(steps), steps), STEPS, noise=noise)]) == pytest.approx((1, 1, 1))
    one = macro([qualities(cells(alerts(steps), [7] * len(steps)), STEPS, noise=True)])
    assert one.recall == 1
    assert one.tnr == (1 if len(set(steps)) == 1 else 0)


def test_the_mean_is_over_instances_then_stages_then_labels() -> None:
    """Two stages of one label weigh as much together as one label with one stage."""
    first, second = (
        {STEPS[1]: [Quality(1, 1, 1)]},
        {STEPS[2]: [Quality(0, 0, 0), Quality(1, 0, 0)], STEPS[3]: [Quality(0, 0, 0)]},
    )
    assert macro([first, second]) == Quality(0.625, 0.5, 0.5)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12))
def test_an_area_is_what_the_points_dominate(points: list[tuple[float, float]]) -> None:
    """More points never make it smaller, their order does not matter, and no point is above it."""
    whole = area(points)
    assert 0 <= whole <= 1
    assert area(reversed(points)) == whole
    assert all(tnr * recall <= whole + 1e-12 for tnr, recall in points)
    assert not points or area(points[1:]) <= whole + 1e-12


def test_an_instance_that_shares_a_unit_is_merged() -> None:
    """Sharing one alert's unit is enough, on both sides."""
    found = met(alerts([1, 1, 2]), ["a", "b", "b"], STEPS)
    assert found.merged == ("dirb with dnsteal_start", "dnsteal_start with dirb")


def test_an_instance_among_noise_is_merged_from_a_tenth_on_and_unclear_noise_does_not_count() -> None:
    """One noise alert in ten is let pass, one in nine is not; noise inside an attack's interval is neither."""
    assert met(alerts([1] * 9 + [0]), ["a"] * 10, STEPS).merged == ()
    assert met(alerts([1] * 8 + [0]), ["a"] * 9, STEPS).merged == ("dirb in a unit of 11% noise",)
    assert met(alerts([1] * 8 + [0], unclear=[8]), ["a"] * 9, STEPS).merged == ()


def test_noise_in_attack_units_is_a_share_of_all_noise() -> None:
    """One of four noise alerts stands in a unit with an attack alert."""
    found = met(alerts([1, 0, 0, 0, 0]), ["a", "a", "b", "b", "c"], STEPS)
    assert (found.noise_share, found.units, found.reduction) == (0.25, 3, 5 / 3)


def test_an_attack_alert_without_a_unit_is_lost() -> None:
    """Its step is named, even where others of its alerts have a unit."""
    assert met(alerts([1, 1, 0]), ["a", None, None], STEPS).lost == ("dirb",)
