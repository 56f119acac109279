"""EVE events, written after Suricata's user guide: alerts with and without an application layer, flows, DNS, HTTP."""

from typing import Any


def event(kind: str = "alert", **fields: Any) -> dict[str, Any]:
    """An event of one connection from outside to a web server."""
    return {
        "timestamp": "2026-03-02T09:13:00.123456+0000",
        "flow_id": 586497171462735,
        "in_iface": "eth1",
        "event_type": kind,
        "src_ip": "203.0.113.9",
        "src_port": 50096,
        "dest_ip": "10.0.0.4",
        "dest_port": 80,
        "proto": "TCP",
        "host": "sensor-1",
        **fields,
    }


SIGNATURE = {
    "action": "allowed",
    "gid": 1,
    "signature_id": 2018358,
    "rev": 10,
    "signature": "ET HUNTING Suspicious POST",
    "category": "Potentially Bad Traffic",
    "severity": 2,
}
HTTP = {"hostname": "shop.example.com", "url": "/login", "http_method": "POST", "status": 200, "protocol": "HTTP/1.1"}
ALERT = event(alert=SIGNATURE, http=HTTP, app_proto="http", tx_id=4)
STATED = event(
    alert=SIGNATURE
    | {
        "gid": 3,
        "action": "blocked",
        "metadata": {"signature_severity": ["Critical"], "mitre_technique_id": ["T1190"], "confidence": ["High"]},
    },
    files=[{"filename": "/a.sh", "sha256": "AB" * 32}],
)
NUMBERS_AS_TEXT = event(alert=SIGNATURE | {"signature_id": "2013504", "gid": "1", "severity": "3"}, src_ip="127.0.0.1")
ASKED = event("alert", alert=SIGNATURE, dns={"query": [{"type": "query", "rrname": "Evil.example.", "rrtype": "A"}]})
FLOW = event("flow", flow={"start": "2026-03-02T09:12:00.000000+0000", "end": "2026-03-02T09:12:59.000000+0000"})
LOOKED_UP = event("dns", dns={"version": 2, "type": "answer", "rrname": "shop.example.com", "rcode": "NXDOMAIN"})
QUERIES = event(
    "dns", dns={"version": 3, "type": "request", "queries": [{"rrname": "shop.example.com", "rrtype": "A"}]}
)
REFUSED = event("http", http=HTTP | {"status": "403"})
TLS = event("tls", tls={"sni": "api.example.com", "version": "TLS 1.3"}, dest_ip="2001:db8::4")
SSH = event("ssh", ssh={"client": {"proto_version": "2.0", "software_version": "libssh_0.9"}, "server": {}})
STATS = {"timestamp": "2026-03-02T09:13:00.123456+0000", "event_type": "stats", "stats": {"uptime": 7}}

SAMPLES: dict[str, tuple[object, dict[str, str]]] = {
    "alert": (ALERT, {}),
    "stated severity": (STATED, {}),
    "numbers as text": (NUMBERS_AS_TEXT, {}),
    "alert on a query": (ASKED, {}),
    "activities": ([FLOW, LOOKED_UP, QUERIES, REFUSED, TLS, SSH], {}),
    "statistics": (STATS, {}),
}
