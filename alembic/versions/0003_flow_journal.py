"""Undo and redo in the flow journal; look-ups of the inbox and of contacts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

# Accents and case aside, for the letters of our languages: the same on every server, whatever its collation and
# extensions. No trigram index stands behind it: under row-level security only leak-proof operators may use an index, and
# LIKE is not one; a search reads the organization's contacts.
FOLD = """
CREATE FUNCTION pytake_fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT lower(translate(
        value,
        'áàâãäåéèêëíìîïóòôõöúùûüçñýÁÀÂÃÄÅÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑÝ',
        'aaaaaaeeeeiiiiooooouuuucnyaaaaaaeeeeiiiiooooouuuucny'
    ))
$$
"""


def upgrade() -> None:
    """Expand."""
    op.add_column("flow_edits", sa.Column("kind", sa.String(), nullable=False, server_default="edit"))
    op.add_column("flow_edits", sa.Column("undone", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(FOLD)
    op.execute("GRANT EXECUTE ON FUNCTION pytake_fold(text) TO pytake_app, pytake_system, pytake_auth")
    op.create_index("contacts_by_creation", "contacts", ["organization_id", "id"])
    op.create_index("flow_versions_flow", "flow_versions", ["flow_id", "version"])
    op.create_index("flow_sessions_recent", "flow_sessions", ["organization_id", "id"])
    op.create_index(
        "messages_client",
        "messages",
        ["conversation_id", "client_id"],
        postgresql_where=sa.text("client_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Back to the previous revision. The extension stays: others may use it."""
    op.drop_index("messages_client", table_name="messages")
    op.drop_index("flow_sessions_recent", table_name="flow_sessions")
    op.drop_index("flow_versions_flow", table_name="flow_versions")
    op.drop_index("contacts_by_creation", table_name="contacts")
    op.execute("DROP FUNCTION pytake_fold(text)")
    op.drop_column("flow_edits", "undone")
    op.drop_column("flow_edits", "kind")
