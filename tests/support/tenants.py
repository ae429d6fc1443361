"""An organization with its people, a channel account and somebody who writes; made row by row, without the API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import event
from sqlmodel import Session

from pytake_app.accounts.models import Organization, User
from pytake_app.contacts.models import Contact, ContactIdentity
from pytake_app.conversations.models import Conversation, Message
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Principal, Role
from pytake_app.whatsapp.models import ChannelAccount


class Heard:
    """Stands where live pokes are published: keeps what was said."""

    def __init__(self) -> None:
        self.pokes: list[tuple[str, dict[str, Any]]] = []

    def publish(self, topic: str, payload: dict[str, Any]) -> None:
        self.pokes.append((topic, payload))

    def events(self, topic: str) -> list[str]:
        return [payload["event"] for at, payload in self.pokes if at == topic]


@dataclass
class Tenant:
    """One organization. `admin`, `agent` and `viewer` are principals of users that exist."""

    db: Database
    clock: Clock
    organization_id: UUID
    admin: Principal
    agent: Principal
    viewer: Principal
    account: ChannelAccount
    heard: Heard

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction of the organization; its pokes are kept in `heard`."""
        with self.db.tenant(self.organization_id) as session:
            session.info["live"] = self.heard
            yield session

    def contact(self, name: str = "Maria Conceição", phone: str = "5511987654321", **values: Any) -> Contact:
        """A contact known on the account by its phone."""
        contact = Contact(id=new_id(), organization_id=self.organization_id, name=name, phone=phone, **values)
        identity = ContactIdentity(
            organization_id=self.organization_id,
            contact_id=contact.id,
            channel_account_id=self.account.id,
            key=phone,
            external_id=phone,
            display_name=name,
        )
        with self.session() as session:
            session.add(contact)
            session.flush()
            session.add(identity)
        return contact

    def conversation(
        self, contact: Contact | None = None, *, heard_at: datetime | None = None, **values: Any
    ) -> Conversation:
        """A thread in which the contact wrote at `heard_at` (now by default)."""
        contact = contact or self.contact()
        at = heard_at or self.clock.now()
        row = Conversation(
            id=new_id(),
            organization_id=self.organization_id,
            contact_id=contact.id,
            channel_account_id=self.account.id,
            last_inbound_at=at,
            window_expires_at=at + timedelta(hours=24),
            **{"last_message_at": at, "last_message_preview": "Olá!", "unread_count": 1, **values},
        )
        with self.session() as session:
            session.add(row)
        return row

    def message(self, conversation: Conversation, text: str = "Olá!", **values: Any) -> Message:
        """A message of the thread."""
        defaults: dict[str, Any] = {
            "id": new_id(),
            "direction": "in",
            "type": "text",
            "external_id": f"wamid.{uuid4().hex}",
        }
        defaults["external_id"] = f"wamid.{uuid4().hex}"
        row = Message(
            created_at=self.clock.now(),
            organization_id=self.organization_id,
            conversation_id=conversation.id,
            contact_id=conversation.contact_id,
            channel_account_id=self.account.id,
            text=text,
            **{**defaults, **values},
        )
        with self.session() as session:
            session.add(row)
        return row


def make_tenant(db: Database, clock: Clock, *, name: str = "Loja") -> Tenant:
    """A new organization with three people and one WhatsApp number."""
    organization = Organization(id=new_id(), name=name, slug=f"{name.lower()}-{uuid4().hex[:8]}")
    users = {
        role: User(
            id=new_id(),
            organization_id=organization.id,
            email=f"{uuid4().hex[:12]}@example.com",
            password_hash="!",
            full_name=f"{role.value} of {name}",
            role=role.value,
        )
        for role in (Role.ORG_ADMIN, Role.AGENT, Role.VIEWER)
    }
    account = ChannelAccount(
        id=new_id(),
        organization_id=organization.id,
        name="WhatsApp",
        external_id=uuid4().hex[:15],
        phone="551140000000",
    )
    with db.tenant(organization.id) as session:
        session.add(organization)
        session.flush()
        session.add_all([*users.values(), account])

    def principal(role: Role) -> Principal:
        return Principal(user_id=users[role].id, organization_id=organization.id, role=role, session_id=new_id())

    return Tenant(
        db=db,
        clock=clock,
        organization_id=organization.id,
        admin=principal(Role.ORG_ADMIN),
        agent=principal(Role.AGENT),
        viewer=principal(Role.VIEWER),
        account=account,
        heard=Heard(),
    )


@contextmanager
def counted_statements(session: Session) -> Iterator[list[str]]:
    """The SQL statements that the session's connection runs meanwhile."""
    statements: list[str] = []
    engine = session.get_bind().engine

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
