"""Fills a benchmark's database: years of messages, a backlog of webhooks, sessions whose time is over.

Rows are made by the server itself, or by the product's own ingest, so that they look like those of a running shop.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import psycopg

from pytake_app.bench.pipeline_load import message_body
from pytake_app.channels.whatsapp.parse import parse
from pytake_app.messaging import ingest
from pytake_app.messaging.sql import Connection

MONTHS = 10
"""Over so many months history is spread."""
A_CONVERSATION = 20
"""Messages of a conversation in the history."""
_CHUNK = 10_000
_BACKLOG_CHUNK = 2_000

# What the number of conversations fixes; the rows of a conversation follow from its number and time.
_CONVERSATIONS = """
CREATE TEMPORARY TABLE fill AS
SELECT n, at, uuidv7(at - now()) AS conversation, uuidv7(at - now()) AS contact, uuidv7(at - now()) AS session,
       '5521' || lpad(n::text, 9, '0') AS phone
FROM (SELECT n, now() - %(months)s * interval '1 month' + n * (%(months)s * interval '1 month' - interval '2 hours')
             / %(count)s AS at FROM generate_series(1, %(count)s) AS n) numbered
"""
_ROWS = (
    """
    INSERT INTO contacts (id, organization_id, name, phone, fields, tags, lifecycle, lead_score, consent, blocked,
                          created_at, updated_at)
    SELECT contact, %(organization)s, 'Person ' || n, phone, '{}', '[]', 'new', 0, 'unknown', false, at, at
    FROM fill WHERE n BETWEEN %(first)s AND %(last)s
    """,
    """
    INSERT INTO contact_identities (id, organization_id, contact_id, channel_account_id, key, external_id, display_name,
                                    created_at)
    SELECT uuidv7(at - now()), %(organization)s, contact, %(account)s, phone, phone, 'Person ' || n, at
    FROM fill WHERE n BETWEEN %(first)s AND %(last)s
    """,
    """
    INSERT INTO conversations (id, organization_id, contact_id, channel_account_id, channel, status, priority, handling,
                               queue_name, tags, unread_count, last_message_at, last_message_preview,
                               last_message_direction, last_inbound_at, window_expires_at, handoff, closed_at,
                               created_at, updated_at)
    SELECT conversation, %(organization)s, contact, %(account)s, 'whatsapp', 'closed', 'medium', 'bot', '', '[]', 0,
           at + interval '1 hour', 'Até logo', 'out', at, at + interval '1 day', '{}', at + interval '1 day', at, at
    FROM fill WHERE n BETWEEN %(first)s AND %(last)s
    """,
    """
    INSERT INTO flow_sessions (id, organization_id, flow_id, version, contact_id, conversation_id, channel_account_id,
                               status, outcome, state, tape, started_at, updated_at, ended_at, counted)
    SELECT session, %(organization)s, %(flow)s, 1, contact, conversation, %(account)s, 'completed', 'done', '{}', '[]',
           at, at, at + interval '1 hour', true
    FROM fill WHERE n BETWEEN %(first)s AND %(last)s
    """,
    """
    INSERT INTO messages (id, created_at, organization_id, conversation_id, contact_id, channel_account_id, channel,
                          direction, type, text, content, external_id, status, errors, author_kind, flow_session_id,
                          sent_at)
    SELECT uuidv7(said - now()), said, %(organization)s, conversation, contact, %(account)s, 'whatsapp',
           CASE i %% 2 WHEN 0 THEN 'in' ELSE 'out' END, 'text', 'Mensagem ' || i || ' da conversa ' || n,
           jsonb_build_object('type', 'text', 'body', 'Mensagem ' || i || ' da conversa ' || n),
           'wamid.past' || lpad(n::text, 10, '0') || lpad(i::text, 3, '0'),
           CASE i %% 2 WHEN 0 THEN 'received' ELSE 'read' END, '[]', CASE i %% 2 WHEN 0 THEN 'contact' ELSE 'bot' END,
           session, said
    FROM (SELECT *, at + i * interval '3 minutes' AS said FROM fill, generate_series(0, %(each)s - 1) AS i
          WHERE n BETWEEN %(first)s AND %(last)s) sayings
    """,
    """
    INSERT INTO session_steps (id, created_at, organization_id, session_id, flow_id, flow_version, sequence, node_id,
                               node_type, port, why, reads, writes, duration_us, message_ids)
    SELECT uuidv7(said - now()), said, %(organization)s, session, %(flow)s, 1, i, 'menu', 'msg_buttons', 'other', '',
           '{}', '{}', 120, '[]'
    FROM (SELECT *, at + i * interval '6 minutes' AS said FROM fill, generate_series(0, %(each)s / 2 - 1) AS i
          WHERE n BETWEEN %(first)s AND %(last)s) visits
    """,
    """
    INSERT INTO automation_log (id, organization_id, conversation_id, at, kind, flow_id, flow_session_id, detail)
    SELECT uuidv7(said - now()), %(organization)s, conversation, said, 'resumed', %(flow)s, session, '{}'
    FROM (SELECT *, at + i * interval '6 minutes' AS said FROM fill, generate_series(0, %(each)s / 2 - 1) AS i
          WHERE n BETWEEN %(first)s AND %(last)s) decisions
    """,
    # What is remembered for thirty days.
    """
    INSERT INTO inbound_events (organization_id, channel_account_id, lane, contact_key, kind, external_id, payload,
                                state, attempts, next_attempt_at, received_at, processed_at)
    SELECT %(organization)s, %(account)s, n %% 32, phone, 'message',
           'wamid.past' || lpad(n::text, 10, '0') || lpad((2 * i)::text, 3, '0'), '{}', 'done', 0, said, said, said
    FROM (SELECT *, at + i * interval '6 minutes' AS said FROM fill, generate_series(0, %(each)s / 2 - 1) AS i
          WHERE n BETWEEN %(first)s AND %(last)s AND at > now() - interval '30 days') heard
    """,
    """
    INSERT INTO outbox (id, organization_id, channel_account_id, conversation_id, contact_id, message_id, recipient,
                        content, priority, state, attempts, max_attempts, next_attempt_at, external_id, created_at,
                        finished_at)
    SELECT uuidv7(said - now()), %(organization)s, %(account)s, conversation, contact, uuidv7(said - now()), phone,
           '{"type": "text", "body": "Mensagem"}', 2, 'sent', 1, 8, said,
           'wamid.past' || lpad(n::text, 10, '0') || lpad((2 * i + 1)::text, 3, '0'), said, said
    FROM (SELECT *, at + i * interval '6 minutes' AS said FROM fill, generate_series(0, %(each)s / 2 - 1) AS i
          WHERE n BETWEEN %(first)s AND %(last)s AND at > now() - interval '30 days') sent
    """,
)
_SEARCHED = """
INSERT INTO search_progress (name, position) VALUES ('messages', uuidv7())
ON CONFLICT (name) DO UPDATE SET position = excluded.position
"""
# Sessions that wait, as many as wanted, made after one that does.
_WAITING = """
CREATE TEMPORARY TABLE fill AS
SELECT n, uuidv7() AS conversation, uuidv7() AS contact, uuidv7() AS session, '5531' || lpad(n::text, 9, '0') AS phone
FROM generate_series(1, %(count)s) AS n
"""
_WAITING_ROWS = (
    """
    INSERT INTO contacts (id, organization_id, name, phone, fields, tags, lifecycle, lead_score, consent, blocked,
                          created_at, updated_at)
    SELECT contact, %(organization)s, 'Person ' || n, phone, '{}', '[]', 'new', 0, 'unknown', false, now(), now()
    FROM fill
    """,
    """
    INSERT INTO contact_identities (id, organization_id, contact_id, channel_account_id, key, external_id, display_name,
                                    created_at)
    SELECT uuidv7(), %(organization)s, contact, %(account)s, phone, phone, 'Person ' || n, now() FROM fill
    """,
    """
    INSERT INTO conversations (id, organization_id, contact_id, channel_account_id, channel, status, priority, handling,
                               queue_name, tags, unread_count, last_message_at, last_message_preview,
                               last_message_direction, last_inbound_at, window_expires_at, handoff, created_at,
                               updated_at)
    SELECT conversation, %(organization)s, contact, %(account)s, 'whatsapp', 'open', 'medium', 'bot', '', '[]', 1,
           now(), 'menu', 'out', now(), now() + interval '1 day', '{}', now(), now()
    FROM fill
    """,
    """
    INSERT INTO flow_sessions (id, organization_id, flow_id, version, contact_id, conversation_id, channel_account_id,
                               status, current_node, state, tape, started_at, updated_at, expires_at, counted)
    SELECT fill.session, s.organization_id, s.flow_id, s.version, fill.contact, fill.conversation, s.channel_account_id,
           s.status, s.current_node, jsonb_set(s.state, '{id}', to_jsonb(fill.session::text)), '[]', now(), now(),
           s.expires_at, false
    FROM fill, (SELECT * FROM flow_sessions WHERE status = 'waiting' AND organization_id = %(organization)s
                ORDER BY id LIMIT 1) s
    """,
)
# Lane 0 for all of them would leave one worker idle; which lane each has does not matter here.
_TIMERS = """
INSERT INTO timers (id, organization_id, session_id, channel_account_id, contact_key, lane, kind, wait_id, due_at)
SELECT uuidv7(), s.organization_id, s.id, s.channel_account_id, i.key, abs(hashtext(i.key)) %% 32, 'timeout',
       s.state->'wait'->>'id', now()
FROM contact_identities i JOIN flow_sessions s ON s.contact_id = i.contact_id AND s.status = 'waiting'
WHERE i.channel_account_id = %(account)s AND i.organization_id = %(organization)s AND i.key LIKE '5531%%'
"""


def history(
    url: str, organization: UUID, account: UUID, flow: UUID, messages: int, told: Callable[[int], None]
) -> None:
    """Make `messages` messages of the past months, in conversations that are over, with all that goes with them.

    Parameters:
        url: of the database, as a superuser: nothing is checked row by row.
        told: called with the number of messages made so far.
    """
    count = max(1, messages // A_CONVERSATION)
    values: dict[str, object] = {"organization": organization, "account": account, "flow": flow,
                                 "each": A_CONVERSATION}  # fmt: skip
    with psycopg.connect(url, autocommit=True) as connection:
        _hasten(connection)
        connection.execute(
            "SELECT pytake_make_partitions((now() - %s * interval '1 month')::date, %s)", (MONTHS, MONTHS + 2)
        )
        connection.execute(_SEARCHED)
        connection.execute(_CONVERSATIONS, {"months": MONTHS, "count": count})
        connection.execute("CREATE INDEX ON fill (n)")
        connection.execute("ANALYZE fill")
        for first in range(1, count + 1, _CHUNK):
            last = min(first + _CHUNK - 1, count)
            for statement in _ROWS:
                connection.execute(statement, {**values, "first": first, "last": last})
            told(last * A_CONVERSATION)
        # The words of the past would be written for search meanwhile.
        connection.execute(_SEARCHED)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def waiting_sessions(url: str, organization: UUID, account: UUID, count: int) -> None:
    """Make `count` sessions of as many people that wait, like the oldest one that does."""
    values: dict[str, object] = {"organization": organization, "account": account, "count": count}
    with psycopg.connect(url, autocommit=True) as connection:
        _hasten(connection)
        connection.execute(_WAITING, values)
        with connection.transaction():
            for statement in _WAITING_ROWS:
                connection.execute(statement, values)
        connection.execute("ANALYZE")


def due_timers(url: str, organization: UUID, account: UUID) -> None:
    """The time of all of `waiting_sessions` is over now."""
    with psycopg.connect(url, autocommit=True) as connection:
        _hasten(connection)
        connection.execute(_TIMERS, {"organization": organization, "account": account})


def _hasten(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    connection.execute("SET synchronous_commit = off")
    # Foreign keys are not asked: the rows are made to fit.
    connection.execute("SET session_replication_role = replica")


def backlog(
    connection: Connection,
    account: ingest.IngestAccount,
    *,
    first: int,
    count: int,
    contacts: int,
    lanes: int,
    now: datetime,
) -> None:
    """Store webhooks `first` and following as the ingest does, without telling any worker."""
    for begin in range(first, first + count, _BACKLOG_CHUNK):
        rows = []
        for number in range(begin, min(begin + _BACKLOG_CHUNK, first + count)):
            parsed = parse(message_body(account.external_id, number, (number - first) % contacts))
            rows += ingest.event_rows([account], parsed, lanes, now)[0]
        ingest.store_events(connection, rows)
