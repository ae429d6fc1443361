"""Folders, tags, archive and search of flows, saved views of their list; whose undo it is, edits known by their id."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
TABLES = ("flow_folders", "flow_views")
# What `documents.search_text` makes from now on, for the flows that are there.
SEARCH_TEXT = """
UPDATE flows SET search_text = left(pytake_fold(coalesce((
    SELECT string_agg(value #>> '{}', ' ')
    FROM jsonb_path_query(draft_document, '$.nodes[*].** ? (@.type() == "string")') AS value
), '')), 60000)
"""


def _id(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _protect(table: str) -> None:
    op.create_index(f"ix_{table}_organization_id", table, ["organization_id"])
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_app")


def upgrade() -> None:
    """Expand. Defaults serve processes of the previous release, which don't know the columns."""
    op.create_table(
        "flow_folders",
        _id("id"),
        _id("organization_id"),
        _id("parent_id", nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        _time("created_at"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["parent_id"], ["flow_folders.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "flow_views",
        _id("id"),
        _id("organization_id"),
        _id("user_id"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("filters", JSONB(), nullable=False),
        _time("created_at"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("flow_views_of_user", "flow_views", ["user_id", "id"])
    for table in TABLES:
        _protect(table)
    op.add_column("flows", sa.Column("folder_id", sa.Uuid(), sa.ForeignKey("flow_folders.id"), nullable=True))
    op.add_column("flows", sa.Column("tags", JSONB(), nullable=False, server_default=sa.text("'[]'")))
    op.add_column("flows", _time("archived_at", nullable=True))
    op.add_column("flows", sa.Column("draft_errors", sa.Integer(), nullable=True))
    op.add_column("flows", sa.Column("search_text", sa.String(), nullable=False, server_default=""))
    op.execute(SEARCH_TEXT)
    op.create_index("flows_in_folder", "flows", ["organization_id", "folder_id"])
    op.create_index("flows_recent", "flows", ["organization_id", "updated_at", "id"])
    op.add_column("flow_edits", sa.Column("undoes", sa.Integer(), nullable=True))
    op.add_column("flow_edits", sa.Column("cid", sa.String(), nullable=True))
    op.create_index("flow_edits_cid", "flow_edits", ["flow_id", "cid"], postgresql_where=sa.text("cid IS NOT NULL"))


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_index("flow_edits_cid", table_name="flow_edits")
    op.drop_column("flow_edits", "cid")
    op.drop_column("flow_edits", "undoes")
    op.drop_index("flows_recent", table_name="flows")
    op.drop_index("flows_in_folder", table_name="flows")
    for column in ("search_text", "draft_errors", "archived_at", "tags", "folder_id"):
        op.drop_column("flows", column)
    for table in reversed(TABLES):
        op.drop_table(table)
