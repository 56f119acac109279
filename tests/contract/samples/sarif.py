"""SARIF 2.1.0 logs, written after the standard: an analyser with everything, an image scanner, a tool with little."""

from typing import Any

RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}


def place(uri: str, line: int) -> dict[str, Any]:
    """A physical location."""
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": "SRCROOT"},
            "region": {"startLine": line, "startColumn": 5},
        }
    }


ANALYSER = {
    "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "CodeCheck",
                    "version": "7.1",
                    "rules": [
                        {
                            "id": "cc/sql-injection",
                            "shortDescription": {"text": "SQL injection"},
                            "messageStrings": {"default": {"text": "Query on {0} is built from {1}."}},
                            "defaultConfiguration": {"level": "error"},
                            "properties": {"tags": ["security", "external/cwe/cwe-089"], "security-severity": "8.8"},
                        },
                        {"id": "cc/unused", "shortDescription": {"text": "Unused variable"}},
                    ],
                },
                "extensions": [{"name": "pack", "rules": [{"id": "pk/1", "fullDescription": {"text": "Of a pack"}}]}],
            },
            "automationDetails": {"id": "nightly/1", "guid": "0f9a1f2e-0000-4000-8000-000000000001"},
            "invocations": [{"executionSuccessful": True, "endTimeUtc": "2026-03-02T08:00:00.5Z"}],
            "versionControlProvenance": [
                {
                    "repositoryUri": "https://github.com/acme/pay",
                    "revisionId": "0123456789abcdef0123456789abcdef01234567",
                    "branch": "main",
                }
            ],
            "artifacts": [{"location": {"uri": "src/unused.py"}}],
            "results": [
                {
                    "ruleId": "cc/sql-injection",
                    "ruleIndex": 0,
                    "message": {"id": "default", "arguments": ["users", "user input"]},
                    "locations": [place("src/db.py", 12)],
                    "partialFingerprints": {"primaryLocationLineHash": "a1b2:1"},
                    "baselineState": "new",
                },
                {
                    "ruleId": "cc/unused",
                    "message": {"text": "x is unused."},
                    "locations": [{"physicalLocation": {"artifactLocation": {"index": 0}, "region": {"startLine": 3}}}],
                    "suppressions": [{"kind": "inSource"}],
                },
                {
                    "guid": "0f9a1f2e-0000-4000-8000-000000000002",
                    "ruleId": "cc/unused",
                    "message": {"text": "y was unused."},
                    "baselineState": "absent",
                },
                {"rule": {"index": 0, "toolComponent": {"index": 0}}, "kind": "review", "message": {"text": "Look."}},
                {"ruleId": "cc/unused", "kind": "pass", "level": "none", "message": {"text": "Fine."}},
            ],
        }
    ],
}

IMAGE_SCANNER = {
    "version": "2.1.0",
    "runs": [
        {
            "tool": {
                "driver": {
                    "name": "Trivy",
                    "rules": [
                        {
                            "id": "CVE-2026-1111",
                            "name": "OsPackageVulnerability",
                            "shortDescription": {"text": "openssl: overflow in the parser"},
                            "properties": {
                                "tags": ["vulnerability", "security", "HIGH"],
                                "security-severity": "8.1",
                                "cvssv3_baseScore": 8.1,
                            },
                        }
                    ],
                }
            },
            "properties": {
                "imageID": "sha256:" + "fedcba9876543210" * 4,
                "imageName": "ghcr.io/acme/pay:1.4",
                "repoDigests": ["ghcr.io/acme/pay@sha256:" + "0123456789abcdef" * 4],
                "repoTags": ["ghcr.io/acme/pay:1.4"],
            },
            "results": [
                {
                    "ruleId": "CVE-2026-1111",
                    "ruleIndex": 0,
                    "level": "error",
                    "message": {
                        "text": f"Package: {name}\nInstalled Version: 3.0.15-1\nVulnerability CVE-2026-1111\n"
                        "Severity: HIGH\nFixed Version: 3.0.16-1\nLink: [CVE-2026-1111](https://example.com)"
                    },
                    "locations": [place("acme/pay", 1)],
                }
                for name in ("openssl", "libssl3")
            ],
        }
    ],
}

SPARSE = {
    "version": "2.1.0",
    "runs": [
        {"tool": {"driver": {"name": "lint"}}, "results": [{"message": {"text": "Something is odd."}}]},
        {"tool": {"driver": {"name": "gitleaks"}}, "results": [{"ruleId": "key", "message": {"text": "a key"}}]},
        {"tool": {"driver": {"name": "nothing"}}, "results": []},
    ],
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "analyser": (ANALYSER, {}),
    "image scanner": (IMAGE_SCANNER, RECEIVED),
    "sparse": (SPARSE, RECEIVED),
    "no runs": ({"version": "2.1.0", "runs": []}, {}),
}
