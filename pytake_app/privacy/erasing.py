"""Forgets a contact in every room, in one transaction.

What remains is that there was somebody: a row without a person, conversations without words, times and counts for the
figures. Not reached: backups (they age out), what outside systems were told, and platforms' own copies.
"""

from __future__ import annotations

from uuid import UUID

import structlog
from sqlmodel import Session

from pytake_app.accounts import service as accounts
from pytake_app.contacts import service as contacts
from pytake_app.conversations import service as conversations
from pytake_app.core.clock import Clock
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import organization_of
from pytake_app.core.texts import text
from pytake_app.flows import service as flows
from pytake_app.messaging import service as messaging
from pytake_app.notifications import service as notifications
from pytake_app.privacy.models import ContactErasure
from pytake_app.queues import service as queues
from pytake_app.sandbox import service as sandbox

log = structlog.get_logger(__name__)


def erase(session: Session, contact_id: UUID, *, reason: str, by: UUID | None, clock: Clock) -> ContactErasure:
    """Forget the contact. Doing it twice is the same; the second finds little.

    Parameters:
        reason: request or retention.

    Raises:
        NotFoundError: no such contact.
    """
    contact = contacts.lock(session, contact_id)
    known = contacts.known_as(session, contact)
    queues.contact_left(session, contact_id, "erased", by=by, clock=clock)
    counts = {"flow_sessions": flows.erase_contact(session, contact_id, clock=clock)}
    counts["queue_items"] = queues.erase_contact(session, contact_id)
    counts["notifications"] = notifications.erase_contact(
        session, contact_id, conversations.conversations_of(session, contact_id)
    )
    said, files = conversations.erase_contact(session, contact_id, clock=clock)
    counts.update(said)
    counts.update(messaging.erase_contact(session, contact_id, known, clock=clock))
    counts["files"] = messaging.forget_files(session, files, clock=clock)
    counts["sandbox"] = sandbox.erase_contact(session, known)
    name = text(accounts.locale_of(session, None), "privacy.erased_name")
    contacts.forget(session, contact, name=name, clock=clock)
    row = ContactErasure(
        id=new_id(), organization_id=organization_of(session), contact_id=contact_id, reason=reason, requested_by=by,
        counts={kind: count for kind, count in counts.items() if count}, at=clock.now(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    log.info("contact_erased", contact_id=str(contact_id), reason=reason)
    return row
