"""What the pipeline's role, which sees every organization, may do to each table: what its code does, and no more."""

from __future__ import annotations

from sqlalchemy import text

from pytake_app.core.db import Database

READ, ADD, CHANGE, TAKE = "SELECT", "INSERT", "UPDATE", "DELETE"
ALL = {READ, ADD, CHANGE, TAKE}
WANTED = {
    "organizations": {READ},
    "departments": {READ},
    "department_members": {READ},
    "business_calendars": {READ},
    "flows": {READ},
    "flow_versions": {READ},
    "sandbox_messages": {READ},
    "channel_accounts": {READ, CHANGE},
    "contact_tags": {READ, ADD},
    "raw_webhooks": {READ, ADD},
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
