"""CycloneDX VEX documents that stand alone, written after the specification: of a product, and by BOM-Link."""

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "of a product": (
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.4",
            "version": 1,
            "metadata": {
                "timestamp": "2026-03-01T09:00:00Z",
                "component": {"type": "application", "name": "pay", "bom-ref": "product-pay"},
            },
            "vulnerabilities": [
                {
                    "id": "CVE-2026-10001",
                    "analysis": {
                        "state": "not_affected",
                        "justification": "code_not_reachable",
                        "detail": "The parser is not compiled in.",
                    },
                    "affects": [{"ref": "product-pay"}],
                },
                {"id": "CVE-2026-10002", "analysis": {"state": "in_triage"}, "affects": [{"ref": "product-pay"}]},
                {"id": "CVE-2026-10003", "analysis": {}, "affects": [{"ref": "product-pay"}]},
            ],
        },
        {},
    ),
    "by BOM-Link": (
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {"timestamp": "2026-03-01T09:00:00Z", "supplier": {"name": "Acme"}},
            "vulnerabilities": [
                {
                    "id": "CVE-2026-10004",
                    "references": [{"id": "GHSA-aaaa-bbbb-cccc", "source": {}}],
                    "analysis": {"state": "exploitable", "lastUpdated": "2026-03-02T09:00:00Z", "response": ["update"]},
                    "affects": [
                        {"ref": "urn:cdx:0f9a1f2e-0000-4000-8000-000000000001/1#pkg:npm/acme-gateway@2.1.0"},
                        {"ref": "pkg:pypi/acme_client@1.0"},
                    ],
                }
            ],
        },
        {},
    ),
}
