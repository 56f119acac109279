"""ECS documents, written after the schema's reference: events, alerts, posture; nested, with dots, as a hit."""

from typing import Any


def event(**fields: Any) -> dict[str, Any]:
    """A login that worked."""
    return {
        "@timestamp": "2026-03-02T09:13:00.123Z",
        "ecs": {"version": "8.11.0"},
        "event": {
            "kind": "event",
            "category": ["authentication"],
            "type": ["start"],
            "action": "user_login",
            "outcome": "success",
            "dataset": "system.auth",
            "module": "system",
            "id": "e-1",
        },
        "user": {"name": "ann", "id": "1000"},
        "source": {"ip": "203.0.113.9", "port": 4022},
        "host": {"name": "Web-1.example.com", "ip": ["10.0.0.4", "172.17.0.1"]},
        "message": "Accepted publickey for ann from 203.0.113.9 port 4022",
        "data_stream": {"type": "logs", "dataset": "system.auth", "namespace": "prod"},
        **fields,
    }


FAILED = event(
    event={
        "kind": "event",
        "category": ["authentication"],
        "type": ["start"],
        "outcome": "failure",
        "reason": "bad password",
        "module": "system",
    },
    user={"name": "root"},
    source={"ip": "::1"},
)
ROLE = {
    "@timestamp": "2026-03-02T09:14:00Z",
    "event": {
        "kind": "event",
        "category": ["iam"],
        "type": ["user", "change"],
        "action": "AttachUserPolicy",
        "outcome": "success",
        "dataset": "aws.cloudtrail",
        "provider": "iam.amazonaws.com",
        "id": "c-1",
    },
    "cloud": {"provider": "aws", "account": {"id": "111122223333"}, "region": "eu-central-1"},
    "user": {"id": "arn:aws:iam::111122223333:user/ann", "name": "ann", "target": {"name": "bob"}},
    "user_agent": {"original": "aws-cli/2.15.0 Python/3.11"},
    "source": {"ip": "203.0.113.9"},
}
ALERT = {
    "@timestamp": "2026-03-02T09:13:05.000Z",
    "event.kind": "signal",
    "event.category": ["process"],
    "kibana.alert.uuid": "a1",
    "kibana.alert.rule.uuid": "5f1b",
    "kibana.alert.rule.rule_id": "r-7",
    "kibana.alert.rule.name": "Shell from a web server",
    "kibana.alert.severity": "high",
    "kibana.alert.risk_score": 73,
    "kibana.alert.reason": "process event with sh by www-data on web-1",
    "kibana.alert.workflow_status": "open",
    "host.name": "web-1",
    "user.name": "www-data",
    "process.hash.sha256": "AB" * 32,
    "threat.technique.id": ["T1059"],
}
DETECTED = event(
    event={
        "kind": "alert",
        "category": ["intrusion_detection"],
        "module": "ids",
        "risk_score_norm": 40,
        "severity": 1,
    },
    rule={"id": "2018358", "name": "Suspicious POST"},
    orchestrator={
        "cluster": {"name": "prod-eu"},
        "namespace": "shop",
        "resource": {"name": "pay-api-7d9c6b5f4d-x2x7k", "type": "pod"},
    },
    container={"image": {"name": "ghcr.io/acme/pay", "tag": ["1.4"], "hash": {"all": ["sha256:" + "0" * 64]}}},
)
VULNERABLE = event(
    event={"kind": "alert", "category": ["vulnerability"], "module": "scanner"},
    vulnerability={"id": "cve-2026-1111", "severity": "Critical", "score": {"base": 9.8}},
    package={"name": "openssl", "version": "3.0.2", "type": "deb"},
)
POSTURE = event(
    event={"kind": "state", "category": ["configuration"], "type": ["info"], "module": "cloud_security_posture"},
    result={"evaluation": "failed"},
    resource={"id": "arn:aws:s3:::acme-logs", "name": "acme-logs", "type": "cloud-storage"},
    rule={"id": "cis-2.1.1", "name": "Buckets deny HTTP", "remediation": "Add a policy."},
)
METRIC = event(event={"kind": "metric", "module": "system"})

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "event": (event(), {}),
    "failed": (FAILED, {}),
    "change": (ROLE, {}),
    "alert with dots": (ALERT, {}),
    "alert": (DETECTED, {}),
    "vulnerability": (VULNERABLE, {}),
    "posture": ([POSTURE, POSTURE | {"result": {"evaluation": "passed"}}], {}),
    "metric": (METRIC, {}),
    "hit": ({"_index": "logs-system.auth-prod", "_id": "x", "_source": event()}, {}),
}
