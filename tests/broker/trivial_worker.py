"""A worker process around the counting fold: ``trivial_worker.py [fails|slow]``; settings from the environment."""

from __future__ import annotations

import sys
import time

from streams.edge import correlate, pump
from streams.edge.worker import Worker
from streams.log import configure
from streams.records import LogRecord, Output
from streams.settings import load
from tests.broker.transport import Count


class Fails(Count):
    """Raises on the event numbered 25."""

    def step(self, record: LogRecord) -> list[Output]:
        outputs = super().step(record)
        if any(o.value.startswith(b"25:") for o in outputs):
            raise ValueError("event 25")
        return outputs


class SlowCommit(pump.PumpSession):
    """Takes two seconds inside each transaction."""

    def _write_state(self, partition: int, owned: pump.Owned) -> int:
        self.writer.producer.flush(5)
        sys.stdout.write("in transaction\n")
        sys.stdout.flush()
        time.sleep(2)
        return super()._write_state(partition, owned)


def main(how: str) -> None:
    settings = load()
    configure("info", json=True)
    sys.stdout.write("started\n")
    sys.stdout.flush()
    observer = pump.Observer()
    Worker(
        bootstrap=settings.bootstrap or "",
        app_id=f"{settings.app}-control-{settings.instance}",
        instance=settings.instance,
        control_topic=settings.topic("control"),
        make_session=correlate.session_factory(
            settings, observer, Fails if how == "fails" else Count, SlowCommit if how == "slow" else pump.PumpSession
        ),
        observer=observer,
    ).run()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
