"""OSV-Scanner reports, written after its documentation: a lock file, a commit, call analysis, nothing found."""

from typing import Any

RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}
NAMED = RECEIVED | {"x-weir-repository": "https://github.com/Acme/pay"}


def advisory(name: str = "GHSA-jfh8-c2jp-5v3q", **fields: Any) -> dict[str, Any]:
    """An advisory of jinja2."""
    return {
        "id": name,
        "modified": "2026-01-02T00:00:00Z",
        "aliases": ["CVE-2026-2222", "BIT-jinja-2026-2222"],
        "summary": "Templates can call what they should not",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "jinja2", "purl": "pkg:pypi/jinja2"},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.3"}]},
                    {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "ab" * 20}]},
                ],
            },
            {"package": {"ecosystem": "npm", "name": "jinja2"}, "ranges": [{"events": [{"fixed": "9"}]}]},
        ],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N"}],
        "database_specific": {"severity": "MODERATE"},
        **fields,
    }


JINJA = {
    "package": {"name": "jinja2", "version": "3.0.3", "ecosystem": "PyPI"},
    "dependency_groups": ["dev"],
    "vulnerabilities": [advisory(), advisory("PYSEC-2026-7", aliases=["CVE-2026-2222"], database_specific={})],
    "groups": [
        {
            "ids": ["GHSA-jfh8-c2jp-5v3q", "PYSEC-2026-7"],
            "aliases": ["BIT-jinja-2026-2222", "CVE-2026-2222", "GHSA-jfh8-c2jp-5v3q", "PYSEC-2026-7"],
            "max_severity": "6.1",
        }
    ],
}
GO = {
    "package": {"name": "github.com/gogo/protobuf", "version": "1.3.1", "ecosystem": "Go"},
    "vulnerabilities": [{"id": "GO-2026-0001", "aliases": [], "affected": []}],
    "groups": [
        {
            "ids": ["GO-2026-0001"],
            "max_severity": "9.8",
            "experimentalAnalysis": {"GO-2026-0001": {"called": False, "unimportant": False}},
        }
    ],
}
COMMIT = {
    "package": {"name": "", "version": "", "ecosystem": "", "commit": "AB" * 20},
    "vulnerabilities": [{"id": "CVE-2026-3333", "details": "Long text"}],
}
REPORT = {
    "results": [
        {"source": {"path": "/src/requirements.txt", "type": "lockfile"}, "packages": [JINJA]},
        {"source": {"path": "/src/go.mod", "type": "lockfile"}, "packages": [GO]},
        {"source": {"path": "/src/vendored", "type": "git"}, "packages": [COMMIT]},
    ],
    "experimental_config": {"licenses": {"summary": False, "allowlist": None}},
}
CLEAN = {"results": [], "experimental_config": {"licenses": {"summary": False, "allowlist": None}}}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "report": (REPORT, RECEIVED),
    "of a repository": (REPORT, NAMED),
    "clean": (CLEAN, RECEIVED),
    "clean repository": (CLEAN, NAMED),
}
