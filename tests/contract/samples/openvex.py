"""OpenVEX documents, written after the specification: objects with identifiers, and the texts of v0.0."""

DIGEST = "sha256:" + "0123456789abcdef" * 4

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "v0.2": (
        {
            "@context": "https://openvex.dev/ns/v0.2.0",
            "@id": "https://acme.example/vex/2026-1",
            "author": "Acme product security",
            "timestamp": "2026-03-01T09:00:00Z",
            "version": 1,
            "statements": [
                {
                    "vulnerability": {"name": "CVE-2026-10001", "aliases": ["GHSA-aaaa-bbbb-cccc"]},
                    "products": [
                        {
                            "@id": f"pkg:oci/pay@{DIGEST}?repository_url=ghcr.io/acme/pay",
                            "subcomponents": [{"@id": "pkg:deb/debian/openssl@3.0.15-1?arch=amd64"}],
                        },
                        {"@id": "pkg:npm/%40acme/gateway@2.1.0"},
                    ],
                    "status": "not_affected",
                    "justification": "vulnerable_code_not_in_execute_path",
                    "impact_statement": "TLS ends at the\nload balancer.",
                    "timestamp": "2026-03-02T09:00:00Z",
                },
                {
                    "vulnerability": {"name": "CVE-2026-10002"},
                    "products": [{"@id": "component:default/pay"}],
                    "status": "under_investigation",
                },
            ],
        },
        {},
    ),
    "v0.0": (
        {
            "@context": "https://openvex.dev/ns",
            "author": "ada@acme.example",
            "timestamp": "2026-03-01T09:00:00Z",
            "statements": [
                {
                    "vulnerability": "CVE-2026-10003",
                    "products": [f"ghcr.io/acme/pay@{DIGEST}"],
                    "subcomponents": ["pkg:apk/alpine/busybox@1.36"],
                    "status": "fixed",
                }
            ],
        },
        {},
    ),
}
