"""Looking after an organization's queues, in a thread of the scheduler: woken after commits, and once a second anyway.

Each step is a transaction of its own; none is held while another begins.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from uuid import UUID

import psycopg
import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from pytake_app.core.errors import UnavailableError
from pytake_app.core.services import Services
from pytake_app.jobs import enqueue
from pytake_app.messaging.sql import hot
from pytake_app.queues import csat, distributing, entering, messages, sweeping

log = structlog.get_logger(__name__)

MOST_ROUNDS = 20
SWEEP_EVERY = 1.0
THOROUGH_EVERY = 5.0
"""Seconds between looks at queues where nobody waits: agents lost, people who have left."""


def tend(services: Services, organization_id: UUID) -> int:
    """Receive who has joined, distribute, tell who comes nearer, ask who has been served.

    Returns:
        how many conversations were given to agents.

    Raises:
        UnavailableError: the database is away; the sweeper will look again.
    """
    clock, database = services.clock, services.database
    for _ in range(MOST_ROUNDS):
        with database.tenant(organization_id) as session:
            if not entering.receive(session, clock=clock):
                break
    given = 0
    for _ in range(MOST_ROUNDS):
        with database.tenant(organization_id) as session:
            now_given = distributing.distribute(session, clock=clock)
        given += now_given
        if not now_given:
            break
    with database.tenant(organization_id) as session:
        messages.tell_positions(session, clock=clock)
    with database.tenant(organization_id) as session:
        csat.ask(session, clock=clock)
        csat.thank(session, clock=clock)
    return given


def sweep(services: Services, organization_id: UUID) -> int:
    """Do what has become due, then tend.

    Returns:
        how many items or agents something was done about.
    """
    done = 0
    for step in sweeping.STEPS:
        try:
            with services.database.tenant(organization_id) as session:
                done += step(session, clock=services.clock)
        except UnavailableError as error:
            # Another transaction was in the way; the other steps, and the other organizations, do not wait for it.
            log.info("sweep_step_put_off", step=step.__name__, error=type(error.__cause__).__name__)
    return done + tend(services, organization_id)


def sweep_all(services: Services, *, thorough: bool) -> int:
    """Sweep every organization where something may be due.

    Parameters:
        thorough: those too where nobody waits.

    Returns:
        how many organizations.
    """
    with hot(services.database) as connection:
        due = sweeping.organizations_due(connection, thorough=thorough)
    for organization_id in due:
        sweep(services, organization_id)
    return len(due)


def run(services: Services, stop: threading.Event, somebody_waits: Callable[[], bool]) -> None:
    """Tend what is poked as soon as it is, and sweep once a second while somebody waits, until `stop` is set. Any
    number may run at once.

    Parameters:
        somebody_waits: whether anybody does, in any queue; all of them are looked at now and then whatever it says.
    """
    swept = thorough = 0.0
    while not stop.is_set():
        try:
            poked = enqueue.poked_queues(services.redis, 1)
        except (redis.RedisError, OSError) as error:
            log.info("queues_not_woken", error=type(error).__name__)
            poked = []
            stop.wait(SWEEP_EVERY)
        try:
            for organization_id in poked:
                tend(services, organization_id)
            now = time.monotonic()
            everywhere = now - thorough >= THOROUGH_EVERY
            if everywhere or (somebody_waits() and now - swept >= SWEEP_EVERY):
                sweep_all(services, thorough=everywhere)
                swept, thorough = time.monotonic(), now if everywhere else thorough
        except (UnavailableError, psycopg.Error, SQLAlchemyError) as error:
            # What was poked is found by the next sweep.
            log.warning("queues_not_tended", error=type(error).__name__)
            stop.wait(SWEEP_EVERY)
