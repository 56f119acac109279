"""One look at each type of feed, from files and from a server on loopback."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from streams.correlation.context import instant
from streams.edge.poll_http import Http, Validators
from streams.edge.poll_read import Look, LookFailed, Same, Seen, look
from streams.feeds import Feed
from tests.feed_server import Asked, FeedServer, feed_server, say

KEV = {
    "catalogVersion": "2026.03.02",
    "dateReleased": "2026-03-02T15:00:00.000Z",
    "count": 2,
    "vulnerabilities": [
        {"cveID": "CVE-2026-1000", "dateAdded": "2026-03-01", "dueDate": "2026-03-22"},
        {"cveID": "CVE-2026-1001", "dateAdded": "2026-03-02", "knownRansomwareCampaignUse": "Known"},
    ],
}
EPSS = """\
#model_version:v2025.03.14,score_date:2026-03-02T12:00:00Z
cve,epss,percentile
CVE-2026-1000,0.9,0.99
CVE-2026-1001,0.001,0.1
CVE-2026-22001,0.2,0.5
"""
ENTITY = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: %s}
spec: {system: shop, owner: team-a}
"""
EXCEPTION = {
    "id": "EX-1",
    "created_at": "2026-03-01T00:00:00Z",
    "control": "waf",
    "component": "pay",
    "approved_by": "ann",
    "valid_to": "2026-04-01T00:00:00Z",
}


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with feed_server() as made:
        yield made


def see(feed: Feed, before: Seen = Seen(), environ: dict[str, str] | None = None) -> Look:  # noqa: B008
    found = look(feed, Http(environ or {}), before)
    assert isinstance(found, Look)
    return found


def entity(name: str, kind: str = "Component") -> dict[str, Any]:
    return {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": {"system": "shop"}}


def test_kev_from_a_file_and_from_a_server(server: FeedServer, tmp_path: Path) -> None:
    """Each CVE and the catalogue itself are records, the feed's date is its release, and the two ways agree."""
    path = tmp_path / "kev"
    path.write_text(json.dumps(KEV))
    server.gives(gzip.compress(path.read_bytes()), Content_Encoding="gzip", ETag='"7"')
    of_file, of_url = see(Feed(type="kev", path=path)), see(Feed(type="kev", url=server.url))
    assert of_file.records == of_url.records
    assert of_file.records[("kev", "CVE-2026-1000")] == {"added": "2026-03-01", "due": "2026-03-22", "ransomware": None}
    assert of_file.records[("kev", "feed")] == {
        "version": "2026.03.02",
        "released": "2026-03-02T15:00:00.000Z",
        "count": 2,
    }
    assert (of_file.whole, of_file.wrong, of_file.dated) == (True, 0, instant("2026-03-02T15:00:00Z"))
    assert of_url.seen == Seen(Validators('"7"', None))


def test_kev_that_misses_some_of_what_it_counts(tmp_path: Path) -> None:
    """A catalogue that says it has more entries than it has fails whole: half a feed must withdraw nothing."""
    path = tmp_path / "kev.json"
    path.write_text(json.dumps({**KEV, "count": 3}))
    with pytest.raises(LookFailed, match="says that it has 3 entries, and has 2"):
        see(Feed(type="kev", path=path))


def test_a_wrong_entry_is_named_and_nothing_counts_as_gone(tmp_path: Path) -> None:
    """The others are taken, but the look is not whole."""
    path = tmp_path / "kev.json"
    path.write_text(json.dumps({**KEV, "vulnerabilities": [KEV["vulnerabilities"][0], {"cveID": "CVE-2026-1001"}]}))
    found = see(Feed(type="kev", path=path))
    assert set(found.records) == {("kev", "CVE-2026-1000"), ("kev", "feed")}
    assert (found.whole, found.wrong) == (False, 1)
    assert "vulnerabilities[1].dateAdded: not a day" in found.problems[0]


@pytest.mark.parametrize(
    ("type_", "body", "reason"),
    [
        ("kev", b"<html>log in</html>", "not kev: line 1 column 1: not JSON"),
        ("kev", b'{"error": "no"}', "not kev: an object with error"),
        ("kev", b"", "the file is empty"),
        ("epss", b"<html>\nlog in\n</html>", "not epss: an object with <html>"),
        ("epss", b"\x1f\x8bbroken", "damaged gzip"),
        ("catalog", b"a: [", "not YAML"),
        ("catalog", b"<html>log in</html>", "not an object"),
        ("policy_exceptions", b"nonsense", "not JSON"),
        ("url-json", b'{"kind": "nonsense", "key": "a", "record": {}}', "kind: not one of"),
    ],
)
def test_what_is_no_such_feed_fails_whole(server: FeedServer, type_: Any, body: bytes, reason: str) -> None:
    """A page to log in, an error, a broken file: nothing is taken of it, and the reason says what came."""
    server.gives(body)
    with pytest.raises(LookFailed, match=reason):
        see(Feed(type=type_, url=server.url))


def test_epss_with_its_date(server: FeedServer) -> None:
    """The daily file, compressed, as blocks of scores; its date stands in its first line."""
    server.gives(gzip.compress(EPSS.encode()))
    found = see(Feed(type="epss", url=server.url))
    assert set(found.records) == {("epss", "CVE-2026-1xxx"), ("epss", "CVE-2026-22xxx")}
    assert (found.dated, found.whole) == (instant("2026-03-02T12:00:00Z"), True)


def test_an_answer_of_the_epss_api_is_never_whole(server: FeedServer) -> None:
    """It has the scores that were asked for; those of yesterday's question are not gone."""
    server.gives(b'{"data": [{"cve": "CVE-2026-1000", "epss": "0.9", "percentile": "0.9", "date": "2026-03-02"}]}')
    found = see(Feed(type="epss", url=server.url))
    assert found.records == {("epss", "CVE-2026-1000"): {"epss": 0.9, "date": "2026-03-02"}}
    assert not found.whole


def test_a_bomb_is_not_inflated(server: FeedServer) -> None:
    """What inflates beyond the limit is refused, however small it was on the way."""
    server.gives(gzip.compress(b'{"id": 1}\n' * 200_000))
    with pytest.raises(LookFailed, match="more than 100000 bytes when inflated"):
        see(Feed(type="policy_exceptions", url=server.url, max_bytes=100_000))


def test_a_catalog_of_a_checkout(tmp_path: Path) -> None:
    """The catalog files of a folder in depth; not hidden ones, not through links, and no others."""
    for name, folder in (("pay", "a"), ("web", "b/deep"), ("hidden", ".git/x")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "catalog-info.yaml").write_text(ENTITY % name)
    (tmp_path / "a" / "values.yaml").write_text("{{ no: yaml")
    (tmp_path / "c").mkdir()
    (tmp_path / "elsewhere.yaml").write_text(ENTITY % "linked")
    (tmp_path / "c" / "catalog-info.yml").symlink_to(tmp_path / "elsewhere.yaml")
    feed = Feed(type="catalog", path=tmp_path)
    found = see(feed)
    assert set(found.records) == {("catalog", "component:default/pay"), ("catalog", "component:default/web")}
    assert isinstance(look(feed, Http({}), found.seen), Same)
    (tmp_path / "b/deep/catalog-info.yaml").write_text(ENTITY % "web2")
    assert ("catalog", "component:default/web2") in see(feed, found.seen).records
    (tmp_path / "a/catalog-info.yaml").write_text("a: [")
    broken = see(feed, found.seen)
    assert (broken.wrong, broken.whole, len(broken.records)) == (1, False, 1)
    assert broken.problems[0].startswith("a/catalog-info.yaml[0]: line 2 column 1: not YAML")
    with pytest.raises(LookFailed, match=r"no file in it matches \*\*/x"):
        see(Feed(type="catalog", path=tmp_path, glob="**/x"))


def test_policy_exceptions_in_lines(tmp_path: Path) -> None:
    """One JSON object a line; a broken line is named by its number, and none at all is a feed without exceptions."""
    path = tmp_path / "exceptions.ndjson"
    path.write_text(json.dumps(EXCEPTION) + "\n{broken\n" + json.dumps({**EXCEPTION, "id": "EX-2"}) + "\n")
    found = see(Feed(type="policy_exceptions", path=path))
    assert set(found.records) == {("policy_exception", "EX-1"), ("policy_exception", "EX-2")}
    assert (found.wrong, found.whole) == (1, False)
    assert found.problems[0].startswith("[1]: line 1")
    path.write_text("[]")
    assert see(Feed(type="policy_exceptions", path=path)).records == {}


def test_records_of_our_own(server: FeedServer) -> None:
    """An array of context records of any kind; null withdraws one, and what is missing is not gone unless told so."""
    server.gives(
        json.dumps(
            [
                {"kind": "kev", "key": "CVE-2026-1000", "record": {"added": "2026-03-01"}},
                {"kind": "catalog", "key": "component:default/pay", "record": None},
                {"kind": "catalog", "key": "component:default/web", "record": {"links": 3}},
            ]
        ).encode()
    )
    found = see(Feed(type="url-json", url=server.url))
    assert found.records == {
        ("kev", "CVE-2026-1000"): {"added": "2026-03-01"},
        ("catalog", "component:default/pay"): None,
    }
    assert "component:default/web: links: not an object" in found.problems[0]
    assert not found.whole


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named, with the reason."""
    with pytest.raises(LookFailed, match=r"kev\.json: No such file"):
        see(Feed(type="kev", path=tmp_path / "kev.json"))


def backstage(
    server: FeedServer, pages: list[list[dict[str, Any]]], total: int | None = None, loop: bool = False
) -> None:
    """Serve pages under cursors, as the catalog's API does."""

    def answer(asked: Asked, handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(asked.path).query)
        number = int(query.get("cursor", ["0"])[0])
        info = {"nextCursor": "1" if loop else str(number + 1)} if loop or number + 1 < len(pages) else {}
        count = sum(map(len, pages)) if total is None else total
        body = {"items": pages[min(number, len(pages) - 1)], "totalItems": count, "pageInfo": info}
        say(handler, 200, json.dumps(body).encode())

    server.answer = answer


def test_backstage_page_by_page(server: FeedServer) -> None:
    """The filters go with the first page, the cursor alone with the others; the token with all of them."""
    backstage(server, [[entity("pay"), entity("web")], [entity("shop", "System")]])
    feed = Feed(
        type="backstage",
        url=f"{server.url}/api/catalog/",
        headers={"Authorization": "TOKEN"},
        filter=("kind=component,spec.type=service", "kind=system"),
    )
    found = see(feed, environ={"TOKEN": "Bearer x"})
    assert [key for _, key in found.records] == [
        "component:default/pay",
        "component:default/web",
        "system:default/shop",
    ]
    assert (found.whole, found.wrong) == (True, 0)
    first, second = (urlsplit(asked.path) for asked in server.asked)
    assert first.path == second.path == "/api/catalog/entities/by-query"
    assert parse_qs(first.query)["filter"] == ["kind=component,spec.type=service", "kind=system"]
    assert parse_qs(first.query)["fields"] == ["apiVersion,kind,metadata,spec"]
    assert parse_qs(second.query)["cursor"] == ["1"]
    assert "filter" not in parse_qs(second.query)
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer x"}


def test_backstage_that_loses_entities_between_pages(server: FeedServer) -> None:
    """Fewer entities than it counts, one of them twice: what is there is taken, and nothing counts as gone."""
    backstage(server, [[entity("pay")], [entity("pay")]], total=2)
    found = see(Feed(type="backstage", url=server.url))
    assert (len(found.records), found.whole) == (1, False)


def test_backstage_in_circles(server: FeedServer) -> None:
    """A cursor that comes again ends the look."""
    backstage(server, [[entity("pay")]], loop=True)
    with pytest.raises(LookFailed, match="leads back to a page that was read"):
        see(Feed(type="backstage", url=server.url))


def test_backstage_of_all_pages_has_one_limit(server: FeedServer) -> None:
    """max_bytes holds for all pages together."""
    backstage(server, [[entity(f"e{number}") for number in range(8)]] * 3)
    with pytest.raises(LookFailed, match="bytes"):
        see(Feed(type="backstage", url=server.url, max_bytes=1_500))


def test_a_wrong_address_of_backstage(server: FeedServer) -> None:
    """JSON that is no page is said to be none."""
    server.gives(b'{"hello": 1}')
    with pytest.raises(LookFailed, match="page 1 has no items; is this the catalog's API"):
        see(Feed(type="backstage", url=server.url))
