"""The search as a whole: what speaks for a change and against it, and that it finds what a scan would find."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.correlation.change_content import Mark, Subject
from streams.correlation.change_index import NEAR
from streams.correlation.change_score import DEED, LATER, LOOK_BACK, factors, score, view
from streams.correlation.changes import SUSPECT, Own
from streams.correlation.rows import ChangeRow
from tests.streams.correlation.build import DAY, HOUR, MINUTE, SECOND, T0
from tests.streams.correlation.change_build import COMMIT, DIGESTS, HOST, IMAGES, WORKLOAD, changes, row, subject

CI: Mark = ("principal", "arn:aws:iam::1:role/ci")


def named(found: object) -> set[str]:
    return {factor.name for factor in found}  # type: ignore[attr-defined] # factors


def shown(of: Subject, *rows: ChangeRow, most: int = 5) -> list[tuple[str, bool]]:
    """Source id of what is shown, and whether it is a suspect."""
    best = changes(*rows).search(of, Own(), most).best
    return [(found.change.source_id, found.score > SUSPECT) for found in best]


def releases(every: int, count: int, *entities: Mark, **more: Any) -> list[ChangeRow]:
    """Releases up to a minute before T0, the last one first."""
    return [row(f"r{n}", T0 - MINUTE - n * every, *entities, component="pay", **more) for n in range(count)]


def test_a_component_that_changes_all_the_time_makes_no_suspects() -> None:
    """Released once a day, the last release is one; released every four minutes, none is by that alone."""
    of = subject(WORKLOAD, components=frozenset({"pay"}))
    rare = changes(*releases(DAY, 3, WORKLOAD)).search(of, Own(), 5)
    assert rare.suspects == (("cdevents", "r0"),)
    chatty = changes(*releases(4 * MINUTE, 300, WORKLOAD)).search(of, Own(), 5)
    assert chatty.suspects == ()
    assert "which changes all the time" in next(f.text for f in chatty.best[0].factors if f.name == "component")


def test_among_many_releases_the_one_whose_image_is_named_is_the_suspect() -> None:
    """The detector names the digest that one of three hundred releases brought, and none is behind it but that."""
    many = releases(4 * MINUTE, 300, WORKLOAD, IMAGES[1])
    many[7] = many[7]._replace(entities=(WORKLOAD, IMAGES[0]))
    of = subject(WORKLOAD, IMAGES[0], components=frozenset({"pay"}))
    found = changes(*many).search(of, Own(), 5)
    assert found.suspects == (("cdevents", "r7"),)
    assert found.best[0].change.source_id == "r7"
    assert {"content", "component"} <= named(found.best[0].factors)
    assert "other_image" in named(found.best[1].factors)


def test_the_role_of_a_build_system_says_little() -> None:
    """One change by a role that is in the unit is a suspect; one of hundreds by it is not."""
    of = subject(CI)
    assert shown(of, row("one", T0 - MINUTE, CI, actor=CI[1])) == [("one", True)]
    script = [row(f"c{n}", T0 - MINUTE - n * 4 * MINUTE, CI, actor=CI[1]) for n in range(300)]
    assert changes(*script).search(of, Own(), 5).suspects == ()


def test_dependencies_raise_the_score_by_their_distance() -> None:
    """One step more than two, two more than none; by itself a dependency makes no suspect, with an entity it does."""
    of = subject(HOST, dependencies={"near": 1, "far": 2})
    near, far, none = (score(of, row("c", T0 - MINUTE, component=name)) for name in ("near", "far", "other"))
    assert SUSPECT > near > far > none
    assert score(of, row("c", T0 - MINUTE, HOST, component="near")) > score(of, row("c", T0 - MINUTE, HOST)) > SUSPECT


def test_a_weakness_does_not_travel_along_dependencies() -> None:
    """A vulnerability lies in what has it, so a deploy of what the component depends on did not bring it."""
    of = subject(HOST, dependencies={"near": 1}, kinds=frozenset({"vulnerability"}))
    assert "dependency" not in named(factors(of, row("c", T0 - MINUTE, component="near")))


@pytest.mark.parametrize(
    ("entity", "more"),
    [
        (IMAGES[0], {"revision": DIGESTS[0]}),
        (("commit", COMMIT), {"title": f"deploy of shop/pay@{COMMIT[:12]} to production"}),
        (("package", "pkg:npm/%40solana/web3.js@1.95.6"), {"title": "Bump @solana/web3.js from 1.95.5 to 1.95.6"}),
        (("package", "pkg:pypi/urllib3@2.0.7"), {"title": "Update dependency urllib3 to v2"}),
        (("vulnerability", "CVE-2024-3094"), {"title": "Accept CVE-2024-3094 until Friday"}),
        (("file", "src/pay.py"), {"entities": (("file", "src/pay.py"),)}),
    ],
    ids=["digest", "commit", "package", "package name", "weakness", "file"],
)
def test_content_makes_a_suspect(entity: Mark, more: dict[str, Any]) -> None:
    """A digest, commit, package, weakness or file that both name, with nothing else in common."""
    change = row("c", T0 - MINUTE, **more)
    found = {factor.name: factor for factor in factors(subject(entity), change)}
    assert found["content"].value > 0
    assert score(subject(entity), change) > SUSPECT
    assert shown(subject(entity), change, row("other", T0 - SECOND)) == [("c", True), ("other", False)]


def test_what_took_the_weak_version_away_did_not_bring_it() -> None:
    """An update away from the package version that the signals name speaks against itself."""
    of = subject(("package", "pkg:npm/lodash@4.17.20"), kinds=frozenset({"vulnerability"}))
    change = row("c", T0 - MINUTE, kind="dependency", title="Bump lodash from 4.17.20 to 4.17.21")
    assert "removes" in named(factors(of, change))
    assert score(of, change) < SUSPECT
    assert score(of, change._replace(title="Bump lodash from 4.17.19 to 4.17.20")) > SUSPECT


def test_a_scan_from_outside_is_not_brought_about_by_a_deploy() -> None:
    """A deploy of the very component a minute before does not count; a port that was opened does."""
    of = subject(HOST, components=frozenset({"pay"}), kinds=frozenset({"inbound"}))
    deploy = row("deploy", T0 - MINUTE, component="pay")
    opened = row("open", T0 - 5 * MINUTE, HOST, component="pay", kind="infrastructure")
    assert shown(of, deploy, opened) == [("open", True), ("deploy", False)]
    mixed = of._replace(kinds=frozenset({"inbound", "detection"}))
    assert "outside" in named(factors(mixed, deploy))


def test_what_an_intruder_changes_is_not_what_let_him_in() -> None:
    """Calls with the unit's principal from an address where no change came from before are a part of it."""
    user, address = ("principal", "arn:aws:iam::1:user/export"), ("ip", "198.51.100.9")
    of = subject(user, address)
    cause = row("loosened", T0 - 40 * MINUTE, user, kind="access", actor="arn:aws:iam::1:role/admin")
    deed = row("created", T0 - MINUTE, user, address, kind="access", actor=user[1])
    assert shown(of, cause, deed) == [("loosened", True), ("created", False)]
    known = row("earlier", T0 - 2 * DAY, address, kind="access")
    assert "deed" not in named(factors(of, deed, changes(known, deed)))
    tool = deed._replace(entities=(*deed.entities, ("user_agent", "terraform")))
    assert "deed" not in named(factors(of, tool, changes(tool)))
    assert DEED < -4


def test_a_cause_comes_before_its_effect() -> None:
    """What nothing grave and new followed is none; between two grave signals it can be behind the later one."""
    of = subject(HOST, last=T0 + 2 * HOUR, starts=(T0, T0 + HOUR))
    between = row("between", T0 + 50 * MINUTE, HOST)
    after = row("after", T0 + 70 * MINUTE, HOST)
    assert named(factors(of, between)) >= {"later", "time"}
    assert score(of, between) > SUSPECT > score(of, after)
    assert named(factors(of, after)) >= {"after", "entity"}
    before = score(of, row("before", T0 - 10 * MINUTE, HOST))
    assert before > score(of, between)
    assert LATER < 0


def test_all_suspects_are_named_and_those_behind_what_is_going_on_come_first() -> None:
    """A release that brought a weakness found beside a detection comes after what is behind the detection."""
    scan = subject(IMAGES[0], kinds=frozenset({"vulnerability"}))
    of = subject(HOST, beside=scan)
    release = row("release", T0 - SECOND, IMAGES[0])
    opened = row("opened", T0 - 30 * MINUTE, HOST)
    found = changes(release, opened).search(of, Own(), 5)
    assert [each.change.source_id for each in found.best] == ["opened", "release"]
    assert found.best[0].score < found.best[1].score
    assert found.suspects == (("cdevents", "opened"), ("cdevents", "release"))


def test_steps_of_one_release_are_one_line() -> None:
    """By their revision, however far apart; like calls without one only where they are a script's."""
    steps = [row(f"s{n}", T0 - n * HOUR, HOST, revision=COMMIT, title=f"deploy: step {n}") for n in range(3)]
    calls = [row(f"c{n}", T0 - n * 40 * SECOND, HOST, title="role called ssm:PutParameter") for n in (1, 2, 9)]
    assert [name for name, _ in shown(subject(HOST), *steps, *calls)] == ["s0", "c1", "c9"]


def test_of_a_common_mark_the_nearest_changes_are_scored() -> None:
    """Thousands share the host; the search looks at few of them, and at the one right before the unit."""
    crowd = [row(f"c{n}", T0 - n * MINUTE, HOST) for n in range(1, 2_000)]
    kept = changes(*crowd, cap=5_000)
    of = view(subject(HOST))
    scored = kept._scored(of, set(), 5)
    assert len(scored) < 3 * NEAR
    assert {kept._row(key).source_id for *_, key in scored} >= {"c1", "c2", "c3"}
    assert kept.search(subject(HOST), Own(), 5).scored == 24 * 60


_ENTITIES = (HOST, WORKLOAD, IMAGES[0], IMAGES[1], ("commit", COMMIT), ("ip", "198.51.100.9"), CI, ("account", "1"))
_some = st.lists(st.sampled_from(_ENTITIES), max_size=3, unique=True).map(tuple)
_changes = st.lists(
    st.builds(
        lambda n, at, entities, kind, component, actor, source: row(
            str(n), T0 - at * 7 * MINUTE, *entities, kind=kind, component=component, actor=actor, source=source
        ),
        st.integers(0, 30),
        st.integers(-20, 2_000),
        _some,
        st.sampled_from(["deploy", "access", "code", "dependency", "infrastructure"]),
        st.sampled_from([None, "pay", "web", "other"]),
        st.sampled_from([None, CI[1]]),
        st.sampled_from(["a", "b"]),
    ),
    max_size=20,
    unique_by=lambda change: (change.source, change.source_id),
)
_subjects = st.builds(
    lambda entities, kinds, last: subject(
        *entities, components=frozenset({"pay"}), kinds=frozenset(kinds), dependencies={"web": 1}, last=T0 + last * HOUR
    ),
    _some,
    st.sets(st.sampled_from(["detection", "anomaly", "vulnerability", "inbound"]), min_size=1),
    st.integers(0, 3),
)


@given(_changes, _subjects)
def test_the_index_finds_what_a_scan_finds(given_changes: list[ChangeRow], of: Subject) -> None:
    """Suspects, counts and order are those of looking at every change."""
    kept = changes(*given_changes)
    found = kept.search(of, Own(), 50)
    everything = [kept._row(key) for key in kept.keys]
    scanned = {
        (c.source, c.source_id)
        for c in everything
        if c.time <= of.last and _looked_back(of, c) and score(of, c, kept) > SUSPECT
    }
    assert set(found.suspects) == scanned
    assert found.scored == sum(_looked_back(of, c) and c.time <= of.last for c in everything)
    assert [each.score for each in found.best] == [score(of, each.change, kept) for each in found.best]
    ranked = [each.score for each in found.best]
    assert ranked == sorted(ranked, reverse=True)


def _looked_back(of: Subject, change: ChangeRow) -> bool:
    return change.time >= of.first - LOOK_BACK[change.kind]


@given(_changes, _subjects, st.randoms(use_true_random=False))
def test_the_order_of_changes_does_not_matter(given_changes: list[ChangeRow], of: Subject, chance: Any) -> None:
    """Suspects and what is shown are a function of the set; so is a search after the state was read back."""
    shuffled = list(given_changes)
    chance.shuffle(shuffled)
    one, other = changes(*given_changes), changes(*shuffled)
    first = one.search(of, Own(), 5)
    second = other.search(of, Own(), 5)
    assert first._replace(sources=()) == second._replace(sources=())
    one.index()
    assert one.search(of, Own(), 5) == first


@given(_changes, st.integers(1, 8))
def test_the_index_is_what_the_rows_say(given_changes: list[ChangeRow], cap: int) -> None:
    """After evictions and replacements it is the one that is built anew."""
    kept = changes(*given_changes, *given_changes[:3], cap=cap)
    by, ids, keys, read = kept.by.by, kept.ids, kept.keys, kept.read
    kept.index()
    assert (kept.by.by, kept.ids, kept.keys, kept.read) == (by, ids, keys, read)
    assert len(kept.keys) <= cap
