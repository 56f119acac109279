"""A few published vulnerabilities, as scanners report them: facts from the NVD and GitHub's advisory database.

``HARMFUL`` are versions of packages that were published with something hostile inside. The lists are for realism; they
are no advisory source.
"""

from __future__ import annotations

from typing import NamedTuple

from streams.simulate.world import Ecosystem


class Vulnerability(NamedTuple):
    """One weakness in one version of one package."""

    id: str
    package: str
    installed: str
    fixed: str
    severity: str
    """Trivy's word."""
    cvss: float
    cwe: str
    title: str


COMMON: dict[Ecosystem, tuple[Vulnerability, ...]] = {
    "npm": (
        Vulnerability(
            "CVE-2021-23337", "lodash", "4.17.20", "4.17.21", "HIGH", 7.2, "CWE-94", "command injection via template"
        ),
        Vulnerability(
            "CVE-2022-25883",
            "semver",
            "7.3.8",
            "7.5.2",
            "HIGH",
            7.5,
            "CWE-1333",
            "regular expression denial of service",
        ),
        Vulnerability(
            "CVE-2024-4068",
            "braces",
            "3.0.2",
            "3.0.3",
            "HIGH",
            7.5,
            "CWE-1050",
            "memory exhaustion on unbalanced braces",
        ),
        Vulnerability(
            "CVE-2023-26136",
            "tough-cookie",
            "4.1.2",
            "4.1.3",
            "MEDIUM",
            6.5,
            "CWE-1321",
            "prototype pollution in cookie memstore",
        ),
    ),
    "pypi": (
        Vulnerability(
            "CVE-2023-32681",
            "requests",
            "2.30.0",
            "2.31.0",
            "MEDIUM",
            6.1,
            "CWE-200",
            "Proxy-Authorization header leak",
        ),
        Vulnerability(
            "CVE-2024-22195",
            "Jinja2",
            "3.1.2",
            "3.1.3",
            "MEDIUM",
            6.1,
            "CWE-79",
            "attribute injection in xmlattr filter",
        ),
        Vulnerability(
            "CVE-2023-43804",
            "urllib3",
            "2.0.5",
            "2.0.6",
            "HIGH",
            8.1,
            "CWE-200",
            "cookie header kept on cross-origin redirect",
        ),
    ),
    "golang": (
        Vulnerability(
            "CVE-2023-39325",
            "golang.org/x/net",
            "v0.15.0",
            "0.17.0",
            "HIGH",
            7.5,
            "CWE-770",
            "rapid stream resets exhaust resources",
        ),
        Vulnerability(
            "CVE-2023-48795",
            "golang.org/x/crypto",
            "v0.16.0",
            "0.17.0",
            "MEDIUM",
            5.9,
            "CWE-354",
            "prefix truncation in the ssh protocol",
        ),
    ),
    "maven": (
        Vulnerability(
            "CVE-2023-20861",
            "org.springframework:spring-expression",
            "5.3.25",
            "5.3.26",
            "MEDIUM",
            6.5,
            "CWE-400",
            "denial of service by expression",
        ),
        Vulnerability(
            "CVE-2023-2976",
            "com.google.guava:guava",
            "31.1-jre",
            "32.0.0-android",
            "MEDIUM",
            7.1,
            "CWE-552",
            "temporary files open to others",
        ),
    ),
}

CRITICAL: dict[Ecosystem, tuple[Vulnerability, ...]] = {
    "npm": (
        Vulnerability(
            "CVE-2021-44906", "minimist", "1.2.5", "1.2.6", "CRITICAL", 9.8, "CWE-1321", "prototype pollution"
        ),
        Vulnerability(
            "CVE-2022-29078", "ejs", "3.1.6", "3.1.7", "CRITICAL", 9.8, "CWE-94", "server-side template injection"
        ),
    ),
    "pypi": (
        Vulnerability(
            "CVE-2020-14343", "PyYAML", "5.3.1", "5.4", "CRITICAL", 9.8, "CWE-20", "code execution by full_load"
        ),
        Vulnerability(
            "CVE-2022-24439", "GitPython", "3.1.29", "3.1.30", "CRITICAL", 9.8, "CWE-20", "code execution by clone url"
        ),
    ),
    "golang": (
        Vulnerability(
            "CVE-2024-45337",
            "golang.org/x/crypto",
            "v0.30.0",
            "0.31.0",
            "CRITICAL",
            9.1,
            "CWE-863",
            "authorization bypass in ssh callback",
        ),
    ),
    "maven": (
        Vulnerability(
            "CVE-2021-44228",
            "org.apache.logging.log4j:log4j-core",
            "2.14.1",
            "2.15.0",
            "CRITICAL",
            10.0,
            "CWE-502",
            "remote code execution by JNDI lookup",
        ),
        Vulnerability(
            "CVE-2022-22965",
            "org.springframework:spring-beans",
            "5.3.17",
            "5.3.18",
            "CRITICAL",
            9.8,
            "CWE-94",
            "remote code execution by data binding",
        ),
        Vulnerability(
            "CVE-2022-42889",
            "org.apache.commons:commons-text",
            "1.9",
            "1.10.0",
            "CRITICAL",
            9.8,
            "CWE-94",
            "code execution by string interpolation",
        ),
    ),
}

HARMFUL: tuple[tuple[str, Vulnerability], ...] = (
    (
        "10.1.0",
        Vulnerability(
            "CVE-2022-23812", "node-ipc", "10.1.1", "10.1.3", "CRITICAL", 9.8, "CWE-94", "embedded malicious code"
        ),
    ),
    (
        "1.95.5",
        Vulnerability(
            "CVE-2024-54134",
            "@solana/web3.js",
            "1.95.6",
            "1.95.8",
            "HIGH",
            8.3,
            "CWE-506",
            "key-stealing code in a hijacked release",
        ),
    ),
    (
        "0.7.28",
        Vulnerability(
            "GHSA-pjwm-rvh2-c87w",
            "ua-parser-js",
            "0.7.29",
            "0.7.30",
            "CRITICAL",
            9.8,
            "CWE-506",
            "embedded malware in a hijacked release",
        ),
    ),
)
"""The version before, and what came with the next one; npm packages all."""

SYSTEM: tuple[Vulnerability, ...] = (
    Vulnerability(
        "CVE-2023-45853", "zlib1g", "1:1.2.13.dfsg-1", "", "CRITICAL", 9.8, "CWE-190", "integer overflow in MiniZip"
    ),
    Vulnerability(
        "CVE-2023-4911",
        "libc6",
        "2.36-9+deb12u1",
        "2.36-9+deb12u3",
        "HIGH",
        7.8,
        "CWE-122",
        "buffer overflow in the dynamic loader",
    ),
    Vulnerability(
        "CVE-2023-44487",
        "libnghttp2-14",
        "1.52.0-1",
        "1.52.0-1+deb12u1",
        "HIGH",
        7.5,
        "CWE-400",
        "rapid reset of HTTP/2 streams",
    ),
    Vulnerability(
        "CVE-2023-5678",
        "libssl3",
        "3.0.11-1~deb12u1",
        "3.0.13-1~deb12u1",
        "MEDIUM",
        5.3,
        "CWE-754",
        "slow checks of long DH keys",
    ),
)
"""What every image of a Debian 12 base has: the noise that triage knows by heart."""


def purl(ecosystem: Ecosystem, vulnerability: Vulnerability) -> str:
    """The package URL (purl specification, types npm, pypi, golang and maven)."""
    name = vulnerability.package
    if ecosystem == "npm":
        name = name.replace("@", "%40")
    elif ecosystem == "pypi":
        name = name.lower()
    elif ecosystem == "maven":
        name = name.replace(":", "/")
    return f"pkg:{ecosystem}/{name}@{vulnerability.installed}"


def system_purl(vulnerability: Vulnerability) -> str:
    """The package URL of a Debian package; an epoch goes into a qualifier, as Trivy writes it."""
    epoch, colon, version = vulnerability.installed.rpartition(":")
    extra = f"&epoch={epoch}" if colon else ""
    return f"pkg:deb/debian/{vulnerability.package}@{version}?arch=amd64&distro=debian-12.4{extra}"
