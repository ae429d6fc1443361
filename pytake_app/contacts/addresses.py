"""Where a contact is reached: its identities on channel accounts, and the account a new conversation begins on."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from pytake_app.channels.whatsapp.phones import canonical_phone
from pytake_app.contacts.models import Contact, ContactIdentity
from pytake_app.core.clock import Clock
from pytake_app.core.errors import ConflictError, NotFoundError
from pytake_app.core.ids import new_id
from pytake_app.core.tenancy import organization_of, scoped
from pytake_app.whatsapp.models import ChannelAccount


@dataclass(frozen=True, slots=True)
class Address:
    """A contact on an account: `key` decides the lane, `recipient` is what the platform wants to be answered at."""

    channel_account_id: UUID
    key: str
    recipient: str


def address_of(session: Session, contact_id: UUID, channel_account_id: UUID) -> Address:
    """The contact's address on the account.

    Raises:
        NotFoundError: it has none there (code `no_address`).
    """
    statement = scoped(session, ContactIdentity).where(
        ContactIdentity.contact_id == contact_id, ContactIdentity.channel_account_id == channel_account_id
    )
    # A contact may have had several numbers on one account; the newest is the one in use.
    identity: ContactIdentity | None = session.exec(statement.order_by(col(ContactIdentity.id).desc()).limit(1)).first()
    if identity is None:
        raise NotFoundError("The contact can't be reached on this account.", code="no_address")
    return _address(identity)


def _address(identity: ContactIdentity) -> Address:
    key = identity.key or identity.bsuid or identity.external_id or ""
    recipient = identity.external_id or (f"bsuid:{identity.bsuid}" if identity.bsuid else key)
    return Address(identity.channel_account_id, key, recipient)


def default_account(session: Session) -> ChannelAccount:
    """The organization's WhatsApp account to begin on: the oldest active real one, else the sandbox.

    Raises:
        ConflictError: code `no_channel_account`: none is connected.
    """
    statement = (
        scoped(session, ChannelAccount)
        .where(ChannelAccount.channel == "whatsapp", ChannelAccount.status == "active")
        .order_by(col(ChannelAccount.sandbox), col(ChannelAccount.created_at), col(ChannelAccount.id))
        .limit(1)
    )
    account: ChannelAccount | None = session.exec(statement).first()
    if account is None:
        raise ConflictError("No WhatsApp number is connected yet.", code="no_channel_account")
    return account


def reach(session: Session, contact: Contact, *, clock: Clock, account: str = "") -> Address:
    """The address to begin a conversation at: where the contact last wrote or was written to, else its phone on the
    default account (an identity is made).

    Parameters:
        account: id, number or platform id of the one account to reach the contact on; empty: any.

    Raises:
        ConflictError: code `no_address` (neither an identity nor a phone) or `no_channel_account` (also when the
            account asked for isn't there or isn't active).
    """
    wanted = _account(session, account) if account.strip() else None
    statement = (
        scoped(session, ContactIdentity)
        .join(ChannelAccount, col(ChannelAccount.id) == col(ContactIdentity.channel_account_id))
        .where(ContactIdentity.contact_id == contact.id, ChannelAccount.status == "active")
        .order_by(col(ContactIdentity.id).desc())
        .limit(1)
    )
    if wanted is not None:
        statement = statement.where(ChannelAccount.id == wanted.id)
    identity: ContactIdentity | None = session.exec(statement).first()
    if identity is not None:
        return _address(identity)
    key = canonical_phone(contact.phone)
    if key is None:
        raise ConflictError("The contact has no phone number.", code="no_address")
    wanted = wanted or default_account(session)
    identity = ContactIdentity(
        id=new_id(),
        organization_id=organization_of(session),
        contact_id=contact.id,
        channel_account_id=wanted.id,
        key=key,
        external_id=contact.phone,
        display_name=contact.name,
        created_at=clock.now(),
    )
    session.add(identity)
    session.flush()
    return _address(identity)


def _account(session: Session, ref: str) -> ChannelAccount:
    ref = ref.strip()
    digits = "".join(character for character in ref if character.isdigit())
    statement = scoped(session, ChannelAccount).where(
        ChannelAccount.status == "active",
        ChannelAccount.channel == "whatsapp",
        sa.or_(
            sa.cast(col(ChannelAccount.id), sa.Text) == ref.lower(),
            col(ChannelAccount.external_id) == ref,
            sa.and_(sa.literal(len(digits) >= 8), col(ChannelAccount.phone).in_((ref, digits))),
        ),
    )
    found: ChannelAccount | None = session.exec(statement.order_by(col(ChannelAccount.id)).limit(1)).first()
    if found is None:
        raise ConflictError("The number to send from is not connected.", code="no_channel_account")
    return found


def by_phone(session: Session, phone: str) -> UUID | None:
    """Id of the contact with this canonical phone, by its own phone or an identity's key."""
    organization_id = organization_of(session)
    own = sa.select(col(Contact.id)).where(col(Contact.organization_id) == organization_id, col(Contact.phone) == phone)
    known = sa.select(col(ContactIdentity.contact_id)).where(
        col(ContactIdentity.organization_id) == organization_id, col(ContactIdentity.key) == phone
    )
    found = session.execute(sa.union_all(own, known).limit(1)).first()
    return found[0] if found else None
