"""Deletes what organizations don't want kept any longer, a batch at a time, for the scheduler."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlmodel import Session

from pytake_app.contacts import service as contacts
from pytake_app.conversations import service as conversations
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Permission, Principal, organization_of
from pytake_app.flows import service as flows
from pytake_app.messaging import service as messaging
from pytake_app.messaging.sql import hot
from pytake_app.privacy.erasing import erase
from pytake_app.privacy.schemas import PrivacySettings, RetentionPreview

log = structlog.get_logger(__name__)

MESSAGES = 2_000
"""Messages deleted in one transaction."""
CONTACTS = 20
"""People forgotten in one round."""
MOST = 10_000
"""Until where a preview counts."""

_ORGANIZATIONS = """
SELECT id, settings->'privacy' FROM organizations
WHERE (settings->'privacy'->>'keep_messages_days') IS NOT NULL
   OR (settings->'privacy'->>'keep_contacts_days') IS NOT NULL
ORDER BY id
"""


def apply(services: Services, now: datetime) -> bool:
    """One batch for each organization that deletes.

    Returns:
        whether there is more.
    """
    with hot(services.database) as connection:
        found = connection.execute(_ORGANIZATIONS).fetchall()
    more = False
    for organization_id, kept in found:
        settings = PrivacySettings.model_validate(kept)
        more = _apply(services, organization_id, settings, now) or more
    return more


def _apply(services: Services, organization_id: UUID, settings: PrivacySettings, now: datetime) -> bool:
    more = False
    if settings.keep_messages_days:
        before = now - timedelta(days=settings.keep_messages_days)
        with services.database.tenant(organization_id) as session:
            count, files = conversations.delete_messages_before(session, before, MESSAGES)
            noted = flows.forget_notes_before(session, before, MESSAGES)
            messaging.forget_files(session, files, clock=services.clock)
        more = count >= MESSAGES or noted >= MESSAGES
        if count or noted:
            log.info("retention_messages", organization_id=str(organization_id), messages=count, notes=noted)
    if settings.keep_contacts_days:
        before = now - timedelta(days=settings.keep_contacts_days)
        with services.database.tenant(organization_id) as session:
            silent = list(contacts.silent_since(session, before, CONTACTS))
        for contact_id in silent:
            with services.database.tenant(organization_id) as session:
                # They may have written since.
                contacts.lock(session, contact_id)
                if contact_id in set(contacts.silent_since(session, before, CONTACTS)):
                    erase(session, contact_id, reason="retention", by=None, clock=services.clock)
        more = more or len(silent) >= CONTACTS
    return more


def preview(session: Session, principal: Principal, settings: PrivacySettings, now: datetime) -> RetentionPreview:
    """What these times would delete now."""
    principal.needs(Permission.SETTINGS_MANAGE)
    messages = people = 0
    if settings.keep_messages_days:
        values = {
            "organization": organization_of(session),
            "before": now - timedelta(days=settings.keep_messages_days),
            "most": MOST,
        }
        messages = int(session.execute(_COUNT, values).scalar_one())
    if settings.keep_contacts_days:
        people = len(contacts.silent_since(session, now - timedelta(days=settings.keep_contacts_days), MOST))
    return RetentionPreview(messages=messages, contacts=people, most=MOST)


_COUNT = sa.text(
    """
    SELECT count(*) FROM (SELECT FROM messages WHERE organization_id = :organization AND created_at < :before
                          LIMIT :most) m
    """
)
