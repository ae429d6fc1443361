"""Metrics told to Prometheus, and what each process says of itself.

Source of the rules of many processes: prometheus_client, "Multiprocess Mode (E.g. Gunicorn)".
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

import psutil
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from prometheus_client import start_http_server as serve_http
from sqlalchemy.pool import QueuePool

from pytake_app.core import metrics
from pytake_app.core.db import Database

log = structlog.get_logger(__name__)

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
EVERY_SECONDS = 5.0
_LIVE_FILE = re.compile(r"^gauge_live\w*_(\d+)\.db$")


def exposition() -> tuple[bytes, str]:
    """What `/metrics` answers, and its content type: this process, or all that share the directory."""
    directory = os.environ.get(DIRECTORY)
    if not directory:
        return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
    forget_the_dead(Path(directory))
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_LATEST


def forget_the_dead(directory: Path) -> None:
    """Take away the present state of processes that are gone; what they counted stays."""
    try:
        names = [entry.name for entry in directory.iterdir()]
    except FileNotFoundError:
        return
    for name in names:
        match = _LIVE_FILE.match(name)
        if match and not psutil.pid_exists(int(match.group(1))):
            (directory / name).unlink(missing_ok=True)


def serve(port: int, host: str) -> None:
    """Answer `/metrics` on a port of this process's own (a role that runs without a web server beside it).

    Raises:
        OSError: the port is taken.
    """
    serve_http(port, addr=host)


class Pulse(threading.Thread):
    """Says every few seconds what the process holds: memory, processor time, files, database connections.

    Parameters:
        role: web, worker, outbox or scheduler.
        database: whose pools are counted.
    """

    def __init__(self, role: str, database: Database) -> None:
        super().__init__(name="pulse", daemon=True)
        self._role = role
        self._database = database
        self._process = psutil.Process()
        self._over = threading.Event()

    def run(self) -> None:
        """Until `stop`, or the end of the process."""
        while not self._over.is_set():
            try:
                self.beat()
            except (psutil.Error, OSError) as error:
                log.info("pulse_missed", error=type(error).__name__)
            self._over.wait(EVERY_SECONDS)

    def beat(self) -> None:
        """Say it once."""
        role = self._role
        cpu = self._process.cpu_times()
        metrics.process_memory.labels(role).set(self._process.memory_info().rss)
        metrics.process_cpu.labels(role).set(cpu.user + cpu.system)
        metrics.process_files.labels(role).set(self._process.num_fds())
        for pool, engine in self._database.pools().items():
            queue = engine.pool
            if isinstance(queue, QueuePool):
                used = queue.checkedout()
                metrics.database_connections.labels(role, pool, "used").set(used)
                metrics.database_connections.labels(role, pool, "idle").set(queue.checkedin())
                metrics.database_connections.labels(role, pool, "free").set(max(0, self._database.most - used))

    def stop(self) -> None:
        """Say nothing more."""
        self._over.set()
