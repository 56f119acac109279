"""The entities of a Backstage catalog, page by page: ``GET …/entities/by-query``.

The query is filter sets, any of which an entity meets, and the fields that ``streams.sources.backstage`` reads; from
the second page on only the cursor, which stands for the query, and the fields. Documentation: Backstage, Software
Catalog, API. A catalog that changes while it is read may show an entity twice or not at all, which the count tells.
"""

from __future__ import annotations

import tempfile
import time
from typing import Any
from urllib.parse import urlencode, urlsplit

from streams.edge.poll_http import FetchFailed, Http, shown
from streams.feeds import Feed
from streams.sources.document import mapping, sequence
from streams.sources.fields import text
from streams.sources.parse import ParseError, parse

PAGE = 500
PAGES = 2_000

_FIELDS = "apiVersion,kind,metadata,spec"
_PATH = "/entities/by-query"


def entities(feed: Feed, http: Http, deadline: float) -> tuple[list[Any], bool]:
    """The entities, and whether all are there.

    Raises:
        FetchFailed: a page cannot be had, or is none.
    """
    assert feed.url is not None
    base = feed.url.rstrip("/")
    base = base if urlsplit(base).path.endswith(_PATH) else base + _PATH
    query = [("filter", each) for each in feed.filter]
    found: list[Any] = []
    known: set[str] = set()
    total: float | None = None
    left = feed.max_bytes
    for number in range(PAGES):
        if time.monotonic() > deadline:
            raise FetchFailed(f"{shown(base)}: not read to its end in time, {len(found)} entities came")
        page, size = _page(
            f"{base}?{urlencode([*query, ('fields', _FIELDS), ('limit', PAGE)])}", feed, http, deadline, left
        )
        left -= size
        if not isinstance(page.get("items"), list):
            raise FetchFailed(f"{shown(base)}: page {number + 1} has no items; is this the catalog's API?")
        found += page["items"]
        stated = page.get("totalItems")
        total = stated if total is None and isinstance(stated, int) else total
        cursor = text(mapping(page.get("pageInfo")).get("nextCursor"), 65_536)
        if cursor is None:
            return found, total is None or len(_names(found)) >= total
        if cursor in known:
            raise FetchFailed(f"{shown(base)}: page {number + 1} leads back to a page that was read")
        known.add(cursor)
        query = [("cursor", cursor)]
    raise FetchFailed(f"{shown(base)}: more than {PAGES} pages")


def _page(url: str, feed: Feed, http: Http, deadline: float, max_bytes: int) -> tuple[dict[str, Any], int]:
    with tempfile.SpooledTemporaryFile(max_size=8_388_608) as body:
        size = http.get(
            url,
            body,  # type: ignore[arg-type] # writes like a file, without being one
            secrets=feed.headers,
            deadline=deadline,
            max_bytes=max_bytes,
        ).size
        body.seek(0)
        try:
            return mapping(parse(body.read())), size
        except ParseError as error:
            raise FetchFailed(f"{shown(url)}: {error}") from None


def _names(found: list[Any]) -> set[tuple[str, str, str]]:
    names = set()
    for entity in sequence(found):
        about = mapping(mapping(entity).get("metadata"))
        kind = mapping(entity).get("kind")
        names.add(
            tuple(str(each)[:256].lower() for each in (kind, about.get("namespace", "default"), about.get("name")))
        )
    return names  # type: ignore[return-value] # three of them
