"""The same broker test against a container, where a Docker daemon runs.

The image is made on the spot from this machine's Java and Kafka's jars (``image/make.sh``), so that nothing is pulled;
it is configured and run as ``apache/kafka`` is.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.edge import broker as brokers
from streams.edge import broker_container, broker_local
from streams.settings import Settings

IMAGE = f"weir-test/kafka:{broker_local.VERSION}"
MAKE = Path(__file__).parent / "image" / "make.sh"

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def docker() -> Iterator[None]:
    """A daemon that answers, and testcontainers without its reaper container, whose image would have to be pulled."""
    docker = pytest.importorskip("docker", reason="testcontainers is not installed")
    config = pytest.importorskip("testcontainers.core.config", reason="testcontainers is not installed")
    try:
        client = docker.from_env(timeout=5)
        client.ping()
    except (docker.errors.DockerException, OSError):
        pytest.skip("no Docker daemon answers")
    client.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config.testcontainers_config, "ryuk_disabled", True)
        yield


@pytest.fixture(scope="module")
def image(docker: None) -> str:
    """The image's name; it is made first if the daemon does not have it."""
    if subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True, check=False).returncode == 0:
        return IMAGE
    try:
        broker_local.java()
        jars = broker_local.jars(lambda _: None)
    except brokers.Unavailable as reason:
        pytest.skip(f"the daemon has no image {IMAGE}, and it cannot be made: {reason}")
    made = subprocess.run(["sh", str(MAKE), str(jars), IMAGE], capture_output=True, text=True, check=False, timeout=180)
    assert made.returncode == 0, made.stderr
    return IMAGE


def test_container_passes_what_every_broker_must(image: str, smoke: Callable[[Settings], None]) -> None:
    """A container comes before local jars; topics and transactions work in it; stop ends it."""
    told: list[str] = []
    found = brokers.provide(Settings(app="tests", bootstrap=None, broker_image=image), told.append)
    try:
        assert found.kind == "container"
        assert told == [f"starting {image} in a container"]
        assert found.bootstrap.startswith(("localhost:", "127.0.0.1:"))
        smoke(Settings(app="contained", bootstrap=found.bootstrap, partitions=2, instance="one"))
    finally:
        found.stop()
    with pytest.raises(TimeoutError):
        brokers.answering(found.bootstrap, lambda: None, seconds=1)


def test_image_that_cannot_be_pulled_falls_through_with_one_line(docker: None) -> None:
    """A pull that fails is one line of progress, and the next way is tried."""
    nowhere = f"127.0.0.1:{broker_local.free_port()}/absent:1"
    told: list[str] = []
    with pytest.raises(brokers.NoBroker, match="could not be started"):
        brokers.provide(Settings(bootstrap=None, broker_image=nowhere), told.append, ways=("container",))
    assert len(told) == 2
    assert told[1].startswith(f"not in a container: {nowhere} could not be started")
    assert "\n" not in told[1]


def test_container_that_ends_is_told_with_its_last_lines(image: str) -> None:
    """A container that starts and ends is removed, and the reason holds what it said last."""
    tag = f"{IMAGE}-broken"
    recipe = f'FROM {IMAGE}\nRUN ["sh", "-c", "echo \'echo disk on fire; exit 3\' > /etc/kafka/docker/run"]\n'
    subprocess.run(["docker", "build", "-q", "-t", tag, "-"], input=recipe, text=True, check=True, capture_output=True)
    with pytest.raises(brokers.Unavailable, match="disk on fire"):
        broker_container.start(tag, lambda _: None, brokers.answering)
    left = subprocess.run(
        ["docker", "ps", "-aq", "--filter", f"ancestor={tag}"], capture_output=True, text=True, check=True
    )
    assert left.stdout == ""
