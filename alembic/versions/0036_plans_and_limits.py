"""Plans with limits, trials, usage counted as it happens, suspension and deletion of organizations.

A role of its own, `pytake_admin`, administers organizations: it sees what they are and how much they use, and nothing
that is theirs (no contact, message or flow's content). Organizations no longer change their own plan or status.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0036"
down_revision: str | None = "0035"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"
OWN = "name, time_zone, locale, currency, settings"
ADMINISTERED = (
    "name, time_zone, locale, currency, plan, status, limits, trial_ends_at, suspended_at, suspended_by, suspension_reason, "
    "deletion_requested_at, deletion_requested_by, delete_after"
)
# Of other tables the administration sees as much as counting needs.
COUNTED = {
    "users": "id, organization_id, email, full_name, role, is_active, last_login_at",
    "channel_accounts": "id, organization_id, channel, sandbox, status",
    "flows": "id, organization_id, deleted_at",
    "inbound_events": "id, organization_id, lane, state",
}
COLUMNS = (
    sa.Column("trial_ends_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("limits", JSONB(), nullable=False, server_default=sa.text("'{}'")),
    sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("suspended_by", sa.Uuid(), nullable=True),
    sa.Column("suspension_reason", sa.String(), nullable=False, server_default=""),
    sa.Column("deletion_requested_at", sa.DateTime(timezone=True), nullable=True),
    sa.Column("deletion_requested_by", sa.Uuid(), nullable=True),
    sa.Column("delete_after", sa.DateTime(timezone=True), nullable=True),
)
# (name, users, numbers, contacts, messages a month, flows); NULL: no limit.
PLANS = (
    ("free", 2, 1, 1_000, 1_000, 10),
    ("starter", 5, 2, 10_000, 10_000, 50),
    ("professional", 50, 10, 250_000, 500_000, 1_000),
    ("enterprise", None, None, None, None, None),
)
# Whoever writes the rows, they are counted with them: one row of the counter a statement and organization, never an
# update, so that nobody waits for anybody. The scheduler adds them up.
COUNT_MESSAGES = """
CREATE FUNCTION pytake_count_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO usage_counts (organization_id, resource, period, amount)
    SELECT organization_id, 'messages', date_trunc('month', created_at AT TIME ZONE 'UTC')::date, count(*)
    FROM fresh GROUP BY 1, 3;
    RETURN NULL;
END $$
"""
COUNT_CONTACTS = """
CREATE FUNCTION pytake_count_contacts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO usage_counts (organization_id, resource, period, amount)
    SELECT organization_id, 'contacts', DATE '1970-01-01', CASE TG_OP WHEN 'DELETE' THEN -count(*) ELSE count(*) END
    FROM changed GROUP BY 1;
    RETURN NULL;
END $$
"""
TRIGGERS = (
    (
        "CREATE TRIGGER count_messages AFTER INSERT ON outbox REFERENCING NEW TABLE AS fresh "
        "FOR EACH STATEMENT EXECUTE FUNCTION pytake_count_messages()"
    ),
    (
        "CREATE TRIGGER count_new_contacts AFTER INSERT ON contacts REFERENCING NEW TABLE AS changed "
        "FOR EACH STATEMENT EXECUTE FUNCTION pytake_count_contacts()"
    ),
    (
        "CREATE TRIGGER count_gone_contacts AFTER DELETE ON contacts REFERENCING OLD TABLE AS changed "
        "FOR EACH STATEMENT EXECUTE FUNCTION pytake_count_contacts()"
    ),
)


def _make_role() -> None:
    # Roles belong to the cluster, not the database: another database of the same server may have made it.
    op.execute(
        """
        DO $$ BEGIN
            CREATE ROLE pytake_admin NOLOGIN NOSUPERUSER NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(
        """
        DO $$ BEGIN
            IF NOT pg_has_role(current_user, 'pytake_admin', 'MEMBER')
               OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                GRANT pytake_admin TO CURRENT_USER;
            END IF;
        END $$
        """
    )
    op.execute("GRANT USAGE ON SCHEMA public TO pytake_admin")


def _protect(table: str, privileges: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO pytake_app "
        f"USING (organization_id = {CURRENT}) WITH CHECK (organization_id = {CURRENT})"
    )
    op.execute(f"GRANT {privileges} ON {table} TO pytake_app")


def _open(table: str, role: str, policy: str, privileges: str) -> None:
    op.execute(f"CREATE POLICY {policy} ON {table} TO {role} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT {privileges} ON {table} TO {role}")


def _counters() -> None:
    op.create_table(
        "usage_counts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
    )
    op.create_index("usage_counts_of", "usage_counts", ["organization_id", "resource", "period"])
    op.create_table(
        "usage_warnings",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resource", sa.String(), nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.PrimaryKeyConstraint("organization_id", "resource", "period", "percent"),
    )
    _protect("usage_counts", "SELECT, INSERT, DELETE")
    _open("usage_counts", "pytake_system", "pipeline", "SELECT, INSERT, DELETE")
    _open("usage_counts", "pytake_admin", "administration", "SELECT")
    _protect("usage_warnings", "SELECT, INSERT, UPDATE, DELETE")
    for function in (COUNT_MESSAGES, COUNT_CONTACTS):
        op.execute(function)
    # What is there already. Row-level security holds for the owner too, so it is read as the pipeline.
    op.execute("SET LOCAL ROLE pytake_system")
    op.execute(
        "INSERT INTO usage_counts SELECT organization_id, 'contacts', DATE '1970-01-01', count(*) FROM contacts GROUP BY 1"
    )
    op.execute(
        "INSERT INTO usage_counts SELECT organization_id, 'messages', date_trunc('month', created_at AT TIME ZONE 'UTC')"
        "::date, count(*) FROM outbox WHERE created_at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' "
        "GROUP BY 1, 3"
    )
    op.execute("RESET ROLE")
    for trigger in TRIGGERS:
        op.execute(trigger)


def upgrade() -> None:
    """Expand."""
    _make_role()
    plans = op.create_table(
        "plans",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("users", sa.Integer(), nullable=True),
        sa.Column("numbers", sa.Integer(), nullable=True),
        sa.Column("contacts", sa.Integer(), nullable=True),
        sa.Column("messages", sa.Integer(), nullable=True),
        sa.Column("flows", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.PrimaryKeyConstraint("name"),
    )
    names = ("users", "numbers", "contacts", "messages", "flows")
    op.bulk_insert(
        plans,
        [
            {"name": name, "position": position, **dict(zip(names, limits, strict=True))}
            for position, (name, *limits) in enumerate(PLANS)
        ],
    )
    op.execute("GRANT SELECT ON plans TO pytake_app, pytake_system")
    op.execute("GRANT SELECT, UPDATE ON plans TO pytake_admin")
    for column in COLUMNS:
        op.add_column("organizations", column.copy())
    # Organizations from before there were plans keep all they have.
    op.execute("ALTER TABLE organizations NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE organizations SET plan = 'enterprise'")
    op.execute("ALTER TABLE organizations FORCE ROW LEVEL SECURITY")
    op.create_index("organizations_at_rest", "organizations", ["id"], postgresql_where=sa.text("status <> 'active'"))
    op.create_index(
        "inbound_events_held", "inbound_events", ["organization_id"], postgresql_where=sa.text("state = 'held'")
    )
    op.execute("REVOKE UPDATE, DELETE ON organizations FROM pytake_app")
    op.execute(f"GRANT UPDATE ({OWN}) ON organizations TO pytake_app")
    _open("organizations", "pytake_admin", "administration", "SELECT, DELETE")
    op.execute(f"GRANT UPDATE ({ADMINISTERED}) ON organizations TO pytake_admin")
    for table, columns in COUNTED.items():
        _open(table, "pytake_admin", "administration", f"SELECT ({columns})")
    op.execute("GRANT UPDATE (state, next_attempt_at) ON inbound_events TO pytake_admin")
    _counters()


def downgrade() -> None:
    """Back to the previous revision. The role stays: other databases of the server may use it."""
    op.execute("ALTER TABLE inbound_events NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE inbound_events SET state = 'pending' WHERE state = 'held'")
    op.execute("ALTER TABLE inbound_events FORCE ROW LEVEL SECURITY")
    for trigger, table in (
        ("count_messages", "outbox"),
        ("count_new_contacts", "contacts"),
        ("count_gone_contacts", "contacts"),
    ):
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.execute("DROP FUNCTION pytake_count_messages()")
    op.execute("DROP FUNCTION pytake_count_contacts()")
    op.drop_table("usage_warnings")
    op.drop_table("usage_counts")
    for table, columns in COUNTED.items():
        op.execute(f"REVOKE SELECT ({columns}) ON {table} FROM pytake_admin")
        op.execute(f"DROP POLICY administration ON {table}")
    op.execute("REVOKE UPDATE (state, next_attempt_at) ON inbound_events FROM pytake_admin")
    op.execute("REVOKE ALL ON organizations FROM pytake_admin")
    op.execute(f"REVOKE UPDATE ({ADMINISTERED}) ON organizations FROM pytake_admin")
    op.execute("DROP POLICY administration ON organizations")
    op.execute(f"REVOKE UPDATE ({OWN}) ON organizations FROM pytake_app")
    op.execute("GRANT UPDATE, DELETE ON organizations TO pytake_app")
    op.drop_index("inbound_events_held", table_name="inbound_events")
    op.drop_index("organizations_at_rest", table_name="organizations")
    for column in reversed(COLUMNS):
        op.drop_column("organizations", column.name)
    op.drop_table("plans")
    op.execute("REVOKE USAGE ON SCHEMA public FROM pytake_admin")
