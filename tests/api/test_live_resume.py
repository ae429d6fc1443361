"""Nothing is lost over a reconnect: events have ids, and what was missed is told again, or said to be lost."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from sqlmodel import select

from pytake_app.api import hub
from pytake_app.api.services import Services
from pytake_app.conversations.models import Message
from pytake_app.core.live import event_key
from tests.api.fixtures import Caller, NewCaller
from tests.api.test_realtime import WS, conversation_of, publish, token, until

EVENTS = "/api/v1/conversations/events"


def messages_of(services: Services, caller: Caller, count: int) -> tuple[UUID, list[UUID]]:
    """A conversation with this many messages."""
    conversation_id, first = conversation_of(services, caller)
    with services.database.tenant(caller.organization_id) as session:
        sample = session.exec(select(Message).where(Message.id == first)).one()
        owned = {"organization_id": sample.organization_id, "conversation_id": conversation_id}
        rows = [
            Message(
                **owned, contact_id=sample.contact_id, channel_account_id=sample.channel_account_id, direction="in",
                type="text", text=str(n),
            )
            for n in range(count)
        ]  # fmt: skip
        session.add_all(rows)
        return conversation_id, [row.id for row in rows]


def test_no_gap_and_nothing_twice_over_many_reconnects(
    live_client: TestClient, services: Services, caller: Caller
) -> None:
    """Somebody publishes without pause while the client comes and goes; it hears each message once, in order."""
    conversation_id, ids = messages_of(services, caller, 150)
    begun = threading.Event()

    def talk() -> None:
        begun.wait(10)
        for message_id in ids:
            publish(services, caller, "message_received", conversation_id, message_id)

    talker = threading.Thread(target=talk)
    talker.start()
    heard: list[str] = []
    last = ""
    rounds = 0
    while len(heard) < len(ids):
        rounds += 1
        assert rounds < 100
        with live_client.websocket_connect(f"{WS}?token={token(caller)}") as socket:
            hello = until(socket, "connected")
            if last:
                socket.send_json({"type": "resume", "last_event_id": last})
            else:
                last = hello["last_event_id"]
                begun.set()
            for _ in range(25):
                if len(heard) >= len(ids):
                    break
                event = socket.receive_json()
                assert event["type"] != "reconnected", event
                if event["type"] == "message_received" and event_key(event["event_id"]) > event_key(last):
                    heard.append(event["message"]["id"])
                    last = event["event_id"]
    talker.join()
    assert heard == [str(one) for one in ids]
    assert rounds > 3


def test_what_was_trimmed_or_lost_is_said_to_be(live_client: TestClient, services: Services, caller: Caller) -> None:
    conversation_id, message_id = conversation_of(services, caller)
    key = f"pytake:events:{caller.organization_id}"
    with live_client.websocket_connect(f"{WS}?token={token(caller)}") as socket:
        last = until(socket, "connected")["last_event_id"]
    for _ in range(5):
        publish(services, caller, "message_received", conversation_id, message_id)
    services.redis.xtrim(key, maxlen=3, approximate=False)
    with live_client.websocket_connect(f"{WS}?token={token(caller)}") as socket:
        until(socket, "connected")
        for since in (last, "", "nonsense", "999999999999999-0"):
            socket.send_json({"type": "resume", "last_event_id": since})
            event = until(socket, "reconnected")
            assert event["reason"] == "trimmed"
        fresh = event["last_event_id"]
        publish(services, caller, "conversation_updated", conversation_id)
        assert until(socket, "conversation_updated")["event_id"]
    services.redis.delete(key)
    assert live_client.get(EVENTS, params={"since": fresh}, headers=caller.headers).json()["reset"] is True


def test_polling_tells_the_same(live_client: TestClient, services: Services, register: NewCaller) -> None:
    caller, stranger = register(), register()
    conversation_id, message_id = conversation_of(services, caller)

    def poll(who: Caller, since: str = "", **params: Any) -> Any:
        return live_client.get(EVENTS, params={"since": since, **params}, headers=who.headers).json()

    begin = poll(caller)
    assert (begin["items"], begin["reset"]) == ([], False)
    theirs = poll(stranger)["last_event_id"]
    with live_client.websocket_connect(f"{WS}?token={token(caller)}") as socket:
        until(socket, "connected")
        publish(services, caller, "message_received", conversation_id, message_id)
        publish(services, caller, "conversation_updated", conversation_id)
        for event, user in (("notification", caller.user_id), ("notification", stranger.user_id)):
            services.live.publish(f"org:{caller.organization_id}:notifications", {"event": event, "user_id": str(user)})
        services.live.publish(
            f"org:{caller.organization_id}:queues", {"event": "queue_updated", "queue_id": "q", "change": "entered"}
        )
        live = [until(socket, kind) for kind in (
            "message_received", "conversation_updated", "notification", "queue_updated"
        )]  # fmt: skip
    polled = poll(caller, begin["last_event_id"])
    assert polled["items"] == live
    assert [event["type"] for event in poll(caller, begin["last_event_id"], limit=1)["items"]] == ["message_received"]
    assert poll(caller, begin["last_event_id"], limit=1)["more"] is True
    assert poll(caller, polled["last_event_id"])["items"] == []
    assert poll(stranger, theirs)["items"] == []
    assert poll(stranger, begin["last_event_id"])["reset"] is True


def test_typing_is_of_the_moment(live_client: TestClient, services: Services, caller: Caller) -> None:
    conversation_id, _ = conversation_of(services, caller)
    begin = live_client.get(EVENTS, headers=caller.headers).json()["last_event_id"]
    with live_client.websocket_connect(f"{WS}?token={token(caller)}") as socket:
        until(socket, "connected")
        socket.send_json({"type": "typing_start", "conversation_id": str(conversation_id)})
        socket.send_json({"type": "ping"})
        until(socket, "pong")
    presence = live_client.get(f"/api/v1/conversations/{conversation_id}/presence", headers=caller.headers).json()
    assert presence["lock"]["user_id"] == str(caller.user_id)
    assert live_client.get(EVENTS, params={"since": begin}, headers=caller.headers).json()["items"] == []


def test_what_waits_for_a_replay_is_told_after_it() -> None:
    from uuid import uuid4

    from pytake_app.core.tenancy import Principal, Role

    connection = hub.Connection(Principal(uuid4(), uuid4(), Role.AGENT, uuid4()), held=[])
    for event_id in ("1-0", "2-0", "", "3-0"):
        connection.hear(event_id, event_id)
    connection.offer({"type": "resumed"})
    connection.release("2-0")
    connection.hear("4-0", "4-0")
    told = [connection.queue.get_nowait() for _ in range(connection.queue.qsize())]
    assert told == [{"type": "resumed"}, "", "3-0", "4-0"]
