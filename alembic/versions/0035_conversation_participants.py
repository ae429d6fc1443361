"""Who takes part in a conversation by notes, and therefore goes on seeing it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    """Expand. Notes written before name their authors too."""
    op.create_table(
        "conversation_participants",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "conversation_id"),
    )
    op.create_index("ix_conversation_participants_organization_id", "conversation_participants", ["organization_id"])
    op.create_index("ix_conversation_participants_conversation_id", "conversation_participants", ["conversation_id"])
    op.execute(
        """
        INSERT INTO conversation_participants (user_id, conversation_id, organization_id, since)
        SELECT m.author_id, m.conversation_id, m.organization_id, min(m.created_at)
        FROM messages m JOIN conversations c ON c.id = m.conversation_id
        WHERE m.direction = 'note' AND m.author_id IS NOT NULL GROUP BY 1, 2, 3
        """
    )
    op.execute("ALTER TABLE conversation_participants ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE conversation_participants FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenant ON conversation_participants TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON conversation_participants TO pytake_app")


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_table("conversation_participants")
