"""Live events over WebSocket."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select
from starlette.websockets import WebSocketDisconnect

from pytake_app.api import realtime
from pytake_app.api.realtime import Connection
from pytake_app.api.services import Services
from pytake_app.api.socket_counts import SocketCounts
from pytake_app.contacts.models import Contact
from pytake_app.conversations.models import Conversation, Message
from pytake_app.core.clock import FrozenClock
from pytake_app.core.tenancy import Principal, Role
from pytake_app.whatsapp.models import ChannelAccount
from tests.api.fixtures import Caller, NewCaller
from tests.waiting import wait_until

WS = "/api/v1/conversations/ws"


def conversation_of(services: Services, caller: Caller, phone: str = "5511987654321") -> tuple[UUID, UUID]:
    """A conversation with one message; ids of both."""
    with services.database.tenant(caller.organization_id) as session:
        account = session.exec(select(ChannelAccount)).one()
        contact = Contact(organization_id=caller.organization_id, name="Maria", phone=phone)
        session.add(contact)
        session.flush()
        conversation = Conversation(
            organization_id=caller.organization_id, contact_id=contact.id, channel_account_id=account.id
        )
        session.add(conversation)
        session.flush()
        message = Message(
            organization_id=caller.organization_id,
            conversation_id=conversation.id,
            contact_id=contact.id,
            channel_account_id=account.id,
            direction="in",
            type="text",
            text="oi",
        )
        session.add(message)
        return conversation.id, message.id


def token(caller: Caller) -> str:
    return str(caller.answer["access_token"])


def publish(services: Services, caller: Caller, event: str, conversation_id: UUID, *message_ids: UUID) -> None:
    payload = {
        "event": event,
        "conversation_id": str(conversation_id),
        "message_ids": [str(one) for one in message_ids],
    }
    services.live.publish(f"org:{caller.organization_id}:conversations", payload)


def until(socket: Any, kind: str) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = socket.receive_json()
        if event["type"] == kind:
            return event


def listening(services: Services) -> bool:
    return bool(services.redis.pubsub_numsub("pytake:live")[0][1])


def test_token_by_query_subprotocol_or_first_message(live_client: TestClient, caller: Caller) -> None:
    for path in (WS, "/api/v1/ws"):
        with live_client.websocket_connect(f"{path}?token={token(caller)}") as socket:
            assert socket.receive_json()["type"] == "connected"
    with live_client.websocket_connect(WS, subprotocols=["bearer", token(caller)]) as socket:
        assert socket.accepted_subprotocol == "bearer"
        assert socket.receive_json()["type"] == "connected"
    with live_client.websocket_connect(WS) as socket:
        socket.send_json({"type": "auth", "token": token(caller)})
        assert socket.receive_json()["user_id"] == str(caller.user_id)


def test_nobody_is_turned_away(live_client: TestClient, caller: Caller) -> None:
    for first in (
        {"type": "auth", "token": "x"},
        {"type": "subscribe"},
        ["x"],
        {"type": "auth", "token": caller.answer["refresh_token"]},
    ):
        with live_client.websocket_connect(WS) as socket:
            socket.send_json(first)
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
            assert closed.value.code == 1008


def test_the_cookie_works_from_our_own_pages_only(live_client: TestClient) -> None:
    from tests.accounts.test_web_session import FORM, OURS

    live_client.post("/auth/web/register", data=FORM, headers=OURS)
    with live_client.websocket_connect(WS, headers={"Origin": OURS["Origin"]}) as socket:
        assert socket.receive_json()["type"] == "connected"
    with live_client.websocket_connect(WS, headers={"Origin": "https://evil.example"}) as socket:
        socket.send_json({"type": "ping"})
        with pytest.raises(WebSocketDisconnect):
            socket.receive_json()


def test_events_are_read_again_and_reach_their_tenant_only(
    live_client: TestClient, services: Services, register: NewCaller
) -> None:
    mine, theirs = register(), register()
    conversation_id, message_id = conversation_of(services, mine)
    other_conversation, other_message = conversation_of(services, theirs)
    with (
        live_client.websocket_connect(f"{WS}?token={token(mine)}") as socket,
        live_client.websocket_connect(f"{WS}?token={token(theirs)}") as stranger,
    ):
        wait_until(lambda: listening(services))
        publish(services, mine, "message_received", conversation_id, message_id)
        event = until(socket, "message_received")
        assert event["conversation_id"] == str(conversation_id)
        assert event["message"]["id"] == str(message_id)
        assert event["message"]["text"] == "oi"
        publish(services, mine, "conversation_updated", conversation_id)
        assert until(socket, "conversation_updated")["conversation"]["contact"]["name"] == "Maria"
        # A poke that names another tenant's rows shows nothing of them.
        publish(services, mine, "message_received", other_conversation, other_message)
        publish(services, mine, "message_received", conversation_id, message_id)
        assert until(socket, "message_received")["message"]["id"] == str(message_id)
        # The stranger heard nothing of all this; their own event is the first they get.
        publish(services, theirs, "message_received", other_conversation, other_message)
        assert until(stranger, "message_received")["message"]["id"] == str(other_message)


def test_subscribing_narrows_what_is_heard(live_client: TestClient, services: Services, caller: Caller) -> None:
    first = conversation_of(services, caller)
    second = conversation_of(services, caller, "5511987654322")
    with live_client.websocket_connect(f"{WS}?token={token(caller)}") as socket:
        socket.send_json({"type": "subscribe", "conversation_id": str(second[0])})
        assert until(socket, "subscribed")["conversation_ids"] == [str(second[0])]
        wait_until(lambda: listening(services))
        publish(services, caller, "message_received", *first)
        publish(services, caller, "message_received", *second)
        assert until(socket, "message_received")["message"]["id"] == str(second[1])


def test_typing_reaches_colleagues_not_oneself(
    live_client: TestClient, services: Services, caller: Caller, register: NewCaller
) -> None:
    from pytake_app.accounts.models import User
    from pytake_app.accounts.service import Client

    with services.database.tenant(caller.organization_id) as session:
        colleague = User(
            organization_id=caller.organization_id,
            email="bia@example.com",
            password_hash="x",
            full_name="Bia",
            role="agent",
        )
        session.add(colleague)
    answer = services.accounts.open_api_session(colleague.id, caller.organization_id, Client())
    conversation_id, _ = conversation_of(services, caller)
    foreign, _ = conversation_of(services, register())
    with (
        live_client.websocket_connect(f"{WS}?token={token(caller)}") as socket,
        live_client.websocket_connect(f"{WS}?token={answer.access_token}") as other,
    ):
        wait_until(lambda: listening(services))
        socket.send_json({"type": "typing_start", "conversation_id": str(conversation_id)})
        heard = until(other, "typing_start")
        assert (heard["conversation_id"], heard["user_id"]) == (str(conversation_id), str(caller.user_id))
        socket.send_json({"type": "typing_start", "conversation_id": str(foreign)})
        assert until(socket, "error")["code"] == "conversation_not_found"


def test_nonsense_is_answered_and_the_socket_lives(live_client: TestClient, caller: Caller) -> None:
    with live_client.websocket_connect(f"{WS}?token={token(caller)}") as socket:
        socket.receive_json()
        for text, code in (
            ("{", "malformed"),
            ("[]", "malformed"),
            ('{"type":"dance"}', "unknown_type"),
            ('{"type":"subscribe"}', "bad_subscription"),
        ):
            socket.send_text(text)
            assert socket.receive_json() == {"type": "error", "code": code}
        socket.send_json({"type": "ping"})
        assert socket.receive_json() == {"type": "pong"}
        socket.send_text("x" * (realtime.MAX_FRAME + 1))
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()
        assert closed.value.code == 1009


def test_what_is_no_text_closes_the_socket(live_client: TestClient, caller: Caller) -> None:
    for address, code in ((f"{WS}?token={token(caller)}", 1003), (WS, 1008)):
        with live_client.websocket_connect(address) as socket:
            if code == 1003:
                socket.receive_json()
            socket.send_bytes(b"\x00\xff")
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
            assert closed.value.code == code


def test_a_revoked_session_loses_its_sockets(
    live_client: TestClient, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime, "CHECK_SECONDS", 0.05)
    with live_client.websocket_connect(f"{WS}?token={token(caller)}") as socket:
        socket.receive_json()
        caller.post("/api/v1/auth/logout")
        with pytest.raises(WebSocketDisconnect) as closed:
            until(socket, "never")
        assert closed.value.code == 1008


def test_silence_is_broken_by_heartbeats(
    live_client: TestClient, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime, "HEARTBEAT_SECONDS", 0.05)
    with live_client.websocket_connect(f"{WS}?token={token(caller)}") as socket:
        until(socket, "ping")


def test_a_slow_client_is_told_to_load_again() -> None:
    principal = Principal(uuid4(), uuid4(), Role.AGENT, uuid4())
    connection = Connection(principal)
    for number in range(realtime.QUEUE_SIZE + 50):
        connection.offer({"type": "message_received", "number": number})
    assert connection.queue.qsize() == 1
    assert connection.queue.get_nowait() == {"type": "reconnected", "reason": "too_slow"}


def test_stats_count_ones_own(live_client: TestClient, services: Services, register: NewCaller) -> None:
    mine, theirs = register(), register()

    def stats() -> Any:
        return live_client.get("/api/v1/ws/stats", headers=mine.headers).json()

    assert stats() == {"connections": 0, "users": 0}
    with (
        live_client.websocket_connect(f"{WS}?token={token(mine)}") as one,
        live_client.websocket_connect(f"{WS}?token={token(mine)}") as two,
        live_client.websocket_connect(f"{WS}?token={token(theirs)}") as three,
    ):
        for socket in (one, two, three):
            socket.receive_json()
        assert stats() == {"connections": 2, "users": 1}
        # Another process has sockets of the same organization too; one that died is forgotten.
        elsewhere = SocketCounts(services.redis, services.clock)
        elsewhere.tell(mine.organization_id, 2, [mine.user_id, uuid4()])
        elsewhere.tell(mine.organization_id, 1, [])  # told late: no news
        assert stats() == {"connections": 4, "users": 2}
        gone = SocketCounts(services.redis, FrozenClock(services.clock.now() - timedelta(minutes=5)))
        gone.tell(mine.organization_id, 1, [uuid4()])
        assert stats() == {"connections": 4, "users": 2}
        elsewhere.tell(mine.organization_id, 3, [])
    wait_until(lambda: stats()["connections"] == 0)
