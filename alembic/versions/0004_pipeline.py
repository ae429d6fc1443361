"""Fair claims by organization, retries found by themselves, fetching of media with attempts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Expand."""
    op.drop_index("inbound_events_pending", table_name="inbound_events")
    op.create_index(
        "inbound_events_pending",
        "inbound_events",
        ["lane", "organization_id", "id"],
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "inbound_events_retrying",
        "inbound_events",
        ["lane"],
        postgresql_where=sa.text("state = 'pending' AND attempts > 0"),
    )
    op.drop_index("outbox_due", table_name="outbox")
    op.create_index(
        "outbox_due",
        "outbox",
        ["priority", "next_attempt_at", "sequence"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.add_column("media_assets", sa.Column("fetch_attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("media_assets", sa.Column("fetch_after", sa.DateTime(timezone=True), nullable=True))
    op.add_column("media_assets", sa.Column("fetch_error", sa.String(), nullable=True))
    op.create_index(
        "media_assets_to_fetch", "media_assets", ["fetch_after"], postgresql_where=sa.text("fetch_after IS NOT NULL")
    )


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_index("media_assets_to_fetch", table_name="media_assets")
    op.drop_column("media_assets", "fetch_error")
    op.drop_column("media_assets", "fetch_after")
    op.drop_column("media_assets", "fetch_attempts")
    op.drop_index("outbox_due", table_name="outbox")
    op.create_index(
        "outbox_due", "outbox", ["priority", "next_attempt_at"], postgresql_where=sa.text("state = 'queued'")
    )
    op.drop_index("inbound_events_retrying", table_name="inbound_events")
    op.drop_index("inbound_events_pending", table_name="inbound_events")
    op.create_index(
        "inbound_events_pending", "inbound_events", ["lane", "id"], postgresql_where=sa.text("state = 'pending'")
    )
