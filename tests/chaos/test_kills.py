"""Processes and servers are killed under load; afterwards the sender's log, the database and Graph's log must agree."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from pytake_app.bench.pipeline import APP_SECRET, LoadProcess, Product, environment_for, free_port, make_number
from pytake_app.bench.pipeline_load import Phase
from pytake_app.config import Settings
from pytake_app.core.errors import UnavailableError
from pytake_app.core.services import Services
from pytake_app.embedded.migrate import upgrade
from pytake_app.embedded.postgres import EmbeddedPostgres
from pytake_app.embedded.redis import EmbeddedRedis
from tests.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(150)]

SECONDS = 6.0
RATE = 60.0


@dataclass
class Stage:
    """The product as processes, under load."""

    product: Product
    services: Services
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    number: str
    graph_port: int

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with self.services.database.system_connection() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def count(self, statement: str) -> int:
        """The number; -1 while the database is away."""
        try:
            return int(self.query(statement)[0][0])
        except (UnavailableError, SQLAlchemyError):
            return -1

    def wait_for_more(self, sends: int) -> None:
        """Until so many more messages were sent."""
        statement = "SELECT count(*) FROM outbox WHERE state = 'sent'"
        before = self.count(statement)
        wait_until(lambda: self.count(statement) > before + sends, 30)

    def run(self, harm: Callable[[Stage], None], delay: float = 0.0) -> dict[str, Any]:
        """Load the product, do harm in the middle of it; the load's figures when all has settled."""
        phase = Phase("chaos", SECONDS, rate=RATE, contacts=40, graph_delay=delay, drain_seconds=60)
        plan = {
            "host": "127.0.0.1", "port": self.product.port, "path": "/api/v1/webhook/whatsapp", "secret": APP_SECRET,
            "number": self.number, "graph_port": self.graph_port, "phases": [asdict(phase)],
            "statuses": ["sent", "delivered"], "connections": 32,
        }  # fmt: skip
        load = LoadProcess(plan)
        figures: dict[str, Any] = {}
        reader = threading.Thread(target=lambda: figures.update(load.read()), daemon=True)
        try:
            load.go()
            reader.start()
            wait_until(lambda: self.count("SELECT count(*) FROM outbox WHERE state = 'sent'") > 20, 60)
            harm(self)
            reader.join(110)
        finally:
            load.stop()
        assert figures, "the load did not end"
        return figures

    def check(self, figures: dict[str, Any]) -> None:
        """Every inbound handled once, in each contact's order, none lost, none sent twice; by all three logs."""
        assert figures["completed"] == figures["sent"] == int(SECONDS * RATE)
        assert (figures["lost"], figures["duplicated"], figures["out_of_order"]) == (0, 0, 0)
        sent = figures["sent"]
        assert self.query("SELECT kind, state, count(*) FROM inbound_events WHERE kind = 'message' GROUP BY 1, 2") == [
            ("message", "done", sent)
        ]
        assert self.count("SELECT count(*) FROM messages WHERE direction = 'in'") == sent
        assert self.count("SELECT count(DISTINCT external_id) FROM messages WHERE direction = 'in'") == sent
        assert self.count("SELECT count(*) FROM messages WHERE direction = 'out'") == sent
        wait_until(lambda: self.count("SELECT count(*) FROM outbox WHERE state <> 'sent'") == 0, 20)
        assert self.count("SELECT count(*) FROM contacts") == self.count("SELECT count(*) FROM conversations") == 40


@pytest.fixture
def stage() -> Iterator[Stage]:
    """One of each role and two workers, on servers of their own."""
    with ExitStack() as stack:
        data_dir = Path(tempfile.mkdtemp(prefix="pytake-chaos-"))
        data_dir.chmod(0o711)  # under root, PostgreSQL's own account must get through
        stack.callback(shutil.rmtree, data_dir, ignore_errors=True)
        postgres = EmbeddedPostgres(data_dir)
        postgres.start()
        stack.callback(postgres.stop)
        cache = EmbeddedRedis(data_dir)
        cache.start()
        stack.callback(cache.stop)
        upgrade(postgres.url)
        environment = environment_for(postgres.url, cache.url, data_dir, workers=2)
        environment |= {"OUTBOX_LEASE_SECONDS": "3", "OUTBOX_UNSURE_GRACE_SECONDS": "4", "SEND_TIMEOUT_SECONDS": "2"}
        services = Services(
            Settings(database_url=postgres.url, redis_url=cache.url, secret_key=environment["SECRET_KEY"])
        )
        stack.callback(services.close)
        graph_port = free_port()
        number = make_number(services, f"http://127.0.0.1:{graph_port}")
        product = Product(environment, data_dir)
        stack.callback(product.stop)
        product.start_all(workers=2)
        yield Stage(product, services, postgres, cache, number, graph_port)


def test_a_worker_killed_in_mid_sprint(stage: Stage) -> None:
    def harm(stage: Stage) -> None:
        for _ in range(3):
            stage.product.kill("worker-1")
            stage.product.start("worker-1")
            stage.wait_for_more(30)

    stage.check(stage.run(harm))


def test_the_outbox_killed_under_load(stage: Stage) -> None:
    def harm(stage: Stage) -> None:
        under_way = "SELECT count(*) FROM outbox WHERE state = 'sending'"
        # A batch may end between the look and the kill: once in a few tries it doesn't.
        for _ in range(8):
            wait_until(lambda: stage.count(under_way) > 0, 20, message="requests under way")
            stage.product.kill("outbox")
            caught = stage.count(under_way) > 0
            stage.product.start("outbox")
            if caught:
                return
        raise AssertionError("the test must catch requests in flight")

    # Graph takes its time, so that many requests are under way when the sender dies.
    stage.check(stage.run(harm, delay=0.3))


def test_redis_loses_everything(stage: Stage) -> None:
    def harm(stage: Stage) -> None:
        client = redis.Redis.from_url(stage.redis.url)
        for _ in range(3):
            client.flushall()
            time.sleep(0.3)
        client.close()

    stage.check(stage.run(harm))


def test_postgresql_killed(stage: Stage) -> None:
    def harm(stage: Stage) -> None:
        kill_postgresql(stage.postgres)
        # Long enough for webhooks to come while nobody can store them.
        time.sleep(1.5)
        stage.postgres.start()

    figures = stage.run(harm)
    assert set(figures["not_acknowledged"]) == {"503"}, "while the database is away the webhook answers 503"
    stage.check(figures)


def kill_postgresql(server: EmbeddedPostgres) -> None:
    """As when the machine's memory runs out: the server and all its processes end at once, nothing is put in order."""
    pid = int((server.cluster / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(pid)
    # The postmaster first, else it would start what is missing again.
    doomed = [postmaster, *postmaster.children(recursive=True)]
    for process in doomed:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(doomed, 10)
    server.stop()


def test_two_of_every_role(stage: Stage) -> None:
    def harm(stage: Stage) -> None:
        for name in ("outbox-2", "scheduler-2", "worker-3", "worker-4"):
            stage.product.start(name)

    stage.check(stage.run(harm))


def test_redis_restarted(stage: Stage) -> None:
    def harm(stage: Stage) -> None:
        stage.redis.stop()
        time.sleep(1.0)
        stage.redis.start()

    stage.check(stage.run(harm))
