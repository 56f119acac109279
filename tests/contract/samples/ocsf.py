"""OCSF findings, written after the schema (1.1 to 1.8): one of each class, an array and EventBridge's envelope."""

from typing import Any


def event(class_uid: int, uid: str, **fields: Any) -> dict[str, Any]:
    """The attributes that every finding has."""
    return {
        "activity_id": 1,
        "category_uid": 2,
        "class_uid": class_uid,
        "type_uid": class_uid * 100 + 1,
        "time": 1772442780250,
        "severity_id": 4,
        "status_id": 1,
        "metadata": {
            "version": "1.5.0",
            "uid": uid,
            "product": {"name": "Watchtower", "vendor_name": "Acme"},
            "profiles": ["cloud", "host"],
        },
        "finding_info": {
            "uid": f"finding-{uid}",
            "title": "Role used from a new network",
            "types": ["Credential Access"],
            "analytic": {"uid": "wt-17", "name": "New network for a role", "type_id": 1},
        },
        "cloud": {"provider": "AWS", "region": "eu-west-1", "account": {"uid": "111122223333", "type_id": 10}},
        **fields,
    }


DETECTION = event(
    2004,
    "evt-1",
    message="pay was used from 198.51.100.7",
    resources=[
        {"uid": "arn:aws:s3:::acme-invoices", "type": "AwsS3Bucket"},
        {"uid": "arn:aws:iam::111122223333:role/service/pay", "type": "AwsIamRole"},
        {"name": "pay", "namespace": "shop", "type": "Deployment", "uid": "7d0c"},
    ],
    device={"type_id": 1, "hostname": "Web-1", "ip": "10.0.0.5", "instance_uid": "i-0abc"},
    actor={
        "user": {
            "name": "pay",
            "uid_alt": "arn:aws:sts::111122223333:assumed-role/pay/s1",
            "credential_uid": "ASIAEXAMPLE",
        },
        "session": {"uid": "s1"},
    },
    evidences=[
        {
            "src_endpoint": {"ip": "198.51.100.7"},
            "dst_endpoint": {"hostname": "sts.amazonaws.com", "uid": "arn:aws:s3:::acme-logs"},
            "container": {
                "image": {"name": "ghcr.io/acme/pay", "tag": "1.4", "uid": "sha256:" + "0123456789abcdef" * 4}
            },
            "file": {"path": "/tmp/x", "name": "x", "type_id": 1},
            "url": {"url_string": "https://example.com/x"},
        }
    ],
    observables=[
        {"name": "src_endpoint.ip", "type_id": 2, "value": "198.51.100.7"},
        {"name": "file.hashes", "type_id": 8, "value": "AB" * 32},
        {"name": "resources.uid", "type_id": 10, "value": "arn:aws:s3:::acme-invoices"},
        {"name": "actor.user", "type_id": 21},
    ],
    remediation={"desc": "Rotate the role's sessions"},
)

VULNERABILITY = event(
    2002,
    "evt-2",
    severity_id=99,
    severity="High",
    vulnerabilities=[
        {
            "cve": {"uid": "CVE-2026-1111", "cvss": [{"version": "3.1", "base_score": 8.1}]},
            "severity": "High",
            "title": "openssl: overflow",
            "affected_packages": [
                {
                    "name": "openssl",
                    "version": "3.0.15",
                    "purl": "pkg:deb/debian/openssl@3.0.15?arch=amd64",
                    "fixed_in_version": "3.0.16",
                },
                {"name": "libssl3", "version": "3.0.15", "package_manager": "dpkg"},
            ],
            "related_vulnerabilities": ["GHSA-aaaa-bbbb-cccc"],
        },
        {"cwe": {"uid": "CWE-79"}, "desc": "Reflected input"},
    ],
)


def happened(class_uid: int, uid: str, activity_id: int = 1, **fields: Any) -> dict[str, Any]:
    """An event that is no finding."""
    given = event(class_uid, uid, activity_id=activity_id, category_uid=class_uid // 1000, severity_id=1, **fields)
    del given["finding_info"]
    return given


CALL = happened(
    6003,
    "evt-10",
    class_name="API Activity",
    activity_name="Create",
    api={"operation": "CreateUser", "service": {"name": "iam.amazonaws.com"}, "request": {"uid": "r-1"}},
    actor={"user": {"uid_alt": "arn:aws:iam::111122223333:user/ann", "name": "ann", "type_id": 1}},
    src_endpoint={"ip": "198.51.100.7"},
    http_request={"user_agent": "aws-cli/2.15.0 Python/3.11"},
)
LOGON = happened(
    3002,
    "evt-11",
    class_name="Authentication",
    activity_name="Logon",
    status_id=2,
    status_detail="Invalid password",
    user={"name": "ann", "email_addr": "ann@acme.example"},
    src_endpoint={"ip": "198.51.100.7"},
)
ACCOUNT = happened(
    3001, "evt-12", 7, class_name="Account Change", user={"name": "bob"}, actor={"user": {"name": "ann"}}
)
PROCESS = happened(1007, "evt-13", message="sh -i was started", device={"hostname": "web-1"}, actor={})
LOOKUP = happened(
    4003, "", metadata={"version": "1.3.0", "product": {"name": "dns"}}, query={"hostname": "Evil.example."}
)
COMPLIANCE = event(2003, "evt-14", compliance={"control": "S3.5", "status_id": 3, "standards": ["CIS"]})

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "detection": (DETECTION, {}),
    "vulnerabilities": (VULNERABILITY, {}),
    "array": (
        [
            event(2004, "evt-3", activity_id=3, status_id=4),
            event(2004, "evt-4", status_code="PASS"),
            event(3002, "evt-5"),
            event(2004, "", metadata={"version": "1.1.0", "event_code": "check_x", "product": {"name": "Prowler"}}),
        ],
        {},
    ),
    "activities": ([CALL, LOGON, ACCOUNT, PROCESS, LOOKUP], {}),
    "compliance": (COMPLIANCE, {}),
    "EventBridge": ({"detail-type": "Findings Imported V2", "detail": {"findings": [DETECTION]}}, {}),
}
