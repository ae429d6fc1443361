"""The inbox as a desk: snoozing, outcomes, saved views, canned replies, drafts, scheduled messages, mentions, search.

Search works through functions that run as `pytake_system` and bind the organization of the transaction themselves:
under row-level security only leak-proof operators may use an index, and neither LIKE nor @@ is one.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
DESK = ("inbox_views", "canned_responses", "message_drafts", "conversation_mentions")
# The pipeline finds what is due; it is carried out as the organization itself.
PIPELINE = {
    "scheduled_messages": "SELECT (id, organization_id, send_at, state)",
    "message_search": "SELECT, INSERT, UPDATE",
}

# Words of a text, accents and case aside. Punctuation goes first: PostgreSQL's own parser would make one word of an
# address or a path, and nobody would find its parts.
WORDS = r"""
CREATE FUNCTION pytake_words(value text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT to_tsvector('simple', regexp_replace(pytake_fold(left(value, 20000)), '[\x01-\x2f:-@\[-`{-\x7f]+', ' ', 'g'))
$$
"""
# EXECUTE, so that each query is planned for its own words: a rare word is found by the index of words, a common one by
# reading the newest messages until the page is full.
SEARCH_MESSAGES = f"""
CREATE FUNCTION pytake_search_messages(query tsquery, before_at timestamptz, before_id uuid, wanted integer)
RETURNS TABLE (message_id uuid, conversation_id uuid, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_bitmapscan = on SET enable_seqscan = off AS $body$
BEGIN
    RETURN QUERY EXECUTE
        'SELECT s.message_id, s.conversation_id, s.created_at FROM message_search s
         WHERE s.organization_id = $1 AND s.words @@ $2 AND (s.created_at, s.message_id) < ($3, $4)
         ORDER BY s.created_at DESC, s.message_id DESC LIMIT $5'
        USING {CURRENT}, query, before_at, before_id, wanted;
END $body$
"""
SEARCH_CONTACTS = f"""
CREATE FUNCTION pytake_search_contacts(pattern text, digits text, wanted integer)
RETURNS TABLE (contact_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_bitmapscan = on SET enable_seqscan = off AS $body$
BEGIN
    RETURN QUERY EXECUTE
        'SELECT c.id FROM contacts c WHERE c.organization_id = $1
         AND (pytake_fold(c.name) LIKE $2 OR pytake_fold(coalesce(c.email, '''')) LIKE $2 OR c.phone LIKE $3) LIMIT $4'
        USING {CURRENT}, pattern, digits, wanted;
END $body$
"""
FUNCTIONS = {
    "pytake_search_messages(tsquery, timestamptz, uuid, integer)": SEARCH_MESSAGES,
    "pytake_search_contacts(text, text, integer)": SEARCH_CONTACTS,
}


def _id(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, JSONB(), nullable=False)


def _table(name: str, *columns: Any) -> None:
    op.create_table(
        name,
        _id("id"),
        _id("organization_id"),
        *columns,
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(f"ix_{name}_organization_id", name, ["organization_id"])


def _protect(table: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_app")


def upgrade() -> None:
    """Expand."""
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.add_column("conversations", _time("snoozed_until", nullable=True))
    op.add_column("conversations", sa.Column("outcome", sa.String(), nullable=False, server_default=""))
    op.add_column("conversations", _id("closed_by", nullable=True))
    op.create_index(
        "conversations_snoozed",
        "conversations",
        ["snoozed_until"],
        postgresql_where=sa.text("snoozed_until IS NOT NULL"),
    )
    op.create_index(
        "conversations_at_work",
        "conversations",
        ["organization_id", "last_message_at", "id"],
        postgresql_where=sa.text("status IN ('open', 'pending')"),
    )
    op.create_index(
        "conversations_of_agent",
        "conversations",
        ["organization_id", "assignee_id", "last_message_at", "id"],
        postgresql_where=sa.text("assignee_id IS NOT NULL"),
    )
    op.create_index(
        "conversations_closed", "conversations", ["organization_id", "closed_at"],
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )  # fmt: skip
    _table(
        "inbox_views",
        _id("owner_id"),
        _text("name"),
        sa.Column("shared", sa.Boolean(), nullable=False),
        _json("where"),
        sa.Column("position", sa.Integer(), nullable=False),
        _time("created_at"),
        _time("updated_at"),
    )
    _table(
        "canned_responses",
        _text("shortcut"),
        _text("title"),
        _text("text"),
        _json("media_ids"),
        _text("scope"),
        _id("owner_id", nullable=True),
        _id("department_id", nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        _time("last_used_at", nullable=True),
        _time("created_at"),
        _time("updated_at"),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], ondelete="CASCADE"),
    )
    op.create_index("canned_responses_shortcut", "canned_responses", ["organization_id", "shortcut"])
    _table(
        "message_drafts",
        _id("conversation_id"),
        _id("user_id"),
        _text("text"),
        _time("updated_at"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.UniqueConstraint("conversation_id", "user_id"),
    )
    _table(
        "conversation_mentions",
        _id("conversation_id"),
        _id("user_id"),
        _id("message_id"),
        _time("created_at"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    )
    op.create_index("conversation_mentions_user", "conversation_mentions", ["user_id", "conversation_id"])
    _table(
        "scheduled_messages",
        _id("conversation_id"),
        _id("author_id"),
        _json("request"),
        _text("preview"),
        _text("client_id", nullable=True),
        _time("send_at"),
        _text("state"),
        _text("reason"),
        _id("message_id", nullable=True),
        _time("created_at"),
        _time("updated_at"),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    )
    waiting = {"postgresql_where": sa.text("state = 'scheduled'")}
    op.create_index("scheduled_messages_due", "scheduled_messages", ["send_at"], **waiting)
    op.create_index("scheduled_messages_conversation", "scheduled_messages", ["conversation_id", "send_at"])
    op.create_table(
        "message_search",
        _id("message_id"),
        _id("organization_id"),
        _id("conversation_id"),
        _time("created_at"),
        sa.Column("words", TSVECTOR(), nullable=False),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_table("search_progress", _text("name"), _id("position"), sa.PrimaryKeyConstraint("name"))
    for table in (*DESK, *PIPELINE):
        _protect(table)
    for table, privileges in PIPELINE.items():
        op.execute(f"CREATE POLICY pipeline ON {table} TO pytake_system USING (true) WITH CHECK (true)")
        op.execute(f"GRANT {privileges} ON {table} TO pytake_system")
    op.execute("GRANT SELECT, INSERT, UPDATE ON search_progress TO pytake_system")
    op.create_index("message_search_recent", "message_search", ["organization_id", "created_at", "message_id"])
    op.execute("CREATE INDEX message_search_words ON message_search USING gin (words)")
    op.execute(
        "CREATE INDEX contacts_trigrams ON contacts USING gin (pytake_fold(name) gin_trgm_ops, "
        "pytake_fold(coalesce(email, '')) gin_trgm_ops, phone gin_trgm_ops)"
    )
    op.execute(WORDS)
    op.execute("GRANT EXECUTE ON FUNCTION pytake_words(text) TO pytake_app, pytake_system")
    # The new owner must for a moment be allowed to make things where its function lies.
    op.execute("GRANT CREATE ON SCHEMA public TO pytake_system")
    for signature, source in FUNCTIONS.items():
        op.execute(source)
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO pytake_app")
        op.execute(f"ALTER FUNCTION {signature} OWNER TO pytake_system")
    op.execute("REVOKE CREATE ON SCHEMA public FROM pytake_system")


def downgrade() -> None:
    """Back to the previous revision."""
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    op.execute("DROP FUNCTION pytake_words(text)")
    op.execute("DROP INDEX contacts_trigrams")
    op.drop_table("search_progress")
    for table in (*PIPELINE, *reversed(DESK)):
        op.drop_table(table)
    for name in ("conversations_closed", "conversations_of_agent", "conversations_at_work", "conversations_snoozed"):
        op.drop_index(name, table_name="conversations")
    for column in ("closed_by", "outcome", "snoozed_until"):
        op.drop_column("conversations", column)
    op.execute("DROP EXTENSION pg_trgm")
