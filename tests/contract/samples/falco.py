"""Falco alerts, written after its documentation of ``json_output``: flat and nested fields, Falco's own messages."""

from typing import Any

POD = "pay-api-7d9c6b5f4d-x2x7k"


def alert(**fields: Any) -> dict[str, Any]:
    """An alert on a system call in a container."""
    return {
        "hostname": "worker-1",
        "output": "09:13:00.123456789: Critical Shell in a container (user=app command=sh -i pod=" + POD + ")",
        "output_fields": {
            "evt.time": 1772442780123456789,
            "user.name": "app",
            "proc.cmdline": "sh -i",
            "container.id": "c1f3a8646e7f",
            "container.name": "api",
            "container.image.repository": "ghcr.io/acme/pay",
            "container.image.tag": "1.4",
            "container.image.digest": "sha256:" + "0123456789abcdef" * 4,
            "k8s.ns.name": "shop",
            "k8s.pod.name": POD,
            "fd.name": None,
        },
        "priority": "Critical",
        "rule": "Terminal shell in container",
        "source": "syscall",
        "tags": ["T1059", "container", "maturity_stable", "mitre_execution"],
        "time": "2026-03-02T09:13:00.123456789Z",
    } | fields


NESTED = alert(
    rule="Read sensitive file untrusted",
    priority="Warning",
    output="09:13:01.000000000: Warning Sensitive file opened (file=/etc/shadow)",
    output_fields={
        "fd": {"name": "/etc/shadow"},
        "user": {"name": "root"},
        "k8s": {"ns": {"name": "shop"}, "pod": {"name": POD}},
        "container": {"image": {"repository": "docker.io/library/nginx", "tag": "latest"}, "name": "nginx"},
        "proc": {"aname[2]": "systemd"},
    },
)
ON_HOST = alert(
    rule="Outbound connection",
    priority="Notice",
    output_fields={
        "container.id": "host",
        "fd.name": "10.0.0.4:51234->203.0.113.9:4444",
        "fd.rip": "203.0.113.9",
        "user.name": "<NA>",
        "k8s.ns.name": "<NA>",
        "k8s.pod.name": None,
    },
    tags=[],
)
DROPPED = {
    "output": "Falco internal: syscall event drop. 12 system calls dropped in last second.",
    "priority": "Debug",
    "rule": "Falco internal: syscall event drop",
    "time": "2026-03-02T09:13:00.123456789Z",
    "output_fields": {"n_drops": "12"},
    "hostname": "worker-1",
    "source": "internal",
}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "alert": (alert(), {"x-weir-cluster": "prod-eu"}),
    "nested": (NESTED, {}),
    "on a host": (ON_HOST, {}),
    "dropped events": (DROPPED, {}),
    "array": ([alert(), ON_HOST], {}),
    "with uuid": (alert(uuid="7c6d0e52-1f0a-4c55-9f0b-000000000001"), {}),
}
