"""Trivy's JSON report of an image scan.

Source: Trivy ``pkg/types`` (report schema version 2). ``Fingerprint`` identifies a finding in an artifact and is the
natural key of an item; ``ReportID`` that of the report.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from streams.simulate.message import Headers
from streams.simulate.vulnerabilities import SYSTEM, Vulnerability, purl, system_purl
from streams.simulate.world import Service

HEADERS: Headers = (("content-type", b"application/json"),)

_RESULT_TYPE = {
    "npm": ("Node.js", "node-pkg"),
    "pypi": ("Python", "python-pkg"),
    "golang": ("app/server", "gobinary"),
    "maven": ("Java", "jar"),
}


def fingerprint(digest: str, vulnerability: Vulnerability) -> str:
    """The identity of one vulnerability in one image."""
    text = f"{digest}\n{vulnerability.id}\n{vulnerability.package}\n{vulnerability.installed}"
    return "sha256:" + sha256(text.encode()).hexdigest()


def report(
    service: Service,
    digest: str,
    tag: str,
    found: tuple[Vulnerability, ...],
    report_id: str,
    time: datetime,
) -> bytes:
    """The report of a scan that ended at ``time``: the base image's weaknesses, and those ``found`` in the packages."""
    target, kind = _RESULT_TYPE[service.ecosystem]
    return orjson.dumps(
        {
            "SchemaVersion": 2,
            "Trivy": {"Version": "0.69.1"},
            "ReportID": report_id,
            "CreatedAt": time.isoformat(timespec="microseconds")[:26] + "Z",
            "ArtifactID": digest,
            "ArtifactName": f"{service.image}:{tag}",
            "ArtifactType": "container_image",
            "Metadata": {
                "Size": 187_432_960,
                "OS": {"Family": "debian", "Name": "12.4"},
                "ImageID": "sha256:" + sha256(digest.encode()).hexdigest(),
                "RepoTags": [f"{service.image}:{tag}"],
                "RepoDigests": [f"{service.image}@{digest}"],
                "Reference": f"{service.image}:{tag}",
                "ImageConfig": {"architecture": "amd64", "os": "linux"},
            },
            "Results": [
                {
                    "Target": f"{service.image}:{tag} (debian 12.4)",
                    "Class": "os-pkgs",
                    "Type": "debian",
                    "Vulnerabilities": [_item(digest, weakness, system_purl(weakness), None) for weakness in SYSTEM],
                },
                {
                    "Target": target,
                    "Class": "lang-pkgs",
                    "Type": kind,
                    "Vulnerabilities": [
                        _item(digest, weakness, purl(service.ecosystem, weakness), f"app/{weakness.package}")
                        for weakness in found
                    ],
                },
            ],
        }
    )


def _item(digest: str, weakness: Vulnerability, package_url: str, path: str | None) -> dict[str, Any]:
    out: dict[str, Any] = {
        "VulnerabilityID": weakness.id,
        "PkgID": f"{weakness.package}@{weakness.installed}",
        "PkgName": weakness.package,
        "PkgIdentifier": {"PURL": package_url, "UID": sha256(package_url.encode()).hexdigest()[:16]},
        "InstalledVersion": weakness.installed,
    }
    if path is not None:
        out["PkgPath"] = path
    if weakness.fixed:
        out["FixedVersion"] = weakness.fixed
    out |= {
        "Status": "fixed" if weakness.fixed else "will_not_fix",
        "SeveritySource": "nvd",
        "PrimaryURL": f"https://avd.aquasec.com/nvd/{weakness.id.lower()}",
        "Fingerprint": fingerprint(digest, weakness),
        "Title": f"{weakness.package}: {weakness.title}",
        "Description": f"{weakness.title} in {weakness.package} {weakness.installed}",
        "Severity": weakness.severity,
        "CweIDs": [weakness.cwe],
        "CVSS": {"nvd": {"V3Score": weakness.cvss}},
    }
    return out
