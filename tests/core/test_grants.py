"""What the pipeline's role, which sees every organization, may do to each table: what its code does, and no more."""

from __future__ import annotations

from sqlalchemy import text

from pytake_app.core.db import Database

READ, ADD, CHANGE, TAKE = "SELECT", "INSERT", "UPDATE", "DELETE"
ALL = {READ, ADD, CHANGE, TAKE}
WANTED = {
    "organizations": {READ},
    "plans": {READ},
    "usage_counts": {READ, ADD, TAKE},
    "departments": {READ},
    "department_members": {READ},
    "business_calendars": {READ},
    "flows": {READ},
    "flow_versions": {READ},
    "sandbox_messages": {READ},
    "channel_accounts": {READ, CHANGE},
    "contact_tags": {READ, ADD},
    "raw_webhooks": {READ, ADD},
    "audit_log": {ADD},
    "automation_log": {READ, ADD},
    "session_steps": {READ, ADD},
    "emitted_events": {READ, ADD},
    "notifications": {READ, ADD},
    "contacts": {READ, ADD, CHANGE},
    "contact_identities": {READ, ADD, CHANGE},
    "conversations": {READ, ADD, CHANGE},
    "messages": {READ, ADD, CHANGE},
    "media_assets": {READ, ADD, CHANGE},
    "media_copies": {READ, ADD, CHANGE},
    "message_templates": {READ, ADD, CHANGE},
    "flow_sessions": {READ, ADD, CHANGE},
    "flow_figures": {READ, ADD, CHANGE},
    "message_search": {READ, ADD, CHANGE},
    "search_progress": {READ, ADD, CHANGE},
    "queue_items": {READ, ADD, CHANGE},
    "queue_hours": {READ, ADD, CHANGE},
    "agents": {READ},
    "service_queues": {READ},
    "session_records": {READ, ADD},
    "consent_events": {ADD},
    "idempotency_keys": {READ, TAKE},
    "mail_outbox": {READ, CHANGE, TAKE},
    "inbound_events": ALL,
    "outbox": ALL,
    "pending_statuses": ALL,
    "timers": ALL,
    "flow_requests": ALL,
    "flow_schedules": ALL,
}
"""Every other table, also one that a migration adds: nothing, or the few columns below."""
COLUMNS = {
    "flow_publications": {"id", "organization_id", "publish_at", "state"},
    "users": {"id", "organization_id", "email", "role", "is_active", "full_name"},
    "scheduled_messages": {"id", "organization_id", "send_at", "state"},
}
"""What may be read of tables of which the whole may not."""


def test_the_pipeline_may_do_what_it_does_and_no_more(db: Database) -> None:
    with db.system_connection() as connection:
        rows = connection.execute(
            text(
                """
                SELECT c.relname, p.verb FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
                       unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) p(verb)
                WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
                  AND has_table_privilege('pytake_system', c.oid, p.verb)
                """
            )
        ).all()
    found: dict[str, set[str]] = {}
    for table, verb in rows:
        found.setdefault(table, set()).add(verb)
    # A partition is reached through its parent only.
    assert found == WANTED


def test_of_other_tables_it_reads_a_few_columns_and_writes_nothing(db: Database) -> None:
    """What is to go live or to be sent later, and on whose behalf, neither changes nor is read across organizations."""
    with db.system_connection() as connection:
        rows = connection.execute(
            text(
                """
                SELECT c.relname, a.attname, p.verb FROM pg_class c
                JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public' AND c.relkind IN ('r', 'p')
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
                     unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) p(verb)
                WHERE has_column_privilege('pytake_system', c.oid, a.attnum, p.verb)
                """
            )
        ).all()
    found: dict[str, set[str]] = {}
    for table, column, verb in rows:
        if table not in WANTED:
            assert verb == READ, (table, column)
            found.setdefault(table, set()).add(column)
    assert found == COLUMNS


ADMINISTERED = {
    "plans": {READ, CHANGE},
    "organizations": {READ, TAKE},
    "usage_counts": {READ},
    "audit_log": {ADD},
    "contact_erasures": {TAKE},
}
"""What super admins' administration may do to whole tables."""
ADMINISTERED_COLUMNS = {
    "organizations": {"name", "time_zone", "locale", "currency", "plan", "status", "limits", "trial_ends_at",
                      "suspended_at", "suspended_by", "suspension_reason", "deletion_requested_at",
                      "deletion_requested_by", "delete_after"},
    "users": {"id", "organization_id", "email", "full_name", "role", "is_active", "last_login_at"},
    "channel_accounts": {"id", "organization_id", "channel", "sandbox", "status"},
    "flows": {"id", "organization_id", "deleted_at"},
    "inbound_events": {"id", "organization_id", "lane", "state", "next_attempt_at"},
    "contact_erasures": {"organization_id"},
    "invitations": {"organization_id", "email", "role", "expires_at", "accepted_at", "revoked_at"},
}  # fmt: skip
"""And to columns: enough to count, to name administrators, and to let events go on."""


def test_the_administration_of_organizations_sees_nothing_of_theirs(db: Database) -> None:
    tables = text(
        """
        SELECT c.relname, p.verb FROM pg_class c,
               unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p(verb)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND has_table_privilege('pytake_admin', c.oid, p.verb)
        """
    )
    columns = text(
        """
        SELECT c.relname, a.attname FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped,
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) p(verb)
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND has_column_privilege('pytake_admin', c.oid, a.attnum, p.verb)
          AND NOT has_table_privilege('pytake_admin', c.oid, p.verb)
        """
    )
    whole: dict[str, set[str]] = {}
    parts: dict[str, set[str]] = {}
    with db.administration() as session:
        for table, verb in session.execute(tables):
            whole.setdefault(table, set()).add(verb)
        for table, column in session.execute(columns):
            parts.setdefault(table, set()).add(column)
    assert whole == ADMINISTERED
    assert parts == ADMINISTERED_COLUMNS


def test_nobody_raises_their_own_limits(db: Database) -> None:
    """An organization's own transactions change its name and settings, never its plan or status."""
    with db.system_connection() as connection:
        rows = connection.execute(
            text(
                """
                SELECT a.attname FROM pg_attribute a WHERE a.attrelid = 'organizations'::regclass AND a.attnum > 0
                  AND NOT a.attisdropped AND has_column_privilege('pytake_app', a.attrelid, a.attnum, 'UPDATE')
                """
            )
        )
        assert {row[0] for row in rows} == {"name", "time_zone", "locale", "currency", "settings"}
