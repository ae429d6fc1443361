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
    "idempotency_keys": {READ, TAKE},
    "inbound_events": ALL,
    "outbox": ALL,
    "pending_statuses": ALL,
    "timers": ALL,
    "flow_requests": ALL,
    "flow_schedules": ALL,
}
FORBIDDEN = (
    "flow_edits",
    "flow_publications",
    "scheduled_messages",
    "agent_queues",
    "agent_status_changes",
    "users",
    "auth_sessions",
    "refresh_tokens",
    "organization_secrets",
)
"""Nothing of the whole table; of some, a few columns may be read (below, and in `test_tenancy`)."""


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
    assert {table: found.get(table, set()) for table in WANTED} == WANTED
    assert [table for table in FORBIDDEN if table in found] == []
    # A partition is reached through its parent only.
    assert [table for table in found if "_p20" in table or table.endswith("_default")] == []


def test_publications_for_later_are_only_looked_for(db: Database) -> None:
    """What is to go live, and on whose behalf, neither changes nor is read across organizations."""
    with db.system_connection() as connection:
        columns = connection.execute(
            text(
                """
                SELECT a.attname FROM pg_attribute a WHERE a.attrelid = 'flow_publications'::regclass AND a.attnum > 0
                  AND NOT a.attisdropped AND (
                    has_column_privilege('pytake_system', a.attrelid, a.attnum, 'SELECT')
                    OR has_column_privilege('pytake_system', a.attrelid, a.attnum, 'UPDATE')
                    OR has_column_privilege('pytake_system', a.attrelid, a.attnum, 'INSERT'))
                """
            )
        ).scalars()
        assert set(columns) == {"id", "organization_id", "publish_at", "state"}
        asked = "SELECT has_any_column_privilege('pytake_system', 'flow_publications', :verb)"
        for verb in ("INSERT", "UPDATE"):
            assert connection.execute(text(asked), {"verb": verb}).scalar() is False
