"""Feeds and records by hand against a real broker: what `weir context` writes, withdraws and shows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient
from typer.testing import CliRunner

from streams.catalog import Catalog
from streams.cli import app
from streams.edge import client, topics
from streams.edge.context import ContextReader
from streams.edge.context_topic import FEED_HEADER, entries, write
from streams.edge.feed import publish_catalog
from streams.edge.health import Health, HealthServer
from streams.edge.poll import Outcome, Poller, look_once
from streams.edge.poll_state import read_states
from streams.edge.sender import Sender
from streams.feeds import Feed
from streams.metrics import Metrics
from streams.settings import Settings
from streams.sigma.in_force import InForce
from tests.feed_server import FeedServer, feed_server, say

MakeSettings = Callable[..., Settings]
ReadAll = Callable[..., list[Message]]
pytestmark = pytest.mark.broker


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with feed_server() as made:
        yield made


def entity(name: str, owner: str = "team-a") -> dict[str, Any]:
    spec = {"system": "shop", "owner": owner}
    return {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": name}, "spec": spec}


def kev(*numbers: int, released: str = "2026-03-02T15:00:00Z") -> bytes:
    found = [{"cveID": f"CVE-2026-{number}", "dateAdded": "2026-03-01"} for number in numbers]
    about = {"catalogVersion": "1", "dateReleased": released, "count": len(found)}
    return json.dumps({**about, "vulnerabilities": found}).encode()


def said(read_all: ReadAll, settings: Settings) -> list[dict[str, Any]]:
    """The records of the topic in their order, those of kind "feed" left out, with the feed that wrote each."""
    found = []
    for record in read_all(settings, settings.topic("context")):
        headers = dict(record.headers() or ())
        value = orjson.loads(record.value())
        if value["kind"] != "feed":
            found.append({**value, "by": headers.get(FEED_HEADER, b"").decode()})
    return found


def once(settings: Settings, *names: str, **flags: Any) -> dict[str, Outcome]:
    chosen = names or tuple(settings.context)
    return {outcome.feed: outcome for outcome in look_once(settings, chosen, {}, **flags)}


def counts(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.written, outcome.withdrawn, outcome.unchanged


def test_a_look_writes_differences_and_withdraws(
    make_settings: MakeSettings, server: FeedServer, read_all: ReadAll
) -> None:
    """First all, then nothing, then what changed; what is gone is withdrawn, by this feed and nobody else's records."""
    settings = make_settings(context={"kev": Feed(type="kev", url=server.url)})
    publish_catalog(settings, [entity("pay")])
    server.gives(kev(1000, 1001))
    assert counts(once(settings)["kev"]) == (3, 0, 0)
    assert counts(once(settings)["kev"]) == (0, 0, 3)
    server.gives(kev(1001, 1002, released="2026-03-03T15:00:00Z"))
    assert counts(once(settings)["kev"]) == (2, 1, 1)
    records = said(read_all, settings)
    assert len(records) == 1 + 3 + 3
    assert {"kind": "kev", "key": "CVE-2026-1000", "record": None, "by": "kev"} in records
    assert {(entry.kind, entry.key, entry.feed) for entry in entries(settings) if entry.kind != "feed"} == {
        ("catalog", "component:default/pay", None),
        ("kev", "CVE-2026-1001", "kev"),
        ("kev", "CVE-2026-1002", "kev"),
        ("kev", "feed", "kev"),
    }


def test_a_new_process_asks_for_changes_only(make_settings: MakeSettings, server: FeedServer) -> None:
    """The server's validators outlive the process, until the context topic or the feed's address is another one."""
    settings = make_settings(context={"kev": Feed(type="kev", url=server.url)})
    body = kev(1000)
    server.answer = lambda asked, handler: (
        say(handler, 304) if asked.headers.get("if-none-match") == '"1"' else say(handler, 200, body, ETag='"1"')
    )
    assert counts(once(settings)["kev"]) == (2, 0, 0)
    assert counts(once(settings)["kev"]) == (0, 0, 2)
    assert [asked.headers.get("if-none-match") for asked in server.asked] == [None, '"1"']
    admin = AdminClient(client.admin(settings))
    admin.delete_topics([settings.topic("context")])[settings.topic("context")].result(30)
    deadline = time.monotonic() + 30
    while settings.topic("context") not in topics.create(admin, settings):
        assert time.monotonic() < deadline
    assert counts(once(settings)["kev"]) == (2, 0, 0), "a context topic that was made anew is filled again"
    moved = settings.model_copy(update={"context": {"kev": Feed(type="kev", url=f"{server.url}/other")}})
    assert counts(once(moved)["kev"]) == (0, 0, 2)
    assert server.asked[-1].headers.get("if-none-match") is None


def test_a_failing_feed_stops_no_other(make_settings: MakeSettings, server: FeedServer, tmp_path: Path) -> None:
    """The others are read; what the failing one said before stays, and its failures are remembered."""
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps([entity("pay"), entity("web")]))
    feeds = {"kev": Feed(type="kev", url=server.url), "services": Feed(type="catalog", path=catalog)}
    settings = make_settings(context=feeds)
    server.gives(kev(1000))
    assert all(outcome.good for outcome in once(settings).values())
    good = read_states(settings)["kev"].good
    server.answer = lambda _, handler: say(handler, 503, b"no")
    catalog.write_text(json.dumps([entity("pay", "team-b")]))
    for failures in (1, 2):
        found = once(settings)
        assert (found["kev"].good, found["services"].good) == (False, True)
        assert "503 Service Unavailable" in (found["kev"].problem or "")
        state = read_states(settings)["kev"]
        assert (state.failures, state.good) == (failures, good)
    held = {(entry.kind, entry.key): entry.record for entry in entries(settings)}
    assert ("kev", "CVE-2026-1000") in held
    assert ("catalog", "component:default/web") not in held
    assert (held["catalog", "component:default/pay"] or {})["owner"] == "group:default/team-b"


def test_most_of_a_catalog_does_not_vanish(make_settings: MakeSettings, tmp_path: Path, read_all: ReadAll) -> None:
    """A catalog that has lost most of itself withdraws nothing until somebody says that it is right."""
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps([entity(f"e{number}") for number in range(30)]))
    settings = make_settings(context={"services": Feed(type="catalog", path=path)})
    assert counts(once(settings)["services"]) == (30, 0, 0)
    path.write_text(json.dumps([entity("e0"), entity("new")]))
    for written in (1, 0):
        found = once(settings)["services"]
        assert (found.written, found.withdrawn) == (written, 0)
        assert "29 are gone, which is more than half" in (found.problem or "")
    assert counts(once(settings, withdraw=True)["services"]) == (0, 29, 2)
    assert len(said(read_all, settings)) == 30 + 1 + 29


def test_two_feeds_of_one_entity(make_settings: MakeSettings, tmp_path: Path, read_all: ReadAll) -> None:
    """The feed that wrote it has it; the other is told, look after look, and writes nothing."""
    for name, owner in (("a", "x"), ("b", "y")):
        (tmp_path / name).write_text(json.dumps([entity("pay", owner)]))
    settings = make_settings(context={name: Feed(type="catalog", path=tmp_path / name) for name in "ab"})
    assert once(settings, "a")["a"].problem is None
    for _ in range(2):
        found = once(settings, "b")["b"]
        assert found.written == 0
        assert "1 are another feed's, which comes first: catalog component:default/pay" in (found.problem or "")
    assert len(said(read_all, settings)) == 1


def test_an_exception_is_a_change_as_well(make_settings: MakeSettings, tmp_path: Path, read_all: ReadAll) -> None:
    """New and changed policy exceptions go to their raw topic too, from where ingest makes a change of them."""
    path = tmp_path / "exceptions.ndjson"
    given = {"id": "EX-1", "created_at": "2026-03-01T00:00:00Z", "control": "waf", "component": "pay"}
    given["approved_by"] = "ann"
    settings = make_settings(context={"waivers": Feed(type="policy_exceptions", path=path)})
    topic = settings.raw_topics["policy_exceptions"]
    path.write_text(json.dumps(given) + "\n")
    assert counts(once(settings)["waivers"]) == (1, 0, 0)
    assert counts(once(settings)["waivers"]) == (0, 0, 1)
    ended = {**given, "valid_to": "2026-03-05T00:00:00Z"}
    path.write_text(json.dumps(ended) + "\n" + json.dumps({**given, "id": "EX-2"}) + "\n")
    assert counts(once(settings)["waivers"]) == (2, 0, 0)
    sent = [orjson.loads(record.value()) for record in read_all(settings, topic)]
    assert sorted(sent, key=str) == sorted([given, ended, {**given, "id": "EX-2"}], key=str)
    path.write_text("[]")
    assert counts(once(settings)["waivers"]) == (0, 2, 0)
    assert len(read_all(settings, topic)) == 3


def test_the_fold_is_told_how_fresh_a_kind_is(make_settings: MakeSettings, tmp_path: Path) -> None:
    """Once all feeds of a kind were read whole there is a record of kind "feed"; looks that find nothing new do not
    write another."""
    for name in "ab":
        (tmp_path / name).write_text(json.dumps([entity(name)]))
    settings = make_settings(context={name: Feed(type="catalog", path=tmp_path / name) for name in "ab"})
    assert once(settings, "a")["a"].good
    assert not [entry for entry in entries(settings) if entry.kind == "feed"]
    assert once(settings, "b")["b"].good
    told = [entry for entry in entries(settings) if entry.kind == "feed"]
    assert [entry.key for entry in told] == ["alias", "catalog"]
    assert {(entry.record or {})["source"] for entry in told} == {"b"}
    once(settings)
    assert [entry for entry in entries(settings) if entry.kind == "feed"] == told


def test_kinds_do_not_take_each_other_for_the_same(settings: Settings, read_all: ReadAll) -> None:
    """Two kinds of record of one CVE have Kafka keys of their own, and an empty value withdraws the right one."""
    records: dict[tuple[str, str], dict[str, Any] | None] = {
        ("kev", "CVE-2026-1000"): {"added": "2026-03-01"},
        ("epss", "CVE-2026-1000"): {"epss": 0.5, "date": "2026-03-01"},
        ("catalog", "component:default/pay"): {"system": "system:default/shop"},
    }
    sender = Sender(settings)
    write(settings, sender, records, "one")
    keys = [record.key() for record in read_all(settings, settings.topic("context"))]
    assert keys == [b"kev:CVE-2026-1000", b"epss:CVE-2026-1000", b"component:default/pay"]
    for key in keys[1:]:
        sender.send(settings.topic("context"), key, None)
    sender.end()
    assert [(entry.kind, entry.key) for entry in entries(settings)] == [("kev", "CVE-2026-1000")]


def test_ingest_passes_over_an_entity_that_nobody_can_use(settings: Settings) -> None:
    """A record whose form would break the catalog is skipped where events are placed; the next one counts."""
    sender = Sender(settings)
    broken: dict[str, Any] = {"links": 3}
    good = {"system": "system:default/shop"}
    write(settings, sender, {("catalog", "component:default/a"): broken, ("catalog", "component:default/b"): good})
    catalog = Catalog()
    reader = ContextReader(settings, catalog, InForce())
    try:
        reader.catch_up()
    finally:
        reader.close()
    assert (catalog.facts("a"), len(catalog)) == (None, 1)


def test_the_process_keeps_its_times_and_tells_how_it_is(make_settings: MakeSettings, server: FeedServer) -> None:
    """It looks again after its interval, tells health and metrics, the age of a feed that fails included, and a feed
    that hangs holds up no other."""
    feeds = {
        "hangs": Feed(type="kev", url=f"{server.url}/hangs", timeout="20s"),
        "kev": Feed(type="kev", url=f"{server.url}/kev", every="1s"),
        "missing": Feed(type="epss", url=f"{server.url}/missing", every="1s"),
    }
    settings = make_settings(context=feeds)
    body = kev(1000)

    def answer(asked: Any, handler: Any) -> None:
        if asked.path == "/hangs":
            time.sleep(15)
        elif asked.path == "/kev":
            say(handler, 200, body)
        else:
            say(handler, 404)

    server.answer = answer
    stop, metrics, health = threading.Event(), Metrics("context"), Health()
    poller = Poller(settings, list(feeds), stop, metrics, health, {})
    thread = threading.Thread(target=poller.run, daemon=True)
    with HealthServer(health, metrics.registry) as endpoints:
        thread.start()
        deadline = time.monotonic() + 30
        while sum(asked.path == "/kev" for asked in server.asked) < 3:
            assert time.monotonic() < deadline, server.asked
            time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{endpoints.port}/metrics") as given:
            told = given.read().decode()
        assert health.live()[0]
        assert health.readiness()[0]
        stop.set()
        thread.join(10)
    poller.close()
    assert not thread.is_alive()
    assert 'weir_context_records_total{feed="kev",outcome="written"} 2.0' in told
    assert 'weir_context_looks_total{feed="missing",outcome="failed"}' in told
    assert 'weir_context_feed_age_seconds{feed="missing"} +Inf' in told
    age = next(line for line in told.splitlines() if line.startswith('weir_context_feed_age_seconds{feed="kev"}'))
    assert float(age.split()[1]) > 0
    again = Poller(settings, ["kev"], stop, Metrics("context"), Health(), {})
    try:
        again._start()
        assert 0 <= again._rest(again._jobs["kev"]) <= 1
    finally:
        again.close()


@pytest.fixture
def weir(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """``weir(*arguments, input=...)``: the command under these settings, by way of the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", settings.bootstrap or "")
    monkeypatch.setenv("WEIR_APP", settings.app)
    monkeypatch.setenv("WEIR_PARTITIONS", str(settings.partitions))

    def run(*arguments: str, given: bytes | None = None) -> Ran:
        result = CliRunner().invoke(app, list(arguments), input=given)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


def test_records_by_hand(weir: Callable[..., Ran], settings: Settings, tmp_path: Path) -> None:
    """All of them or none: a wrong one is named with its place; null withdraws; ls shows what there is."""
    good = {"kind": "kev", "key": "CVE-2026-1000", "record": {"added": "2026-03-01"}}
    wrong = {"kind": "kev", "key": "CVE-2026-1001", "record": {"added": "March"}}
    (tmp_path / "records.ndjson").write_text(f"{json.dumps(good)}\n{json.dumps(wrong)}\n")
    refused = weir("context", "put", "records.ndjson")
    assert refused.code == 2
    assert "records.ndjson: line 2: kev CVE-2026-1001: added: not a day" in refused.err
    assert entries(settings) == []
    scores = {"kind": "epss", "key": "CVE-2026-1000", "record": {"epss": 0.5, "date": "2020-03-01"}}
    assert weir("context", "put", "-", given=orjson.dumps([good, scores])).err == "2 records written, 0 withdrawn\n"
    shown = weir("context", "ls")
    assert shown.code == 0
    assert shown.err == "2 records, 1 stale\n"
    assert "stale: said" in next(line for line in shown.out.splitlines() if line.startswith("epss"))
    row = json.loads(weir("context", "ls", "kev", "--json").out)
    assert (row["kind"], row["key"], row["dated"], row["feed"]) == ("kev", good["key"], "2026-03-01T00:00:00Z", None)
    assert len(row["version"]) == 8
    assert weir("context", "put", "-", given=orjson.dumps({**good, "record": None})).err.endswith("1 withdrawn\n")
    assert [entry.kind for entry in entries(settings)] == ["epss"]
    assert weir("context", "ls", "nonsense").code == 2
    assert "record: missing; null withdraws" in weir("context", "put", "-", given=b'{"kind": "kev", "key": "x"}').err


def test_the_command_looks_once(weir: Callable[..., Ran], server: FeedServer, tmp_path: Path) -> None:
    """One line a feed, exit code 1 if one fails; unknown names and missing sections are errors of usage."""
    assert "no section [context.NAME]" in weir("context", "poll", "--once").err
    (tmp_path / "weir.toml").write_text(
        f'[context.kev]\ntype = "kev"\nurl = "{server.url}/kev"\n'
        f'[context.epss]\ntype = "epss"\nurl = "{server.url}/epss"\n'
    )
    late = weir("context", "feeds")
    assert (late.code, late.out.count("never looked at")) == (1, 2)
    server.answer = lambda asked, handler: say(handler, 200, kev(1000)) if asked.path == "/kev" else say(handler, 404)
    found = weir("context", "poll", "--once")
    assert found.code == 1
    assert "kev: 2 written, 0 withdrawn, 0 unchanged\n" in found.out
    assert f"epss: failed: {server.url}/epss: 404 Not Found\n" in found.out
    only = weir("context", "poll", "--once", "--json", "kev")
    assert (only.code, json.loads(only.out)["unchanged"]) == (0, 2)
    state = [json.loads(line) for line in weir("context", "feeds", "--json").out.splitlines()]
    assert [(row["feed"], row["silent"], row["failures"]) for row in state] == [("epss", True, 1), ("kev", False, 0)]
    assert "no such feed: nvd; there are epss, kev" in weir("context", "poll", "--once", "nvd").err
    assert "goes with --once" in weir("context", "poll", "--withdraw").err


def test_run_reads_the_feeds_of_the_settings(settings: Settings, tmp_path: Path) -> None:
    """`weir run` starts the poller where there is a section [context.NAME], and its records are in the topic."""
    (tmp_path / "catalog.json").write_text(json.dumps([entity("from-a-feed")]))
    (tmp_path / "weir.toml").write_text('[context.services]\ntype = "catalog"\npath = "catalog.json"\n')
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("WEIR_")},
        "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap or "",
        "WEIR_APP": settings.app,
        "WEIR_PARTITIONS": str(settings.partitions),
        "WEIR_REDACTION_KEY": "a key for tests only",
        "XDG_STATE_HOME": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-m", "streams.cli", "run", "--no-feed"]
    running = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 90
        while ("catalog", "component:default/from-a-feed", "services") not in {
            (entry.kind, entry.key, entry.feed) for entry in entries(settings)
        }:
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.5)
    finally:
        running.send_signal(signal.SIGTERM)
        told = running.communicate(timeout=90)[1].decode()
    assert "feeds of context are read: services" in told
