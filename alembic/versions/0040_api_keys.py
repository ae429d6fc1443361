"""Keys by which programs act in an organization: hashed, bounded by scopes, ended at once."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0040"
down_revision: str | None = "0039"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"


def upgrade() -> None:
    """Expand."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("scopes", JSONB(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_address", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_api_keys_organization_id", "api_keys", ["organization_id"])
    op.create_index("ix_api_keys_created_by", "api_keys", ["created_by"])
    op.execute("ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE api_keys FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON api_keys TO pytake_app USING (organization_id = {CURRENT}) "
        f"WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO pytake_app")
    op.execute("CREATE POLICY sign_in ON api_keys TO pytake_auth USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, UPDATE (last_used_at, last_used_address) ON api_keys TO pytake_auth")
    op.execute(
        "SELECT pytake_audit_table('api_keys', 'INSERT OR UPDATE OR DELETE', 'api_key', 'id', 'name', "
        "'last_used_at,last_used_address', 'token_hash')"
    )


def downgrade() -> None:
    """Back to the previous revision."""
    op.drop_table("api_keys")
