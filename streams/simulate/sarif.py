"""A code scan as a SARIF log.

Source: SARIF 2.1.0, sections 3.14 (run), 3.27 (result), 3.23 (versionControlDetails); ``security-severity`` is GitHub
code scanning's property. The natural key of a result is its ``guid``.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from streams.simulate.message import Headers
from streams.simulate.world import Service

HEADERS: Headers = (("content-type", b"application/sarif+json"),)


class Weakness(NamedTuple):
    """A rule of the scanner."""

    rule: str
    name: str
    level: str
    security_severity: str
    text: str
    file: str


RULES = (
    Weakness(
        "js/sql-injection", "SqlInjection", "error", "8.8", "Query built from user-controlled source", "src/db/query"
    ),
    Weakness(
        "js/path-injection", "PathInjection", "error", "7.5", "Path depends on user-provided value", "src/files/read"
    ),
    Weakness(
        "js/log-injection", "LogInjection", "warning", "5.3", "Log entry depends on user-provided value", "src/log"
    ),
    Weakness("js/weak-hash", "WeakHash", "warning", "4.0", "Broken hash used on sensitive data", "src/session/token"),
    Weakness("js/unused-csrf", "MissingCsrf", "note", "3.1", "Cookie middleware without request token", "src/http/app"),
)

_SUFFIX = {"npm": "ts", "pypi": "py", "golang": "go", "maven": "java"}


def log(service: Service, sha: str, found: tuple[tuple[Weakness, str], ...], run_id: str, time: datetime) -> bytes:
    """The log of a scan of commit ``sha`` that ended at ``time``; ``found`` pairs a weakness with its result's guid."""
    rules = [weakness for weakness, _ in found]
    return orjson.dumps(
        {
            "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "harbourlint",
                            "semanticVersion": "2.14.0",
                            "informationUri": "https://lint.harbour.example/",
                            "rules": [_rule(weakness) for weakness in rules],
                        }
                    },
                    "automationDetails": {"id": f"{service.name}/main/", "guid": run_id},
                    "versionControlProvenance": [
                        {
                            "repositoryUri": f"https://github.com/{service.repository}",
                            "revisionId": sha,
                            "branch": "main",
                        }
                    ],
                    "invocations": [
                        {
                            "executionSuccessful": True,
                            "endTimeUtc": time.isoformat(timespec="milliseconds")[:23] + "Z",
                        }
                    ],
                    "columnKind": "utf16CodeUnits",
                    "results": [
                        _result(service, weakness, guid, number) for number, (weakness, guid) in enumerate(found)
                    ],
                }
            ],
        }
    )


def _rule(weakness: Weakness) -> dict[str, Any]:
    return {
        "id": weakness.rule,
        "name": weakness.name,
        "shortDescription": {"text": weakness.text},
        "defaultConfiguration": {"level": weakness.level},
        "properties": {"security-severity": weakness.security_severity, "tags": ["security"]},
    }


def _result(service: Service, weakness: Weakness, guid: str, number: int) -> dict[str, Any]:
    file = f"{weakness.file}.{_SUFFIX[service.ecosystem]}"
    fingerprint = sha256(f"{service.repository}\n{weakness.rule}\n{file}".encode()).hexdigest()
    return {
        "guid": guid,
        "ruleId": weakness.rule,
        "ruleIndex": number,
        "level": weakness.level,
        "message": {"text": weakness.text},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": file, "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 20 + int(fingerprint[:2], 16), "startColumn": 9},
                }
            }
        ],
        "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint[:16]}:1"},
    }
