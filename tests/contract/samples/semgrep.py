"""Semgrep results, written after its output schema: with and without a login, of a dependency, nothing found."""

from typing import Any

RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}


def result(check: str, line: int, **extra: Any) -> dict[str, Any]:
    """A match in src/db.py."""
    return {
        "check_id": check,
        "path": "src/db.py",
        "start": {"line": line, "col": 5, "offset": 100},
        "end": {"line": line, "col": 30, "offset": 125},
        "extra": {
            "message": "Query is built from user input.",
            "metadata": {"category": "security", "technology": ["sqlalchemy"], "cwe": ["CWE-89: SQL Injection"]},
            "severity": "ERROR",
            "fingerprint": "1d0cfd65fc17a97773e848ec31ddd8a5_0",
            "lines": "execute(q)",
            "is_ignored": False,
            "validation_state": "NO_VALIDATOR",
            "engine_kind": "OSS",
            **extra,
        },
    }


def report(*results: dict[str, Any]) -> dict[str, Any]:
    """The output of a scan."""
    return {"version": "1.120.0", "results": list(results), "errors": [], "paths": {"scanned": ["src/db.py"]}}


PLAIN = report(
    result("python.sql-injection", 12),
    result("python.sql-injection", 40, fingerprint="requires login", lines="requires login", is_ignored=True),
    result("generic.secrets.key", 1, metadata={"technology": ["secrets"]}, message="A key", severity="WARNING"),
)
DEPENDENCY = report(
    result(
        "ssc-0f9a",
        3,
        metadata={"sca-vuln-database-identifier": "CVE-2026-3333"},
        severity="HIGH",
        sca_info={
            "reachable": True,
            "dependency_match": {
                "found_dependency": {"package": "lodash", "version": "4.17.4", "ecosystem": "npm"},
                "lockfile": "yarn.lock",
            },
        },
    )
)
SAMPLES = {"plain": (PLAIN, RECEIVED), "dependency": (DEPENDENCY, RECEIVED), "clean": (report(), RECEIVED)}
