"""Uploaded files: who uploaded them, and the platform's ids of those already given to a number."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    """Expand."""
    op.add_column("media_assets", sa.Column("uploaded_by", sa.Uuid(), nullable=True))
    op.add_column("media_assets", sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "media_assets_uploads",
        "media_assets",
        ["organization_id", "id"],
        postgresql_where=sa.text("uploaded_at IS NOT NULL"),
    )
    op.create_table(
        "media_copies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.Column("channel_account_id", sa.Uuid(), nullable=False),
        sa.Column("platform_media_id", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("asset_id", "channel_account_id"),
    )
    op.create_index("ix_media_copies_organization_id", "media_copies", ["organization_id"])
    op.execute("ALTER TABLE media_copies ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE media_copies FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON media_copies TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON media_copies TO pytake_app")
    op.execute("CREATE POLICY pipeline ON media_copies TO pytake_system USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON media_copies TO pytake_system")


def downgrade() -> None:
    """Back."""
    op.drop_table("media_copies")
    op.drop_index("media_assets_uploads", "media_assets")
    op.drop_column("media_assets", "uploaded_at")
    op.drop_column("media_assets", "uploaded_by")
