"""Fills what `inbox_fill` leaves empty: a queue with people waiting and its history, an outbox, flows, an audit log."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from pytake_app.core.clock import SystemClock
from pytake_app.core.db import Database
from pytake_app.core.ids import new_id
from pytake_app.queues.models import ServiceQueue

_ITEMS = """
INSERT INTO queue_items (id, organization_id, queue_id, queue_name, conversation_id, contact_id, channel, status,
                         priority, skills, source, entered_at, arrived_at, assigned_at, ended_at, declined_by, outcome,
                         note, csat_comment, csat_state)
SELECT gen_random_uuid(), :organization, :queue, 'Suporte', c.id, c.contact_id, 'whatsapp',
       CASE WHEN n % 5 = 0 THEN 'waiting' ELSE 'completed' END, n % 4, '[]', 'flow', now() - n * interval '20 seconds',
       now(), CASE WHEN n % 5 <> 0 THEN now() END, CASE WHEN n % 5 <> 0 THEN now() - n * interval '3 seconds' END,
       '[]', '', '', '', ''
FROM (SELECT id, contact_id, row_number() OVER (ORDER BY id) AS n FROM conversations
      WHERE organization_id = :organization LIMIT :rows) c
"""
_OUTBOX = """
INSERT INTO outbox (id, organization_id, channel_account_id, conversation_id, contact_id, message_id, recipient,
                    content, priority, state, attempts, max_attempts, next_attempt_at, created_at, finished_at)
SELECT gen_random_uuid(), :organization, c.channel_account_id, c.id, c.contact_id, gen_random_uuid(), '5511900000000',
       '{"type": "text", "body": "Bom dia"}', n % 4, CASE WHEN n % 10 = 0 THEN 'queued' ELSE 'sent' END, 1, 8,
       now() + interval '1 day', now() - n * interval '1 second',
       CASE WHEN n % 10 <> 0 THEN now() - n * interval '1 second' END
FROM (SELECT id, contact_id, channel_account_id, row_number() OVER (ORDER BY id) AS n FROM conversations
      WHERE organization_id = :organization LIMIT :rows) c
"""
# Each leaves an entry in the audit log, as it does in life.
_FLOWS = """
INSERT INTO flows (id, organization_id, name, slug, status, draft_revision, draft_document, draft_updated_at,
                   draft_changes, triggers, tags, search_text, created_at, updated_at)
SELECT gen_random_uuid(), :organization, 'Fluxo ' || n, 'fluxo-' || n, 'draft', 1,
       '{"nodes": [], "edges": [], "settings": {}}', now(), 0, '[]', '[]', '', now(), now() - n * interval '1 hour'
FROM generate_series(1, 80) n
"""
_AUDIT = """
INSERT INTO audit_log (id, organization_id, at, actor_kind, actor_name, address, action, object_kind, object_id,
                       object_name)
SELECT gen_random_uuid(), :organization, now() - n * interval '1 minute', 'user', 'Ana', '192.0.2.1', 'update',
       'contact', n::text, 'Maria'
FROM generate_series(1, :rows) n
"""


def fill_rest(database: Database, organization: UUID, rows: int) -> UUID:
    """A queue with so many items (a fifth of them wait), as many outbox rows and audit entries, some flows.

    Returns:
        the queue's id.
    """
    queue, now = new_id(), SystemClock().now()
    values = {"organization": organization, "queue": queue, "rows": rows}
    with database.tenant(organization) as session:
        session.add(
            ServiceQueue(id=queue, organization_id=organization, name="Suporte", created_at=now, updated_at=now)
        )
        session.flush()
        for statement in (_ITEMS, _OUTBOX, _FLOWS, _AUDIT):
            session.connection().execute(text(statement), values)
    return queue
