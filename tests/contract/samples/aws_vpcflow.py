"""VPC flow logs, written after the VPC user guide."""

from typing import Any

ACCOUNT, ENI = "111122223333", "eni-0123456789abcdef0"

ACCEPTED = f"2 {ACCOUNT} {ENI} 203.0.113.77 10.0.0.12 49152 22 6 20 4249 1772442690 1772442750 ACCEPT OK"
REJECTED = f"2 {ACCOUNT} {ENI} 203.0.113.77 10.0.0.12 49153 3389 6 1 40 1772442690 1772442751 REJECT OK"
NO_DATA = f"2 {ACCOUNT} {ENI} - - - - - - - 1772442690 1772442750 - NODATA"
SKIPPED = f"2 {ACCOUNT} {ENI} - - - - - - - 1772442690 1772442750 - SKIPDATA"
SIX = f"2 {ACCOUNT} {ENI} 2001:db8::1 2001:db8::2 34892 443 6 54 8855 1772442690 1772442752 ACCEPT OK"
DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
CUSTOM = (
    "version vpc-id instance-id interface-id account-id region type srcaddr dstaddr srcport dstport pkt-srcaddr"
    " pkt-dstaddr protocol bytes packets start end action tcp-flags flow-direction log-status"
)
CUSTOM_LINE = (
    f"5 vpc-0123456789abcdef0 i-0123456789abcdef0 {ENI} {ACCOUNT} eu-central-1 IPv4 10.0.0.12 10.0.0.220 49152 443"
    " 10.0.0.12 203.0.113.5 17 967 14 1772442690 1772442753 ACCEPT 19 egress OK"
)
SHORT = "instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr"
RECORD = {
    "version": 2,
    "account_id": ACCOUNT,
    "interface_id": ENI,
    "srcaddr": "203.0.113.77",
    "dstaddr": "10.0.0.12",
    "srcport": 49152,
    "dstport": 22,
    "protocol": 6,
    "packets": 20,
    "bytes": 4249,
    "start": 1772442690,
    "end": 1772442750,
    "action": "ACCEPT",
    "log_status": "OK",
}
SUBSCRIPTION = {
    "messageType": "DATA_MESSAGE",
    "owner": ACCOUNT,
    "logGroup": "flows",
    "logStream": f"{ENI}-all",
    "subscriptionFilters": ["weir"],
    "logEvents": [
        {"id": "3" * 56, "timestamp": 1772442690000, "message": ACCEPTED},
        {"id": "4" * 56, "timestamp": 1772442690000, "message": NO_DATA},
    ],
}

SAMPLES: dict[str, tuple[Any, dict[str, str]]] = {
    "lines of the default format": ("\n".join((ACCEPTED, REJECTED, NO_DATA, SKIPPED, SIX)) + "\n", {}),
    "a file of the default format": (f"{DEFAULT}\n{ACCEPTED}\r\n\n{REJECTED}", {}),
    "a file of a custom format": (f"{CUSTOM}\n{CUSTOM_LINE}\n", {}),
    "without times": (
        f"{SHORT}\n- {ENI} 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5",
        {"x-weir-received": "2026-03-02T09:13:00Z"},
    ),
    "a record of a Parquet file": (RECORD, {}),
    "records with hyphens": (
        [{name.replace("_", "-"): str(value) for name, value in RECORD.items()}, {**RECORD, "srcport": 1}],
        {},
    ),
    "a subscription of CloudWatch Logs": (SUBSCRIPTION, {}),
}
