"""Consent has a history, kept by the database itself; contacts can be forgotten; what was forgotten is remembered."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0038"
down_revision: str | None = "0037"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"

# Whoever changes consent, and by whichever way, leaves a row. `app.consent` is the service's word on why and who
# (`source user-id`); the pipeline's role changes it for flows and key words.
CONSENT_CHANGED = """
CREATE FUNCTION pytake_consent_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    told text := NULLIF(current_setting('app.consent', true), '');
BEGIN
    INSERT INTO consent_events (id, organization_id, contact_id, consent, source, user_id, at)
    VALUES (uuidv7(), NEW.organization_id, NEW.id, NEW.consent,
            COALESCE(split_part(told, ' ', 1), CASE current_user WHEN 'pytake_system' THEN 'automation' ELSE 'person' END),
            NULLIF(split_part(told, ' ', 2), '')::uuid, COALESCE(NEW.consent_at, now()));
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Expand. What people said before is one row each: the state at that time."""
    op.create_table(
        "consent_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("consent", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("consent_events_of_contact", "consent_events", ["contact_id", "id"])
    op.create_index("ix_consent_events_organization_id", "consent_events", ["organization_id"])
    op.create_table(
        "contact_erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("counts", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("contact_erasures_recent", "contact_erasures", ["organization_id", "id"])
    op.add_column("contacts", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    for table in ("consent_events", "contact_erasures"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant ON {table} TO pytake_app "
            f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
        )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON consent_events TO pytake_app")
    op.execute("GRANT SELECT, INSERT ON contact_erasures TO pytake_app")
    op.execute("CREATE POLICY pipeline ON consent_events FOR INSERT TO pytake_system WITH CHECK (true)")
    op.execute("GRANT INSERT ON consent_events TO pytake_system")
    op.execute(
        "INSERT INTO consent_events (id, organization_id, contact_id, consent, source, at) "
        "SELECT uuidv7(), organization_id, id, consent, 'before', COALESCE(consent_at, updated_at) FROM contacts "
        "WHERE consent <> 'unknown'"
    )
    op.execute(CONSENT_CHANGED)
    op.execute(
        "CREATE TRIGGER contacts_consent_changed AFTER UPDATE OF consent ON contacts FOR EACH ROW "
        "WHEN (OLD.consent IS DISTINCT FROM NEW.consent) EXECUTE FUNCTION pytake_consent_changed()"
    )
    op.execute(
        "CREATE TRIGGER contacts_consent_given AFTER INSERT ON contacts FOR EACH ROW "
        "WHEN (NEW.consent <> 'unknown') EXECUTE FUNCTION pytake_consent_changed()"
    )


def downgrade() -> None:
    """Back to the previous revision."""
    op.execute("DROP TRIGGER contacts_consent_given ON contacts")
    op.execute("DROP TRIGGER contacts_consent_changed ON contacts")
    op.execute("DROP FUNCTION pytake_consent_changed()")
    op.drop_column("contacts", "erased_at")
    op.drop_table("contact_erasures")
    op.drop_table("consent_events")
