"""When two findings are one weakness: ids, packages and places however a format spells them; fingerprints; collapse."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import EVENT, Finding
from streams.correlation.finding_identity import MAX_KEYS, Group, Key, collapse, inside, keys, same

DIGEST = "sha256:" + "4a" * 32
OTHER = "sha256:" + "5b" * 32
MUSL = ("package", "pkg:apk/alpine/musl@1.1.22-r2")
PRINT = "fingerprint=1d0cfd65fc17a97773e848ec31ddd8a5_0"


def finding(*entities: tuple[str, str], rule: str = "CVE-2019-14697", **fields: Any) -> Finding:
    """A vulnerability about these entities."""
    draft = {
        "type": "finding",
        "source": "test",
        "source_id": "1",
        "time": "2026-03-01T10:00:00Z",
        "domain": "d",
        "origin": ("raw", 0, 0, 0),
        "kind": "vulnerability",
        "severity": 3,
        "reporter": "test",
        "rule": rule,
        "entities": entities,
        **fields,
    }
    event = EVENT.validate_python(draft)
    assert isinstance(event, Finding)
    return event


def code(line: int, *, file: str = "src/db.py", rule: str = "sql-injection", **fields: Any) -> Finding:
    """A weakness in a line."""
    return finding(("file", file), rule=rule, kind="weakness", location=f"{file}:{line}", **fields)


def image(name: str = "ghcr.io/acme/pay:1.4") -> tuple[str, str]:
    return ("image", name)


def test_the_reason_reads_as_what_and_where() -> None:
    """Two tools on one digest are the same weakness, and the words say by which id, package and place."""
    a = finding(MUSL, image(f"ghcr.io/acme/pay@{DIGEST}"))
    b = finding(("package", "pkg:apk/musl@1.1.22-r2"), image(DIGEST))
    assert same(a, b) == f"CVE-2019-14697 in musl of image {DIGEST}"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pkg:deb/debian/bash@5.0-4", "pkg:deb/bash@5.1"),
        ("pkg:rpm/amazon/curl@7.61.1-9", "pkg:generic/curl"),
        ("pkg:pypi/Typing_Extensions@1", "pkg:pypi/typing-extensions@2"),
        ("pkg:maven/org.example/core@1", "pkg:maven/org.example/core"),
        ("pkg:npm/%40acme/pay@1", "pkg:npm/@acme/pay@2"),
    ],
)
def test_a_package_is_one_in_every_spelling(one: str, other: str) -> None:
    """Without version and distribution, systems' package types alike, names as their type folds them."""
    assert same(finding(("package", one), image()), finding(("package", other), image()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("package", "pkg:npm/core@1"), ("package", "pkg:maven/org.example/core@1")),
        (("package", "pkg:deb/debian/libssl3@1"), ("package", "pkg:deb/debian/openssl@1")),
        (("package", "pkg:pypi/redis@1"), ("package", "pkg:deb/debian/redis@1")),
    ],
)
def test_another_package_is_another_weakness(one: tuple[str, str], other: tuple[str, str]) -> None:
    """The same CVE in another package, or of another ecosystem, is not the same."""
    assert same(finding(one, image()), finding(other, image())) is None


def test_the_place_decides() -> None:
    """Another image, or another file of a repository, is another weakness; the target's name joins what lacks a tag."""
    assert same(finding(MUSL, image("a/b:1")), finding(MUSL, image("a/b:2"))) is None
    assert same(finding(MUSL, image(f"a/b@{DIGEST}")), finding(MUSL, image(f"a/b@{OTHER}"))) is None
    assert same(finding(MUSL, image(f"a/b@{DIGEST}"), target="image a/b:1"), finding(MUSL, image("a/b:1")))
    lock = (("package", "pkg:npm/lodash@4"), ("repository", "acme/pay"))
    web = finding(*lock, ("file", "web/package-lock.json"))
    assert same(web, finding(*lock, ("file", "api/package-lock.json"))) is None
    assert same(web, finding(*lock, ("file", "./web/package-lock.json"))) == (
        "CVE-2019-14697 in lodash of web/package-lock.json of repository acme/pay"
    )
    assert same(web, finding(lock[0], ("repository", "acme/web"), ("file", "web/package-lock.json"))) is None


def test_one_file_in_two_components_is_two_places() -> None:
    """Where only the catalog tells two findings apart, its component is the place; with the repository both count."""
    lock = (("package", "pkg:npm/lodash@4"), ("file", "package-lock.json"))
    assert same(finding(*lock, component="pay"), finding(*lock, component="web")) is None
    assert same(finding(*lock, component="pay"), finding(*lock, ("repository", "acme/pay"), component="pay"))


def test_a_host_is_a_place_and_its_neighbours_are_not() -> None:
    """Of what lies around, only the first resource and the first host say where it is."""
    one = finding(MUSL, ("resource", "arn:aws:ec2:eu:1:instance/i-1"), ("resource", "arn:aws:ec2:eu:1:vpc/v"))
    two = finding(MUSL, ("resource", "arn:aws:ec2:eu:1:instance/i-2"), ("resource", "arn:aws:ec2:eu:1:vpc/v"))
    assert same(one, two) is None
    assert same(one, finding(MUSL, ("resource", "arn:aws:ec2:eu:1:instance/i-1")))


def test_aliases_join_and_do_so_through_others() -> None:
    """CVE and GHSA, GHSA alone, CVE alone: one weakness, with the reasons that hold it together."""
    ids = {"a": ("CVE-2021-1", ("GHSA-x",)), "b": ("GHSA-x", ()), "c": ("CVE-2021-1", ())}
    found = {name: finding(MUSL, image(), rule=rule, aliases=aliases) for name, (rule, aliases) in ids.items()}
    assert same(found["b"], found["c"]) is None
    (group,) = collapse((name, keys(event)) for name, event in found.items())
    assert group == Group(
        ("a", "b", "c"),
        (
            "CVE-2021-1 in musl of image ghcr.io/acme/pay:1.4",
            "GHSA-x in musl of image ghcr.io/acme/pay:1.4",
        ),
    )


def test_an_advisory_does_not_glue_what_it_fixes() -> None:
    """DSA, RHSA and ALAS stand for many CVEs: as an alias they join nothing, as own id they lend a CVE if it is one."""
    one = finding(MUSL, image(), rule="CVE-2026-1", aliases=("RHSA-2026:1234", "DLA-99-1"))
    two = finding(MUSL, image(), rule="CVE-2026-2", aliases=("RHSA-2026:1234", "DLA-99-1"))
    assert same(one, two) is None
    single = finding(MUSL, image(), rule="ALAS2-2026-7", aliases=("CVE-2026-1",))
    both = finding(MUSL, image(), rule="ALAS2-2026-7", aliases=("CVE-2026-1", "CVE-2026-2"))
    assert same(single, one)
    assert same(both, one) is None
    assert same(both, single)


def test_of_a_cve_no_other_cve_counts() -> None:
    """A related CVE is another weakness."""
    assert same(finding(MUSL, image(), aliases=("CVE-2026-2",)), finding(MUSL, image(), rule="CVE-2026-2")) is None


def test_a_fingerprint_survives_a_move_and_parts_what_is_new() -> None:
    """Same fingerprint in another line: the same. Another fingerprint in the same line: new."""
    first = code(31, fingerprints=(PRINT,))
    assert same(first, code(24, fingerprints=(PRINT,)))
    assert same(code(24, fingerprints=(PRINT,)), code(24, fingerprints=("fingerprint=DIFFERENT" + PRINT,))) is None
    assert same(first, code(31, file="src/other.py", fingerprints=(PRINT,))) is None


def test_a_counter_is_no_fingerprint() -> None:
    """Short values (a column, an index) join nothing; then the line counts."""
    assert same(code(3, fingerprints=("column=4",)), code(4, fingerprints=("column=4",))) is None
    assert same(code(3, fingerprints=("column=4",)), code(3))


def test_without_fingerprint_rule_and_line_count() -> None:
    """Rule and file:line are the place of a weakness in code, without a line there is no identity but of a check."""
    assert same(code(3), code(3)) == "sql-injection at line 3 in src/db.py"
    assert same(code(3), code(4)) is None
    assert same(code(3), code(3, rule="other")) is None
    assert keys(finding(("file", "a"), rule="r", kind="weakness", location="a")) == ()
    check = finding(("resource", "arn:aws:s3:::b"), rule="S3.8", kind="misconfiguration", location="arn:aws:s3:::b")
    assert [key.words for key in keys(check)] == ["S3.8 of resource arn:aws:s3:::b"]


def test_a_check_has_its_other_ids() -> None:
    """A check that one format names DS002 and another AVD-DS-0002 is one; a CWE is a class and joins nothing."""
    fields: dict[str, Any] = {"kind": "misconfiguration", "location": "Dockerfile"}
    one = finding(("file", "Dockerfile"), rule="DS002", aliases=("AVD-DS-0002",), **fields)
    assert same(one, finding(("file", "Dockerfile"), rule="AVD-DS-0002", **fields))
    assert same(code(3, aliases=("CWE-89",)), code(3, rule="x", aliases=("CWE-89",))) is None


def test_two_alerts_of_one_rule_are_two() -> None:
    """A detection is its fingerprint, wherever it is reported; without one it has no identity."""
    one = finding(("host", "h"), rule="brute-force", kind="detection", fingerprints=("finding=arn:aws:guardduty:1/2",))
    assert same(one, finding(rule="x", kind="detection", fingerprints=("finding=arn:aws:guardduty:1/2",)))
    assert keys(finding(("host", "h"), rule="brute-force", kind="detection")) == ()


def test_inside_is_the_same_for_every_build() -> None:
    """In its target a finding has the same text whatever the digest or version, and one text for each id."""
    one = finding(MUSL, image(f"a/b@{DIGEST}"), target="image a/b:1")
    two = finding(("package", "pkg:apk/alpine/musl@2"), image(f"a/b@{OTHER}"), target="image a/b:1")
    assert inside(one) == inside(two)
    assert len(inside(finding(MUSL, rule="GHSA-x", aliases=("CVE-1-1",), target="image a/b:1"))) == 2
    assert inside(code(3, fingerprints=(PRINT,))) == inside(code(9, fingerprints=(PRINT,)))


def test_keys_are_bounded() -> None:
    """However much a finding carries, its keys are few."""
    entities = [("package", f"pkg:npm/p{n}@1") for n in range(100)] + [image(f"i:{n}") for n in range(100)]
    many = finding(*entities, aliases=tuple(f"GHSA-{n}" for n in range(100)))
    assert len(keys(many)) == MAX_KEYS


KEYS = [Key(f"{n:02}", f"words {n}") for n in range(8)]
ROWS = st.lists(st.lists(st.sampled_from(KEYS), max_size=3), max_size=9)


@given(ROWS, st.randoms(use_true_random=False))
def test_collapse_does_not_depend_on_order(rows: list[list[Key]], rng: random.Random) -> None:
    """Any order of rows gives the same groups; each row is in one, and every reason holds two of its members."""
    named = [(f"row-{n}", row) for n, row in enumerate(rows)]
    groups = collapse(named)
    shuffled = [(name, rng.sample(row, len(row))) for name, row in named]
    rng.shuffle(shuffled)
    assert collapse(shuffled) == groups
    assert sorted(member for group in groups for member in group.members) == sorted(name for name, _ in named)
    held = {name: {key.words for key in row} for name, row in named}
    for group in groups:
        assert len(group.reasons) < len(group.members)
        assert all(sum(reason in held[member] for member in group.members) > 1 for reason in group.reasons)
    of = {member: group.members for group in groups for member in group.members}
    for name, row in named:
        for other, row_of_other in named:
            if set(row) & set(row_of_other):
                assert of[name] == of[other]
