"""One GET of a feed: bounded in size and time, and to whom it is sent."""

from __future__ import annotations

import gzip
import io
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from streams.edge.poll_http import Answer, FetchFailed, Http, Validators, shown
from tests.feed_server import Asked, FeedServer, feed_server, say


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with feed_server() as made:
        yield made


def get(
    url: str,
    *,
    secrets: dict[str, str] | None = None,
    environ: dict[str, str] | None = None,
    seconds: float = 5.0,
    max_bytes: int = 10_000,
    before: Validators = Validators(),  # noqa: B008
) -> tuple[Answer, bytes]:
    into = io.BytesIO()
    answer = Http(environ or {}).get(
        url,
        into,
        secrets=secrets or {},
        deadline=time.monotonic() + seconds,
        max_bytes=max_bytes,
        before=before,
    )
    return answer, into.getvalue()


def test_the_body_comes_as_it_was_sent(server: FeedServer) -> None:
    """Compressed or not; how many bytes it was, and the server's validators, come with it."""
    body = gzip.compress(b"x" * 5_000)
    server.gives(body, Content_Encoding="gzip", ETag='"1"', Last_Modified="Mon, 02 Mar 2026 08:00:00 GMT")
    answer, found = get(server.url)
    assert found == body
    assert answer == Answer(True, Validators('"1"', "Mon, 02 Mar 2026 08:00:00 GMT"), len(body))
    assert server.asked[0].headers["accept-encoding"] == "gzip"
    assert server.asked[0].headers["user-agent"].startswith("weir/")


def test_what_is_known_is_not_sent_again(server: FeedServer) -> None:
    """The validators of the version before are sent, and 304 is no change."""
    server.answer = lambda asked, handler: say(handler, 304 if asked.headers.get("if-none-match") == '"1"' else 200)
    answer, _ = get(server.url, before=Validators('"1"', "Mon, 02 Mar 2026 08:00:00 GMT"))
    assert not answer.changed
    assert server.asked[0].headers["if-modified-since"] == "Mon, 02 Mar 2026 08:00:00 GMT"
    assert get(server.url, before=Validators('"0"'))[0].changed


@pytest.mark.parametrize("stated", [True, False])
def test_too_large_an_answer_is_not_read(server: FeedServer, stated: bool) -> None:
    """Neither one that says its length, nor one that goes on."""

    def answer(_: Asked, handler: BaseHTTPRequestHandler) -> None:
        if stated:
            say(handler, 200, b"x" * 20_000)
            return
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for _each in range(100):
            handler.wfile.write(b"3e8\r\n" + b"x" * 1_000 + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    server.answer = answer
    with pytest.raises(FetchFailed, match="20000 bytes; at most 10000" if stated else "more than 10000 bytes"):
        get(server.url)


def test_a_slow_answer_ends_in_time(server: FeedServer) -> None:
    """A server that sends a byte now and then does not hold the look: each byte is in time, the whole is not."""

    def answer(_: Asked, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _each in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)

    server.answer = answer
    began = time.monotonic()
    with pytest.raises(FetchFailed, match="not read to its end in time"):
        get(server.url, seconds=0.5)
    assert time.monotonic() - began < 5


def test_silence_ends_in_time(server: FeedServer) -> None:
    """A server that accepts and says nothing."""
    server.answer = lambda _, handler: time.sleep(3)
    with pytest.raises(FetchFailed, match="not answered in time"):
        get(server.url, seconds=0.3)


def test_a_truncated_answer_is_none(server: FeedServer) -> None:
    """Fewer bytes than the server said are an error, not a shorter feed."""

    def answer(_: Asked, handler: BaseHTTPRequestHandler) -> None:
        say(handler, 200, b"only this", Content_Length="900")
        handler.close_connection = True

    server.answer = answer
    with pytest.raises(FetchFailed, match="cut off"):
        get(server.url)


@pytest.mark.parametrize(
    ("status", "headers", "reason", "asked"),
    [
        (404, {}, "404 Not Found", None),
        (401, {}, "401 Unauthorized; headers in the settings", None),
        (429, {"Retry_After": "120"}, "429 Too Many Requests", 120.0),
        (503, {"Retry_After": "Mon, 02 Mar 2020 08:00:00 GMT"}, "503 Service Unavailable", 0.0),
        (500, {"Retry_After": "soon"}, "500 Internal Server Error", None),
        (200, {"Content_Encoding": "br"}, "sent as 'br'", None),
    ],
)
def test_a_refusal_says_what_it_is(
    server: FeedServer, status: int, headers: dict[str, str], reason: str, asked: float | None
) -> None:
    """With the address, without its query, and with the time that the server asks for."""
    server.answer = lambda _, handler: say(handler, status, b"no", **headers)
    with pytest.raises(FetchFailed, match=reason) as error:
        get(f"{server.url}/feed?token=s3cret")
    assert error.value.retry_after == asked
    assert "/feed: " in str(error.value)
    assert "s3cret" not in str(error.value)


def test_nobody_listens() -> None:
    """A closed port is one line."""
    with feed_server() as gone:
        url = gone.url
    with pytest.raises(FetchFailed, match=r"127\.0\.0\.1:\d+.*efused"):
        get(url)


def test_redirects_stay_on_loopback(server: FeedServer) -> None:
    """From loopback to loopback one is followed; to http elsewhere, to a file, and round and round it is not."""
    to = {"/a": "/b", "/away": "http://feeds.example/x", "/file": "file:///etc/passwd", "/round": "/round"}

    def answer(asked: Asked, handler: BaseHTTPRequestHandler) -> None:
        if asked.path in to:
            say(handler, 302, Location=to[asked.path])
        else:
            say(handler, 200, b"here")

    server.answer = answer
    assert get(f"{server.url}/a")[1] == b"here"
    for path, reason in (("/away", "neither https nor loopback"), ("/file", "neither"), ("/round", "more than 5")):
        with pytest.raises(FetchFailed, match=reason):
            get(f"{server.url}{path}")


def test_secrets_go_to_their_address_only(server: FeedServer) -> None:
    """A header from the environment is sent to the feed's own address, and not where it redirects to."""
    secrets, environ = {"Authorization": "TOKEN"}, {"TOKEN": "Bearer s3cret"}
    with feed_server() as other:
        other.gives(b"elsewhere")
        server.answer = lambda _, handler: say(handler, 302, Location=f"{other.url}/x")
        assert get(server.url, secrets=secrets, environ=environ)[1] == b"elsewhere"
        assert server.asked[0].headers["authorization"] == "Bearer s3cret"
        assert "authorization" not in other.asked[0].headers
    with pytest.raises(FetchFailed, match="environment variable TOKEN, for the header Authorization, is not set"):
        get(server.url, secrets=secrets)
    with pytest.raises(FetchFailed, match="holds what no header can") as error:
        get(server.url, secrets=secrets, environ={"TOKEN": "a\r\nX-Evil: 1"})
    assert "Evil" not in str(error.value)


def test_a_proxy_of_the_environment_is_asked(server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """http goes through HTTP_PROXY unless NO_PROXY or loopback; the login in its address is sent to it."""
    server.gives(b"by proxy")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", server.url.replace("//", "//ann:pw@"))
    monkeypatch.setenv("NO_PROXY", "direct.example")
    assert get("http://feeds.example/kev.json")[1] == b"by proxy"
    assert server.asked[0].path == "http://feeds.example/kev.json"
    assert server.asked[0].headers["proxy-authorization"].startswith("Basic ")
    with feed_server() as direct:
        direct.gives(b"direct")
        assert get(direct.url)[1] == b"direct"
    assert len(server.asked) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS is verified; with the certificate named in SSL_CERT_FILE the same server is trusted."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate, and is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    command = ["openssl", *made.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with feed_server(context) as server:
        server.gives(b"trusted")
        with pytest.raises(FetchFailed, match=r"TLS: .*certificate"):
            get(server.url)
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert get(server.url)[1] == b"trusted"


def test_addresses_are_shown_without_secrets() -> None:
    """Neither query nor login."""
    assert shown("https://ann:pw@feeds.example:8443/a?key=1#x") == "https://feeds.example:8443/a"
