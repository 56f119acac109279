"""One spelling for images, repositories, packages and vulnerabilities."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.canonical import image, purl, repository, vulnerability
from streams.sources.packages import package_url

DIGEST = "sha256:" + "4a" * 32


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("nginx", "nginx"),
        ("docker.io/library/nginx:1.27", "nginx:1.27"),
        ("index.docker.io/acme/pay:2", "acme/pay:2"),
        ("GHCR.io/acme/pay:1.2", "ghcr.io/acme/pay:1.2"),
        (f"ghcr.io/acme/pay:1.2@{DIGEST}", f"ghcr.io/acme/pay@{DIGEST}"),
        ("localhost:5000/pay", "localhost:5000/pay"),
        ("localhost:5000/pay:Dev", "localhost:5000/pay:Dev"),
        (f"docker-pullable://acme/pay@{DIGEST}", f"acme/pay@{DIGEST}"),
        (DIGEST, DIGEST),
        ("", None),
        ("two words", None),
        ("/tmp/image.tar", None),
    ],
)
def test_an_image_reference_has_one_spelling(reference: str, expected: str | None) -> None:
    """Docker Hub's long forms, tags beside digests and registry ports come out alike."""
    found = image(reference)
    assert (found.id if found else None) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("https://user:token@github.com/acme/pay.git", "github:acme/pay"),
        ("git@github.com:acme/pay.git", "github:acme/pay"),
        ("ssh://git@gitlab.example.com:2222/group/sub/pay.git", "repository:group/sub/pay"),
        ("https://gitlab.com/group/sub/pay/-/blob/main/x.py", "repository:group/sub/pay"),
        ("url:https://github.com/acme/mono/tree/main/pay/", "github:acme/mono"),
        ("github.com/acme/pay", "github:acme/pay"),
        ("acme/pay", "github:acme/pay"),
        ("Acme/Pay", "github:acme/pay"),
        ("https://GitHub.com/Acme/Pay.git", "github:acme/pay"),
        ("https://gitlab.com/Group/Sub/Pay", "repository:group/sub/pay"),
        ("https://git.example.com/Group/Pay", "repository:Group/Pay"),
        ("pay", None),
        ("https://[", None),
        ("https://github.com/acme", None),
    ],
)
def test_a_repository_has_one_spelling_and_no_credentials(reference: str, expected: str | None) -> None:
    """Clone URLs of all kinds and browser URLs name the same repository."""
    found = repository(reference)
    assert (found.domain if found else None) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("pkg:apk/alpine/libssl3@3.1.4-r0?arch=x86_64&distro=3.19.1", "pkg:apk/alpine/libssl3@3.1.4-r0"),
        ("pkg:npm/@scope/core@7.0", "pkg:npm/%40scope/core@7.0"),
        ("pkg:npm/%40scope/core", "pkg:npm/%40scope/core"),
        ("PKG:npm/x", None),
        ("pkg:PyPI/Foo_Bar@1.0", "pkg:pypi/foo-bar@1.0"),
        ("pkg:deb/debian/x@1:2.0+dfsg", "pkg:deb/debian/x@1:2.0%2Bdfsg"),
        ("pkg:golang/github.com/Acme/x@v1#cmd", "pkg:golang/github.com/acme/x@v1"),
        ("libssl3", None),
        ("pkg:npm/", None),
    ],
)
def test_a_package_url_loses_qualifiers_and_varying_spelling(reference: str, expected: str | None) -> None:
    """Scanners disagree on qualifiers, case and percent-encoding; the package is the same."""
    assert purl(reference) == expected


@given(st.text(max_size=60))
def test_canonical_spellings_stay_as_they_are(reference: str) -> None:
    """Spelling a canonical id again changes nothing, and no text raises."""
    if (found := image(reference)) is not None and (again := image(found.id)) is not None:
        assert again.id == found.id
    if (url := purl(f"pkg:npm/{reference}")) is not None:
        assert purl(url) == url
    repository(reference)
    assert vulnerability(vulnerability(reference)) == vulnerability(reference)


@pytest.mark.parametrize(
    ("kind", "name", "version", "expected"),
    [
        ("debian", "bash", "5.0-4", "pkg:deb/debian/bash@5.0-4"),
        ("rpm", "bash", "5.0", "pkg:rpm/bash@5.0"),
        ("jar", "org.example:core", "2.1", "pkg:maven/org.example/core@2.1"),
        ("gomod", "github.com/acme/x", None, "pkg:golang/github.com/acme/x"),
        ("no such", "x", "1", "pkg:generic/x@1"),
        (None, "/", "1", None),
    ],
)
def test_a_package_url_is_built_of_kind_name_and_version(
    kind: str | None, name: str, version: str | None, expected: str | None
) -> None:
    """Scanners' words for package managers and distributions become package URL types and namespaces."""
    assert package_url(kind, name, version) == expected
