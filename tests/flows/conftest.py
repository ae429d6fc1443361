"""An organization to work in, and the API."""

import threading
from collections.abc import Iterator

import pytest
from sqlmodel import col, select

from pytake_app.api.services import Services
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.flows.execution import Executor
from pytake_app.messaging.models import InboundEvent
from tests.api.fixtures import app, caller, client, register, services
from tests.support.tenants import Tenant, make_tenant

__all__ = ["app", "caller", "client", "register", "services"]


@pytest.fixture
def tenant(clean_db: Database, redis_client: object, frozen_clock: FrozenClock) -> Tenant:
    """An organization with people and a number; tables and Redis are empty otherwise."""
    return make_tenant(clean_db, frozen_clock)


@pytest.fixture
def worker(services: Services) -> Iterator[threading.Event]:
    """A thread that does a worker's job: whatever is pending on any lane is executed. Set the event to pause it."""
    stop, paused = threading.Event(), threading.Event()
    executor = Executor(services)
    faults: list[BaseException] = []

    def work() -> None:
        while not stop.wait(0.01):
            if paused.is_set():
                continue
            try:
                with services.database.system() as session:
                    pending = select(InboundEvent.lane).where(col(InboundEvent.state) == "pending").distinct()
                    lanes = list(session.exec(pending))
                if lanes:
                    executor.drain(lanes)
            except BaseException as fault:
                faults.append(fault)
                return

    thread = threading.Thread(target=work, name="test worker")
    thread.start()
    yield paused
    stop.set()
    thread.join(10)
    assert faults == []
