"""A shop with a queue, agents and people who wait; the API as its administrator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import col, select

from pytake_app.accounts.models import User
from pytake_app.conversations.models import Conversation, Message
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Principal, Role
from pytake_app.notifications.models import Notification
from pytake_app.queues import agents, entering, tending
from pytake_app.queues import service as queues
from pytake_app.queues.models import QueueItem, ServiceQueue
from pytake_app.queues.schemas import QueueWrite
from tests.api.fixtures import app, caller, client, register, services
from tests.support.tenants import Tenant, make_tenant

__all__ = ["app", "caller", "client", "register", "services"]


@dataclass
class Shop:
    """One organization with queues; `clock` stands still until moved."""

    rows: Tenant
    services: Services
    clock: FrozenClock
    queue: ServiceQueue
    people: dict[str, Principal] = field(default_factory=dict)

    def agent(
        self, name: str, *, status: str = "online", capacity: int = 4, skills: list[str] | None = None
    ) -> Principal:
        """A new agent, at work unless said otherwise."""
        user = User(
            id=new_id(), organization_id=self.rows.organization_id, email=f"{uuid4().hex[:12]}@example.com",
            password_hash="!", full_name=name, role="agent",
        )  # fmt: skip
        who = Principal(
            user_id=user.id, organization_id=user.organization_id, role=Role.AGENT, session_id=new_id(), name=name
        )
        with self.rows.session() as session:
            session.add(user)
        with self.rows.session() as session:
            agent, _ = agents.find(session, user.id, clock=self.clock)
            agent.capacity, agent.skills = capacity, skills or []
            session.add(agent)
        self.people[name] = who
        self.status(name, status)
        return who

    def status(self, name: str, status: Any) -> None:
        who = self.people[name]
        with self.rows.session() as session:
            agents.set_status(session, who, who.user_id, status, clock=self.clock)

    def settings(self, queue: ServiceQueue | None = None, **changes: Any) -> ServiceQueue:
        """Change columns of a queue."""
        with self.rows.session() as session:
            row = session.get_one(ServiceQueue, (queue or self.queue).id)
            for name, value in changes.items():
                setattr(row, name, value)
            session.add(row)
        return row

    def another(self, name: str, **changes: Any) -> ServiceQueue:
        """Another queue."""
        with self.rows.session() as session:
            made = queues.create_queue(session, self.rows.admin, QueueWrite(name=name), clock=self.clock)
            row = session.get_one(ServiceQueue, made.id)
        return self.settings(row, **changes) if changes else row

    def waits(
        self, name: str = "Maria", *, queue: ServiceQueue | None = None, source: str = "api", **values: Any
    ) -> QueueItem:
        """Somebody joins a queue; received when it is tended."""
        number = f"55119{uuid4().int % 10**8:08d}"
        thread = self.rows.conversation(self.rows.contact(name, number))
        with self.rows.session() as session:
            return entering.enter(
                session, thread.id, (queue or self.queue).id, source=source, clock=self.clock, **values
            )

    def tend(self) -> int:
        return tending.tend(self.services, self.rows.organization_id)

    def sweep(self) -> int:
        return tending.sweep(self.services, self.rows.organization_id)

    def later(self, **delta: float) -> None:
        """Time passes; agents at work go on being heard of."""
        self.clock.advance(timedelta(**delta))
        for who in self.people.values():
            with self.rows.session() as session:
                agents.seen(session, who.user_id, clock=self.clock)

    def item(self, item_id: UUID) -> QueueItem:
        with self.rows.session() as session:
            return session.get_one(QueueItem, item_id)

    def live(self, conversation_id: UUID) -> QueueItem | None:
        with self.rows.session() as session:
            return session.exec(
                select(QueueItem).where(
                    QueueItem.conversation_id == conversation_id,
                    col(QueueItem.status).in_(("waiting", "offered", "in_service")),
                )
            ).one_or_none()

    def thread(self, item: QueueItem) -> Conversation:
        with self.rows.session() as session:
            return session.get_one(Conversation, item.conversation_id)

    def told(self, item: QueueItem) -> list[str]:
        """What the system said to the contact, in order."""
        with self.rows.session() as session:
            statement = select(Message.text).where(
                Message.conversation_id == item.conversation_id, Message.author_kind == "system"
            )
            return list(session.exec(statement.order_by(col(Message.id))))

    def notices(self, who: Principal) -> list[str]:
        """Kinds of the notifications a person got."""
        with self.rows.session() as session:
            statement = select(Notification.kind).where(Notification.user_id == who.user_id)
            return list(session.exec(statement.order_by(col(Notification.id))))

    def served_by(self, item: QueueItem) -> str | None:
        """Name of the agent who has the conversation; item and conversation must agree."""
        live, thread = self.live(item.conversation_id), self.thread(item)
        agent_id = live.agent_id if live is not None and live.status == "in_service" else None
        assert (thread.assignee_id if thread.handling == "person" else None) == agent_id
        return next((name for name, who in self.people.items() if who.user_id == agent_id), None)


@pytest.fixture
def shop(clean_db: Database, redis_client: object, frozen_clock: FrozenClock, settings: Any) -> Iterator[Shop]:
    """A shop with one queue that is always open; its administrator and the tenant's agent are not at work."""
    rows = make_tenant(clean_db, frozen_clock)
    services = Services(settings, clock=frozen_clock)
    services.database = clean_db
    with rows.session() as session:
        queues.seed_organization(session, rows.organization_id, "pt_BR", clock=frozen_clock)
    with rows.session() as session:
        queue = session.exec(select(ServiceQueue).where(col(ServiceQueue.is_default))).one()
    yield Shop(rows, services, frozen_clock, queue)
    services.redis.close()
