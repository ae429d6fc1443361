"""A message's rows cost less: conversations are written in place again, and a message's words stand under one key.

Four indexes had `last_message_at` in them, so each message wrote all indexes of its conversation. They now have the
minute of it, which PostgreSQL works out itself: an index is left alone while its own columns keep their values.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
AT_WORK = "status IN ('open', 'pending')"
RANK = "(CASE priority WHEN 'urgent' THEN 3 WHEN 'high' THEN 2 WHEN 'medium' THEN 1 ELSE 0 END)"
LISTS = {
    "conversations_recent": ("organization_id", None),
    "conversations_at_work": ("organization_id", AT_WORK),
    "conversations_of_agent": ("organization_id, assignee_id", "assignee_id IS NOT NULL"),
    "conversations_by_priority": (f"organization_id, {RANK}", AT_WORK),
}
# Room beside a row for its next version.
ROOM = 70

HEAD = """
CREATE OR REPLACE FUNCTION pytake_search_messages(
    query tsquery, before_at timestamptz, before_id uuid, wanted integer
) RETURNS TABLE (message_id uuid, conversation_id uuid, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_bitmapscan = on SET enable_seqscan = off AS $body$
"""
NEWEST = """
SELECT s.message_id, s.conversation_id, s.created_at FROM (
    SELECT * FROM message_search m WHERE m.organization_id = $1 AND (m.created_at, m.message_id) < ($3, $4)
    ORDER BY m.created_at DESC, m.message_id DESC LIMIT 10000
) s WHERE s.words @@ $2 ORDER BY s.created_at DESC, s.message_id DESC LIMIT $5
"""
RARE = """
WITH found AS MATERIALIZED (
    SELECT s.message_id, s.conversation_id, s.created_at FROM message_search s
    WHERE s.words @@ $2 AND s.organization_id = $1 AND (s.created_at, s.message_id) < ($3, $4)
) SELECT * FROM found ORDER BY created_at DESC, message_id DESC LIMIT $5
"""
USING = f"USING {CURRENT}, query, before_at, before_id, wanted"
# As in 0026, which looked the newest up again by their ids alone.
BEFORE = f"""{HEAD}
DECLARE
    found_ids uuid[];
BEGIN
    EXECUTE $newest$ SELECT array_agg(n.message_id) FROM ({NEWEST}) n $newest$ INTO found_ids {USING};
    IF coalesce(cardinality(found_ids), 0) >= wanted THEN
        RETURN QUERY SELECT m.message_id, m.conversation_id, m.created_at FROM message_search m
                     WHERE m.message_id = ANY(found_ids) ORDER BY m.created_at DESC, m.message_id DESC;
    ELSE
        RETURN QUERY EXECUTE $rare$ {RARE} $rare$ {USING};
    END IF;
END $body$
"""
NOW = f"""{HEAD}
DECLARE
    ids uuid[];
    conversations uuid[];
    times timestamptz[];
BEGIN
    EXECUTE $newest$
        SELECT array_agg(n.message_id), array_agg(n.conversation_id), array_agg(n.created_at) FROM ({NEWEST}) n
    $newest$ INTO ids, conversations, times {USING};
    IF coalesce(cardinality(ids), 0) >= wanted THEN
        RETURN QUERY SELECT f.message, f.conversation, f.at FROM unnest(ids, conversations, times)
                     AS f(message, conversation, at) ORDER BY f.at DESC, f.message DESC;
    ELSE
        RETURN QUERY EXECUTE $rare$ {RARE} $rare$ {USING};
    END IF;
END $body$
"""


def _lists(last: str) -> None:
    for name, (columns, condition) in LISTS.items():
        op.execute(f"DROP INDEX {name}")
        where = f" WHERE {condition}" if condition else ""
        op.execute(f"CREATE INDEX {name} ON conversations ({columns}, {last}){where}")


def upgrade() -> None:
    """Expand."""
    minute = "date_bin('00:01:00'::interval, last_message_at, '2000-01-01 00:00:00+00'::timestamp with time zone)"
    op.add_column(
        "conversations", sa.Column("listed_at", sa.DateTime(timezone=True), sa.Computed(minute, persisted=True))
    )
    op.execute(f"ALTER TABLE conversations SET (fillfactor = {ROOM})")
    _lists("listed_at")
    op.execute("ALTER TABLE message_search DROP CONSTRAINT message_search_pkey")
    op.execute("DROP INDEX message_search_recent")
    op.create_primary_key("message_search_pkey", "message_search", ["organization_id", "created_at", "message_id"])
    op.execute(NOW)


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute("ALTER TABLE message_search DROP CONSTRAINT message_search_pkey")
    op.create_primary_key("message_search_pkey", "message_search", ["message_id"])
    op.create_index("message_search_recent", "message_search", ["organization_id", "created_at", "message_id"])
    op.execute(BEFORE)
    _lists("last_message_at, id")
    op.execute("ALTER TABLE conversations RESET (fillfactor)")
    op.drop_column("conversations", "listed_at")
