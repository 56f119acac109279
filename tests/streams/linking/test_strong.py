"""Only what means the same thing in every domain is a strong indicator, and always in one form."""

from __future__ import annotations

import ipaddress

import pytest

from streams.linking.strong import mark

SHA = "a1" * 32
STRONG = [
    ("ip", "8.8.4.4", "8.8.4.4"),
    ("ip", "198.51.100.7", "198.51.100.7"),  # a documentation range stands for a public address
    ("ip", "2606:4700:0:0:0:0:0:1111", "2606:4700::1111"),
    ("ip", "::ffff:8.8.4.4", "8.8.4.4"),
    ("principal", "arn:aws:iam::123456789012:role/deploy", "arn:aws:iam::123456789012:role/deploy"),
    ("principal", "ann@example.org", "ann@example.org"),
    ("access_key", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("vulnerability", "cve-2021-44228", "CVE-2021-44228"),
    ("vulnerability", "ghsa-JFH8-c2jp-5v3q", "GHSA-jfh8-c2jp-5v3q"),
    ("image", f"ghcr.io/acme/pay@sha256:{SHA}", f"sha256:{SHA}"),
    ("image", f"mirror.example/pay@SHA256:{SHA.upper()}", f"sha256:{SHA}"),
    ("file", f"sha256:{SHA.upper()}", SHA),
    ("file", "44d88612fea8a8f36de82e1278abb02f", "44d88612fea8a8f36de82e1278abb02f"),
    ("commit", "0A" * 20, "0a" * 20),
    ("url", "https://drop.example/payload", "https://drop.example/payload"),
    ("url", "http://203.0.113.9:8080/x", "http://203.0.113.9:8080/x"),
]
WEAK = [
    *(("ip", ip) for ip in ("10.1.2.3", "192.168.0.1", "172.31.255.1", "127.0.0.1", "169.254.169.254", "100.64.0.1")),
    *(("ip", ip) for ip in ("0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1")),
    *(("ip", ip) for ip in ("::ffff:10.0.0.1", "10.0.0.0/8", "not an address", "")),
    *(("principal", name) for name in ("root", "Administrator", "CORP\\guest", "system:serviceaccount:a:default")),
    ("vulnerability", "KSV-014"),
    ("vulnerability", "CVE-2021"),
    ("image", "nginx:1.27"),
    ("file", "/etc/passwd"),
    ("file", "ABCDEF"),
    ("commit", "0a1b2c3"),
    *(
        ("url", url)
        for url in ("http://10.0.0.1/x", "http://localhost/", "http://api.svc.internal/", "file:///x", "/x")
    ),
    ("url", "https://drop.example/" + "x" * 600),
    *((kind, "x") for kind in ("host", "workload", "account", "component", "package", "namespace", "no such kind")),
]


@pytest.mark.parametrize(("kind", "given", "canonical"), STRONG)
def test_a_strong_indicator_has_one_form(kind: str, given: str, canonical: str) -> None:
    """However a source spelt it, the indicator is the same."""
    found = mark(kind, given)
    assert found is not None
    assert (found.kind, found.id, found.key) == (kind, canonical, f"{kind}:{canonical}")


@pytest.mark.parametrize(("kind", "given"), WEAK)
def test_what_is_another_thing_elsewhere_is_none(kind: str, given: str) -> None:
    """Private addresses, local accounts, tags, paths and names of a place are no strong indicators."""
    assert mark(kind, given) is None


@pytest.mark.parametrize("text", [given for kind, given in WEAK if kind == "ip"][:13])
def test_the_list_of_special_addresses_agrees_with_the_library(text: str) -> None:
    """What is refused as special is not global for the standard library either."""
    assert not ipaddress.ip_address(text).is_global or ipaddress.ip_address(text).is_multicast
