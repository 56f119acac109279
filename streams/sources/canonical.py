"""One spelling for each image, package and repository, so that two tools that mean the same thing link."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

_DIGEST = re.compile(r"[a-z0-9+._-]+:[0-9a-fA-F]{32,}")
_SCP = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!\d+/)([^\s]+)")
_DOCKER_HUB = ("docker.io/", "index.docker.io/", "registry-1.docker.io/")
_PURL = re.compile(r"pkg:/{0,2}([A-Za-z0-9.+-]+)/([^?#]+)")
_CASELESS_PURLS = frozenset({"pypi", "github", "bitbucket", "deb", "apk", "composer", "alpm", "hex", "golang"})


class Image(NamedTuple):
    """A container image reference in parts. ``repository`` has the registry host, Docker Hub's left out."""

    repository: str
    tag: str | None
    digest: str | None

    @property
    def id(self) -> str:
        """The entity id: ``repository@digest`` where the digest is known, else ``repository:tag``, else bare."""
        if self.digest:
            return f"{self.repository}@{self.digest}"
        return f"{self.repository}:{self.tag}" if self.tag else self.repository


def image(reference: str) -> Image | None:
    """Reads ``[host[:port]/]path[:tag][@digest]``, the reference grammar of the OCI distribution project.

    ``docker.io/library/nginx`` and ``nginx`` are one repository, spelt ``nginx``. A bare digest (an image id) is its
    own repository. None where the text is no reference.

    >>> image("docker.io/library/nginx:1.27").id
    'nginx:1.27'
    >>> image("ghcr.io/acme/pay:1.2@sha256:" + "0" * 64).repository
    'ghcr.io/acme/pay'
    """
    reference = reference.strip().removeprefix("docker-pullable://").removeprefix("docker://").removeprefix("oci://")
    if not reference or any(c.isspace() for c in reference):
        return None
    if _DIGEST.fullmatch(reference):
        return Image(reference.lower(), None, None)
    path, _, found = reference.partition("@")
    digest = found.lower() if _DIGEST.fullmatch(found) else None
    head, slash, last = path.rpartition("/")
    name, _, tag = last.partition(":")
    repository = (head + slash + name).lower()
    for host in _DOCKER_HUB:
        if repository.startswith(host):
            repository = repository.removeprefix(host)
            break
    repository = repository.removeprefix("library/")
    if not name or not repository or repository.startswith("/"):
        return None
    return Image(repository, tag or None, digest)


_CASELESS = frozenset({None, "github.com", "gitlab.com", "bitbucket.org"})


class Repository(NamedTuple):
    """A source repository: ``host`` (None where the text had none) and host-less ``path`` such as ``acme/pay``."""

    host: str | None
    path: str

    @property
    def domain(self) -> str:
        """The fallback correlation domain: ``github:acme/pay``, for other hosts ``repository:acme/pay``."""
        kind = "github" if self.host is None or self.host == "github.com" else "repository"
        return f"{kind}:{self.path}"


def repository(reference: str) -> Repository | None:
    """Reads an https, ssh or scp-like clone URL, a browser URL of GitHub or GitLab, or a plain ``owner/name``.

    User names, tokens, ports, ``.git`` and what follows ``/tree/``, ``/blob/`` or ``/-/`` are left out. Where the host
    tells no case apart (GitHub, GitLab, Bitbucket, and where none is named), the path is in lower case.

    >>> repository("git@github.com:acme/pay.git").path
    'acme/pay'
    """
    reference = reference.strip().removeprefix("git+").removeprefix("url:").removeprefix("scm:")
    host: str | None = None
    if "://" in reference:
        try:
            parts = urlsplit(reference)
            host, path = parts.hostname, parts.path
        except ValueError:
            return None
        if not host:
            return None
    elif scp := _SCP.fullmatch(reference):
        host, path = scp[1].lower(), scp[2]
    else:
        path = reference
        head, _, rest = reference.partition("/")
        if "." in head and "/" in rest:  # github.com/acme/pay
            host, path = head.lower(), rest
    for stop in ("/-/", "/tree/", "/blob/", "/commit/", "/src/"):
        path = path.partition(stop)[0]
    path = path.strip("/").removesuffix(".git")
    segments = path.split("/")
    if len(segments) < 2 or not all(segments) or any(c.isspace() for c in path):
        return None
    if host in _CASELESS:
        path = path.lower()
    return Repository(host, "/".join(path.split("/")[:2]) if host == "github.com" else path)


def purl(reference: str) -> str | None:
    """A package URL as an entity id: type, namespace, name and version; qualifiers and subpath are left out.

    Scanners disagree on qualifiers (``arch``, ``distro``) for one package, so they would part what belongs together.
    Type and, for the types that say so, namespace and name are lower case, percent-encoding is made uniform (package
    URL specification). None where the text is no package URL.

    >>> purl("pkg:apk/alpine/libssl3@3.1.4-r0?arch=x86_64&distro=3.19.1")
    'pkg:apk/alpine/libssl3@3.1.4-r0'
    """
    match = _PURL.fullmatch(reference.strip().partition("#")[0].partition("?")[0])
    if match is None:
        return None
    kind, rest = match[1].lower(), match[2].strip("/")
    slash = rest.rfind("/")
    at = rest.rfind("@")
    if at <= slash + 1:  # an unencoded @ of an npm scope, or no version
        at = len(rest)
    version = rest[at + 1 :]
    path = rest[:at]
    segments = [unquote(segment) for segment in path.split("/") if segment]
    return build_purl(kind, segments, unquote(version)) if segments else None


def build_purl(kind: str, path: list[str], version: str | None) -> str:
    """A canonical package URL of decoded parts; ``path`` is the namespace segments and, last, the name."""
    if kind in _CASELESS_PURLS:
        path = [segment.lower() for segment in path]
    if kind == "pypi":
        path = [*path[:-1], path[-1].replace("_", "-")]
    encoded = "/".join(quote(segment, safe=".-_~:", errors="replace") for segment in path)
    return f"pkg:{kind}/{encoded}" + (f"@{quote(version, safe='.-_~:', errors='replace')}" if version else "")


def vulnerability(reference: str) -> str:
    """A vulnerability id: CVE ids upper case, GHSA ids in GitHub's spelling, anything else as it is.

    >>> vulnerability("cve-2021-44228"), vulnerability("ghsa-JFH8-C2JP-5V3Q")
    ('CVE-2021-44228', 'GHSA-jfh8-c2jp-5v3q')
    """
    folded = reference.strip().upper()
    if folded.startswith("CVE-"):
        return folded
    return "GHSA-" + folded[5:].lower() if folded.startswith("GHSA-") else reference
