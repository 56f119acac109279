"""GitLab Code Quality reports, written after GitLab's documentation, and as Trivy's template fills them."""

from typing import Any

RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}


def issue(check: str, description: str, path: str, fingerprint: str, **fields: Any) -> dict[str, Any]:
    """An issue on line 12."""
    return {
        "type": "issue",
        "check_name": check,
        "description": description,
        "fingerprint": fingerprint,
        "severity": "major",
        "location": {"path": path, "lines": {"begin": 12}},
        **fields,
    }


LINTER = [
    issue("no-unused-vars", "'x' is never used.", "lib/index.js", "7815696ecbf1c96e6894b779456d330e"),
    issue(
        "return.type",
        "Should return a string.",
        "./src/A.php",
        "ace6a50ade5c69cc6067300f8fa486f9",
        location={"path": "./src/A.php", "positions": {"begin": {"line": 3, "column": 1}}},
        engine_name="phpstan",
    ),
    {"type": "measurement", "fingerprint": "0", "description": "d", "location": {"path": "x"}},
]
IMAGE = [
    issue(
        "container_scanning",
        f"CVE-2026-1111 - {name} - 3.0.15-1 - openssl: overflow in the parser",
        "ghcr.io/acme/pay:1.4 (debian 12.9)",
        f"aeda1fbbe0e7f6858874{name}",
        categories=["Security"],
        content="What it is about.",
    )
    for name in ("openssl", "libssl3")
]
MORE = [
    issue("container_scanning", "CVE-2026-2222 - lodash - 4.0 - x", "web/package-lock.json", "473af5b2ba6b728fa3f3"),
    issue("container_scanning", "DS002: Image user should not be root", "Dockerfile", "28d484eb3b3439c4991f"),
]
SAMPLES = {
    "linter": (LINTER, RECEIVED),
    "image": (IMAGE, RECEIVED),
    "more": (MORE, RECEIVED),
    "one": (LINTER[0], RECEIVED),
}
