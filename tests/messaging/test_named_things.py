"""What flows name while they run: tags are made, hand-offs find their queue, Meta's news reach templates."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import select

from pytake_app.accounts.models import Department, DepartmentMember, User
from pytake_app.channels.whatsapp.sandbox_templates import sandbox_templates
from pytake_app.core.clock import FrozenClock
from pytake_app.core.ids import new_id
from pytake_app.core.services import Services
from pytake_app.core.tenancy import Principal, Role
from pytake_app.notifications import service as notifications
from pytake_app.queues import service as queues
from pytake_app.queues.schemas import CalendarCreate, Period
from pytake_app.whatsapp import service as whatsapp
from tests.support.pipeline import Pipeline, add_flow

WABA = "102290129340398"


def flow(node_type: str, **config: Any) -> dict[str, Any]:
    return {
        "name": "F",
        "nodes": [
            {"id": "in", "type": "trigger_universal", "config": {}},
            {"id": "it", "type": node_type, "config": config},
        ],
        "edges": [{"id": "e", "source": "in", "port": "next", "target": "it"}],
    }


def seed(pipeline: Pipeline) -> UUID:
    organization_id = pipeline.tenant.organization_id
    with pipeline.services.database.tenant(organization_id) as session:
        queues.seed_organization(session, organization_id, "pt_BR", clock=pipeline.services.clock)
    return organization_id


async def test_an_unknown_tag_is_made_once(pipeline: Pipeline, services: Services, frozen_clock: FrozenClock) -> None:
    add_flow(services.database, pipeline.tenant.organization_id, flow("tag_contact", add=["vip", "novo"]))
    now = frozen_clock.now()
    await pipeline.hear(pipeline.phone().text("oi", at=now), pipeline.phone("5511987650000").text("oi", at=now))
    assert pipeline.rows("SELECT name FROM contact_tags ORDER BY name") == [("novo",), ("vip",)]
    assert pipeline.rows("SELECT DISTINCT tags FROM contacts") == [(["vip", "novo"],)]


@pytest.mark.parametrize(
    ("asked", "found", "shown"),
    [("suporte", "Suporte", "Suporte"), ("", "Atendimento", "Atendimento"), ("Jurídico", "Atendimento", "Jurídico")],
)
async def test_a_hand_off_finds_its_queue(
    pipeline: Pipeline, services: Services, frozen_clock: FrozenClock, asked: str, found: str, shown: str
) -> None:
    organization_id = seed(pipeline)
    add_flow(services.database, organization_id, flow("action_transfer_to_queue", queue_name=asked))
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    statement = "SELECT c.queue_name, q.name FROM conversations c JOIN service_queues q ON q.id = c.queue_id"
    assert pipeline.rows(statement) == [(shown, found)]


async def test_a_queue_is_found_by_its_id_whatever_it_is_called_now(
    pipeline: Pipeline, services: Services, frozen_clock: FrozenClock
) -> None:
    organization_id = seed(pipeline)
    queue_id = pipeline.scalar("SELECT id FROM service_queues WHERE name = 'Suporte'")
    document = flow("action_transfer_to_queue", queue_id=str(queue_id), queue_name="Antigo nome")
    add_flow(services.database, organization_id, document)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    assert pipeline.rows("SELECT queue_id, queue_name FROM conversations") == [(queue_id, "Suporte")]


async def test_the_default_calendar_says_when_it_is_open(
    pipeline: Pipeline, services: Services, frozen_clock: FrozenClock
) -> None:
    organization_id = seed(pipeline)
    document = flow("business_hours", calendar="organization")
    document["nodes"] += [{"id": "open", "type": "msg_text", "config": {"body": "open"}},
                          {"id": "shut", "type": "msg_text", "config": {"body": "shut"}}]  # fmt: skip
    document["edges"] += [{"id": "a", "source": "it", "port": "open", "target": "open"},
                          {"id": "b", "source": "it", "port": "closed", "target": "shut"}]  # fmt: skip
    add_flow(services.database, organization_id, document)
    always = '[{"days": [0, 1, 2, 3, 4, 5, 6], "opens": "00:00", "closes": "23:59"}]'
    now = frozen_clock.now()
    with services.database.tenant(organization_id) as session:
        session.execute(
            text("UPDATE business_calendars SET periods = CAST(:p AS jsonb), holidays = '[]'"), {"p": always}
        )
    await pipeline.hear(pipeline.phone().text("oi", at=now))
    with services.database.tenant(organization_id) as session:
        day = now.strftime("%m-%d")
        holiday = f'[{{"date": "{day}", "name": "x"}}]'
        session.execute(
            text("UPDATE business_calendars SET timezone = 'UTC', holidays = CAST(:h AS jsonb)"), {"h": holiday}
        )
    await pipeline.hear(pipeline.phone("5511987650000").text("oi", at=now))
    assert pipeline.rows("SELECT text FROM messages WHERE direction = 'out' ORDER BY id") == [("open",), ("shut",)]


async def test_a_block_goes_by_the_calendar_it_names(
    pipeline: Pipeline, services: Services, frozen_clock: FrozenClock
) -> None:
    organization_id = seed(pipeline)
    always = [Period(days=[0, 1, 2, 3, 4, 5, 6], opens="00:00", closes="23:59")]
    duty = CalendarCreate(name="Plantão", periods=always, timezone="UTC")
    admin = pipeline.tenant.admin
    with services.database.tenant(organization_id) as session:
        session.execute(text("UPDATE business_calendars SET periods = '[]'"))
        made = queues.create_calendar(session, admin, duty, clock=services.clock)
    document = flow("business_hours", calendar="named", calendar_id=str(made.id), calendar_name="Plantão")
    document["nodes"] += [{"id": "open", "type": "msg_text", "config": {"body": "open"}},
                          {"id": "shut", "type": "msg_text", "config": {"body": "shut"}}]  # fmt: skip
    document["edges"] += [{"id": "a", "source": "it", "port": "open", "target": "open"},
                          {"id": "b", "source": "it", "port": "closed", "target": "shut"}]  # fmt: skip
    add_flow(services.database, organization_id, document)
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    with services.database.tenant(organization_id) as session:
        queues.delete_calendar(session, admin, made.id)
    await pipeline.hear(pipeline.phone("5511987650000").text("oi", at=frozen_clock.now()))
    assert pipeline.rows("SELECT text FROM messages WHERE direction = 'out' ORDER BY id") == [("open",), ("shut",)]


async def test_a_department_is_notified_person_by_person(
    pipeline: Pipeline, services: Services, frozen_clock: FrozenClock
) -> None:
    organization_id = pipeline.tenant.organization_id
    with services.database.tenant(organization_id) as session:
        department = Department(organization_id=organization_id, name="Vendas")
        session.add(department)
        session.flush()
        people = list(session.exec(select(User.id).order_by(User.id).limit(2)))
        session.add_all(
            DepartmentMember(organization_id=organization_id, department_id=department.id, user_id=user_id)
            for user_id in people
        )
    add_flow(services.database, organization_id, flow("notify", audience="department", target="vendas", title="Oi"))
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    assert [row[0] for row in pipeline.rows("SELECT user_id FROM notifications ORDER BY user_id")] == people
    # Each finds it at their own bell, with the conversation it is about; who isn't in the department doesn't.
    conversation = pipeline.scalar("SELECT id FROM conversations")
    with services.database.tenant(organization_id) as session:
        for user in session.exec(select(User)).all():
            who = Principal(user.id, organization_id, Role.VIEWER, new_id())
            page = notifications.list_notifications(session, who, cursor=None, limit=9)
            expected = [("Oi", conversation)] if user.id in people else []
            assert [(item.title, item.conversation_id) for item in page.items] == expected
            assert page.unread == len(expected)


@pytest.mark.parametrize(
    "config",
    [{"audience": "department", "target": "Vazio"}, {"audience": "assignee"}, {"audience": "user", "target": "x@y.z"}],
)
async def test_a_notice_meant_for_nobody_reaches_the_administrators(
    pipeline: Pipeline, services: Services, frozen_clock: FrozenClock, config: dict[str, Any]
) -> None:
    organization_id = pipeline.tenant.organization_id
    with services.database.tenant(organization_id) as session:
        session.add(Department(organization_id=organization_id, name="Vazio"))
    add_flow(services.database, organization_id, flow("notify", title="Oi", **config))
    await pipeline.hear(pipeline.phone().text("oi", at=frozen_clock.now()))
    admins = pipeline.rows("SELECT id FROM users WHERE role = 'org_admin' AND is_active ORDER BY id")
    assert admins
    assert pipeline.rows("SELECT user_id FROM notifications ORDER BY user_id") == admins


async def test_metas_news_of_templates_are_kept(
    pipeline: Pipeline, services: Services, frozen_clock: FrozenClock
) -> None:
    organization_id = pipeline.tenant.organization_id
    pipeline.business_account_id = WABA
    with services.database.tenant(organization_id) as session:
        (account,) = whatsapp.channel_accounts(session)
        account.business_account_id = WABA
        session.add(account)
        whatsapp.store_templates(session, WABA, sandbox_templates(), whole=True, clock=frozen_clock)
    news = {"message_template_name": "pytake_lembrete", "message_template_language": "pt_BR"}

    def body(field: str, **value: Any) -> dict[str, Any]:
        whole = {"message_template_id": 97000000000004, **news, **value}
        change = {"field": field, "value": whole}
        return {"object": "whatsapp_business_account", "entry": [{"id": WABA, "time": 1, "changes": [change]}]}

    def state() -> tuple[Any, ...]:
        statement = "SELECT status, reason, quality, category FROM message_templates WHERE name = 'pytake_lembrete' "
        (row,) = pipeline.rows(statement + "AND language = 'pt_BR'")
        return row

    assert state() == ("APPROVED", "", "", "UTILITY")
    await pipeline.hear(body("message_template_status_update", event="FLAGGED", reason="NONE"))
    assert state() == ("APPROVED", "FLAGGED", "", "UTILITY")
    await pipeline.hear(body("message_template_status_update", event="PAUSED", reason="NONE"))
    assert state()[:2] == ("PAUSED", "")
    await pipeline.hear(body("message_template_status_update", event="REJECTED", reason="ABUSIVE_CONTENT"))
    assert state()[:2] == ("REJECTED", "ABUSIVE_CONTENT")
    await pipeline.hear(body("message_template_status_update", event="REINSTATED", reason="NONE"))
    await pipeline.hear(
        body("message_template_quality_update", previous_quality_score="GREEN", new_quality_score="RED"),
        body("template_category_update", previous_category="UTILITY", new_category="MARKETING"),
    )
    assert state() == ("APPROVED", "", "RED", "MARKETING")
    await pipeline.hear(body("message_template_status_update", event="APPROVED", message_template_name="de_fora"))
    unknown = "SELECT status, language, components FROM message_templates WHERE name = 'de_fora'"
    assert pipeline.rows(unknown) == [("APPROVED", "pt_BR", [])]
    others = "SELECT count(*) FROM message_templates WHERE status = 'APPROVED' AND name <> 'de_fora'"
    assert pipeline.scalar(others) == 9
