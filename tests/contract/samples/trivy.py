"""Trivy JSON reports, written after Trivy's documentation: an image, a repository, a clean scan and an old shape."""

from typing import Any

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGE_ID = "sha256:" + "fedcba9876543210" * 4


def report(kind: str, name: str, metadata: dict[str, Any], *results: dict[str, Any]) -> dict[str, Any]:
    """A report of schema version 2."""
    return {
        "SchemaVersion": 2,
        "Trivy": {"Version": "0.69.0"},
        "ReportID": "019cb0aa-7c00-7000-8000-000000000001",
        "CreatedAt": "2026-03-02T09:13:00.250000001Z",
        "ArtifactID": IMAGE_ID,
        "ArtifactName": name,
        "ArtifactType": kind,
        "Metadata": metadata,
        "Results": list(results),
    }


def weak(name: str, version: str, purl: str, **fields: Any) -> dict[str, Any]:
    """A vulnerability of a package."""
    return {
        "VulnerabilityID": "CVE-2026-1111",
        "VendorIDs": ["DSA-6000-1"],
        "PkgID": f"{name}@{version}",
        "PkgName": name,
        "PkgIdentifier": {"PURL": purl, "UID": "1122334455667788"},
        "InstalledVersion": version,
        "FixedVersion": "3.0.16-1",
        "Status": "fixed",
        "Layer": {"DiffID": IMAGE_ID},
        "SeveritySource": "debian",
        "PrimaryURL": "https://avd.aquasec.com/nvd/cve-2026-1111",
        "Title": f"{name}: overflow in the parser",
        "Severity": "HIGH",
        "CweIDs": ["CWE-787"],
        "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N", "V3Score": 8.1}, "redhat": {"V3Score": 7.4}},
        **fields,
    }


IMAGE = report(
    "container_image",
    "ghcr.io/acme/pay:1.4",
    {
        "OS": {"Family": "debian", "Name": "12.9"},
        "ImageID": IMAGE_ID,
        "RepoTags": ["ghcr.io/acme/pay:1.4"],
        "RepoDigests": [f"ghcr.io/acme/pay@{DIGEST}"],
    },
    {
        "Target": "ghcr.io/acme/pay:1.4 (debian 12.9)",
        "Class": "os-pkgs",
        "Type": "debian",
        "Vulnerabilities": [
            weak(
                "openssl", "3.0.15-1", "pkg:deb/debian/openssl@3.0.15-1?arch=amd64", Fingerprint="sha256:" + "11" * 32
            ),
            weak(
                "libssl3", "3.0.15-1", "pkg:deb/debian/libssl3@3.0.15-1?arch=amd64", Fingerprint="sha256:" + "22" * 32
            ),
        ],
        "ExperimentalModifiedFindings": [
            {
                "Type": "vulnerability",
                "Status": "not_affected",
                "Statement": "vulnerable_code_not_in_execute_path",
                "Source": "OpenVEX",
                "Finding": weak("zlib1g", "1.2.13", "pkg:deb/debian/zlib1g@1.2.13", VulnerabilityID="CVE-2026-2222"),
            }
        ],
    },
    {
        "Target": "Java",
        "Class": "lang-pkgs",
        "Type": "jar",
        "Vulnerabilities": [
            weak("org.example:core", "2.1", "pkg:maven/org.example/core@2.1", PkgPath=f"app/{name}.jar", PkgID="")
            for name in ("one", "two")
        ],
    },
    {"Target": "", "Class": "custom", "CustomResources": [{"Type": "x", "FilePath": "/x", "Data": "1"}]},
)

REPOSITORY = report(
    "repository",
    "https://github.com/acme/pay",
    {"RepoURL": "https://github.com/acme/pay", "Branch": "main", "Commit": "0123456789abcdef0123456789abcdef01234567"},
    {
        "Target": "Dockerfile",
        "Class": "config",
        "Type": "dockerfile",
        "MisconfSummary": {"Successes": 1, "Failures": 1},
        "Misconfigurations": [
            {
                "Type": "Dockerfile Security Check",
                "ID": "DS-0002",
                "Title": "Image user should not be 'root'",
                "Message": "Specify at least 1 USER command",
                "Namespace": "builtin.dockerfile.DS002",
                "Resolution": "Add 'USER <name>'",
                "Severity": "HIGH",
                "Status": status,
                "CauseMetadata": {"Provider": "Dockerfile", "Service": "general", "StartLine": 1, "EndLine": 4},
            }
            for status in ("FAIL", "PASS")
        ],
    },
    {
        "Target": "deploy.sh",
        "Class": "secret",
        "Secrets": [
            {
                "RuleID": "generic-token",
                "Category": "general",
                "Severity": "CRITICAL",
                "Title": "Token",
                "StartLine": 3,
                "EndLine": 3,
                "Match": "export TOKEN=****",
                "Offset": 40,
            }
        ],
    },
    {
        "Target": "OS Packages",
        "Class": "license",
        "Licenses": [
            {"Severity": "HIGH", "Category": "restricted", "PkgName": "bash", "Name": "GPL-3.0-only", "Confidence": 1}
        ],
    },
)

OLD = {
    "SchemaVersion": 2,
    "CreatedAt": "2024-01-02T09:13:00Z",
    "ArtifactName": "web",
    "ArtifactType": "filesystem",
    "Results": [
        {
            "Target": "package-lock.json",
            "Class": "lang-pkgs",
            "Type": "npm",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2024-1111",
                    "PkgName": "left-pad",
                    "InstalledVersion": "1.0",
                    "Severity": "LOW",
                }
            ],
        }
    ],
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "image": (IMAGE, {}),
    "repository": (REPOSITORY, {}),
    "clean": (report("container_image", "nginx:1.29", {}), {}),
    "before ReportID": (OLD, {}),
}
