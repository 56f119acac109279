"""Documents for ``mapping_sample.toml``: two findings, a change, a sign-in, what is ignored, and nothing at all."""

from typing import Any

RECEIVED = {"x-weir-received": "2026-03-02T09:13:00Z"}

ALERT: dict[str, Any] = {
    "type": "alert",
    "number": 7,
    "seen": 1772442780123,
    "rule": {"name": "R-1", "text": "Odd process", "level": "High"},
    "state": "new",
    "service": "pay",
    "host": {"name": "Web-1.example.com"},
    "peers": [{"address": "198.51.100.7"}, {"address": "2001:db8::1"}],
    "k8s": {"pod.namespace": "shop", "workload": "pay"},
}
WEAKNESS: dict[str, Any] = {
    "type": "cve",
    "number": 8,
    "seen": 1772442781000,
    "cve": "cve-2026-1000",
    "rule": {"text": "Overflow", "level": "unheard of"},
    "score": 9.1,
    "exploited": "YES",
    "also": ["GHSA-jfh8-c2jp-5v3q"],
    "purl": "pkg:pypi/some_thing@1.0",
}
CHANGE: dict[str, Any] = {
    "at": "02/Mar/2026:10:13:00",
    "change": {"what": "release", "by": "ann", "result": "ok", "repo": "acme/pay", "commit": "AB12" * 10},
}
LOGIN: dict[str, Any] = {
    "type": "login.web",
    "uid": "u-1",
    "user": {"mail": "Ann@Example.com"},
    "ok": False,
    "read": True,
    "level": "info",
    "from": "203.0.113.9",
}


def export(*records: dict[str, Any]) -> dict[str, Any]:
    """The product's file."""
    return {"export": {"product": "Sampler", "tenant": "acme", "records": list(records)}}


SAMPLES = {
    "all": (export(ALERT, WEAKNESS, CHANGE, LOGIN, {"type": "heartbeat"}), RECEIVED),
    "array": ([export(ALERT), export(CHANGE)], RECEIVED),
    "nothing": (export(), RECEIVED),
}
