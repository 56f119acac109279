"""A real Kafka broker on this machine: Apache Kafka's own jars on the Java that is there, bound to loopback.

For `make run`, tests and benchmarks. Not for production: one node, no security, data in a temporary folder unless
``data`` names one.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

VERSION = "4.1.0"
_POM = Path(__file__).with_name("broker_pom.xml")
_LEAST_JAVA = 17

# Runs in the child, not between fork and exec: the kernel kills the broker when the thread that started it ends.
_TIED = (
    "import ctypes,os,sys;"
    "ctypes.CDLL(None).prctl(1,9);"  # PR_SET_PDEATHSIG, SIGKILL: prctl(2)
    "os.getppid()==int(sys.argv[1]) or os._exit(1);"
    "os.execvp(sys.argv[2],sys.argv[2:])"
)


class Unavailable(Exception):
    """This way to a broker is not open on this machine; the message is one clause that says why."""


class BrokerDied(RuntimeError):
    """The broker ended or did not answer; the message holds the end of its log."""


def java() -> str:
    """Path of a Java of at least version 17. Raises ``Unavailable``."""
    home = os.environ.get("JAVA_HOME")
    path = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if path is None:
        raise Unavailable(f"no java in {home}/bin" if home else "no java on the PATH")
    answer = subprocess.run([path, "-version"], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - the user's own java
    version = re.search(r'version "(\d+)', answer.stderr)
    if version is None or int(version[1]) < _LEAST_JAVA:
        raise Unavailable(f"{path} is older than Java {_LEAST_JAVA}")
    return path


def jars(progress: Callable[[str], None]) -> Path:
    """Folder with the broker's jars, fetched once with Maven into the user's cache. Raises ``Unavailable``."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weir"
    folder = cache / f"kafka-{VERSION}"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise Unavailable("no mvn on the PATH to fetch Apache Kafka with")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"kafka-{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second process waits here, then finds the folder
        if folder.is_dir():
            return folder
        progress(f"fetching Apache Kafka {VERSION} with Maven, once (about 100 MB)")
        fresh = Path(tempfile.mkdtemp(prefix="kafka-", dir=cache))
        try:
            command = [maven, "-q", "-B", "-C", "-f", str(_POM), "dependency:copy-dependencies"]
            result = subprocess.run(  # noqa: S603 - the user's own Maven
                [*command, f"-DoutputDirectory={fresh}", "-DincludeScope=runtime"],
                capture_output=True,
                text=True,
                check=False,
                cwd=fresh,
            )
            if result.returncode != 0 or not any(fresh.glob("kafka_*.jar")):
                said = [line for line in (result.stdout + result.stderr).splitlines() if "ERROR" in line]
                raise Unavailable(
                    f"Maven could not fetch Apache Kafka ({said[0].strip() if said else 'no reason given'})"
                )
            fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


def free_port() -> int:
    """A free loopback port below the kernel's ephemeral range, where no client's own socket can take it meanwhile."""
    try:
        low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        low = 32_768
    chooser = random.SystemRandom()
    for _ in range(200):
        port = chooser.randrange(min(15_000, low - 2_000), low)
        if _is_free(port):
            return port
    raise OSError("no free port on 127.0.0.1")


class LocalBroker:
    """One broker process. It can be killed, frozen and started again on the same data and address."""

    kind = "local"

    def __init__(self, java_path: str, jar_folder: Path, *, data: Path | None, heap: str = "1g") -> None:
        self._java, self._jars, self._heap = java_path, jar_folder, heap
        self._temporary = data is None
        self.data = Path(tempfile.mkdtemp(prefix="weir-broker-")) if data is None else data
        self.data.mkdir(parents=True, exist_ok=True)
        lock = self.data / ("owner.new" if self._temporary else "owner.lock")
        self._owner: IO[str] = lock.open("w")
        try:
            fcntl.flock(self._owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._owner.close()
            raise Unavailable(f"another broker runs on {self.data}") from None
        lock.rename(self.data / "owner.lock")  # sweep() never sees it unlocked
        self.log = self.data / "broker.log"
        self._port, self._controller = self._ports()
        self.bootstrap = f"127.0.0.1:{self._port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._configuration = self.data / "server.properties"
        self._configuration.write_text(self._properties())

    def start(self, wait: Callable[[str, Callable[[], None]], None]) -> None:
        """Start the process, also again after ``kill``; ``wait`` returns once the broker answers.

        Call it from a thread that lives as long as the broker should: the kernel ties the two. Raises ``BrokerDied``.
        """
        if self.process is not None and self.process.poll() is None:
            raise RuntimeError("the broker is running")
        if not (self.data / "log" / "meta.properties").exists():
            self._format()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data,
                start_new_session=True,  # Ctrl-C is the supervisor's: the workers drain before the broker ends
            )
        try:
            wait(self.bootstrap, self._alive)
        except TimeoutError as error:
            self.kill()
            raise BrokerDied(f"{error}\n{self.tail()}") from None
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL, and wait for the end. What clients were told is safe stays so: the page cache survives."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it for good and remove its temporary data. Safe to call twice."""
        if self.process is not None and self.process.poll() is None and not self._temporary:
            self._signal(signal.SIGCONT)
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
        self.kill()  # temporary data needs no orderly end
        self._owner.close()
        if self._temporary:
            shutil.rmtree(self.data, ignore_errors=True)

    def tail(self, lines: int = 25) -> str:
        """The end of the broker's log."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError as error:
            return f"(no log: {error})"

    def _alive(self) -> None:
        assert self.process is not None
        if (code := self.process.poll()) is not None:
            raise BrokerDied(f"the local broker ended with code {code}; the end of its log:\n{self.tail()}")

    def _signal(self, number: signal.Signals) -> None:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError("the broker is not running")
        self.process.send_signal(number)

    def _ports(self) -> tuple[int, int]:
        """Two free ports; those of the last time where the data was kept, so that an address stays good."""
        kept = self.data / "ports"
        if kept.exists():
            first, second = (int(word) for word in kept.read_text().split())
            if _is_free(first) and _is_free(second):
                return first, second
        first = second = free_port()
        while second == first:
            second = free_port()
        kept.write_text(f"{first} {second}\n")
        return first, second

    def _command(self) -> list[str]:
        run = [
            *(self._java, "-Xms256m", f"-Xmx{self._heap}", "-Djava.awt.headless=true"),
            *("-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS"),
            *("-cp", f"{self._jars}/*", "kafka.Kafka", str(self._configuration)),
        ]
        if not sys.platform.startswith("linux"):
            return run
        return [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *run]

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # One word: an id may begin with a hyphen.
        tool = ["kafka.tools.StorageTool", "format", "--config", str(self._configuration), f"--cluster-id={cluster}"]
        result = subprocess.run(  # noqa: S603 - our own command
            [self._java, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{self._jars}/*", *tool],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.data,
        )
        if result.returncode != 0:
            raise BrokerDied(f"the broker's storage could not be formatted:\n{(result.stdout + result.stderr)[-2000:]}")

    def _properties(self) -> str:
        here = f"127.0.0.1:{self._port}"
        pairs = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listeners": f"PLAINTEXT://{here},CONTROLLER://127.0.0.1:{self._controller}",
            "advertised.listeners": f"PLAINTEXT://{here}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(self.data / "log"),
            **COMMON,
        }
        return "".join(f"{key}={value}\n" for key, value in pairs.items())


COMMON = {
    "auto.create.topics.enable": "false",
    # After kill -9 the controller refuses the same broker until its old session is over; default 9 s.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.retention.check.interval.ms": "60000",
    "message.max.bytes": "4194304",
    "offsets.topic.num.partitions": "8",
    "offsets.topic.replication.factor": "1",
    "replica.fetch.max.bytes": "4194304",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    # A dead writer's transaction holds back every read_committed reader until the broker looks; default 10 s.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
}
"""Broker properties of every broker that Weir starts itself."""


def sweep() -> None:
    """Remove the data of temporary brokers whose owner was killed; the kernel frees their lock with the owner."""
    for folder in Path(tempfile.gettempdir()).glob("weir-broker-*"):
        with contextlib.suppress(OSError), (folder / "owner.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _bound(port: int) -> Iterator[socket.socket]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        yield probe


def _is_free(port: int) -> bool:
    try:
        with _bound(port):
            return True
    except OSError:
        return False
