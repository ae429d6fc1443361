"""SIGTERM: each role finishes what it has in hand, within its time, and leaves nothing half done."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import psutil
import pytest

from pytake_app.channels.whatsapp.signature import sign
from pytake_app.config import Settings
from pytake_app.core.db import Database
from pytake_app.core.services import Services
from pytake_app.embedded.environment import reflex_environment
from pytake_app.embedded.up import web_command
from pytake_app.jobs import enqueue
from tests.support.graph_stub import GraphStub
from tests.support.pipeline import APP_SECRET, ECHO, Pipeline, add_flow
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 60
GRACE = 10.0
"""Seconds that `up` and the manifests give at least."""
START = 90.0
"""Seconds a process may take until it works. It needs 4 of a processor; how long that is depends on who else wants it,
and no claim here is about it."""


@pytest.fixture
def live(settings: Settings, clean_db: Database, redis_client: object) -> Iterator[Services]:
    """Services by the machine's clock, as the processes have it."""
    made = Services(settings)
    yield made
    made.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(settings: Settings, command: list[str], **more: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "PYTAKE_DATA_DIR": str(settings.data_dir),
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "PYTHONPATH": str(ROOT),
        **more,
    }
    log = Path(settings.data_dir) / "draining.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def role(name: str) -> list[str]:
    return [sys.executable, "-m", "pytake_app", name]


def drained(child: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    assert child.wait(GRACE) == 0
    assert time.monotonic() - began < GRACE


def talk(pipeline: Pipeline, rounds: int = 1) -> None:
    """Everybody writes."""
    phones = [pipeline.phone(f"55119{n:08d}") for n in range(PEOPLE)]
    now = pipeline.services.clock.now()
    for n in range(rounds):
        asyncio.run(pipeline.receive(*(phone.text(str(n), at=now) for phone in phones)))


def test_the_outbox_finishes_its_sends(live: Services) -> None:
    with GraphStub.in_thread(delay=1.0) as graph:
        pipeline = Pipeline.make(live, graph.base_url)
        pipeline.execute(
            "UPDATE channel_accounts SET settings = settings || '{\"messages_per_second\": 20}' WHERE NOT sandbox"
        )
        add_flow(live.database, pipeline.tenant.organization_id, ECHO)
        talk(pipeline)
        pipeline.drain()
        port = free_port()
        with process(live.settings, role("outbox"), METRICS_PORT=str(port)) as child:
            wait_until(lambda: len(graph.calls) >= 5, timeout=START, message="calls are under way")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                assert b'pytake_process_resident_bytes{role="outbox"}' in answer.read()
            drained(child)
        states = dict(pipeline.rows("SELECT state, count(*) FROM outbox GROUP BY state"))
        assert set(states) == {"sent", "queued"}, "nothing is left in a sender's hands"
        assert states["sent"] == len(graph.sent) > 0
        assert pipeline.rows("SELECT DISTINCT attempts FROM outbox WHERE state = 'queued'") == [(0,)]


def test_a_worker_finishes_its_sprint(live: Services) -> None:
    pipeline = Pipeline.make(live)
    add_flow(live.database, pipeline.tenant.organization_id, ECHO)
    talk(pipeline, rounds=10)
    enqueue.poke_lanes(live.redis, live.settings, range(live.settings.lanes))
    with process(live.settings, role("worker")) as child:
        wait_until(lambda: pipeline.scalar("SELECT count(*) FROM outbox") > 0, timeout=START, message="it works")
        drained(child)
    done = pipeline.scalar("SELECT count(*) FROM inbound_events WHERE state = 'done'")
    assert done == pipeline.scalar("SELECT count(*) FROM outbox") > 0
    waiting = pipeline.rows("SELECT state, max(attempts) FROM inbound_events WHERE state <> 'done' GROUP BY state")
    assert waiting in ([], [("pending", 0)])
    assert live.redis.hlen("pytake:lanes:at_work") == 0, "nobody will take it for dead"


def test_the_scheduler_ends_between_two_duties(live: Services) -> None:
    with process(live.settings, role("scheduler")) as child:
        wait_until(lambda: live.redis.zcard("pytake:alive:scheduler") > 0, timeout=START, message="it works")
        drained(child)


def _holds(child: subprocess.Popen[bytes], port: int) -> bool:
    """Whether one of the server's processes has taken the connection that comes from `port`."""
    servers = psutil.Process(child.pid).children(recursive=True)
    return any(one.raddr and one.raddr.port == port for server in servers for one in server.net_connections("tcp"))


def test_the_web_finishes_its_requests(live: Services) -> None:
    """A delivery of which only half has come when the server is told to stop is stored and acknowledged."""
    pipeline = Pipeline.make(live)
    port = free_port()
    settings = live.settings.model_copy(update={"host": "127.0.0.1", "port": port})
    body = orjson.dumps(pipeline.phone().text("oi", at=live.clock.now()))
    with process(settings, web_command(settings), **reflex_environment(building=False)) as child:

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                    return bool(answer.status == 200)
            except OSError:
                return False

        wait_until(answers, timeout=START, interval=0.2, message="the web answers")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            path = f"/webhook/whatsapp/{pipeline.tenant.account.id}"
            head = (
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
                f"X-Hub-Signature-256: {sign(body, APP_SECRET)}\r\nConnection: close\r\n\r\n"
            )
            connection.sendall(head.encode() + body[:20])
            wait_until(lambda: _holds(child, connection.getsockname()[1]), message="the request is in its hands")
            child.send_signal(signal.SIGTERM)
            log = Path(settings.data_dir) / "draining.log"
            wait_until(lambda: "Shutting down" in log.read_text(), message="it has heard that it is to stop")
            connection.sendall(body[20:])
            assert connection.recv(64).startswith(b"HTTP/1.1 200")
        assert child.wait(GRACE) == 0
    assert pipeline.scalar("SELECT count(*) FROM inbound_events WHERE kind = 'message'") == 1
