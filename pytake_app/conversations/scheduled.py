"""Messages for later: kept as they were asked for, and judged again when their time has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, LiteralString, cast
from uuid import UUID

import structlog
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.conversations import contents, handling, repository, sending
from pytake_app.conversations.desk_models import ScheduledMessage
from pytake_app.conversations.message_schemas import SCHEDULE_DAYS, ScheduledUpdate, ScheduledView, SendMessage
from pytake_app.conversations.models import Conversation
from pytake_app.core.clock import Clock
from pytake_app.core.db import Database
from pytake_app.core.errors import (
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ProblemError,
    UnavailableError,
)
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Permission, Principal, Role, scoped
from pytake_app.core.texts import known_text, text
from pytake_app.messaging.sql import Connection
from pytake_app.notifications import service as notifications

log = structlog.get_logger(__name__)

BATCH = 100
ANY_DUE: LiteralString = "SELECT 1 FROM scheduled_messages WHERE state = 'scheduled' AND send_at <= %(now)s"
"""Rows: one is due."""
_DUE = """
SELECT organization_id, id FROM scheduled_messages WHERE state = 'scheduled' AND send_at <= %s
ORDER BY send_at LIMIT %s
"""


def schedule(
    session: Session, principal: Principal, conversation_id: UUID, request: SendMessage, *, clock: Clock
) -> ScheduledMessage:
    """Keep a message for `request.send_at`. It must be sendable as it stands, except for the service window, which is
    judged when its time has come. The same `client_id` twice keeps one.

    Raises:
        ConflictError: `conversation_closed`, `contact_blocked`, `contact_opted_out`.
        InvalidError: `send_at` is past or too far away; as `sending.send_message`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation = repository.lock(session, principal, conversation_id)
    if request.client_id is not None:
        kept = session.exec(
            scoped(session, ScheduledMessage).where(
                ScheduledMessage.conversation_id == conversation.id, ScheduledMessage.client_id == request.client_id
            )
        ).first()
        if kept is not None:
            return cast("ScheduledMessage", kept)
    at = _refuse_time(request.send_at, clock)
    preview = _checked(session, conversation, request, clock)
    row = ScheduledMessage(
        id=new_id(),
        organization_id=conversation.organization_id,
        conversation_id=conversation.id,
        author_id=principal.user_id,
        request=_kept(request),
        preview=preview,
        client_id=request.client_id,
        send_at=at,
        created_at=clock.now(),
        updated_at=clock.now(),
    )
    session.add(row)
    session.flush()
    handling.announce(session, conversation, "conversation_updated")
    return row


def _refuse_time(at: datetime | None, clock: Clock) -> datetime:
    now = clock.now()
    if at is None or at <= now or at > now + timedelta(days=SCHEDULE_DAYS):
        error = FieldError("/send_at", f"in the future, within {SCHEDULE_DAYS} days", "send_at")
        raise InvalidError("The time to send at must lie ahead.", errors=[error], code="send_at")
    return at


def _checked(session: Session, conversation: Conversation, request: SendMessage, clock: Clock) -> str:
    person = contacts.lock(session, conversation.contact_id)
    body = request.body()
    try:
        sending.refuse(conversation, person, body, clock=clock)
    except ConflictError as error:
        # A window that is closed now may be open then; one that is open now may not.
        if error.code != "window_closed":
            raise
    address = contacts.address_of(session, person.id, conversation.channel_account_id)
    made = contents.sendable(session, conversation, body, address.recipient)
    if request.reply_to is not None:
        contents.external_id_of(session, conversation, request.reply_to, "/reply_to")
    return made.text


def _kept(request: SendMessage) -> dict[str, Any]:
    reply_to = str(request.reply_to) if request.reply_to else None
    return {"message": request.body().model_dump(mode="json", exclude_none=True), "reply_to": reply_to}


def list_scheduled(session: Session, principal: Principal, conversation_id: UUID) -> list[ScheduledView]:
    """What is to be sent in a conversation, soonest first, and what could not be sent."""
    principal.require(Role.VIEWER)
    repository.find(session, principal, conversation_id)
    statement = (
        scoped(session, ScheduledMessage)
        .where(
            ScheduledMessage.conversation_id == conversation_id,
            col(ScheduledMessage.state).in_(("scheduled", "failed")),
        )
        .order_by(col(ScheduledMessage.send_at))
        .limit(200)
    )
    return views(session, list(session.exec(statement)))


def views(session: Session, rows: list[ScheduledMessage]) -> list[ScheduledView]:
    """Rows for the API; one query for the authors' names."""
    names = accounts.user_names(session, {row.author_id for row in rows})
    return [
        ScheduledView(
            id=row.id,
            conversation_id=row.conversation_id,
            status=row.state,
            send_at=row.send_at,
            text=row.preview,
            message=row.request["message"],
            reply_to=row.request.get("reply_to"),
            client_id=row.client_id,
            author_id=row.author_id,
            author_name=names.get(row.author_id),
            reason=row.reason,
            message_id=row.message_id,
            created_at=row.created_at,
        )
        for row in rows
    ]


def _find(
    session: Session, principal: Principal | None, conversation_id: UUID, scheduled_id: UUID
) -> tuple[Conversation, ScheduledMessage]:
    conversation = repository.lock(session, principal, conversation_id)
    statement = scoped(session, ScheduledMessage).where(
        ScheduledMessage.id == scheduled_id, ScheduledMessage.conversation_id == conversation_id
    )
    row: ScheduledMessage | None = session.exec(
        statement.with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise NotFoundError("There is no such scheduled message.", code="scheduled_not_found")
    return conversation, row


def _refuse_gone(row: ScheduledMessage) -> None:
    if row.state not in ("scheduled", "failed"):
        raise ConflictError(f"The message is {row.state} already.", code=f"scheduled_{row.state}")


def change(
    session: Session,
    principal: Principal,
    conversation_id: UUID,
    scheduled_id: UUID,
    request: ScheduledUpdate,
    *,
    clock: Clock,
) -> ScheduledView:
    """Another time, another message, or both; one that failed is tried again at the new time.

    Raises:
        NotFoundError: none here.
        ConflictError: `scheduled_sent`, `scheduled_canceled`.
        InvalidError: as `schedule`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation, row = _find(session, principal, conversation_id, scheduled_id)
    _refuse_gone(row)
    at = _refuse_time(request.send_at or row.send_at, clock)
    message = request.message or SendMessage.model_validate({"message": row.request["message"]}).body()
    whole = SendMessage.model_validate({"message": message, "reply_to": row.request.get("reply_to")})
    row.preview = _checked(session, conversation, whole, clock)
    row.request, row.send_at, row.state, row.reason = _kept(whole), at, "scheduled", ""
    row.author_id, row.updated_at = principal.user_id, clock.now()
    session.add(row)
    session.flush()
    handling.announce(session, conversation, "conversation_updated")
    return views(session, [row])[0]


def cancel(session: Session, principal: Principal, conversation_id: UUID, scheduled_id: UUID, *, clock: Clock) -> None:
    """It is not sent after all.

    Raises:
        NotFoundError: none here.
        ConflictError: `scheduled_sent`, `scheduled_canceled`.
    """
    principal.needs(Permission.CONVERSATIONS_HANDLE)
    conversation, row = _find(session, principal, conversation_id, scheduled_id)
    _refuse_gone(row)
    row.state, row.updated_at = "canceled", clock.now()
    session.add(row)
    session.flush()
    handling.announce(session, conversation, "conversation_updated")


def due(connection: Connection, now: datetime) -> list[tuple[UUID, UUID]]:
    """(organization, message) of what is to be sent now, the longest due first."""
    return [(row[0], row[1]) for row in connection.execute(_DUE, (now, BATCH)).fetchall()]


def carry_out(database: Database, organization_id: UUID, scheduled_id: UUID, *, clock: Clock) -> bool:
    """Send one that is due, as its author; what can't be sent is kept with the reason, and its author is told.

    Returns:
        whether it was sent.
    """
    with database.tenant(organization_id) as session:
        found: ScheduledMessage | None = session.exec(
            scoped(session, ScheduledMessage).where(ScheduledMessage.id == scheduled_id)
        ).one_or_none()
        if found is None:
            return False
        conversation, row = _find(session, None, found.conversation_id, scheduled_id)
        if row.state != "scheduled" or row.send_at > clock.now():
            return False
        try:
            with session.begin_nested():
                message_id = _send(session, row, clock)
        except (OperationalError, UnavailableError):
            raise  # nothing was decided: it is done at the next round
        except ProblemError as problem:
            _fail(session, conversation, row, problem.code or "other", clock)
            log.info("scheduled_message_refused", code=problem.code)
            return False
        except Exception:
            # Whatever it is: tried again for ever it would stop everything else that is due.
            log.exception("scheduled_message_broke")
            _fail(session, conversation, row, "other", clock)
            return False
        row.state, row.message_id, row.updated_at = "sent", message_id, clock.now()
        session.add(row)
        return True


def _send(session: Session, row: ScheduledMessage, clock: Clock) -> UUID:
    author = accounts.principal_for(session, row.author_id)
    if author is None or not author.has(Permission.CONVERSATIONS_HANDLE):
        raise ForbiddenError("Whoever scheduled it may not send any more.", code="author_gone")
    given = {**row.request, "client_id": f"scheduled:{row.id}"}
    request = SendMessage.model_validate({key: value for key, value in given.items() if value is not None})
    return sending.send_message(session, author, row.conversation_id, request, clock=clock).id


def _fail(session: Session, conversation: Conversation, row: ScheduledMessage, code: str, clock: Clock) -> None:
    row.state, row.reason, row.updated_at = "failed", code, clock.now()
    session.add(row)
    session.flush()
    handling.announce(session, conversation, "conversation_updated")
    person = contacts.briefs(session, [conversation.contact_id]).get(conversation.contact_id)
    locale = accounts.locale_of(session, row.author_id)
    why = known_text(locale, f"desk.scheduled_failed_{code}", {}) or text(locale, "desk.scheduled_failed_other")
    notifications.notify(
        session,
        row.author_id,
        kind="scheduled_message",
        level="warning",
        title=text(locale, "desk.scheduled_failed", contact=(person.name or person.phone or "") if person else ""),
        body=why,
        conversation_id=conversation.id,
        contact_id=conversation.contact_id,
        clock=clock,
    )
