"""What a change touched and what signals name, as marks that compare."""

from __future__ import annotations

import pytest

from streams.correlation.change_content import about, hops, kind_of, looked_up_by, moved, package, ports, traits
from tests.streams.correlation.build import HOUR, MINUTE, T0
from tests.streams.correlation.change_build import COMMIT, DIGESTS, HOST, IMAGES, row, signal


@pytest.mark.parametrize(
    ("title", "revision", "mark"),
    [
        ("x", DIGESTS[0], ("digest", DIGESTS[0])),
        ("x", f"pkg:oci/pay@{DIGESTS[1]}", ("digest", DIGESTS[1])),
        ("x", COMMIT, ("commit", COMMIT)),
        (f"deploy of shop/pay@{COMMIT[:12]} to production", None, ("commit-prefix", COMMIT[:12])),
        ("push to main: Bump lodash from 4.17.20 to 4.17.21", None, ("package-version", "lodash@4.17.21")),
        ("build(deps): bump @types/node from 20.1.0 to v20.2.0", None, ("package-version", "@types/node@20.2.0")),
        ("Update dependency urllib3 to v2.0.7", None, ("package-name", "urllib3")),
        ("fix cve-2024-3094", None, ("vulnerability", "CVE-2024-3094")),
        ("ghsa-JFH8-c2jp-5v3q is fixed", None, ("vulnerability", "GHSA-jfh8-c2jp-5v3q")),
        ("open port 2222 for support", None, ("port", "2222")),
        ("allow SSH from anywhere", None, ("port", "22")),
    ],
)
def test_identifiers_are_read_from_revision_and_title(title: str, revision: str | None, mark: tuple[str, str]) -> None:
    """Digests, commits, packages, weaknesses and ports, in the spelling that the signals' entities have."""
    assert mark in traits(row("c", title=title, revision=revision)).content


def test_a_text_gives_no_other_marks() -> None:
    """Words, short numbers and names in a message are no identifiers: what anybody can write proves nothing."""
    found = traits(
        row("c", title="Deploy pay 1.2.3 for customer 4711, see /etc/passwd and role/admin", revision="1.2.3")
    )
    assert found.content == frozenset()


def test_what_was_taken_away_is_known() -> None:
    """A dependency update names the version before, which it removes."""
    assert traits(row("c", title="Bump lodash from 4.17.20 to 4.17.21")).removed == (
        "package-version",
        "lodash@4.17.20",
    )
    assert moved("Update module golang.org/x/net to v0.17.0") == ("golang.org/x/net", "", "0.17.0")
    assert moved("Bumpy roads ahead") is None


@pytest.mark.parametrize(
    ("purl", "name"),
    [
        ("pkg:npm/%40solana/web3.js@1.95.6", ("@solana/web3.js", "1.95.6")),
        ("pkg:maven/org.apache.logging.log4j/log4j-core@2.17.0", ("org.apache.logging.log4j:log4j-core", "2.17.0")),
        ("pkg:deb/debian/zlib1g@1%3A1.2.13", ("zlib1g", "1:1.2.13")),
        ("pkg:golang/golang.org/x/net", ("golang.org/x/net", "")),
    ],
)
def test_packages_are_named_as_people_write_them(purl: str, name: tuple[str, str]) -> None:
    """So that a pull request's title and a scanner's package URL meet."""
    assert package(purl) == name


def test_attacks_from_outside_are_told_apart() -> None:
    """By the names of the techniques; what runs inside, and what is no detection, is not."""
    inbound = [
        "Many failed SSH logins from one address",
        "SQL injection attempt",
        "Active scanning",
        "Password spraying",
    ]
    assert {kind_of("detection", title) for title in inbound} == {"inbound"}
    assert kind_of("detection", "Shell spawned in a container") == "detection"
    assert kind_of("weakness", "sql-injection: SQL injection in query") == "weakness"


def test_ports_are_numbers_or_services() -> None:
    """A port is what follows the word or stands before its protocol; a service stands for its own."""
    assert list(ports("port 8443 and 53/udp, RDP")) == ["8443", "53", "3389"]
    assert list(ports("support 24 hours, ratio 1/2")) == []


def test_dependencies_have_a_distance() -> None:
    """Two steps at most, the shorter way counts, and nothing depends on itself."""
    needs = {"web": ["api", "cache"], "api": ["db", "cache", "web"], "db": ["disk"]}
    assert hops(["web"], lambda name: needs.get(name, ())) == {"api": 1, "cache": 1, "db": 2}
    assert hops(["web", "api"], lambda name: needs.get(name, ())) == {"cache": 1, "db": 1, "disk": 2}


def test_what_is_going_on_goes_before_weaknesses() -> None:
    """A detection makes the subject; what a scan finds beside it is a matter of its own, unless it is near and new."""
    shell = signal("shell", T0, HOST)
    near = signal("near", T0 + MINUTE, IMAGES[0], kind="vulnerability", severity=5)
    again = signal("near", T0 + 2 * MINUTE, IMAGES[1], kind="vulnerability", severity=5)
    far = signal("far", T0 + 9 * HOUR, IMAGES[2], kind="vulnerability", severity=5)
    of = about(T0, T0 + 9 * HOUR, [shell, near, again, far], {})
    assert of.kinds == {"detection"}
    assert of.starts == (T0,)
    assert of.grave == {IMAGES[0]: 0.6, IMAGES[1]: pytest.approx(0.12), IMAGES[2]: 0.3}
    assert of.beside is not None
    assert of.beside.kinds == {"vulnerability"}
    assert of.beside.starts == (T0 + MINUTE, T0 + 9 * HOUR)
    assert of.beside.grave == {IMAGES[1]: pytest.approx(0.2)}
    assert about(T0, T0, [shell], {}).beside is None


def test_the_less_severe_matter_says_so() -> None:
    """From two levels below the other on: a critical weakness beside a low detection, and the other way round."""
    low, high = (signal(name, severity=severity) for name, severity in (("low", 2), ("high", 4)))
    critical = signal("v", kind="vulnerability", severity=5)
    of = about(T0, T0, [low, critical], {})
    assert of.beside is not None
    assert (of.lesser, of.beside.lesser) == (2, 0)
    of = about(T0, T0, [high, critical._replace(severity=2)], {})
    assert of.beside is not None
    assert (of.lesser, of.beside.lesser) == (0, 1)


def test_repeats_of_a_statement_begin_nothing() -> None:
    """A start is where something grave is said for the first time."""
    said = [signal("a", T0), signal("a", T0 + MINUTE), signal("b", T0 + 2 * MINUTE), signal("c", severity=1)]
    assert about(T0, T0, said, {}).starts == (T0, T0 + 2 * MINUTE)


def test_changes_are_not_looked_up_by_what_names_nothing() -> None:
    """Accounts, environments and clients are of everybody."""
    change = row("c", T0, ("account", "1"), ("environment", "production"), ("user_agent", "terraform"), HOST)
    assert {mark for mark in looked_up_by(change, ()) if mark[0] not in ("call", "from", "kind")} == {HOST}
