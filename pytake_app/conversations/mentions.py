"""People named in notes: they are notified, and find the conversation again by it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.conversations.desk_models import ConversationMention
from pytake_app.conversations.models import Conversation, Message
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import Principal
from pytake_app.core.texts import text
from pytake_app.notifications import service as notifications

_PREVIEW = 200


def tell(
    session: Session,
    principal: Principal,
    conversation: Conversation,
    note: Message,
    mentioned: Sequence[UUID],
    *,
    clock: Clock,
) -> None:
    """Keep and notify who is mentioned; nobody is notified of an own note.

    Raises:
        InvalidError: somebody is not of the organization.
    """
    wanted = list(dict.fromkeys(mentioned))
    if not wanted:
        return
    known = accounts.user_names(session, wanted)
    missing = [one for one in wanted if one not in known]
    if missing:
        error = FieldError(f"/mentions/{wanted.index(missing[0])}", "nobody of the organization", "unknown")
        raise InvalidError("Somebody mentioned is not of the organization.", errors=[error])
    person = contacts.briefs(session, [conversation.contact_id]).get(conversation.contact_id)
    about = (person.name or person.phone or "") if person is not None else ""
    for user_id in wanted:
        session.add(
            ConversationMention(
                id=new_id(),
                organization_id=conversation.organization_id,
                conversation_id=conversation.id,
                user_id=user_id,
                message_id=note.id,
                created_at=clock.now(),
            )
        )
        if user_id == principal.user_id:
            continue
        notifications.notify(
            session,
            user_id,
            kind="mention",
            title=text(accounts.locale_of(session, user_id), "desk.mentioned", who=principal.name, contact=about),
            body=note.text[:_PREVIEW],
            conversation_id=conversation.id,
            contact_id=conversation.contact_id,
            clock=clock,
        )
    session.flush()
