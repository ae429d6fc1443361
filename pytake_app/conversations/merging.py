"""The conversations, messages and flow sessions of one contact become another's, for `contacts.merging`."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.conversations import handling, repository
from pytake_app.conversations.models import Conversation, Message
from pytake_app.core.clock import Clock
from pytake_app.core.tenancy import Principal, organization_of, scoped
from pytake_app.flows import service as flows
from pytake_app.flows.models import EmittedEvent, FlowSession
from pytake_app.messaging.models import OutboxItem
from pytake_app.notifications.models import Notification
from pytake_app.queues.models import QueueItem


def take_over(session: Session, principal: Principal, *, keep: UUID, gone: UUID, clock: Clock) -> int:
    """Move what was said with `gone` to `keep`. The caller holds both contacts' rows, in the order of their ids.

    Only one conversation with an account may be open: where both contacts have one, that of `gone` is closed (outcome
    `merged`). Flows that run with `gone` are interrupted: they speak of somebody who is no more.

    Returns:
        how many conversations moved.
    """
    threads = list(session.exec(scoped(session, Conversation).where(Conversation.contact_id == gone)))
    kept = list(session.exec(scoped(session, Conversation).where(Conversation.contact_id == keep)))
    open_at = {row.channel_account_id for row in kept if row.status in repository.OPEN}
    for row in threads:
        running = flows.running_session(session, gone, row.channel_account_id)
        delayed = flows.delayed_sessions(session, gone, row.channel_account_id)
        for alive in [*delayed, *([running] if running is not None else [])]:
            flows.interrupt_session(session, alive, clock=clock)
        if row.status in repository.OPEN and row.channel_account_id in open_at:
            handling.set_status(session, principal, row.id, "closed", outcome="merged", by_hand=False, clock=clock)
    here = organization_of(session)
    for table in (Message, OutboxItem, FlowSession, QueueItem, Notification, EmittedEvent, Conversation):
        owned = (col(table.organization_id) == here, col(table.contact_id) == gone)
        if table is Message:
            # By the conversations: their index finds the rows.
            ids = [row.id for row in threads]
            owned = (col(Message.organization_id) == here, col(Message.conversation_id).in_(ids))
        session.execute(sa.update(table).where(*owned).values(contact_id=keep))
    # Also where the kept contact goes on, so that it is found whichever of the two was written to.
    for row in (*threads, *(row for row in kept if row.status in repository.OPEN)):
        session.refresh(row)
        of = {"merged": str(gone), "into": str(keep)}
        handling.record(session, row, "contact_merged", by=principal.user_id, clock=clock, of=of)
        handling.announce(session, row, "conversation_updated")
    return len(threads)
