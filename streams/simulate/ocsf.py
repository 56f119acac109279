"""Alerts of a runtime detector as OCSF Detection Findings.

Source: OCSF 1.6.0, class 2004 with the profiles ``cloud`` and ``container``. ``metadata.uid`` is the natural key: one a
record, while ``finding_info.uid`` names the finding.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import orjson

from streams.simulate.chance import Chance, hexadecimal
from streams.simulate.message import Headers
from streams.simulate.world import ACCOUNT, CLUSTER, REGION, Service, ServiceUser

HEADERS: Headers = (("content-type", b"application/json"),)

_SEVERITY = ("Unknown", "Informational", "Low", "Medium", "High", "Critical", "Fatal")


class Detection(NamedTuple):
    """A rule of the detector; severity as OCSF ``severity_id``."""

    rule: str
    title: str
    severity: int
    technique: str
    command: str = ""


OUTBOUND = Detection("RT-014", "Outbound connection to an address never contacted before", 4, "T1071")
SHELL = Detection("RT-003", "Shell spawned in a container", 4, "T1059", "/bin/sh -c id; uname -a")
DROPPED = Detection("RT-021", "Executable written and started at run time", 5, "T1105", "/opt/.x/upd -d")
SECRETS = Detection(
    "RT-030", "Service account token read by an unexpected process", 4, "T1552", "cat /var/run/secrets/token"
)
MINER = Detection("RT-042", "Process talks to a mining pool", 5, "T1496", "/opt/.x/upd -o pool:3333")
BRUTE_FORCE = Detection("NT-007", "Many failed SSH logins from one address", 4, "T1110")
LOGIN = Detection("NT-009", "SSH login after many failures", 5, "T1078")
STOLEN_KEY = Detection("CT-005", "Access key used from a network never seen", 4, "T1078")
STUFFING = Detection("WA-011", "Credential stuffing against the login form", 4, "T1110")
SCAN = Detection("WA-002", "Scan for known vulnerable paths", 3, "T1595")
INJECTION = Detection("WA-017", "SQL injection attempt", 4, "T1190")
NOISE = (
    Detection("RT-050", "Package manager started in a container", 2, "T1072", "apt-get update"),
    Detection("RT-051", "Configuration file changed at run time", 2, "T1565", "sed -i /etc/app.conf"),
    Detection("WA-001", "Request blocked by rate limit", 1, "T1499"),
    Detection("RT-052", "Debugger attached", 3, "T1055", "strace -p 1"),
)


def finding(
    service: Service,
    detection: Detection,
    uid: str,
    time: datetime,
    rng: Chance,
    *,
    image_digest: str | None = None,
    source: str | None = None,
    target: str | None = None,
    user: ServiceUser | None = None,
    count: int = 1,
    also: tuple[Service, str] | None = None,
) -> bytes:
    """One finding about a service: ``source`` is the address it came from, ``target`` the one it went to.

    ``also`` is a further service among its resources, and the image digest that this one runs. With ``user`` it is
    about the use of that user's key, and the user is the resource.
    """
    milliseconds = int(time.timestamp() * 1000)
    profiles = ["cloud"]
    evidence: dict[str, Any] = {}
    if service.runtime == "kubernetes" and user is None:
        profiles.append("container")
        container: dict[str, Any] = {
            "uid": hexadecimal(rng, 12),
            "name": service.name,
            "orchestrator": "Kubernetes",
            "image": {"name": service.image, "uid": image_digest or service.image},
        }
        evidence["container"] = container
    if detection.command:
        name = detection.command.split()[0].rpartition("/")[2]
        evidence["process"] = {"pid": rng.randrange(200, 32000), "name": name, "cmd_line": detection.command}
    if source is not None:
        evidence["src_endpoint"] = {"ip": source, "port": rng.randrange(1024, 65000)}
    if target is not None:
        evidence["dst_endpoint"] = {"ip": target, "port": rng.choice((443, 3333, 8080))}
        evidence["connection_info"] = {"direction_id": 2, "protocol_name": "tcp"}
    if user is not None:
        evidence["actor"] = {"user": {"uid": user.arn, "name": user.name, "credential_uid": user.access_key}}
        evidence["api"] = {"operation": "GetCallerIdentity", "service": {"name": "sts.amazonaws.com"}}
    elif source is not None and target is None:
        evidence["dst_endpoint"] = {"ip": service.address, "hostname": service.hostname}
    if not evidence.keys() - {"container"}:
        evidence["device"] = {"type_id": 1, "ip": service.address, "hostname": service.hostname}
    out: dict[str, Any] = {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2004,
        "class_name": "Detection Finding",
        "type_uid": 200401,
        "type_name": "Detection Finding: Create",
        "time": milliseconds,
        "severity_id": detection.severity,
        "severity": _SEVERITY[detection.severity],
        "status_id": 1,
        "status": "New",
        "is_alert": detection.severity >= 3,
        "message": f"{detection.title}: {service.name}",
        "count": count,
        "metadata": {
            "uid": uid,
            "version": "1.6.0",
            "profiles": profiles,
            "event_code": detection.rule,
            "product": {"name": "Lookout Runtime", "vendor_name": "Example Security", "version": "4.2.1"},
            "logged_time": milliseconds + 180,
        },
        "finding_info": {
            "uid": f"{detection.rule}-{uid[:18]}",
            "title": detection.title,
            "desc": f"{detection.title} ({detection.rule})",
            "created_time": milliseconds,
            "analytic": {"uid": detection.rule, "name": detection.title, "type_id": 1, "type": "Rule"},
            "attacks": [{"version": "16.1", "technique": {"uid": detection.technique}}],
        },
        "cloud": {"provider": "AWS", "region": REGION, "account": {"uid": ACCOUNT, "type_id": 10}},
        "resources": _resources(service) if user is None else [_user(user)],
        "evidences": [evidence],
    }
    if also is not None:
        other, digest = also
        out["resources"] += _resources(other)
        if other.runtime == "kubernetes":
            image = {"name": other.image, "uid": digest}
            out["evidences"].append({"container": {"name": other.name, "image": image}})
    return orjson.dumps(out)


def _user(user: ServiceUser) -> dict[str, Any]:
    return {"uid": user.arn, "name": user.name, "type": "AWS::IAM::User"}


def _resources(service: Service) -> list[dict[str, Any]]:
    role = {"uid": service.role_arn, "name": service.role, "type": "AWS::IAM::Role"}
    if service.runtime == "kubernetes":
        workload = {
            "uid": f"{CLUSTER}/{service.system}/deployment/{service.name}",
            "name": service.name,
            "type": "Deployment",
            "namespace": service.system,
        }
        return [workload, role]
    if service.runtime == "lambda":
        return [{"uid": service.function_arn, "name": service.name, "type": "AWS::Lambda::Function"}, role]
    instance = {
        "uid": service.instance_arn,
        "name": service.hostname,
        "hostname": service.hostname,
        "ip": service.address,
        "type": "AWS::EC2::Instance",
    }
    return [instance, {"uid": service.security_group_arn, "type": "AWS::EC2::SecurityGroup"}]
