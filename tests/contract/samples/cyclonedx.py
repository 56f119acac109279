"""CycloneDX documents, written after the specification: of a container, of a repository, in an old shape, clean."""

from typing import Any

RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}
DIGEST = "sha256:" + "0123456789abcdef" * 4


def bom(component: dict[str, Any], components: list[Any], **fields: Any) -> dict[str, Any]:
    """A document by a tool."""
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:0f9a1f2e-0000-4000-8000-000000000001",
        "version": 1,
        "metadata": {
            "timestamp": "2026-03-02T09:12:30+01:00",
            "tools": {"components": [{"type": "application", "name": "Grype", "version": "0.90.0"}]},
            "component": component,
        },
        "components": components,
        **fields,
    }


def rated(source: str, **fields: Any) -> dict[str, Any]:
    """A rating."""
    return {"source": {"name": source}, **fields}


CONTAINER = bom(
    {"bom-ref": "0", "type": "container", "name": "ghcr.io/acme/pay:1.4", "version": DIGEST},
    [
        {
            "bom-ref": "pkg:deb/debian/openssl@3.0.15-1?package-id=11",
            "type": "library",
            "name": "openssl",
            "version": "3.0.15-1",
            "purl": "pkg:deb/debian/openssl@3.0.15-1?arch=amd64",
            "properties": [{"name": "syft:location:0:path", "value": "/var/lib/dpkg/status"}],
        },
        {
            "bom-ref": "22",
            "type": "library",
            "group": "org.example",
            "name": "core",
            "version": "1.2",
            "properties": [
                {"name": "syft:package:type", "value": "java-archive"},
                {"name": "syft:location:0:path", "value": "/opt/app/core-1.2.jar"},
            ],
        },
    ],
    vulnerabilities=[
        {
            "bom-ref": "urn:uuid:0f9a1f2e-0000-4000-8000-000000000002",
            "id": "CVE-2026-1111",
            "source": {"name": "debian-distro-debian-12"},
            "references": [{"id": "CVE-2026-1111", "source": {}}],
            "ratings": [
                {"score": 8.1, "severity": "high", "method": "CVSSv31"},
                rated("FIRST", score=0.42, method="other"),
                rated("CISA KEV Catalog", score=1, method="other", justification="Listed in CISA KEV"),
            ],
            "description": "Overflow in the parser.",
            "affects": [{"ref": "pkg:deb/debian/openssl@3.0.15-1?package-id=11"}, {"ref": "22"}],
        },
        {"id": "CVE-2026-2222", "affects": [{"ref": "22"}], "analysis": {"state": "not_affected"}},
    ],
)
REPOSITORY = bom(
    {
        "bom-ref": "0",
        "type": "application",
        "name": "pay",
        "externalReferences": [{"type": "vcs", "url": "https://github.com/acme/pay.git"}],
    },
    [
        {"bom-ref": "1", "type": "application", "name": "web/package-lock.json", "components": []},
        {"bom-ref": "pkg:npm/lodash@4.17.4", "type": "library", "name": "lodash", "purl": "pkg:npm/lodash@4.17.4"},
    ],
    dependencies=[{"ref": "1", "dependsOn": ["pkg:npm/lodash@4.17.4"]}],
    vulnerabilities=[
        {
            "id": "GHSA-jfh8-c2jp-5v3q",
            "references": [{"id": "CVE-2026-3333", "source": {"name": "NVD"}}],
            "source": {"name": "ghsa"},
            "ratings": [rated("nvd", severity="low"), rated("ghsa", severity="critical")],
            "recommendation": "Upgrade lodash to version 4.17.21",
            "affects": [{"ref": "pkg:npm/lodash@4.17.4"}],
        },
        {"id": "CVE-2026-4444", "rejected": "2026-01-01T00:00:00Z"},
    ],
)
OLD = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.4",
    "metadata": {"tools": [{"vendor": "v", "name": "scan"}], "component": {"type": "file", "name": "/src"}},
    "vulnerabilities": [{"id": "CVE-2026-5555", "affects": [{"ref": "urn:cdx:0/1#pkg:npm/x@1"}]}],
}
CLEAN = bom({"type": "container", "name": "acme/web", "version": "2.0"}, [], vulnerabilities=[])
SAMPLES = {
    "container": (CONTAINER, {}),
    "repository": (REPOSITORY, {}),
    "old": (OLD, RECEIVED),
    "clean": (CLEAN, {}),
    "inventory": (bom({"type": "application", "name": "x"}, []), {}),
}
