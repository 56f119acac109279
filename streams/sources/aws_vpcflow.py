"""Amazon VPC flow logs: every accepted or rejected flow is an activity.

A document is text of one or more lines, or JSON with the fields' names as a Parquet file has them (one record or an
array), or what a CloudWatch Logs subscription delivers (``logEvents[].message``). Text begins with a line of field
names, as files in S3 do, or is in the default format: version 2, fourteen fields. For lines of a custom format without
that line, the record header ``x-weir-fields`` names the fields (``${srcaddr} ${dstaddr} …``).

- Time: ``end``, when the last packet came; a custom format without it takes the broker's time.
- Identity: interface, both ends, protocol, start, end and action; records have no id.
- Outcome: REJECT is a failure. NODATA and SKIPDATA are ignored; the latter says that flows are missing.
- Lateness: a window of up to ten minutes, then about ten more to S3.
- Entities: the packet's own addresses (``pkt-``) beside the interface's, so that what is behind a NAT gateway links.
  The interface is an ARN where the region is known.

Source: VPC user guide, "Flow log records" and "Flow log record examples".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, Final, NamedTuple

from streams.sources.aws_envelope import account_of
from streams.sources.aws_names import partition_of
from streams.sources.base import ActivityDraft, EntityDraft, Ignored, Malformed, Reading
from streams.sources.fields import address, instant
from streams.sources.memo import Memo
from streams.sources.scan import RECEIVED

FIELDS: Final = "x-weir-fields"
"""Record header: the fields of lines that bring no line of names."""

DEFAULT: Final = (
    "version", "account_id", "interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets",
    "bytes", "start", "end", "action", "log_status",
)  # fmt: skip
_NAME = re.compile(r"(?:\$\{)?([a-z][a-z0-9]*(?:[-_][a-z0-9]+)*)\}?")
_ENDS = 10**11
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "47": "gre", "50": "esp", "58": "icmp6", "132": "sctp"}
_NEEDED = ("interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end")
_MORE = ("action", "log_status", "account_id", "pkt_srcaddr", "pkt_dstaddr", "instance_id", "region")
_READ: Final = _NEEDED + _MORE

_Row = tuple[str, ...]
"""The values of ``_READ``, ``-`` where a record has none."""


class VpcFlow:
    """The source ``aws.vpcflow``; actions are ``vpc:AcceptFlow`` and ``vpc:RejectFlow``."""

    name = "aws.vpcflow"
    lateness = timedelta(minutes=20)

    def recognise(self, document: object, headers: Mapping[str, str]) -> bool:
        """By the first line of a text, the names of an object, or the first message of a subscription."""
        if type(document) is str:
            first = document[:4096].lstrip().partition("\n")[0].split()
            return _is_default(first) or _is_names(first) or (FIELDS in headers and bool(first))
        record = document[0] if type(document) is list and document else document
        if type(record) is not dict:
            return False
        if "srcaddr" in record and "dstaddr" in record:
            return "interface-id" in record or "interface_id" in record or "log_status" in record
        events = record.get("logEvents")
        if type(events) is not list or "logGroup" not in record:
            return False
        message = events[0].get("message") if events and type(events[0]) is dict else None
        return type(message) is str and _is_default(message[:4096].split())

    def read(self, document: object, headers: Mapping[str, str]) -> Iterator[Reading]:
        """Every record; the line of names and blank lines are no items."""
        received = instant(headers.get(RECEIVED))
        if type(document) is str:
            return _read_text(document, headers.get(FIELDS), received)
        if type(document) is dict and type(document.get("logEvents")) is list:
            return _read_messages(document["logEvents"], headers.get(FIELDS), received)
        return _read_objects(document if type(document) is list else [document], received)


def _is_default(words: list[str]) -> bool:
    return len(words) == 14 and words[0] == "2" and words[13] in ("OK", "NODATA", "SKIPDATA")


def _is_names(words: list[str]) -> bool:
    return len(words) > 2 and "srcaddr" in words and "dstaddr" in words and all(map(_NAME.fullmatch, words))


def _names(words: list[str]) -> tuple[str, ...]:
    """Field names as ``_READ`` spells them: Parquet has underscores for the text's hyphens."""
    return tuple(found[1].replace("-", "_") if (found := _NAME.fullmatch(word)) else "" for word in words)


class _Format(NamedTuple):
    """How many fields a line has, and what takes those of ``_READ`` from them and one ``-`` for what it lacks."""

    width: int
    take: Callable[[list[str]], _Row]


def _format(names: tuple[str, ...]) -> _Format:
    places = [names.index(name) if name in names else len(names) for name in _READ]
    return _Format(len(names), itemgetter(*places))


_DEFAULT = _format(DEFAULT)


def _read_text(lines: str, fields: str | None, received: str | None) -> Iterator[Reading]:
    width, take = _format(_names(fields.split())) if fields else _DEFAULT
    item = -1
    for number, line in enumerate(lines.split("\n"), start=1):
        words = line.split()
        if len(words) == width:
            words.append("-")
            reading = _flow(take(words), received)
            if type(reading) is dict:
                item += 1
                yield item, reading
                continue
            del words[-1]
        elif not words:
            continue
        else:
            reading = Malformed("", f"{len(words)} fields where there should be {width}")
        if _is_names(words):
            width, take = _format(_names(words))
            continue
        item += 1
        yield item, _placed(reading, f"line {number}")


def _placed(reading: ActivityDraft | Ignored | Malformed, place: str) -> ActivityDraft | Ignored | Malformed:
    """The reading with its place in the document, if it is a refusal."""
    if not isinstance(reading, Malformed) or not place:
        return reading
    return Malformed(f"{place}.{reading.place}" if reading.place else place, reading.reason)


def _read_messages(events: list[Any], fields: str | None, received: str | None) -> Iterator[Reading]:
    for item, event in enumerate(events):
        message = event.get("message") if type(event) is dict else None
        if type(message) is not str:
            yield item, Malformed(f"logEvents[{item}].message", "not a text")
            continue
        readings = [reading for _, reading in _read_text(message, fields, received)]
        if not readings:
            yield item, Ignored("no record")
        for reading in readings[:1]:
            yield item, reading
        if len(readings) > 1:
            yield item, Malformed(f"logEvents[{item}].message", "more than one record")


def _read_objects(records: list[Any], received: str | None) -> Iterator[Reading]:
    for item, record in enumerate(records):
        place = f"[{item}]" if len(records) > 1 else ""
        if type(record) is not dict:
            yield item, Malformed(place, "not an object")
            continue
        row = []
        for name in _READ:
            value = record.get(name)
            if value is None:
                value = record.get(name.replace("_", "-"))
            if type(value) is int:
                value = str(value)
            row.append(value if type(value) is str and value and len(value) <= 256 else "-")
        yield item, _placed(_flow(tuple(row), received), place)
    if not records:
        yield 0, Ignored("no records")


def _flow(row: _Row, received: str | None) -> ActivityDraft | Ignored | Malformed:
    (
        interface, source, target, source_port, target_port, protocol, packets, size, start, end,
        action, status, account, packet_source, packet_target, instance, region,
    ) = row  # fmt: skip
    time = _TIMES[end] if end != "-" else received
    known = _ACTIONS.get(action)
    first, last = _ADDRESSES[source], _ADDRESSES[target]
    if time is None or known is None or first is None or last is None or first == last:
        ends = _ends((source, target, packet_source, packet_target))
        if time is None or known is None or not ends:
            return _refusal(status, time, ends)
    elif packet_source == "-" and packet_target == "-":
        ends = [first, last]
    else:
        ends = _ends((source, target, packet_source, packet_target))
    domain, here = _PLACES[account, interface, instance, region]
    what, outcome, word = known
    draft: ActivityDraft = {
        "type": "activity",
        "source_id": f"{interface}/{source}:{source_port}>{target}:{target_port}/{protocol}/{start}-{end}/{action}"[
            :512
        ],
        "time": time,
        "domain": domain,
        "entities": ends + here,
        "title": f"{source}:{source_port} to {target}:{target_port} {_PROTOCOLS.get(protocol, protocol)} {word}, "
        f"{packets} packets, {size} bytes"[:512],
        "action": what,
        "outcome": outcome,
    }
    if action == "REJECT":
        draft["error"] = "REJECT"
        draft["severity"] = 1
    return draft


_ACTIONS: Final[dict[str, tuple[str, Any, str]]] = {
    "ACCEPT": ("vpc:AcceptFlow", "success", "accepted"),
    "REJECT": ("vpc:RejectFlow", "failure", "rejected"),
    "-": ("vpc:Flow", "unknown", "seen"),
}


def _refusal(status: str, time: str | None, ends: list[EntityDraft]) -> Ignored | Malformed:
    """Why a record is no flow."""
    if status in ("NODATA", "SKIPDATA"):
        return Ignored("no data in the window" if status == "NODATA" else "flows skipped in the window")
    if time is None:
        return Malformed("end", "not a time in Unix seconds")
    if not ends:
        return Malformed("srcaddr", "no address")
    return Malformed("action", "neither ACCEPT nor REJECT")


def _time(seconds: str) -> str | None:
    if not seconds.isascii() or not seconds.isdigit() or len(seconds) > 11:
        return None
    return datetime.fromtimestamp(int(seconds), UTC).isoformat() if 0 < int(seconds) < _ENDS else None


def _place(key: tuple[str, str, str, str]) -> tuple[str, list[EntityDraft]]:
    """Domain, and the interface, instance and account: the list is shared, so it is only ever added to another."""
    account, interface, instance, region = key
    owner = account_of(account)
    where = f"arn:{partition_of(region)}:ec2:{region}:{owner}" if owner and region != "-" else ""
    found: list[EntityDraft] = []
    if interface != "-":
        found.append(("resource", f"{where}:network-interface/{interface}"[:512] if where else interface[:512]))
    if instance.startswith("i-"):
        found += [("resource", f"{where}:instance/{instance}"[:512])] if where else []
        found.append(("host", instance[:512]))
    if owner:
        found.append(("account", owner))
    return f"aws:{owner or 'unknown'}", found


def _ends(values: tuple[str, ...]) -> list[EntityDraft]:
    """Every address among the values, once."""
    return list(dict.fromkeys(found for value in values if (found := _ADDRESSES[value]) is not None))


def _address(value: str) -> EntityDraft | None:
    ip = address(value)
    return ("ip", ip) if ip is not None else None


_TIMES = Memo(_time, limit=4096, size=16)
_PLACES = Memo(_place)
_ADDRESSES = Memo(_address, limit=65536, size=64)
