"""Which conversations somebody sees.

With `conversations.see_all`: every one. Without it: those assigned to them, unassigned ones that wait in a queue they
answer, and those they take part in (a note of theirs, or one that names them). A conversation that isn't seen is not
found: in lists, counts, search, the thread, actions and live events alike.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col

from pytake_app.conversations.desk_models import ConversationMention, ConversationParticipant
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import Permission, Principal, organization_of

_KEPT = "sight"


def condition(session: Session, principal: Principal) -> Any | None:
    """A condition on `Conversation`; None: the caller sees all.

    Two look-ups beforehand, once a transaction: with the ids in hand PostgreSQL finds the rows by indexes.
    """
    if principal.has(Permission.CONVERSATIONS_SEE_ALL):
        return None
    known: dict[UUID, Any] = session.info.setdefault(_KEPT, {})
    if principal.user_id not in known:
        known[principal.user_id] = _condition(session, principal.user_id)
    return known[principal.user_id]


def forget(session: Session) -> None:
    """What somebody takes part in has changed in this transaction."""
    session.info.pop(_KEPT, None)


def _condition(session: Session, me: UUID) -> Any:
    from pytake_app.queues import service as queues  # it calls conversations as it is loaded

    own = queues.own_queue_ids(session, me)
    parts = [
        sa.select(col(table.conversation_id)).where(
            col(table.organization_id) == organization_of(session), col(table.user_id) == me
        )
        for table in (ConversationMention, ConversationParticipant)
    ]
    taking_part = list(session.execute(sa.union(*parts)).scalars())
    seen = [col(Conversation.assignee_id) == me]
    if own:
        seen.append(sa.and_(col(Conversation.assignee_id).is_(None), col(Conversation.queue_id).in_(own)))
    if taking_part:
        seen.append(col(Conversation.id).in_(taking_part))
    return sa.or_(*seen)


def ids_seen(session: Session, principal: Principal) -> Any | None:
    """A sub-select of the ids of the conversations that the caller sees, for tables that name one; None: all."""
    seen = condition(session, principal)
    if seen is None:
        return None
    return sa.select(col(Conversation.id)).where(col(Conversation.organization_id) == organization_of(session), seen)


def among(session: Session, principal: Principal, conversation_ids: Collection[UUID]) -> set[UUID]:
    """Those of the conversations that the caller sees; one statement."""
    seen = condition(session, principal)
    if seen is None or not conversation_ids:
        return set(conversation_ids)
    statement = sa.select(col(Conversation.id)).where(
        col(Conversation.organization_id) == organization_of(session),
        col(Conversation.id).in_(list(conversation_ids)),
        seen,
    )
    return set(session.execute(statement).scalars())


def take_part(session: Session, conversation: Conversation, user_id: UUID, *, clock: Clock) -> None:
    """Somebody wrote a note here: they go on seeing the conversation."""
    statement = insert(ConversationParticipant).values(
        user_id=user_id, conversation_id=conversation.id, organization_id=conversation.organization_id,
        since=clock.now(),
    )  # fmt: skip
    session.execute(statement.on_conflict_do_nothing())
    forget(session)
