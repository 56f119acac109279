"""One GET of a feed, bounded in size, time and trust.

TLS is verified against the system's certificates (``SSL_CERT_FILE`` names others). Redirects go to https only, or stay
on loopback; headers with secrets go to the address that the settings name and nowhere else. Proxies are those of
``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY``; loopback is never asked for through one.

The body is written as it comes, compressed or not: gzip is known by its first bytes to whoever reads it, and inflated
within bounds there.
"""

from __future__ import annotations

import ssl
import time
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import BinaryIO, NamedTuple
from urllib.parse import urljoin, urlsplit

import urllib3

from streams.feeds import is_loopback
from streams.version import VERSION

_CHUNK = 65_536
_HOPS = 5
_CONNECT = 10.0
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_LONGEST_WAIT = 86_400.0


class FetchFailed(Exception):
    """There is no whole answer; the text says why. ``retry_after``: seconds that the server asks for, if it does."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Validators(NamedTuple):
    """What the server said of the version that it sent, for asking whether there is another (RFC 9110, 8.8 and 13)."""

    etag: str | None = None
    modified: str | None = None


class Answer(NamedTuple):
    """``changed`` is False for 304: then there is no body. ``size`` is in bytes as sent."""

    changed: bool
    validators: Validators
    size: int


class Http:
    """Asks for feeds. One for a process: connections are kept."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._tls = ssl.create_default_context()
        self._direct = urllib3.PoolManager(ssl_context=self._tls, maxsize=2)
        self._by_proxy: dict[str, urllib3.ProxyManager] = {}

    def get(
        self,
        url: str,
        into: BinaryIO,
        *,
        secrets: Mapping[str, str],
        deadline: float,
        max_bytes: int,
        before: Validators = Validators(),  # noqa: B008 - a tuple, it cannot change
    ) -> Answer:
        """Write the body to ``into``.

        Args:
            secrets: header -> name of the environment variable with its value.
            deadline: by ``time.monotonic()``; overstepped by one silent read at most.
            before: of the version that is known already.

        Raises:
            FetchFailed: refused, redirected elsewhere, too large, too slow, cut off, or no answer at all.
        """
        asked = {"Accept-Encoding": "gzip", "User-Agent": f"weir/{VERSION}"}
        if before.etag:
            asked["If-None-Match"] = before.etag
        if before.modified:
            asked["If-Modified-Since"] = before.modified
        secret = self._secrets(secrets)
        at = url
        for _ in range(_HOPS + 1):
            headers = {**asked, **secret} if _origin(at) == _origin(url) else asked
            answer = self._open(at, headers, deadline)
            try:
                if answer.status not in _REDIRECTS:
                    return _take(answer, into, at, deadline, max_bytes)
                at = _next(at, answer.headers.get("Location"))
            except urllib3.exceptions.HTTPError as error:
                raise FetchFailed(f"{shown(at)}: {_words(error)}") from None
            finally:
                answer.close()
        raise FetchFailed(f"{shown(url)}: more than {_HOPS} redirects")

    def _secrets(self, names: Mapping[str, str]) -> dict[str, str]:
        found = {}
        for header, variable in names.items():
            value = self._environ.get(variable, "").strip()
            if not value:
                raise FetchFailed(f"the environment variable {variable}, for the header {header}, is not set")
            if not value.isprintable() or not value.isascii():
                raise FetchFailed(f"the environment variable {variable} holds what no header can")
            found[header] = value
        return found

    def _open(self, url: str, headers: Mapping[str, str], deadline: float) -> urllib3.BaseHTTPResponse:
        left = deadline - time.monotonic()
        if left <= 0:
            raise FetchFailed(f"{shown(url)}: not answered in time")
        wait = urllib3.Timeout(connect=min(_CONNECT, left), read=left)
        try:
            return self._manager(url).request(
                "GET", url, headers=dict(headers), preload_content=False, redirect=False, retries=False, timeout=wait
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise FetchFailed(f"{shown(url)}: {_words(error)}") from None

    def _manager(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxies = urllib.request.getproxies_environment()
        proxy = proxies.get(parts.scheme)
        if not proxy or is_loopback(url) or urllib.request.proxy_bypass(parts.netloc):
            return self._direct
        if proxy not in self._by_proxy:
            given = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
            login = given.username and f"{given.username}:{given.password or ''}"
            self._by_proxy[proxy] = urllib3.ProxyManager(
                given._replace(netloc=given.netloc.rpartition("@")[2]).geturl(),
                proxy_headers=urllib3.make_headers(proxy_basic_auth=login) if login else None,
                ssl_context=self._tls,
            )
        return self._by_proxy[proxy]


def shown(url: str) -> str:
    """The address for messages, without what may be secret in it: its query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _next(at: str, location: str | None) -> str:
    if not location:
        raise FetchFailed(f"{shown(at)}: a redirect to nowhere")
    to = urljoin(at, location)
    if urlsplit(to).scheme == "https" or (urlsplit(to).scheme == "http" and is_loopback(at) and is_loopback(to)):
        return to
    raise FetchFailed(f"{shown(at)}: redirects to {shown(to)}, which is neither https nor loopback")


def _take(answer: urllib3.BaseHTTPResponse, into: BinaryIO, url: str, deadline: float, max_bytes: int) -> Answer:
    validators = Validators(answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return Answer(False, validators, 0)
    if answer.status != HTTPStatus.OK:
        raise FetchFailed(f"{shown(url)}: {_refusal(answer.status)}", _retry_after(answer.headers.get("Retry-After")))
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise FetchFailed(f"{shown(url)}: sent as {encoding[:40]!r}; only gzip was asked for")
    stated = answer.headers.get("Content-Length", "")
    if stated.isdigit() and int(stated) > max_bytes:
        raise FetchFailed(f"{shown(url)}: {stated} bytes; at most {max_bytes} are read")
    size = 0
    while part := answer.read1(_CHUNK, decode_content=False):  # read would wait for a whole chunk, however slow
        size += len(part)
        if size > max_bytes:
            raise FetchFailed(f"{shown(url)}: more than {max_bytes} bytes")
        if time.monotonic() > deadline:
            raise FetchFailed(f"{shown(url)}: not read to its end in time, {size} bytes came")
        into.write(part)
    return Answer(True, validators, size)


def _refusal(status: int) -> str:
    try:
        phrase = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = str(status)
    if status in (401, 403):
        return f"{phrase}; headers in the settings name the variable that holds a token"
    return phrase


def _retry_after(value: str | None) -> float | None:
    """Seconds, from a number or a date (RFC 9110, 10.2.3); a day at most."""
    if not value:
        return None
    if value.strip().isdigit():
        return min(float(value), _LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - datetime.now(UTC)).total_seconds()), _LONGEST_WAIT)


def _words(error: Exception) -> str:
    given = urllib3.exceptions
    if isinstance(error, given.NameResolutionError):
        return "the host is not known"
    if isinstance(error, given.NewConnectionError):  # a kind of ConnectTimeoutError there, whatever the cause
        return f"no connection: {error.__cause__ or error}"
    if isinstance(error, given.TimeoutError):
        return "not answered in time"
    if isinstance(error, given.SSLError):
        return f"TLS: {error}"
    if isinstance(error, given.ProxyError):
        return f"the proxy: {error.original_error}"
    if isinstance(error, given.ProtocolError):
        return "the answer was cut off"
    return str(error) or type(error).__name__
