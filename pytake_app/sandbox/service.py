"""The sandbox number: a channel account whose other end is the phone on our own page."""

from __future__ import annotations

import secrets as random
from uuid import UUID

from sqlmodel import Session

from pytake_app.config import Settings
from pytake_app.core.clock import Clock, SystemClock
from pytake_app.whatsapp import service as whatsapp

_CLOCK = SystemClock()


def create_account(session: Session, organization_id: UUID, *, settings: Settings, clock: Clock = _CLOCK) -> UUID:
    """Give an organization its sandbox number, with credentials of its own.

    Parameters:
        session: of `Database.tenant(organization_id)`.

    Returns: the channel account's id.
    """
    # 15 to 17 digits like Meta's ids; 99… is no prefix that Meta was seen to use.
    external_id = "99" + "".join(str(random.randbelow(10)) for _ in range(14))
    return whatsapp.add_account(
        session,
        organization_id,
        settings=settings,
        clock=clock,
        name="Sandbox",
        external_id=external_id,
        business_account_id="98" + "".join(str(random.randbelow(10)) for _ in range(14)),
        phone="5500" + "".join(str(random.randbelow(10)) for _ in range(9)),
        credentials={
            "access_token": "sandbox-" + random.token_urlsafe(32),
            "app_secret": random.token_hex(32),
            "verify_token": random.token_urlsafe(24),
        },
        sandbox=True,
    )
