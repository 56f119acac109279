"""Ways to a broker, and what a local one can do to us."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient

from streams.edge import broker as brokers
from streams.edge import broker_local, client, topics
from streams.settings import Settings

MakeSettings = Callable[..., Settings]
pytestmark = pytest.mark.broker


def _nothing(_: str) -> None:
    pass


def test_committed_records_are_read_and_aborted_ones_are_not(
    make_settings: MakeSettings, smoke: Callable[[Settings], None]
) -> None:
    """A broker of ours takes topics, 2 MiB records and transactions, and hides what was aborted."""
    smoke(make_settings(create=False))


def test_given_address_is_used_and_left_alone(broker: brokers.Broker) -> None:
    """A given broker is found, and stop does not end it."""
    found = brokers.provide(Settings(bootstrap=broker.bootstrap), _nothing)
    assert (found.kind, found.bootstrap) == ("given", broker.bootstrap)
    found.stop()
    brokers.answering(broker.bootstrap, lambda: None, seconds=10)


def test_given_address_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nothing listens is an error with the address and where it can be set; nothing else is tried."""
    monkeypatch.setattr(brokers, "_GIVEN_SECONDS", 1.0)
    address = f"127.0.0.1:{broker_local.free_port()}"
    with pytest.raises(brokers.NoBroker, match=rf"{address} does not answer .*KAFKA_BOOTSTRAP_SERVERS"):
        brokers.provide(Settings(bootstrap=address), _nothing)


def test_no_way_to_a_broker_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without Docker and Java the user reads what was looked for, and how to go on with Python alone."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-daemon.sock")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(brokers.NoBroker) as caught:
        brokers.provide(Settings(bootstrap=None), _nothing, ways=("container", "local"))
    message = str(caught.value)
    assert "\n" not in message
    assert "no java on the PATH" in message
    assert "weir run --in-process" in message
    assert "no Docker daemon answers" in message


def test_jars_are_fetched_once_and_a_failed_fetch_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Maven's failure is reported in one clause and no half-filled folder is taken for the jars later."""
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text("#!/bin/sh\necho '[ERROR] Could not resolve dependencies'\nexit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", str(maven.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(broker_local.Unavailable, match="Could not resolve dependencies"):
        broker_local.jars(_nothing)
    assert [path.name for path in (tmp_path / "cache" / "weir").iterdir() if path.is_dir()] == []

    maven.write_text(
        "#!/bin/sh\n/bin/sleep 0.2\n"
        'for word; do case "$word" in -DoutputDirectory=*) : > "${word#*=}/kafka_2.13.jar";; esac; done\n'
    )
    told: list[str] = []
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(broker_local.jars, (told.append, told.append))
    assert first == second
    assert [path.name for path in first.iterdir()] == ["kafka_2.13.jar"]
    assert len(told) == 1


def test_killed_and_restarted_broker_keeps_address_and_committed_records(
    own_broker: brokers.LocalBroker, read_all: Callable[..., list[Message]]
) -> None:
    """kill -9 and a start again: same address, same data; frozen, it answers nobody until it is thawed."""
    settings = Settings(app="restart", bootstrap=own_broker.bootstrap, partitions=1, session_timeout_ms=6_000)
    topics.create(AdminClient(client.admin(settings)), settings)
    producer = Producer(client.producer(settings))
    producer.produce(settings.topic("units"), b"kept")
    assert producer.flush(30) == 0

    own_broker.kill()
    assert own_broker.process is not None
    assert own_broker.process.poll() is not None
    own_broker.start(brokers.answering)
    assert [record.value() for record in read_all(settings, settings.topic("units"))] == [b"kept"]

    own_broker.freeze()
    producer.produce(settings.topic("units"), b"late")
    assert producer.flush(0.5) == 1
    own_broker.thaw()
    assert producer.flush(30) == 0
    assert own_broker.data.exists()
    own_broker.stop()
    assert not own_broker.data.exists()


def test_broker_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """A broker that ends at once is an error that carries the end of its own log."""
    fake = tmp_path / "java"
    fake.write_text('#!/bin/sh\ncase "$*" in *StorageTool*) exit 0;; esac\necho "FATAL disk on fire"; exit 3\n')
    fake.chmod(0o755)
    broken = brokers.LocalBroker(str(fake), tmp_path, data=tmp_path / "data")
    with pytest.raises(brokers.BrokerDied, match=r"(?s)code 3.*disk on fire"):
        broken.start(brokers.answering)
    broken.stop()


def test_two_brokers_never_share_a_data_folder(tmp_path: Path) -> None:
    """A second broker on the same kept data is refused before it can touch the files."""
    first = brokers.LocalBroker("java", tmp_path, data=tmp_path / "data")
    with pytest.raises(brokers.Unavailable, match="another broker runs"):
        brokers.LocalBroker("java", tmp_path, data=tmp_path / "data")
    first.stop()
    again = brokers.LocalBroker("java", tmp_path, data=tmp_path / "data")
    assert again.bootstrap == first.bootstrap
    again.stop()


_OWNER = """
import sys, time
from streams.edge import broker as brokers
from streams.settings import Settings
found = brokers.provide(Settings(bootstrap=None), lambda line: None, ways=("local",))
print(found.process.pid, found.data, flush=True)
time.sleep(600)
"""


def test_broker_ends_with_the_process_that_started_it(broker: brokers.Broker) -> None:
    """kill -9 of the owner takes the broker with it, and the next start removes the data it left."""
    if broker.kind != "local":
        pytest.skip("the session's broker is given, so this machine may have no Java")
    environment = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
    with subprocess.Popen([sys.executable, "-c", _OWNER], stdout=subprocess.PIPE, text=True, env=environment) as owner:
        assert owner.stdout is not None
        pid, data = owner.stdout.readline().split(maxsplit=1)
        os.kill(int(pid), 0)
        owner.kill()
    folder = Path(data.strip())
    assert folder.exists()
    deadline = time.monotonic() + 10
    while _runs(int(pid)):
        assert time.monotonic() < deadline, "the broker outlived its owner"
        time.sleep(0.05)
    broker_local.sweep()
    assert not folder.exists()
    brokers.answering(broker.bootstrap, lambda: None, seconds=10)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_free_port_is_outside_the_ephemeral_range() -> None:
    """A client's own outgoing connection can never take the broker's port while it restarts."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    port = broker_local.free_port()
    assert port < low
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
