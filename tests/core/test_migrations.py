"""Migrations: up, down and up again with data in the tables, and no drift from the models."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from pytake_app.accounts.models import Organization, User
from pytake_app.config import Settings
from pytake_app.contacts.models import Contact
from pytake_app.core.db import Database
from pytake_app.embedded.migrate import alembic_config, downgrade, revisions, upgrade

COUNT = text(
    "SELECT (SELECT count(*) FROM organizations), (SELECT count(*) FROM users), (SELECT count(*) FROM contacts)"
)


@pytest.fixture
def owner(empty_database_url: str) -> Iterator[Engine]:
    engine = create_engine(empty_database_url, poolclass=NullPool)
    yield engine
    engine.dispose()


def fill(url: str, settings: Settings) -> None:
    database = Database(settings.model_copy(update={"database_url": url}))
    organization = Organization(name="A", slug=uuid4().hex)
    with database.tenant(organization.id) as session:
        session.add(organization)
        session.flush()
        session.add(
            User(organization_id=organization.id, email=f"{uuid4().hex}@example.com", password_hash="x", full_name="A")
        )
        session.add(Contact(organization_id=organization.id, name="M"))
    database.dispose()


def test_up_down_and_up_again_with_data(empty_database_url: str, owner: Engine, settings: Settings) -> None:
    upgrade(empty_database_url)
    fill(empty_database_url, settings)
    script = ScriptDirectory.from_config(alembic_config(empty_database_url))
    history = [revision.revision for revision in script.walk_revisions()]  # newest first
    first = history[-1]
    for revision in history[1:]:
        downgrade(empty_database_url, revision)
        with owner.connect() as connection:
            assert tuple(connection.execute(COUNT).one()) == (1, 1, 1), revision
    assert revisions(empty_database_url)[0] == first
    for revision in reversed(history[:-1]):
        upgrade(empty_database_url, revision)
    with owner.connect() as connection:
        assert tuple(connection.execute(COUNT).one()) == (1, 1, 1)
    # Row-level security is back too, and the tables take new rows.
    fill(empty_database_url, settings)
    database = Database(settings.model_copy(update={"database_url": empty_database_url}))
    with database.engine("pytake_app").connect() as connection:
        assert tuple(connection.execute(COUNT).one()) == (0, 0, 0)
    database.dispose()


_WAITED = """
INSERT INTO organizations (id, name, slug, plan, status, time_zone, locale, currency, settings, created_at)
VALUES (:organization, 'A', 'a', 'free', 'active', 'America/Sao_Paulo', 'pt_BR', 'BRL', '{}', now());
INSERT INTO contacts (id, organization_id, name, fields, tags, lifecycle, lead_score, consent, blocked, created_at,
                      updated_at)
VALUES (:contact, :organization, 'Maria', '{}', '[]', 'new', 0, 'unknown', false, now(), now());
INSERT INTO channel_accounts (id, organization_id, channel, name, external_id, business_account_id, phone, credentials,
                              settings, sandbox, status, status_detail, created_at, updated_at)
VALUES (:account, :organization, 'whatsapp', 'Loja', '1', '', '', '', '{}', false, 'active', '', now(), now());
INSERT INTO service_queues (id, organization_id, name, description, priority, skills, welcome_message, waiting_message,
                            closed_message, overflow_action, overflow_message, is_default, is_active, created_at,
                            updated_at)
VALUES (:queue, :organization, 'Atendimento', '', 0, '[]', '', '', '', 'none', '', true, true, now(), now());
INSERT INTO conversations (id, organization_id, contact_id, channel_account_id, channel, status, priority, handling,
                           queue_name, tags, unread_count, last_message_preview, last_message_direction, handoff,
                           waiting_since, created_at, updated_at)
VALUES (:waiting, :organization, :contact, :account, 'whatsapp', 'pending', 'high', 'waiting', 'Suporte', '[]', 1, 'Oi',
        'in', '{}', now() - interval '3 hours', now(), now()),
       (:settled, :organization, :contact, :account, 'whatsapp', 'closed', 'medium', 'waiting', '', '[]', 0, '', 'in',
        '{}', NULL, now(), now())
"""


def test_who_waited_before_there_were_places_gets_one(empty_database_url: str, owner: Engine) -> None:
    """Rows of a release without places in queues, brought to the present one."""
    upgrade(empty_database_url, "0016")
    names = ("organization", "contact", "account", "queue", "waiting", "settled")
    ids = {name: uuid4() for name in names}
    with owner.begin() as connection:
        tables = ("organizations", "contacts", "channel_accounts", "service_queues", "conversations")
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
        for statement in _WAITED.split(";\n"):
            connection.execute(text(statement), {name: value for name, value in ids.items() if f":{name}" in statement})
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"))
    upgrade(empty_database_url)
    with owner.begin() as connection:
        connection.execute(text("ALTER TABLE queue_items NO FORCE ROW LEVEL SECURITY"))
        rows = connection.execute(
            text(
                "SELECT conversation_id, queue_id, queue_name, status, priority, now() - entered_at, arrived_at"
                " FROM queue_items"
            )
        ).all()
    assert len(rows) == 1
    assert tuple(rows[0][:5]) == (ids["waiting"], ids["queue"], "Atendimento", "waiting", 2)
    assert 10_700 < rows[0][5].total_seconds() < 11_000
    assert rows[0][6] is None  # received like anybody who has just come


def test_down_to_nothing_leaves_nothing(empty_database_url: str, owner: Engine) -> None:
    upgrade(empty_database_url)
    downgrade(empty_database_url, "base")
    with owner.connect() as connection:
        left = connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
                " AND relkind IN ('r', 'p', 'S', 'v') AND relname <> 'alembic_version'"
            )
        ).all()
        functions = connection.execute(
            text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")
        ).all()
    assert left == []
    assert functions == []
    upgrade(empty_database_url)


def test_the_models_and_the_migrations_agree(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    command.check(alembic_config(empty_database_url))


def test_there_is_one_newest_revision(empty_database_url: str) -> None:
    assert len(ScriptDirectory.from_config(alembic_config(empty_database_url)).get_heads()) == 1


def test_upgrading_twice_is_the_same(empty_database_url: str) -> None:
    upgrade(empty_database_url)
    upgrade(empty_database_url)
    current, head = revisions(empty_database_url)
    assert current == head


def test_messages_of_any_month_find_a_partition(empty_database_url: str, owner: Engine) -> None:
    upgrade(empty_database_url)
    insert = text(
        "INSERT INTO messages (id, created_at, organization_id, conversation_id, contact_id, channel_account_id,"
        " channel, direction, type, text, content, errors, status, author_kind)"
        " VALUES (gen_random_uuid(), now() + make_interval(months => :months), gen_random_uuid(), gen_random_uuid(),"
        " gen_random_uuid(), gen_random_uuid(), 'whatsapp', 'in', 'text', '', '{}', '[]', 'received', 'contact')"
        " RETURNING tableoid::regclass::text"
    )
    with owner.begin() as connection:
        connection.execute(text("SET LOCAL row_security = off"))
        for table in ("messages",):
            connection.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
        assert str(connection.execute(insert, {"months": 0}).scalar()).startswith("messages_p")
        assert connection.execute(insert, {"months": -100}).scalar() == "messages_default"
