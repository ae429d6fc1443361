"""Forgetting a contact reaches every table; what is handed out before is all there was; nobody else is touched."""

from __future__ import annotations

import asyncio
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import redis
from sqlalchemy import text

from pytake_app.config import Settings
from pytake_app.contacts import service as contacts
from pytake_app.conversations import service as conversations
from pytake_app.conversations.schemas import SendMessage
from pytake_app.core.clock import FrozenClock
from pytake_app.core.db import Database
from pytake_app.core.errors import ForbiddenError, InvalidError, NotFoundError
from pytake_app.core.services import Services
from pytake_app.privacy import retention
from pytake_app.privacy import service as privacy
from pytake_app.privacy.schemas import ErasureRequest, PrivacySettings, PrivacySettingsUpdate
from tests.support.pipeline import Pipeline, add_flow

SAID, OTHER = "Segredo-da-Maria", "Outra-Pessoa"
MARIA, JOAO = "5511987654321", "5511912345678"
FLOW: dict[str, Any] = {
    "name": "Perguntas",
    "nodes": [
        {"id": "in", "type": "trigger_universal", "config": {}},
        {"id": "q", "type": "question", "config": {"body": "Nome?", "variable": "name"}},
        {"id": "emit", "type": "send_event",
         "config": {"name": "lead", "values": [{"name": "who", "value": "{{ name }}"}]}},
        {"id": "say", "type": "msg_text", "config": {"body": "Obrigado, {{ name }}!"}},
        {"id": "queue", "type": "action_transfer_to_queue",
         "config": {"queue_name": "Suporte", "wait_timeout_minutes": 30}},
    ],
    "edges": [
        {"id": "1", "source": "in", "port": "next", "target": "q"},
        {"id": "2", "source": "q", "port": "answered", "target": "emit"},
        {"id": "3", "source": "emit", "port": "next", "target": "say"},
        {"id": "4", "source": "say", "port": "next", "target": "queue"},
    ],
}  # fmt: skip


BY_HAND = (
    """INSERT INTO message_drafts (id, organization_id, conversation_id, user_id, text, updated_at)
       VALUES (uuidv7(), :organization, :conversation, :user, :said, now())""",
    """UPDATE conversations SET handoff = jsonb_build_object('summary', CAST(:said AS text)), tags = '["vip"]'
       WHERE id = :conversation""",
    "UPDATE queue_items SET note = :said, csat_comment = :said WHERE conversation_id = :conversation",
    """INSERT INTO notifications (id, organization_id, user_id, audience, target, kind, level, title, body,
                                  conversation_id, created_at)
       VALUES (uuidv7(), :organization, :user, 'user', '', 'flow', 'info', :said, '', :conversation, now())""",
    """INSERT INTO message_search (organization_id, created_at, message_id, conversation_id, words)
       SELECT organization_id, created_at, id, conversation_id, to_tsvector('simple', text) FROM messages
       WHERE conversation_id = :conversation""",
    """UPDATE automation_log SET detail = jsonb_build_object('text', CAST(:said AS text))
       WHERE conversation_id = :conversation""",
)
"""Rows of rooms that the flow above doesn't reach."""
_STATUS = """
INSERT INTO pending_statuses (id, organization_id, channel_account_id, external_id, payload, received_at)
VALUES (uuidv7(), :organization, :account, 'wamid.x', jsonb_build_object('recipient', CAST(:number AS text)), now())
"""


@pytest.fixture
def pipeline(settings: Settings, clean_db: Database, redis_client: redis.Redis, frozen_clock: FrozenClock) -> Any:
    services = Services(settings, clock=frozen_clock)
    yield Pipeline.make(services)
    services.close()


def holding(pipeline: Pipeline, *words: str) -> set[str]:
    """The tables of the database in which any of the words stand, in whatever column."""
    with pipeline.services.database.system_connection() as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text("SET LOCAL row_security = off"))
        tables = connection.execute(
            text(
                "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            )
        ).scalars().all()  # fmt: skip
        found = {
            table
            for table in tables
            for word in words
            if connection.execute(
                text(f"SELECT EXISTS (SELECT FROM {table} t WHERE t::text ILIKE :word)"), {"word": f"%{word}%"}
            ).scalar_one()
        }
        # bytea is written in hexadecimal.
        for word in words:
            held = "SELECT EXISTS (SELECT FROM raw_webhooks WHERE position(convert_to(:word, 'UTF8') IN body) > 0)"
            if connection.execute(text(held), {"word": word}).scalar_one():
                found.add("raw_webhooks")
        connection.execute(text("SET ROLE pytake_system"))
        return found


async def told(pipeline: Pipeline, frozen_clock: FrozenClock) -> UUID:
    """Two people go through the same; answers Maria's contact."""
    tenant = pipeline.tenant
    add_flow(pipeline.services.database, tenant.organization_id, FLOW)
    for number, said in ((MARIA, SAID), (JOAO, OTHER)):
        phone = pipeline.phone(number, said)
        for words in ("oi", said, f"{said} de novo"):
            await pipeline.hear(phone.text(words, at=frozen_clock.now()))
        contact = contact_of(pipeline, number)
        conversation = pipeline.scalar("SELECT id FROM conversations WHERE contact_id = :id", id=contact)
        body = phone.text(f"{said} por último", at=frozen_clock.now())
        await pipeline.receive(body)  # not handled yet
        await asyncio.to_thread(write_by_hand, pipeline, conversation, said, number)
    return contact_of(pipeline, MARIA)


def write_by_hand(pipeline: Pipeline, conversation: UUID, said: str, number: str) -> None:
    """What people, and rows of rooms that the flow above doesn't reach, hold of somebody."""
    tenant, organization = pipeline.tenant, pipeline.tenant.organization_id
    values = {"organization": organization, "conversation": conversation, "said": said, "user": tenant.agent.user_id}
    with tenant.session() as session:
        conversations.add_note(session, tenant.agent, conversation, f"nota {said}", clock=pipeline.services.clock)
        at = pipeline.services.clock.now() + timedelta(hours=2)
        later = SendMessage.model_validate({"type": "text", "text": said, "send_at": at})
        conversations.send_message(session, tenant.agent, conversation, later, clock=pipeline.services.clock)
        for statement in BY_HAND:
            session.execute(text(statement), values)
        session.execute(
            text(
                "INSERT INTO raw_webhooks (id, organization_id, channel, reason, body, received_at) "
                "VALUES (uuidv7(), :organization, 'whatsapp', 'unknown', convert_to(:body, 'UTF8'), now())"
            ),
            {"organization": organization, "body": f'{{"from": "{number}", "text": "{said}"}}'},
        )
        session.execute(
            text(_STATUS),
            {"organization": organization, "account": tenant.account.id, "number": number},
        )
        contacts.set_consent(
            session, tenant.agent, contact_of(pipeline, number), "opted_in", clock=pipeline.services.clock
        )


def contact_of(pipeline: Pipeline, phone: str) -> UUID:
    found: UUID = pipeline.scalar("SELECT id FROM contacts WHERE phone = :phone", phone=phone)
    return found


async def test_nothing_of_a_contact_remains_in_any_table(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    whose = await told(pipeline, frozen_clock)
    tenant = pipeline.tenant
    before, others = holding(pipeline, SAID, MARIA), holding(pipeline, OTHER, JOAO)
    assert before == others
    assert before >= {
        "contacts", "contact_identities", "messages", "message_drafts", "scheduled_messages", "conversations",
        "inbound_events", "outbox", "flow_sessions", "session_steps", "emitted_events", "queue_items", "notifications",
        "raw_webhooks", "pending_statuses", "automation_log", "session_records",
    }  # fmt: skip

    def erase() -> None:
        with tenant.session() as session, pytest.raises(InvalidError):
            privacy.erase_contact(session, tenant.admin, whose, ErasureRequest(), clock=frozen_clock)
        with tenant.session() as session, pytest.raises(ForbiddenError):
            privacy.erase_contact(session, tenant.agent, whose, ErasureRequest(confirm=True), clock=frozen_clock)
        with tenant.session() as session:
            privacy.erase_contact(session, tenant.admin, whose, ErasureRequest(confirm=True), clock=frozen_clock)

    await asyncio.to_thread(erase)
    assert holding(pipeline, SAID, MARIA) == set()
    assert holding(pipeline, OTHER, JOAO) == others
    # A row without a person; nobody is served, and nothing waits.
    assert pipeline.rows("SELECT name, phone, blocked, consent FROM contacts WHERE id = :id", id=whose) == [
        ("Contato apagado", None, True, "unknown")
    ]
    assert pipeline.rows("SELECT status, outcome FROM conversations WHERE contact_id = :id", id=whose) == [
        ("closed", "erased")
    ]
    alive = "SELECT count(*) FROM queue_items WHERE contact_id = :id AND status IN ('waiting', 'offered', 'in_service')"
    assert pipeline.scalar(alive, id=whose) == 0
    with tenant.session() as session:
        (row,) = privacy.list_erasures(session, tenant.admin).items
        assert (row.contact_id, row.reason, row.requested_by) == (whose, "request", tenant.admin.user_id)
        assert row.counts["messages"] >= 4
        assert whose not in {one.id for one in contacts.list_contacts(session, tenant.viewer).items}


async def test_a_repeated_webhook_brings_nobody_back_and_a_new_message_makes_somebody_new(
    pipeline: Pipeline, frozen_clock: FrozenClock
) -> None:
    add_flow(pipeline.services.database, pipeline.tenant.organization_id, FLOW)
    phone = pipeline.phone(MARIA, SAID)
    body = phone.text(SAID, at=frozen_clock.now())
    await pipeline.hear(body)
    whose = contact_of(pipeline, MARIA)

    def erase() -> None:
        with pipeline.tenant.session() as session:
            privacy.erase_contact(
                session, pipeline.tenant.admin, whose, ErasureRequest(confirm=True), clock=frozen_clock
            )

    await asyncio.to_thread(erase)
    await pipeline.hear(body)
    assert holding(pipeline, SAID, MARIA) == set()
    await pipeline.hear(phone.text("voltei", at=frozen_clock.now()))
    assert contact_of(pipeline, MARIA) != whose
    sessions = "SELECT count(*) FROM flow_sessions WHERE contact_id = :id AND status = 'waiting'"
    assert pipeline.scalar(sessions, id=contact_of(pipeline, MARIA)) == 1


async def test_what_is_handed_out_is_all_that_was_said(
    pipeline: Pipeline, frozen_clock: FrozenClock, tmp_path: Path
) -> None:
    whose = await told(pipeline, frozen_clock)
    tenant, target = pipeline.tenant, tmp_path / "maria.zip"

    def export() -> None:
        with tenant.session() as session, pytest.raises(ForbiddenError):
            privacy.export_contact(session, tenant.agent, whose, target, data_dir=tmp_path, clock=frozen_clock)
        with tenant.session() as session:
            privacy.export_contact(session, tenant.admin, whose, target, data_dir=tmp_path, clock=frozen_clock)
        with tenant.session() as session, pytest.raises(NotFoundError):
            privacy.export_contact(session, tenant.admin, tenant.agent.user_id, target, data_dir=tmp_path)

    await asyncio.to_thread(export)
    with zipfile.ZipFile(target) as archive:
        document = orjson.loads(archive.read("contact.json"))
    assert document["contact"]["phone"] == MARIA
    assert [one["consent"] for one in document["consent_history"]] == ["opted_in"]
    texts = [one["text"] for one in document["messages"]]
    assert {"oi", SAID, f"{SAID} de novo", f"nota {SAID}", f"Obrigado, {SAID}!"} <= set(texts)
    assert document["flow_sessions"][0]["variables"]["name"] == SAID
    assert document["service"][0]["csat_comment"] == SAID
    assert OTHER not in orjson.dumps(document).decode()


async def test_times_of_keeping_are_kept(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    whose = await told(pipeline, frozen_clock)
    tenant, services = pipeline.tenant, pipeline.services

    def keep(**days: int) -> None:
        with tenant.session() as session:
            privacy.update_settings(session, tenant.admin, PrivacySettingsUpdate(**days))
        while retention.apply(services, frozen_clock.now()):
            pass

    await asyncio.to_thread(keep, keep_messages_days=30, keep_contacts_days=90)
    assert "messages" in holding(pipeline, SAID)
    pipeline.execute("UPDATE messages SET created_at = created_at - interval '1 hour'")
    frozen_clock.advance(timedelta(days=30, minutes=-30))

    def preview() -> tuple[int, int]:
        with tenant.session() as session:
            found = privacy.preview(session, tenant.admin, PrivacySettings(keep_messages_days=30), clock=frozen_clock)
        return found.messages, found.contacts

    messages, people = await asyncio.to_thread(preview)
    assert messages > 5
    assert people == 0
    await asyncio.to_thread(keep)
    assert "messages" not in holding(pipeline, SAID, OTHER)
    assert "message_search" not in holding(pipeline, "segredo")
    # People are kept longer, and not while a conversation is open.
    frozen_clock.advance(timedelta(days=70))
    await asyncio.to_thread(keep)
    assert "contacts" in holding(pipeline, MARIA)
    pipeline.execute("UPDATE conversations SET status = 'closed'")
    await asyncio.to_thread(keep)
    assert holding(pipeline, SAID, MARIA, OTHER, JOAO) == set()
    reasons = "SELECT count(*) FROM contacts WHERE id = :id AND erased_at IS NOT NULL"
    assert pipeline.scalar(reasons, id=whose) == 1


async def test_consent_has_a_history_whoever_changes_it(pipeline: Pipeline, frozen_clock: FrozenClock) -> None:
    tenant = pipeline.tenant
    add_flow(pipeline.services.database, tenant.organization_id, FLOW)
    phone = pipeline.phone(MARIA, "Maria")
    await pipeline.hear(phone.text("oi", at=frozen_clock.now()))
    whose = contact_of(pipeline, MARIA)

    def by_hand() -> None:
        with tenant.session() as session:
            contacts.set_consent(session, tenant.agent, whose, "opted_in", clock=frozen_clock)

    await asyncio.to_thread(by_hand)
    frozen_clock.advance(timedelta(minutes=5))
    await pipeline.hear(phone.text("SAIR", at=frozen_clock.now()))

    def history() -> list[tuple[str, str, UUID | None]]:
        with tenant.session() as session:
            found = contacts.consent_history(session, tenant.viewer, whose)
        return [(one.consent, one.source, one.user_id) for one in found]

    assert await asyncio.to_thread(history) == [
        ("opted_out", "automation", None),
        ("opted_in", "person", tenant.agent.user_id),
    ]
