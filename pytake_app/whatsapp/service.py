"""Channel accounts: connecting, changing, checking. Functions run in the caller's transaction and never commit."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from pytake_app.config import Settings
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.core.crypto import SecretBox
from pytake_app.whatsapp.models import ChannelAccount
from pytake_app.whatsapp.runtime import AccountReader, AccountRuntime, loopback_url, write_credentials

__all__ = ["AccountReader", "AccountRuntime", "add_account", "loopback_url"]

_CLOCK = SystemClock()


def add_account(
    session: Session,
    organization_id: UUID,
    *,
    settings: Settings,
    name: str,
    external_id: str,
    credentials: dict[str, str],
    business_account_id: str = "",
    phone: str = "",
    sandbox: bool = False,
    clock: Clock = _CLOCK,
) -> UUID:
    """Add a channel account with its credentials encrypted; returns its id."""
    now = clock.now()
    account = ChannelAccount(
        organization_id=organization_id,
        name=name,
        external_id=external_id,
        business_account_id=business_account_id,
        phone=phone,
        credentials=write_credentials(SecretBox.from_settings(settings), credentials),
        sandbox=sandbox,
        created_at=now,
        updated_at=now,
    )
    session.add(account)
    session.flush()
    return account.id
