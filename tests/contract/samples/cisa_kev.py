"""The KEV catalogue, written after its JSON schema."""

from typing import Any


def entry(cve: str, added: str, due: str, ransomware: str = "Unknown") -> dict[str, Any]:
    """One vulnerability of the catalogue."""
    return {
        "cveID": cve,
        "vendorProject": "Acme",
        "product": "Gateway",
        "vulnerabilityName": "Acme Gateway Command Injection Vulnerability",
        "dateAdded": added,
        "shortDescription": "Acme Gateway lets a stranger run commands.",
        "requiredAction": "Update, or stop using it.",
        "dueDate": due,
        "knownRansomwareCampaignUse": ransomware,
        "notes": "https://acme.example/advisories/7",
        "cwes": ["CWE-78"],
    }


def catalogue(*entries: dict[str, Any], version: str = "2026.03.02") -> dict[str, Any]:
    """The whole document."""
    return {
        "title": "CISA Catalog of Known Exploited Vulnerabilities",
        "catalogVersion": version,
        "dateReleased": f"{version.replace('.', '-')}T15:00:06.8745Z",
        "count": len(entries),
        "vulnerabilities": list(entries),
    }


SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "two entries": (
        catalogue(
            entry("CVE-2026-10001", "2026-03-02", "2026-03-23"),
            entry("CVE-2025-0007", "2025-11-20", "2025-12-11", "Known"),
        ),
        {},
    ),
    "empty": (catalogue(), {}),
}
