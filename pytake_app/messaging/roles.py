"""The pipeline's roles, as the command line starts them. Each runs until SIGTERM, then finishes what it holds."""

from __future__ import annotations

import asyncio
import signal
import threading

import structlog

from pytake_app.core.services import Services
from pytake_app.flows.requester import Requester
from pytake_app.messaging.lookout import Lookout
from pytake_app.messaging.scheduler import Scheduler
from pytake_app.messaging.sender import Sender

log = structlog.get_logger(__name__)


def run_worker(services: Services, *, name: str | None = None) -> None:
    """Drain lanes as RQ jobs ask for it. Blocks.

    Parameters:
        name: the RQ worker's name; unique, made up unless given.
    """
    from pytake_app.jobs.worker import work

    work(services, name=name)


def run_outbox(services: Services) -> None:
    """Send what is due, and perform the requests of flows. Blocks."""
    import uvloop

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        lookout = Lookout(services)
        sender = Sender(services, lookout)
        log.info("outbox_started")
        # Flows' requests are performed here too: both are many calls at once and little work.
        requester = Requester(services, lookout=lookout)
        await asyncio.gather(sender.run(stop), requester.run(stop), lookout.run(stop))
        log.info("outbox_stopped")

    uvloop.run(main())


def run_scheduler(services: Services) -> None:
    """Fire timers, sweep for lost wake-ups and stuck rows, keep the house. Blocks."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("scheduler_started")
    Scheduler(services).run(stop)
    log.info("scheduler_stopped")
