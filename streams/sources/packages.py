"""Package URLs from what scanners write beside a package's name: their word for its kind and its distribution."""

from __future__ import annotations

import re

from streams.sources.canonical import build_purl

_TYPES = {
    **dict.fromkeys(("npm", "yarn", "pnpm", "bun", "node-pkg", "nodepkg", "javascript", "js"), "npm"),
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
    **dict.fromkeys(("photon", "cbl-mariner", "azurelinux", "rpm", "yum", "dnf", "zypper"), "rpm"),
    **dict.fromkeys(("suse", "sles", "opensuse", "opensuse.leap", "opensuse-leap", "opensuse-tumbleweed"), "rpm"),
    **dict.fromkeys(("apt", "apt-get"), "deb"),
    **dict.fromkeys(("conda", "conda-pkg"), "conda"),
    **dict.fromkeys(("hex", "mix"), "hex"),
    **{kind: kind for kind in ("pub", "swift", "cocoapods", "conan")},
}
"""The words of Trivy (``Results[].Type``), Grype (``artifact.type``), OCSF (``package_manager``), AWS Security Hub
(``PackageManager``), GitLab (``operating_system``) and of package managers themselves."""

_TARGETS = {"Java": "java", "Node.js": "npm", "Python": "python", "Ruby": "ruby", "PHP": "php", "Conda": "conda"}
_FILES = {
    **dict.fromkeys(("package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "package.json"), "npm"),
    **dict.fromkeys(("requirements.txt", "pipfile.lock", "poetry.lock", "uv.lock", "pylock.toml"), "pypi"),
    **dict.fromkeys(("pom.xml", "gradle.lockfile", "build.sbt.lock"), "maven"),
    **dict.fromkeys(("go.mod", "go.sum"), "golang"),
    **dict.fromkeys(("gemfile.lock",), "gem"),
    **dict.fromkeys(("composer.lock", "installed.json"), "composer"),
    **dict.fromkeys(("cargo.lock",), "cargo"),
    **dict.fromkeys(("packages.lock.json", "packages.config"), "nuget"),
    "mix.lock": "hex",
    "pubspec.lock": "pub",
    "podfile.lock": "cocoapods",
    "package.resolved": "swift",
}
_SUFFIXES = {"jar": "maven", "war": "maven", "ear": "maven", "par": "maven", "gemspec": "gem", "nupkg": "nuget"}
_DISTRIBUTIONS = ("METADATA", "PKG-INFO")
_SYSTEM = re.compile(r"(?s)(.+) \(([a-z][a-z0-9.-]{0,31}) [^/]{1,64}\)")

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


def of_target(target: str) -> tuple[str, str | None]:
    """What Trivy's ``Target`` names, and the kind of its packages: many templates carry nothing else of either.

    A target is the artifact with its distribution in brackets, a lock file, or a word for all packages of a language.

    >>> of_target("alpine:3.10 (alpine 3.10.2)"), of_target("web/package-lock.json")
    (('alpine:3.10', 'alpine'), ('web/package-lock.json', 'npm'))
    """
    if system := _SYSTEM.fullmatch(target):
        return system[1], system[2]
    return target, _TARGETS.get(target) or kind_of_file(target)


def is_aggregate(target: str) -> bool:
    """Whether a target stands for all packages of a language, wherever they lie."""
    return target in _TARGETS


def kind_of_file(path: str) -> str | None:
    """The kind of the packages that a lock file, manifest or archive holds, by its name."""
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2].lower()
    return _FILES.get(name.lower()) or _SUFFIXES.get(suffix) or ("pypi" if name in _DISTRIBUTIONS else None)


def kind_of_name(name: str) -> str | None:
    """The kind that a package's name alone tells: a Maven group, an npm scope, the host of a Go module.

    >>> kind_of_name("org.example:core"), kind_of_name("@acme/pay"), kind_of_name("golang.org/x/text")
    ('maven', 'npm', 'golang')
    """
    if name.startswith("@") and "/" in name:
        return "npm"
    host, slash, _ = name.partition("/")
    if slash:
        return "golang" if "." in host else None
    group, colon, _ = name.partition(":")
    return "maven" if colon and "." in group else None
