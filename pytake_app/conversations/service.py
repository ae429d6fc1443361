"""Conversations: what other rooms call. Every function runs in the caller's transaction and never commits.

Reading needs `viewer`, everything else `agent`. Raised throughout: `NotFoundError`, `ForbiddenError`.
"""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from pytake_app.conversations.schemas import (
    AutomationLogView,
    ConversationDetail,
    ConversationFilter,
    ConversationStats,
    ConversationStatus,
    ConversationView,
    MessageView,
    Priority,
    SendMessage,
)
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.pagination import DEFAULT_LIMIT, Page
from pytake_app.core.tenancy import Principal

_CLOCK = SystemClock()


def list_conversations(
    session: Session,
    principal: Principal,
    where: ConversationFilter | None = None,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[ConversationView]:
    raise NotImplementedError


def get_conversation(
    session: Session, principal: Principal, conversation_id: UUID, *, clock: Clock = _CLOCK
) -> ConversationDetail:
    raise NotImplementedError


def list_messages(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[MessageView]:
    """Newest first; `next_cursor` leads to older ones."""
    raise NotImplementedError


def messages_by_id(session: Session, principal: Principal, message_ids: list[UUID]) -> list[MessageView]:
    """Those of the ids that exist, oldest first: to answer a live poke."""
    raise NotImplementedError


def send_message(
    session: Session, principal: Principal, conversation_id: UUID, request: SendMessage, *, clock: Clock = _CLOCK
) -> MessageView:
    raise NotImplementedError


def add_note(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    text: str,
    *,
    client_id: str | None = None,
    clock: Clock = _CLOCK,
) -> MessageView:
    raise NotImplementedError


def take_over(
    session: Session, principal: Principal, conversation_id: UUID, *, clock: Clock = _CLOCK
) -> ConversationDetail:
    raise NotImplementedError


def give_back(
    session: Session, principal: Principal, conversation_id: UUID, *, flow_id: str | None = None, clock: Clock = _CLOCK
) -> ConversationDetail:
    raise NotImplementedError


def assign(
    session: Session, principal: Principal, conversation_id: UUID, user_id: UUID | None, *, clock: Clock = _CLOCK
) -> ConversationDetail:
    raise NotImplementedError


def set_status(
    session: Session, principal: Principal, conversation_id: UUID, status: ConversationStatus, *, clock: Clock = _CLOCK
) -> ConversationDetail:
    raise NotImplementedError


def set_priority(
    session: Session, principal: Principal, conversation_id: UUID, priority: Priority, *, clock: Clock = _CLOCK
) -> ConversationDetail:
    raise NotImplementedError


def mark_read(session: Session, principal: Principal, conversation_id: UUID) -> ConversationDetail:
    raise NotImplementedError


def conversation_stats(session: Session, principal: Principal, *, clock: Clock = _CLOCK) -> ConversationStats:
    raise NotImplementedError


def automation_log(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page[AutomationLogView]:
    raise NotImplementedError
