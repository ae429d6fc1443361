"""Statements of channel accounts."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from pytake_app.core.tenancy import scoped
from pytake_app.whatsapp.models import ChannelAccount


def accounts(session: Session, channel: str | None) -> list[ChannelAccount]:
    """The organization's accounts that are not disconnected, real ones first."""
    statement = scoped(session, ChannelAccount).where(ChannelAccount.status != "disabled")
    if channel is not None:
        statement = statement.where(ChannelAccount.channel == channel)
    ordered = statement.order_by(col(ChannelAccount.sandbox), col(ChannelAccount.created_at), col(ChannelAccount.id))
    return list(session.exec(ordered).all())


def account(session: Session, account_id: UUID, *, lock: bool = False) -> ChannelAccount | None:
    """One of the organization's accounts, disconnected ones excepted."""
    statement = scoped(session, ChannelAccount).where(
        ChannelAccount.id == account_id, ChannelAccount.status != "disabled"
    )
    found: ChannelAccount | None = session.exec(statement.with_for_update() if lock else statement).first()
    return found


def count(session: Session) -> int:
    """How many accounts the organization has connected, the sandbox excepted."""
    inner = scoped(session, ChannelAccount).where(
        col(ChannelAccount.sandbox).is_(False), ChannelAccount.status != "disabled"
    )
    return session.exec(select(func.count()).select_from(inner.subquery())).one()
