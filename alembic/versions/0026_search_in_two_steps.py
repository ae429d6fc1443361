"""Search looks at the newest messages first, and asks the index of words only for what is rare there.

Two common words that never meet were looked for in every message from the newest on: the planner took them for
frequent. What doesn't fill a page among the newest is rare, and the index of words finds it at once.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
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
BEFORE = """
SELECT s.message_id, s.conversation_id, s.created_at FROM message_search s
WHERE s.organization_id = $1 AND s.words @@ $2 AND (s.created_at, s.message_id) < ($3, $4)
ORDER BY s.created_at DESC, s.message_id DESC LIMIT $5
"""
USING = f"USING {CURRENT}, query, before_at, before_id, wanted"


def upgrade() -> None:
    """Expand."""
    op.execute(
        f"""{HEAD}
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
    )


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute(f"{HEAD} BEGIN RETURN QUERY EXECUTE $before$ {BEFORE} $before$ {USING}; END $body$")
