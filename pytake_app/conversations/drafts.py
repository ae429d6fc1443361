"""What people have begun to write, kept for each of them: another device goes on where this one stopped."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from pytake_app.conversations import repository
from pytake_app.conversations.desk_models import MessageDraft
from pytake_app.conversations.desk_schemas import DraftView
from pytake_app.core.clock import Clock
from pytake_app.core.ids import new_id
from pytake_app.core.live import poke
from pytake_app.core.tenancy import Permission, Principal, Role, organization_of, scoped


def get(session: Session, principal: Principal, conversation_id: UUID) -> DraftView:
    """The caller's draft; an empty text when there is none."""
    principal.require(Role.VIEWER)
    repository.find(session, principal, conversation_id)
    statement = scoped(session, MessageDraft).where(
        MessageDraft.conversation_id == conversation_id, MessageDraft.user_id == principal.user_id
    )
    row: MessageDraft | None = session.exec(statement).one_or_none()
    return DraftView(text=row.text if row else "", updated_at=row.updated_at if row else None)


def put(session: Session, principal: Principal, conversation_id: UUID, text: str, *, clock: Clock) -> DraftView:
    """Keep what the caller has begun to write; an empty text forgets it. The caller's other tabs are told."""
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    repository.find(session, principal, conversation_id)
    now = clock.now()
    if not text:
        forget(session, conversation_id, principal.user_id)
    else:
        row = {
            "id": new_id(), "organization_id": organization_of(session), "conversation_id": conversation_id,
            "user_id": principal.user_id, "text": text, "updated_at": now,
        }  # fmt: skip
        changed = {"text": text, "updated_at": now}
        session.execute(
            insert(MessageDraft)
            .values(row)
            .on_conflict_do_update(index_elements=["conversation_id", "user_id"], set_=changed)
        )
    _tell(session, conversation_id, principal.user_id)
    return DraftView(text=text, updated_at=now if text else None)


def _tell(session: Session, conversation_id: UUID, user_id: UUID) -> None:
    """Their other tabs and devices."""
    payload = {"event": "draft_updated", "conversation_id": str(conversation_id), "user_id": str(user_id)}
    poke(session, f"org:{organization_of(session)}:desk", payload)


def forget(session: Session, conversation_id: UUID, user_id: UUID) -> None:
    """There is no draft any more; a device that still shows it is told."""
    gone = session.execute(
        sa.delete(MessageDraft).where(
            col(MessageDraft.organization_id) == organization_of(session),
            col(MessageDraft.conversation_id) == conversation_id,
            col(MessageDraft.user_id) == user_id,
        )
    )
    if gone.rowcount:  # type: ignore[attr-defined]
        _tell(session, conversation_id, user_id)
