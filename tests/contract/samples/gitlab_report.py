"""GitLab security reports, written after GitLab's report schemas: an image, code, a lock file, a secret, nothing."""

from typing import Any

RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}


def report(kind: str, *vulnerabilities: dict[str, Any]) -> dict[str, Any]:
    """A report of schema 15."""
    tool = {"id": "Trivy" if "scanning" in kind else "semgrep", "name": "A tool", "version": "1"}
    return {
        "version": "15.0.7",
        "scan": {
            "type": kind,
            "status": "success",
            "start_time": "2026-03-02T09:12:00",
            "end_time": "2026-03-02T09:12:30",
            "scanner": {**tool, "vendor": {"name": "A vendor"}},
            "analyzer": {**tool, "vendor": {"name": "A vendor"}},
        },
        "vulnerabilities": list(vulnerabilities),
    }


def vulnerability(identity: str, value: str, location: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A vulnerability with what the schemas require."""
    kind = "cve" if value.startswith("CVE-") else "semgrep_id"
    return {
        "id": identity,
        "name": "Overflow in the parser",
        "description": "What it is about.",
        "severity": "High",
        "identifiers": [
            {"type": kind, "name": value, "value": value},
            {"type": "cwe", "name": "CWE-787", "value": "787"},
        ],
        "location": location,
        **fields,
    }


def packaged(name: str, version: str, **location: Any) -> dict[str, Any]:
    """The place of a package."""
    return {"dependency": {"package": {"name": name}, "version": version}, **location}


IMAGE = report(
    "container_scanning",
    *(
        vulnerability(
            "CVE-2026-1111",
            "CVE-2026-1111",
            packaged(name, "3.0.15-1", operating_system="debian 12.9", image="ghcr.io/acme/pay:1.4"),
            solution="Upgrade to 3.0.16-1",
        )
        for name in ("openssl", "libssl3")
    ),
    vulnerability("0f9a", "CVE-2026-2222", packaged("lodash", "4", operating_system="Unknown", image="Node.js")),
)
CODE = report(
    "sast",
    vulnerability(
        "0f9b",
        "python.lang.sql-injection",
        {"file": "src/db.py", "start_line": 12, "end_line": 12},
        tracking={
            "type": "source",
            "items": [
                {
                    "file": "src/db.py",
                    "start_line": 12,
                    "end_line": 12,
                    "signatures": [
                        {"algorithm": "scope_offset", "value": "src/db.py|load[0]|query[0]:3"},
                        {"algorithm": "location", "value": "src/db.py:12"},
                    ],
                }
            ],
        },
    ),
)
LOCK_FILE = report(
    "dependency_scanning", vulnerability("0f9c", "CVE-2026-3333", packaged("minimist", "1.2.0", file="web/yarn.lock"))
)
SECRET = report(
    "secret_detection",
    vulnerability("0f9d", "AWS", {"file": "a.env", "start_line": 1, "commit": {"sha": "0123456789abcdef" * 2}}),
)
OLD = {
    "version": "14.0.6",
    "vulnerabilities": [
        {
            **vulnerability("CVE-2026-1111", "CVE-2026-1111", packaged("musl", "1.1", image="alpine:3.10")),
            "category": "container_scanning",
            "scanner": {"id": "trivy", "name": "trivy"},
        }
    ],
    "remediations": [],
}
SAMPLES = {
    "image": (IMAGE, {}),
    "code": (CODE, {}),
    "lock file": (LOCK_FILE, {}),
    "secret": (SECRET, {}),
    "old": (OLD, RECEIVED),
    "clean": (report("sast"), {}),
}
