"""The process that folds: a Faust app whose agent folds what the pump hands it, and the rules for ending it.

Faust gives the app, the agent, its channel and the life cycle. The pump's thread gives it records through
``app.channel()`` and waits for the agent's answer, so the two never work at the same time on one partition. Faust's own
broker connection reads the low-rate control topic and nothing else.

The process ends by ``os._exit``: on a failure in the agent at once, after SIGTERM when the last transaction is
committed or the deadline is over. Faust's own shutdown may hang, and nothing needs it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import faust
import structlog
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from streams.edge import pump, restore
from streams.edge.session import EXIT_FAILED, EXIT_REFUSED, Session, run_sessions
from streams.records import LogRecord, Output

log = structlog.get_logger(__name__)

START_WAIT = 90.0
ANSWER_WAIT = 300.0

Process = Callable[[Sequence[tuple[pump.Fold, LogRecord]]], list[list[Output]]]


class HandOverChannel(faust.Channel):  # type: ignore[misc] # Faust's types are not followed
    """A channel whose items stay in it until the agent takes them.

    Faust loses items of a channel in two ways, and the pump would wait for ever for the answer: it empties the queues
    whenever its own consumer resumes after a rebalance (``clear_on_resume``), so this queue is not under that control;
    and a stream skips an event that was made under another generation of that consumer, or while its flow is
    suspended, so the pump puts plain values, which are no events.
    """

    _queue: ThrowableQueue | None

    @property
    def queue(self) -> ThrowableQueue:
        """The queue of this subscriber."""
        if self._queue is None:
            never_suspended = FlowControlEvent(initially_suspended=False)
            self._queue = ThrowableQueue(flow_control=never_suspended, clear_on_resume=False)
        return self._queue


class AgentSilent(Exception):
    """The hand-over to the agent does not work. Better an end and a restart than a stall."""


class Work(NamedTuple):
    """What the pump hands over, and where it waits for the outputs, one list a record."""

    items: Sequence[tuple[pump.Fold, LogRecord]]
    done: concurrent.futures.Future[list[list[Output]]]


def fold_all(items: Sequence[tuple[pump.Fold, LogRecord]]) -> list[list[Output]]:
    """Fold the records in order."""
    return [fold.step(record) for fold, record in items]


class Worker:
    """One worker process. ``run`` does not return: it ends the process with an exit code.

    Args:
        bootstrap: broker addresses for Faust's own connection.
        app_id: group id of Faust's own connection; must differ from the pump's group.
        instance: stable name; as a static member a killed worker's successor need not wait for its session to expire.
        control_topic: topic that Faust's own connection reads.
        make_session: builds a pump session, given the hand-over and the stop event.
        role: name of the agent.
        stop_wait: seconds from SIGTERM to the end at the latest.
        on_control: told each control message.
    """

    def __init__(
        self,
        *,
        bootstrap: str,
        app_id: str,
        instance: str,
        control_topic: str,
        make_session: Callable[[Process, threading.Event], Session],
        observer: pump.Observer,
        role: str = "correlate",
        stop_wait: float = 30.0,
        on_control: Callable[[bytes], None] | None = None,
    ) -> None:
        self.make_session = make_session
        self.observer = observer
        self.stop_wait = stop_wait
        self.stop = threading.Event()
        self.listening = threading.Event()
        self.exit_code = 0
        self.loop: asyncio.AbstractEventLoop | None = None
        brokers = [f"kafka://{address.strip()}" for address in bootstrap.split(",")]
        self.app = faust.App(
            app_id,
            broker=brokers,
            store="memory://",
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            processing_guarantee="at_least_once",
            producer_threaded=False,
            consumer_auto_offset_reset="latest",
            consumer_group_instance_id=instance,
            broker_session_timeout=10.0,
            broker_heartbeat_interval=3.0,
            stream_wait_empty=False,
        )
        self.channel = HandOverChannel(self.app)
        self._declare_agents(role, control_topic, on_control)

    def _declare_agents(self, role: str, control_topic: str, on_control: Callable[[bytes], None] | None) -> None:
        @self.app.agent(self.channel, name=role)  # type: ignore[untyped-decorator]
        async def fold(works: Any) -> None:
            self.listening.set()
            async for work in works:
                try:
                    work.done.set_result(fold_all(work.items))
                except BaseException as error:
                    log.critical("the agent failed, ending the process", error=repr(error), exc_info=True)
                    os._exit(EXIT_FAILED)

        @self.app.agent(self.app.topic(control_topic, value_type=bytes, value_serializer="raw"), name="control")  # type: ignore[untyped-decorator]
        async def control(messages: Any) -> None:
            async for message in messages:
                if on_control is not None:
                    on_control(message)

    def hand_over(self, items: Sequence[tuple[pump.Fold, LogRecord]]) -> list[list[Output]]:
        """Give the records to the agent and wait for what follows from them. Called on the pump's thread.

        A channel drops what is sent before somebody listens, so the first call waits for the agent.

        Raises:
            AgentSilent: the agent did not start, or did not answer; the process must end.
        """
        assert self.loop is not None
        if not self.listening.wait(START_WAIT):
            raise AgentSilent(f"Faust did not start the agent in {START_WAIT:.0f} s")
        work = Work(items, concurrent.futures.Future())
        asyncio.run_coroutine_threadsafe(self.channel.put(work), self.loop).result(ANSWER_WAIT)
        try:
            return work.done.result(ANSWER_WAIT)
        except concurrent.futures.TimeoutError:
            raise AgentSilent(f"the agent did not answer in {ANSWER_WAIT:.0f} s") from None

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; ends the process."""
        asyncio.run(self._main())

    async def _main(self) -> None:
        self.loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self._stop)
        # Not awaited: the pump's first hand-over waits for the agent anyway, and SIGTERM must end a start that hangs.
        starting = asyncio.create_task(self.app.start())
        starting.add_done_callback(self._started)
        thread = threading.Thread(target=self._pump, args=(ended,), name="pump", daemon=True)
        thread.start()
        await ended.wait()
        os._exit(self.exit_code)

    def _started(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("Faust did not start, ending the process", error=repr(error))
            os._exit(EXIT_FAILED)

    def _stop(self) -> None:
        if self.stop.is_set():
            return
        log.info("stopping")
        self.stop.set()
        deadline = threading.Timer(self.stop_wait, self._overdue)
        deadline.daemon = True
        deadline.start()

    def _overdue(self) -> None:
        log.error("the last transaction did not end in time; its records are folded again by the next owner")
        os._exit(EXIT_FAILED)

    def _pump(self, ended: asyncio.Event) -> None:
        assert self.loop is not None
        try:
            run_sessions(lambda: self.make_session(self.hand_over, self.stop), self.stop, self.observer.failed)
        except restore.Refused as error:
            log.critical("refused to start", reason=str(error))
            self.exit_code = EXIT_REFUSED
        except BaseException as error:
            log.critical("the pump failed, ending the process", error=repr(error), exc_info=True)
            self.exit_code = EXIT_FAILED
        self.loop.call_soon_threadsafe(ended.set)
