"""Which entities are strong indicators: those that mean one and the same thing in whatever domain they turn up.

A host name, a workload or a path names another thing in each domain; an address of a private network does, too. What
an indicator's domain-independent form is, is decided here as well, since it is the key by which units find each other.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final, NamedTuple, get_args

from schemas.indicator import IndicatorKind

MAX_ID: Final = 512

NOUNS: Final[dict[IndicatorKind, str]] = {
    "ip": "public address",
    "principal": "principal",
    "access_key": "access key",
    "vulnerability": "vulnerability",
    "file": "file hash",
    "image": "image digest",
    "commit": "commit",
    "url": "URL",
}
"""What an analyst calls them."""

# RFC 6890 section 2.2, as IANA's special-purpose address registries have it, with multicast (RFC 5771, RFC 4291).
# A list of our own, since what ipaddress calls global differs between releases of Python, and the same log must give
# the same bytes. The documentation ranges (RFC 5737, RFC 3849) are left out: they stand for public addresses.
_SPECIAL: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/127",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2002::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_VULNERABILITY: Final = re.compile(r"CVE-\d{4}-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}", re.IGNORECASE)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", re.IGNORECASE)
_FILE_HASH: Final = re.compile(
    r"(?:md5:|sha1:|sha256:|sha512:)?([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})", re.IGNORECASE
)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_URL: Final = re.compile(r"(?:https?|ftp)://(?:[^/?#@\s]*@)?(\[[0-9a-f:.]+\]|[^/:?#\s]+)", re.IGNORECASE)
_LOCAL: Final = frozenset(
    (
        *("root", "nobody", "daemon", "guest", "user", "test", "default"),
        *("admin", "administrator", "system", "localsystem"),
        *("www-data", "apache", "nginx", "postgres", "mysql"),
        *("ubuntu", "debian", "ec2-user", "azureuser"),
    )
)
_KINDS: Final = frozenset(get_args(IndicatorKind))


class Mark(NamedTuple):
    """A strong indicator: its kind, and its id in the form that is the same in every domain."""

    kind: IndicatorKind
    id: str

    @property
    def key(self) -> str:
        """The key of its records."""
        return f"{self.kind}:{self.id}"

    def __str__(self) -> str:
        return f"{NOUNS[self.kind]} {self.id}"


@lru_cache(maxsize=65_536)
def mark(kind: str, id_: str) -> Mark | None:
    """The strong indicator that an entity is, or None.

    >>> mark("ip", "8.8.4.4")
    Mark(kind='ip', id='8.8.4.4')
    >>> mark("ip", "10.1.2.3") is None
    True
    """
    if kind not in _KINDS or not 0 < len(id_) <= MAX_ID + 64:
        return None
    found: str | None = id_
    if kind == "ip":
        found = _public(id_)
    elif kind == "principal":
        found = _named(id_)
    elif kind == "vulnerability":
        found = _vulnerability(id_)
    elif kind == "image":
        digest = id_.rpartition("@")[2]
        found = digest.lower() if _DIGEST.fullmatch(digest) else None
    elif kind == "file":
        hashed = _FILE_HASH.fullmatch(id_)
        found = hashed[1].lower() if hashed else None
    elif kind == "commit":
        found = id_.lower() if _COMMIT.fullmatch(id_) else None
    elif kind == "url":
        found = _url(id_)
    if found is None or len(found) > MAX_ID:
        return None
    return Mark(kind, found)  # type: ignore[arg-type] # one of _KINDS


def _public(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if address.version == 6:
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address
    if any(address.version == network.version and address in network for network in _SPECIAL):
        return None
    return str(address)


def _named(text: str) -> str | None:
    """Not an account that every machine or every cluster has under the same name."""
    name = text.lower().rpartition("\\")[2]
    return None if name in _LOCAL or name.startswith("system:") else text


def _vulnerability(text: str) -> str | None:
    if not _VULNERABILITY.fullmatch(text):
        return None
    family, _, rest = text.partition("-")
    return f"CVE-{rest}" if family.upper() == "CVE" else f"GHSA-{rest.lower()}"


def _url(text: str) -> str | None:
    """As it is, if its host can be reached from everywhere."""
    host = _URL.match(text)
    if host is None:
        return None
    name = host[1].strip("[]")
    if ":" in name or (name[0].isdigit() and name[-1].isdigit()):
        return text if _public(name) else None
    local = "." not in name.strip(".") or name.lower().endswith((".local", ".internal", ".localhost"))
    return None if local else text
