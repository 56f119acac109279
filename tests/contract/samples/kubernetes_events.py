"""Kubernetes Events, written after the API reference: both versions, a list, a watch, and as Metricbeat ships them."""

from typing import Any

POD = "pay-api-7d9c6b5f4d-x2x7k"


def event(reason: str, message: str, kind: str = "Pod", name: str = POD, **fields: Any) -> dict[str, Any]:
    """A ``v1`` Event."""
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {
            "name": f"{name}.17f0c3d2a1b4e596",
            "namespace": "shop",
            "uid": "0c0f3b7e-9d53-4be2-8a5b-6d1f00000001",
            "creationTimestamp": "2026-03-02T09:12:00Z",
        },
        "involvedObject": {"kind": kind, "namespace": "shop", "name": name, "uid": "b2f9", "apiVersion": "v1"},
        "reason": reason,
        "message": message,
        "source": {"component": "kubelet", "host": "worker-1"},
        "firstTimestamp": "2026-03-02T09:12:00Z",
        "lastTimestamp": "2026-03-02T09:13:00Z",
        "count": 3,
        "type": "Normal",
        "eventTime": None,
        "reportingComponent": "kubelet",
        "reportingInstance": "worker-1",
    } | fields


OOM = event(
    "OOMKilling",
    "Memory cgroup out of memory: Killed process 4711 (java)",
    "Node",
    "worker-1",
    type="Warning",
    involvedObject={"kind": "Node", "name": "worker-1", "uid": "worker-1"},
)
PULL = event(
    "Failed",
    'Failed to pull image "ghcr.io/acme/pay:1.5": rpc error: code = NotFound',
    type="Warning",
)
PULLED = event("Pulled", 'Successfully pulled image "ghcr.io/acme/pay:1.5" in 1.2s (1.2s including waiting)')
SCALED = event(
    "ScalingReplicaSet",
    "Scaled up replica set pay-api-7d9c6b5f4d from 0 to 1",
    "Deployment",
    "pay-api",
    source={"component": "deployment-controller"},
)
NEWER = {
    "kind": "Event",
    "apiVersion": "events.k8s.io/v1",
    "metadata": {
        "name": "pay-api.17f0c3d2a1b4e597",
        "namespace": "shop",
        "uid": "0c0f3b7e-0000-4be2-8a5b-6d1f00000002",
    },
    "eventTime": "2026-03-02T09:13:00.123456Z",
    "series": {"count": 5, "lastObservedTime": "2026-03-02T09:14:00.000001Z"},
    "reportingController": "horizontal-pod-autoscaler",
    "reportingInstance": "hpa-1",
    "action": "Rescale",
    "reason": "SuccessfulRescale",
    "regarding": {"kind": "HorizontalPodAutoscaler", "namespace": "shop", "name": "pay-api"},
    "note": "New size: 5; reason: cpu resource utilization above target",
    "type": "Normal",
}
BEAT = {
    "@timestamp": "2026-03-02T09:13:01.000Z",
    "kubernetes": {
        "event": {
            "count": 1,
            "involved_object": {"api_version": "v1", "kind": "Pod", "name": POD, "uid": "b2f9"},
            "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
            "metadata": {
                "name": f"{POD}.17f0",
                "namespace": "shop",
                "timestamp": {"created": "2026-03-02T09:13:00Z", "deleted": ""},
                "uid": "0c0f3b7e-0000-4be2-8a5b-6d1f00000003",
            },
            "reason": "Unhealthy",
            "timestamp": {"first_occurrence": "2026-03-02T09:13:00Z", "last_occurrence": "2026-03-02T09:13:00Z"},
            "type": "Warning",
        }
    },
    "metricset": {"module": "kubernetes", "name": "event"},
}


def bare(given: dict[str, Any], number: int) -> dict[str, Any]:
    """An item of a typed list, with a uid of its own."""
    metadata = given["metadata"] | {"uid": f"uid-{number}"}
    return {name: value for name, value in given.items() if name not in ("kind", "apiVersion")} | {"metadata": metadata}


SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "out of memory": (OOM, {"x-weir-cluster": "prod-eu"}),
    "list": (
        {
            "kind": "EventList",
            "apiVersion": "v1",
            "metadata": {"resourceVersion": "1"},
            "items": [bare(each, number) for number, each in enumerate((PULL, PULLED, SCALED))],
        },
        {},
    ),
    "watch": ({"type": "ADDED", "object": SCALED}, {}),
    "gone": ({"type": "DELETED", "object": SCALED}, {}),
    "array": ([OOM, SCALED], {}),
    "events.k8s.io/v1": (NEWER, {}),
    "metricbeat": (BEAT, {}),
}
