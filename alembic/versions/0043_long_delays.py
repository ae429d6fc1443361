"""A contact in a long delay isn't busy: another flow may answer meanwhile."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0043"
down_revision: str | None = "0042"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_LONG = """
UPDATE flow_sessions SET delayed = true
WHERE status = 'waiting' AND state->'wait'->>'kind' = 'delay'
  AND (state->'wait'->>'timeout_at')::timestamptz - (state->'wait'->>'since')::timestamptz > interval '10 minutes'
"""
# Then one session again counts as the contact's: the one that is not in a delay, else the latest.
_ONE = """
UPDATE flow_sessions s
SET status = 'interrupted', ended_at = now(), expires_at = NULL,
    state = s.state || '{"status": "interrupted", "wait": null}'::jsonb
WHERE s.delayed AND s.status = 'waiting' AND EXISTS (
    SELECT FROM flow_sessions o WHERE o.contact_id = s.contact_id AND o.channel_account_id = s.channel_account_id
    AND o.status IN ('active', 'waiting') AND (NOT o.delayed OR o.id > s.id)
)
"""


def _once(statement: str) -> None:
    op.execute("ALTER TABLE flow_sessions NO FORCE ROW LEVEL SECURITY")
    op.execute(statement)
    op.execute("ALTER TABLE flow_sessions FORCE ROW LEVEL SECURITY")


def upgrade() -> None:
    """Expand."""
    op.add_column("flow_sessions", sa.Column("delayed", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    _once(_LONG)
    pair = ["contact_id", "channel_account_id"]
    how = {"postgresql_concurrently": True, "if_not_exists": True}
    busy = {**how, "postgresql_where": sa.text("status IN ('active', 'waiting') AND NOT delayed")}
    with op.get_context().autocommit_block():
        op.create_index("flow_sessions_one_busy", "flow_sessions", pair, unique=True, **busy)
        op.create_index("flow_sessions_delayed", "flow_sessions", pair, postgresql_where=sa.text("delayed"), **how)
        op.drop_index("flow_sessions_one_running", "flow_sessions", postgresql_concurrently=True, if_exists=True)


def downgrade() -> None:
    """Back to the previous revision."""
    _once(_ONE)
    running = {"postgresql_where": sa.text("status IN ('active', 'waiting')")}
    op.create_index(
        "flow_sessions_one_running", "flow_sessions", ["contact_id", "channel_account_id"], unique=True, **running
    )
    op.drop_index("flow_sessions_delayed", "flow_sessions")
    op.drop_index("flow_sessions_one_busy", "flow_sessions")
    op.drop_column("flow_sessions", "delayed")
