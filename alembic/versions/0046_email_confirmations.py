"""Who has shown that an e-mail address is theirs, and the links by which they do. Everybody who is there already has."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0046"
down_revision: str | None = "0045"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"


def upgrade() -> None:
    """Expand."""
    # Set where rows are there already, and not written down by each: the audit log is about what people do.
    op.add_column("users", sa.Column("email_confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("ALTER TABLE users DISABLE TRIGGER USER")
    op.execute("UPDATE users SET email_confirmed_at = created_at")
    op.execute("ALTER TABLE users ENABLE TRIGGER USER")
    op.create_table(
        "email_confirmations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
    )
    for column in ("organization_id", "user_id"):
        op.create_index(f"ix_email_confirmations_{column}", "email_confirmations", [column])
    op.execute("ALTER TABLE email_confirmations ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE email_confirmations FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON email_confirmations TO pytake_app USING (organization_id = {CURRENT}) "
        f"WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute("CREATE POLICY sign_in ON email_confirmations TO pytake_auth USING (true) WITH CHECK (true)")
    op.execute(f"GRANT {EVERYTHING} ON email_confirmations TO pytake_app, pytake_auth")
    op.execute(
        "CREATE TRIGGER same_organization AFTER INSERT OR UPDATE OF organization_id, user_id ON email_confirmations "
        "FOR EACH ROW EXECUTE FUNCTION pytake_same_organization('user_id', 'users', 'id')"
    )
    # Keys that were made before anybody had shown whose address it is end when its owner does.
    op.execute("GRANT UPDATE (revoked_at) ON api_keys TO pytake_auth")


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute("REVOKE UPDATE (revoked_at) ON api_keys FROM pytake_auth")
    op.drop_table("email_confirmations")
    op.drop_column("users", "email_confirmed_at")
