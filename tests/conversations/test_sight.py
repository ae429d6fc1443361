"""Without `conversations.see_all` one sees one's own, one's queues' unassigned ones, and those one takes part in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.accounts.models import Department, DepartmentMember, User
from pytake_app.api import live_events
from pytake_app.api.services import Services
from pytake_app.conversations import sight
from pytake_app.conversations.models import Conversation
from pytake_app.core.tenancy import Permission, Principal
from pytake_app.queues.models import Agent, AgentQueue, QueueItem, ServiceQueue
from tests.api.test_realtime import WS, until
from tests.conversations.conftest import Desk

BASE = "/api/v1/conversations"


def bounded(desk: Desk, services: Services) -> None:
    """The caller becomes an agent without `conversations.see_all`."""
    wanted = ["conversations.handle", "contacts.edit", "analytics.read", "pipeline.manage"]
    assert desk.caller.request("PUT", "/api/v1/roles/agent", json={"permissions": wanted}).status_code == 200
    with services.database.auth() as session:
        session.exec(select(User).where(User.id == desk.caller.user_id)).one().role = "agent"


def thread(desk: Desk, name: str, said: str, **values: Any) -> Conversation:
    phone = f"55119{len(name):03}{abs(hash(name)) % 100000:05}"
    row = desk.rows.conversation(desk.rows.contact(name, phone), **values)
    desk.rows.message(row, said)
    return row


@pytest.fixture
def house(desk: Desk, services: Services) -> dict[str, UUID]:
    """Conversations of every kind, by what the caller has to do with them."""
    owned = {"organization_id": desk.caller.organization_id}
    me, other = desk.caller.user_id, uuid4()
    with desk.rows.session() as session:
        ours, theirs = Department(**owned, name="Ours"), Department(**owned, name="Theirs")
        session.add_all([ours, theirs])
        session.flush()
        own, by_team = ServiceQueue(**owned, name="Own"), ServiceQueue(**owned, name="Team", department_id=ours.id)
        foreign = ServiceQueue(**owned, name="Foreign", department_id=theirs.id)
        everybody = ServiceQueue(**owned, name="Everybody")
        colleague = User(**owned, email=f"{uuid4().hex}@example.com", password_hash="!", full_name="B", role="agent")
        session.add_all([own, by_team, foreign, everybody, colleague])
        session.flush()
        session.add_all([DepartmentMember(**owned, department_id=ours.id, user_id=me), Agent(**owned, user_id=me)])
        session.add(DepartmentMember(**owned, department_id=theirs.id, user_id=colleague.id))
        session.flush()
        session.add(AgentQueue(**owned, user_id=me, queue_id=own.id))
        queues = {row.name: row.id for row in (own, by_team, foreign, everybody)}
    mine, waiting = {"handling": "person", "assignee_id": me}, {"handling": "waiting"}
    rows = {
        "mine": thread(desk, "Mine", "pedido um", **mine),
        "own queue": thread(desk, "Queued", "pedido dois", queue_id=queues["Own"], **waiting),
        "own team": thread(desk, "Team", "pedido três", queue_id=queues["Team"], **waiting),
        "everybody's": thread(desk, "Everybody", "pedido quatro", queue_id=queues["Everybody"], **waiting),
        "noted": thread(desk, "Noted", "pedido cinco", handling="person", assignee_id=other),
        "mentioned": thread(desk, "Mentioned", "pedido seis", handling="person", assignee_id=other),
        "of the bot": thread(desk, "Bot", "pedido sete"),
        "a colleague's": thread(desk, "Colleague", "pedido oito", handling="person", assignee_id=other),
        "theirs, own queue": thread(desk, "Taken", "pedido nove", assignee_id=other, queue_id=queues["Own"]),
        "another queue": thread(desk, "Estrangeira", "pedido dez", queue_id=queues["Foreign"], **waiting),
    }
    note = desk.caller.post(f"{BASE}/{rows['noted'].id}/notes", json={"text": "olhei"})
    assert note.status_code == 201, note.text
    who = replace(desk.rows.admin, user_id=uuid4(), organization_id=desk.caller.organization_id, name="Chefe")
    with desk.rows.session() as session:
        from pytake_app.conversations import service

        service.add_note(session, who, rows["mentioned"].id, "veja", mentioned=[me])
    return {name: row.id for name, row in rows.items()}


SEEN = {"mine", "own queue", "own team", "everybody's", "noted", "mentioned"}


def test_lists_counts_and_search_hold_what_is_seen(desk: Desk, services: Services, house: dict[str, UUID]) -> None:
    names = {str(conversation_id): name for name, conversation_id in house.items()}
    assert desk.caller.get(f"{BASE}/stats").json()["open"] == len(house)
    bounded(desk, services)
    for sort in ("newest", "oldest", "unread", "priority"):
        listed = desk.caller.get(BASE, params={"sort": sort, "limit": 100}).json()["items"]
        assert {names[row["id"]] for row in listed} == SEEN, sort
    assert desk.caller.get(f"{BASE}/stats").json()["open"] == len(SEEN)
    found = desk.caller.get(BASE, params={"q": "Colleague"}).json()["items"]
    assert found == []
    hits = desk.caller.get("/api/v1/inbox/search", params={"q": "Colleague"})
    if hits.status_code != 404:
        assert hits.json()["items"] == []


def test_what_is_not_seen_is_not_found(desk: Desk, services: Services, house: dict[str, UUID]) -> None:
    """By reading, by acting, and by acting on many at once."""
    bounded(desk, services)
    document = desk.caller.get("/openapi.json").json()
    bodies = {"notes": {"text": "x"}, "messages": {"text": "x"}, "status": {"status": "closed"}}
    bodies |= {"priority": {"priority": "high"}, "assign": {"user_id": None}, "presence": {"tab": "x"}}
    bodies |= {"draft": {"text": "x"}, "tags": {"add": ["x"]}}
    bodies |= {"snooze": {"until": "2030-12-24T12:00:00Z"}, "transfer": {"flow_id": "main_menu"}}
    tried = 0
    for name, conversation_id in house.items():
        for path, operations in document["paths"].items():
            prefix, _, rest = path.partition("{conversation_id}")
            if prefix != f"{BASE}/" or "{" in rest:
                continue
            for method in operations:
                if rest == "/uploads" or (name in SEEN and method != "get"):
                    continue
                address = f"{BASE}/{conversation_id}{rest}"
                body = {} if method == "get" else {"json": bodies.get(rest.strip("/"), {})}
                answer = desk.caller.request(method.upper(), address, **body)
                tried += 1
                wanted = 200 if name in SEEN else 404
                assert answer.status_code == wanted, (name, method, rest, answer.text)
    assert tried > 60
    ids = [str(one) for one in house.values()]
    done = desk.caller.post(f"{BASE}/bulk", json={"ids": ids, "action": "priority", "priority": "high"}).json()
    names = {str(conversation_id): name for name, conversation_id in house.items()}
    assert {names[item["id"]] for item in done["items"] if item["ok"]} == SEEN


def test_queues_show_what_is_seen(desk: Desk, services: Services, house: dict[str, UUID]) -> None:
    owned = {"organization_id": desk.caller.organization_id}
    with desk.rows.session() as session:
        row = session.exec(select(Conversation).where(Conversation.id == house["another queue"])).one()
        item = QueueItem(**owned, queue_id=row.queue_id, conversation_id=row.id, contact_id=row.contact_id)
        session.add(item)
    address = f"/api/v1/queues/{row.queue_id}/items"
    assert len(desk.caller.get(address).json()["items"]) == 1
    bounded(desk, services)
    assert desk.caller.get(address).json()["items"] == []
    assert desk.caller.get(f"{address}/{item.id}").status_code == 404
    shown = desk.caller.get("/api/v1/queues/dashboard").json()
    assert "Estrangeira" not in str(shown)


def test_live_events_tell_of_what_is_seen(
    live_client: TestClient, desk: Desk, services: Services, house: dict[str, UUID]
) -> None:
    bounded(desk, services)
    topic = f"org:{desk.caller.organization_id}:conversations"

    def publish(name: str, event: str) -> None:
        services.live.publish(topic, {"event": event, "conversation_id": str(house[name]), "user_id": str(uuid4())})

    token = desk.caller.headers["Authorization"].removeprefix("Bearer ")
    with live_client.websocket_connect(f"{WS}?token={token}") as socket:
        since = until(socket, "connected")["last_event_id"]
        publish("a colleague's", "conversation_updated")
        publish("a colleague's", "typing_start")
        publish("mine", "conversation_updated")
        event = socket.receive_json()
        assert (event["type"], event["conversation_id"]) == ("conversation_updated", str(house["mine"]))
    polled = desk.caller.get(f"{BASE}/events", params={"since": since}).json()["items"]
    assert [one["conversation_id"] for one in polled] == [str(house["mine"])]


def test_who_sees_all_asks_for_nothing_more(desk: Desk, services: Services) -> None:
    who = Principal(uuid4(), desk.caller.organization_id, desk.rows.agent.role, uuid4())
    with desk.rows.session() as session:
        assert sight.condition(session, who) is None
        bare = replace(who, permissions=who.permissions - {Permission.CONVERSATIONS_SEE_ALL})
        assert sight.condition(session, bare) is not None
    assert live_events.hidden_from(services.database, who.organization_id, [who], [{"conversation_id": "x"}]) == {}
