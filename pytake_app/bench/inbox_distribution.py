"""Distribution: 1,000 waiting conversations among 100 agents, and 10,000 tries that fight for a few at once."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlmodel import Session, col, select

from pytake_app.accounts.models import Organization, User
from pytake_app.bench.pipeline import environment_for, servers
from pytake_app.config import get_settings
from pytake_app.contacts.models import Contact, ContactIdentity
from pytake_app.conversations.models import AutomationLog, Conversation
from pytake_app.core.clock import SystemClock
from pytake_app.core.db import Database
from pytake_app.core.errors import ProblemError
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services, process_services
from pytake_app.core.tenancy import Principal, Role
from pytake_app.queues import distributing, operations, tending
from pytake_app.queues.models import Agent, QueueItem, ServiceQueue
from pytake_app.whatsapp.models import ChannelAccount

QUEUED, AGENTS, TRIES, AT_ONCE = 1_000, 100, 10_000, 16
FEW, FEW_AGENTS, TRIES_A_ROUND = 20, 10, 200
"""So few conversations are fought for in a round: every one is wanted by ten tries at once."""
TARGET_SECONDS = 5.0
_CLOCK = SystemClock()


@dataclass(frozen=True)
class Hall:
    """An organization with people who wait and agents at work."""

    organization_id: UUID
    queue_id: UUID
    items: list[UUID]
    agents: list[Principal]


def fill(database: Database, *, queued: int, agents: int, capacity: int) -> Hall:
    """Make one; everybody has been received, nobody is served yet."""
    organization_id, now = new_id(), datetime.now(UTC)
    owned = {"organization_id": organization_id}
    queue = ServiceQueue(**owned, name="Bench", is_default=True)
    account = ChannelAccount(**owned, name="Bench", external_id=organization_id.hex[:15], phone="551140000000")
    users = [
        User(**owned, id=new_id(), email=f"{new_id().hex}@example.com", password_hash="!", full_name=f"Agent {n}",  # noqa: S106  # nobody signs in
             role="agent")
        for n in range(agents)
    ]  # fmt: skip
    people = [Contact(**owned, id=new_id(), name=f"Contact {n}", phone=f"5511{n:09d}") for n in range(queued)]
    threads = [
        Conversation(
            **owned, id=new_id(), contact_id=person.id, channel_account_id=account.id, status="pending",
            handling="waiting", queue_id=queue.id, queue_name="Bench", last_message_at=now, last_inbound_at=now,
        )
        for person in people
    ]  # fmt: skip
    waiting = [
        QueueItem(
            **owned, id=new_id(), queue_id=queue.id, queue_name="Bench", conversation_id=thread.id,
            contact_id=thread.contact_id, entered_at=now, arrived_at=now,
        )
        for thread in threads
    ]  # fmt: skip
    with database.tenant(organization_id) as session:
        session.add(Organization(id=organization_id, name="Bench", slug=f"bench-{organization_id.hex}"))
        session.flush()
        for rows in (
            [queue, account, *users, *people],
            [
                *(Agent(**owned, user_id=user.id, status="online", capacity=capacity, last_seen_at=now)
                  for user in users),
                *(ContactIdentity(**owned, contact_id=person.id, channel_account_id=account.id, key=person.phone)
                  for person in people),
                *threads,
            ],
            waiting,
        ):  # fmt: skip
            session.add_all(rows)
            session.flush()
    principals = [
        Principal(user_id=user.id, organization_id=organization_id, role=Role.AGENT, session_id=new_id())
        for user in users
    ]
    return Hall(organization_id, queue.id, [item.id for item in waiting], principals)


def tries(database: Database, hall: Hall, *, count: int, at_once: int, seed: int = 1) -> Counter[str]:
    """Have many take conversations at once: distribution, picks of the next, assignments by hand.

    Returns:
        how often each answer came.
    """
    answers: Counter[str] = Counter()
    counting = threading.Lock()

    def one(number: int) -> None:
        chance = random.Random(seed * 1_000_003 + number)  # which try does what, the same each time
        who = chance.choice(hall.agents)
        try:
            with database.tenant(hall.organization_id) as session:
                answer = _try(session, hall, who, chance)
        except ProblemError as error:
            answer = error.code
        with counting:
            answers[answer] += 1

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(one, range(count)))
    return answers


def _try(session: Session, hall: Hall, who: Principal, chance: random.Random) -> str:
    dice = chance.random()
    if dice < 0.1:
        return "distributed" if distributing.distribute(session, clock=_CLOCK) else "nothing_to_distribute"
    if dice < 0.3:
        operations.accept(session, who, hall.queue_id, chance.choice(hall.items), clock=_CLOCK)
        return "accepted"
    if dice < 0.6:
        taken = operations.take_next(session, who, hall.queue_id, clock=_CLOCK)
        return "picked" if taken is not None else "nobody_waits"
    operations.assign(session, who, hall.queue_id, chance.choice(hall.items), who.user_id, clock=_CLOCK)
    return "assigned"


def contend(database: Database, *, count: int, at_once: int) -> tuple[Counter[str], list[str]]:
    """Have many fight for few conversations, round after round; every second round they ring before they are served.

    Returns:
        how often each answer came, and what was wrong after any round.
    """
    hall = fill(database, queued=FEW, agents=FEW_AGENTS, capacity=FEW)
    answers: Counter[str] = Counter()
    faults: list[str] = []
    for number in range(max(1, count // TRIES_A_ROUND)):
        since = _from_anew(database, hall, ring_seconds=60 if number % 2 else 0)
        answers += tries(database, hall, count=min(count, TRIES_A_ROUND), at_once=at_once, seed=number + 1)
        faults += wrong(database, hall, since)
    return answers, faults


def _from_anew(database: Database, hall: Hall, *, ring_seconds: int) -> datetime:
    """Everybody waits again. Answers from when on assignments count."""
    with database.tenant(hall.organization_id) as session:
        session.execute(sa.update(ServiceQueue).values(ring_seconds=ring_seconds))
        session.execute(
            sa.update(QueueItem).values(
                status="waiting", agent_id=None, assigned_at=None, offered_to=None, offered_until=None
            )
        )
        session.execute(sa.update(Conversation).values(status="pending", handling="waiting", assignee_id=None))
    return datetime.now(UTC)


def wrong(database: Database, hall: Hall, since: datetime | None = None) -> list[str]:
    """What must never be: two agents for one conversation, or two assignments of one wait.

    Parameters:
        since: only assignments from then on count.
    """
    found: list[str] = []
    with database.tenant(hall.organization_id) as session:
        served = session.exec(select(QueueItem).where(QueueItem.status == "in_service")).all()
        if len({item.conversation_id for item in served}) != len(served):
            found.append("a conversation is served twice")
        threads = {row.id: row for row in session.exec(select(Conversation))}
        found += [
            f"{item.id} and its conversation disagree"
            for item in served
            if threads[item.conversation_id].assignee_id != item.agent_id
            or threads[item.conversation_id].handling != "person"
        ]
        lines = sa.select(col(AutomationLog.conversation_id), sa.func.count()).where(
            col(AutomationLog.organization_id) == hall.organization_id, col(AutomationLog.kind) == "assigned"
        )
        if since is not None:
            lines = lines.where(col(AutomationLog.at) >= since)
        given = {row[0]: row[1] for row in session.execute(lines.group_by(col(AutomationLog.conversation_id)))}
        found += [f"conversation {one} was assigned {times} times" for one, times in given.items() if times != 1]
        if len(given) != len(served):
            found.append(f"{len(given)} assignments for {len(served)} who are served")
    return found


def measure() -> int:
    """Both measurements on throw-away servers; 1 when a target is missed or anything is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="pytake-bench-"))
    folder.chmod(0o711)  # under root, PostgreSQL's own account must get through
    try:
        with servers(folder) as (database_url, redis_url):
            # Pokes after commits go by the process's own settings.
            os.environ.update(environment_for(database_url, redis_url, folder, 1), DATABASE_POOL_SIZE=str(AT_ONCE))
            get_settings.cache_clear()
            services = process_services()
            try:
                return _distribution(services) | _at_once(services)
            finally:
                services.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _distribution(services: Services) -> int:
    hall = fill(services.database, queued=QUEUED, agents=AGENTS, capacity=QUEUED // AGENTS)
    began, cpu = time.perf_counter(), time.process_time()
    given = tending.tend(services, hall.organization_id)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    faults = wrong(services.database, hall)
    print(orjson.dumps({
        "part": "distribution", "queued": QUEUED, "agents": AGENTS, "given": given, "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2), "target_seconds": TARGET_SECONDS, "wrong": faults,
    }).decode())  # fmt: skip
    return int(bool(faults) or given != QUEUED or seconds > TARGET_SECONDS)


def _at_once(services: Services) -> int:
    began = time.perf_counter()
    answers, faults = contend(services.database, count=TRIES, at_once=AT_ONCE)
    seconds = time.perf_counter() - began
    print(orjson.dumps({
        "part": "tries_at_once", "tries": TRIES, "at_once": AT_ONCE, "conversations": FEW, "seconds": round(seconds, 1),
        "answers": dict(answers), "wrong": faults,
    }).decode())  # fmt: skip
    return int(bool(faults))
