"""What a package is, from the little that templates carry: the target, a file's name, the package's own name."""

from __future__ import annotations

import pytest

from streams.sources.packages import is_aggregate, kind_of_file, kind_of_name, of_target, package_url


@pytest.mark.parametrize(
    ("target", "artifact", "kind"),
    [
        ("alpine:3.10 (alpine 3.10.2)", "alpine:3.10", "alpine"),
        ("images/amazon-2.tar.gz (amazon 2 (Karoo))", "images/amazon-2.tar.gz", "amazon"),
        ("web/package-lock.json", "web/package-lock.json", "npm"),
        ("Java", "Java", "java"),
        ("ghcr.io/acme/pay:1.4", "ghcr.io/acme/pay:1.4", None),
        ("a (b)", "a (b)", None),
    ],
)
def test_a_target_is_an_artifact_and_a_kind_of_packages(target: str, artifact: str, kind: str | None) -> None:
    """The distribution in brackets, a lock file's name, or a word for a language."""
    assert of_target(target) == (artifact, kind)
    assert is_aggregate(target) == (target == "Java")


def test_files_and_names_tell_the_kind() -> None:
    """An archive, a manifest, metadata of an installed package; a group, a scope, a host."""
    assert [kind_of_file(f) for f in ("a/b.JAR", "x/go.mod", "y.dist-info/METADATA", "z.txt")] == [
        "maven",
        "golang",
        "pypi",
        None,
    ]
    assert [kind_of_name(n) for n in ("a.b:c", "@a/b", "github.com/a/b", "a/b", "bash")] == [
        "maven",
        "npm",
        "golang",
        None,
        None,
    ]


@pytest.mark.parametrize("kind", ["suse", "opensuse.leap", "zypper", "yum"])
def test_every_word_for_rpm_is_rpm(kind: str) -> None:
    """Distributions and managers alike."""
    assert (package_url(kind, "bash", "5") or "").startswith("pkg:rpm/")
