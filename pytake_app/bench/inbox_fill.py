"""Fills a benchmark's database with an inbox: open conversations of many people, and what was said in them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from pytake_app.accounts.models import Organization
from pytake_app.core.db import Database
from pytake_app.core.ids import new_id
from pytake_app.whatsapp.models import ChannelAccount

CHUNK = 20_000

# From a number follow names, words and times: every run has the same inbox.
_CONTACTS = """
INSERT INTO contacts (id, organization_id, name, phone, fields, tags, lifecycle, lead_score, consent, blocked,
                      created_at, updated_at)
SELECT md5(:salt || 'c' || n)::uuid, :organization,
       (ARRAY['Maria','José','Ana','João','Antônio','Francisca','Carlos','Conceição','Luís','Júlia'])[1 + n % 10] ||
       ' ' ||
       (ARRAY['Silva','Souza','Araújo','Gonçalves','Ribeiro','Carvalho','Lopes'])[1 + n / 10 % 7] || ' ' || n,
       '5511' || lpad((900000000 + n)::text, 9, '0'), '{}', '[]', 'new', 0, 'unknown', false, now(), now()
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n
"""
_CONVERSATIONS = """
INSERT INTO conversations (id, organization_id, contact_id, channel_account_id, channel, status, priority, handling,
                           queue_name, tags, unread_count, last_message_at, last_message_preview,
                           last_message_direction, last_inbound_at, window_expires_at, waiting_since, assignee_id,
                           handoff, created_at, updated_at)
SELECT md5(:salt || 't' || n)::uuid, :organization, md5(:salt || 'c' || n)::uuid, :account, 'whatsapp',
       CASE WHEN n % 4 = 0 THEN 'open' WHEN n % 40 = 1 THEN 'pending' ELSE 'closed' END,
       (ARRAY['low','medium','medium','high','urgent'])[1 + n % 5], (ARRAY['bot','person','waiting'])[1 + n % 3], '',
       CASE WHEN n % 50 = 0 THEN '["VIP"]'::jsonb ELSE '[]'::jsonb END, n % 3, now() - n * interval '30 seconds',
       'Mensagem ' || n, 'in', now() - n * interval '30 seconds', now() + interval '12 hours',
       CASE WHEN n % 12 = 8 THEN now() - n * interval '20 seconds' END,
       CASE WHEN n % 3 = 1 THEN CAST(:agent AS uuid) END, '{}', now() - n * interval '1 minute', now()
FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n
"""
_MESSAGES = """
INSERT INTO messages (id, created_at, organization_id, conversation_id, contact_id, channel_account_id, channel,
                      direction, type, text, content, status, errors, author_kind)
SELECT uuidv7(at - now()), at, :organization, md5(:salt || 't' || 1 + n % :conversations)::uuid,
       md5(:salt || 'c' || 1 + n % :conversations)::uuid, :account, 'whatsapp',
       CASE n % 2 WHEN 0 THEN 'in' ELSE 'out' END, 'text',
       (ARRAY['Olá','Bom dia','Obrigado','Preciso de ajuda','Quando chega'])[1 + n % 5] || ' pedido ' || n || ' ' ||
       (ARRAY['camiseta','tênis','geladeira','promoção','devolução','garantia','boleto'])[1 + n % 7] ||
       ' azul' || n % 997 ||
       CASE WHEN n % 50000 = 7 THEN ' ornitorrinco' ELSE '' END, '{}', 'received', '[]', 'contact'
FROM (SELECT n, now() - (:messages - n) * interval '1 second' AS at
      FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) n) said
"""
_WORDS = """
INSERT INTO message_search (message_id, organization_id, conversation_id, created_at, words)
SELECT id, organization_id, conversation_id, created_at, pytake_words(text) FROM messages
WHERE created_at >= now() - (:messages - :first) * interval '1 second' - interval '1 day'
  AND organization_id = :organization AND NOT EXISTS (
      SELECT 1 FROM message_search s WHERE s.organization_id = messages.organization_id
      AND s.created_at = messages.created_at AND s.message_id = messages.id)
"""


def fill(database: Database, *, conversations: int, messages: int, agent: UUID) -> UUID:
    """An organization with so many conversations (a quarter of them open) and messages; answers its id."""
    organization, account = new_id(), new_id()
    values = {
        "organization": organization, "account": account, "salt": organization.hex, "agent": agent,
        "conversations": conversations, "messages": messages,
    }  # fmt: skip
    with database.tenant(organization) as session:
        session.add(Organization(id=organization, name="Bench", slug=organization.hex))
        session.flush()
        session.add(ChannelAccount(id=account, organization_id=organization, name="Bench", external_id=account.hex))
    for count, statements in ((conversations, (_CONTACTS, _CONVERSATIONS)), (messages, (_MESSAGES,))):
        for first in range(1, count + 1, CHUNK):
            with database.tenant(organization) as session:
                for statement in statements:
                    own = {**values, "first": first, "last": min(first + CHUNK - 1, count)}
                    session.connection().execute(text(statement), own)
    if messages:
        with database.tenant(organization) as session:
            session.connection().execute(text(_WORDS), {**values, "first": 0})
    return organization
