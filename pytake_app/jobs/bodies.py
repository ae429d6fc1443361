"""Bodies of jobs: three lines that call a service."""

from __future__ import annotations

import random
import threading
import time

import structlog

from pytake_app.core.errors import UnavailableError
from pytake_app.core.services import Services, process_services
from pytake_app.flows import execution
from pytake_app.jobs import enqueue

log = structlog.get_logger(__name__)

STAY_SECONDS = 2.0
"""How long a job looks after lanes: within it a poke wakes the worker and makes no job of its own."""

_services: list[Services] = []
_stopping = threading.Event()


def use_services(services: Services) -> None:
    """What this process's jobs work with."""
    _services[:] = [services]
    _stopping.clear()


def stop() -> None:
    """The job at hand shall end soon."""
    _stopping.set()


def drain_lane(lane: int, slot: int) -> None:
    """Look at a lane."""
    services = _services[0] if _services else process_services()
    enqueue.job_started(services.redis, slot)
    try:
        execution.drain_lane(services, lane, stay=STAY_SECONDS, stopping=_stopping.is_set)
    except UnavailableError:
        # The rows are safe; the sweeper has the lane looked at again. Not all workers should come back at once.
        log.warning("drain_interrupted", reason="database_away")
        time.sleep(random.uniform(0.1, 0.5))
