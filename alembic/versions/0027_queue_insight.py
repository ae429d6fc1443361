"""What queues tell: ratings after the close, hourly figures, alerts that don't repeat themselves."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

INDEXES = {
    "queue_items_entered": ("queue_items", ["organization_id", "queue_id", "entered_at"], None),
    "queue_items_assigned": ("queue_items", ["organization_id", "queue_id", "assigned_at"], "assigned_at IS NOT NULL"),
    "queue_items_rated": ("queue_items", ["contact_id"], "csat_state IN ('asked', 'answered', 'thanked')"),
    "queue_items_to_thank": ("queue_items", ["organization_id"], "csat_state = 'answered'"),
    "service_queues_rating": ("service_queues", ["organization_id"], "csat_enabled"),
}
BACKFILLED = ("conversations", "service_queues", "queue_items")


def upgrade() -> None:
    """Expand."""
    op.add_column("queue_items", sa.Column("csat_state", sa.String(), nullable=False, server_default=""))
    op.add_column("service_queues", sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=True))
    for name in ("sla_due", "served", "overflows"):
        op.add_column("queue_hours", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    for name, (table, columns, where) in INDEXES.items():
        op.create_index(name, table, columns, postgresql_where=sa.text(where) if where else None)
    for table in BACKFILLED:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    # Who has waited since before there were places in queues gets one; they are received as if they had just come,
    # with the time they have waited already.
    op.execute(
        """
        INSERT INTO queue_items (id, organization_id, queue_id, queue_name, conversation_id, contact_id, channel,
                                 status, priority, skills, source, entered_at, declined_by, outcome, note)
        SELECT gen_random_uuid(), c.organization_id, q.id, coalesce(q.name, c.queue_name), c.id, c.contact_id,
               c.channel, 'waiting', array_position(ARRAY['low', 'medium', 'high', 'urgent'], c.priority) - 1, '[]',
               'flow', coalesce(c.waiting_since, c.updated_at), '[]', '', ''
        FROM conversations c
        LEFT JOIN LATERAL (
            SELECT s.id, s.name FROM service_queues s
            WHERE s.organization_id = c.organization_id AND (s.id = c.queue_id OR s.is_default)
            ORDER BY (s.id = c.queue_id) IS TRUE DESC LIMIT 1
        ) q ON true
        WHERE c.handling = 'waiting' AND c.status IN ('open', 'pending')
          AND NOT EXISTS (SELECT 1 FROM queue_items i WHERE i.conversation_id = c.id
                          AND i.status IN ('waiting', 'offered', 'in_service'))
        """
    )
    for table in BACKFILLED:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    """Back to the previous revision."""
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
    for name in ("sla_due", "served", "overflows"):
        op.drop_column("queue_hours", name)
    op.drop_column("service_queues", "alerted_at")
    op.drop_column("queue_items", "csat_state")
