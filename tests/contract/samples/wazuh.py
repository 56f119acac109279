"""Wazuh alerts, written after its documentation: a log line, file integrity, a vulnerability, a check, a search hit."""

from typing import Any


def alert(rule: str = "5710", level: int = 5, **fields: Any) -> dict[str, Any]:
    """An alert of the agent web-1."""
    return {
        "timestamp": "2026-03-02T09:13:00.123+0000",
        "rule": {
            "level": level,
            "description": "sshd: Attempt to login using a non-existent user",
            "id": rule,
            "mitre": {"id": ["T1110.001"], "tactic": ["Credential Access"], "technique": ["Password Guessing"]},
            "firedtimes": 3,
            "mail": False,
            "groups": ["syslog", "sshd", "authentication_failed"],
        },
        "agent": {"id": "004", "name": "web-1", "ip": "10.0.0.4"},
        "manager": {"name": "wazuh-master"},
        "cluster": {"name": "wazuh", "node": "node-1"},
        "id": "1772442780.49031",
        "full_log": "Mar  2 09:13:00 web-1 sshd[11]: Invalid user ann from 203.0.113.9 port 4022",
        "predecoder": {"program_name": "sshd", "timestamp": "Mar  2 09:13:00", "hostname": "web-1"},
        "decoder": {"parent": "sshd", "name": "sshd"},
        "data": {"srcip": "203.0.113.9", "srcport": "4022", "srcuser": "ann"},
        "location": "/var/log/auth.log",
        **fields,
    }


FILE = alert(
    "550",
    7,
    data=None,
    full_log=None,
    syscheck={"path": "/etc/passwd", "event": "modified", "audit": {"user": {"name": "bob"}}},
    location="syscheck",
)
VULNERABLE = alert(
    "23505",
    10,
    data={
        "vulnerability": {
            "cve": "CVE-2026-1111",
            "severity": "High",
            "status": "Active",
            "package": {"name": "openssl", "version": "3.0.2", "architecture": "amd64"},
            "cvss": {"cvss3": {"base_score": "7.5"}},
        }
    },
)
SOLVED = alert(
    "23502", 3, id="1772442781.1", data={"vulnerability": VULNERABLE["data"]["vulnerability"] | {"status": "Solved"}}
)
CHECK = {"id": "28501", "title": "Ensure /tmp is a separate partition", "result": "failed", "remediation": "Mount it."}
FAILED = alert("19007", 7, data={"sca": {"type": "check", "policy": "CIS", "check": CHECK}})
SUMMARY = alert("19005", 9, data={"sca": {"type": "summary", "policy": "CIS", "score": "40"}})
WINDOWS = alert(
    "60122",
    5,
    agent={"id": "000", "name": "wazuh-master"},
    predecoder=None,
    data={"win": {"eventdata": {"targetUserName": "ann", "subjectUserName": "WEB-1$", "ipAddress": "::1"}}},
)
INDEXED = {
    "_index": "wazuh-alerts-4.x-2026.03.02",
    "_id": "RULbFJQB1dQzvit6xJxR",
    "_source": {
        "@timestamp": "2026-03-02T09:13:00.123Z",
        "rule": {"level": 3, "description": "ClamAV database update", "id": "52507", "groups": ["clamd"]},
        "agent": {"id": "18", "name": "mail"},
        "manager": {"name": "wazuh.manager"},
        "decoder": {"name": "freshclam"},
        "location": "/var/log/syslog",
    },
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "log line": (alert(), {}),
    "file": (FILE, {}),
    "vulnerability": (VULNERABLE, {}),
    "solved": (SOLVED, {}),
    "checks": ([FAILED, SUMMARY], {}),
    "windows": (WINDOWS, {}),
    "indexed": (INDEXED, {}),
}
