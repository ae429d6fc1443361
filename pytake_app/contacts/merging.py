"""Two contacts who are one person become one: the one kept takes over all that the other has. It can't be undone."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlmodel import Session, col

from pytake_app.contacts import privacy, repository
from pytake_app.contacts.models import Contact, ContactIdentity
from pytake_app.contacts.schemas import MergeRequest
from pytake_app.core.clock import Clock
from pytake_app.core.errors import FieldError, InvalidError
from pytake_app.core.tenancy import Permission, Principal, organization_of

log = structlog.get_logger(__name__)


def merge(session: Session, principal: Principal, contact_id: UUID, request: MergeRequest, *, clock: Clock) -> None:
    """Make `request.contact_id` part of `contact_id`: identities, conversations, messages, flow
    sessions, tags and fields.

    What the kept contact says of itself stands; the other fills in what is missing. Who was blocked, or asked not to be
    written to, still is. Every conversation's automation log says so.

    Raises:
        NotFoundError: either isn't here.
        InvalidError: the same contact twice; `confirm_needed`.
    """
    from pytake_app.accounts import service as accounts
    from pytake_app.conversations import service as conversations

    principal.needs(Permission.CONTACTS_EDIT)
    if request.contact_id == contact_id:
        error = FieldError("/contact_id", "the same contact", "same")
        raise InvalidError("A contact can't be merged with itself.", errors=[error])
    # In the order of ids, as two people may merge the same ones the other way round.
    held = {one: repository.find(session, one, lock=True) for one in sorted((contact_id, request.contact_id))}
    if not request.confirm:
        error = FieldError("/confirm", "must be true", "confirm_needed")
        raise InvalidError("Merging can't be undone: confirm it.", errors=[error], code="confirm_needed")
    keep, gone = held[contact_id], held[request.contact_id]
    moved = conversations.merge_contact(session, principal, keep=keep.id, gone=gone.id, clock=clock)
    session.execute(
        sa.update(ContactIdentity)
        .where(
            col(ContactIdentity.organization_id) == organization_of(session),
            col(ContactIdentity.contact_id) == gone.id,
        )
        .values(contact_id=keep.id)
    )
    privacy.move_history(session, keep.id, gone.id)
    privacy.say_source(session, "merge", principal.user_id)
    _fill(keep, gone)
    keep.updated_at = clock.now()
    session.add(keep)
    session.flush()
    session.delete(gone)
    session.flush()
    accounts.record_event(session, principal, "merged", "contact", keep.id, {"gone": str(gone.id)}, clock=clock)
    log.info("contacts_merged", kept=str(keep.id), gone=str(gone.id), conversations=moved, by=str(principal.user_id))


def _fill(keep: Contact, gone: Contact) -> None:
    for name in ("name", "phone", "email", "locale"):
        if not getattr(keep, name):
            setattr(keep, name, getattr(gone, name))
    keep.fields = {**gone.fields, **keep.fields}
    keep.tags = list(dict.fromkeys([*keep.tags, *gone.tags]))
    keep.lead_score = max(keep.lead_score, gone.lead_score)
    keep.blocked = keep.blocked or gone.blocked
    if gone.consent == "opted_out" or keep.consent == "unknown":
        keep.consent, keep.consent_at = gone.consent, gone.consent_at
    keep.created_at = min(keep.created_at, gone.created_at)
