"""Which uploaded files the messages of an organization show or are to be sent with."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from pytake_app.core.tenancy import organization_of

# What names a file at all is read once, however many files are asked about.
_NAMED = sa.text(
    """
    WITH said AS MATERIALIZED (
        SELECT lower(m.content::text || coalesce(m.media::text, '')) AS text FROM messages m
        WHERE m.organization_id = :organization AND m.created_at >= :since AND m.direction <> 'in'
          AND (m.media IS NOT NULL OR strpos(m.content::text, 'media_id') > 0)
        UNION ALL
        SELECT lower(request::text) FROM scheduled_messages WHERE organization_id = :organization
        UNION ALL
        SELECT lower(media_ids::text) FROM canned_responses WHERE organization_id = :organization
    )
    SELECT f.id FROM unnest(CAST(:ids AS text[])) f (id)
    WHERE EXISTS (SELECT FROM said WHERE strpos(said.text, f.id) > 0)
    """
)


def named(session: Session, media_ids: Collection[UUID], since: datetime) -> set[UUID]:
    """Those of the files, kept since `since` at the earliest, that a message, one for later or a saved reply names."""
    parameters = {"ids": [str(one) for one in media_ids], "organization": organization_of(session), "since": since}
    return {UUID(found) for found in session.execute(_NAMED, parameters).scalars()}
