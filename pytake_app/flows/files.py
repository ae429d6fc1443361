"""Which uploaded files the flows of an organization name."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from pytake_app.core.tenancy import organization_of

# Old versions can be restored, edits undone, and kept publications carried out.
_NAMED = sa.text(
    """
    SELECT f.id FROM unnest(CAST(:ids AS text[])) f (id) WHERE
        EXISTS (SELECT FROM flows x WHERE x.organization_id = :organization
                AND strpos(lower(x.draft_document::text), f.id) > 0)
        OR EXISTS (SELECT FROM flow_versions x WHERE x.organization_id = :organization
                   AND strpos(lower(x.document::text), f.id) > 0)
        OR EXISTS (SELECT FROM flow_edits x WHERE x.organization_id = :organization
                   AND strpos(lower(x.operations::text || x.inverse::text), f.id) > 0)
        OR EXISTS (SELECT FROM flow_publications x WHERE x.organization_id = :organization
                   AND strpos(lower(x.document::text), f.id) > 0)
        OR EXISTS (SELECT FROM flow_test_cases x WHERE x.organization_id = :organization
                   AND strpos(lower(x.script::text || x.expected::text), f.id) > 0)
    """
)


def named(session: Session, media_ids: Collection[UUID]) -> set[UUID]:
    """Those of the files that a draft, version, edit that can be undone, kept publication or test case names."""
    parameters = {"ids": [str(one) for one in media_ids], "organization": organization_of(session)}
    return {UUID(found) for found in session.execute(_NAMED, parameters).scalars()}
