"""Feeds of context as the settings hold them."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.feeds import is_loopback
from streams.settings import BadSettings, load


def written(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "WEIR_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weir.toml").write_text(text)


def test_feeds_are_read_with_their_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Durations are text; a feed that is whole by its type can be said not to be; a variable overrides a key."""
    text = """
    [context.kev]
    type = "kev"
    url = "https://feeds.example/kev.json"
    every = "6h"
    [context.services]
    type = "backstage"
    url = "http://127.0.0.1:7007/api/catalog"
    headers = { Authorization = "BACKSTAGE_TOKEN" }
    filter = "kind=component"
    complete = false
    """
    written(text, tmp_path, monkeypatch)
    monkeypatch.setenv("WEIR_CONTEXT__KEV__TIMEOUT", "5s")
    feeds = load().context
    assert (feeds["kev"].every, feeds["kev"].timeout, feeds["kev"].whole) == (21_600_000, 5_000, True)
    assert (feeds["services"].whole, feeds["services"].filter) == (False, ("kind=component",))
    assert feeds["services"].silent_ms == 3 * 3_600_000


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ('type = "kev"', "exactly one of url and path"),
        ('type = "kev"\nurl = "https://a.example"\npath = "b"', "exactly one of url and path"),
        ('type = "kev"\nurl = "ftp://a.example"', "an http or https address"),
        ('type = "kev"\nurl = "http://a.example/kev"', "http beyond loopback needs plain_http"),
        ('type = "kev"\nurl = "https://ann:s3cret@a.example/kev"', "no user and no password"),
        ('type = "backstage"\npath = "x"', "needs the url of the catalog's API"),
        ('type = "catalog"\npath = "x"\nglob = "../*"', "a pattern inside the folder"),
        (
            'type = "kev"\nurl = "https://a.example"\nheaders = {Authorization = "Bearer s3cret"}',
            "never hold the value",
        ),
        ('type = "kev"\nurl = "https://a.example"\nevery = "soon"', "a number and one of"),
        ('type = "cve"\npath = "x"', "Input should be"),
        ('type = "kev"\npath = "x"\nurls = "y"', "no such setting"),
    ],
)
def test_a_wrong_feed_is_named_without_its_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, reason: str
) -> None:
    """The key and the reason are told, and never a value, which may be what should not be there."""
    written(f"[context.one]\n{keys}\n", tmp_path, monkeypatch)
    with pytest.raises(BadSettings, match=reason) as error:
        load()
    assert "context.one" in str(error.value)
    assert "s3cret" not in str(error.value)


def test_names_of_feeds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be a label or a key is refused."""
    written('[context."a b"]\ntype = "kev"\npath = "x"\n', tmp_path, monkeypatch)
    with pytest.raises(BadSettings, match="not a name of a feed: a b"):
        load()


def test_loopback_is_known_by_the_address() -> None:
    """A name that only looks like it is not loopback."""
    assert all(map(is_loopback, ("http://localhost:1/x", "http://127.8.8.8", "http://[::1]:80/")))
    assert not any(map(is_loopback, ("http://localhost.example", "http://127.0.0.1.example", "http://10.0.0.1", "x")))
