import gzip
import json
from pathlib import Path

import pytest

from streams.evaluation.ait_ads import DAY, Recipe, Row, Step, build, needs, parts, recipes, rows

NOON = 12 * 3600


def row(time: int, host: str = "web", short: str = "S-1", event: str = "-", interval: str = "false_positive") -> Row:
    return Row(time, f"Detector: {short}", f"192.0.2.{len(host)}", host, short, interval, event)


def test_days_of_noise_are_cut_at_midnight_and_counted_from_the_first() -> None:
    """Noise of the third and the fourth day since 1970 is day 0 and day 1, with its time of day."""
    found = parts("x", [row(2 * DAY + 5), row(3 * DAY + NOON)])
    assert {name: [r.time for r in of] for name, of in found.items()} == {"x-0": [5], "x-1": [NOON]}


def test_of_dnsteal_only_the_first_alerts_of_three_signatures_are_attack() -> None:
    """Two, one and two alerts are the stages; other signatures are noise, later alerts of the three are left out."""
    lines = [row(NOON + number, short=short, event="dnsteal") for number, short in enumerate(
        ("A-Dns-Val1", "A-Dns-Val1", "A-Dns-Val1", "A-Dns-Frq", "A-Dns-Frq", "A-Aud-Com4", "S-Dns-Qry3")
    )]  # fmt: skip
    found = parts("x", lines)
    assert {name: [r.time for r in of] for name, of in found.items()} == {
        "x-dnsteal_start": [0, 1],
        "x-dnsteal_active": [0],
        "x-dnsteal_end": [0],
        "x-0": [NOON + 6],
    }


def test_a_recipe_places_noise_by_the_day_and_steps_by_the_second() -> None:
    """Noise keeps its time of day on the recipe's day; a step begins when the recipe says and keeps its spacing."""
    have = parts("x", [row(7), row(NOON, event="dirb"), row(NOON + 3, event="dirb")])
    recipe = Recipe("r", "c", "test", (((), ()), (("x-0",), (("x-dirb", 100),))))
    stream = build(recipe, have)
    assert [(a.time, a.step) for a in stream.alerts] == [(DAY + 7, 0), (DAY + 100, 1), (DAY + 103, 1)]
    assert stream.steps == [Step("-", "-"), Step("dirb", "dirb")]
    assert needs(recipe) == {"x"}


def test_a_step_that_comes_twice_is_two_instances_of_one_stage() -> None:
    """Stages of dnsteal share a label, and each use of a part is an instance of its own."""
    have = parts("x", [row(NOON, short="A-Dns-Frq", event="dnsteal")])
    stream = build(Recipe("r", "c", "test", (((), (("x-dnsteal_active", 1), ("x-dnsteal_active", 2))),)), have)
    assert stream.steps[1:] == [Step("dnsteal", "dnsteal_active")] * 2
    assert [a.step for a in stream.alerts] == [1, 2]


def test_addresses_do_not_tell_mixed_scenarios_apart() -> None:
    """A host that two scenarios have under different addresses has one address in a stream made of both."""
    one, two = row(5), row(6)._replace(ip="198.51.100.1")
    have = {**parts("x", [one]), **parts("y", [two])}
    stream = build(Recipe("r", "c", "test", ((("x-0", "y-0"), ()),)), have)
    assert {a.ip for a in stream.alerts} == {one.ip}


def test_noise_inside_an_attack_interval_is_marked() -> None:
    """An alert without an event label inside an interval is unclear; an alert of a step is not."""
    lines = [row(NOON, interval="dirb"), row(NOON + 1), row(NOON + 2, event="dirb", interval="dirb")]
    stream = build(Recipe("r", "c", "test", ((("x-0",), (("x-dirb", NOON + 2),)),)), parts("x", lines))
    assert [(a.step, a.unclear) for a in stream.alerts] == [(0, True), (0, False), (1, False)]


def test_a_recipe_file_gives_streams_with_their_split(tmp_path: Path) -> None:
    """AlertBERT's train and val are both what constants may be set on."""
    day = {"noise": ["x-0"], "attacks": [["x-dirb", "01:02:03"]]}
    streams = [{"alertbert_split": split, "index": 0, "scenarios": ["x"], "days": [day]} for split in ("val", "test")]
    file = tmp_path / "original.json"
    file.write_text(json.dumps({"name": "original", "streams": streams}))
    assert [(r.name, r.split) for r in recipes(file)] == [("original/val0", "train"), ("original/test0", "test")]
    assert recipes(file)[0].days == ((("x-0",), (("x-dirb", 3723),)),)


@pytest.mark.parametrize("text", ["time,host\n1,web\n", ",".join(Row._fields) + "\nnoon,a,b,c,d,e,f\n"])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    """Other columns, or a time that is no whole number, are an error that names the file."""
    file = tmp_path / "x_alerts.csv.gz"
    file.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(ValueError, match="x_alerts"):
        list(rows(file))
