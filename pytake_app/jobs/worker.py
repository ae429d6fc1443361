"""The RQ worker: one process, no fork for each job, back again after Redis was away."""

from __future__ import annotations

import logging
import time
from types import FrameType
from typing import Any
from uuid import uuid4

import redis
import structlog
from rq import Queue, SimpleWorker, worker_registration
from rq.serializers import JSONSerializer

from pytake_app.core.live import connect
from pytake_app.core.services import Services
from pytake_app.jobs import bodies, enqueue
from pytake_app.jobs.enqueue import LANES_QUEUE

log = structlog.get_logger(__name__)

_MAX_PAUSE = 2.0
_TTL_SECONDS = 25
"""A worker without a job comes back from Redis 15 s before (RQ's rule) and tells that it lives; see
`enqueue.WORKER_SECONDS`. RQ takes a silent one for dead a minute after."""


class LaneWorker(SimpleWorker):
    """Runs jobs in this process; remembers that it was asked to stop."""

    stopping = False
    # Seconds; RQ's own bound of a minute between attempts to reach Redis would hold up contacts.
    max_connection_wait_time = 2.0

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """SIGTERM or SIGINT: finish the job at hand, then stop."""
        self.stopping = True
        bodies.stop()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def heartbeat(self, timeout: int | None = None, pipeline: redis.client.Pipeline | None = None) -> None:
        """Tell that this worker lives, and, should Redis have lost its data, that it is one."""
        super().heartbeat(timeout, pipeline)
        if pipeline is None:  # else RQ reads the pipeline's answers by their places
            worker_registration.register(self)
            enqueue.tell_worker(self.connection, self.name)

    def register_death(self) -> None:
        """It ends."""
        super().register_death()  # type: ignore[no-untyped-call]
        enqueue.forget_worker(self.connection, self.name)

    def procline(self, message: str) -> None:
        """Leave the process title alone: it costs a system call for each job."""


def work(services: Services, *, name: str | None = None) -> None:
    """Work until SIGTERM. Redis may come and go meanwhile.

    Parameters:
        name: unique among running workers; made up unless given.
    """
    bodies.use_services(services)
    logging.getLogger("rq.worker").setLevel(logging.ERROR)
    pause = 0.1
    while True:
        connection = connect(services.settings)
        try:
            # Whoever was on duty before may have been killed there, and pokes have relied on it.
            enqueue.poke_lanes(connection, services.settings, (0,), sure=True)
            worker = _worker(connection, name)
            worker.work(logging_level="ERROR")
            if worker.stopping:
                log.info("worker_stopped")
                return
            pause = 0.1
        except redis.RedisError as error:
            log.warning("worker_redis_away", error=type(error).__name__)
        finally:
            connection.close()
        time.sleep(pause)
        pause = min(pause * 2, _MAX_PAUSE)


def _worker(connection: redis.Redis, name: str | None) -> LaneWorker:
    options: dict[str, Any] = {
        "log_job_description": False,
        "disable_default_exception_handler": False,
        "worker_ttl": _TTL_SECONDS,
    }
    return LaneWorker(
        [Queue(LANES_QUEUE, connection=connection, serializer=JSONSerializer)],
        name=name or f"lanes-{uuid4().hex}",
        connection=connection,
        serializer=JSONSerializer,
        **options,
    )
