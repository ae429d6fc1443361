"""Indexes for the message queue's page: figures by organization and minute, without reading the whole outbox."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

DEAD = sa.text("state = 'dead'")


def upgrade() -> None:
    """Expand."""
    op.create_index(
        "outbox_finished",
        "outbox",
        ["organization_id", "finished_at"],
        postgresql_include=["state", "channel_account_id"],
        postgresql_where=sa.text("state IN ('sent', 'dead')"),
    )
    # In the order of the list, and of the rows on disk: by random id, counting many touched every page many times.
    op.drop_index("outbox_dead", table_name="outbox")
    op.create_index(
        "outbox_dead",
        "outbox",
        ["organization_id", "sequence"],
        postgresql_include=["channel_account_id"],
        postgresql_where=DEAD,
    )
    op.create_index(
        "inbound_events_received",
        "inbound_events",
        ["organization_id", "received_at"],
        postgresql_where=sa.text("kind = 'message'"),
    )


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_index("inbound_events_received", table_name="inbound_events")
    op.drop_index("outbox_dead", table_name="outbox")
    op.create_index("outbox_dead", "outbox", ["organization_id", "id"], postgresql_where=DEAD)
    op.drop_index("outbox_finished", table_name="outbox")
