"""Package URLs from what scanners write beside a package's name: their word for its kind and its distribution."""

from __future__ import annotations

from streams.sources.canonical import build_purl

_TYPES = {
    **dict.fromkeys(("npm", "yarn", "pnpm", "bun", "node-pkg", "javascript", "js"), "npm"),
    **dict.fromkeys(("pip", "pipenv", "poetry", "uv", "python-pkg", "python", "pypi", "pythonpkg"), "pypi"),
    **dict.fromkeys(("bundler", "gemspec", "gem", "ruby"), "gem"),
    **dict.fromkeys(("cargo", "rustbinary", "rust", "rust-crate"), "cargo"),
    **dict.fromkeys(("composer", "composer-vendor", "php-composer", "php"), "composer"),
    **dict.fromkeys(("jar", "pom", "gradle", "sbt", "maven", "java", "java-archive"), "maven"),
    **dict.fromkeys(("gomod", "gobinary", "go", "golang", "go-module"), "golang"),
    **dict.fromkeys(("nuget", "dotnet-core", "packages-props", "dotnet"), "nuget"),
    **dict.fromkeys(("alpine", "wolfi", "chainguard", "apk"), "apk"),
    **dict.fromkeys(("debian", "ubuntu", "deb", "dpkg"), "deb"),
    **dict.fromkeys(("redhat", "centos", "rocky", "alma", "oracle", "amazon", "fedora"), "rpm"),
    **dict.fromkeys(("photon", "cbl-mariner", "azurelinux", "rpm", "yum", "dnf"), "rpm"),
}
"""The words of Trivy (``Results[].Type``), Grype (``artifact.type``) and OCSF (``package_manager``)."""

_NAMESPACES = {
    **{family: family for family in ("alpine", "wolfi", "chainguard", "debian", "ubuntu", "redhat", "centos", "rocky")},
    **{family: family for family in ("alma", "oracle", "amazon", "fedora", "photon", "cbl-mariner", "azurelinux")},
}


def package_url(kind: str | None, name: str, version: str | None) -> str | None:
    """The canonical package URL of a named package; type ``generic`` where the kind is not known, None without a name.

    ``kind`` is a package manager or a distribution, which is then the namespace. A Maven name is ``group:artifact``.

    >>> package_url("debian", "bash", "5.0-4")
    'pkg:deb/debian/bash@5.0-4'
    """
    word = (kind or "").lower()
    found = _TYPES.get(word, "generic")
    path = [part for part in (name.replace(":", "/", 1) if found == "maven" else name).split("/") if part]
    if not path:
        return None
    if namespace := _NAMESPACES.get(word):
        path.insert(0, namespace)
    return build_purl(found, path, version)
