"""Grype JSON reports, written after Grype's document models: an image, a directory, an old report, a clean one."""

from typing import Any

RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}
DIGEST = "sha256:" + "0123456789abcdef" * 4


def match(name: str, version: str, **vulnerability: Any) -> dict[str, Any]:
    """A match of a deb package in an image."""
    return {
        "vulnerability": {
            "id": "CVE-2026-1111",
            "dataSource": "https://security-tracker.debian.org/tracker/CVE-2026-1111",
            "namespace": "debian:distro:debian:12",
            "severity": "High",
            "description": "Overflow in the parser.",
            "cvss": [
                {"version": "2.0", "metrics": {"baseScore": 9.9}},
                {"source": "nvd@nist.gov", "type": "Primary", "version": "3.1", "metrics": {"baseScore": 8.1}},
            ],
            "epss": [{"cve": "CVE-2026-1111", "epss": 0.42, "percentile": 0.97, "date": "2026-03-01"}],
            "knownExploited": [{"cve": "CVE-2026-1111", "knownRansomwareCampaignUse": "Unknown"}],
            "fix": {"versions": ["3.0.16-1"], "state": "fixed"},
            "advisories": [],
            "risk": 61.2,
            **vulnerability,
        },
        "relatedVulnerabilities": [{"id": "CVE-2026-1111", "severity": "High", "cvss": []}],
        "matchDetails": [{"type": "exact-direct-match", "matcher": "dpkg-matcher"}],
        "artifact": {
            "id": "1122334455667788",
            "name": name,
            "version": version,
            "type": "deb",
            "locations": [{"path": "/var/lib/dpkg/status", "accessPath": "/var/lib/dpkg/status", "layerID": DIGEST}],
            "language": "",
            "licenses": [],
            "cpes": [],
            "purl": f"pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12",
            "upstreams": [{"name": "openssl"}],
        },
    }


IMAGE = {
    "matches": [match("openssl", "3.0.15-1"), match("libssl3", "3.0.15-1", id="CVE-2026-2222", severity="Negligible")],
    "ignoredMatches": [
        {**match("zlib1g", "1.2.13", id="CVE-2026-3333"), "appliedIgnoreRules": [{"vulnerability": "CVE-2026-3333"}]}
    ],
    "source": {
        "type": "image",
        "target": {
            "userInput": "ghcr.io/acme/pay:1.4",
            "imageID": "sha256:" + "fedcba9876543210" * 4,
            "manifestDigest": DIGEST,
            "tags": ["ghcr.io/acme/pay:1.4"],
            "repoDigests": [f"ghcr.io/acme/pay@{DIGEST}"],
            "layers": [],
        },
    },
    "distro": {"name": "debian", "version": "12", "idLike": []},
    "descriptor": {"name": "grype", "version": "0.90.0", "timestamp": "2026-03-02T09:12:30.25Z"},
}

LIBRARY = {
    "vulnerability": {"id": "GHSA-jfh8-c2jp-5v3q", "severity": "Critical", "fix": {"versions": [], "state": "unknown"}},
    "relatedVulnerabilities": [
        {"id": "CVE-2021-44228", "severity": "Critical", "cvss": [{"version": "3.1", "metrics": {"baseScore": 10}}]}
    ],
    "matchDetails": [],
    "artifact": {
        "id": "99aa",
        "name": "log4j-core",
        "version": "2.14.0",
        "type": "java-archive",
        "locations": [{"path": "/lib/log4j-core-2.14.0.jar", "accessPath": "lib/log4j-core-2.14.0.jar"}],
        "purl": "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.0",
    },
}

DIRECTORY = {
    "matches": [LIBRARY],
    "source": {"type": "directory", "target": "/builds/acme/pay"},
    "distro": {"name": "", "version": ""},
    "descriptor": {"name": "grype", "version": "0.90.0", "timestamp": "2026-03-02T09:12:30Z"},
}

OLD = {
    "matches": [{"vulnerability": {"id": "CVE-2020-1"}, "artifact": {"name": "x", "version": "1", "type": "gem"}}],
    "source": {"type": "image", "target": {"userInput": "pay", "imageID": DIGEST}},
    "descriptor": {"name": "grype", "version": "0.1.0"},
}

SAMPLES = {
    "image": (IMAGE, {}),
    "directory": (DIRECTORY, {}),
    "old": (OLD, RECEIVED),
    "clean": ({**DIRECTORY, "matches": []}, {}),
}
