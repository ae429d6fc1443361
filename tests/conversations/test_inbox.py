# ruff: noqa: E501
"""The inbox on PostgreSQL: who answers, what may be sent, what lists cost."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col, select

from pytake_app.contacts import service as contacts
from pytake_app.conversations import service
from pytake_app.conversations.models import Conversation
from pytake_app.conversations.schemas import ConversationFilter, SendMessage
from pytake_app.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from pytake_app.engine.session import Session as EngineSession
from pytake_app.engine.session import Wait
from pytake_app.flows import service as flows
from pytake_app.flows import sessions_service
from pytake_app.flows.models import FlowSession, SessionStep, Timer
from pytake_app.messaging.models import InboundEvent, OutboxItem
from tests.support.tenants import Tenant, counted_statements, make_tenant


def text(words: str, **values: Any) -> SendMessage:
    return SendMessage(text=words, **values)


def waiting_session(
    tenant: Tenant, conversation: Conversation, *, status: str = "waiting", kind: str = "message"
) -> FlowSession:
    """The conversation's contact stands in `main_menu`, with a timer."""
    now = tenant.clock.now()
    with tenant.session() as session:
        flow_id = flows.seed_organization(session, tenant.organization_id, "pt_BR", clock=tenant.clock)[0]
    state = EngineSession(
        id="s", root_flow_id=str(flow_id), root_version=1, flow_id=str(flow_id), flow_version=1, status=status,  # type: ignore[arg-type]
        current_node="menu", wait=Wait(id="w", kind=kind, node_id="menu", since=now), started_at=now, variables={"n": 1},  # type: ignore[arg-type]
    )  # fmt: skip
    row = FlowSession(
        organization_id=tenant.organization_id, flow_id=flow_id, version=1, contact_id=conversation.contact_id,
        conversation_id=conversation.id, channel_account_id=tenant.account.id, status=status, current_node="menu",
        state={**state.model_dump(mode="json"), "step_count": 3}, started_at=now,
    )  # fmt: skip
    with tenant.session() as session:
        session.add(row)
        session.flush()
        session.add(
            Timer(organization_id=tenant.organization_id, session_id=row.id, channel_account_id=tenant.account.id,
                  contact_key="5511987654321", lane=0, kind="timeout", wait_id="w", due_at=now)
        )  # fmt: skip
        session.add(
            SessionStep(organization_id=tenant.organization_id, session_id=row.id, flow_id=flow_id, sequence=1,
                        node_id="hello", node_type="msg_text", port="next", created_at=now, why="sent", writes={"a": 1})
        )  # fmt: skip
    return row


def commands(tenant: Tenant) -> list[dict[str, Any]]:
    with tenant.session() as session:
        return [row.payload for row in session.exec(select(InboundEvent).order_by(col(InboundEvent.id)))]


def log_kinds(tenant: Tenant, conversation: Conversation) -> list[str]:
    with tenant.session() as session:
        return [entry.kind for entry in service.automation_log(session, tenant.viewer, conversation.id).items][::-1]


def test_sending_takes_over_and_goes_to_the_outbox(tenant: Tenant) -> None:
    thread = tenant.conversation()
    running = waiting_session(tenant, thread)
    tenant.heard.pokes.clear()
    with tenant.session() as session:
        sent = service.send_message(
            session, tenant.agent, thread.id, text("Bom dia!", client_id="c1"), clock=tenant.clock
        )
    assert (sent.status, sent.author, sent.author_name, sent.client_id) == (
        "queued", str(tenant.agent.user_id), "agent of Loja", "c1",
    )  # fmt: skip
    with tenant.session() as session:
        item = session.exec(select(OutboxItem)).one()
        after = service.get_conversation(session, tenant.viewer, thread.id, clock=tenant.clock)
        ended = sessions_service.get_session(session, tenant.viewer, running.id)
        assert session.exec(select(Timer)).all() == []
    assert (item.recipient, item.content["body"], item.message_id) == ("5511987654321", "Bom dia!", sent.id)
    assert (after.handling, after.assignee and after.assignee.id) == ("person", tenant.agent.user_id)
    assert (after.last_message.preview, after.last_message.direction) == ("Bom dia!", "out")
    assert (ended.status, ended.wait, ended.variables) == ("interrupted", None, {"n": 1})
    assert [(s.node_id, s.port, s.writes) for s in ended.steps] == [("hello", "next", {"a": 1})]
    assert log_kinds(tenant, thread) == ["session_interrupted", "person_took_over"]
    assert "message_sent" in tenant.heard.events(f"conversation:{thread.id}")
    assert "message_sent" in tenant.heard.events(f"org:{tenant.organization_id}:conversations")


def test_sending_twice_with_one_client_id_sends_once(tenant: Tenant) -> None:
    thread = tenant.conversation()
    ids = []
    for _ in range(2):
        with tenant.session() as session:
            ids.append(
                service.send_message(
                    session, tenant.agent, thread.id, text("a", client_id="same"), clock=tenant.clock
                ).id
            )
    assert ids[0] == ids[1]
    with tenant.session() as session:
        assert len(session.exec(select(OutboxItem)).all()) == 1


@pytest.mark.parametrize(
    ("thread_values", "contact_values", "code"),
    [
        ({"age": timedelta(hours=24)}, {}, "window_closed"),
        ({"status": "closed"}, {}, "conversation_closed"),
        ({}, {"blocked": True}, "contact_blocked"),
        ({}, {"consent": "opted_out"}, "contact_opted_out"),
    ],
)
def test_what_may_not_be_sent(
    tenant: Tenant, thread_values: dict[str, Any], contact_values: dict[str, Any], code: str
) -> None:
    age = thread_values.pop("age", timedelta())
    thread = tenant.conversation(tenant.contact(**contact_values), heard_at=tenant.clock.now() - age, **thread_values)
    with tenant.session() as session:
        seen = service.get_conversation(session, tenant.viewer, thread.id, clock=tenant.clock)
    assert (seen.can_send, seen.cannot_send_reason) == (False, code)
    with pytest.raises(ConflictError) as refused, tenant.session() as session:
        service.send_message(session, tenant.agent, thread.id, text("oi"), clock=tenant.clock)
    assert refused.value.code == code
    template = SendMessage.model_validate(
        {"message": {"type": "template", "name": "volta", "language": "pt_BR", "body": ["Ana"]}}
    )
    if code == "window_closed":
        with tenant.session() as session:
            sent = service.send_message(session, tenant.agent, thread.id, template, clock=tenant.clock)
        assert (sent.type, sent.text) == ("template", "volta: Ana")
    else:
        with pytest.raises(ConflictError), tenant.session() as session:
            service.send_message(session, tenant.agent, thread.id, template, clock=tenant.clock)


def test_quoting(tenant: Tenant) -> None:
    thread = tenant.conversation()
    other = tenant.conversation(tenant.contact(phone="5511900000002"))
    asked = tenant.message(thread, "Quanto custa?")
    foreign = tenant.message(other)
    with tenant.session() as session:
        sent = service.send_message(
            session, tenant.agent, thread.id, text("R$ 10", reply_to=asked.id), clock=tenant.clock
        )
    assert sent.context_external_id == asked.external_id
    with pytest.raises(InvalidError), tenant.session() as session:
        service.send_message(session, tenant.agent, thread.id, text("R$ 10", reply_to=foreign.id), clock=tenant.clock)


def test_taking_over_and_giving_back(tenant: Tenant) -> None:
    thread = tenant.conversation()
    waiting_session(tenant, thread)
    with tenant.session() as session:
        mine = service.take_over(session, tenant.agent, thread.id, clock=tenant.clock)
    assert (mine.handling, mine.flow_session_id) == ("person", None)
    with tenant.session() as session:
        service.take_over(session, tenant.agent, thread.id, clock=tenant.clock)  # again changes nothing
        back = service.give_back(session, tenant.agent, thread.id, flow_id="main_menu", clock=tenant.clock)
    assert (back.handling, back.assignee, back.waiting_since) == ("bot", None, None)
    assert log_kinds(tenant, thread) == ["session_interrupted", "person_took_over", "given_back"]
    assert [(c["action"], c["actor_id"]) for c in commands(tenant)] == [("start", str(tenant.agent.user_id))]
    with pytest.raises(NotFoundError), tenant.session() as session:
        service.give_back(session, tenant.agent, thread.id, flow_id="nothing", clock=tenant.clock)


def test_a_handed_off_session_hears_of_it(tenant: Tenant) -> None:
    thread = tenant.conversation(handling="waiting", status="pending", queue_name="Suporte")
    parked = waiting_session(tenant, thread, status="handed_off", kind="handoff")
    with tenant.session() as session:
        taken = service.take_over(session, tenant.agent, thread.id, clock=tenant.clock)
    assert (taken.status, taken.queue) == ("open", "Suporte")
    assert [(c["action"], c["result"], c["session_id"]) for c in commands(tenant)] == [
        ("handoff", "transferred", str(parked.id))
    ]
    with tenant.session() as session:
        service.give_back(session, tenant.agent, thread.id, clock=tenant.clock)
        assert sessions_service.get_session(session, tenant.viewer, parked.id).wait is None
        assert session.exec(select(Timer)).all() == []


def test_closing_and_reopening(tenant: Tenant) -> None:
    person = tenant.contact()
    thread = tenant.conversation(person)
    waiting_session(tenant, thread)
    with tenant.session() as session:
        closed = service.set_status(session, tenant.agent, thread.id, "closed", clock=tenant.clock)
    assert (closed.status, closed.closed_at, closed.unread_count, closed.flow_session_id) == (
        "closed", tenant.clock.now(), 0, None,
    )  # fmt: skip
    with pytest.raises(ConflictError), tenant.session() as session:
        service.take_over(session, tenant.agent, thread.id, clock=tenant.clock)
    newer = tenant.conversation(person)
    with pytest.raises(ConflictError) as taken, tenant.session() as session:
        service.set_status(session, tenant.agent, thread.id, "open", clock=tenant.clock)
    assert taken.value.code == "other_conversation_open"
    with tenant.session() as session:
        service.set_status(session, tenant.agent, newer.id, "archived", clock=tenant.clock)
        again = service.set_status(session, tenant.agent, thread.id, "open", clock=tenant.clock)
    assert (again.status, again.closed_at) == ("open", None)


def test_assigning(tenant: Tenant) -> None:
    thread = tenant.conversation()
    with tenant.session() as session:
        given = service.assign(session, tenant.agent, thread.id, tenant.admin.user_id, clock=tenant.clock)
        assert given.assignee is not None
        assert (given.assignee.name, given.handling) == ("org_admin of Loja", "person")
        freed = service.assign(session, tenant.agent, thread.id, None, clock=tenant.clock)
    assert (freed.assignee, freed.handling, freed.waiting_since) == (None, "waiting", tenant.clock.now())
    for nobody in (UUID(int=1), tenant.viewer.user_id):
        with pytest.raises(InvalidError), tenant.session() as session:
            service.assign(session, tenant.agent, thread.id, nobody, clock=tenant.clock)


def test_notes_stay_inside(tenant: Tenant) -> None:
    thread = tenant.conversation()
    with tenant.session() as session:
        note = service.add_note(session, tenant.agent, thread.id, "VIP", clock=tenant.clock)
        listed = service.list_messages(session, tenant.viewer, thread.id).items
        assert session.exec(select(OutboxItem)).all() == []
        assert (
            service.get_conversation(session, tenant.viewer, thread.id, clock=tenant.clock).last_message.preview
            == "Olá!"
        )
    assert (note.direction, note.type, [m.id for m in listed]) == ("note", "note", [note.id])


def test_reading_and_counting(tenant: Tenant) -> None:
    thread = tenant.conversation()
    tenant.conversation(tenant.contact(phone="5511900000003"), handling="waiting", status="pending")
    tenant.conversation(
        tenant.contact(phone="5511900000004"), status="closed", closed_at=tenant.clock.now(), unread_count=0
    )
    with tenant.session() as session:
        assert service.mark_read(session, tenant.agent, thread.id, clock=tenant.clock).unread_count == 0
        service.set_priority(session, tenant.agent, thread.id, "urgent", clock=tenant.clock)
        service.take_over(session, tenant.agent, thread.id, clock=tenant.clock)
        stats = service.conversation_stats(session, tenant.agent, clock=tenant.clock)
    assert stats.model_dump() == {
        "open": 2,
        "mine": 1,
        "unassigned": 1,
        "waiting": 1,
        "bot": 0,
        "unread": 1,
        "closed_today": 1,
        "snoozed": 0,
        "mentions": 0,
    }


def test_the_list_filters_and_pages_with_a_fixed_number_of_statements(tenant: Tenant) -> None:
    for number in range(12):
        at = tenant.clock.now() - timedelta(minutes=number % 5)  # ties must not lose rows
        tenant.conversation(tenant.contact(f"Pessoa {number}", f"55119000001{number:02}"), heard_at=at)
    João = tenant.conversation(
        tenant.contact("João Araújo", "5521999990000"), last_message_preview="Cadê meu café?", last_message_at=None
    )
    with tenant.session() as session:
        session.connection()
        seen: list[UUID] = []
        cursor = None
        while True:
            with counted_statements(session) as statements:
                page = service.list_conversations(session, tenant.viewer, limit=5, cursor=cursor)
            assert len(statements) <= 3
            seen += [row.id for row in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break

        def found(**values: Any) -> list[UUID]:
            where = ConversationFilter(**values)
            return [row.id for row in service.list_conversations(session, tenant.agent, where).items]

        assert len(seen) == len(set(seen)) == 13
        assert seen[0] == João.id
        for q in ("joao", "ARAUJO", "99999-0000"):
            assert found(q=q) == [João.id], q
        assert found(q="ninguém") == found(q="%") == []
        assert len(found(status=["open"])) == 13
        assert found(status=["closed"]) == found(handling=["person"]) == found(assignee="mine") == []
        assert len(found(assignee="unassigned", unread=True, channel="whatsapp")) == 13
        service.take_over(session, tenant.agent, João.id, clock=tenant.clock)
        assert found(assignee="mine") == found(assignee=tenant.agent.user_id) == [João.id]


def test_threads_page_from_their_end(tenant: Tenant) -> None:
    thread = tenant.conversation()
    rows = [tenant.message(thread, f"m{n}") for n in range(7)]
    with tenant.session() as session:
        session.connection()
        with counted_statements(session) as statements:
            newest = service.list_messages(session, tenant.viewer, thread.id, limit=4)
        assert len(statements) <= 3
        older = service.list_messages(session, tenant.viewer, thread.id, limit=4, cursor=newest.next_cursor)
        by_id = service.messages_by_id(session, tenant.viewer, [rows[2].id, rows[0].id, UUID(int=3)])
        by_external = service.find_messages(session, tenant.viewer, external_id=rows[5].external_id or "")
    assert [m.text for m in [*newest.items, *older.items]] == [f"m{n}" for n in range(6, -1, -1)]
    assert older.next_cursor is None
    assert [m.text for m in by_id] == ["m0", "m2"]
    assert [m.id for m in by_external] == [rows[5].id]
    assert newest.items[0].author == "contact"


def test_who_may_what(tenant: Tenant) -> None:
    thread = tenant.conversation()
    stranger = make_tenant(tenant.db, tenant.clock, name="Outra")
    with tenant.session() as session:
        for act in (
            lambda: service.send_message(session, tenant.viewer, thread.id, text("x"), clock=tenant.clock),
            lambda: service.take_over(session, tenant.viewer, thread.id, clock=tenant.clock),
            lambda: service.add_note(session, tenant.viewer, thread.id, "x", clock=tenant.clock),
        ):
            with pytest.raises(ForbiddenError):
                act()
        assert service.mark_read(session, tenant.viewer, thread.id, clock=tenant.clock).unread_count == 1
    with stranger.session() as session:
        assert service.list_conversations(session, stranger.agent).items == []
        for look in (
            lambda: service.get_conversation(session, stranger.agent, thread.id),
            lambda: service.list_messages(session, stranger.agent, thread.id),
            lambda: service.take_over(session, stranger.agent, thread.id),
        ):
            with pytest.raises(NotFoundError):
                look()


def test_cancelling_a_session_and_deleting_a_contact_in_use(tenant: Tenant) -> None:
    thread = tenant.conversation()
    running = waiting_session(tenant, thread)
    with tenant.session() as session:
        assert sessions_service.list_active(session, tenant.viewer, flow="main_menu").items[0].id == running.id
        assert sessions_service.session_stats(session, tenant.viewer, clock=tenant.clock).by_status == {"waiting": 1}
        assert sessions_service.cancel(session, tenant.agent, running.id, clock=tenant.clock).status == "interrupted"
        assert sessions_service.list_active(session, tenant.viewer).items == []
        with pytest.raises(ConflictError) as over:
            sessions_service.begin_process(session, tenant.agent, running.id, user_input="oi", selection_id=None)
        assert over.value.code == "session_ended"
        with pytest.raises(ConflictError) as used:
            contacts.delete_contact(session, tenant.admin, thread.contact_id)
        assert used.value.code == "contact_in_use"
