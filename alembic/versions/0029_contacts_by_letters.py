"""Search for contacts always asks the index of letters; rare tags of conversations have an index.

The planner took short patterns for frequent and read every contact of the organization until the page was full, which
for one that hardly anybody matches meant all of them.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
HEAD = """
CREATE OR REPLACE FUNCTION pytake_search_contacts(pattern text, digits text, wanted integer)
RETURNS TABLE (contact_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_bitmapscan = on SET enable_seqscan = off AS $body$
"""
# The index of organizations can't serve a comparison of texts: the index of letters remains.
LETTERS = "c.organization_id::text = $1::text"
BEFORE = "c.organization_id = $1"
TAGGED = f"""
CREATE FUNCTION pytake_tagged(wanted_tags jsonb, wanted integer) RETURNS TABLE (conversation_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_bitmapscan = on SET enable_seqscan = off AS $body$
BEGIN
    RETURN QUERY EXECUTE
        'SELECT c.id FROM conversations c WHERE c.organization_id::text = $1::text AND c.tags @> $2
         AND c.tags <> ''[]'' LIMIT $3'
        USING {CURRENT}, wanted_tags, wanted;
END $body$
"""


def _search(organization: str) -> str:
    return f"""{HEAD}
    BEGIN
        RETURN QUERY EXECUTE
            'SELECT c.id FROM contacts c WHERE {organization}
             AND (pytake_fold(c.name) LIKE $2 OR pytake_fold(coalesce(c.email, '''')) LIKE $2 OR c.phone LIKE $3)
             LIMIT $4'
            USING {CURRENT}, pattern, digits, wanted;
    END $body$
    """


def upgrade() -> None:
    """Expand."""
    op.execute(_search(LETTERS))
    # Most conversations have no tag: those cost the index nothing.
    op.execute("CREATE INDEX conversations_tagged ON conversations USING gin (tags jsonb_path_ops) WHERE tags <> '[]'")
    op.execute("GRANT CREATE ON SCHEMA public TO pytake_system")
    op.execute(TAGGED)
    op.execute("REVOKE ALL ON FUNCTION pytake_tagged(jsonb, integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION pytake_tagged(jsonb, integer) TO pytake_app")
    op.execute("ALTER FUNCTION pytake_tagged(jsonb, integer) OWNER TO pytake_system")
    op.execute("REVOKE CREATE ON SCHEMA public FROM pytake_system")


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute("DROP FUNCTION pytake_tagged(jsonb, integer)")
    op.drop_index("conversations_tagged", table_name="conversations")
    op.execute(_search(BEFORE))
