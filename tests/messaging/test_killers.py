"""A message that kills the worker itself, each time, is given up on; nobody else suffers."""

from __future__ import annotations

import os
import subprocess
import sys

from pytake_app.core.clock import FrozenClock
from pytake_app.messaging import inbound
from tests.support.pipeline import ECHO, Pipeline, add_flow

# A worker as a process of its own, in which the message "die" does what a fault in a C library would do.
WORKER = """
import os, signal
from pytake_app.core.services import Services
from pytake_app.config import Settings
from pytake_app.flows import execution_contact
from pytake_app.flows.execution import Executor

handle = execution_contact.ContactRun.handle

def deadly(self, event):
    if event.payload.get("text") == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    handle(self, event)

execution_contact.ContactRun.handle = deadly
services = Services(Settings(database_url=os.environ["T_DB"], redis_url=os.environ["T_REDIS"],
                             secret_key=os.environ["SECRET_KEY"]))
worker = Executor(services)
while worker.drain(range(services.settings.lanes)).events:
    pass
"""


def work(pipeline: Pipeline) -> int:
    """A worker's life; its exit status."""
    settings = pipeline.services.settings
    environment = {**os.environ, "T_DB": settings.sqlalchemy_url, "T_REDIS": settings.redis_url, "LOG_LEVEL": "ERROR"}
    environment["SECRET_KEY"] = settings.secret_key.get_secret_value()
    return subprocess.run([sys.executable, "-c", WORKER], env=environment, timeout=60, check=False).returncode


async def test_a_message_that_kills_its_worker_ends_in_dead_letters(
    pipeline: Pipeline, frozen_clock: FrozenClock
) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, ECHO)
    now = frozen_clock.now()
    ill, well = pipeline.phone("5511911110000"), pipeline.phone("5511922220000")
    await pipeline.receive(
        ill.text("1", at=now), ill.text("die", at=now), ill.text("3", at=now), well.text("a", at=now)
    )
    deaths = 0
    while work(pipeline) != 0:
        deaths += 1
        assert deaths <= inbound.MAX_ATTEMPTS
        # The backoff is over.
        pipeline.execute("UPDATE inbound_events SET next_attempt_at = now() - interval '1 day' WHERE state = 'pending'")
    assert deaths == inbound.MAX_ATTEMPTS
    assert pipeline.rows("SELECT payload->>'text', state, attempts FROM inbound_events WHERE state <> 'done'") == [
        ("die", "dead", inbound.MAX_ATTEMPTS)
    ]
    answers = "SELECT content->>'body' FROM outbox WHERE recipient = :to ORDER BY sequence"
    assert pipeline.rows(answers, to="5511911110000") == [("re: 1",), ("re: 3",)]
    assert pipeline.rows(answers, to="5511922220000") == [("re: a",)]
    assert pipeline.services.redis.hgetall("pytake:lanes:at_work") == {}
