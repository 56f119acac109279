"""VEX documents, written after the specifications: CycloneDX of a product and of several, OpenVEX."""

from typing import Any

PAY = "pkg:oci/pay@sha256:" + "0123456789abcdef" * 4 + "?repository_url=ghcr.io/acme/pay"


def flaw(name: str, state: str, **analysis: Any) -> dict[str, Any]:
    """A vulnerability and what is known of it."""
    return {
        "id": name,
        "source": {"name": "NVD"},
        "analysis": {"state": state, "detail": "Pay never parses what others send.", **analysis},
        "affects": [{"ref": f"urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#{PAY}"}],
    }


def cyclonedx(*flaws: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    """A CycloneDX VEX document."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": "2026-03-02T09:13:00Z", "supplier": {"name": "Acme"}, **metadata},
        "vulnerabilities": list(flaws),
    }


def openvex(*statements: dict[str, Any]) -> dict[str, Any]:
    """An OpenVEX document."""
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://openvex.dev/docs/acme/vex-1",
        "author": "Acme Product Security",
        "timestamp": "2026-03-02T09:13:00Z",
        "version": 1,
        "statements": list(statements),
    }


NOT_AFFECTED = flaw("cve-2026-1111", "not_affected", justification="code_not_reachable")
OF_A_PRODUCT = cyclonedx(
    NOT_AFFECTED,
    flaw("CVE-2026-2222", "exploitable", lastUpdated="2026-03-01T00:00:00Z"),
    component={"type": "application", "name": "pay", "version": "1.4"},
)
OPEN = openvex(
    {
        "vulnerability": {"name": "CVE-2026-1111"},
        "products": [{"@id": PAY}, {"@id": "pkg:oci/invoices@sha256:" + "ab" * 32}],
        "status": "not_affected",
        "justification": "vulnerable_code_not_in_execute_path",
    },
    {"vulnerability": {"name": "CVE-2026-1111"}, "products": [{"@id": PAY}], "status": "under_investigation"},
    {"vulnerability": "CVE-2026-3333", "products": [PAY], "status": "fixed", "timestamp": "2026-03-01T00:00:00Z"},
)

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "of a product": (OF_A_PRODUCT, {}),
    "of what is affected": (cyclonedx(NOT_AFFECTED), {}),
    "named by header": (cyclonedx(NOT_AFFECTED), {"x-weir-component": "payments"}),
    "OpenVEX": (OPEN, {}),
}
