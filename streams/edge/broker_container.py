"""A broker in a container, by testcontainers, where a Docker daemon answers.

Works with images that are run by ``/etc/kafka/docker/run`` and configured by ``KAFKA_*`` variables, as
``apache/kafka`` is. The advertised address is known only once the container has its port, so the container waits for a
start script, which we put into it then.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Callable
from typing import Any

from streams.edge.broker_local import COMMON, BrokerDied, Unavailable

_PORT = 9092
_SCRIPT = "weir-start.sh"

_LISTENERS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": "1@localhost:9093",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INSIDE",
    "listeners": f"OUTSIDE://0.0.0.0:{_PORT},INSIDE://localhost:9094,CONTROLLER://localhost:9093",
    "listener.security.protocol.map": "OUTSIDE:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
}


class ContainerBroker:
    """A running container; ``stop`` removes it."""

    kind = "container"

    def __init__(self, container: Any, bootstrap: str) -> None:
        self._container = container
        self.bootstrap = bootstrap

    def stop(self) -> None:
        """Remove the container and its volumes."""
        if self._container is not None:
            self._container.stop()
            self._container = None


def start(
    image: str, progress: Callable[[str], None], wait: Callable[[str, Callable[[], None]], None]
) -> ContainerBroker:
    """Start a broker from ``image``. Raises ``Unavailable``: no daemon, no image, or it ended."""
    import docker  # here, since these two take half a second that nobody without Docker has to wait
    from testcontainers.core.container import DockerContainer

    try:
        with contextlib.closing(docker.from_env(timeout=5)) as daemon:
            daemon.ping()
    except (docker.errors.DockerException, OSError):
        raise Unavailable("no Docker daemon answers") from None
    progress(f"starting {image} in a container")
    container = DockerContainer(image)
    host = container.get_docker_client().host()
    local = host in ("localhost", "127.0.0.1", "::1")
    container.ports[f"{_PORT}/tcp"] = ("127.0.0.1",) if local else None  # a free port; only a remote one is open to all
    for key, value in {**_LISTENERS, **COMMON}.items():
        container.with_env("KAFKA_" + key.upper().replace(".", "_"), value)
    container.with_command(f'sh -c "until [ -f /tmp/{_SCRIPT} ]; do sleep 0.1; done; exec sh /tmp/{_SCRIPT}"')
    try:
        container.start()
    except (docker.errors.DockerException, OSError) as error:
        container.stop()
        raise Unavailable(f"{image} could not be started ({str(error).splitlines()[0]})") from None
    try:
        address = _address(container, "127.0.0.1" if local else host)
        outside = f"OUTSIDE://{address},INSIDE://localhost:9094"
        _put(container, f"export KAFKA_ADVERTISED_LISTENERS={outside}\nexec /etc/kafka/docker/run\n")
        wait(address, lambda: _alive(container))
    except (BrokerDied, TimeoutError) as error:
        container.stop()
        raise Unavailable(f"{image} started, but {error}") from None
    except BaseException:
        container.stop()
        raise
    return ContainerBroker(container, address)


def _address(container: Any, host: str) -> str:
    """The published port; or, where we run in a container beside it, its own address on the network of both."""
    docker = container.get_docker_client()
    identity = container.get_wrapped_container().id
    if docker.get_connection_mode().value == "bridge_ip":
        return f"{docker.bridge_ip(identity)}:{_PORT}"
    return f"{host}:{docker.port(identity, _PORT)}"


def _put(container: Any, script: str) -> None:
    data = script.encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(_SCRIPT)
        entry.size, entry.mode = len(data), 0o644
        tar.addfile(entry, io.BytesIO(data))
    container.get_wrapped_container().put_archive("/tmp", archive.getvalue())  # noqa: S108 - inside the container


def _alive(container: Any) -> None:
    wrapped = container.get_wrapped_container()
    wrapped.reload()
    if wrapped.status not in ("created", "running"):
        last = wrapped.logs(tail=3).decode(errors="replace").strip().replace("\n", " | ")
        raise BrokerDied(f"it ended: {last}")
