"""Roles, row-level security on every table, month partitions."""

from collections.abc import Sequence

from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

ROLES = ("pytake_app", "pytake_system", "pytake_auth")

ACCOUNT_TABLES = ("users", "auth_sessions", "refresh_tokens")
TENANT_TABLES = (
    "idempotency_keys",
    "channel_accounts",
    "contacts",
    "contact_identities",
    "conversations",
    "messages",
    "automation_log",
    "inbound_events",
    "raw_webhooks",
    "outbox",
    "pending_statuses",
    "media_assets",
    "flows",
    "flow_versions",
    "flow_edits",
    "flow_sessions",
    "session_steps",
    "timers",
    "sandbox_messages",
)
PARTITIONED = ("messages", "session_steps")

# Evaluated once a statement, not once a row, because it is a sub-select. Unset or empty = no organization = no rows.
CURRENT = "(SELECT NULLIF(current_setting('app.organization_id', true), '')::uuid)"

MAKE_PARTITIONS = """
CREATE FUNCTION pytake_make_partitions(first_month date, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parent text;
    month date;
    made integer := 0;
    partition text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['messages', 'session_steps'] LOOP
        FOR i IN 0 .. months - 1 LOOP
            month := date_trunc('month', first_month)::date + make_interval(months => i);
            partition := parent || to_char(month, '"_p"YYYY"_"MM');
            IF to_regclass('public.' || partition) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
                    partition, parent, month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00'
                );
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END $$
"""


def _make_roles() -> None:
    for role in ROLES:
        # Roles belong to the cluster, not the database: another database of the same server may have made them.
        op.execute(
            f"""
            DO $$ BEGIN
                CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$
            """
        )
        op.execute(
            f"""
            DO $$ BEGIN
                IF NOT pg_has_role(current_user, '{role}', 'MEMBER')
                   OR NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                    GRANT {role} TO CURRENT_USER;
                END IF;
            END $$
            """
        )
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")


def _protect(table: str, column: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON {table} TO pytake_app USING ({column} = {CURRENT}) WITH CHECK ({column} = {CURRENT})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO pytake_app")


def _allow(table: str, role: str, policy: str, privileges: str) -> None:
    op.execute(f"CREATE POLICY {policy} ON {table} TO {role} USING (true) WITH CHECK (true)")
    op.execute(f"GRANT {privileges} ON {table} TO {role}")


def upgrade() -> None:
    """Expand."""
    _make_roles()
    _protect("organizations", "id")
    _allow("organizations", "pytake_system", "pipeline", "SELECT")
    _allow("organizations", "pytake_auth", "sign_in", "SELECT")
    for table in ACCOUNT_TABLES:
        _protect(table, "organization_id")
        _allow(table, "pytake_auth", "sign_in", "SELECT, INSERT, UPDATE, DELETE")
    for table in TENANT_TABLES:
        _protect(table, "organization_id")
        _allow(table, "pytake_system", "pipeline", "SELECT, INSERT, UPDATE, DELETE")
    op.execute("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO pytake_app, pytake_system")
    for table in PARTITIONED:
        op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
    op.execute(MAKE_PARTITIONS)
    op.execute("REVOKE ALL ON FUNCTION pytake_make_partitions(date, integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION pytake_make_partitions(date, integer) TO pytake_system")
    op.execute("SELECT pytake_make_partitions((date_trunc('month', now()) - interval '1 month')::date, 5)")


def downgrade() -> None:
    """Back to the previous revision. The roles stay: other databases of the server may use them."""
    op.execute("DROP FUNCTION pytake_make_partitions(date, integer)")
    for parent in PARTITIONED:
        op.execute(
            f"""
            DO $$ DECLARE part regclass; BEGIN
                FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = '{parent}'::regclass LOOP
                    EXECUTE format('DROP TABLE %s', part);
                END LOOP;
            END $$
            """
        )
    for table in ("organizations", *ACCOUNT_TABLES, *TENANT_TABLES):
        for policy in ("tenant", "pipeline", "sign_in"):
            op.execute(f"DROP POLICY IF EXISTS {policy} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM pytake_app, pytake_system, pytake_auth")
    op.execute("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM pytake_app, pytake_system, pytake_auth")
    op.execute("REVOKE USAGE ON SCHEMA public FROM pytake_app, pytake_system, pytake_auth")
